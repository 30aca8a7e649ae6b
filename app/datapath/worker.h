/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

/*
 * A worker: one partition of the traffic, its sensor and the shard in its
 * hands. Live, each worker has an lcore of its own and polls its queue of each
 * port, or the ring that the spreader fills; in a replay the partitions are four whatever the
 * machine, and fewer lcores take turns at them, so that the output does not depend on it.
 *
 * Who writes what: all of struct worker is written by the lcore that runs it,
 * but for settings_slot.offered, which is control's; control and management read
 * the _Atomic members only.
 */

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include <rte_mbuf.h>
#include <rte_ring.h>

#include "datapath/clock.h"
#include "datapath/handover.h"
#include "datapath/settings.h"
#include "sensor/sensor.h"

#define WORKER_PORTS_MAX 16u

/*
 * Where a worker takes frames from: a replay's feed of packets and ticks; live, the
 * ring of a spreader, or else every stride-th queue of each port from `queue` on.
 */
struct source {
	struct rte_ring *feed;
	struct rte_ring *ring;
	const _Atomic bool *dealt; /* with `ring`: the spreader has ended (acquire) */
	uint16_t ports;
	uint16_t port[WORKER_PORTS_MAX]; /* DPDK's numbers */
	uint16_t queues[WORKER_PORTS_MAX];
	uint16_t queue;
	uint16_t stride; /* workers */
};

/* A burst of a port's frames, all of one time. */
struct burst {
	unsigned n;
	uint64_t now_ns;
	struct rte_mbuf *mbuf[SENSOR_BURST];
};

struct worker {
	unsigned index;
	struct sensor *sensor;
	struct handover *handover;
	struct source source;
	const struct sensor_clock *clock; /* live only */
	const struct settings *settings;  /* in use since the last tick; NULL: none are offered */
	uint64_t epoch_ns;
	uint64_t epoch;    /* the one that the shard in hand counts for */
	uint64_t last_ns;  /* newest time handed to the sensor */
	bool holding;      /* a shard is in hand; else it waits for a clean one */
	bool ended;        /* the last shard was given away */
	bool owed;         /* live: an epoch ended without a clean shard at hand */
	unsigned stash_at; /* items taken off the feed and not handled yet */
	unsigned stash_end;
	void *stash[SENSOR_BURST];
	/*
	 * Live: a burst is worked on when the next one is taken, or when there is none. Meanwhile
	 * its frames are on their way from memory.
	 */
	struct burst burst[2];
	unsigned ahead; /* the one of them that was taken last */

	/* Read by control. Release on write: what the epoch's shard holds is older. */
	_Alignas(64) _Atomic uint64_t
		reached;           /* epoch that the worker is in; UINT64_MAX at the end */
	_Atomic uint64_t overruns; /* relaxed: ticks that found no clean shard */
	_Atomic uint32_t lcore;    /* relaxed: who runs it */

	/* Read by control, relaxed: frames taken of each port, by its index in `source`. */
	_Alignas(64) _Atomic uint64_t taken[WORKER_PORTS_MAX];
	struct settings_slot settings_slot;
};

/* What one lcore runs. */
struct worker_set {
	struct worker *worker[WORKERS_MAX];
	unsigned workers;
	const _Atomic bool *stop; /* live: drain the queues and end; NULL in a replay */
};

/* Takes the first shard; on the lcore that will run w, once. */
void worker_begin(struct worker *w);

/*
 * Live: one turn at the queues, each once, or at the ring, and the epoch's end when it has
 * come. Returns the frames taken; when it returns 0, none that was taken waits any longer.
 */
unsigned worker_poll(struct worker *w);

/* Gives the last shard away; nothing may follow. */
void worker_end(struct worker *w);

/* Asks the cache for the frames of n mbufs; call it a burst ahead. */
void worker_fetch(struct rte_mbuf *const *mbufs, unsigned n);

/*
 * The frames that n mbufs of a port hold, all of one time. A frame in several
 * segments is moved into its first where it fits, else marked WIRE_LINK_SEGMENTED.
 */
void worker_frames(
	struct rte_mbuf **mbufs, unsigned n, uint64_t now_ns, struct frame frames[SENSOR_BURST]);

/*
 * lcore entry: runs the set's workers until all have ended; arg is a struct
 * worker_set. In a replay it yields the CPU when there is nothing to do.
 */
int worker_lcore(void *arg);
