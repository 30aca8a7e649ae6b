/* SPDX-License-Identifier: BSD-3-Clause */

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include <rte_branch_prediction.h>
#include <rte_ethdev.h>
#include <rte_malloc.h>
#include <rte_mbuf.h>

#include "base/crc32c.h"
#include "capture/capture.h"
#include "fluxbench/mem_port.h"
#include "fluxbench/port.h"

#define RING BENCH_PORT_DESCRIPTORS
#define BURST_MOST 64u
#define LINE 64u

struct descriptor {
	uint8_t *data;
	uint32_t octets;
	uint32_t unused;
};

struct mem_port {
	struct rte_mempool *pool;
	struct descriptor *frames;
	uint8_t *slots;
	uint64_t count;
	uint64_t at; /* next frame */
	uint64_t delivered;
	uint32_t ring_at;
	uint16_t slot; /* octets */
	uint16_t port;
	void *queues[1]; /* what rte_eth_rx_burst looks the queue up in */
	struct rte_mbuf *ring[RING];
};

static size_t slot_octets(const struct traffic *t)
{
	return (t->longest + LINE - 1) / LINE * LINE;
}

size_t mem_port_octets(const struct traffic *t)
{
	return t->frames * (slot_octets(t) + sizeof(struct descriptor)) + sizeof(struct mem_port);
}

/* Only the first line of an mbuf is written: the pool gives it with one segment and no next. */
static inline void mbuf_fill(struct rte_mbuf *m, const struct mem_port *p, struct descriptor d)
{
	m->buf_addr = d.data;
	m->buf_len = p->slot;
	m->data_off = 0;
	rte_mbuf_refcnt_set(m, 1);
	m->nb_segs = 1;
	m->port = p->port;
	m->ol_flags = 0;
	m->packet_type = 0;
	m->pkt_len = d.octets;
	m->data_len = (uint16_t)d.octets;
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
		mbuf_fill(out[i], p, p->frames[p->at]);
		if (++p->at == p->count)
			p->at = 0;
	}
	p->delivered += n;
	return n;
}

static uint64_t common_divisor(uint64_t a, uint64_t b)
{
	while (b) {
		uint64_t rest = a % b;
		a = b;
		b = rest;
	}
	return a;
}

/* A step through n slots that visits each once, neighbours in time far apart in memory. */
static uint64_t slot_step(uint64_t n)
{
	uint64_t step = (uint64_t)((double)n * 0.6180339887) | 1;

	while (common_divisor(step, n) != 1)
		step += 2;
	return step;
}

static int frames_load(
	struct mem_port *p, const char *path, const struct traffic *t, char err[ERROR_LINE_MAX])
{
	uint64_t step = slot_step(p->count), place = 0, k = 0;
	struct captures *c = NULL;
	struct capture_packet packet;
	uint32_t mark = 0;
	int rc = captures_open(&c, &path, 1, err, ERROR_LINE_MAX);

	if (rc < 0)
		return rc;
	for (; k < p->count && captures_next(c, &packet) > 0; k++) {
		struct descriptor *d = &p->frames[k];

		d->data = p->slots + place * p->slot;
		d->octets = packet.caplen;
		if (packet.caplen > p->slot)
			break;
		memcpy(d->data, packet.data, packet.caplen);
		place = (place + step) % p->count;
	}
	captures_close(c);
	/* Each frame stands where its descriptor says, and none in another's place. */
	for (uint64_t i = 0; i < k; i++)
		mark = crc32c(mark, p->frames[i].data, p->frames[i].octets);
	if (k == t->frames && mark == t->crc32c)
		return 0;
	snprintf(err, ERROR_LINE_MAX, "%s: changed while it was read", path);
	return -EIO;
}

int mem_port_open(struct mem_port **out, const char *capture, const struct traffic *t,
	uint16_t port, struct rte_mempool *pool, char err[ERROR_LINE_MAX])
{
	struct mem_port *p = NULL;
	int rc = -EINVAL;

	*out = NULL;
	if (slot_octets(t) > UINT16_MAX) {
		snprintf(err, ERROR_LINE_MAX, "%s: frames of %u octets: at most 65472", capture,
			t->longest);
		return rc;
	}
	rc = -ENOMEM;
	p = rte_zmalloc("mem_port", sizeof(*p), LINE);
	if (!p)
		goto no_memory;
	p->pool = pool;
	p->count = t->frames;
	p->port = port;
	p->slot = (uint16_t)slot_octets(t);
	p->queues[0] = p;
	p->frames = rte_malloc("mem_frames", p->count * sizeof(p->frames[0]), LINE);
	p->slots = rte_malloc("mem_slots", p->count * p->slot, LINE);
	if (!p->frames || !p->slots || rte_pktmbuf_alloc_bulk(pool, p->ring, RING) < 0)
		goto no_memory;
	rc = frames_load(p, capture, t, err);
	if (rc < 0)
		goto failed;
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
	p->at = frame % p->count;
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
	rte_free(p->slots);
	rte_free(p->frames);
	rte_free(p);
}
