/* SPDX-License-Identifier: BSD-3-Clause */

#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "config/file.h"
#include "export/json.h"
#include "export/notes_list.h"
#include "export/value.h"
#include "log.h"

#define CURSOR_LEN 16u

struct notes {
	pthread_rwlock_t lock;  /* of list and generation; not held while the disk is waited for */
	pthread_mutex_t change; /* one change at a time, disk and all */
	const struct notes_kind *kind;
	struct note_list *list;
	uint32_t generation;
	int owner; /* descriptor of the lock file, or -1 */
	char path[];
};

/* The list is read behind a const pointer; its lock is no part of what it says. */
static const struct note_list *list_hold(const struct notes *n)
{
	pthread_rwlock_rdlock((pthread_rwlock_t *)&n->lock);
	return n->list;
}

static void list_release(const struct notes *n)
{
	pthread_rwlock_unlock((pthread_rwlock_t *)&n->lock);
}

/*
 * Saves the next list and puts it in force, or lets it go; entries are not touched. Readers of
 * the one before have left it when it goes.
 */
static int list_commit(struct notes *n, struct note_list *next)
{
	struct note_list *before = next;
	int rc = next ? 0 : -ENOMEM;

	if (next)
		note_list_index(next);
	if (next && n->path[0])
		rc = note_list_write(next, n->kind, n->path);
	/* What the disk has is in force, or a restart would bring what was told not to be. */
	if (rc > 0)
		log_line(LOG_LEVEL_WARNING, "%s: %.200s: its folder could not be synced",
			n->kind->section, n->path);
	if (rc >= 0) {
		pthread_rwlock_wrlock(&n->lock);
		before = n->list;
		n->list = next;
		n->generation++;
		pthread_rwlock_unlock(&n->lock);
	}
	free(before);
	return rc < 0 ? rc : 0;
}

/* The list with `put` at a place, NULL for none, and `drop` entries from there on left out. */
static struct note_list *list_with(
	const struct note_list *l, size_t at, struct note_entry *put, size_t drop)
{
	struct note_list *next = note_list_new(l->n - drop + (put ? 1 : 0));
	size_t behind = at + drop;

	if (!next)
		return NULL;
	memcpy(next->entry, l->entry, at * sizeof(l->entry[0]));
	if (put)
		next->entry[at++] = put;
	memcpy(next->entry + at, l->entry + behind, (l->n - behind) * sizeof(l->entry[0]));
	return next;
}

static size_t list_oldest(const struct note_list *l)
{
	size_t oldest = 0;

	for (size_t i = 1; i < l->n; i++)
		if (l->entry[i]->note.when < l->entry[oldest]->note.when)
			oldest = i;
	return oldest;
}

/* The change lock is held: nobody else writes n->list, so it is read without the other. */
static int entry_drop(struct notes *n, size_t at)
{
	struct note_entry *e = n->list->entry[at];
	int rc = list_commit(n, list_with(n->list, at, NULL, 1));

	if (rc == 0)
		free(e);
	return rc;
}

static int entry_put(struct notes *n, struct note_entry *e, bool replace)
{
	struct note_entry *before = NULL;
	bool found;
	size_t at = note_list_find(n->list, e->name, &found);
	int rc = 0;

	if (found && !replace)
		return -EEXIST;
	if (!found && n->list->n >= NOTES_MAX)
		rc = replace ? entry_drop(n, list_oldest(n->list)) : -ENOSPC;
	if (rc < 0)
		return rc;
	at = note_list_find(n->list, e->name, &found);
	if (found)
		before = n->list->entry[at];
	rc = list_commit(n, list_with(n->list, at, e, found));
	if (rc == 0)
		free(before);
	return rc;
}

int notes_add(struct notes *n, const struct dns_name *name, const struct note *note, bool replace)
{
	struct note_entry *e;
	int rc;

	if (name->labels == 0)
		return -EINVAL;
	e = note_entry_new(name, note);
	if (!e)
		return -ENOMEM;
	rc = -pthread_mutex_trylock(&n->change);
	if (rc == 0) {
		rc = entry_put(n, e, replace);
		pthread_mutex_unlock(&n->change);
	}
	if (rc < 0)
		free(e);
	return rc;
}

int notes_remove(struct notes *n, const struct dns_name *name)
{
	char text[DNS_TEXT_MAX];
	bool found;
	int rc = -pthread_mutex_trylock(&n->change);

	if (rc < 0)
		return rc;
	dns_name_text(name->wire, name->len, text, sizeof(text));
	size_t at = note_list_find(n->list, text, &found);
	rc = found ? entry_drop(n, at) : -ENOENT;
	pthread_mutex_unlock(&n->change);
	return rc;
}

bool notes_cover(const struct notes *n, const struct dns_name *name)
{
	char text[DNS_TEXT_MAX];
	const char *at = text;
	bool found = false;

	if (!n)
		return false;
	dns_name_text(name->wire, name->len, text, sizeof(text));
	const struct note_list *l = list_hold(n);
	while (l->n && at && !found) {
		note_list_find(l, at, &found);
		at = strchr(at, '.');
		at = at ? at + 1 : NULL;
	}
	list_release(n);
	return found;
}

bool notes_below(const struct notes *n, const struct dns_name *name)
{
	char text[DNS_TEXT_MAX];
	bool found = false;

	if (!n)
		return false;
	dns_name_text(name->wire, name->len, text, sizeof(text));
	found = note_list_below(list_hold(n), text);
	list_release(n);
	return found;
}

bool notes_find(const struct notes *n, const struct dns_name *name, struct note *out)
{
	char text[DNS_TEXT_MAX];
	bool found;

	if (!n)
		return false;
	dns_name_text(name->wire, name->len, text, sizeof(text));
	const struct note_list *l = list_hold(n);
	size_t at = note_list_find(l, text, &found);
	if (found)
		*out = l->entry[at]->note;
	list_release(n);
	return found;
}

uint32_t notes_generation(const struct notes *n)
{
	list_hold(n);
	uint32_t generation = n->generation;
	list_release(n);
	return generation;
}

size_t notes_count(const struct notes *n)
{
	size_t count = list_hold(n)->n;

	list_release(n);
	return count;
}

/* Generation and place in hexadecimal. 0, -EINVAL or -ESTALE. */
static int cursor_parse(const struct notes *n, const char *text, size_t *at)
{
	*at = 0;
	if (!text)
		return 0;
	if (strlen(text) != CURSOR_LEN || strspn(text, "0123456789abcdef") != CURSOR_LEN)
		return -EINVAL;
	uint64_t cursor = strtoull(text, NULL, 16);
	if (cursor >> 32 != n->generation)
		return -ESTALE;
	*at = cursor & UINT32_MAX;
	return *at <= n->list->n ? 0 : -EINVAL;
}

int notes_page(const struct notes *n, const char *cursor, uint32_t limit, json_t **out)
{
	const struct note_list *l = list_hold(n);
	size_t at;
	int rc = cursor_parse(n, cursor, &at);

	if (rc == 0) {
		size_t left = l->n - at, count = left < limit ? left : limit;

		*out = json_pack("{s:i, s:o, s:o, s:o}",                  //
			"schema_version", EXPORT_SCHEMA_VERSION,          //
			"total", value_count(l->n),                       //
			"entries", note_list_json(l, n->kind, at, count), //
			"next_cursor",
			count < left
				? json_sprintf("%08x%08x", n->generation, (unsigned)(at + count))
				: json_null());
		rc = *out ? 0 : -ENOMEM;
	}
	list_release(n);
	return rc;
}

static int refuse(const struct notes *n, char err[ERROR_LINE_MAX], const char *why, int rc)
{
	snprintf(err, ERROR_LINE_MAX, "%s: %.200s: %.200s", n->kind->section, n->path, why);
	return rc;
}

/* Two that write one list would each forget the other's entries. */
static int owner_take(struct notes *n, char err[ERROR_LINE_MAX])
{
	n->owner = file_lock(n->path);
	if (n->owner >= 0)
		return 0;
	return refuse(n, err,
		n->owner == -EWOULDBLOCK
			? "another sensor keeps its list there: give each a path of its own"
			: strerror(-n->owner),
		n->owner);
}

int notes_open(struct notes **out, const struct notes_kind *kind, const char *path,
	char err[ERROR_LINE_MAX])
{
	size_t len = strlen(path) + 1;
	struct notes *n = calloc(1, sizeof(*n) + len);
	int rc = 0;

	*out = NULL;
	if (!n) {
		snprintf(err, ERROR_LINE_MAX, "%s: out of memory", kind->section);
		return -ENOMEM;
	}
	pthread_rwlock_init(&n->lock, NULL);
	pthread_mutex_init(&n->change, NULL);
	memcpy(n->path, path, len);
	n->kind = kind;
	n->owner = -1;
	/* A cursor of the run before is none of this one. */
	n->generation = (uint32_t)time(NULL);
	if (path[0])
		rc = owner_take(n, err);
	if (rc == 0 && path[0])
		n->list = note_list_read(kind, path, err, &rc);
	else if (rc == 0 && !(n->list = note_list_new(0)))
		rc = refuse(n, err, "out of memory", -ENOMEM);
	if (rc == 0)
		*out = n;
	else
		notes_close(n);
	return rc;
}

void notes_close(struct notes *n)
{
	if (!n)
		return;
	if (n->owner >= 0)
		close(n->owner);
	note_list_free(n->list);
	pthread_rwlock_destroy(&n->lock);
	pthread_mutex_destroy(&n->change);
	free(n);
}
