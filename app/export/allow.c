/* SPDX-License-Identifier: BSD-3-Clause */

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "export/allow.h"

static const struct notes_kind kind = {.section = "allow", .text = "reason"};

struct allow {
	struct notes *notes;
};

int allow_open(struct allow **out, const char *path, char err[ERROR_LINE_MAX])
{
	struct allow *a = calloc(1, sizeof(*a));
	int rc;

	*out = NULL;
	if (!a) {
		snprintf(err, ERROR_LINE_MAX, "allow: out of memory");
		return -ENOMEM;
	}
	rc = notes_open(&a->notes, &kind, path, err);
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
	notes_close(a->notes);
	free(a);
}

bool allow_has(const struct allow *a, const struct dns_name *name)
{
	return a && notes_cover(a->notes, name);
}

bool allow_below(const struct allow *a, const struct dns_name *name)
{
	return a && notes_below(a->notes, name);
}

uint32_t allow_generation(const struct allow *a)
{
	return notes_generation(a->notes);
}

size_t allow_count(const struct allow *a)
{
	return notes_count(a->notes);
}

int allow_add(struct allow *a, const struct dns_name *name, const struct note *note)
{
	return notes_add(a->notes, name, note, false);
}

int allow_remove(struct allow *a, const struct dns_name *name)
{
	return notes_remove(a->notes, name);
}

int allow_page(const struct allow *a, const char *cursor, uint32_t limit, json_t **out)
{
	return notes_page(a->notes, cursor, limit, out);
}
