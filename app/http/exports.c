/* SPDX-License-Identifier: BSD-3-Clause */

/* /api/v1/export/ and /api/v1/blocking: what other programs take and act upon. */

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <microhttpd.h>

#include "base/hash.h"
#include "export/exports.h"
#include "export/rpz.h"
#include "export/zone.h"
#include "http/answer.h"

#define HOST_MAX 256u        /* of a machine's name, with NUL */
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

/* Takes the text over; NULL makes it a 500. */
static void answer_octets(
	const struct request *q, char *text, size_t len, const char *type, struct answer *a)
{
	char tag[ANSWER_ETAG_MAX];

	if (!text) {
		answer_problem(a, MHD_HTTP_INTERNAL_SERVER_ERROR, "Out of memory.");
		return;
	}
	content_tag(text, len, tag);
	if (answer_matches(q, tag, type, a)) {
		free(text);
		return;
	}
	a->status = MHD_HTTP_OK;
	a->body = a->owner = text;
	a->len = len;
	a->release = free;
}

/* The zone as it would be in mode "block". */
static void answer_preview(const struct request *q, const struct rpz_picture *p, struct answer *a)
{
	size_t len = 0;
	char *records = zone_records(p->entry, p->n, &len);
	char *text = records ? zone_text(p->name, p->serial, records, &len) : NULL;

	free(records);
	answer_octets(q, text, len, ZONE_TYPE, a);
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

typedef char *export_fn(const struct export_source *from, size_t *len);

/* Made of the current snapshot, with a tag of the content. */
static void answer_export(const struct routes *r, const struct request *q, const char *type,
	export_fn *make, struct answer *a)
{
	char host[HOST_MAX] = "fluxgate";
	struct export_source from = {.sensor = host};
	size_t len = 0;

	if (q->params) {
		answer_problem(a, MHD_HTTP_BAD_REQUEST, "There are no parameters.");
		return;
	}
	from.snapshot = snapshot_needed(r, a);
	if (!from.snapshot)
		return;
	from.picture = r->rpz ? rpz_get(r->rpz) : NULL;
	gethostname(host, sizeof(host) - 1);
	char *text = make(&from, &len);
	answer_octets(q, text, len, type, a);
	rpz_put(from.picture);
	snapshot_put(from.snapshot);
}

void route_cof(const struct routes *r, const struct request *q, const char *rest, struct answer *a)
{
	(void)rest;
	answer_export(r, q, "application/x-ndjson", export_cof, a);
}

void route_csv(const struct routes *r, const struct request *q, const char *rest, struct answer *a)
{
	(void)rest;
	answer_export(r, q, "text/csv; charset=utf-8; header=present", export_csv, a);
}

void route_stix(const struct routes *r, const struct request *q, const char *rest, struct answer *a)
{
	(void)rest;
	answer_export(r, q, "application/stix+json;version=2.1", export_stix, a);
}

void route_misp(const struct routes *r, const struct request *q, const char *rest, struct answer *a)
{
	(void)rest;
	answer_export(r, q, JSON_TYPE, export_misp_event, a);
}

/* A feed is a folder: its manifest, its event under the UUID, its hashes. */
void route_misp_file(
	const struct routes *r, const struct request *q, const char *rest, struct answer *a)
{
	char host[HOST_MAX] = "fluxgate", uuid[UUID_TEXT_MAX], event[UUID_TEXT_MAX + 5];

	gethostname(host, sizeof(host) - 1);
	export_misp_uuid(&(struct export_source){.sensor = host}, uuid);
	snprintf(event, sizeof(event), "%s.json", uuid);
	if (strcmp(rest, "manifest.json") == 0)
		answer_export(r, q, JSON_TYPE, export_misp_manifest, a);
	else if (strcmp(rest, event) == 0)
		answer_export(r, q, JSON_TYPE, export_misp_event, a);
	else if (strcmp(rest, "hashes.csv") == 0)
		answer_export(
			r, q, "text/csv; charset=utf-8; header=absent", export_misp_hashes, a);
	else
		answer_problem(a, MHD_HTTP_NOT_FOUND,
			"The feed has manifest.json, the event that it names, and hashes.csv.");
}
