/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

/*
 * A merge's walk over all shards of an epoch: a block is what stands on the same stretch of slots
 * in each. Home slots are the top bits of a hash under one key in every shard, so a domain's
 * entries are all in one block, which finds them by a small table of its own and not by asking
 * each shard. Blocks come in slot order, a block's domains by shard and slot of their first entry.
 */

#include <stdbool.h>
#include <stdint.h>

#include "shard/shard.h"
#include "store/store.h"

#define BLOCK_ENTRIES 2560u
#define BLOCK_BUCKETS_LOG2 12u
_Static_assert(
	STORE_SHARDS_MAX *(1 + SHARD_PROBE_MAX) <= BLOCK_ENTRIES, "a block of one slot fits");

struct met {
	const struct shard_entry *entry;
	uint16_t shard;
	uint16_t next; /* the same domain's entry in another shard, 1-based; 0: none */
	uint16_t link; /* next domain of the bucket, 1-based; 0: none */
};

struct block {
	struct shard *const *shards;
	unsigned n;
	unsigned log2;                  /* of the number of blocks */
	uint32_t at;                    /* next block */
	uint32_t domains;               /* of this block */
	uint16_t domain[BLOCK_ENTRIES]; /* where in met[] each begins */
	struct met met[BLOCK_ENTRIES];
	uint16_t bucket[1u << BLOCK_BUCKETS_LOG2];
};

/* Before the first block. At most STORE_SHARDS_MAX shards, with the same placement key. */
void block_start(struct block *b, struct shard *const *shards, unsigned n);

/* The next block, perhaps an empty one; false when there is none. O(slots / 64 + entries). */
bool block_next(struct block *b);

/* Entry of the block's domain i that stands first; then those of other shards; NULL at the end. */
static inline const struct met *block_first(const struct block *b, uint32_t i)
{
	return &b->met[b->domain[i]];
}

static inline const struct met *block_other(const struct block *b, const struct met *m)
{
	return m->next ? &b->met[m->next - 1] : NULL;
}
