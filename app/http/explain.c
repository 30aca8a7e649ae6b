/* SPDX-License-Identifier: BSD-3-Clause */

/* /api/v1/explain/{name}: the one answer that control gives itself. */

#include <errno.h>
#include <stdlib.h>

#include <microhttpd.h>

#include "http/answer.h"

static void answer_asked(
	struct mailbox *m, const struct dns_name *name, struct explanation *e, struct answer *a)
{
	int rc = mailbox_ask(m, name, e);

	if (rc == -EBUSY)
		answer_problem(a, MHD_HTTP_SERVICE_UNAVAILABLE,
			"Others are asking: ask again in a moment.");
	else if (rc)
		answer_problem(a, MHD_HTTP_SERVICE_UNAVAILABLE,
			"Control did not answer in time: it may be closing a large epoch; ask "
			"again.");
	else if (e->tier == TIER_NOTHING)
		answer_problem(a, MHD_HTTP_NOT_FOUND, e->text);
	else
		answer_json(a, MHD_HTTP_OK, JSON_TYPE, export_explanation(name, e));
}

void route_explain(
	const struct routes *r, const struct request *q, const char *rest, struct answer *a)
{
	(void)q;
	struct dns_name name;

	if (!name_needed(rest, &name, a))
		return;
	/* Before the first epoch is in nothing is known of anybody. */
	const struct snapshot *s = snapshot_needed(r, a);
	if (!s)
		return;
	snapshot_put(s);
	if (!r->mailbox) {
		answer_problem(a, MHD_HTTP_SERVICE_UNAVAILABLE, "Nobody here explains names.");
		return;
	}
	struct explanation *e = malloc(sizeof(*e));
	if (!e)
		answer_json(a, MHD_HTTP_INTERNAL_SERVER_ERROR, JSON_TYPE, NULL);
	else
		answer_asked(r->mailbox, &name, e, a);
	free(e);
}
