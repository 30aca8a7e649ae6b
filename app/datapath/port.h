/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

/*
 * Live capture ports: configured, started, receive only.
 *
 * Worker i polls queue i of every port. Each queue has a mempool of its own,
 * sized for its descriptors and what a worker holds, so that one slow worker
 * cannot starve another.
 */

#include <stddef.h>

#include "config/config.h"
#include "control/snapshot.h"
#include "datapath/port_xdp.h"
#include "datapath/worker.h"

struct ports {
	unsigned n;
	uint16_t id[WORKER_PORTS_MAX];
	char name[WORKER_PORTS_MAX][64];
	struct port_xdp xdp[WORKER_PORTS_MAX];
	uint64_t lost[WORKER_PORTS_MAX]; /* as of the last ports_status */
};

/* Octets of the mempools of all ports. */
size_t ports_size(const struct config *c);

/*
 * Starts every port of the configuration with `workers` queues. 0, or -errno and
 * one line in err; what was started is stopped again then.
 */
int ports_start(
	struct ports *p, const struct config *c, unsigned workers, char err[ERROR_LINE_MAX]);

/* Fills in a snapshot's ports from the drivers' counters. ctx is a struct ports. */
void ports_status(void *ctx, struct snapshot *s);

void ports_stop(struct ports *p);
