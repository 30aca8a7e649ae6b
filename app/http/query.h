/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

/* From the text of a request's address to what is asked. */

#include <stddef.h>

#include "dns/dns.h"
#include "export/json.h"
#include "feed/history.h"
#include "http/routes.h"

/* Decoded text that a query points into. */
struct query_text {
	char cursor[64];
	char name[DNS_TEXT_MAX];
	char problem[160]; /* one sentence, when query_parse refused */
};

/*
 * The parameters of /api/v1/domains. Unknown, repeated and malformed ones are
 * refused: a filter that is passed over silently answers another question.
 * 0, or -EINVAL and text->problem.
 */
int query_parse(const struct request *q, struct query_text *text, struct domains_query *out);

/* The same for /api/v1/events. */
int events_query_parse(const struct request *q, struct query_text *text, struct events_query *out);

/*
 * And for /api/v1/events/stream, where Last-Event-ID stands above `since`: a browser that comes
 * back asks for the same address again.
 */
int stream_query_parse(const struct request *q, struct query_text *text, struct events_query *out);
/* The same for /api/v1/allow. */
struct allow_query {
	uint32_t limit;
	const char *cursor; /* or NULL */
};
int allow_query_parse(const struct request *q, struct query_text *text, struct allow_query *out);

/* The same for /api/v1/history. */
int history_query_parse(
	const struct request *q, struct query_text *text, struct history_query *out);

/* The same for what has no parameters. */
int no_query(const struct request *q, struct query_text *text);

/* Undoes %XX (RFC 3986 section 2.1). 0, or -EINVAL: bad escape, an octet 0, or no room. */
int percent_decode(const char *text, char *out, size_t size);
