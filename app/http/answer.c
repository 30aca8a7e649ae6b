/* SPDX-License-Identifier: BSD-3-Clause */

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <microhttpd.h>

#include "http/answer.h"

#define PROBLEM_TYPE "application/problem+json"

void answer_body(struct answer *a, unsigned status, const char *type, char *body, size_t len)
{
	a->status = body ? status : MHD_HTTP_INTERNAL_SERVER_ERROR;
	a->content_type = body ? type : TEXT_TYPE;
	a->body = body;
	a->len = body ? len : 0;
	a->release = free;
	a->owner = body;
}

void answer_json(struct answer *a, unsigned status, const char *type, json_t *tree)
{
	size_t len = 0;
	char *text = export_text(tree, &len);

	answer_body(a, status, type, text, len);
}

void answer_problem(struct answer *a, unsigned status, const char *detail)
{
	answer_json(a, status, PROBLEM_TYPE,
		export_problem(status, MHD_get_reason_phrase_for(status), detail));
}

void answer_later(struct answer *a, unsigned seconds, const char *detail)
{
	answer_problem(a, MHD_HTTP_SERVICE_UNAVAILABLE, detail);
	a->retry_after = seconds;
}

const struct snapshot *snapshot_needed(const struct routes *r, struct answer *a)
{
	const struct snapshot *s = snapshot_get(r->board);

	if (!s)
		answer_problem(a, MHD_HTTP_SERVICE_UNAVAILABLE,
			"The first epoch is not in yet: ask again in a few seconds.");
	return s;
}

bool etag_listed(const char *list, const char *tag)
{
	size_t n = strlen(tag);

	while (*list) {
		list += strspn(list, " \t,");
		if (*list == '*')
			return true;
		if (strncmp(list, "W/", 2) == 0)
			list += 2;
		if (strncmp(list, tag, n) == 0)
			return true;
		list += strcspn(list, ",");
	}
	return false;
}

void snapshot_tag(const struct routes *r, const struct snapshot *s, char tag[ANSWER_ETAG_MAX])
{
	snprintf(tag, ANSWER_ETAG_MAX, "\"%" PRIx32 "-%" PRIx32 "-%" PRIx32 "\"", r->started,
		s->generation, marks_generation(&r->marks));
}

bool answer_known(
	const struct routes *r, const struct request *q, const struct snapshot *s, struct answer *a)
{
	snapshot_tag(r, s, a->etag);
	if (!q->if_none_match || !etag_listed(q->if_none_match, a->etag))
		return false;
	a->status = MHD_HTTP_NOT_MODIFIED;
	a->content_type = JSON_TYPE;
	return true;
}

bool answer_matches(const struct request *q, const char *tag, const char *type, struct answer *a)
{
	snprintf(a->etag, sizeof(a->etag), "%s", tag);
	a->content_type = type;
	if (!q->if_none_match || !etag_listed(q->if_none_match, a->etag))
		return false;
	a->status = MHD_HTTP_NOT_MODIFIED;
	return true;
}

void answer_embedded(const struct request *q, const struct embedded_file *file, struct answer *a)
{
	a->policy = file->policy;
	if (answer_matches(q, file->etag, file->content_type, a))
		return;
	a->status = MHD_HTTP_OK;
	a->body = file->octets;
	a->len = file->len;
}
