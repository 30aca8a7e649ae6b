/* SPDX-License-Identifier: BSD-3-Clause */

/* /api/v1/domains and what is below it, for reading */

#include <errno.h>
#include <string.h>

#include <microhttpd.h>

#include "export/value.h"
#include "http/answer.h"
#include "http/query.h"
#include "psl/list.h"

void route_domains(
	const struct routes *r, const struct request *q, const char *rest, struct answer *a)
{
	(void)rest;
	struct query_text text;
	struct domains_query query;
	char tag[ANSWER_ETAG_MAX];
	json_t *page = NULL;

	if (query_parse(q, &text, &query)) {
		answer_problem(a, MHD_HTTP_BAD_REQUEST, text.problem);
		return;
	}
	const struct snapshot *s = snapshot_needed(r, a);
	if (!s)
		return;
	query.marks = &r->marks;
	/* Before the marks are read: they may change meanwhile, and the page is of before then. */
	snapshot_tag(r, s, tag);
	int rc = export_domains(s, &query, &page);
	if (rc == -EINVAL)
		answer_problem(a, MHD_HTTP_BAD_REQUEST,
			"cursor: not the next_cursor of a page with these filters.");
	else if (rc == -ESTALE)
		answer_problem(a, MHD_HTTP_GONE,
			"cursor: its snapshot is gone; begin again without a cursor.");
	else if (rc == 0 && answer_matches(q, tag, JSON_TYPE, a))
		json_decref(page);
	else
		answer_json(a, MHD_HTTP_OK, JSON_TYPE, page);
	snapshot_put(s);
}

const struct verdict *verdict_find(const struct snapshot *s, const struct dns_name *name)
{
	for (unsigned i = 0; i < s->verdicts; i++) {
		const struct verdict *v = &s->verdict[i];
		if (v->name_len == name->len && memcmp(v->name, name->wire, name->len) == 0)
			return v;
	}
	return NULL;
}

bool name_written(const char *text, struct dns_name *name)
{
	bool ascii = true;

	for (const char *at = text; *at; at++)
		ascii &= (unsigned char)*at < 0x80;
	return ascii ? dns_name_parse(text, name) == 0
		     : psl_list_name(text, strlen(text), name) == NULL;
}

bool name_needed(const char *rest, struct dns_name *name, struct answer *a)
{
	char text[DNS_TEXT_MAX];

	if (percent_decode(rest, text, sizeof(text)) == 0 && name_written(text, name))
		return true;
	answer_problem(a, MHD_HTTP_BAD_REQUEST,
		"Not a domain name: labels of 1 to 63 octets, others than "
		"letters, digits, '-', '_' and '*' as \\DDD, percent-encoded.");
	return false;
}

static json_t *domain_marked(
	const struct routes *r, const struct snapshot *s, const struct verdict *v)
{
	json_t *detail = export_domain_detail(s, v);

	return value_whole(detail, marks_put(&r->marks, detail, v));
}

void route_domain(
	const struct routes *r, const struct request *q, const char *rest, struct answer *a)
{
	struct dns_name name;

	if (!name_needed(rest, &name, a))
		return;
	const struct snapshot *s = snapshot_needed(r, a);
	if (!s)
		return;
	const struct verdict *v = verdict_find(s, &name);
	if (!v)
		answer_problem(a, MHD_HTTP_NOT_FOUND,
			"Not flagged. Flagged domains are registered domains, not host names; "
			"/api/v1/explain/{name} says of any name why not.");
	else if (!answer_known(r, q, s, a))
		answer_json(a, MHD_HTTP_OK, JSON_TYPE, domain_marked(r, s, v));
	snapshot_put(s);
}
