/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A live worker's turns, step by step and with a clock that stands still: a burst is worked on
 * when the next one was taken or when there is none, and belongs to the epoch it was taken in.
 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdlib.h>

#include <rte_eal.h>
#include <rte_eth_ring.h>
#include <rte_ethdev.h>
#include <rte_mbuf.h>

#include "datapath/worker.h"
#include "tests/unit/frames.h"

#define NS_PER_SECOND UINT64_C(1000000000)
#define EPOCH_NS (10 * NS_PER_SECOND)
#define FIRST_EPOCH UINT64_C(170000000)
#define QUEUES 2u

static const struct hash_key key = {1, 2};
static const struct shard_config shard_config = {
	.entries_log2 = 10, .details_small = 16, .details_large = 4, .name_octets = 4096};

static struct rte_mempool *pool;
static struct rte_ring *queue[QUEUES];
static uint16_t ports[QUEUES]; /* of queue[0] alone, and of both */
static struct handover handover;
static struct sensor_clock now;
static struct worker worker;

static void clock_set(uint64_t ns)
{
	now.anchor[0].ns = ns;
	now.anchor[0].rate = 0;
}

static void begin(struct source source)
{
	static const uint16_t port = 53;
	static struct wire_config wire;
	struct sensor_config c = {.placement = key, .sketch = key, .match_log2 = 9};

	wire_config_init(&wire, &port, 1);
	c.wire = &wire;
	c.reasm = (struct reasm_config){16, 5000, 64, 8};
	void *mem = aligned_alloc(64, (sensor_size(&c) + 63) & ~(size_t)63);
	assert_non_null(mem);
	memset(&worker, 0, sizeof(worker));
	worker.sensor = sensor_init(mem, &c);
	worker.handover = &handover;
	worker.source = source;
	worker.clock = &now;
	worker.epoch_ns = EPOCH_NS;
	worker.epoch = FIRST_EPOCH;
	clock_set(FIRST_EPOCH * EPOCH_NS);
	worker_begin(&worker);
}

static void put(unsigned q, unsigned frames)
{
	while (frames--) {
		struct rte_mbuf *m = rte_pktmbuf_alloc(pool);

		assert_non_null(m);
		memset(rte_pktmbuf_append(m, 60), 0, 60);
		assert_int_equal(rte_ring_sp_enqueue(queue[q], m), 0);
	}
}

static uint64_t received(void)
{
	return sensor_shard_current(worker.sensor)->account.received;
}

/* Frames of the shard that the worker gave away. */
static uint64_t given(void)
{
	struct shard *s = handover_receive(&handover, 0);

	assert_non_null(s);
	uint64_t n = s->account.received;
	handover_return(&handover, s);
	return n;
}

static void end(void)
{
	assert_null(handover_receive(&handover, 0));
	assert_int_equal(rte_mempool_in_use_count(pool), 0);
	free(worker.sensor);
}

static void a_burst_waits_for_the_next_one_or_for_none(void **state)
{
	(void)state;
	begin((struct source){.ports = 1, .port = {ports[0]}, .queues = {1}, .stride = 1});
	put(0, 5);
	assert_int_equal(worker_poll(&worker), 5);
	assert_int_equal(received(), 0);
	put(0, 3);
	assert_int_equal(worker_poll(&worker), 3);
	assert_int_equal(received(), 5);
	assert_int_equal(worker_poll(&worker), 0);
	assert_int_equal(received(), 8);
	worker_end(&worker);
	assert_int_equal(given(), 8);
	end();
}

static void it_is_of_the_epoch_it_was_taken_in(void **state)
{
	(void)state;
	begin((struct source){.ports = 1, .port = {ports[0]}, .queues = {1}, .stride = 1});
	put(0, 5);
	assert_int_equal(worker_poll(&worker), 5);
	clock_set((FIRST_EPOCH + 1) * EPOCH_NS);
	put(0, 2);
	assert_int_equal(worker_poll(&worker), 2);
	assert_int_equal(given(), 5);
	assert_int_equal(received(), 0);
	/* At the end it is not left behind either. */
	worker_end(&worker);
	assert_int_equal(given(), 2);
	end();
}

static void bursts_of_several_queues_do_not_meet(void **state)
{
	(void)state;
	begin((struct source){.ports = 1, .port = {ports[1]}, .queues = {QUEUES}, .stride = 1});
	for (unsigned turn = 0; turn < 3; turn++) {
		put(0, SENSOR_BURST);
		put(1, 7);
		assert_int_equal(worker_poll(&worker), SENSOR_BURST + 7);
		assert_int_equal(received(), turn * (SENSOR_BURST + 7) + SENSOR_BURST);
		assert_int_equal(worker_poll(&worker), 0);
		assert_int_equal(received(), (turn + 1) * (SENSOR_BURST + 7));
	}
	assert_int_equal(worker.taken[0], 3 * (SENSOR_BURST + 7));
	worker_end(&worker);
	assert_int_equal(given(), 3 * (SENSOR_BURST + 7));
	end();
}

static void a_spreaders_ring_is_taken_the_same_way(void **state)
{
	static const _Atomic bool dealt = true;

	(void)state;
	begin((struct source){.ring = queue[0], .dealt = &dealt});
	put(0, SENSOR_BURST + 4);
	assert_int_equal(worker_poll(&worker), SENSOR_BURST);
	assert_int_equal(worker_poll(&worker), 4);
	assert_int_equal(received(), SENSOR_BURST);
	clock_set((FIRST_EPOCH + 1) * EPOCH_NS);
	assert_int_equal(worker_poll(&worker), 0);
	assert_int_equal(given(), SENSOR_BURST + 4);
	assert_int_equal(received(), 0);
	worker_end(&worker);
	assert_int_equal(given(), 0);
	end();
}

static uint16_t port_make(const char *name, unsigned queues)
{
	struct rte_eth_conf conf = {0};
	int port = rte_eth_from_rings(name, queue, queues, queue, queues, 0);

	assert_true(port >= 0);
	assert_int_equal(rte_eth_dev_configure((uint16_t)port, (uint16_t)queues, 0, &conf), 0);
	for (unsigned q = 0; q < queues; q++)
		assert_int_equal(
			rte_eth_rx_queue_setup((uint16_t)port, (uint16_t)q, 64, 0, NULL, pool), 0);
	assert_int_equal(rte_eth_dev_start((uint16_t)port), 0);
	return (uint16_t)port;
}

static int eal_begin(void **state)
{
	char *args[] = {"test_worker", "--no-huge", "--no-shconf", "--no-pci", "--no-telemetry",
		"-m", "64", "-l", "0", "--log-level=error"};

	(void)state;
	if (rte_eal_init(sizeof(args) / sizeof(args[0]), args) < 0)
		return -1;
	pool = rte_pktmbuf_pool_create(
		"test", 511, 0, 0, RTE_PKTMBUF_HEADROOM + 128, SOCKET_ID_ANY);
	if (!pool || handover_init(&handover, 1, &shard_config, key, key) != 0)
		return -1;
	for (unsigned q = 0; q < QUEUES; q++)
		queue[q] = rte_ring_create(
			q ? "q1" : "q0", 256, SOCKET_ID_ANY, RING_F_SP_ENQ | RING_F_SC_DEQ);
	for (unsigned q = 0; q < QUEUES; q++)
		ports[q] = port_make(q ? "two" : "one", q + 1);
	return 0;
}

static int eal_end(void **state)
{
	(void)state;
	for (unsigned q = 0; q < QUEUES; q++) {
		rte_eth_dev_stop(ports[q]);
		rte_eth_dev_close(ports[q]);
	}
	return rte_eal_cleanup();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_burst_waits_for_the_next_one_or_for_none),
		cmocka_unit_test(it_is_of_the_epoch_it_was_taken_in),
		cmocka_unit_test(bursts_of_several_queues_do_not_meet),
		cmocka_unit_test(a_spreaders_ring_is_taken_the_same_way),
	};
	return cmocka_run_group_tests(tests, eal_begin, eal_end);
}
