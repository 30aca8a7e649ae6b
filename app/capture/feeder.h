/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

/*
 * The reader of a replay: takes packets from the captures, puts them into mbufs
 * and deals them to the partitions' feed rings, with a tick behind the last
 * packet of each epoch. It waits where a ring or the mbuf pool is full: a
 * replay blocks rather than loses.
 *
 * A partition is chosen by the innermost addresses (wire/spread.h), so both directions of
 * a transaction meet in one.
 */

#include <stdatomic.h>
#include <stdbool.h>

#include <rte_mempool.h>
#include <rte_ring.h>

#include "capture/capture.h"
#include "datapath/handover.h"
#include "wire/spread.h"

#define REPLAY_PARTITIONS 4u
#define FEED_ROOM 512u

struct feeder {
	struct captures *captures;
	struct spread spread;
	struct rte_mempool *pool;
	struct rte_ring *feed[REPLAY_PARTITIONS];
	uint64_t epoch_ns;
	_Atomic bool *stop; /* set by a signal: end early, but in good order */

	/* Read by control while it runs; relaxed. */
	_Atomic uint64_t packets;
	_Atomic uint64_t octets_read;
};

/* Octets that feeder_init takes. */
size_t feeder_size(void);

/* Makes pool and rings; `wire` must outlive the feeder. 0 or -ENOMEM. */
int feeder_init(struct feeder *f, const struct wire_config *wire);

/* lcore entry; arg is a struct feeder. Ends each feed with FEED_END. */
int feeder_lcore(void *arg);
