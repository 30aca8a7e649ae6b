/* SPDX-License-Identifier: BSD-3-Clause */

#include <errno.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>

#include <rte_mbuf.h>

#include "base/hash.h"
#include "capture/feeder.h"
#include "datapath/meta.h"

/* Room for the longest frame that a capture may hold; longer ones count as cut. */
#define DATA_ROOM UINT16_MAX

/* Rings full and a burst in each worker's hands, and some to read into. */
#define POOL_MBUFS (REPLAY_PARTITIONS * (FEED_ROOM + 128) + 127)

/* Fixed: the same packet goes to the same partition on every machine. */
static const struct hash_key partition_key = {0x243f6a8885a308d3u, 0x13198a2e03707344u};

size_t feeder_size(void)
{
	return (size_t)POOL_MBUFS * (DATA_ROOM + 512u);
}

int feeder_init(struct feeder *f, const struct wire_config *wire)
{
	spread_init(&f->spread, wire, partition_key, REPLAY_PARTITIONS);
	f->pool = rte_pktmbuf_pool_create(
		"fluxgate_replay", POOL_MBUFS, 32, 0, DATA_ROOM, SOCKET_ID_ANY);
	if (!f->pool)
		return -ENOMEM;
	for (unsigned i = 0; i < REPLAY_PARTITIONS; i++) {
		char name[RTE_RING_NAMESIZE];

		snprintf(name, sizeof(name), "fluxgate_feed_%u", i);
		f->feed[i] = rte_ring_create(name, FEED_ROOM, SOCKET_ID_ANY,
			RING_F_SP_ENQ | RING_F_SC_DEQ | RING_F_EXACT_SZ);
		if (!f->feed[i])
			return -ENOMEM;
	}
	return 0;
}

static void put(struct rte_ring *r, void *item)
{
	while (rte_ring_sp_enqueue(r, item) != 0)
		sched_yield();
}

static void tick(struct feeder *f, uint64_t epoch)
{
	for (unsigned i = 0; i < REPLAY_PARTITIONS; i++)
		put(f->feed[i], feed_tick(epoch));
}

static struct rte_mbuf *frame_in_mbuf(struct feeder *f, const struct capture_packet *p)
{
	struct rte_mbuf *m;

	while (!(m = rte_pktmbuf_alloc(f->pool)))
		sched_yield();
	uint32_t n = p->caplen < rte_pktmbuf_tailroom(m) ? p->caplen : rte_pktmbuf_tailroom(m);
	memcpy(rte_pktmbuf_mtod(m, void *), p->data, n);
	m->data_len = (uint16_t)n;
	m->pkt_len = n;
	*frame_meta(m) = (struct frame_meta){p->time_ns, p->wirelen, p->link};
	return m;
}

int feeder_lcore(void *arg)
{
	struct feeder *f = arg;
	struct capture_packet p;
	uint64_t epoch = 0, packets = 0;

	while (!atomic_load_explicit(f->stop, memory_order_relaxed) &&
		captures_next(f->captures, &p) > 0) {
		uint64_t now = p.time_ns / f->epoch_ns;
		if (now != epoch) {
			tick(f, now);
			epoch = now;
		}
		unsigned to = spread_worker(&f->spread, p.link, p.data, p.caplen, p.wirelen);
		put(f->feed[to], frame_in_mbuf(f, &p));
		atomic_store_explicit(&f->packets, ++packets, memory_order_relaxed);
		atomic_store_explicit(&f->octets_read, captures_facts(f->captures)->octets_read,
			memory_order_relaxed);
	}
	tick(f, FEED_END >> 1);
	return 0;
}
