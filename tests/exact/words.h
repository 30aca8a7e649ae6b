/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

/*
 * A set of 64-bit words that only grows and knows the order in which they came: the one
 * container of the exact memory. Whoever keeps more of a word has an array beside it, by place.
 * Memory that is not to be had ends the program: this is a test.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct words {
	uint64_t *word; /* in the order they came */
	uint32_t *slot; /* open addressing: place + 1, 0 free */
	size_t n;
	size_t slots; /* a power of two, more than 2 n; 0 at first */
};

#define WORDS_NONE SIZE_MAX

/* Place of a word, WORDS_NONE where it is not in. */
size_t words_find(const struct words *w, uint64_t word);

/* Place of a word, which comes in if it was not; *new (may be NULL) tells. */
size_t words_add(struct words *w, uint64_t word, bool *new);

/* Empty again. */
void words_free(struct words *w);

/* realloc of n elements that may not fail. */
void *array_grow(void *array, size_t n, size_t size);
