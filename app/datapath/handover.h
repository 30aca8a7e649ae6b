/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

/*
 * How shards change owner. Pointers travel over rings; whoever took a pointer
 * off a ring owns the shard. No memory is shared besides.
 *
 *   worker i --- full[i], SP/SC ---> control
 *   control ---- clean, SP/MC -----> any worker
 *
 * The pool holds two shards a worker, and a worker never has more than two, in
 * its hands and with control together: so one that is ahead cannot take what
 * the slowest needs. In a replay, where workers wait for a clean shard, control
 * would otherwise wait for ever; live, all tick in the same instant, and a
 * smaller pool would leave some without (docs/adr/0003). Each ring has room for
 * all shards, so putting one on a ring cannot fail.
 */

#include <stdatomic.h>
#include <stdbool.h>

#include <rte_ring.h>

#include "shard/shard.h"

#define WORKERS_MAX 32u
#define SHARDS_A_WORKER 2u
#define SHARDS_MAX (SHARDS_A_WORKER * WORKERS_MAX)

struct handover {
	unsigned workers;
	unsigned shards;
	struct rte_ring *clean;
	struct rte_ring *full[WORKERS_MAX];
	/* Shards of worker i with control: it adds (relaxed), control takes away (release). */
	_Atomic unsigned held[WORKERS_MAX];
};

/*
 * Makes the rings and lays out the shards, all clean. 0, or -ENOMEM. Memory is
 * DPDK's and lives as long as the process.
 */
int handover_init(struct handover *h, unsigned workers, const struct shard_config *config,
	struct hash_key placement, struct hash_key sketch);

/* Shards of worker i that control has and has not cleaned yet. */
static inline unsigned handover_held(const struct handover *h, unsigned i)
{
	return atomic_load_explicit(&h->held[i], memory_order_acquire);
}

/*
 * A clean shard for worker i, or NULL while those in its hands (0 or 1) and those
 * with control are two.
 */
static inline struct shard *handover_take(struct handover *h, unsigned i, unsigned in_hand)
{
	void *s = NULL;

	if (handover_held(h, i) + in_hand < SHARDS_A_WORKER)
		rte_ring_mc_dequeue(h->clean, &s);
	return s;
}

/* Worker i gives its shard to control. */
static inline void handover_give(struct handover *h, unsigned i, struct shard *s)
{
	atomic_fetch_add_explicit(&h->held[i], 1, memory_order_relaxed);
	rte_ring_sp_enqueue(h->full[i], s);
}

/* Control: the next shard of worker i, or NULL. */
static inline struct shard *handover_receive(struct handover *h, unsigned i)
{
	void *s = NULL;

	rte_ring_sc_dequeue(h->full[i], &s);
	return s;
}

/* Control: cleans a merged shard and puts it back; it is the worker's until it is there. */
static inline void handover_return(struct handover *h, struct shard *s)
{
	unsigned worker = s->worker;

	shard_clear(s);
	rte_ring_sp_enqueue(h->clean, s);
	atomic_fetch_sub_explicit(&h->held[worker], 1, memory_order_release);
}
