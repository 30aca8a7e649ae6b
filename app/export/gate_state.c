/* SPDX-License-Identifier: BSD-3-Clause */

#include <stdlib.h>
#include <string.h>

#include <jansson.h>

#include "export/gate_state.h"
#include "export/json.h"
#include "export/value.h"

static json_t *entries_json(const struct gate *g)
{
	json_t *list = json_array();
	char name[DNS_TEXT_MAX];

	for (unsigned i = 0; i < g->n && list; i++) {
		const struct gate_entry *e = &g->entry[i];

		dns_name_text(e->name, e->name_len, name, sizeof(name));
		list = value_whole(
			list, json_array_append_new(list,
				      json_pack("{s:s, s:o, s:o, s:o, s:s}", "name", name,        //
					      "firm_since", value_count(e->firm_since),           //
					      "listed_since", value_count(e->listed_since),       //
					      "protection_time", value_count(e->protection_time), //
					      "protection",
					      gate_reason_name((enum gate_reason)e->protection))));
	}
	return list;
}

static json_t *additions_json(const struct gate *g)
{
	json_t *list = json_array();

	for (unsigned i = 0; i < g->additions && list; i++)
		list = value_whole(list, json_array_append_new(list, value_count(g->addition[i])));
	return list;
}

char *gate_state_text(const struct gate *g, uint32_t serial, size_t *len)
{
	return export_text(json_pack("{s:i, s:o, s:o, s:o, s:o, s:o, s:o}",          //
				   "schema_version", EXPORT_SCHEMA_VERSION,          //
				   "serial", value_count(serial),                    //
				   "watching_since", value_count(g->watching_since), //
				   "frozen_since", value_count(g->frozen_since),     //
				   "frozen_at", value_count(g->frozen_at),           //
				   "additions", additions_json(g),                   //
				   "entries", entries_json(g)),
		len);
}

/* A number of 32 bits. */
static bool number(const json_t *value, uint32_t *out)
{
	json_int_t n = json_integer_value(value);

	*out = (uint32_t)n;
	return json_is_integer(value) && n >= 0 && n <= UINT32_MAX;
}

/* A state of before it was kept, or with a reason of a later one, does not tell. */
static void protection_parse(struct gate_entry *e, const json_t *item)
{
	const char *by = json_string_value(json_object_get(item, "protection"));
	uint32_t time;

	if (!by || !number(json_object_get(item, "protection_time"), &time))
		return;
	for (unsigned r = 0; r < GATE_REASON_COUNT; r++)
		if (strcmp(by, gate_reason_name((enum gate_reason)r)) == 0) {
			e->protection = (uint8_t)r;
			e->protection_time = time;
		}
}

static bool entry_parse(struct gate_entry *e, const json_t *item)
{
	const char *text = json_string_value(json_object_get(item, "name"));
	struct dns_name name;

	if (!text || dns_name_parse(text, &name) < 0 ||
		!number(json_object_get(item, "firm_since"), &e->firm_since) ||
		!number(json_object_get(item, "listed_since"), &e->listed_since))
		return false;
	protection_parse(e, item);
	e->reason = e->listed_since ? GATE_LISTED : GATE_SUSPECTED;
	e->name_len = name.len;
	memcpy(e->name, name.wire, name.len);
	return true;
}

static int ascending(const void *a, const void *b)
{
	uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

	return (x > y) - (x < y);
}

static const char *lists_parse(struct gate *g, const json_t *additions, const json_t *entries)
{
	if (!json_is_array(additions) || json_array_size(additions) > GATE_ADDITIONS_MAX ||
		!json_is_array(entries) || json_array_size(entries) > UINT16_MAX)
		return "no lists of ours";
	for (; g->additions < json_array_size(additions); g->additions++)
		if (!number(json_array_get(additions, g->additions), &g->addition[g->additions]))
			return "an addition is no time";
	qsort(g->addition, g->additions, sizeof(g->addition[0]), ascending);
	g->entry = calloc(json_array_size(entries) + 1, sizeof(*g->entry));
	if (!g->entry)
		return "out of memory";
	for (; g->n < json_array_size(entries); g->n++)
		if (!entry_parse(&g->entry[g->n], json_array_get(entries, g->n)))
			return "an entry is none of ours";
	gate_seal(g);
	return NULL;
}

const char *gate_state_parse(struct gate *g, uint32_t *serial, const char *text, size_t len)
{
	json_t *root = json_loadb(text, len, JSON_REJECT_DUPLICATES, NULL);
	uint32_t version;
	const char *why = NULL;

	gate_init(g);
	if (!number(json_object_get(root, "schema_version"), &version) ||
		version != EXPORT_SCHEMA_VERSION ||
		!number(json_object_get(root, "serial"), serial) ||
		!number(json_object_get(root, "watching_since"), &g->watching_since) ||
		!number(json_object_get(root, "frozen_since"), &g->frozen_since) ||
		!number(json_object_get(root, "frozen_at"), &g->frozen_at))
		why = "no state of ours";
	else
		why = lists_parse(
			g, json_object_get(root, "additions"), json_object_get(root, "entries"));
	json_decref(root);
	if (why) {
		gate_free(g);
		*serial = 0;
	}
	return why;
}
