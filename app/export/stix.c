/* SPDX-License-Identifier: BSD-3-Clause */

/* STIX 2.1 (OASIS, June 2021). */

#include <stdio.h>
#include <string.h>

#include "detect/events.h"
#include "export/exports.h"
#include "export/json.h"
#include "export/rfc3339.h"
#include "export/value.h"

/* Appendix A of STIX: "high" and "medium" of the none-to-high scale. */
#define CONFIDENCE_FIRM 85
#define CONFIDENCE_SUSPECTED 50

/* An indicator, of a verdict or of one that went. */
struct indicator {
	const uint8_t *name;
	uint8_t name_len;
	uint8_t class;
	bool suspected;
	bool revoked;
	uint32_t created;
	uint32_t modified;
	const char *protected; /* by what it is from being blocked; or NULL */
};

static void object_id(const char *type, const char *name, char *id, size_t size)
{
	char uuid[UUID_TEXT_MAX];

	uuid_of(type, name, uuid);
	snprintf(id, size, "%s--%s", type, uuid);
}

static json_t *identity_json(const struct export_source *from, const char *id)
{
	return json_pack("{s:s, s:s, s:s, s:s, s:s, s:o, s:s}", //
		"type", "identity",                             //
		"spec_version", "2.1",                          //
		"id", id,                                       //
		"created", "2026-01-01T00:00:00Z",              //
		"modified", "2026-01-01T00:00:00Z",             //
		"name", export_octets(from->sensor),            //
		"identity_class", "system");
}

/* A string of a pattern: a quote and a backslash are escaped (STIX 9.4). */
static void pattern_text(const char *name, char *out, size_t size)
{
	size_t n = (size_t)snprintf(out, size, "[domain-name:value = '");

	for (; *name && n + 4 < size; name++) {
		if (*name == '\'' || *name == '\\')
			out[n++] = '\\';
		out[n++] = *name;
	}
	snprintf(out + n, size - n, "']");
}

static json_t *labels_json(const struct indicator *i)
{
	json_t *labels = json_pack("[s, s]", flux_class_name((enum flux_class)i->class),
		i->suspected ? "suspected" : "firm");

	if (labels && i->protected)
		labels = value_whole(labels,
			json_array_append_new(labels, json_sprintf("protected:%s", i->protected)));
	return labels;
}

static json_t *indicator_json(const struct indicator *i, const char *identity)
{
	char name[DNS_TEXT_MAX], id[64], pattern[2 * DNS_TEXT_MAX];

	dns_name_text(i->name, i->name_len, name, sizeof(name));
	object_id("indicator", name, id, sizeof(id));
	pattern_text(name, pattern, sizeof(pattern));
	return json_pack(
		"{s:s, s:s, s:s, s:s, s:o, s:o, s:b, s:s, s:s, s:[s], s:s, s:s, s:s, s:o, s:i, "
		"s:o, s:[{s:s, s:s}], s:[{s:s, s:s, s:s}]}",                                      //
		"type", "indicator",                                                              //
		"spec_version", "2.1",                                                            //
		"id", id,                                                                         //
		"created_by_ref", identity,                                                       //
		"created", value_seconds(i->created),                                             //
		"modified", value_seconds(i->modified),                                           //
		"revoked", (int)i->revoked,                                                       //
		"name", name,                                                                     //
		"description", "The domain's addresses, or its name servers', are in fast flux.", //
		"indicator_types", "malicious-activity",                                          //
		"pattern", pattern,                                                               //
		"pattern_type", "stix",                                                           //
		"pattern_version", "2.1",                                                         //
		"valid_from", value_seconds(i->created),                                          //
		"confidence", i->suspected ? CONFIDENCE_SUSPECTED : CONFIDENCE_FIRM,              //
		"labels", labels_json(i),                                                         //
		"kill_chain_phases", "kill_chain_name", "mitre-attack", "phase_name",
		"command-and-control", //
		"external_references", "source_name", "mitre-attack", "external_id", "T1568.001",
		"url", "https://attack.mitre.org/techniques/T1568/001/");
}

/* When what went with event `at` was raised; 0: that event is not held. */
static uint32_t raised_at(const struct event_ring *r, uint64_t at)
{
	const struct verdict_event *gone = events_at(r, at);

	while (at-- > events_oldest(r)) {
		const struct verdict_event *e = events_at(r, at);

		if (e->kind == EVENT_RAISED && e->name_len == gone->name_len &&
			memcmp(e->name, gone->name, e->name_len) == 0)
			return e->time;
	}
	return 0;
}

static json_t *revoked_append(json_t *objects, const struct snapshot *s, const char *identity)
{
	const struct event_ring *r = &s->events;

	for (uint64_t at = events_oldest(r); at < r->next && objects; at++) {
		const struct verdict_event *e = export_gone(s, at);

		if (!e)
			continue;
		const struct indicator i = {.name = e->name,
			.name_len = e->name_len,
			.class = e->class,
			.suspected = e->suspected,
			.revoked = true,
			.created = raised_at(r, at),
			.modified = e->time};
		/* `created` must not change: without it no version can be made. */
		if (i.created)
			objects = value_whole(objects,
				json_array_append_new(objects, indicator_json(&i, identity)));
	}
	return objects;
}

char *export_stix(const struct export_source *from, size_t *len)
{
	const struct snapshot *s = from->snapshot;
	char identity[64], bundle[64];
	json_t *objects;

	object_id("identity", from->sensor, identity, sizeof(identity));
	object_id("bundle", from->sensor, bundle, sizeof(bundle));
	objects = json_pack("[o]", identity_json(from, identity));
	for (unsigned k = 0; k < s->verdicts && objects; k++) {
		const struct verdict *v = &s->verdict[k];
		const struct indicator i = {.name = v->name,
			.name_len = v->name_len,
			.class = (uint8_t)v->class,
			.suspected = v->suspected,
			.created = v->first_flagged,
			.modified = export_modified(from, v),
			.protected = export_protected(from, v)};

		objects = value_whole(
			objects, json_array_append_new(objects, indicator_json(&i, identity)));
	}
	objects = objects ? revoked_append(objects, s, identity) : NULL;
	return export_text(
		json_pack("{s:s, s:s, s:o}", "type", "bundle", "id", bundle, "objects", objects),
		len);
}
