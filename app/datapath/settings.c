/* SPDX-License-Identifier: BSD-3-Clause */

#include <errno.h>
#include <stdlib.h>

#include "datapath/settings.h"

int settings_offer(struct settings_board *b, const struct wire_config *wire)
{
	struct settings *s = malloc(sizeof(*s));

	if (!s)
		return -ENOMEM;
	*s = (struct settings){
		.number = b->newest ? b->newest->number + 1 : 1,
		.wire = *wire,
		.older = b->newest,
	};
	b->newest = s;
	for (unsigned i = 0; i < b->slots; i++)
		atomic_store_explicit(&b->slot[i]->offered, s, memory_order_release);
	return 0;
}

/* Frees one and all older than it. */
static void chain_free(struct settings *s)
{
	while (s) {
		struct settings *older = s->older;

		free(s);
		s = older;
	}
}

unsigned settings_settle(struct settings_board *b)
{
	uint64_t least = SETTINGS_LEFT;
	struct settings *s = b->newest;
	unsigned left = 0;

	for (unsigned i = 0; i < b->slots; i++) {
		uint64_t taken = settings_taken(b->slot[i]);
		if (taken < least)
			least = taken;
	}
	/* The oldest that may be in use is number `least`; a slot may still show the newest. */
	for (; s && s->number > least && s->older; s = s->older)
		left++;
	if (s) {
		chain_free(s->older);
		s->older = NULL;
	}
	return left;
}

void settings_free(struct settings_board *b)
{
	chain_free(b->newest);
	b->newest = NULL;
}
