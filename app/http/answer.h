/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

/* What the handlers of routes share. */

#include <jansson.h>

#include "dns/dns.h"
#include "http/embedded.h"
#include "http/routes.h"

#define JSON_TYPE "application/json"
#define TEXT_TYPE "text/plain; charset=utf-8"
#define ACKNOWLEDGE "/acknowledge" /* behind a domain's path */

/* Takes the tree over; NULL makes it a 500. */
void answer_json(struct answer *a, unsigned status, const char *type, json_t *tree);

/* Takes the text over; NULL makes it a 500. */
void answer_body(struct answer *a, unsigned status, const char *type, char *body, size_t len);

void answer_problem(struct answer *a, unsigned status, const char *detail);

/* A file as it is, or 304. */
void answer_embedded(const struct request *q, const struct embedded_file *file, struct answer *a);

/* 503, with when to ask again. */
void answer_later(struct answer *a, unsigned seconds, const char *detail);

/* The current snapshot, or NULL with the answer made. */
const struct snapshot *snapshot_needed(const struct routes *r, struct answer *a);

/*
 * A snapshot never changes, so its generation is the tag of all made from it and of what the
 * operator said; the start of the program tells generations of two runs apart.
 */
void snapshot_tag(const struct routes *r, const struct snapshot *s, char tag[ANSWER_ETAG_MAX]);

/* Is `tag` in a list of entity tags (RFC 9110 section 13.1.2, weak comparison)? */
bool etag_listed(const char *list, const char *tag);

/* Gives *a the tag of all that is made from s alone; true with the answer made: the client has it.
 */
bool answer_known(const struct routes *r, const struct request *q, const struct snapshot *s,
	struct answer *a);

/* The verdict on a flagged domain, or NULL. */
const struct verdict *verdict_find(const struct snapshot *s, const struct dns_name *name);

/* A name in presentation form, or with U-labels as people write it; false: it is none. */
bool name_written(const char *text, struct dns_name *name);

/* The name in a path; false with the answer made. */
bool name_needed(const char *rest, struct dns_name *name, struct answer *a);

/* Sets the tag; true with the answer made: the client has it. */
bool answer_matches(const struct request *q, const char *tag, const char *type, struct answer *a);

/* The handlers that have a file of their own. */
void route_domains(
	const struct routes *r, const struct request *q, const char *rest, struct answer *a);
void route_domain(
	const struct routes *r, const struct request *q, const char *rest, struct answer *a);
void route_explain(
	const struct routes *r, const struct request *q, const char *rest, struct answer *a);
void route_eve(const struct routes *r, const struct request *q, const char *rest, struct answer *a);
void route_history(
	const struct routes *r, const struct request *q, const char *rest, struct answer *a);
void route_events(
	const struct routes *r, const struct request *q, const char *rest, struct answer *a);
void route_stream(
	const struct routes *r, const struct request *q, const char *rest, struct answer *a);
void route_rpz(const struct routes *r, const struct request *q, const char *rest, struct answer *a);
void route_cof(const struct routes *r, const struct request *q, const char *rest, struct answer *a);
void route_csv(const struct routes *r, const struct request *q, const char *rest, struct answer *a);
void route_misp(
	const struct routes *r, const struct request *q, const char *rest, struct answer *a);
void route_misp_file(
	const struct routes *r, const struct request *q, const char *rest, struct answer *a);
void route_stix(
	const struct routes *r, const struct request *q, const char *rest, struct answer *a);
void route_blocking(
	const struct routes *r, const struct request *q, const char *rest, struct answer *a);

/* A request that changes something; its handler says what it is about, for the audit log. */
struct change {
	const struct request *request;
	struct visitor who;
	char name[DNS_TEXT_MAX]; /* "" until it is known */
	const char *text;        /* reason or note; NULL until it is known */
	const char *why;         /* of a refusal or failure, static */
	bool accepted;           /* it is in the audit log, and may be made */
};

/* True with the answer made: this visitor may not read. */
bool visitor_refused(const struct routes *r, const struct request *q, struct answer *a);

/* Would it be let in? */
bool change_is_admins(const struct routes *r, const struct request *q);

/* False with the answer made: this visitor may not change anything. */
bool change_admitted(const struct routes *r, struct change *c, struct answer *a);

/* Writes down what was refused, or let in and not made. The last that a handler does. */
void change_settle(const struct routes *r, const struct change *c, const struct answer *a);

/* The handlers of changes; `rest` as for the others. */
void change_allow(const struct routes *r, struct change *c, const char *rest, struct answer *a);
void change_disallow(const struct routes *r, struct change *c, const char *rest, struct answer *a);
void change_acknowledge(
	const struct routes *r, struct change *c, const char *rest, struct answer *a);
void route_allow(
	const struct routes *r, const struct request *q, const char *rest, struct answer *a);
void route_allowed(
	const struct routes *r, const struct request *q, const char *rest, struct answer *a);
