/* SPDX-License-Identifier: BSD-3-Clause */

#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "config/device.h"
#include "config/file.h"
#include "config/model.h"
#include "config/table.h"

/* A configuration is a page of text; anything near this size is some other file. */
#define FILE_OCTETS_MAX (1u << 20)
#define PATH_TEXT_MAX 128u

/* One line, whatever a file's name or key held. */
static void line_clean(char *line)
{
	for (; *line; line++)
		if ((unsigned char)*line < 0x20 || *line == 0x7f)
			*line = '?';
}

int config_refuse(const struct config_source *src, const char *path, const char *format, ...)
{
	char why[ERROR_LINE_MAX / 2];
	const char *dot = src->element[0] && path[0] ? "." : "";
	const char *colon = src->element[0] || path[0] ? ": " : "";
	va_list args;

	va_start(args, format);
	vsnprintf(why, sizeof(why), format, args);
	va_end(args);
	snprintf(src->err, ERROR_LINE_MAX, "configuration: %.120s: %s%s%s%s%s", src->name,
		src->element, dot, path, colon, why);
	line_clean(src->err);
	return -EINVAL;
}

/* Is some row's path below the section `path`? */
static bool section_exists(const struct config_table *table, const char *path)
{
	const struct config_row *row;
	size_t n = strlen(path);

	for (size_t i = 0; (row = config_row_at(table, i)); i++)
		if (strncmp(row->path, path, n) == 0 && row->path[n] == '.')
			return true;
	return false;
}

static int key_refuse(
	const struct config_table *table, const char *path, const struct config_source *src)
{
	char near[PATH_TEXT_MAX];

	config_suggest(table, path, near, sizeof(near));
	if (near[0])
		return config_refuse(src, path, "unknown key; did you mean \"%s\"?", near);
	return config_refuse(src, path, "unknown key");
}

int config_object_read(const struct config_table *table, void *base, json_t *object,
	const char *prefix, struct config_source *src)
{
	const char *key;
	json_t *value;

	json_object_foreach(object, key, value)
	{
		char path[PATH_TEXT_MAX];
		const struct config_row *row;
		int rc;

		snprintf(path, sizeof(path), "%s%s%s", prefix, prefix[0] ? "." : "", key);
		if (strchr(key, '.'))
			rc = config_refuse(src, path, "a key holds no dot; a section is an object");
		else if ((row = config_row_find(table, path)))
			rc = config_value_read(row, base, value, src);
		else if (!section_exists(table, path))
			rc = key_refuse(table, path, src);
		else if (!json_is_object(value))
			rc = config_refuse(src, path, "expected an object");
		else
			rc = config_object_read(table, base, value, path, src);
		if (rc < 0)
			return rc;
	}
	return 0;
}

static int ports_check(const struct config *c, const struct config_source *src)
{
	char why[ERROR_LINE_MAX / 2], path[PATH_TEXT_MAX];
	unsigned port;

	if (devices_check(c, &port, why) == 0)
		return 0;
	snprintf(path, sizeof(path), "ports[%u].device", port);
	return config_refuse(src, path, "%s", why);
}

static int scorer_check(const struct config *c, const struct config_source *src)
{
	if (c->scorer.by != SCORER_MODEL || c->model_path[0])
		return 0;
	return config_refuse(
		src, "detect.scorer", "\"model\" needs detect.model, the path of a model's file");
}

/* What the sensor alone writes is nothing else; the two others are appended to. */
static int paths_check(const struct config *c, const struct config_source *src)
{
	const struct {
		const char *key, *path;
	} files[] = {
		{"state.path", c->state.path},
		{"allow.path", c->allow.path},
		{"acknowledge.path", c->acknowledge.path},
		{"export.rpz.file", c->rpz.file},
		{"history.path", c->history.path},
		{"export.eve.file", c->feed.eve_file},
		{"http.audit_log", c->http.audit_log},
	};
	const size_t n = sizeof(files) / sizeof(files[0]), alone = n - 2;

	for (size_t i = 0; i < alone; i++)
		for (size_t k = i + 1; k < n; k++)
			if (files[i].path[0] && strcmp(files[i].path, files[k].path) == 0)
				return config_refuse(src, files[k].key,
					"names the file of %s, too: give each a file of its own",
					files[i].key);
	return 0;
}

int config_parse(
	struct config *c, const char *text, size_t len, const char *name, char err[ERROR_LINE_MAX])
{
	struct config_source src = {.name = name, .err = err};
	struct config next = *c;
	json_error_t error;
	json_t *root = json_loadb(text, len, JSON_REJECT_DUPLICATES, &error);
	int rc;

	if (!root)
		return config_refuse(
			&src, "", "line %d, column %d: %s", error.line, error.column, error.text);
	if (json_is_object(root))
		rc = config_object_read(&config_table, &next, root, "", &src);
	else
		rc = config_refuse(&src, "", "expected an object at the top");
	if (rc == 0)
		rc = ports_check(&next, &src);
	if (rc == 0)
		rc = scorer_check(&next, &src);
	if (rc == 0)
		rc = paths_check(&next, &src);
	if (rc == 0)
		*c = next;
	json_decref(root);
	return rc;
}

int config_read(struct config *c, const char *path, char err[ERROR_LINE_MAX])
{
	struct config_source src = {.name = path, .err = err};
	size_t len = 0;
	char *text = file_read(path, FILE_OCTETS_MAX, &len);

	if (!text) {
		int why = errno;

		config_refuse(&src, "", "cannot be read: %s", strerror(why));
		return -why;
	}
	struct config next = *c;
	int rc = config_parse(&next, text, len, path, err);
	free(text);
	next.scorer.model = (struct model){.terms = 0};
	if (rc == 0 && next.model_path[0])
		rc = model_read(&next.scorer.model, next.model_path, err);
	if (rc == 0)
		*c = next;
	return rc;
}

const char *config_path(const char *command_line)
{
	const char *path = command_line ? command_line : getenv("FLUXGATE_CONFIG");

	return path && path[0] ? path : NULL;
}

int config_set_text(struct config *c, const char *path, const char *value, const char *source,
	char err[ERROR_LINE_MAX])
{
	struct config_source src = {.name = source, .err = err};
	const struct config_row *row = config_row_find(&config_table, path);
	json_t *text = json_string(value);
	int rc;

	if (!row)
		rc = key_refuse(&config_table, path, &src);
	else if (!text)
		rc = config_refuse(&src, path, "is not UTF-8");
	else
		rc = config_value_read(row, c, text, &src);
	json_decref(text);
	return rc;
}

int config_environment(struct config *c, char err[ERROR_LINE_MAX])
{
	static const struct {
		const char *variable, *path;
	} map[] = {
		{"FLUXGATE_ASN_DB", "networks.asn_db"},
		{"FLUXGATE_COUNTRY_DB", "networks.country_db"},
		{"FLUXGATE_LISTEN", "http.listen"},
	};

	for (size_t i = 0; i < sizeof(map) / sizeof(map[0]); i++) {
		const char *value = getenv(map[i].variable);

		if (value && config_set_text(c, map[i].path, value, map[i].variable, err) < 0)
			return -EINVAL;
	}
	return 0;
}

/* The object that holds the key `path` below `root`, its sections made; *last is the key. */
static json_t *section_make(json_t *root, const char *path, const char **last)
{
	const char *dot;

	for (; root && (dot = strchr(path, '.')); path = dot + 1) {
		size_t n = (size_t)(dot - path);
		json_t *section = json_object_getn(root, path, n);

		if (!section) {
			section = json_object();
			if (json_object_setn_new(root, path, n, section) < 0)
				section = NULL;
		}
		root = section;
	}
	*last = path;
	return root;
}

json_t *config_object_json(const struct config_table *table, const void *base)
{
	json_t *root = json_object();
	const struct config_row *row;

	for (size_t i = 0; root && (row = config_row_at(table, i)); i++) {
		const char *key;
		json_t *section = section_make(root, row->path, &key);

		if (json_object_set_new(section, key, config_value_json(row, base)) < 0) {
			json_decref(root);
			root = NULL;
		}
	}
	return root;
}

json_t *config_json(const struct config *c)
{
	return config_object_json(&config_table, c);
}

int config_dump(const struct config *c, FILE *out)
{
	json_t *root = config_json(c);
	int rc = root ? json_dumpf(root, out, JSON_INDENT(2) | JSON_REAL_PRECISION(15)) : -1;

	json_decref(root);
	return rc < 0 || fputc('\n', out) == EOF ? -EIO : 0;
}
