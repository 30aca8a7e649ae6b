/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

/*
 * The operator's allow-list: registered domains, or host names, that nothing blocks
 * whatever the verdict. They are flagged and shown as others are. Management threads only,
 * as notes are (export/notes.h), which says of each function what it returns.
 *
 * File: as GET /api/v1/allow writes its entries. Of an entry written by hand the name
 * suffices; who is then "config".
 */

#include "export/notes.h"

#define ALLOW_MAX NOTES_MAX

struct allow;

/* "": in memory only. As notes_open. */
int allow_open(struct allow **out, const char *path, char err[ERROR_LINE_MAX]);
void allow_close(struct allow *a); /* nobody may be reading; NULL is allowed */

/* Is the name, or one above it, on the list? NULL: nothing is. O(labels * log n). */
bool allow_has(const struct allow *a, const struct dns_name *name);

/* Is the name, or one below it, on the list? NULL: nothing is. O(n). */
bool allow_below(const struct allow *a, const struct dns_name *name);

/* Counts changes, from a number of the start: the same number, the same list. */
uint32_t allow_generation(const struct allow *a);
size_t allow_count(const struct allow *a);

/* As notes_add, notes_remove and notes_page; the text is the reason. */
int allow_add(struct allow *a, const struct dns_name *name, const struct note *note);
int allow_remove(struct allow *a, const struct dns_name *name);
int allow_page(const struct allow *a, const char *cursor, uint32_t limit, json_t **out);
