/* SPDX-License-Identifier: BSD-3-Clause */

#include <arpa/inet.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <time.h>

#include "base/address.h"
#include "config/file.h"
#include "config/table.h"
#include "log.h"
#include "networks/imports.h"
#include "psl/list.h"

#define ROOM_FIRST 1024u

static const char out_of_memory[] = "out of memory";

/* Room for one more entry of `size`; NULL, or why there is none. */
static const char *room_make(
	struct import *i, void **entries, uint32_t n, uint32_t *room, size_t size)
{
	if (n < *room)
		return NULL;
	if (n == IMPORT_ENTRIES_MAX)
		return "no more room: the lists together are too long";
	uint32_t more = *room ? 2 * *room : ROOM_FIRST;
	void *grown = realloc(*entries, more * size);
	if (!grown) {
		i->error = -ENOMEM;
		return out_of_memory;
	}
	*entries = grown;
	*room = more;
	return NULL;
}

/* The registered domain itself, or its "www": who is named by a host below it, it is not. */
static const char *domain_check(const struct psl *psl, const char *text, size_t len)
{
	struct dns_name name;
	const char *fault = psl_list_name(text, len, &name);

	if (fault)
		return fault;
	int label = psl_registered(psl, &name);
	if (label < 0)
		return "a public suffix, which nobody registered";
	if (label == 0 || (label == 1 && memcmp(name.wire, "\3www", 4) == 0))
		return NULL;
	return "a host below a registered domain, of which it says nothing";
}

const char *import_domain(struct import *i, const char *text, size_t len)
{
	struct name_list *l = &i->lists->known;

	if (len > 2 && memcmp(text, "*.", 2) == 0) {
		text += 2;
		len -= 2;
	}
	const char *why = domain_check(i->psl, text, len);
	if (!why)
		why = room_make(i, (void **)&l->hash, l->n, &l->room, sizeof(l->hash[0]));
	if (!why)
		why = name_list_add(l, i->psl, text, len);
	i->domains += !why;
	return why;
}

const char *import_address(struct import *i, const char *text, size_t len)
{
	struct unit_list *l = &i->lists->known_units;
	char copy[INET6_ADDRSTRLEN + 4];
	uint8_t octets[16];
	uint64_t unit;

	if (len >= sizeof(copy))
		return "no address";
	memcpy(copy, text, len);
	copy[len] = '\0';
	char *slash = strchr(copy, '/');
	if (slash)
		*slash++ = '\0';
	if (inet_pton(AF_INET, copy, octets) == 1) {
		if (slash && strcmp(slash, "32") != 0)
			return "a range, not an address";
		unit = address_unit_v4(octets);
	} else if (inet_pton(AF_INET6, copy, octets) == 1) {
		if (slash && strcmp(slash, "128") != 0 && strcmp(slash, "64") != 0)
			return "a range, not an address";
		unit = address_unit_v6(octets);
	} else {
		return "no address";
	}
	if (unit == ADDRESS_NONE)
		return "an address of special purpose";
	const char *why = room_make(i, (void **)&l->unit, l->n, &l->room, sizeof(l->unit[0]));
	if (!why) {
		l->unit[l->n++] = unit;
		i->addresses++;
	}
	return why;
}

void import_left(struct import *i, unsigned at, const char *why)
{
	if (why && i->left++ == 0) {
		i->first = at;
		i->why = why;
	}
}

static bool is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\r';
}

static size_t word_of(const char *at, const char *end)
{
	const char *p = at;

	while (p < end && !is_blank(*p) && *p != ',' && *p != ';' && *p != '#')
		p++;
	return (size_t)(p - at);
}

static const char *entry_take(struct import *i, const char *at, const char *end)
{
	size_t len = word_of(at, end);
	const char *next = at + len, *why = import_address(i, at, len);

	while (next < end && is_blank(*next))
		next++;
	size_t second = word_of(next, end);
	/* "0.0.0.0 bad.example": the form of /etc/hosts. */
	if (why && second &&
		(strncmp(at, "0.0.0.0", len) == 0 || strncmp(at, "127.0.0.1", len) == 0))
		return import_domain(i, next, second);
	return why && strcmp(why, "no address") == 0 ? import_domain(i, at, len) : why;
}

static void plain_read(struct import *i, const char *text, size_t len)
{
	const char *stop = text + len;
	unsigned line = 0;

	for (const char *next; text < stop && !i->error; text = next) {
		const char *newline = memchr(text, '\n', (size_t)(stop - text));
		const char *end = newline ? newline : stop;

		next = newline ? newline + 1 : stop;
		line++;
		while (text < end && is_blank(*text))
			text++;
		if (text < end && !strchr("#;!", *text))
			import_left(i, line, entry_take(i, text, end));
	}
}

/* Has a zone file's first record in it, before anything else that counts? */
static bool looks_like_zone(const char *text, size_t len)
{
	size_t head = len < 4096 ? len : 4096;

	return memmem(text, head, " SOA", 4) || memmem(text, head, "\tSOA", 4) ||
	       memmem(text, head, "$ORIGIN", 7) || memmem(text, head, "$TTL", 4);
}

static int file_load(struct import *i, const char *path, char err[ERROR_LINE_MAX])
{
	struct config_source src = {.name = path, .err = err};
	size_t len = 0;
	char *text = file_read(path, IMPORT_OCTETS_MAX, &len);
	const char *wrong = NULL;

	if (!text)
		return config_refuse(&src, "",
			"import.files: cannot be read: %s: name files that exist, or take it out",
			strerror(errno));
	/* There is room: fewer octets than were asked for came. */
	text[len] = '\0';
	size_t blank = strspn(text, " \t\r\n");
	if (text[blank] == '{') {
		i->format = "STIX";
		wrong = import_stix(i, text, len);
	} else if (looks_like_zone(text, len)) {
		i->format = "RPZ";
		wrong = import_rpz(i, text, len);
	} else {
		i->format = "list";
		plain_read(i, text, len);
	}
	free(text);
	if (i->error)
		return config_refuse(&src, "", "%s", out_of_memory);
	if (wrong)
		return config_refuse(&src, "", "import.files: %s", wrong);
	if (i->left)
		log_line(LOG_LEVEL_WARNING,
			"import.files: %s: %s: %u entries of domains and %u of addresses taken; "
			"%u left out, the first is number %u: %s",
			path, i->format, i->domains, i->addresses, i->left, i->first, i->why);
	else
		log_line(LOG_LEVEL_INFO,
			"import.files: %s: %s: %u entries of domains and %u of addresses taken",
			path, i->format, i->domains, i->addresses);
	return 0;
}

int imports_load(struct name_lists *lists, const struct config *c, const struct psl *psl,
	char err[ERROR_LINE_MAX])
{
	int rc = 0;

	for (unsigned k = 0; rc == 0 && k < c->import.files_count; k++) {
		struct import i = {.lists = lists, .psl = psl, .now = time(NULL)};

		rc = file_load(&i, c->import.files[k], err);
	}
	name_list_seal(&lists->known);
	unit_list_seal(&lists->known_units);
	return rc;
}
