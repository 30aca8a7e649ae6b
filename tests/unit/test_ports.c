/* SPDX-License-Identifier: BSD-3-Clause */

/* The port line, the balance of workers, frames in segments, and the spreader over a port of rings.
 */

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <math.h>
#include <string.h>

#include <rte_eal.h>
#include <rte_eth_ring.h>
#include <rte_ethdev.h>
#include <rte_mbuf.h>

#include "control/balance.h"
#include "datapath/port_status.h"
#include "datapath/spreader.h"
#include "datapath/worker.h"

#define ROOM 64u
#define FRAMES 1000u
#define WORKERS 3u

static struct rte_mempool *pool;
static struct spreader spreader;

static uint64_t sum(const struct port_status *s)
{
	return s->received + s->missed + s->errors + s->no_mbuf + s->spreader_dropped +
	       s->in_flight + s->unknown;
}

static void the_port_line_adds_up(void **state)
{
	struct port_ledger ledger = {0};
	struct port_status s = {0};
	struct port_reading now = {.taken = 900,
		.driver_received = 950,
		.spreader_dropped = 20,
		.missed = 3,
		.errors = 4,
		.no_mbuf = 5,
		.offered = 1000,
		.room = 100};

	(void)state;
	assert_true(port_reconcile(&ledger, &now, &s));
	assert_int_equal(s.in_flight, 30);
	assert_int_equal(s.unknown, 38);
	assert_int_equal(sum(&s), s.offered);
	assert_true(fabs(s.loss_rate - 32.0 / 1000) < 1e-9);

	/* Nothing lost since, what was under way has come. */
	now.taken = 1030;
	now.driver_received = 1050;
	now.offered = 1062;
	assert_false(port_reconcile(&ledger, &now, &s));
	assert_int_equal(s.unknown, 0);
	assert_true(s.loss_rate == 0);
	assert_int_equal(sum(&s), s.offered);

	/* More unknown than the kernel can hold: lost, though nobody says so. */
	now.offered = 1062 + 101;
	assert_true(port_reconcile(&ledger, &now, &s));
	assert_int_equal(s.unknown, 101);
	/* And what stays unknown is not lost again. */
	assert_false(port_reconcile(&ledger, &now, &s));
	assert_true(isnan(s.loss_rate));
}

static void what_nobody_counts_is_not_claimed(void **state)
{
	struct port_ledger ledger = {0};
	struct port_status s = {0};
	struct port_reading now = {.taken = 10, .driver_received = 8, .offered = PORT_UNKNOWN};

	(void)state;
	assert_false(port_reconcile(&ledger, &now, &s));
	assert_int_equal(s.in_flight, 0);
	assert_true(s.offered == PORT_UNKNOWN && s.unknown == PORT_UNKNOWN);
	/* Received before the interface was asked: offered all the same, never a negative rest. */
	now.offered = 6;
	assert_false(port_reconcile(&ledger, &now, &s));
	assert_int_equal(s.offered, 10);
	assert_int_equal(s.unknown, 0);
}

static void balance_is_the_busiest_over_the_mean(void **state)
{
	static const uint64_t even[] = {5000, 5000}, one[] = {9000, 0, 0}, few[] = {999, 1000};

	(void)state;
	assert_int_equal(balance_of(even, 2), 1000);
	assert_int_equal(balance_of(one, 3), 3000);
	assert_int_equal(balance_of(few, 2), 0);
	assert_int_equal(balance_of(even, 1), 0);
}

static struct rte_mbuf *mbuf_of(unsigned octets)
{
	struct rte_mbuf *m = rte_pktmbuf_alloc(pool);

	assert_non_null(m);
	memset(rte_pktmbuf_append(m, (uint16_t)octets), (int)octets & 0xff, octets);
	return m;
}

static void segments_are_joined_where_they_fit(void **state)
{
	struct rte_mbuf *m[2] = {mbuf_of(60), mbuf_of(2000)};
	struct frame frames[SENSOR_BURST];

	(void)state;
	assert_int_equal(rte_pktmbuf_chain(m[0], mbuf_of(100)), 0);
	assert_int_equal(rte_pktmbuf_chain(m[1], mbuf_of(100)), 0);
	worker_frames(m, 2, 1, frames);
	assert_int_equal(frames[0].link, WIRE_LINK_ETHERNET);
	assert_int_equal(frames[0].caplen, 160);
	assert_int_equal(frames[0].data[60], 100);
	assert_int_equal(frames[1].link, WIRE_LINK_SEGMENTED);
	assert_int_equal(frames[1].caplen, 2000);
	assert_int_equal(frames[1].wirelen, 2100);
	rte_pktmbuf_free_bulk(m, 2);
}

/* A query from client n; reply: its answer. */
static struct rte_mbuf *dns_mbuf(unsigned n, bool reply)
{
	static const uint8_t query[54] = {2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 2, 8, 0, 0x45, 0, 0, 40,
		0, 0, 0, 0, 64, 17, 0, 0, 10, 0, 0, 0, 192, 0, 2, 1, 4, 1, 0, 53, 0, 20};
	struct rte_mbuf *m = rte_pktmbuf_alloc(pool);
	uint8_t *f, t[4];

	assert_non_null(m);
	f = (uint8_t *)rte_pktmbuf_append(m, sizeof(query));
	memcpy(f, query, sizeof(query));
	f[28] = (uint8_t)(n >> 8);
	f[29] = (uint8_t)n;
	f[42] = (uint8_t)(n >> 8);
	f[43] = (uint8_t)n;
	if (reply) {
		memcpy(t, f + 26, 4);
		memcpy(f + 26, f + 30, 4);
		memcpy(f + 30, t, 4);
		memcpy(t, f + 34, 2);
		memcpy(f + 34, f + 36, 2);
		memcpy(f + 36, t, 2);
	}
	return m;
}

static void spreader_over(struct rte_ring **queue, const char *name)
{
	static const uint16_t dns = 53;
	static struct wire_config wire; /* the spreader keeps a pointer to it */
	const struct rte_eth_conf none = {0};
	int port = rte_eth_from_rings(name, queue, 1, queue, 1, 0);

	assert_true(port >= 0);
	assert_int_equal(rte_eth_dev_configure((uint16_t)port, 1, 1, &none), 0);
	assert_int_equal(rte_eth_rx_queue_setup((uint16_t)port, 0, 64, 0, NULL, pool), 0);
	assert_int_equal(rte_eth_tx_queue_setup((uint16_t)port, 0, 64, 0, NULL), 0);
	assert_int_equal(rte_eth_dev_start((uint16_t)port), 0);
	wire_config_init(&wire, &dns, 1);
	assert_int_equal(
		spreader_init(&spreader, &wire, (struct hash_key){1, 2}, WORKERS, ROOM), 0);
	spreader.ports = 1;
	spreader.port[0] = (uint16_t)port;
	spreader.queues[0] = 1;
}

static void spreader_gone(void)
{
	for (unsigned i = 0; i < WORKERS; i++)
		rte_ring_free(spreader.ring[i]);
	rte_eth_dev_stop(spreader.port[0]);
	rte_eth_dev_close(spreader.port[0]);
}

/* Both directions come to one worker, every worker gets some, nothing is lost. */
static void the_spreader_keeps_exchanges_together(void **state)
{
	struct rte_ring *queue = rte_ring_create("spread_all", 4096, SOCKET_ID_ANY, 0);
	unsigned worker_of[FRAMES], of[WORKERS] = {0}, seen = 0;

	(void)state;
	memset(worker_of, 0xff, sizeof(worker_of));
	spreader_over(&queue, "spread_port");
	for (unsigned n = 0; n < FRAMES; n++) {
		assert_int_equal(rte_ring_enqueue(queue, dns_mbuf(n / 2, n % 2)), 0);
		if (n % SENSOR_BURST != SENSOR_BURST - 1 && n + 1 < FRAMES)
			continue;
		assert_true(spreader_turn(&spreader) > 0);
		for (unsigned w = 0; w < WORKERS; w++) {
			void *m;
			while (rte_ring_sc_dequeue(spreader.ring[w], &m) == 0) {
				const uint8_t *f =
					rte_pktmbuf_mtod((struct rte_mbuf *)m, uint8_t *);
				unsigned id = (unsigned)(f[42] << 8 | f[43]);
				if (worker_of[id] != UINT32_MAX)
					assert_int_equal(worker_of[id], w);
				worker_of[id] = w;
				assert_int_equal(((struct rte_mbuf *)m)->port, spreader.port[0]);
				of[w]++;
				seen++;
				rte_pktmbuf_free(m);
			}
		}
	}
	assert_int_equal(seen, FRAMES);
	assert_int_equal(spreader.dropped[0], 0);
	for (unsigned w = 0; w < WORKERS; w++)
		assert_true(of[w] > FRAMES / WORKERS / 2);
	spreader_gone();
	rte_ring_free(queue);
}

/* Workers that take nothing: each ring fills, the rest is dropped and counted to the last. */
static void a_full_ring_drops_and_counts(void **state)
{
	struct rte_ring *queue = rte_ring_create("spread_full", 4096, SOCKET_ID_ANY, 0);
	unsigned waiting = 0, free_before = rte_mempool_avail_count(pool);
	void *m;

	(void)state;
	spreader_over(&queue, "full_port");
	for (unsigned n = 0; n < FRAMES; n++)
		assert_int_equal(rte_ring_enqueue(queue, dns_mbuf(n, false)), 0);
	_Atomic bool stop = true;
	spreader.stop = &stop;
	assert_int_equal(spreader_lcore(&spreader), 0);
	assert_true(spreader.ended);
	for (unsigned w = 0; w < WORKERS; w++) {
		assert_int_equal(rte_ring_count(spreader.ring[w]), ROOM);
		waiting += rte_ring_count(spreader.ring[w]);
	}
	assert_int_equal(spreader.dropped[0], FRAMES - waiting);
	for (unsigned w = 0; w < WORKERS; w++)
		while (rte_ring_sc_dequeue(spreader.ring[w], &m) == 0)
			rte_pktmbuf_free(m);
	assert_int_equal(rte_mempool_avail_count(pool), free_before);
	spreader_gone();
	rte_ring_free(queue);
}

static int eal(void **state)
{
	char *arguments[] = {"test_ports", "--no-huge", "--no-shconf", "--no-pci", "--no-telemetry",
		"--log-level", "error", "-m", "64", "--lcores", "0"};

	(void)state;
	if (rte_eal_init((int)(sizeof(arguments) / sizeof(arguments[0])), arguments) < 0)
		return -1;
	pool = rte_pktmbuf_pool_create(
		"frames", 4095, 0, 0, RTE_MBUF_DEFAULT_BUF_SIZE, SOCKET_ID_ANY);
	return pool ? 0 : -1;
}

static int eal_end(void **state)
{
	(void)state;
	return rte_eal_cleanup();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_port_line_adds_up),
		cmocka_unit_test(what_nobody_counts_is_not_claimed),
		cmocka_unit_test(balance_is_the_busiest_over_the_mean),
		cmocka_unit_test(segments_are_joined_where_they_fit),
		cmocka_unit_test(the_spreader_keeps_exchanges_together),
		cmocka_unit_test(a_full_ring_drops_and_counts),
	};

	return cmocka_run_group_tests(tests, eal, eal_end);
}
