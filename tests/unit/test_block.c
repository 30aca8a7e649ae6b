/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A merge's walk over all shards: each entry is met once, and all entries of a domain together,
 * whatever the number of shards and their sizes, and full as they may be.
 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "store/block.h"
#include "tests/unit/random.h"

#define SHARED_KEYS 3000u
#define LOG2_LEAST 10u
#define LOG2_SPAN 4u

static const struct hash_key placement = {3, 5}, sketch = {7, 11};
static struct shard *shard[STORE_SHARDS_MAX];
static uint8_t *seen[STORE_SHARDS_MAX]; /* by slot */
static struct block block;

static void shard_fill(unsigned i, unsigned log2, unsigned eighths, uint64_t *rng)
{
	const struct shard_config c = {.entries_log2 = log2,
		.details_small = 1,
		.details_large = 1,
		.name_octets = 16u << log2};
	uint32_t want = (1u << log2) / 8 * eighths;

	shard[i] = shard_init(
		aligned_alloc(64, (shard_size(&c) + 63) & ~(size_t)63), &c, placement, sketch);
	seen[i] = calloc((1u << log2) + SHARD_PROBE_MAX, 1);
	assert_true(shard[i] && seen[i]);
	while (shard[i]->used < want) {
		/* Half are of all shards, half are its own. */
		uint64_t unit = 1, key = random_below(rng, 2)
						 ? (random_below(rng, SHARED_KEYS) + 1) *
							   UINT64_C(0x9e3779b97f4a7c15)
						 : random_u64(rng) | 1;
		shard_observe(shard[i], &(struct shard_observation){.key = key,
						.name = (const uint8_t *)"\1a",
						.name_len = 3,
						.unit = &unit,
						.units = 1});
	}
}

static int by_value(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return (x > y) - (x < y);
}

/* Returns domains. */
static uint32_t walk(unsigned n, uint64_t *keys)
{
	uint32_t domains = 0;

	block_start(&block, shard, n);
	while (block_next(&block)) {
		for (uint32_t i = 0; i < block.domains; i++) {
			const struct met *m = block_first(&block, i);
			uint64_t key = m->entry->key;

			for (; m; m = block_other(&block, m)) {
				size_t slot = (size_t)(m->entry - shard[m->shard]->entries);

				assert_true(m->entry->key == key);
				assert_int_equal(seen[m->shard][slot]++, 0);
			}
			keys[domains++] = key;
		}
	}
	return domains;
}

static void check(unsigned n, bool equal, unsigned eighths)
{
	uint64_t rng = n * 16 + eighths, entries = 0, met = 0;

	for (unsigned i = 0; i < n; i++) {
		shard_fill(i, LOG2_LEAST + (equal ? 1 : i % LOG2_SPAN), eighths, &rng);
		entries += shard[i]->used;
	}
	uint64_t *keys = malloc(entries * sizeof(*keys) + 1);
	assert_non_null(keys);
	uint32_t domains = walk(n, keys);
	qsort(keys, domains, sizeof(*keys), by_value);
	for (uint32_t i = 1; i < domains; i++)
		assert_true(keys[i - 1] != keys[i]);
	for (unsigned i = 0; i < n; i++) {
		for (uint32_t slot = 0; slot <= shard[i]->mask + SHARD_PROBE_MAX; slot++) {
			assert_int_equal(seen[i][slot], shard[i]->entries[slot].key != 0);
			met += seen[i][slot];
		}
		free(shard[i]);
		free(seen[i]);
	}
	assert_true(met == entries);
	free(keys);
}

static void each_entry_is_met_once(void **state)
{
	static const unsigned counts[] = {1, 2, 3, 16, 64, STORE_SHARDS_MAX};

	(void)state;
	for (unsigned i = 0; i < sizeof(counts) / sizeof(counts[0]); i++)
		for (unsigned eighths = 0; eighths <= 7; eighths += i < 4 ? 1 : 7) {
			check(counts[i], true, eighths);
			check(counts[i], false, eighths);
		}
}

static void no_shards_are_no_blocks(void **state)
{
	(void)state;
	block_start(&block, shard, 0);
	assert_false(block_next(&block));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_entry_is_met_once),
		cmocka_unit_test(no_shards_are_no_blocks),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
