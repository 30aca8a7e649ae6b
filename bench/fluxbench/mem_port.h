/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

/*
 * A port whose frames lie in memory, as a NIC leaves them: not copied by the core that polls,
 * and not in its caches.
 *
 * A burst does what a NIC's driver does: it walks a descriptor ring whose mbufs it hands out and
 * replaces by fresh ones of the pool, and fills in address, length and port. What a NIC does by
 * DMA was done at start (frames.h). This is harder than a NIC that writes into the last-level
 * cache (DDIO); beside a NIC it lacks the reads of completion descriptors that the device wrote,
 * and the write of its doorbell.
 *
 * The port is a started net_null whose burst function is replaced: headers for drivers of one's
 * own are not part of an installed DPDK, rte_eth_fp_ops is. It plays the capture for ever, on
 * one queue.
 */

#include <stddef.h>
#include <stdint.h>

#include "cli/exit.h"
#include "fluxbench/traffic.h"

struct rte_mempool;

struct mem_port;

/* Octets of DPDK's memory that a port for this traffic takes, its pool not counted. */
size_t mem_port_octets(const struct traffic *t);

/*
 * Takes a started net_null port over; `pool` gives the mbufs and must be used by nothing else,
 * for their buffer addresses change. 0, or -errno and one line in err.
 */
int mem_port_open(struct mem_port **out, const char *capture, const struct traffic *t,
	uint16_t port, struct rte_mempool *pool, char err[ERROR_LINE_MAX]);

/* Before the first burst: goes on from another frame, so that ports do not play in step. */
void mem_port_from(struct mem_port *p, uint64_t frame);

/* Frames handed out since it was opened. */
uint64_t mem_port_delivered(const struct mem_port *p);

/* After the port was stopped. */
void mem_port_close(struct mem_port *p);
