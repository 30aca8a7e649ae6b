/* SPDX-License-Identifier: BSD-3-Clause */

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "export/acks.h"

static const struct notes_kind kind = {.section = "acknowledge", .text = "note"};

struct acks {
	struct notes *notes;
};

int acks_open(struct acks **out, const char *path, char err[ERROR_LINE_MAX])
{
	struct acks *a = calloc(1, sizeof(*a));
	int rc;

	*out = NULL;
	if (!a) {
		snprintf(err, ERROR_LINE_MAX, "acknowledge: out of memory");
		return -ENOMEM;
	}
	rc = notes_open(&a->notes, &kind, path, err);
	if (rc == 0)
		*out = a;
	else
		acks_close(a);
	return rc;
}

void acks_close(struct acks *a)
{
	if (!a)
		return;
	notes_close(a->notes);
	free(a);
}

uint32_t acks_generation(const struct acks *a)
{
	return a ? notes_generation(a->notes) : 0;
}

int acks_put(struct acks *a, const struct dns_name *name, const struct note *note)
{
	return notes_add(a->notes, name, note, true);
}

bool acks_find(const struct acks *a, const struct verdict *v, struct note *out)
{
	struct dns_name name;

	/* A note that is older than the verdict is of the one before. */
	return a && dns_name_decode(v->name, v->name_len, 0, &name) &&
	       notes_find(a->notes, &name, out) && out->when >= v->first_flagged;
}
