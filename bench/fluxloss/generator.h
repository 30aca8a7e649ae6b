/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

/*
 * A paced generator over a net_ring port: one lcore sends, the worker's receives.
 *
 * A burst of GENERATOR_BURST frames has its time by the TSC: the n-th at n * 32 / rate. One that
 * is sent after the next one's time is *late* and is caught up. When the generator itself was away
 * for so long (its CPU was another's) that more than GENERATOR_CATCH_UP frames would be owed, it
 * does not throw them at the port at once, which no link would do: they are *withheld*, never
 * made, and the schedule goes on from now. So a trial's offered rate can only be below the asked.
 *
 * What the ring does not take is lost, and counted here: it is the port's queue of descriptors.
 */

#include <stdatomic.h>
#include <stdint.h>

#include <rte_mempool.h>
#include <rte_ring.h>

#include "fluxbench/frames.h"
#include "fluxloss/trial.h"

#define GENERATOR_BURST 32u
#define GENERATOR_CATCH_UP (8u * GENERATOR_BURST)

struct generator {
	struct frames frames;
	struct rte_mempool *pool; /* used by nothing else: buffer addresses change */
	struct rte_ring *ring;
	uint16_t port;
	int schedstat;                  /* the worker's thread; -1: the kernel has none */
	const _Atomic uint64_t *taken;  /* frames that the worker took */
	const _Atomic uint64_t *merges; /* epochs that control closed */
	uint64_t generated;             /* since the start */
	uint64_t lost;
};

/* Sends for so long; what is in the ring at its end stays there. */
void trial_run(struct generator *g, double mpps, double seconds, struct trial *t);

/* Waits until the worker has taken all that the ring holds; a second at most. */
void generator_settle(const struct generator *g);
