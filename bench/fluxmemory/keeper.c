/* SPDX-License-Identifier: BSD-3-Clause */

#include <errno.h>
#include <stdlib.h>
#include <time.h>

#include "common/memory.h"
#include "detect/campaign.h"
#include "fluxmemory/keeper.h"
#include "fluxmemory/load.h"

#define START (20000u * 86400u)
#define VERDICTS 8192u /* as the sensor has */
#define RECORDS_MAX 65536u

static uint64_t thread_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
	return (uint64_t)t.tv_sec * 1000000000 + (uint64_t)t.tv_nsec;
}

struct store_config keeper_config(uint64_t domains)
{
	unsigned log2 = 10;

	while ((UINT64_C(1) << log2) * 6 / 10 < domains)
		log2++;
	/* One for 32 candidates, as the sensor's default has, up to its number. */
	uint32_t records = UINT32_C(1) << log2 >> 5;
	return (struct store_config){.door_log2 = log2,
		.candidates_log2 = log2,
		.domains = records < RECORDS_MAX ? records : RECORDS_MAX};
}

int keeper_make(struct keeper *k, const struct store_config *config)
{
	*k = (struct keeper){.config = *config,
		.store = bench_memory(store_size(config)),
		.detector = bench_memory(detector_size(VERDICTS))};
	if (!k->store || !k->detector)
		return -ENOMEM;
	keeper_reset(k);
	return 0;
}

void keeper_reset(struct keeper *k)
{
	struct detect_config thresholds;

	detect_defaults(&thresholds);
	store_init(k->store, &k->config, load_placement, load_sketch);
	detector_init(k->detector, VERDICTS, &thresholds);
	k->now = START;
}

static void judge(void *ctx, struct domain *d)
{
	struct keeper *k = ctx;

	detect_judge(k->detector, k->store, d, k->now);
}

void keeper_close(struct keeper *k, struct shard *const shards[], unsigned n, uint32_t seconds)
{
	uint64_t merged = store_account(k->store)->entries;

	k->entries = 0;
	for (unsigned i = 0; i < n; i++) {
		k->entries += shards[i]->used;
		k->denied += load_denied(shards[i]);
		k->error += load_error(shards[i]);
	}
	k->now += seconds;
	uint64_t start = thread_ns();
	store_merge(k->store, shards, n, k->now, &load_networks);
	k->merge_ns = thread_ns() - start;
	for (unsigned i = 0; i < n; i++)
		shard_clear(shards[i]);
	start = thread_ns();
	store_touched(k->store, judge, k);
	detect_sweep(k->detector, k->store, k->now);
	detect_campaigns(k->detector, k->store, k->now);
	k->judge_ns = thread_ns() - start;
	merged = store_account(k->store)->entries - merged;
	k->error += merged > k->entries ? merged - k->entries : k->entries - merged;
	k->error += store_account_error(k->store) + detect_account_error(k->detector);
}

void keeper_free(struct keeper *k)
{
	free(k->store);
	free(k->detector);
}
