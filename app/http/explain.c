/* SPDX-License-Identifier: BSD-3-Clause */

/* /api/v1/explain/{name}: the one answer that control gives itself. */

#include <errno.h>
#include <stdlib.h>

#include <microhttpd.h>

#include "export/value.h"
#include "http/answer.h"

static json_t *explanation_marked(
	const struct marks *m, const struct dns_name *name, const struct explanation *e)
{
	json_t *tree = export_explanation(name, e);
	json_t *verdict = e->flagged ? json_object_get(tree, "verdict") : NULL;

	return verdict ? value_whole(tree, marks_put(m, verdict, &e->verdict)) : tree;
}

static void answer_asked(const struct routes *r, const struct dns_name *name, struct explanation *e,
	struct answer *a)
{
	int rc = mailbox_ask(r->mailbox, name, e);

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
		answer_json(a, MHD_HTTP_OK, JSON_TYPE, explanation_marked(&r->marks, name, e));
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
		answer_asked(r, &name, e, a);
	free(e);
}
