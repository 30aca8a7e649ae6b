/* SPDX-License-Identifier: BSD-3-Clause */

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "config/file.h"
#include "export/json.h"
#include "export/notes_list.h"
#include "export/value.h"

/* Only their owner may change what is not blocked; whoever runs the resolvers may read it. */
#define FILE_MODE 0640

struct note_list *note_list_new(size_t n)
{
	struct note_list *l = malloc(sizeof(*l) + 2 * n * sizeof(l->entry[0]));

	if (l) {
		l->n = n;
		l->by_end = l->entry + n;
	}
	return l;
}

/*
 * The order of names read from their ends. A dot comes before all else, so that behind a name
 * come at once those below it, and only then those that merely end alike.
 */
static int end_order(const char *x, const char *y)
{
	size_t i = strlen(x), k = strlen(y);

	while (i && k && x[i - 1] == y[k - 1]) {
		i--;
		k--;
	}
	if (!i || !k)
		return (i != 0) - (k != 0);
	if (x[i - 1] == '.' || y[k - 1] == '.')
		return x[i - 1] == '.' ? -1 : 1;
	return (int)(uint8_t)x[i - 1] - (int)(uint8_t)y[k - 1];
}

static int by_end_order(const void *a, const void *b)
{
	const struct note_entry *const *x = a, *const *y = b;

	return end_order((*x)->name, (*y)->name);
}

void note_list_index(struct note_list *l)
{
	memcpy(l->by_end, l->entry, l->n * sizeof(l->entry[0]));
	qsort(l->by_end, l->n, sizeof(l->entry[0]), by_end_order);
}

bool note_list_below(const struct note_list *l, const char *name)
{
	size_t low = 0, high = l->n, len = strlen(name);

	while (low < high) {
		size_t mid = low + (high - low) / 2;

		if (end_order(l->by_end[mid]->name, name) < 0)
			low = mid + 1;
		else
			high = mid;
	}
	if (low == l->n)
		return false;
	const char *entry = l->by_end[low]->name;
	size_t at = strlen(entry);
	return at >= len && strcmp(entry + at - len, name) == 0 &&
	       (at == len || entry[at - len - 1] == '.');
}

void note_list_free(struct note_list *l)
{
	for (size_t i = 0; l && i < l->n; i++)
		free(l->entry[i]);
	free(l);
}

struct note_entry *note_entry_new(const struct dns_name *name, const struct note *note)
{
	char text[DNS_TEXT_MAX];
	size_t len = dns_name_text(name->wire, name->len, text, sizeof(text));
	struct note_entry *e = malloc(sizeof(*e) + len + 1);

	if (e) {
		e->note = *note;
		memcpy(e->name, text, len + 1);
	}
	return e;
}

size_t note_list_find(const struct note_list *l, const char *name, bool *found)
{
	size_t low = 0, high = l->n;

	*found = false;
	while (low < high && !*found) {
		size_t mid = low + (high - low) / 2;
		int order = strcmp(l->entry[mid]->name, name);

		if (order < 0)
			low = mid + 1;
		else
			high = mid;
		*found = order == 0;
	}
	return high;
}

json_t *note_list_json(
	const struct note_list *l, const struct notes_kind *kind, size_t from, size_t n)
{
	json_t *list = json_array();

	for (size_t i = from; i < from + n && list; i++) {
		const struct note_entry *e = l->entry[i];
		json_t *item = json_pack("{s:s, s:o, s:o, s:o}", //
			"name", e->name,                         //
			kind->text, export_octets(e->note.text), //
			"who", export_octets(e->note.who),       //
			"when", value_seconds(e->note.when));

		list = value_whole(list, json_array_append_new(list, item));
	}
	return list;
}

int note_list_write(const struct note_list *l, const struct notes_kind *kind, const char *path)
{
	size_t len;
	char *text = export_text(json_pack("{s:i, s:o}", "schema_version", EXPORT_SCHEMA_VERSION,
					 "entries", note_list_json(l, kind, 0, l->n)),
		&len);
	int rc;

	if (!text)
		return -ENOMEM;
	rc = len < NOTES_OCTETS_MAX ? file_replace(path, text, len, FILE_MODE) : -ENOSPC;
	free(text);
	return rc;
}

static uint32_t time_parse(const char *text)
{
	struct tm tm = {0};
	const char *end = strptime(text, "%Y-%m-%dT%H:%M:%SZ", &tm);
	time_t t = end && !*end ? timegm(&tm) : 0;

	return t > 0 && t <= UINT32_MAX ? (uint32_t)t : 0;
}

/* One entry of the file, or NULL with why. */
static struct note_entry *entry_read(
	const struct notes_kind *kind, json_t *item, json_error_t *error)
{
	const char *name_text, *text = "", *who = "config", *when = "";
	struct dns_name name;
	struct note note;

	if (json_unpack_ex(item, error, 0, "{s:s, s?s, s?s, s?s !}", "name", &name_text, kind->text,
		    &text, "who", &who, "when", &when) < 0)
		return NULL;
	if (dns_name_parse(name_text, &name) < 0 || name.labels == 0) {
		snprintf(
			error->text, sizeof(error->text), "\"%.60s\" is no domain name", name_text);
		return NULL;
	}
	note.when = time_parse(when);
	snprintf(note.who, sizeof(note.who), "%s", who);
	snprintf(note.text, sizeof(note.text), "%s", text);
	struct note_entry *e = note_entry_new(&name, &note);
	if (!e)
		snprintf(error->text, sizeof(error->text), "out of memory");
	return e;
}

static int entry_order(const void *a, const void *b)
{
	const struct note_entry *const *x = a, *const *y = b;

	return strcmp((*x)->name, (*y)->name);
}

/* In order, of a name that is there twice one. */
static void list_seal(struct note_list *l)
{
	size_t n = 0;

	qsort(l->entry, l->n, sizeof(l->entry[0]), entry_order);
	for (size_t i = 0; i < l->n; i++) {
		if (n && strcmp(l->entry[n - 1]->name, l->entry[i]->name) == 0)
			free(l->entry[i]);
		else
			l->entry[n++] = l->entry[i];
	}
	l->n = n;
	note_list_index(l);
}

/* The entries of the file's list, or NULL with why. */
static struct note_list *entries_read(
	const struct notes_kind *kind, json_t *entries, json_error_t *error)
{
	struct note_list *l = note_list_new(json_array_size(entries));
	bool right = true;
	json_t *item;
	size_t i;

	if (!l) {
		snprintf(error->text, sizeof(error->text), "out of memory");
		return NULL;
	}
	json_array_foreach(entries, i, item)
	{
		l->entry[i] = right ? entry_read(kind, item, error) : NULL;
		right = right && l->entry[i];
	}
	if (right) {
		list_seal(l);
		return l;
	}
	note_list_free(l);
	return NULL;
}

static struct note_list *list_parse(
	const struct notes_kind *kind, const char *text, size_t len, json_error_t *error)
{
	json_t *root = json_loadb(text, len, JSON_REJECT_DUPLICATES, error), *entries;
	struct note_list *l = NULL;
	int version;

	if (root && json_unpack_ex(root, error, 0, "{s:i, s:o !}", "schema_version", &version,
			    "entries", &entries) == 0) {
		if (version == EXPORT_SCHEMA_VERSION && json_is_array(entries) &&
			json_array_size(entries) <= NOTES_MAX)
			l = entries_read(kind, entries, error);
		else
			snprintf(error->text, sizeof(error->text),
				"expected schema_version %d and at most %u entries",
				EXPORT_SCHEMA_VERSION, NOTES_MAX);
	}
	json_decref(root);
	return l;
}

struct note_list *note_list_read(
	const struct notes_kind *kind, const char *path, char err[ERROR_LINE_MAX], int *rc)
{
	json_error_t error = {0};
	struct note_list *l;
	size_t len;
	char *text = file_read(path, NOTES_OCTETS_MAX, &len);

	*rc = 0;
	if (!text && errno == ENOENT) {
		l = note_list_new(0);
		snprintf(error.text, sizeof(error.text), "out of memory");
	} else if (!text) {
		*rc = -errno;
		snprintf(
			err, ERROR_LINE_MAX, "%s: %.200s: %s", kind->section, path, strerror(-*rc));
		return NULL;
	} else {
		l = list_parse(kind, text, len, &error);
	}
	free(text);
	if (!l) {
		*rc = -EINVAL;
		snprintf(err, ERROR_LINE_MAX,
			"%s: %.200s: %.150s: mend the file, or move it away for an empty list",
			kind->section, path, error.text);
	}
	return l;
}
