/* SPDX-License-Identifier: BSD-3-Clause */

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "config/file.h"
#include "config/table.h"
#include "log.h"
#include "networks/asn.h"
#include "networks/imports.h"
#include "networks/lists.h"

/* A list of a million names has some 22 MB. */
#define FILE_OCTETS_MAX (128u << 20)
#define LINES_MAX (1u << 22)

struct lists {
	struct name_lists names;
	uint64_t infrastructure[CONFIG_INFRASTRUCTURE_MAX];
};

/* Lines of a list that name nothing. */
struct bad_lines {
	unsigned n;
	unsigned first; /* 1-based */
	const char *why;
};

static bool is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\r';
}

struct names_taken {
	struct name_list *list;
	const struct psl *psl;
};

/* A domain, behind its rank and a comma or alone. */
static const char *name_take(void *list, const char *at, size_t len)
{
	struct names_taken *t = list;
	size_t digits = 0;

	while (digits < len && at[digits] >= '0' && at[digits] <= '9')
		digits++;
	if (digits && digits < len && at[digits] == ',') {
		for (digits++; digits < len && is_blank(at[digits]);)
			digits++;
		at += digits;
		len -= digits;
	}
	return len ? name_list_add(t->list, t->psl, at, len) : NULL;
}

/* An AS number, alone or as the first column. */
static const char *asn_take(void *list, const char *at, size_t len)
{
	struct asn_list *l = list;
	size_t digits = 0;

	while (digits < len && !is_blank(at[digits]) && at[digits] != ',' && at[digits] != ';')
		digits++;
	uint32_t asn = asn_parse(at, digits);
	if (!asn)
		return "no AS number";
	l->asn[l->n++] = asn;
	return NULL;
}

/* Takes what a line, without blanks and not empty, names. NULL, or why it does not (static). */
typedef const char *line_fn(void *list, const char *at, size_t len);

static void text_read(
	const char *text, size_t len, line_fn *take, void *list, struct bad_lines *bad)
{
	const char *stop = text + len;
	unsigned line = 0;

	for (const char *next; text < stop; text = next) {
		const char *newline = memchr(text, '\n', (size_t)(stop - text));
		const char *end = newline ? newline : stop;
		const char *why = NULL, *at = text;

		next = newline ? newline + 1 : stop;
		line++;
		while (at < end && is_blank(*at))
			at++;
		while (at < end && is_blank(end[-1]))
			end--;
		if (at < end && *at != '#')
			why = take(list, at, (size_t)(end - at));
		if (why && bad->n++ == 0)
			*bad = (struct bad_lines){1, line, why};
	}
}

static size_t lines_of(const char *text, size_t len)
{
	size_t n = 1;

	for (const char *at = text; (at = memchr(at, '\n', len - (size_t)(at - text))); at++)
		n++;
	return n;
}

/* A list of a configuration's key, to be read from a file. */
struct list_file {
	const char *key;
	const char *what; /* a line of it names */
	line_fn *take;
	void *list;
	void **entries; /* of `size`, malloc'ed */
	uint32_t *room;
	uint32_t *n;
	size_t size;
};

static int file_take(
	const struct list_file *f, const char *text, size_t len, const struct config_source *src)
{
	struct bad_lines bad = {0};
	size_t lines = lines_of(text, len);

	if (lines > LINES_MAX)
		return config_refuse(src, "", "%s has more than %u lines", f->key, LINES_MAX);
	*f->room = (uint32_t)lines;
	*f->entries = malloc(lines * f->size);
	if (!*f->entries)
		return config_refuse(src, "", "out of memory");
	text_read(text, len, f->take, f->list, &bad);
	/* As a list cut short is: it would say nothing, and nobody would know. */
	if (*f->n == 0 && bad.n == 0)
		return config_refuse(
			src, "", "%s: no line names %s; the list is empty", f->key, f->what);
	if (*f->n == 0)
		return config_refuse(src, "", "%s: no line names %s; line %u: %s", f->key, f->what,
			bad.first, bad.why);
	if (bad.n)
		log_line(LOG_LEVEL_WARNING,
			"%s: %s: %u lines taken; %u left out, the first is line %u: %s", f->key,
			src->name, *f->n, bad.n, bad.first, bad.why);
	else
		log_line(LOG_LEVEL_INFO, "%s: %s: %u lines taken", f->key, src->name, *f->n);
	return 0;
}

static int file_load(const struct list_file *f, const char *path, char err[ERROR_LINE_MAX])
{
	struct config_source src = {.name = path, .err = err};
	size_t len = 0;
	char *text = file_read(path, FILE_OCTETS_MAX, &len);

	if (!text)
		return config_refuse(&src, "",
			"%s cannot be read: %s: name a file with %s a line, or \"\"", f->key,
			strerror(errno), f->what);
	int rc = file_take(f, text, len, &src);
	free(text);
	return rc;
}

static int popular_load(struct name_list *l, const char *key, const char *path,
	const struct psl *psl, char err[ERROR_LINE_MAX])
{
	struct names_taken taken = {l, psl};
	const struct list_file f = {key, "a domain", name_take, &taken, (void **)&l->hash, &l->room,
		&l->n, sizeof(l->hash[0])};
	int rc = file_load(&f, path, err);

	if (rc == 0)
		name_list_seal(l);
	return rc;
}

static int eyeballs_load(struct asn_list *l, const char *path, char err[ERROR_LINE_MAX])
{
	const struct list_file f = {"networks.eyeballs", "an AS number", asn_take, l,
		(void **)&l->asn, &l->room, &l->n, sizeof(l->asn[0])};
	int rc = file_load(&f, path, err);

	if (rc == 0)
		asn_list_seal(l);
	return rc;
}

static int infrastructure_load(
	struct lists *l, const struct config *c, const struct psl *psl, char err[ERROR_LINE_MAX])
{
	struct config_source src = {.name = "detect.infrastructure", .err = err};
	struct name_list *list = &l->names.infrastructure;

	list->hash = l->infrastructure;
	list->room = CONFIG_INFRASTRUCTURE_MAX;
	for (unsigned i = 0; i < c->infrastructure_count; i++) {
		const char *text = c->infrastructure[i];
		const char *why = name_list_add(list, psl, text, strlen(text));

		if (why)
			return config_refuse(&src, "", "\"%.100s\": %s", text, why);
	}
	name_list_seal(list);
	return 0;
}

static int key_make(struct hash_key *key, char err[ERROR_LINE_MAX])
{
	if (getrandom(key, sizeof(*key), 0) == (ssize_t)sizeof(*key))
		return 0;
	snprintf(err, ERROR_LINE_MAX, "getrandom: %s", strerror(errno));
	return -EIO;
}

/* With the keys of all lists, and no entries. */
static int lists_new(struct lists **out, char err[ERROR_LINE_MAX])
{
	struct lists *l = calloc(1, sizeof(*l));
	int rc;

	*out = l;
	if (!l) {
		snprintf(err, ERROR_LINE_MAX, "memory: out of memory");
		return -ENOMEM;
	}
	rc = key_make(&l->names.popular.key, err);
	if (rc == 0)
		rc = key_make(&l->names.infrastructure.key, err);
	if (rc == 0)
		rc = key_make(&l->names.known.key, err);
	return rc;
}

static int lists_end(struct lists **l, int rc)
{
	if (rc < 0) {
		lists_free(*l);
		*l = NULL;
	}
	return rc;
}

static int names_load(
	struct lists *l, const struct config *c, const struct psl *psl, char err[ERROR_LINE_MAX])
{
	int rc = infrastructure_load(l, c, psl, err);

	if (rc == 0 && c->popular_path[0])
		rc = popular_load(&l->names.popular, "detect.popular", c->popular_path, psl, err);
	return rc;
}

int lists_load(
	struct lists **out, const struct config *c, const struct psl *psl, char err[ERROR_LINE_MAX])
{
	int rc = lists_new(out, err);

	if (rc == 0)
		rc = names_load(*out, c, psl, err);
	if (rc == 0 && c->networks.eyeballs[0])
		rc = eyeballs_load(&(*out)->names.eyeballs, c->networks.eyeballs, err);
	if (rc == 0)
		rc = imports_load(&(*out)->names, c, psl, err);
	return lists_end(out, rc);
}

int lists_load_names(
	struct lists **out, const struct config *c, const struct psl *psl, char err[ERROR_LINE_MAX])
{
	int rc = lists_new(out, err);

	if (rc == 0)
		rc = names_load(*out, c, psl, err);
	return lists_end(out, rc);
}

int lists_load_popular(struct lists **out, const char *key, const char *path, const struct psl *psl,
	char err[ERROR_LINE_MAX])
{
	int rc = lists_new(out, err);

	if (rc == 0)
		rc = popular_load(&(*out)->names.popular, key, path, psl, err);
	return lists_end(out, rc);
}

void lists_free(struct lists *l)
{
	if (!l)
		return;
	free(l->names.popular.hash);
	free(l->names.eyeballs.asn);
	free(l->names.known.hash);
	free(l->names.known_units.unit);
	free(l);
}

const struct name_lists *lists_names(const struct lists *l)
{
	return &l->names;
}
