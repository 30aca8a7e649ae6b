/* SPDX-License-Identifier: BSD-3-Clause */

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "config/file.h"
#include "config/table.h"
#include "log.h"
#include "networks/lists.h"

/* A list of a million names has some 22 MB. */
#define FILE_OCTETS_MAX (128u << 20)
#define NAMES_MAX (1u << 22)

struct lists {
	struct name_lists names;
	uint64_t infrastructure[CONFIG_INFRASTRUCTURE_MAX];
};

/* Lines of a list that name no domain. */
struct bad_lines {
	unsigned n;
	unsigned first; /* 1-based */
	const char *why;
};

static bool is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\r';
}

/* Cuts at..*end down to the name in it: no blanks around it, no rank before it. */
static const char *line_name(const char *at, const char **end)
{
	const char *digit = at;

	while (digit < *end && *digit >= '0' && *digit <= '9')
		digit++;
	if (digit > at && digit < *end && *digit == ',')
		at = digit + 1;
	while (at < *end && is_blank(*at))
		at++;
	while (at < *end && is_blank((*end)[-1]))
		--*end;
	return at;
}

static void text_read(struct name_list *l, const struct psl *psl, const char *text, size_t len,
	struct bad_lines *bad)
{
	const char *stop = text + len;
	unsigned line = 0;

	for (const char *next; text < stop; text = next) {
		const char *newline = memchr(text, '\n', (size_t)(stop - text));
		const char *end = newline ? newline : stop;
		const char *why = NULL, *at = line_name(text, &end);

		next = newline ? newline + 1 : stop;
		line++;
		if (at < end && *at != '#')
			why = name_list_add(l, psl, at, (size_t)(end - at));
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

static int popular_take(struct name_list *l, const struct psl *psl, const char *text, size_t len,
	const struct config_source *src)
{
	struct bad_lines bad = {0};
	size_t lines = lines_of(text, len);

	if (lines > NAMES_MAX)
		return config_refuse(src, "", "detect.popular has more than %u lines", NAMES_MAX);
	l->room = (uint32_t)lines;
	l->hash = malloc(lines * sizeof(l->hash[0]));
	if (!l->hash)
		return config_refuse(src, "", "out of memory");
	text_read(l, psl, text, len, &bad);
	/* As a list cut short is: it would take no verdict's firmness, and nobody would know. */
	if (l->n == 0 && bad.n == 0)
		return config_refuse(
			src, "", "detect.popular: no line names a domain; the list is empty");
	if (l->n == 0)
		return config_refuse(src, "", "detect.popular: no line names a domain; line %u: %s",
			bad.first, bad.why);
	name_list_seal(l);
	if (bad.n)
		log_line(LOG_LEVEL_WARNING,
			"detect.popular: %s: %u domains; %u lines left out, the first is line %u: "
			"%s",
			src->name, l->n, bad.n, bad.first, bad.why);
	else
		log_line(LOG_LEVEL_INFO, "detect.popular: %s: %u domains", src->name, l->n);
	return 0;
}

static int popular_load(
	struct name_list *l, const char *path, const struct psl *psl, char err[ERROR_LINE_MAX])
{
	struct config_source src = {.name = path, .err = err};
	size_t len = 0;
	char *text = file_read(path, FILE_OCTETS_MAX, &len);

	if (!text)
		return config_refuse(&src, "",
			"detect.popular cannot be read: %s: name a file with a domain a line, or "
			"\"\"",
			strerror(errno));
	int rc = popular_take(l, psl, text, len, &src);
	free(text);
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

int lists_load(
	struct lists **out, const struct config *c, const struct psl *psl, char err[ERROR_LINE_MAX])
{
	struct lists *l = calloc(1, sizeof(*l));
	int rc = 0;

	*out = NULL;
	if (!l) {
		snprintf(err, ERROR_LINE_MAX, "memory: out of memory");
		return -ENOMEM;
	}
	rc = key_make(&l->names.popular.key, err);
	if (rc == 0)
		rc = key_make(&l->names.infrastructure.key, err);
	if (rc == 0)
		rc = infrastructure_load(l, c, psl, err);
	if (rc == 0 && c->popular_path[0])
		rc = popular_load(&l->names.popular, c->popular_path, psl, err);
	if (rc < 0)
		lists_free(l);
	else
		*out = l;
	return rc;
}

void lists_free(struct lists *l)
{
	if (!l)
		return;
	free(l->names.popular.hash);
	free(l);
}

const struct name_lists *lists_names(const struct lists *l)
{
	return &l->names;
}
