/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

/* What control keeps, store and detector, and what it does with them at an epoch's end. */

#include "detect/detect.h"
#include "store/store.h"

struct keeper {
	struct store_config config;
	struct store *store;
	struct detector *detector;
	uint32_t now;      /* end of the last epoch, seconds since 1970 */
	uint64_t entries;  /* of the shards of the last epoch */
	uint64_t denied;   /* in all epochs: domains that the shards had no room for */
	uint64_t error;    /* in all epochs: what the identities of shards and tables missed */
	uint64_t merge_ns; /* of the last epoch: the merge ... */
	uint64_t judge_ns; /* ... and to judge what it touched, verdicts and campaigns included */
};

/* A store whose doorkeeper and candidates have room for so many domains at 60 % load. */
struct store_config keeper_config(uint64_t domains);

/* Lays an empty store and detector out. 0 or -ENOMEM; what there is goes by keeper_free. */
int keeper_make(struct keeper *k, const struct store_config *config);

/* Empties both: memory stays. */
void keeper_reset(struct keeper *k);

/*
 * What control does when an epoch ends, in its order: merge, clear the shards, judge what was
 * touched, sweep, campaigns. `seconds` is the epoch's length. Times are those of this thread on
 * a CPU: who shares the CPU does not count, who shares its caches does.
 */
void keeper_close(struct keeper *k, struct shard *const shards[], unsigned n, uint32_t seconds);

void keeper_free(struct keeper *k);
