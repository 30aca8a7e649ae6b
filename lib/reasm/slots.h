/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

/*
 * A fixed number of numbered slots, found by a 64-bit key and kept in the order of
 * their last touch. What a slot holds is the owner's, in an array beside it.
 *
 * Keys are keyed hashes: equal keys are taken for the same thing. All calls are O(1)
 * (a chain of a slot's bucket has one slot on average).
 */

#include <stddef.h>
#include <stdint.h>

#define SLOT_NONE UINT32_MAX
#define SLOTS_MAX (1u << 20)

struct slot {
	uint64_t key;
	uint32_t chain; /* the next one of its bucket, or of the free ones */
	uint32_t older;
	uint32_t newer;
	uint32_t pad;
};

struct slots {
	uint32_t n;
	uint32_t used;
	uint32_t mask; /* of buckets */
	uint32_t free;
	uint32_t oldest;
	uint32_t newest;
	uint32_t *bucket;
	struct slot *slot;
};

/* Octets that slots_init needs for n slots, 1..SLOTS_MAX. */
size_t slots_size(uint32_t n);

/* `mem` is aligned to 8 octets and owned by the caller. */
void slots_init(struct slots *s, void *mem, uint32_t n);

/* The slot of a key, or SLOT_NONE. */
uint32_t slots_find(const struct slots *s, uint64_t key);

/* A slot for a key that has none, the newest; SLOT_NONE when all are in use. */
uint32_t slots_add(struct slots *s, uint64_t key);

/* Makes a slot the newest. */
void slots_touch(struct slots *s, uint32_t i);

/* Makes a slot the oldest. */
void slots_age(struct slots *s, uint32_t i);

void slots_remove(struct slots *s, uint32_t i);
