/* SPDX-License-Identifier: BSD-3-Clause */

/* /api/v1/events */

#include <errno.h>

#include <microhttpd.h>

#include "http/answer.h"
#include "http/query.h"

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
		answer_problem(a, MHD_HTTP_GONE,
			"since: events after it are not held any more, or it is of another run: "
			"read /api/v1/domains, and begin again without since.");
	else if (rc == 0 && answer_known(r, q, s, a))
		json_decref(page);
	else
		answer_json(a, MHD_HTTP_OK, JSON_TYPE, page);
	snapshot_put(s);
}
