/* SPDX-License-Identifier: BSD-3-Clause */

/* STIX 2.1, part 9: patterns; sections 4.7 (indicator) and 8 (bundle). */

#include <string.h>
#include <time.h>

#include <jansson.h>

#include "networks/imports.h"

static const char other_pattern[] = "a pattern of more than domains and addresses joined by OR";

struct object_path {
	const char *text;
	bool address;
};

static const struct object_path paths[] = {
	{"domain-name:value", false},
	{"ipv4-addr:value", true},
	{"ipv6-addr:value", true},
};

static const char *skip(const char *p)
{
	return p + strspn(p, " \t\r\n[]()");
}

/* One comparison; moves on behind it. `take` false only looks. */
static const char *comparison(struct import *i, const char **at, bool take)
{
	const char *p = skip(*at);
	const struct object_path *path = NULL;

	for (size_t k = 0; k < sizeof(paths) / sizeof(paths[0]); k++)
		if (strncmp(p, paths[k].text, strlen(paths[k].text)) == 0)
			path = &paths[k];
	if (!path)
		return other_pattern;
	p += strlen(path->text);
	p += strspn(p, " \t");
	if (*p != '=')
		return other_pattern;
	p++;
	p += strspn(p, " \t");
	if (*p != '\'')
		return other_pattern;
	size_t len = strcspn(++p, "'\\");
	if (p[len] != '\'')
		return other_pattern;
	*at = skip(p + len + 1);
	if (!take)
		return NULL;
	return path->address ? import_address(i, p, len) : import_domain(i, p, len);
}

/* All comparisons, once all were seen to be of a kind that can be taken alone. */
static const char *pattern(struct import *i, const char *text)
{
	const char *why = NULL;

	for (unsigned take = 0; take < 2; take++) {
		const char *p = text;

		for (;;) {
			const char *w = comparison(i, &p, take);
			if (w && !take)
				return w;
			why = why ? why : w;
			if (!*p)
				break;
			if (strncmp(p, "OR", 2) != 0)
				return other_pattern;
			p += 2;
		}
	}
	return why;
}

/* Seconds since 1970 of an RFC 3339 time in UTC, its fraction cut; -1: none. */
static int64_t timestamp(const json_t *value)
{
	const char *text = json_string_value(value);
	struct tm tm = {0};
	const char *end = text ? strptime(text, "%Y-%m-%dT%H:%M:%S", &tm) : NULL;

	return end ? (int64_t)timegm(&tm) : -1;
}

static const char *indicator(struct import *i, const json_t *object)
{
	const json_t *type = json_object_get(object, "pattern_type");
	const char *text = json_string_value(json_object_get(object, "pattern"));
	int64_t until = timestamp(json_object_get(object, "valid_until"));
	int64_t from = timestamp(json_object_get(object, "valid_from"));

	if (json_is_true(json_object_get(object, "revoked")))
		return "revoked";
	if (until >= 0 && until <= i->now)
		return "no longer valid";
	if (from > i->now)
		return "not valid yet";
	if (!text || (type && strcmp(json_string_value(type) ? json_string_value(type) : "",
				      "stix") != 0))
		return "no STIX pattern";
	return pattern(i, text);
}

const char *import_stix(struct import *i, const char *text, size_t len)
{
	json_t *bundle = json_loadb(text, len, 0, NULL), *object;
	const char *type = json_string_value(json_object_get(bundle, "type"));
	json_t *objects = json_object_get(bundle, "objects");
	size_t k;

	if (!bundle || !type || strcmp(type, "bundle") != 0 ||
		(objects && !json_is_array(objects))) {
		json_decref(bundle);
		return "begins like JSON and is no STIX bundle";
	}
	json_array_foreach(objects, k, object)
	{
		type = json_string_value(json_object_get(object, "type"));
		if (type && strcmp(type, "indicator") == 0)
			import_left(i, (unsigned)k + 1, indicator(i, object));
		if (i->error)
			break;
	}
	json_decref(bundle);
	return NULL;
}
