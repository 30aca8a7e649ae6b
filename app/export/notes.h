/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

/*
 * A list of domain names, each with what was said of it, by whom and when; in memory, and in
 * a file of JSON. What the allow-list and acknowledgements have in common.
 *
 * Management threads only. Any number read at a time; one changes, and the others go on
 * reading while it waits for the disk. A change is on the disk before it is in force.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <jansson.h>

#include "cli/exit.h"
#include "dns/dns.h"

#define NOTES_MAX 65536u                    /* names */
#define NOTES_OCTETS_MAX ((size_t)32 << 20) /* of the file */
#define NOTE_TEXT_MAX 257u                  /* UTF-8, with NUL */
#define NOTE_WHO_MAX 65u                    /* a token's name, with NUL */

/* What kind of list; static. */
struct notes_kind {
	const char *section; /* of the configuration, "allow"; its key is "path" */
	const char *text;    /* member that holds the text, "reason" */
};

/* What was said of a name. */
struct note {
	uint32_t when; /* seconds since 1970; 0: nobody said */
	char who[NOTE_WHO_MAX];
	char text[NOTE_TEXT_MAX];
};

struct notes;

/*
 * Reads the list at `path`; "" keeps it in memory only. The folder must exist, the file
 * need not. 0; or -errno, one line in err and *out NULL: -EWOULDBLOCK when another sensor
 * has the file, -EINVAL when it is no list. A list that cannot be read is never taken for
 * an empty one.
 */
int notes_open(struct notes **out, const struct notes_kind *kind, const char *path,
	char err[ERROR_LINE_MAX]);
void notes_close(struct notes *n); /* nobody may be reading; NULL is allowed */

/* Is the name, or one above it, on the list? NULL: nothing is. O(labels * log n). */
bool notes_cover(const struct notes *n, const struct dns_name *name);

/* Is the name, or one below it, on the list? NULL: nothing is. O(log n). */
bool notes_below(const struct notes *n, const struct dns_name *name);

/* What was said of the very name; false: nothing. O(log n). */
bool notes_find(const struct notes *n, const struct dns_name *name, struct note *out);

/* Counts changes, from a number of the start: the same number, the same list. */
uint32_t notes_generation(const struct notes *n);
size_t notes_count(const struct notes *n);

/*
 * Adds a name, or with `replace` puts the note in the place of the one that is there, and of
 * the oldest one when the list is full. 0; -EEXIST when it is there already, -EINVAL for
 * the root, -ENOSPC when the list is full, -EBUSY when another change waits for the disk,
 * -ENOMEM, or what the disk said. Unless 0 nothing changed.
 */
int notes_add(struct notes *n, const struct dns_name *name, const struct note *note, bool replace);

/* Takes a name off, not those below it. As notes_add; -ENOENT when it is not there itself. */
int notes_remove(struct notes *n, const struct dns_name *name);

/*
 * One page of the list, in order of names: "total", "entries" and "next_cursor". A cursor,
 * NULL for the first page, is good until the list changes. 0, -EINVAL (no cursor of ours),
 * -ESTALE (the list has changed) or -ENOMEM; *out is set on 0 only.
 */
int notes_page(const struct notes *n, const char *cursor, uint32_t limit, json_t **out);
