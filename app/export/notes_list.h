/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

/* The inside of notes: a list in order of names, and its file. */

#include "export/notes.h"

struct note_entry {
	struct note note;
	char name[]; /* presentation form: one text a name, and no dot but between labels */
};

/* Immutable once it is in force. */
struct note_list {
	size_t n;
	struct note_entry **by_end; /* the same by name read from its end, a dot first */
	struct note_entry *entry[]; /* by name */
};

/*
 * Room for n entries, which are the caller's to set, and note_list_index thereafter; NULL when
 * out of memory.
 */
struct note_list *note_list_new(size_t n);
void note_list_index(struct note_list *l); /* makes by_end; O(n log n) */
void note_list_free(struct note_list *l);  /* entries too, NULL ones as well */

/* A copy; NULL when out of memory. */
struct note_entry *note_entry_new(const struct dns_name *name, const struct note *note);

/* Where the name is, or where it would be. */
size_t note_list_find(const struct note_list *l, const char *name, bool *found);

/* Is the name, or one below it, there? O(log n). */
bool note_list_below(const struct note_list *l, const char *name);

/* Entries [from, from + n) as a list; NULL when out of memory. */
json_t *note_list_json(
	const struct note_list *l, const struct notes_kind *kind, size_t from, size_t n);

/* Reads a file; one that is not there is empty. NULL with one line in err and *rc -errno. */
struct note_list *note_list_read(
	const struct notes_kind *kind, const char *path, char err[ERROR_LINE_MAX], int *rc);

/* Puts the list in the place of the file's. 0 or -errno, -ENOSPC also for one that is too large. */
int note_list_write(const struct note_list *l, const struct notes_kind *kind, const char *path);
