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

#define GENERATOR_BURST 32u
#define GENERATOR_CATCH_UP (8u * GENERATOR_BURST)
#define GENERATOR_SHORT 0.1

/* The first second of a trial, looked at this finely. */
#define GENERATOR_BINS 100u
#define GENERATOR_BINS_A_SECOND 100u

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

struct bin {
	uint64_t lost;
	uint32_t queued; /* in the ring, at the bin's end */
};

struct trial {
	double asked_mpps; /* 0: as many as the ring takes, and none is lost */
	double asked_seconds;
	double seconds; /* that it took */
	uint64_t generated;
	uint64_t lost;         /* of these */
	uint64_t withheld;     /* frames not made, for the generator was away */
	uint64_t late;         /* bursts sent after the next one's time, and caught up */
	uint64_t away;         /* times that the generator was away ... */
	double away_seconds;   /* ... in all ... */
	double away_longest;   /* ... and the longest */
	double worker_waited;  /* seconds in which the worker could run and its CPU was another's */
	uint64_t merges;       /* that control ended meanwhile */
	double last_loss;      /* seconds from the start, before a second without loss; 0: none */
	double last_loss_ever; /* the same without that condition */
	struct bin bin[GENERATOR_BINS];
};

/* Sends for so long; what is in the ring at its end stays there. */
void trial_run(struct generator *g, double mpps, double seconds, struct trial *t);

/* Waits until the worker has taken all that the ring holds; a second at most. */
void generator_settle(const struct generator *g);

/* Millions of frames a second that were made, the generator's absence included. */
double trial_offered(const struct trial *t);

/* Millions a second that were taken while the generator was there: the capacity, when none is
 * asked for. */
double trial_taken(const struct trial *t);

/* Was more than GENERATOR_SHORT of what was asked withheld? Then no loss proves nothing. */
bool trial_short(const struct trial *t);

/* Short, or is the loss no more than what came while the worker's CPU was another's? */
bool trial_disturbed(const struct trial *t);
