/* SPDX-License-Identifier: BSD-3-Clause */

#include <errno.h>
#include <stdlib.h>

#include "fluxmemory/epoch.h"
#include "fluxmemory/load.h"

#define EPOCH_SECONDS 10u
#define KNOWN_PART 20u /* at most one domain in so many is not a candidate by then */

struct run {
	struct epoch_result *result;
	struct keeper keeper;
	struct shard *shard[EPOCH_WORKERS_MAX];
};

const char *epoch_kind_name(enum epoch_kind k)
{
	static const char *const names[EPOCH_KIND_COUNT] = {
#define X(name, text) [name] = text,
		EPOCH_KINDS(X)
#undef X
	};
	return names[k];
}

static double median(const struct rounds *r)
{
	return rounds_spread(r->cycles, r->kept).median;
}

double epoch_merge_seconds(const struct epoch_result *r, enum epoch_kind k)
{
	return median(&r->merge_ns[k]) * (double)r->entries[k] / 1e9;
}

double epoch_close_seconds(const struct epoch_result *r, enum epoch_kind k)
{
	return median(&r->close_ns[k]) / 1e9;
}

/*
 * Each worker's domains answer, those of worker 0 where all have the same. A worker's first ones
 * have many addresses, in all as many domains as there are full records.
 */
static void fill(struct run *r, enum epoch_kind kind, enum load_answer answer)
{
	const struct epoch_result *e = r->result;
	uint64_t tracked = e->config.domains / e->workers;

	if (tracked > e->live)
		tracked = e->live;
	for (unsigned i = 0; i < e->workers; i++) {
		uint64_t from = kind == EPOCH_APART ? i * e->live : 0;

		load_shard(r->shard[i], from, tracked, answer == LOAD_ONE ? LOAD_ONE : LOAD_TEN,
			r->keeper.now + 1);
		load_shard(
			r->shard[i], from + tracked, e->live - tracked, answer, r->keeper.now + 1);
	}
}

static void close_epoch(struct run *r)
{
	keeper_close(&r->keeper, r->shard, r->result->workers, EPOCH_SECONDS);
}

static void measure(struct run *r, enum epoch_kind kind)
{
	struct epoch_result *e = r->result;
	uint64_t offered = store_account(r->keeper.store)->offered;

	fill(r, kind, LOAD_OTHER);
	double before = core_ratio();
	close_epoch(r);
	double ns = (double)r->keeper.merge_ns, after = core_ratio();
	rounds_add(&e->merge_ns[kind], ns / (double)r->keeper.entries, 0, before, after);
	rounds_add(&e->close_ns[kind], ns + (double)r->keeper.judge_ns, 0, before, after);
	e->entries[kind] = r->keeper.entries;
	e->offered[kind] = store_account(r->keeper.store)->offered - offered;
}

static int rounds_run(struct run *r, unsigned rounds)
{
	const struct store_account *account = store_account(r->keeper.store);
	uint64_t domains = r->result->workers * r->result->live;

	/* All domains as candidates, and as many as there is room for with a full record. */
	fill(r, EPOCH_APART, LOAD_ONE);
	close_epoch(r);
	fill(r, EPOCH_APART, LOAD_OTHER);
	close_epoch(r);
	if (domains - account->live > domains / KNOWN_PART)
		return -EINVAL;
	for (unsigned i = 0; i < rounds; i++)
		for (unsigned k = 0; k < EPOCH_KIND_COUNT; k++)
			measure(r, (enum epoch_kind)k);
	return 0;
}

int epoch_run(struct epoch_result *e, unsigned workers, uint64_t live, unsigned rounds)
{
	struct run r = {.result = e};

	*e = (struct epoch_result){
		.workers = workers, .live = live, .config = keeper_config(workers * live)};
	int rc = keeper_make(&r.keeper, &e->config);
	for (unsigned i = 0; rc == 0 && i < workers; i++) {
		r.shard[i] = load_shard_new(live, e->config.domains);
		rc = r.shard[i] ? 0 : -ENOMEM;
	}
	if (rc == 0) {
		e->shard_octets = shard_size(&r.shard[0]->config);
		rc = rounds_run(&r, rounds);
		e->denied = r.keeper.denied;
		e->error = r.keeper.error;
	}
	for (unsigned i = 0; i < workers; i++)
		free(r.shard[i]);
	keeper_free(&r.keeper);
	return rc;
}
