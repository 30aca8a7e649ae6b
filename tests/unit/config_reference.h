/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

/* What docs/fluxgate.schema.json and docs/configuration.md must say, by the table. */

#include <math.h>
#include <string.h>

#include "config/table.h"

/* A JSON number that is an integer where it has no fraction. */
static inline json_t *reference_number(double x)
{
	return floor(x) == x ? json_integer((json_int_t)x) : json_real(x);
}

static inline json_t *schema_object(const struct config_table *table, const json_t *defaults);

static inline json_t *schema_list(const struct config_row *row)
{
	json_t *item;

	if (row->kind == CONFIG_TEXTS)
		item = json_pack("{s:s, s:i}", "type", "string", "maxLength", (int)row->size - 1);
	else if (row->kind == CONFIG_UDP_PORTS)
		item = json_pack(
			"{s:s, s:i, s:i}", "type", "integer", "minimum", 1, "maximum", 65535);
	else
		item = schema_object(row->element, NULL);

	json_t *list = json_pack("{s:s, s:i, s:i, s:o}", "type", "array", "minItems", (int)row->min,
		"maxItems", (int)row->max, "items", item);
	if (row->kind == CONFIG_UDP_PORTS)
		json_object_set_new(list, "uniqueItems", json_true());
	return list;
}

static inline json_t *schema_power(const struct config_row *row)
{
	json_t *all = json_array();

	for (json_int_t n = (json_int_t)row->min; (double)n <= row->max; n *= 2)
		json_array_append_new(all, json_integer(n));
	return json_pack("{s:o}", "enum", all);
}

static inline json_t *schema_choice(const struct config_row *row)
{
	json_t *all = json_array();

	for (unsigned i = 0; i < row->choice_count; i++)
		json_array_append_new(all, json_string(row->choices[i]));
	return json_pack("{s:o}", "enum", all);
}

static inline json_t *schema_kind(const struct config_row *row)
{
	switch (row->kind) {
	case CONFIG_BOOL:
		return json_pack("{s:s}", "type", "boolean");
	case CONFIG_UINT:
	case CONFIG_DOUBLE:
		return json_pack("{s:s, s:o, s:o}", "type",
			row->kind == CONFIG_UINT ? "integer" : "number", "minimum",
			reference_number(row->min), "maximum", reference_number(row->max));
	case CONFIG_POWER:
		return schema_power(row);
	case CONFIG_TEXT:
		return json_pack("{s:s, s:i}", "type", "string", "maxLength", (int)row->size - 1);
	case CONFIG_CHOICE:
		return schema_choice(row);
	default:
		return schema_list(row);
	}
}

static inline json_t *default_of(const json_t *defaults, const char *path)
{
	const char *dot;

	for (; (dot = strchr(path, '.')); path = dot + 1)
		defaults = json_object_getn(defaults, path, (size_t)(dot - path));
	return json_object_get(defaults, path);
}

/* A default as the references write it: 10, not 10.0. */
static inline json_t *reference_default(const json_t *defaults, const struct config_row *row)
{
	json_t *value = default_of(defaults, row->path);

	return json_is_real(value) ? reference_number(json_real_value(value)) : json_incref(value);
}

static inline json_t *schema_row(const struct config_row *row, const json_t *defaults)
{
	json_t *node = schema_kind(row);

	json_object_set_new(node, "description",
		row->unit[0] ? json_sprintf("%s Unit: %s.", row->what, row->unit)
			     : json_string(row->what));
	if (defaults && !row->required)
		json_object_set_new(node, "default", reference_default(defaults, row));
	return node;
}

static inline json_t *schema_section(void)
{
	return json_pack(
		"{s:s, s:b, s:{}}", "type", "object", "additionalProperties", 0, "properties");
}

/* `defaults`: the values; NULL for elements, whose defaults are their table's. */
static inline json_t *schema_object(const struct config_table *table, const json_t *defaults)
{
	json_t *root = schema_section(), *required = json_array();
	json_t *initial = table->initial ? config_object_json(table, table->initial) : NULL;
	const struct config_row *row;

	for (size_t i = 0; (row = config_row_at(table, i)); i++) {
		json_t *at = json_object_get(root, "properties");
		const char *path = row->path, *dot;

		for (; (dot = strchr(path, '.')); path = dot + 1) {
			json_t *section = json_object_getn(at, path, (size_t)(dot - path));

			if (!section) {
				section = schema_section();
				json_object_setn_new(at, path, (size_t)(dot - path), section);
			}
			at = json_object_get(section, "properties");
		}
		json_object_set_new(at, path, schema_row(row, defaults ? defaults : initial));
		if (row->required)
			json_array_append_new(required, json_string(path));
	}
	if (json_array_size(required))
		json_object_set(root, "required", required);
	json_decref(required);
	json_decref(initial);
	return root;
}

static inline void range_text(const struct config_row *row, char *out, size_t size)
{
	char range[64] = "";

	switch (row->kind) {
	case CONFIG_UINT:
	case CONFIG_DOUBLE:
		snprintf(range, sizeof(range), "%.15g..%.15g", row->min, row->max);
		break;
	case CONFIG_POWER:
		snprintf(range, sizeof(range), "2^%.0f..2^%.0f", log2(row->min), log2(row->max));
		break;
	case CONFIG_TEXT:
		snprintf(range, sizeof(range), "up to %zu octets", row->size - 1);
		break;
	case CONFIG_CHOICE:
		for (unsigned i = 0; i < row->choice_count; i++) {
			strcat(range, i ? ", " : "");
			strcat(range, row->choices[i]);
		}
		break;
	case CONFIG_BOOL:
		strcpy(range, "true, false");
		break;
	default:
		snprintf(range, sizeof(range), "%.0f..%.0f entries", row->min, row->max);
	}
	snprintf(out, size, "%s%s%s", range, row->unit[0] ? " " : "", row->unit);
}

/* The line of a key in docs/configuration.md; `prefix` is "" or "ports[].". */
static inline void reference_line(const struct config_row *row, const char *prefix,
	const json_t *defaults, char *out, size_t size)
{
	char range[96], *value = NULL;

	if (!row->required) {
		json_t *v = reference_default(defaults, row);

		value = json_dumps(v, JSON_ENCODE_ANY | JSON_REAL_PRECISION(15));
		json_decref(v);
	}
	range_text(row, range, sizeof(range));
	snprintf(out, size, "| `%s%s` | %s%s%s | %s | %s | %s |", prefix, row->path,
		value ? "`" : "", value ? value : "required", value ? "`" : "", range,
		row->restart ? "yes" : "no", row->what);
	free(value);
}
