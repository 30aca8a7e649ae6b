/* SPDX-License-Identifier: BSD-3-Clause */

/* A MISP feed (misp-standard.org, "MISP core format"): one event that holds all domains. */

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <gnutls/crypto.h>

#include "detect/events.h"
#include "export/exports.h"
#include "export/json.h"
#include "export/value.h"

#define MD5_OCTETS 16u
#define EVENT_INFO "Fluxgate: domains in fast flux"

void export_misp_uuid(const struct export_source *from, char uuid[UUID_TEXT_MAX])
{
	uuid_of("event", from->sensor, uuid);
}

/* MISP writes times as texts of seconds. */
static json_t *timestamp_json(uint32_t t)
{
	return json_sprintf("%" PRIu32, t);
}

static json_t *date_json(uint32_t t)
{
	time_t seconds = t;
	struct tm tm;
	char text[16];

	gmtime_r(&seconds, &tm);
	strftime(text, sizeof(text), "%Y-%m-%d", &tm);
	return json_string(text);
}

static json_t *organisation_json(const struct export_source *from)
{
	char uuid[UUID_TEXT_MAX];

	uuid_of("identity", from->sensor, uuid);
	return json_pack("{s:o, s:s}", "name", export_octets(from->sensor), "uuid", uuid);
}

static json_t *tags_json(void)
{
	return json_pack("[{s:s}, {s:s}]", "name", "tlp:amber", "name",
		"misp-galaxy:mitre-attack-pattern=\"Fast Flux DNS - T1568.001\"");
}

/* The oldest verdict's time (without any: the last one's), and when one last moved. */
static void event_times(const struct export_source *from, uint32_t *first, uint32_t *last)
{
	const struct snapshot *s = from->snapshot;

	*first = UINT32_MAX;
	*last = 0;
	for (unsigned i = 0; i < s->verdicts; i++) {
		uint32_t modified = export_modified(from, &s->verdict[i]);

		if (s->verdict[i].first_flagged < *first)
			*first = s->verdict[i].first_flagged;
		if (modified > *last)
			*last = modified;
	}
	/* What went moved it, too. */
	for (uint64_t i = events_oldest(&s->events); i < s->events.next; i++)
		if (events_at(&s->events, i)->time > *last)
			*last = events_at(&s->events, i)->time;
	if (!s->verdicts)
		*first = *last;
}

/* What the manifest says of the event, and the event of itself. */
static json_t *summary_json(const struct export_source *from)
{
	uint32_t first, last;

	event_times(from, &first, &last);
	return json_pack("{s:s, s:o, s:s, s:s, s:o, s:o, s:o}", //
		"info", EVENT_INFO,                             //
		"date", date_json(first),                       //
		"threat_level_id", "2",                         //
		"analysis", "2",                                //
		"timestamp", timestamp_json(last),              //
		"Orgc", organisation_json(from),                //
		"Tag", tags_json());
}

/* An attribute, of a verdict or of one that went. */
struct attribute {
	const uint8_t *name;
	uint8_t name_len;
	bool to_ids;
	bool deleted;
	uint32_t time;
	uint32_t first_seen; /* 0: not known any more */
	json_t *comment;     /* taken over */
};

/* `deleted` of each: one that is flagged anew would stay deleted without. */
static json_t *attribute_json(const struct attribute *a)
{
	char name[DNS_TEXT_MAX], uuid[UUID_TEXT_MAX];

	dns_name_text(a->name, a->name_len, name, sizeof(name));
	uuid_of("attribute", name, uuid);
	return json_pack("{s:s, s:s, s:s, s:s, s:b, s:b, s:b, s:o, s:o, s:o}", //
		"uuid", uuid,                                                  //
		"type", "domain",                                              //
		"category", "Network activity",                                //
		"value", name,                                                 //
		"to_ids", (int)a->to_ids,                                      //
		"deleted", (int)a->deleted,                                    //
		"disable_correlation", 0,                                      //
		"timestamp", timestamp_json(a->time),                          //
		"first_seen", value_seconds(a->first_seen),                    //
		"comment", a->comment);
}

static json_t *flagged_json(const struct export_source *from, const struct verdict *v)
{
	const char *protected = export_protected(from, v);

	return attribute_json(&(struct attribute){.name = v->name,
		.name_len = v->name_len,
		.to_ids = !v->suspected && !protected,
		.time = export_modified(from, v),
		.first_seen = v->first_seen,
		.comment = json_sprintf("%s, %s%s%s", flux_class_name(v->class),
			v->suspected ? "suspected" : "firm", protected ? ", protected: " : "",
			protected ? protected : "")});
}

static json_t *gone_json(const struct verdict_event *e)
{
	return attribute_json(&(struct attribute){.name = e->name,
		.name_len = e->name_len,
		.deleted = true,
		.time = e->time,
		.comment = json_sprintf("%s, %s", flux_class_name((enum flux_class)e->class),
			event_kind_name((enum event_kind)e->kind))});
}

static json_t *gone_append(json_t *list, const struct snapshot *s)
{
	for (uint64_t at = events_oldest(&s->events); at < s->events.next && list; at++) {
		const struct verdict_event *e = export_gone(s, at);

		if (e)
			list = value_whole(list, json_array_append_new(list, gone_json(e)));
	}
	return list;
}

char *export_misp_event(const struct export_source *from, size_t *len)
{
	json_t *event = summary_json(from), *list = json_array();
	char uuid[UUID_TEXT_MAX];
	int bad = 0;

	export_misp_uuid(from, uuid);
	for (unsigned i = 0; i < from->snapshot->verdicts && list; i++)
		list = value_whole(list, json_array_append_new(list,
						 flagged_json(from, &from->snapshot->verdict[i])));
	list = list ? gone_append(list, from->snapshot) : NULL;
	bad |= json_object_set_new(event, "uuid", json_string(uuid));
	bad |= json_object_set_new(event, "published", json_true());
	bad |= json_object_set_new(event, "Attribute", list);
	return export_text(json_pack("{s:o}", "Event", value_whole(event, bad)), len);
}

char *export_misp_manifest(const struct export_source *from, size_t *len)
{
	char uuid[UUID_TEXT_MAX];

	export_misp_uuid(from, uuid);
	return export_text(json_pack("{s:o}", uuid, summary_json(from)), len);
}

char *export_misp_hashes(const struct export_source *from, size_t *len)
{
	char *text = NULL, name[DNS_TEXT_MAX], uuid[UUID_TEXT_MAX];
	FILE *out = open_memstream(&text, len);

	if (!out)
		return NULL;
	export_misp_uuid(from, uuid);
	for (unsigned i = 0; i < from->snapshot->verdicts; i++) {
		const struct verdict *v = &from->snapshot->verdict[i];
		uint8_t md5[MD5_OCTETS] = {0};
		size_t n = dns_name_text(v->name, v->name_len, name, sizeof(name));

		gnutls_hash_fast(GNUTLS_DIG_MD5, name, n, md5);
		for (unsigned k = 0; k < MD5_OCTETS; k++)
			fprintf(out, "%02x", md5[k]);
		fprintf(out, ",%s\n", uuid);
	}
	if (fclose(out) == 0)
		return text;
	free(text);
	return NULL;
}
