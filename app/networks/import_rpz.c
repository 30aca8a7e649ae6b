/* SPDX-License-Identifier: BSD-3-Clause */

/*
 * Response policy zones as zone files (draft-vixie-dnsop-dns-rpz-00): owners below the zone's
 * apex are triggers. Records of one line; those of several, as the SOA's, are passed over.
 */

#include <ctype.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "networks/imports.h"

#define WORDS_MAX 6u
#define OWNER_MAX 1025u

struct zone {
	char origin[OWNER_MAX]; /* without the dot at its end; "": not known */
	char owner[OWNER_MAX];  /* of the last record, for those that do not repeat it */
	unsigned depth;         /* of parentheses */
	unsigned opened;        /* line of the first of those */
};

struct words {
	unsigned n;
	char *word[WORDS_MAX];
};

/* What stands behind ';' goes. Counts parentheses; in quotes all is text, up to the line's end. */
static void end_at_comment(char *line, struct zone *z)
{
	bool quoted = false;
	char *p = line;

	for (; *p && (quoted || *p != ';'); p++) {
		if (*p == '\\' && p[1])
			p++;
		else if (*p == '"')
			quoted = !quoted;
		else if (!quoted && *p == '(')
			z->depth++;
		else if (!quoted && *p == ')' && z->depth)
			z->depth--;
	}
	*p = '\0';
}

/* Splits a line in place, without its comment. */
static struct words split(char *line, struct zone *z)
{
	struct words w = {0};
	char *save = NULL;

	end_at_comment(line, z);
	for (char *word; w.n < WORDS_MAX && (word = strtok_r(w.n ? NULL : line, " \t\r", &save));)
		w.word[w.n++] = word;
	return w;
}

/* A copy without the dot at its end. */
static void name_copy(char out[OWNER_MAX], const char *name)
{
	size_t n = strlen(name);

	snprintf(out, OWNER_MAX, "%.*s", (int)(n - (n && name[n - 1] == '.')), name);
}

/* The name without the dot at its end, and without the zone's; empty: the apex. */
static void owner_below(const struct zone *z, const char *owner, char out[OWNER_MAX])
{
	size_t n = strlen(owner), o = strlen(z->origin);
	bool absolute = n && owner[n - 1] == '.';

	if (strcmp(owner, "@") == 0)
		n = 0;
	if (absolute)
		n--;
	if (absolute && o && n == o && strncasecmp(owner, z->origin, o) == 0)
		n = 0;
	else if (absolute && o && n > o + 1 && owner[n - o - 1] == '.' &&
		 strncasecmp(owner + n - o, z->origin, o) == 0)
		n -= o + 1;
	snprintf(out, OWNER_MAX, "%.*s", (int)n, owner);
}

/* "32.1.113.0.203" or "64.zz.2.0.db8.2001" as an address with its length. */
static const char *address_trigger(struct import *i, char *text)
{
	char *part[9], *save = NULL, out[64] = "";
	unsigned n = 0;
	size_t at = 0;

	for (char *p; n < 9 && (p = strtok_r(n ? NULL : text, ".", &save));)
		part[n++] = p;
	if (n < 3 || save[0])
		return "no address";
	bool v4 = n == 5;
	for (unsigned k = 1; k < n; k++)
		v4 &= strcasecmp(part[k], "zz") != 0;
	for (unsigned k = n - 1; k >= 1 && at < sizeof(out); k--) {
		/* "zz" is "::"; at either end it brings its own colons. */
		bool gap = !v4 && strcasecmp(part[k], "zz") == 0, first = k == n - 1;
		const char *mark = first ? "" : v4 ? "." : ":";

		at += (size_t)snprintf(out + at, sizeof(out) - at, "%s%s",
			gap && first ? ":" : mark, gap ? "" : part[k]);
		if (gap && k == 1)
			at += (size_t)snprintf(out + at, sizeof(out) - at, ":");
	}
	if (at < sizeof(out))
		at += (size_t)snprintf(out + at, sizeof(out) - at, "/%s", part[0]);
	return at < sizeof(out) ? import_address(i, out, at) : "no address";
}

static const char *trigger(struct import *i, char *owner)
{
	char *rpz = strstr(owner, ".rpz-");

	if (!rpz)
		return import_domain(i, owner, strlen(owner));
	if (strcasecmp(rpz, ".rpz-ip") != 0)
		return "a trigger other than a name and an address in answers";
	*rpz = '\0';
	return address_trigger(i, owner);
}

static bool is_ttl_or_class(const char *word)
{
	return isdigit((unsigned char)word[0]) || strcasecmp(word, "IN") == 0;
}

/* Which of the words is the type; w->n: none. */
static unsigned type_of(const struct words *w, unsigned from)
{
	while (from < w->n && is_ttl_or_class(w->word[from]))
		from++;
	return from;
}

static const char *record(struct import *i, struct zone *z, const struct words *w, bool repeats)
{
	char below[OWNER_MAX];
	unsigned type = type_of(w, !repeats);

	if (!repeats)
		snprintf(z->owner, sizeof(z->owner), "%s", w->word[0]);
	if (type >= w->n)
		return "a record without a type";
	/* The zone file's apex names the zone, where $ORIGIN does not. */
	if (strcasecmp(w->word[type], "SOA") == 0 && !z->origin[0] && strcmp(z->owner, "@") != 0)
		name_copy(z->origin, z->owner);
	owner_below(z, z->owner, below);
	if (!below[0] || strcasecmp(w->word[type], "SOA") == 0 ||
		strcasecmp(w->word[type], "NS") == 0)
		return NULL;
	if (type + 1 < w->n && strncasecmp(w->word[type + 1], "rpz-passthru", 12) == 0)
		return "passes through";
	return trigger(i, below);
}

static void line_read(struct import *i, struct zone *z, char *line, unsigned number)
{
	bool inside = z->depth > 0, repeats = line[0] == ' ' || line[0] == '\t';
	struct words w = split(line, z);

	if (!inside)
		z->opened = number;
	if (w.n == 0 || inside)
		return;
	if (strcasecmp(w.word[0], "$ORIGIN") == 0 && w.n > 1)
		name_copy(z->origin, w.word[1]);
	else if (w.word[0][0] != '$')
		import_left(i, number, record(i, z, &w, repeats));
}

const char *import_rpz(struct import *i, const char *text, size_t len)
{
	struct zone z = {0};
	const char *stop = text + len;
	unsigned number = 0;
	char line[4096];

	for (const char *next; text < stop && !i->error; text = next) {
		const char *newline = memchr(text, '\n', (size_t)(stop - text));
		size_t n = (size_t)((newline ? newline : stop) - text);

		next = newline ? newline + 1 : stop;
		number++;
		if (n >= sizeof(line)) {
			import_left(i, number, "a line that is too long");
			continue;
		}
		memcpy(line, text, n);
		line[n] = '\0';
		line_read(i, &z, line, number);
	}
	if (z.depth)
		import_left(i, z.opened, "a parenthesis that is not closed, and all behind it");
	return NULL;
}
