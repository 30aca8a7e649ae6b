/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

/* A store and shards of a size for tests, and observations in a line. */

#include <stdlib.h>
#include <string.h>

#include "base/bits.h"
#include "store/store.h"

static const struct hash_key test_placement = {0x9b05688c2b3e6c1f, 0x1f83d9abfb41bd6b};
static const struct hash_key test_sketch = {0x243f6a8885a308d3, 0x13198a2e03707344};

static void *test_memory(size_t size)
{
	void *mem = aligned_alloc(CACHE_LINE, align_up(size, CACHE_LINE));

	if (!mem)
		abort();
	memset(mem, 0xa5, size);
	return mem;
}

static inline struct store *test_store(unsigned door, unsigned candidates, uint32_t domains)
{
	struct store_config c = {
		.door_log2 = door, .candidates_log2 = candidates, .domains = domains};

	return store_init(test_memory(store_size(&c)), &c, test_placement, test_sketch);
}

static inline struct shard *test_shard(unsigned entries_log2)
{
	struct shard_config c = {.entries_log2 = entries_log2,
		.details_small = 1u << entries_log2,
		.details_large = 1u << entries_log2,
		.name_octets = 64u << entries_log2};

	return shard_init(test_memory(shard_size(&c)), &c, test_placement, test_sketch);
}

/* Registered domain number `id`, as wire form "\4xxxx\0". */
static inline unsigned test_name(uint32_t id, uint8_t name[6])
{
	name[0] = 4;
	for (unsigned i = 0; i < 4; i++)
		name[1 + i] = (uint8_t)('a' + (id >> 4 * i & 15));
	name[5] = 0;
	return 6;
}

static inline uint64_t test_key(uint32_t id)
{
	uint8_t name[6];

	return hash_bytes(name, test_name(id, name), test_sketch) | 1;
}

/* ASN: the /16, so that tests know networks from addresses; country by its parity; a third own. */
static inline void test_network(void *ctx, uint64_t unit, struct net_info *out)
{
	uint64_t *calls = ctx;

	if (calls)
		++*calls;
	out->asn = address_aggregate(unit) + 1;
	out->country[0] = 'A';
	out->country[1] = (char)('A' + (unit & 1));
	out->own = unit % 3 == 0;
}
