/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

/* One epoch of several workers, each with a shard full of live domains. */

#include "fluxbench/rounds.h"
#include "fluxmemory/keeper.h"
#include "shard/shard.h"

#define EPOCH_WORKERS_MAX 32u
#define EPOCH_PART 10u /* a merge takes a tenth of its epoch at most */

/* X(enumerator, name in JSON) */
#define EPOCH_KINDS(X) \
	X(EPOCH_APART, "each worker its own domains") \
	X(EPOCH_SHARED, "all workers the same domains")

#define EPOCH_ENUM(name, text) name,
enum epoch_kind { EPOCH_KINDS(EPOCH_ENUM) EPOCH_KIND_COUNT };

const char *epoch_kind_name(enum epoch_kind k);

struct epoch_result {
	unsigned workers;
	uint64_t live; /* domains a shard */
	struct store_config config;
	size_t shard_octets;                      /* of one */
	uint64_t offered[EPOCH_KIND_COUNT];       /* domains an epoch */
	struct rounds merge_ns[EPOCH_KIND_COUNT]; /* an entry; `cycles` holds ns */
	struct rounds close_ns[EPOCH_KIND_COUNT]; /* the whole epoch's end, judging included */
	uint64_t entries[EPOCH_KIND_COUNT];
	uint64_t denied; /* domains of all epochs that shards had no room for */
	uint64_t error;  /* of identities */
};

/* Of the medians: the merge alone, and all that control does then. */
double epoch_merge_seconds(const struct epoch_result *r, enum epoch_kind k);
double epoch_close_seconds(const struct epoch_result *r, enum epoch_kind k);

/* 0 or -ENOMEM; -EINVAL when the store did not know what it was to know. */
int epoch_run(struct epoch_result *r, unsigned workers, uint64_t live, unsigned rounds);
