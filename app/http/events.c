/* SPDX-License-Identifier: BSD-3-Clause */

/* /api/v1/events and /api/v1/events/stream */

#include <errno.h>
#include <string.h>

#include <microhttpd.h>

#include "http/answer.h"
#include "http/query.h"
#include "http/stream.h"

#define EVENTS_GONE \
	"since: events after it are not held any more, or it is of another run: " \
	"read /api/v1/domains, and begin again without since."

void route_events(
	const struct routes *r, const struct request *q, const char *rest, struct answer *a)
{
	(void)rest;
	struct query_text text;
	struct events_query query;
	json_t *page = NULL;

	if (events_query_parse(q, &text, &query)) {
		answer_problem(a, MHD_HTTP_BAD_REQUEST, text.problem);
		return;
	}
	const struct snapshot *s = snapshot_needed(r, a);
	if (!s)
		return;
	int rc = export_events(s, &query, &page);
	if (rc == -ESTALE)
		answer_problem(a, MHD_HTTP_GONE, EVENTS_GONE);
	else if (rc == 0 && answer_known(r, q, s, a))
		json_decref(page);
	else
		answer_json(a, MHD_HTTP_OK, JSON_TYPE, page);
	snapshot_put(s);
}

void route_stream(
	const struct routes *r, const struct request *q, const char *rest, struct answer *a)
{
	(void)rest;
	struct query_text text;
	struct events_query query;

	if (stream_query_parse(q, &text, &query)) {
		answer_problem(a, MHD_HTTP_BAD_REQUEST, text.problem);
		return;
	}
	const struct snapshot *s = snapshot_needed(r, a);
	if (!s)
		return;
	uint64_t start = export_events_start(&s->events, &query);
	snapshot_put(s);
	if (start == 0) {
		answer_problem(a, MHD_HTTP_GONE, EVENTS_GONE);
		return;
	}
	a->status = MHD_HTTP_OK;
	a->content_type = STREAM_CONTENT_TYPE;
	if (strcmp(q->method, MHD_HTTP_METHOD_GET) == 0)
		a->stream = start;
}
