/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

/* What a sensor answers, as JSON whose strings may be printed. */

#include <jansson.h>

#include "client.h"

/*
 * The tree of a text, each string and key of it cleaned (text.h): what is printed
 * of it can't act upon a terminal. NULL: no JSON, or out of memory.
 */
json_t *answer_clean(const char *body, size_t len);

/* An object of the API, all of which have schema_version? */
bool answer_is_ours(const json_t *tree);

/*
 * The tree of a response, which the caller lets go. Another status than 200 is an error
 * line with the problem's own detail, and the exit code for it; what is no answer of a
 * sensor, whatever its status, is CTL_SERVER.
 */
int answer_of(struct ctl *ctl, const struct path *p, const struct response *r, json_t **tree);

/* GET, and the tree of the answer so. */
int answer_get(struct ctl *ctl, const struct path *p, json_t **tree);

/*
 * The same for a method that changes something; `json` may be NULL, and so may `tree` be. A
 * DELETE leaves NULL there.
 */
int answer_send(
	struct ctl *ctl, const char *method, const struct path *p, const char *json, json_t **tree);

/* The exit code for a response of another status than 200, with the error line. */
int answer_refused(struct ctl *ctl, const struct path *p, const struct response *r);

/*
 * Prints JSON as the sensor sent it, octet by octet. Only where it holds what is no
 * plain text for this locale is the same value written with escapes.
 */
int answer_print(struct ctl *ctl, const struct response *r);

/* A GET whose answer is printed so. */
int answer_raw(struct ctl *ctl, const struct path *p);

/* As answer_raw, and the tree as answer_get gives it; the caller lets it go. */
int answer_raw_tree(struct ctl *ctl, const struct path *p, json_t **tree);

/* Members: "-" for a text that is missing or null, NAN for a number. Dots go into objects. */
const char *member_text(const json_t *tree, const char *name);
double member_number(const json_t *tree, const char *name);
const json_t *member(const json_t *tree, const char *name);

/* A number as a person reads it: 1234567 -> "1234567", 0.5 -> "0.5"; "-" when it is none. */
#define NUMBER_MAX 32u
const char *member_print(const json_t *tree, const char *name, int decimals, char text[NUMBER_MAX]);
