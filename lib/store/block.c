/* SPDX-License-Identifier: BSD-3-Clause */

#include "store/block.h"

#include <string.h>

/* Slots of the largest shard in a block, so that the block holds all that stand there. */
static unsigned slots_log2(unsigned n)
{
	unsigned log2 = 0;

	while (n * ((2u << log2) + SHARD_PROBE_MAX) <= BLOCK_ENTRIES)
		log2++;
	return log2;
}

void block_start(struct block *b, struct shard *const *shards, unsigned n)
{
	unsigned largest = 0, slots = n ? slots_log2(n) : 0;

	for (unsigned i = 0; i < n; i++)
		if (shards[i]->config.entries_log2 > largest)
			largest = shards[i]->config.entries_log2;
	b->shards = shards;
	b->n = n;
	b->log2 = largest > slots ? largest - slots : 0;
	b->at = 0;
	b->domains = 0;
}

/*
 * Asks for the entries on shard i's stretch and lists them from met[n] on: also those that
 * probing moved behind it, and those of the block before that it moved into it.
 */
static uint32_t stretch_list(struct block *b, unsigned i, uint32_t n)
{
	const struct shard *s = b->shards[i];
	uint64_t slots = (uint64_t)s->mask + 1;
	uint32_t from = (uint32_t)(slots * b->at >> b->log2);
	uint32_t to = (uint32_t)(slots * (b->at + 1) >> b->log2);

	/* A small shard's slot is in several blocks. */
	to = (to > from ? to : from + 1) + SHARD_PROBE_MAX;
	for (uint32_t w = from / 64; w * 64 < to; w++) {
		uint64_t bits = s->occupied[w];

		if (w == from / 64)
			bits &= ~UINT64_C(0) << from % 64;
		if (to - w * 64 < 64)
			bits &= (UINT64_C(1) << to % 64) - 1;
		for (; bits; bits &= bits - 1) {
			const struct shard_entry *e =
				&s->entries[w * 64 + (uint32_t)__builtin_ctzll(bits)];

			__builtin_prefetch(e);
			b->met[n++] = (struct met){.entry = e, .shard = (uint16_t)i};
		}
	}
	return n;
}

/* Is `m` the first entry of its domain? Else it is hung behind that. */
static bool first_of_domain(struct block *b, struct met *m, uint32_t place)
{
	uint16_t *bucket = &b->bucket[place & ((1u << BLOCK_BUCKETS_LOG2) - 1)];

	for (uint16_t at = *bucket; at; at = b->met[at - 1].link) {
		struct met *first = &b->met[at - 1];

		if (first->entry->key == m->entry->key) {
			m->next = first->next;
			first->next = (uint16_t)(m - b->met + 1);
			return false;
		}
	}
	m->link = *bucket;
	*bucket = (uint16_t)(m - b->met + 1);
	return true;
}

bool block_next(struct block *b)
{
	uint32_t n = 0;

	if (b->n == 0 || b->at >> b->log2)
		return false;
	for (unsigned i = 0; i < b->n; i++)
		n = stretch_list(b, i, n);
	/* Within a shard no domain stands twice. */
	if (b->n > 1)
		memset(b->bucket, 0, sizeof(b->bucket));
	b->domains = 0;
	for (uint32_t i = 0; i < n; i++) {
		struct met *m = &b->met[i];
		const struct shard *s = b->shards[m->shard];
		uint64_t hash = hash_u64(m->entry->key, s->placement) >> 32;

		if (hash >> (32 - b->log2) != b->at)
			continue;
		if (b->n == 1 || first_of_domain(b, m, (uint32_t)hash))
			b->domain[b->domains++] = (uint16_t)i;
	}
	b->at++;
	return true;
}
