/* SPDX-License-Identifier: BSD-3-Clause */

/* One field of the configuration from JSON and back, by the kind of its row. */

#include <errno.h>
#include <string.h>

#include "config/table.h"

static const char *type_name(const json_t *value)
{
	switch (json_typeof(value)) {
	case JSON_OBJECT:
		return "an object";
	case JSON_ARRAY:
		return "a list";
	case JSON_STRING:
		return "a string";
	case JSON_INTEGER:
		return "an integer";
	case JSON_REAL:
		return "a fraction";
	case JSON_TRUE:
	case JSON_FALSE:
		return "a boolean";
	default:
		return "null";
	}
}

static int refuse_type(const struct config_row *row, const struct config_source *src,
	const char *expected, const json_t *value)
{
	return config_refuse(src, row->path, "expected %s, got %s", expected, type_name(value));
}

static int integer_read(const struct config_row *row, double min, double max, json_t *value,
	const struct config_source *src, uint64_t *out)
{
	if (!json_is_integer(value))
		return refuse_type(row, src, "an integer", value);
	json_int_t n = json_integer_value(value);
	if ((double)n < min || (double)n > max)
		return config_refuse(src, row->path,
			"%" JSON_INTEGER_FORMAT " is not within %.0f..%.0f%s%s", n, min, max,
			row->unit[0] ? " " : "", row->unit);
	*out = (uint64_t)n;
	return 0;
}

static int power_read(
	const struct config_row *row, void *field, json_t *value, const struct config_source *src)
{
	uint64_t n;
	int rc = integer_read(row, row->min, row->max, value, src, &n);

	if (rc < 0)
		return rc;
	if (n & (n - 1))
		return config_refuse(src, row->path, "%lu is not a power of two", n);
	*(unsigned *)field = (unsigned)__builtin_ctzl(n);
	return 0;
}

static int double_read(
	const struct config_row *row, void *field, json_t *value, const struct config_source *src)
{
	if (!json_is_number(value))
		return refuse_type(row, src, "a number", value);
	double x = json_number_value(value);
	if (!(x >= row->min && x <= row->max))
		return config_refuse(src, row->path, "%.15g is not within %.15g..%.15g%s%s", x,
			row->min, row->max, row->unit[0] ? " " : "", row->unit);
	*(double *)field = x;
	return 0;
}

static int text_read(
	const struct config_row *row, char *field, json_t *value, const struct config_source *src)
{
	const char *text = json_string_value(value), *wrong;

	if (!text)
		return refuse_type(row, src, "a string", value);
	size_t n = strlen(text);
	if (n >= row->size)
		return config_refuse(src, row->path, "%zu octets long, at most %zu are allowed", n,
			row->size - 1);
	for (size_t i = 0; i < n; i++)
		if ((unsigned char)text[i] < 0x20 || text[i] == 0x7f)
			return config_refuse(src, row->path, "holds a control character");
	if (row->wrong && (wrong = row->wrong(text)))
		return config_refuse(src, row->path, "\"%.60s\": %s", text, wrong);
	memset(field, 0, row->size);
	memcpy(field, text, n);
	return 0;
}

static int choice_read(
	const struct config_row *row, void *field, json_t *value, const struct config_source *src)
{
	const char *text = json_string_value(value);
	char all[128] = "";

	for (unsigned i = 0; i < row->choice_count; i++) {
		if (text && strcmp(text, row->choices[i]) == 0) {
			*(uint32_t *)field = i;
			return 0;
		}
		if (i)
			strncat(all, ", ", sizeof(all) - strlen(all) - 1);
		strncat(all, row->choices[i], sizeof(all) - strlen(all) - 1);
	}
	return config_refuse(src, row->path, "expected one of %s", all);
}

static int texts_read(
	const struct config_row *row, char *field, json_t *list, const struct config_source *src)
{
	json_t *value;
	size_t i;

	json_array_foreach(list, i, value)
	{
		int rc = text_read(row, field + i * row->size, value, src);
		if (rc < 0)
			return rc;
	}
	return 0;
}

static int udp_ports_read(const struct config_row *row, uint16_t *field, json_t *list,
	const struct config_source *src)
{
	json_t *value;
	size_t i;

	json_array_foreach(list, i, value)
	{
		uint64_t port;
		int rc = integer_read(row, 1, UINT16_MAX, value, src, &port);
		if (rc < 0)
			return rc;
		for (size_t j = 0; j < i; j++)
			if (field[j] == port)
				return config_refuse(src, row->path, "%lu is listed twice", port);
		field[i] = (uint16_t)port;
	}
	return 0;
}

/* Path of a required key that an element lacks, or NULL. */
static const char *missing_key(const struct config_table *element, const json_t *object)
{
	const struct config_row *row;

	for (size_t i = 0; (row = config_row_at(element, i)); i++)
		if (row->required && !json_object_get(object, row->path))
			return row->path;
	return NULL;
}

static int objects_read(
	const struct config_row *row, char *field, json_t *list, struct config_source *src)
{
	const struct config_table *element = row->element;
	const char *missing;
	json_t *value;
	size_t i;
	int rc = 0;

	json_array_foreach(list, i, value)
	{
		void *base = field + i * element->size;

		snprintf(src->element, sizeof(src->element), "%s[%zu]", row->path, i);
		memcpy(base, element->initial, element->size);
		if (json_is_object(value))
			rc = config_object_read(element, base, value, "", src);
		else
			rc = config_refuse(src, "", "expected an object, got %s", type_name(value));
		if (rc == 0 && (missing = missing_key(element, value)))
			rc = config_refuse(src, missing, "is missing");
		if (rc < 0)
			break;
	}
	src->element[0] = '\0';
	return rc;
}

static int list_read(
	const struct config_row *row, void *base, json_t *list, struct config_source *src)
{
	void *field = (char *)base + row->offset;
	size_t n = json_array_size(list);
	int rc;

	if (!json_is_array(list))
		return refuse_type(row, src, "a list", list);
	if ((double)n < row->min || (double)n > row->max)
		return config_refuse(src, row->path, "%zu entries, allowed are %.0f..%.0f", n,
			row->min, row->max);
	if (row->kind == CONFIG_TEXTS)
		rc = texts_read(row, field, list, src);
	else if (row->kind == CONFIG_UDP_PORTS)
		rc = udp_ports_read(row, field, list, src);
	else
		rc = objects_read(row, field, list, src);
	*(uint32_t *)((char *)base + row->count) = (uint32_t)n;
	return rc;
}

int config_value_read(
	const struct config_row *row, void *base, json_t *value, struct config_source *src)
{
	void *field = (char *)base + row->offset;
	uint64_t n;
	int rc;

	switch (row->kind) {
	case CONFIG_BOOL:
		if (!json_is_boolean(value))
			return refuse_type(row, src, "true or false", value);
		*(bool *)field = json_is_true(value);
		return 0;
	case CONFIG_UINT:
		rc = integer_read(row, row->min, row->max, value, src, &n);
		if (rc == 0)
			*(uint32_t *)field = (uint32_t)n;
		return rc;
	case CONFIG_POWER:
		return power_read(row, field, value, src);
	case CONFIG_DOUBLE:
		return double_read(row, field, value, src);
	case CONFIG_TEXT:
		return text_read(row, field, value, src);
	case CONFIG_CHOICE:
		return choice_read(row, field, value, src);
	case CONFIG_TEXTS:
	case CONFIG_UDP_PORTS:
	case CONFIG_OBJECTS:
		return list_read(row, base, value, src);
	}
	return -EINVAL;
}

static json_t *list_item_json(const struct config_row *row, const char *field, uint32_t i)
{
	switch (row->kind) {
	case CONFIG_TEXTS:
		return json_string(field + i * row->size);
	case CONFIG_UDP_PORTS:
		return json_integer(((const uint16_t *)(const void *)field)[i]);
	default:
		return config_object_json(row->element, field + i * row->element->size);
	}
}

static json_t *list_json(const struct config_row *row, const void *base)
{
	uint32_t n = *(const uint32_t *)(const void *)((const char *)base + row->count);
	json_t *list = json_array();

	for (uint32_t i = 0; i < n; i++)
		if (json_array_append_new(
			    list, list_item_json(row, (const char *)base + row->offset, i)) < 0) {
			json_decref(list);
			return NULL;
		}
	return list;
}

json_t *config_value_json(const struct config_row *row, const void *base)
{
	const void *field = (const char *)base + row->offset;

	switch (row->kind) {
	case CONFIG_BOOL:
		return json_boolean(*(const bool *)field);
	case CONFIG_UINT:
		return json_integer(*(const uint32_t *)field);
	case CONFIG_POWER:
		return json_integer((json_int_t)1 << *(const unsigned *)field);
	case CONFIG_DOUBLE:
		return json_real(*(const double *)field);
	case CONFIG_TEXT:
		return json_string(field);
	case CONFIG_CHOICE:
		return json_string(row->choices[*(const uint32_t *)field]);
	case CONFIG_TEXTS:
	case CONFIG_UDP_PORTS:
	case CONFIG_OBJECTS:
		return list_json(row, base);
	}
	return NULL;
}
