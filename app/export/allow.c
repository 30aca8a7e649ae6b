/* SPDX-License-Identifier: BSD-3-Clause */

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <time.h>
#include <unistd.h>

#include "config/file.h"
#include "export/allow.h"
#include "export/json.h"
#include "export/value.h"

/* Only their owner may change what is not blocked; whoever runs the resolvers may read it. */
#define FILE_MODE 0640

#define CURSOR_LEN 16u

struct entry {
	uint32_t when;
	char who[ALLOW_WHO_MAX];
	char reason[ALLOW_REASON_MAX];
	char name[]; /* presentation form: one text a name, and no dot but between labels */
};

/* Immutable once it is the list's. */
struct set {
	size_t n;
	struct entry *entry[]; /* by name */
};

struct allow {
	pthread_rwlock_t lock;  /* of set and generation; never held while the disk is waited for */
	pthread_mutex_t change; /* one change at a time, disk and all */
	struct set *set;
	uint32_t generation;
	int owner; /* descriptor of the lock file, or -1 */
	char path[];
};

/* The list is read behind a const pointer; its lock is no part of what it says. */
static const struct set *set_hold(const struct allow *a)
{
	pthread_rwlock_rdlock((pthread_rwlock_t *)&a->lock);
	return a->set;
}

static void set_release(const struct allow *a)
{
	pthread_rwlock_unlock((pthread_rwlock_t *)&a->lock);
}

static struct set *set_new(size_t n)
{
	struct set *s = malloc(sizeof(*s) + n * sizeof(s->entry[0]));

	if (s)
		s->n = n;
	return s;
}

static void set_free(struct set *s)
{
	for (size_t i = 0; s && i < s->n; i++)
		free(s->entry[i]);
	free(s);
}

/* Where the name is, or where it would be. */
static size_t set_find(const struct set *s, const char *name, bool *found)
{
	size_t low = 0, high = s->n;

	*found = false;
	while (low < high && !*found) {
		size_t mid = low + (high - low) / 2;
		int order = strcmp(s->entry[mid]->name, name);

		if (order < 0)
			low = mid + 1;
		else
			high = mid;
		*found = order == 0;
	}
	return high;
}

static struct entry *entry_new(
	const struct dns_name *name, const char *reason, const char *who, uint32_t when)
{
	char text[DNS_TEXT_MAX];
	size_t len = dns_name_text(name->wire, name->len, text, sizeof(text));
	struct entry *e = malloc(sizeof(*e) + len + 1);

	if (!e)
		return NULL;
	e->when = when;
	snprintf(e->who, sizeof(e->who), "%s", who);
	snprintf(e->reason, sizeof(e->reason), "%s", reason);
	memcpy(e->name, text, len + 1);
	return e;
}

static json_t *entry_json(const struct entry *e)
{
	return json_pack("{s:s, s:o, s:o, s:o}",    //
		"name", e->name,                    //
		"reason", export_octets(e->reason), //
		"who", export_octets(e->who),       //
		"when", value_seconds(e->when));
}

static json_t *entries_json(const struct set *s, size_t from, size_t n)
{
	json_t *list = json_array();

	for (size_t i = from; i < from + n && list; i++)
		list = value_whole(list, json_array_append_new(list, entry_json(s->entry[i])));
	return list;
}

/* Writes the list that is to be. */
static int set_save(const struct allow *a, const struct set *s)
{
	size_t len;
	char *text;
	int rc;

	if (a->path[0] == '\0')
		return 0;
	text = export_text(json_pack("{s:i, s:o}", "schema_version", EXPORT_SCHEMA_VERSION,
				   "entries", entries_json(s, 0, s->n)),
		&len);
	if (!text)
		return -ENOMEM;
	rc = len < ALLOW_OCTETS_MAX ? file_replace(a->path, text, len, FILE_MODE) : -ENOSPC;
	free(text);
	return rc;
}

/* The only place where the list changes; readers of the one before have left it. */
static struct set *set_exchange(struct allow *a, struct set *next)
{
	pthread_rwlock_wrlock(&a->lock);
	struct set *before = a->set;
	a->set = next;
	a->generation++;
	pthread_rwlock_unlock(&a->lock);
	return before;
}

/* Saves the next list and puts it in force, or lets it go. The entries are not touched. */
static int set_commit(struct allow *a, struct set *next)
{
	int rc = next ? set_save(a, next) : -ENOMEM;

	free(rc == 0 ? set_exchange(a, next) : next);
	return rc;
}

/* The change lock is held: nobody else writes a->set, so it is read without the other. */
static int entry_insert(struct allow *a, struct entry *e)
{
	const struct set *s = a->set;
	bool found;
	size_t at = set_find(s, e->name, &found);

	if (found)
		return -EEXIST;
	if (s->n >= ALLOW_MAX)
		return -ENOSPC;
	struct set *next = set_new(s->n + 1);
	if (next) {
		memcpy(next->entry, s->entry, at * sizeof(s->entry[0]));
		next->entry[at] = e;
		memcpy(next->entry + at + 1, s->entry + at, (s->n - at) * sizeof(s->entry[0]));
	}
	return set_commit(a, next);
}

int allow_add(struct allow *a, const struct dns_name *name, const char *reason, const char *who,
	uint32_t when)
{
	struct entry *e;
	int rc;

	if (name->labels == 0)
		return -EINVAL;
	e = entry_new(name, reason, who, when);
	if (!e)
		return -ENOMEM;
	rc = -pthread_mutex_trylock(&a->change);
	if (rc == 0) {
		rc = entry_insert(a, e);
		pthread_mutex_unlock(&a->change);
	}
	if (rc < 0)
		free(e);
	return rc;
}

static int entry_delete(struct allow *a, const char *name, struct entry **out)
{
	const struct set *s = a->set;
	bool found;
	size_t at = set_find(s, name, &found);

	if (!found)
		return -ENOENT;
	struct set *next = set_new(s->n - 1);
	if (next) {
		memcpy(next->entry, s->entry, at * sizeof(s->entry[0]));
		memcpy(next->entry + at, s->entry + at + 1, (next->n - at) * sizeof(s->entry[0]));
	}
	*out = s->entry[at];
	return set_commit(a, next);
}

int allow_remove(struct allow *a, const struct dns_name *name)
{
	char text[DNS_TEXT_MAX];
	struct entry *e;
	int rc;

	dns_name_text(name->wire, name->len, text, sizeof(text));
	rc = -pthread_mutex_trylock(&a->change);
	if (rc < 0)
		return rc;
	rc = entry_delete(a, text, &e);
	pthread_mutex_unlock(&a->change);
	if (rc == 0)
		free(e);
	return rc;
}

bool allow_has(const struct allow *a, const struct dns_name *name)
{
	char text[DNS_TEXT_MAX];
	const char *at = text;
	bool found = false;

	if (!a)
		return false;
	dns_name_text(name->wire, name->len, text, sizeof(text));
	const struct set *s = set_hold(a);
	while (s->n && at && !found) {
		set_find(s, at, &found);
		at = strchr(at, '.');
		at = at ? at + 1 : NULL;
	}
	set_release(a);
	return found;
}

bool allow_below(const struct allow *a, const struct dns_name *name)
{
	char text[DNS_TEXT_MAX];
	bool found = false;

	if (!a)
		return false;
	size_t len = dns_name_text(name->wire, name->len, text, sizeof(text));
	const struct set *s = set_hold(a);
	for (size_t i = 0; i < s->n && !found; i++) {
		const char *entry = s->entry[i]->name;
		size_t n = strlen(entry);

		found = n >= len && (n == len || entry[n - len - 1] == '.') &&
			memcmp(entry + n - len, text, len) == 0;
	}
	set_release(a);
	return found;
}

uint32_t allow_generation(const struct allow *a)
{
	set_hold(a);
	uint32_t generation = a->generation;
	set_release(a);
	return generation;
}

size_t allow_count(const struct allow *a)
{
	size_t n = set_hold(a)->n;

	set_release(a);
	return n;
}

/* "GENERATION INDEX" in hexadecimal. 0, -EINVAL or -ESTALE. */
static int cursor_parse(const struct allow *a, const char *text, size_t *at)
{
	*at = 0;
	if (!text)
		return 0;
	if (strlen(text) != CURSOR_LEN || strspn(text, "0123456789abcdef") != CURSOR_LEN)
		return -EINVAL;
	uint64_t cursor = strtoull(text, NULL, 16);
	if (cursor >> 32 != a->generation)
		return -ESTALE;
	*at = cursor & UINT32_MAX;
	return *at <= a->set->n ? 0 : -EINVAL;
}

int allow_page(const struct allow *a, const char *cursor, uint32_t limit, json_t **out)
{
	const struct set *s = set_hold(a);
	size_t at;
	int rc = cursor_parse(a, cursor, &at);

	if (rc == 0) {
		size_t left = s->n - at, n = left < limit ? left : limit;

		*out = json_pack("{s:i, s:o, s:o, s:o}",                               //
			"schema_version", EXPORT_SCHEMA_VERSION,                       //
			"total", value_count(s->n), "entries", entries_json(s, at, n), //
			"next_cursor",
			n < left ? json_sprintf("%08x%08x", a->generation, (unsigned)(at + n))
				 : json_null());
		rc = *out ? 0 : -ENOMEM;
	}
	set_release(a);
	return rc;
}

static int refuse(char err[ERROR_LINE_MAX], const char *path, const char *why, int rc)
{
	snprintf(err, ERROR_LINE_MAX, "allow: %.200s: %.200s", path, why);
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
static struct entry *entry_read(json_t *item, json_error_t *error)
{
	const char *text, *reason = "", *who = "config", *when = "";
	struct dns_name name;

	if (json_unpack_ex(item, error, 0, "{s:s, s?s, s?s, s?s !}", "name", &text, "reason",
		    &reason, "who", &who, "when", &when) < 0)
		return NULL;
	if (dns_name_parse(text, &name) < 0 || name.labels == 0) {
		snprintf(error->text, sizeof(error->text), "\"%.60s\" is no domain name", text);
		return NULL;
	}
	struct entry *e = entry_new(&name, reason, who, time_parse(when));
	if (!e)
		snprintf(error->text, sizeof(error->text), "out of memory");
	return e;
}

static int entry_order(const void *a, const void *b)
{
	const struct entry *const *x = a, *const *y = b;

	return strcmp((*x)->name, (*y)->name);
}

/* In order, of a name that is there twice one. */
static void set_seal(struct set *s)
{
	size_t n = 0;

	qsort(s->entry, s->n, sizeof(s->entry[0]), entry_order);
	for (size_t i = 0; i < s->n; i++) {
		if (n && strcmp(s->entry[n - 1]->name, s->entry[i]->name) == 0)
			free(s->entry[i]);
		else
			s->entry[n++] = s->entry[i];
	}
	s->n = n;
}

static struct set *set_parse(const char *text, size_t len, json_error_t *error)
{
	json_t *root = json_loadb(text, len, JSON_REJECT_DUPLICATES, error), *list, *item;
	struct set *s = NULL;
	int version;
	size_t i;

	if (!root || json_unpack_ex(root, error, 0, "{s:i, s:o !}", "schema_version", &version,
			     "entries", &list) < 0)
		goto end;
	if (version != EXPORT_SCHEMA_VERSION || !json_is_array(list) ||
		json_array_size(list) > ALLOW_MAX) {
		snprintf(error->text, sizeof(error->text),
			"expected schema_version %d and at most %u entries", EXPORT_SCHEMA_VERSION,
			ALLOW_MAX);
		goto end;
	}
	s = set_new(json_array_size(list));
	if (s)
		memset(s->entry, 0, s->n * sizeof(s->entry[0]));
	else
		snprintf(error->text, sizeof(error->text), "out of memory");
	json_array_foreach(list, i, item)
	{
		if (s && !(s->entry[i] = entry_read(item, error))) {
			set_free(s);
			s = NULL;
		}
	}
	if (s)
		set_seal(s);
end:
	json_decref(root);
	return s;
}

static int set_load(struct allow *a, char err[ERROR_LINE_MAX])
{
	json_error_t error = {0};
	char why[ERROR_LINE_MAX];
	size_t len;
	char *text = a->path[0] ? file_read(a->path, ALLOW_OCTETS_MAX, &len) : NULL;

	if (!text && a->path[0] && errno != ENOENT)
		return refuse(err, a->path, strerror(errno), -errno);
	a->set = text ? set_parse(text, len, &error) : set_new(0);
	free(text);
	if (a->set)
		return 0;
	snprintf(why, sizeof(why), "%.150s: mend the file, or move it away for an empty list",
		error.text);
	return refuse(err, a->path, why, -EINVAL);
}

/* Two that write one list would each forget the other's entries. */
static int owner_take(struct allow *a, char err[ERROR_LINE_MAX])
{
	char lock[PATH_MAX];

	if (a->path[0] == '\0')
		return 0;
	snprintf(lock, sizeof(lock), "%s.lock", a->path);
	a->owner = open(lock, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (a->owner < 0)
		return refuse(err, a->path, strerror(errno), -errno);
	if (flock(a->owner, LOCK_EX | LOCK_NB) == 0)
		return 0;
	return refuse(err, a->path,
		errno == EWOULDBLOCK
			? "another sensor keeps its list there: give each an allow.path of its own"
			: strerror(errno),
		-errno);
}

int allow_open(struct allow **out, const char *path, char err[ERROR_LINE_MAX])
{
	size_t len = strlen(path) + 1;
	struct allow *a = calloc(1, sizeof(*a) + len);
	int rc;

	*out = NULL;
	if (!a)
		return refuse(err, path, "out of memory", -ENOMEM);
	pthread_rwlock_init(&a->lock, NULL);
	pthread_mutex_init(&a->change, NULL);
	memcpy(a->path, path, len);
	a->owner = -1;
	/* A cursor of the run before is none of this one. */
	a->generation = (uint32_t)time(NULL);
	rc = owner_take(a, err);
	if (rc == 0)
		rc = set_load(a, err);
	if (rc == 0)
		*out = a;
	else
		allow_close(a);
	return rc;
}

void allow_close(struct allow *a)
{
	if (!a)
		return;
	if (a->owner >= 0)
		close(a->owner);
	set_free(a->set);
	pthread_rwlock_destroy(&a->lock);
	pthread_mutex_destroy(&a->change);
	free(a);
}
