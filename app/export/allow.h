/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

/*
 * The operator's allow-list: registered domains, or host names, that nothing blocks
 * whatever the verdict. They are flagged and shown as others are.
 *
 * Management threads only. Any number read at a time; one changes, and the others go on
 * reading while it waits for the disk. A change is on the disk before it is in force.
 *
 * File: a JSON object, as GET /api/v1/allow writes its entries (docs/schema/allow.json).
 * Of an entry written by hand the name suffices; who is then "config".
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <jansson.h>

#include "cli/exit.h"
#include "dns/dns.h"

#define ALLOW_MAX 65536u                    /* names */
#define ALLOW_OCTETS_MAX ((size_t)32 << 20) /* of the file */
#define ALLOW_REASON_MAX 257u               /* UTF-8, with NUL */
#define ALLOW_WHO_MAX 65u                   /* a token's name, with NUL */

struct allow;

/*
 * Reads the list at `path`; "" keeps it in memory only. The folder must exist, the file
 * need not. 0; or -errno, one line in err and *out NULL: -EWOULDBLOCK when another sensor
 * has the file, -EINVAL when it is no list. A list that cannot be read is never taken for
 * an empty one.
 */
int allow_open(struct allow **out, const char *path, char err[ERROR_LINE_MAX]);
void allow_close(struct allow *a); /* nobody may be reading; NULL is allowed */

/* Is the name, or one above it, on the list? NULL: nothing is. O(labels * log n). */
bool allow_has(const struct allow *a, const struct dns_name *name);

/* Is the name, or one below it, on the list? NULL: nothing is. O(n). */
bool allow_below(const struct allow *a, const struct dns_name *name);

/* Counts changes, from a number of the start: the same number, the same list. */
uint32_t allow_generation(const struct allow *a);
size_t allow_count(const struct allow *a);

/*
 * Adds a name; texts are cut to their room. `when` in seconds since 1970. 0; -EEXIST when it
 * is there already (as it was), -EINVAL for the root, -ENOSPC when the list is full, -EBUSY
 * when another change waits for the disk, -ENOMEM, or what the disk said. Unless 0 nothing
 * changed.
 */
int allow_add(struct allow *a, const struct dns_name *name, const char *reason, const char *who,
	uint32_t when);

/* Takes a name off, not those below it. As allow_add; -ENOENT when it is not there itself. */
int allow_remove(struct allow *a, const struct dns_name *name);

/*
 * One page of the list, in order of names: "total", "entries" and "next_cursor". A cursor,
 * NULL for the first page, is good until the list changes. 0, -EINVAL (no cursor of ours),
 * -ESTALE (the list has changed) or -ENOMEM; *out is set on 0 only.
 */
int allow_page(const struct allow *a, const char *cursor, uint32_t limit, json_t **out);
