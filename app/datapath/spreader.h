/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

/*
 * The software spreader: one lcore that polls all queues of all ports, asks
 * lib/wire/spread.h which worker each frame belongs to, and hands the mbufs over
 * SP/SC rings in bursts. A full ring drops and counts, by the frame's port: a
 * slow worker costs its own frames, not those of others.
 */

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include <rte_mbuf.h>
#include <rte_ring.h>

#include "config/config.h"
#include "datapath/handover.h"
#include "sensor/sensor.h"
#include "wire/spread.h"

/* What waits for the end of a turn to go to one worker. */
struct spreader_hand {
	unsigned n;
	struct rte_mbuf *mbuf[SENSOR_BURST];
};

/* All of it is written by the lcore that runs it; others read the atomics. */
struct spreader {
	struct spread spread;
	unsigned workers;
	unsigned ports;
	uint16_t port[CONFIG_PORTS_MAX];   /* DPDK's numbers */
	uint16_t queues[CONFIG_PORTS_MAX]; /* of each */
	const _Atomic bool *stop;
	struct rte_ring *ring[WORKERS_MAX];
	_Atomic uint64_t turns; /* relaxed; read by control, which sees by it that it lives */
	struct spreader_hand hand[WORKERS_MAX];

	_Alignas(64) _Atomic uint64_t dropped[CONFIG_PORTS_MAX]; /* relaxed; by index of port */
	_Atomic bool ended; /* release: nothing more is put on any ring */
};

/*
 * Makes the rings, each for `room` frames, on the workers' side. Ports are filled in
 * by the caller. 0 or -ENOMEM.
 */
int spreader_init(struct spreader *s, const struct wire_config *wire, struct hash_key key,
	unsigned workers, uint32_t room);

/* One turn: a burst of each queue of each port, dealt out. Returns the frames taken. */
unsigned spreader_turn(struct spreader *s);

/* lcore entry; arg is a struct spreader. Once *stop is set it drains the ports and ends. */
int spreader_lcore(void *arg);
