/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

/*
 * How shards change owner. Pointers travel over rings; whoever took a pointer
 * off a ring owns the shard. No memory is shared besides.
 *
 *   worker i --- full[i], SP/SC ---> control
 *   control ---- clean, SP/MC -----> any worker
 *
 * The pool holds workers + SHARDS_SPARE shards; each ring has room for all of
 * them, so putting a shard on a ring cannot fail.
 */

#include <rte_ring.h>

#include "shard/shard.h"

#define WORKERS_MAX 32u
#define SHARDS_SPARE 2u

struct handover {
	unsigned workers;
	unsigned shards;
	struct rte_ring *clean;
	struct rte_ring *full[WORKERS_MAX];
};

/*
 * Makes the rings and lays out the shards, all clean. 0, or -ENOMEM. Memory is
 * DPDK's and lives as long as the process.
 */
int handover_init(struct handover *h, unsigned workers, const struct shard_config *config,
	struct hash_key placement, struct hash_key sketch);

/* Octets that handover_init takes. */
size_t handover_size(unsigned workers, const struct shard_config *config);

/* A clean shard, or NULL when control holds them all. Any worker. */
static inline struct shard *handover_take(struct handover *h)
{
	void *s = NULL;

	rte_ring_mc_dequeue(h->clean, &s);
	return s;
}

/* Worker i gives its shard to control. */
static inline void handover_give(struct handover *h, unsigned i, struct shard *s)
{
	rte_ring_sp_enqueue(h->full[i], s);
}

/* Control: the next shard of worker i, or NULL. */
static inline struct shard *handover_receive(struct handover *h, unsigned i)
{
	void *s = NULL;

	rte_ring_sc_dequeue(h->full[i], &s);
	return s;
}

/* Control: cleans a merged shard and puts it back. */
static inline void handover_return(struct handover *h, struct shard *s)
{
	shard_clear(s);
	rte_ring_sp_enqueue(h->clean, s);
}
