/* SPDX-License-Identifier: BSD-3-Clause */

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include <rte_branch_prediction.h>
#include <rte_ethdev.h>
#include <rte_malloc.h>
#include <rte_mbuf.h>

#include "fluxbench/frames.h"
#include "fluxbench/mem_port.h"
#include "fluxbench/port.h"

#define RING BENCH_PORT_DESCRIPTORS
#define BURST_MOST 64u
#define LINE 64u

struct mem_port {
	struct rte_mempool *pool;
	struct frames frames;
	uint64_t delivered;
	uint32_t ring_at;
	uint16_t port;
	void *queues[1]; /* what rte_eth_rx_burst looks the queue up in */
	struct rte_mbuf *ring[RING];
};

size_t mem_port_octets(const struct traffic *t)
{
	return frames_octets(t) + sizeof(struct mem_port);
}

static uint16_t mem_rx_burst(void *queue, struct rte_mbuf **out, uint16_t n)
{
	struct rte_mbuf *fresh[BURST_MOST];
	struct mem_port *p = queue;

	if (n > BURST_MOST)
		n = BURST_MOST;
	if (unlikely(rte_mempool_get_bulk(p->pool, (void **)fresh, n) < 0))
		return 0;
	for (unsigned i = 0; i < n; i++) {
		struct rte_mbuf **place = &p->ring[p->ring_at++ % RING];

		out[i] = *place;
		*place = fresh[i];
		frames_next(&p->frames, out[i], p->port);
	}
	p->delivered += n;
	return n;
}

int mem_port_open(struct mem_port **out, const char *capture, const struct traffic *t,
	uint16_t port, struct rte_mempool *pool, char err[ERROR_LINE_MAX])
{
	struct mem_port *p = rte_zmalloc("mem_port", sizeof(*p), LINE);
	int rc = -ENOMEM;

	*out = NULL;
	if (!p)
		goto no_memory;
	p->pool = pool;
	p->port = port;
	p->queues[0] = p;
	rc = frames_load(&p->frames, capture, t, err);
	if (rc < 0)
		goto failed;
	rc = rte_pktmbuf_alloc_bulk(pool, p->ring, RING);
	if (rc < 0)
		goto no_memory;
	rte_eth_fp_ops[port].rxq.data = p->queues;
	rte_eth_fp_ops[port].rx_pkt_burst = mem_rx_burst;
	*out = p;
	return 0;
no_memory:
	snprintf(err, ERROR_LINE_MAX, "memory: no %zu MiB for the frames of %s",
		mem_port_octets(t) >> 20, capture);
failed:
	mem_port_close(p);
	return rc;
}

void mem_port_from(struct mem_port *p, uint64_t frame)
{
	p->frames.at = frame % p->frames.count;
}

uint64_t mem_port_delivered(const struct mem_port *p)
{
	return p->delivered;
}

void mem_port_close(struct mem_port *p)
{
	if (!p)
		return;
	if (p->ring[0])
		rte_pktmbuf_free_bulk(p->ring, RING);
	frames_free(&p->frames);
	rte_free(p);
}
