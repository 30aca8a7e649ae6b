/* SPDX-License-Identifier: BSD-3-Clause */

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include <rte_ethdev.h>
#include <rte_pause.h>
#include <rte_prefetch.h>

#include "datapath/spreader.h"

/* Turns a draining spreader still takes, so that a busy port cannot hold a shutdown up. */
#define DRAIN_TURNS 4096u

int spreader_init(struct spreader *s, const struct wire_config *wire, struct hash_key key,
	unsigned workers, uint32_t room)
{
	memset(s, 0, sizeof(*s));
	spread_init(&s->spread, wire, key, workers);
	s->workers = workers;
	for (unsigned i = 0; i < workers; i++) {
		char name[RTE_RING_NAMESIZE];

		snprintf(name, sizeof(name), "fluxgate_spread_%u", i);
		s->ring[i] = rte_ring_create(
			name, room, SOCKET_ID_ANY, RING_F_SP_ENQ | RING_F_SC_DEQ | RING_F_EXACT_SZ);
		if (!s->ring[i])
			return -ENOMEM;
	}
	return 0;
}

/* One writer: a relaxed load and store, not a locked add. */
static void count_dropped(struct spreader *s, const struct rte_mbuf *m)
{
	for (unsigned p = 0; p < s->ports; p++)
		if (s->port[p] == m->port)
			atomic_store_explicit(&s->dropped[p],
				atomic_load_explicit(&s->dropped[p], memory_order_relaxed) + 1,
				memory_order_relaxed);
}

static void hand_give(struct spreader *s, unsigned worker)
{
	struct spreader_hand *h = &s->hand[worker];
	unsigned given = rte_ring_sp_enqueue_burst(s->ring[worker], (void **)h->mbuf, h->n, NULL);

	for (unsigned i = given; i < h->n; i++)
		count_dropped(s, h->mbuf[i]);
	if (given < h->n)
		rte_pktmbuf_free_bulk(&h->mbuf[given], h->n - given);
	h->n = 0;
}

static void deal(struct spreader *s, uint16_t port, struct rte_mbuf **mbufs, unsigned n)
{
	for (unsigned i = 0; i < n; i++)
		rte_prefetch0(rte_pktmbuf_mtod(mbufs[i], const void *));
	for (unsigned i = 0; i < n; i++) {
		struct rte_mbuf *m = mbufs[i];
		unsigned worker = spread_worker(&s->spread, WIRE_LINK_ETHERNET,
			rte_pktmbuf_mtod(m, const uint8_t *), m->data_len, m->pkt_len);
		struct spreader_hand *h = &s->hand[worker];

		/* Not every driver writes it, and the worker counts by it. */
		m->port = port;
		h->mbuf[h->n++] = m;
		if (h->n == SENSOR_BURST)
			hand_give(s, worker);
	}
}

unsigned spreader_turn(struct spreader *s)
{
	struct rte_mbuf *mbufs[SENSOR_BURST];
	unsigned frames = 0;

	for (unsigned p = 0; p < s->ports; p++) {
		for (uint16_t q = 0; q < s->queues[p]; q++) {
			unsigned n = rte_eth_rx_burst(s->port[p], q, mbufs, SENSOR_BURST);
			deal(s, s->port[p], mbufs, n);
			frames += n;
		}
	}
	for (unsigned i = 0; i < s->workers; i++)
		if (s->hand[i].n)
			hand_give(s, i);
	atomic_store_explicit(&s->turns, atomic_load_explicit(&s->turns, memory_order_relaxed) + 1,
		memory_order_relaxed);
	return frames;
}

int spreader_lcore(void *arg)
{
	struct spreader *s = arg;

	while (!atomic_load_explicit(s->stop, memory_order_relaxed)) {
		if (spreader_turn(s) == 0)
			rte_pause();
	}
	for (unsigned i = 0; i < DRAIN_TURNS && spreader_turn(s); i++)
		;
	atomic_store_explicit(&s->ended, true, memory_order_release);
	return 0;
}
