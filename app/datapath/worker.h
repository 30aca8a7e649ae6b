/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

/*
 * A worker: one partition of the traffic, its sensor and the shard in its
 * hands. Live, each worker has an lcore of its own and polls one queue of each
 * port; in a replay the partitions are four whatever the machine, and fewer
 * lcores take turns at them, so that the output does not depend on it.
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

/* Where a worker takes frames from. */
struct source {
	struct rte_ring *feed; /* replay: packets and ticks; NULL: poll the queues */
	uint16_t ports;
	uint16_t port[WORKER_PORTS_MAX];
	uint16_t queue;
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

	/* Read by control. Release on write: what the epoch's shard holds is older. */
	_Alignas(64) _Atomic uint64_t
		reached;           /* epoch that the worker is in; UINT64_MAX at the end */
	_Atomic uint64_t overruns; /* relaxed: ticks that found no clean shard */
	_Atomic uint32_t lcore;    /* relaxed: who runs it */

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
 * Live: one turn at the queues, each port once, and the epoch's end when it has
 * come. Returns the frames taken.
 */
unsigned worker_poll(struct worker *w);

/* Gives the last shard away; nothing may follow. */
void worker_end(struct worker *w);

/* The frames that n mbufs of a port hold, all of one time. */
void worker_frames(
	struct rte_mbuf **mbufs, unsigned n, uint64_t now_ns, struct frame frames[SENSOR_BURST]);

/*
 * lcore entry: runs the set's workers until all have ended; arg is a struct
 * worker_set. In a replay it yields the CPU when there is nothing to do.
 */
int worker_lcore(void *arg);
