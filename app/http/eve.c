/* SPDX-License-Identifier: BSD-3-Clause */

/* /api/v1/export/eve */

#include <microhttpd.h>

#include "export/eve.h"
#include "http/answer.h"
#include "http/query.h"

/* One JSON object a line. */
#define LINES_TYPE "application/x-ndjson"

void route_eve(const struct routes *r, const struct request *q, const char *rest, struct answer *a)
{
	(void)rest;
	char host[EXPORT_HOST_MAX];
	struct query_text text;
	size_t len = 0;

	if (no_query(q, &text)) {
		answer_problem(a, MHD_HTTP_BAD_REQUEST, text.problem);
		return;
	}
	const struct snapshot *s = snapshot_needed(r, a);
	if (s && !answer_known(r, q, s, a)) {
		export_host(host);
		char *lines = export_eve_lines(s, host, &len);
		answer_body(a, MHD_HTTP_OK, LINES_TYPE, lines, len);
	}
	snapshot_put(s);
}
