/* SPDX-License-Identifier: BSD-3-Clause */

#include <errno.h>
#include <stdlib.h>

#include "fluxmemory/load.h"
#include "fluxmemory/sizes.h"

#define EPOCH_SECONDS 10u
#define STRAYED_PART 20u /* at most one in so many */

static const struct phase_of {
	enum load_answer answer;
	enum store_fate fate;
	bool records; /* only of so many domains as there are full records */
} phases[PHASE_COUNT] = {
	[PHASE_NEW] = {LOAD_ONE, STORE_WAITING, false},
	[PHASE_WAITING] = {LOAD_ONE, STORE_WAITING, false},
	[PHASE_INSERTED] = {LOAD_OTHER, STORE_INSERTED, false},
	[PHASE_CANDIDATE] = {LOAD_OTHER, STORE_HIT, false},
	[PHASE_PROMOTED] = {LOAD_TEN, STORE_HIT, true},
	[PHASE_RECORD] = {LOAD_TEN, STORE_HIT, true},
};

const char *phase_name(enum phase p)
{
	static const char *const names[PHASE_COUNT] = {
#define X(name, text) [name] = text,
		PHASES(X)
#undef X
	};
	return names[p];
}

struct octets octets_of(const struct store_config *c)
{
	struct store_config less = *c;
	struct octets o = {.total = store_size(c)};

	less.door_log2--;
	o.door = 2 * (o.total - store_size(&less));
	less = *c;
	less.candidates_log2--;
	o.candidates = 2 * (o.total - store_size(&less));
	less = *c;
	less.domains /= 2;
	o.records = 2 * (o.total - store_size(&less));
	o.fixed = o.total - o.door - o.candidates - o.records;
	return o;
}

struct run {
	struct size_result *result;
	struct keeper keeper;
	struct shard *shard;
	uint64_t live;
};

static void phase_run(struct run *r, enum phase p)
{
	const struct phase_of *of = &phases[p];
	const struct store_account *account = store_account(r->keeper.store);
	uint64_t n = of->records ? r->keeper.config.domains : r->result->domains;
	uint64_t before = account->fate[of->fate], merge_ns = 0, judge_ns = 0, entries = 0;
	double ratio = core_ratio();

	for (uint64_t at = 0; at < n; at += r->live) {
		uint64_t count = n - at < r->live ? n - at : r->live;

		load_shard(r->shard, at, count, of->answer, r->keeper.now + 1);
		keeper_close(&r->keeper, &r->shard, 1, EPOCH_SECONDS);
		entries += r->keeper.entries;
		merge_ns += r->keeper.merge_ns;
		judge_ns += r->keeper.judge_ns;
	}
	double ns = (double)merge_ns / (double)entries, after = core_ratio();
	rounds_add(&r->result->merge_ns[p], ns, 1e3 / ns, ratio, after);
	if (p == PHASE_RECORD)
		rounds_add(
			&r->result->judge_ns, (double)judge_ns / (double)entries, 0, ratio, after);
	r->result->entries[p] = entries;
	r->result->strayed += entries - (account->fate[of->fate] - before);
}

int size_round(struct size_result *result, uint64_t domains, uint64_t live)
{
	struct run r = {.result = result, .live = live};

	result->domains = domains;
	result->config = keeper_config(domains);
	result->octets = octets_of(&result->config);
	r.shard = load_shard_new(live, result->config.domains);
	int rc = keeper_make(&r.keeper, &result->config);
	if (rc == 0 && r.shard) {
		uint64_t entries = 0, strayed = result->strayed;

		for (unsigned p = 0; p < PHASE_COUNT; p++) {
			phase_run(&r, (enum phase)p);
			entries += result->entries[p];
		}
		result->denied += r.keeper.denied;
		result->error += r.keeper.error;
		result->account = *store_account(r.keeper.store);
		/* A full record's first epoch is a promotion, or the pool was not what was filled.
		 */
		result->strayed += result->config.domains - result->account.promoted;
		rc = result->strayed - strayed > entries / STRAYED_PART ? -EINVAL : 0;
	} else {
		rc = -ENOMEM;
	}
	keeper_free(&r.keeper);
	free(r.shard);
	return rc;
}
