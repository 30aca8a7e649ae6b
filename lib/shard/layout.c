/* SPDX-License-Identifier: BSD-3-Clause */

/* A shard in its memory: laid out at start, walked and made clean by control. */

#include "base/bits.h"
#include "shard/internal.h"

struct layout {
	size_t entries, occupied, names, small, large, total;
	size_t slots;
};

static bool layout_of(const struct shard_config *c, struct layout *l)
{
	if (c->entries_log2 < 10 || c->entries_log2 > 26 || c->name_octets < 4096 ||
		c->details_small < 1 || c->details_large < 1 || c->details_small >= DETAIL_LARGE ||
		c->details_large >= DETAIL_LARGE)
		return false;
	l->slots = ((size_t)1 << c->entries_log2) + SHARD_PROBE_MAX;
	l->entries = align_up(sizeof(struct shard), CACHE_LINE);
	l->occupied = l->entries + l->slots * sizeof(struct shard_entry);
	l->names = align_up(l->occupied + (l->slots / 64 + 1) * sizeof(uint64_t), CACHE_LINE);
	l->small = align_up(l->names + c->name_octets, CACHE_LINE);
	l->large = l->small + (size_t)c->details_small * SMALL_OCTETS;
	l->total = l->large + (size_t)c->details_large * LARGE_OCTETS;
	return true;
}

size_t shard_size(const struct shard_config *config)
{
	struct layout l;

	return layout_of(config, &l) ? l.total : 0;
}

struct shard *shard_init(void *mem, const struct shard_config *config, struct hash_key placement,
	struct hash_key sketch)
{
	struct layout l;
	struct shard *s = mem;
	uint8_t *base = mem;

	if (!layout_of(config, &l))
		return NULL;
	memset(s, 0, sizeof(*s));
	s->config = *config;
	s->mask = (uint32_t)(l.slots - SHARD_PROBE_MAX - 1);
	s->limit = (uint32_t)((l.slots - SHARD_PROBE_MAX) / 8 * 7);
	s->placement = placement;
	s->sketch = sketch;
	s->entries = (struct shard_entry *)(base + l.entries);
	s->occupied = (uint64_t *)(base + l.occupied);
	s->names = base + l.names;
	s->small = base + l.small;
	s->large = base + l.large;
	memset(s->entries, 0, l.names - l.entries);
	shard_clear(s);
	return s;
}

uint32_t shard_next(const struct shard *s, uint32_t from)
{
	uint32_t slots = s->mask + 1 + SHARD_PROBE_MAX;
	uint32_t words = slots / 64 + 1;
	uint32_t w = from / 64;

	if (from >= slots)
		return UINT32_MAX;
	uint64_t bits = s->occupied[w] & ~UINT64_C(0) << (from % 64);
	while (bits == 0) {
		if (++w == words)
			return UINT32_MAX;
		bits = s->occupied[w];
	}
	return w * 64 + (uint32_t)__builtin_ctzll(bits);
}

void shard_clear(struct shard *s)
{
	uint32_t words = (s->mask + 1 + SHARD_PROBE_MAX) / 64 + 1;

	for (uint32_t w = 0; s->used && w < words; w++) {
		for (uint64_t bits = s->occupied[w]; bits; bits &= bits - 1)
			s->entries[w * 64 + (uint32_t)__builtin_ctzll(bits)].key = 0;
		s->occupied[w] = 0;
	}
	memset(&s->account, 0, sizeof(s->account));
	memset(&s->visibility, 0, sizeof(s->visibility));
	s->epoch_first = s->epoch_last = 0;
	s->first_ns = s->last_ns = 0;
	s->used = s->names_used = 0;
	s->small_used = s->large_used = s->small_free = 0;
}
