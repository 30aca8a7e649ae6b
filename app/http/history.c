/* SPDX-License-Identifier: BSD-3-Clause */

/* /api/v1/history */

#include <errno.h>

#include <microhttpd.h>

#include "feed/history.h"
#include "http/answer.h"
#include "http/query.h"

void route_history(
	const struct routes *r, const struct request *q, const char *rest, struct answer *a)
{
	(void)rest;
	struct query_text text;
	struct history_query query;
	json_t *page = NULL;

	if (history_query_parse(q, &text, &query)) {
		answer_problem(a, MHD_HTTP_BAD_REQUEST, text.problem);
		return;
	}
	if (!r->history) {
		answer_problem(a, MHD_HTTP_NOT_FOUND,
			"No history is kept: name a file in history.path and restart.");
		return;
	}
	int rc = history_read(r->history, &query, &page);
	if (rc == 0)
		answer_json(a, MHD_HTTP_OK, JSON_TYPE, page);
	else if (rc == -EINVAL)
		answer_problem(
			a, MHD_HTTP_BAD_REQUEST, "cursor: not the next_cursor of a page of this.");
	else if (rc == -ETIMEDOUT)
		answer_problem(a, MHD_HTTP_SERVICE_UNAVAILABLE,
			"The history did not answer in time: ask for less, or again later.");
	else
		answer_problem(a, MHD_HTTP_SERVICE_UNAVAILABLE,
			"The history cannot be read: see export in /api/v1/status, and the log.");
}
