/* SPDX-License-Identifier: BSD-3-Clause */

#include <errno.h>
#include <stdlib.h>

#include "fluxmemory/full.h"
#include "fluxmemory/load.h"
#include "store/look.h"

#define EPOCH_SECONDS 10u
#define FLUX_RECORDS 8u /* a full record in so many is of a domain in flux ... */
#define FLUX_MOST 4096u /* ... but so many at most: verdicts are fewer than records */
#define FLUX_SECONDS 300u
#define FLUX_EPOCHS 20u
#define FLUX_FROM (UINT64_C(1) << 40) /* numbers that no other domain has */
#define DOOR_FROM (UINT64_C(1) << 36)
#define TAGS 100000u /* one name in so many may be taken for another */

struct run {
	struct full_result *result;
	struct keeper keeper;
	struct shard *shard;
	uint64_t live;
};

const char *full_wave_name(enum full_wave w)
{
	static const char *const names[FULL_WAVE_COUNT] = {
#define X(name, text) [name] = text,
		FULL_WAVES(X)
#undef X
	};
	return names[w];
}

uint64_t full_door_difference(const struct full_result *r)
{
	uint64_t known = r->waiting_found + r->waiting_evicted;

	return known > r->waiting ? known - r->waiting : r->waiting - known;
}

bool full_lost_silently(const struct full_result *r)
{
	return r->error || r->confirmed_lost || full_door_difference(r) > r->waiting / TAGS + 1;
}

/* An epoch; how long its merge took. */
static uint64_t epoch_run(
	struct run *r, uint64_t from, uint64_t n, enum load_answer answer, uint32_t seconds)
{
	load_shard(r->shard, from, n, answer, r->keeper.now + 1);
	keeper_close(&r->keeper, &r->shard, 1, seconds);
	return r->keeper.merge_ns;
}

/*
 * Offers n domains from `from` on, with each of the answers in an epoch of its own. The figure is
 * of the last answer and the second half of the domains: the tier is full by then.
 */
static void wave(struct run *r, enum full_wave w, uint64_t from, uint64_t n,
	const enum load_answer *answers, unsigned count)
{
	uint64_t ns = 0, entries = 0;

	for (uint64_t at = 0; at < n; at += r->live) {
		uint64_t some = n - at < r->live ? n - at : r->live;

		for (unsigned i = 0; i < count; i++) {
			uint64_t took = epoch_run(r, from + at, some, answers[i], EPOCH_SECONDS);

			r->result->offered[w] += r->keeper.entries;
			if (i + 1 == count && at + some > n / 2) {
				ns += took;
				entries += r->keeper.entries;
			}
		}
	}
	r->result->merge_ns[w] = (double)ns / (double)entries;
}

static uint64_t flagged(const struct run *r)
{
	uint64_t n = 0;

	for (uint64_t i = 0; i < r->result->flux; i++) {
		const struct domain *d = store_find(r->keeper.store, load_key(FLUX_FROM + i));
		n += d && domain_flagged(d);
	}
	return n;
}

/* Domains in flux, until the detector confirms them. */
static void confirm(struct run *r)
{
	for (unsigned i = 0; i < FLUX_EPOCHS && flagged(r) < r->result->flux; i++)
		epoch_run(r, FLUX_FROM, r->result->flux, LOAD_FLUX, FLUX_SECONDS);
	r->result->confirmed = flagged(r);
}

/* How many of n names stand in one of these tiers. */
static uint64_t found(
	const struct run *r, uint64_t from, uint64_t n, enum store_tier least, enum store_tier most)
{
	struct store_look look;
	uint64_t count = 0;

	for (uint64_t i = 0; i < n; i++) {
		store_look(r->keeper.store, load_key(from + i), &look);
		count += look.tier >= least && look.tier <= most;
	}
	return count;
}

static uint64_t door_names(const struct full_result *r)
{
	return (uint64_t)FULL_TIMES << r->config.door_log2;
}

static void door_wave(struct run *r)
{
	static const enum load_answer once[] = {LOAD_ONE};
	struct full_result *result = r->result;
	uint64_t evicted = store_account(r->keeper.store)->door_evicted;
	uint64_t names = door_names(result);

	wave(r, FULL_DOOR, DOOR_FROM, names, once, 1);
	result->waiting = result->offered[FULL_DOOR];
	result->waiting_evicted = store_account(r->keeper.store)->door_evicted - evicted;
	result->waiting_found = found(r, DOOR_FROM, names, TIER_DOORKEEPER, TIER_RECORD);
}

static void waves(struct run *r)
{
	static const enum load_answer twice[] = {LOAD_ONE, LOAD_OTHER}, five[] = {LOAD_FIVE},
				      forty[] = {LOAD_FORTY};
	struct full_result *result = r->result;
	uint64_t candidates = (uint64_t)FULL_TIMES << result->config.candidates_log2;
	uint64_t records = (uint64_t)FULL_TIMES / 2 * result->config.domains;

	confirm(r);
	door_wave(r);
	wave(r, FULL_CANDIDATES, 0, candidates, twice, 2);
	wave(r, FULL_RECORDS_FIVE, candidates, records, five, 1);
	wave(r, FULL_RECORDS_FORTY, candidates + records, records, forty, 1);
	result->account = *store_account(r->keeper.store);
	result->shard_denied = r->keeper.denied;
	result->error += r->keeper.error;
	result->confirmed_lost = result->confirmed - flagged(r);
	/* Asked for one by one: what is neither found nor counted as evicted would be lost. */
	result->live_found = found(r, 0, candidates + 2 * records, TIER_CANDIDATE, TIER_RECORD) +
			     found(r, DOOR_FROM, door_names(result), TIER_CANDIDATE, TIER_RECORD) +
			     found(r, FLUX_FROM, result->flux, TIER_CANDIDATE, TIER_RECORD);
	uint64_t live = result->account.live;
	result->error +=
		result->live_found > live ? result->live_found - live : live - result->live_found;
}

int full_run(struct full_result *result, uint64_t domains, uint64_t live)
{
	struct run r = {.result = result};

	*result = (struct full_result){.config = keeper_config(domains)};
	result->flux = result->config.domains / FLUX_RECORDS;
	if (result->flux > FLUX_MOST)
		result->flux = FLUX_MOST;
	/* Names wait in the doorkeeper from one epoch to the next: it must be able to hold them. */
	r.live = (UINT64_C(1) << result->config.door_log2) / 4;
	if (r.live > live)
		r.live = live;
	r.shard = load_shard_new(r.live, 2 * result->config.domains);
	int rc = keeper_make(&r.keeper, &result->config);
	if (rc == 0 && r.shard) {
		waves(&r);
		rc = result->confirmed ? 0 : -EINVAL;
	} else {
		rc = -ENOMEM;
	}
	keeper_free(&r.keeper);
	free(r.shard);
	return rc;
}
