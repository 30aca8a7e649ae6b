/* SPDX-License-Identifier: BSD-3-Clause */

/* /api/v1/export/ and /api/v1/blocking: what other programs take and act upon. */

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <microhttpd.h>

#include "base/hash.h"
#include "export/rpz.h"
#include "export/zone.h"
#include "http/answer.h"

#define ZONE_TYPE "text/dns" /* RFC 4027 */

/* The octets' own tag: the same over runs and snapshots as long as the content is. */
static void content_tag(const char *text, size_t len, char tag[ANSWER_ETAG_MAX])
{
	static const struct hash_key key = {0x13198a2e03707344u, 0xa4093822299f31d0u};

	snprintf(tag, ANSWER_ETAG_MAX, "\"%016" PRIx64 "\"", hash_bytes(text, len, key));
}

static const struct rpz_picture *picture_needed(const struct routes *r, struct answer *a)
{
	if (r->rpz)
		return rpz_get(r->rpz);
	answer_problem(a, MHD_HTTP_NOT_FOUND, "A replay blocks nothing.");
	return NULL;
}

static void picture_release(void *picture)
{
	rpz_put(picture);
}

/* The zone as it would be in mode "block". */
static void answer_preview(const struct request *q, const struct rpz_picture *p, struct answer *a)
{
	char tag[ANSWER_ETAG_MAX];
	size_t len = 0;
	char *records = zone_records(p->entry, p->n, &len);
	char *text = records ? zone_text(p->name, p->serial, records, &len) : NULL;

	free(records);
	if (!text) {
		answer_problem(a, MHD_HTTP_INTERNAL_SERVER_ERROR, "Out of memory.");
		return;
	}
	content_tag(text, len, tag);
	if (answer_matches(q, tag, ZONE_TYPE, a)) {
		free(text);
		return;
	}
	a->status = MHD_HTTP_OK;
	a->body = a->owner = text;
	a->len = len;
	a->release = free;
}

/* Takes the reference over. */
static void answer_zone(const struct request *q, const struct rpz_picture *p, struct answer *a)
{
	char tag[ANSWER_ETAG_MAX];

	content_tag(p->zone, p->zone_octets, tag);
	if (answer_matches(q, tag, ZONE_TYPE, a)) {
		rpz_put(p);
		return;
	}
	a->status = MHD_HTTP_OK;
	a->body = p->zone;
	a->len = p->zone_octets;
	a->release = picture_release;
	a->owner = (void *)p;
}

/* 1, 0, or -1 with the answer made. */
static int preview_asked(const struct request *q, struct answer *a)
{
	if (q->params == 0)
		return 0;
	if (q->params == 1 && strcmp(q->param[0].name, "preview") == 0 && q->param[0].value &&
		strcmp(q->param[0].value, "1") == 0)
		return 1;
	answer_problem(a, MHD_HTTP_BAD_REQUEST, "The one parameter is preview=1.");
	return -1;
}

void route_rpz(const struct routes *r, const struct request *q, const char *rest, struct answer *a)
{
	(void)rest;
	int preview = preview_asked(q, a);
	const struct rpz_picture *p = preview < 0 ? NULL : picture_needed(r, a);

	if (!p)
		return;
	if (preview) {
		answer_preview(q, p, a);
		rpz_put(p);
	} else {
		answer_zone(q, p, a);
	}
}

void route_blocking(
	const struct routes *r, const struct request *q, const char *rest, struct answer *a)
{
	(void)q, (void)rest;
	const struct rpz_picture *p = picture_needed(r, a);

	if (p)
		answer_json(a, MHD_HTTP_OK, JSON_TYPE, export_blocking(p));
	rpz_put(p);
}
