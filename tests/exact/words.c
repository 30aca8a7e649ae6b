/* SPDX-License-Identifier: BSD-3-Clause */

#include <stdio.h>
#include <stdlib.h>

#include "words.h"

void *array_grow(void *array, size_t n, size_t size)
{
	array = reallocarray(array, n, size);
	if (!array && n > 0) {
		fputs("exact: no memory\n", stderr);
		abort();
	}
	return array;
}

/* The slot of a word, or the free one where it belongs. */
static size_t slot_of(const struct words *w, uint64_t word)
{
	uint64_t mixed = (word ^ word >> 32) * UINT64_C(0x9e3779b97f4a7c15);
	size_t at = (size_t)(mixed >> 20) & (w->slots - 1);

	while (w->slot[at] && w->word[w->slot[at] - 1] != word)
		at = (at + 1) & (w->slots - 1);
	return at;
}

size_t words_find(const struct words *w, uint64_t word)
{
	if (w->n == 0)
		return WORDS_NONE;
	uint32_t place = w->slot[slot_of(w, word)];
	return place ? place - 1 : WORDS_NONE;
}

static void slots_double(struct words *w)
{
	free(w->slot);
	w->slots = w->slots ? 2 * w->slots : 8;
	w->slot = calloc(w->slots, sizeof(*w->slot));
	w->word = array_grow(w->word, w->slots / 2, sizeof(*w->word));
	if (!w->slot)
		abort();
	for (size_t i = 0; i < w->n; i++)
		w->slot[slot_of(w, w->word[i])] = (uint32_t)i + 1;
}

size_t words_add(struct words *w, uint64_t word, bool *new)
{
	size_t place = words_find(w, word);

	if (new)
		*new = place == WORDS_NONE;
	if (place != WORDS_NONE)
		return place;
	if (2 * (w->n + 1) >= w->slots)
		slots_double(w);
	w->slot[slot_of(w, word)] = (uint32_t)w->n + 1;
	w->word[w->n] = word;
	return w->n++;
}

void words_free(struct words *w)
{
	free(w->word);
	free(w->slot);
	*w = (struct words){0};
}
