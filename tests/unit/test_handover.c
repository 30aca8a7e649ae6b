/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What threads share: shards over rings, epochs, snapshots, the clock. The
 * assertions are exact; the rest is ThreadSanitizer's (-Db_sanitize=thread).
 *
 * No mbuf is used twice: DPDK's own libraries are not instrumented, so the
 * hand-over within a mempool would be taken for a race.
 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <pthread.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>

#include <rte_cycles.h>
#include <rte_eal.h>
#include <rte_eth_ring.h>
#include <rte_ethdev.h>
#include <rte_malloc.h>
#include <rte_mbuf.h>

#include "control/control.h"
#include "datapath/meta.h"
#include "tests/unit/frames.h"
#include "tests/unit/random.h"

#define WORKERS 4u
#define START_S UINT64_C(1700000100) /* a multiple of 300 */
#define NS_PER_SECOND UINT64_C(1000000000)
#define EPOCH_NS (300 * NS_PER_SECOND)
#define PAIRS 6000u
#define DOMAINS 40u
#define FRAME_OCTETS 160u

static const struct hash_key placement = {0x243f6a8885a308d3u, 0x13198a2e03707344u};
static const struct hash_key sketch = {0xa4093822299f31d0u, 0x082efa98ec4e6c89u};
static const struct shard_config shard_config = {
	.entries_log2 = 12, .details_small = 512, .details_large = 128, .name_octets = 65536};

/* All that control and workers need, without ports. */
struct house {
	struct handover handover;
	struct worker worker[WORKERS];
	struct store *store;
	struct detector *detector;
	struct psl *psl;
	struct snapshot_board *board;
	struct control control;
	struct sensor_clock clock;
};

static struct rte_mempool *pool;
static struct house house;

static void *memory(size_t size)
{
	void *mem = size ? aligned_alloc(64, (size + 63) & ~(size_t)63) : NULL;

	assert_non_null(mem);
	return mem;
}

static void network_of(void *ctx, uint64_t unit, struct net_info *out)
{
	(void)ctx;
	*out = (struct net_info){.asn = address_aggregate(unit) % 50 + 1, .country = {'X', 'Y'}};
}

static struct psl *suffixes_new(void)
{
	static const char text[] = "com\n";
	struct psl_error err;
	size_t size = psl_size(text, strlen(text));

	return psl_init(memory(size), size, text, strlen(text), &err);
}

static void house_build(struct house *h, unsigned workers, bool live, uint64_t epoch_ns)
{
	static const uint16_t port = 53;
	const struct store_config store = {12, 12, 256};
	struct sensor_config sensor = {.placement = placement, .sketch = sketch, .match_log2 = 14};
	struct detect_config detect;

	memset(h, 0, sizeof(*h));
	detect_defaults(&detect);
	h->psl = suffixes_new();
	sensor.psl = h->psl;
	static struct wire_config wire;

	wire_config_init(&wire, &port, 1);
	sensor.wire = &wire;
	sensor.reasm = (struct reasm_config){16, 5000, 64, 8};
	assert_int_equal(handover_init(&h->handover, workers, &shard_config, placement, sketch), 0);
	h->store = store_init(memory(store_size(&store)), &store, placement, sketch);
	h->detector = detector_init(memory(detector_size(64)), 64, &detect);
	h->board = snapshot_board_new();
	for (unsigned i = 0; i < workers; i++) {
		h->worker[i].index = i;
		h->worker[i].handover = &h->handover;
		h->worker[i].epoch_ns = epoch_ns;
		h->worker[i].clock = &h->clock;
		h->worker[i].sensor = sensor_init(memory(sensor_size(&sensor)), &sensor);
	}
	control_init(&h->control, &(struct control_config){
					  .handover = &h->handover,
					  .workers = h->worker,
					  .store = h->store,
					  .detector = h->detector,
					  .networks = {network_of, NULL},
					  .board = h->board,
					  .epoch_ns = epoch_ns,
					  .live = live,
				  });
}

/* Every shard must have come back. */
static void house_demolish(struct house *h)
{
	unsigned shards = 0;

	for (struct shard *s; (s = handover_take(&h->handover, 0, 0)); shards++)
		rte_free(s);
	assert_int_equal(shards, h->handover.shards);
	rte_ring_free(h->handover.clean);
	for (unsigned i = 0; i < h->handover.workers; i++) {
		assert_int_equal(handover_held(&h->handover, i), 0);
		rte_ring_free(h->handover.full[i]);
		free(h->worker[i].sensor);
	}
	snapshot_board_free(h->board);
	free(h->detector);
	free(h->store);
	free(h->psl);
}

/* Rounds of observations whose every count is known from worker and round. */
#define ROUNDS 60u
#define KEYS 50u

struct giver {
	pthread_t thread;
	struct handover *handover;
	unsigned index;
};

static uint64_t key_of(unsigned worker, unsigned round, unsigned k)
{
	return (uint64_t)(worker + 1) << 40 | (uint64_t)(round + 1) << 20 | (k + 1);
}

static void *giver_run(void *arg)
{
	struct giver *g = arg;

	for (unsigned round = 0; round < ROUNDS; round++) {
		struct shard *s;

		while (!(s = handover_take(g->handover, g->index, 0)))
			sched_yield();
		s->worker = g->index;
		s->epoch_last = round;
		for (unsigned k = 0; k < KEYS; k++) {
			uint64_t unit[5];
			for (unsigned u = 0; u < 5; u++)
				unit[u] = 1 + k * 5 + u;
			struct shard_observation o = {
				.key = key_of(g->index, round, k),
				.name = (const uint8_t *)"\3com",
				.name_len = 5,
				.unit = unit,
				.units = (uint8_t)(1 + k % 5),
				.now = 1000,
			};
			for (unsigned n = 0; n <= round % 3; n++)
				shard_observe(s, &o);
		}
		s->account.received = round;
		handover_give(g->handover, g->index, s);
	}
	return NULL;
}

/* The shard holds what this worker put there in this round and nothing else. */
static void shard_check(const struct shard *s, unsigned worker, unsigned round)
{
	assert_int_equal(s->worker, worker);
	assert_int_equal(s->epoch_last, round);
	assert_int_equal(s->used, KEYS);
	assert_int_equal(s->account.received, round);
	assert_int_equal(s->account.updates, KEYS * (round % 3 + 1));
	for (unsigned k = 0; k < KEYS; k++) {
		const struct shard_entry *e = shard_find(s, key_of(worker, round, k));

		assert_non_null(e);
		assert_int_equal(e->responses, round % 3 + 1);
		const struct shard_detail *d = shard_entry_detail(s, e);
		assert_int_equal(d ? d->units : e->units, 1 + k % 5);
	}
}

/* Threads give, this one receives a round from each and returns them clean. */
static void shards_change_owner_whole(void **state)
{
	struct giver giver[WORKERS];
	struct handover *h = &house.handover;

	(void)state;
	house_build(&house, WORKERS, false, EPOCH_NS);
	for (unsigned i = 0; i < WORKERS; i++) {
		giver[i] = (struct giver){.handover = h, .index = i};
		assert_int_equal(pthread_create(&giver[i].thread, NULL, giver_run, &giver[i]), 0);
	}
	for (unsigned round = 0; round < ROUNDS; round++) {
		struct shard *got[WORKERS];

		for (unsigned i = 0; i < WORKERS; i++) {
			while (!(got[i] = handover_receive(h, i)))
				sched_yield();
			shard_check(got[i], i, round);
		}
		for (unsigned i = 0; i < WORKERS; i++)
			handover_return(h, got[i]);
	}
	for (unsigned i = 0; i < WORKERS; i++)
		pthread_join(giver[i].thread, NULL);
	house_demolish(&house);
}

/* Frame n of the stream: queries and responses in turn, pair n / 2. */
static unsigned frame_make(unsigned n, uint8_t *octets)
{
	unsigned pair = n / 2, domain = pair % DOMAINS;
	const struct flow flow = {"10.0.0.1", "9.9.9.9", (uint16_t)(1024 + pair % 50000)};
	struct message m;
	struct packet p;
	char name[32], address[24];

	snprintf(name, sizeof(name), "www.domain%u.com", domain);
	message_start(&m, pair & 0xffff, n % 2 ? MESSAGE_RESPONSE : MESSAGE_QUERY, name, 1);
	/* Even domains move over many networks, odd ones stay. */
	unsigned host = domain % 2 ? domain : pair / DOMAINS;
	snprintf(address, sizeof(address), "%u.%u.0.%u", 20 + host % 50, domain, 1 + host % 200);
	if (n % 2)
		message_address(&m, DNS_ANSWER, name, 60, address);
	packet_make(&p, &flow, &m, 0);
	assert_true(p.len <= FRAME_OCTETS);
	memcpy(octets, p.octet, p.len);
	return p.len;
}

static struct rte_mbuf *mbuf_make(unsigned n)
{
	struct rte_mbuf *m = rte_pktmbuf_alloc(pool);

	assert_non_null(m);
	unsigned len = frame_make(n, rte_pktmbuf_mtod(m, uint8_t *));
	m->data_len = (uint16_t)len;
	m->pkt_len = len;
	return m;
}

struct feeding {
	pthread_t thread;
	struct rte_ring *feed[WORKERS];
};

static void put(struct rte_ring *r, void *item)
{
	while (rte_ring_sp_enqueue(r, item) != 0)
		sched_yield();
}

/* As the reader of a replay does: a pair to one partition, a tick to all behind each epoch. */
static void *feeding_run(void *arg)
{
	struct feeding *f = arg;
	uint64_t epoch = 0;

	for (unsigned n = 0; n < 2 * PAIRS; n++) {
		uint64_t time_ns = START_S * NS_PER_SECOND + n * NS_PER_SECOND;

		if (time_ns / EPOCH_NS != epoch) {
			epoch = time_ns / EPOCH_NS;
			for (unsigned i = 0; i < WORKERS; i++)
				put(f->feed[i], feed_tick(epoch));
		}
		struct rte_mbuf *m = mbuf_make(n);
		*frame_meta(m) = (struct frame_meta){time_ns, m->data_len, WIRE_LINK_ETHERNET};
		put(f->feed[n / 2 * 3 % 5 % WORKERS], m);
	}
	for (unsigned i = 0; i < WORKERS; i++)
		put(f->feed[i], feed_tick(FEED_END >> 1));
	return NULL;
}

static void *worker_run(void *arg)
{
	worker_lcore(arg);
	return NULL;
}

static void digest_add(void *ctx, struct domain *d)
{
	uint64_t *sum = ctx;

	assert_int_equal(d->verdict.first_flagged, 0);
	*sum += hash_bytes(d, sizeof(*d), sketch);
}

/* Counts that follow from the stream alone. */
static void totals_check(const struct account *a, unsigned pairs)
{
	assert_int_equal(a->received, 2 * pairs);
	assert_int_equal(a->rx[WIRE_DNS], 2 * pairs);
	assert_int_equal(a->query[QUERY_NEW], pairs);
	assert_int_equal(a->response[RESPONSE_PAIRED], pairs);
	assert_int_equal(a->declared, pairs);
	assert_int_equal(a->record[RECORD_USED], pairs);
	assert_int_equal(a->updates, pairs);
	assert_int_equal(a->table[TABLE_HIT] + a->table[TABLE_INSERTED], pairs);
	assert_int_equal(account_error(a), 0);
}

/* A replay on so many threads; the sum over the full records that it leaves. */
static uint64_t replay(unsigned threads, struct account *account)
{
	static struct worker_set set[WORKERS];
	pthread_t thread[WORKERS];
	struct feeding f;
	uint64_t sum = 0, epochs = 0;

	house_build(&house, WORKERS, false, EPOCH_NS);
	memset(set, 0, sizeof(set));
	for (unsigned i = 0; i < WORKERS; i++) {
		char name[32];
		snprintf(name, sizeof(name), "feed_%u", i);
		f.feed[i] =
			rte_ring_create(name, 256, SOCKET_ID_ANY, RING_F_SP_ENQ | RING_F_SC_DEQ);
		assert_non_null(f.feed[i]);
		house.worker[i].source.feed = f.feed[i];
		struct worker_set *mine = &set[i % threads];
		mine->worker[mine->workers++] = &house.worker[i];
	}
	for (unsigned i = 0; i < threads; i++)
		assert_int_equal(pthread_create(&thread[i], NULL, worker_run, &set[i]), 0);
	assert_int_equal(pthread_create(&f.thread, NULL, feeding_run, &f), 0);
	while (!control_ended(&house.control))
		if (!control_step(&house.control, 0))
			sched_yield();
		else
			epochs++;
	pthread_join(f.thread, NULL);
	for (unsigned i = 0; i < threads; i++)
		pthread_join(thread[i], NULL);
	assert_int_equal(control_publish(&house.control), 0);

	const struct snapshot *s = snapshot_get(house.board);
	totals_check(&s->account, PAIRS);
	assert_int_equal(s->accounting_error, 0);
	assert_true(s->first_ns == START_S * NS_PER_SECOND);
	assert_true(s->last_ns == (START_S + 2 * PAIRS - 1) * NS_PER_SECOND);
	assert_int_equal(s->epoch, (START_S + 2 * PAIRS - 1) / 300);
	/* The empty one before the first tick is one of them. */
	assert_int_equal(s->epochs, 2 * PAIRS / 300 + 1);
	assert_true(s->store.tracked >= DOMAINS / 2);
	uint64_t frames = 0;
	for (unsigned i = 0; i < WORKERS; i++)
		frames += s->worker[i].frames;
	assert_int_equal(frames, 2 * PAIRS);
	*account = s->account;
	snapshot_put(s);
	assert_true(epochs > 0 && epochs <= 2 * PAIRS / 300 + 1);
	store_each(house.store, digest_add, &sum);
	for (unsigned i = 0; i < WORKERS; i++)
		rte_ring_free(f.feed[i]);
	house_demolish(&house);
	return sum;
}

static void a_replay_counts_each_frame_once_on_any_number_of_threads(void **state)
{
	struct account first, other;
	uint64_t sum = replay(4, &first);

	(void)state;
	for (unsigned threads = 1; threads <= 2; threads++) {
		assert_true(replay(threads, &other) == sum);
		assert_memory_equal(&first, &other, sizeof(first));
	}
}

/* Live workers over queues that were filled before: epochs of 2 ms, so that shards travel. */
static void live(bool stopped)
{
	enum { LIVE = 2, LIVE_PAIRS = 1500 };
	static struct worker_set set[LIVE];
	static _Atomic bool stop;
	struct rte_ring *queue[LIVE];
	struct rte_eth_conf conf = {0};
	pthread_t thread[LIVE];

	for (unsigned i = 0; i < LIVE; i++) {
		queue[i] = rte_ring_create(i ? "queue_1" : "queue_0", 8192, SOCKET_ID_ANY,
			RING_F_SP_ENQ | RING_F_SC_DEQ);
		assert_non_null(queue[i]);
	}
	for (unsigned n = 0; n < 2 * LIVE_PAIRS; n++)
		assert_int_equal(rte_ring_sp_enqueue(queue[n / 2 % LIVE], mbuf_make(n)), 0);
	int port = rte_eth_from_rings(stopped ? "drained" : "polled", queue, LIVE, queue, LIVE, 0);
	assert_true(port >= 0);
	assert_int_equal(rte_eth_dev_configure((uint16_t)port, LIVE, 0, &conf), 0);
	for (uint16_t q = 0; q < LIVE; q++)
		assert_int_equal(rte_eth_rx_queue_setup((uint16_t)port, q, 64, 0, NULL, pool), 0);
	assert_int_equal(rte_eth_dev_start((uint16_t)port), 0);

	house_build(&house, LIVE, true, 2000000);
	clock_init(&house.clock);
	uint64_t epoch = clock_at(&house.clock, rte_rdtsc()) / house.control.config.epoch_ns;
	house.control.closed = epoch - 1;
	atomic_store(&stop, stopped);
	for (unsigned i = 0; i < LIVE; i++) {
		struct worker *w = &house.worker[i];
		w->source = (struct source){.ports = 1,
			.port = {(uint16_t)port},
			.queues = {LIVE},
			.queue = (uint16_t)i,
			.stride = LIVE};
		w->epoch = epoch;
		atomic_store_explicit(&w->reached, epoch, memory_order_release);
		set[i] = (struct worker_set){.worker = {w}, .workers = 1, .stop = &stop};
		assert_int_equal(pthread_create(&thread[i], NULL, worker_run, &set[i]), 0);
	}
	while (!stopped && house.control.epochs < 60) {
		clock_update(&house.clock);
		control_step(&house.control, clock_at(&house.clock, rte_rdtsc()));
	}
	atomic_store(&stop, true);
	while (!control_ended(&house.control)) {
		control_step(&house.control, clock_at(&house.clock, rte_rdtsc()));
		sched_yield();
	}
	for (unsigned i = 0; i < LIVE; i++)
		pthread_join(thread[i], NULL);
	assert_int_equal(control_publish(&house.control), 0);

	const struct snapshot *s = snapshot_get(house.board);
	totals_check(&s->account, LIVE_PAIRS);
	assert_int_equal(s->accounting_error, 0);
	for (unsigned i = 0; i < LIVE; i++)
		assert_int_equal(s->worker[i].frames, LIVE_PAIRS);
	snapshot_put(s);
	rte_eth_dev_stop((uint16_t)port);
	rte_eth_dev_close((uint16_t)port);
	for (unsigned i = 0; i < LIVE; i++) {
		assert_int_equal(rte_ring_count(queue[i]), 0);
		rte_ring_free(queue[i]);
	}
	house_demolish(&house);
}

static void live_workers_count_each_frame_once(void **state)
{
	(void)state;
	live(false);
}

/* Told to stop before they began: what is in the queues is taken all the same. */
static void workers_that_stop_drain_their_queues(void **state)
{
	(void)state;
	live(true);
}

/* However far one is ahead of control: what the others are due is there for them. */
static void no_worker_takes_the_shards_of_another(void **state)
{
	struct handover *h = &house.handover;
	struct shard *hand[WORKERS], *next;

	(void)state;
	house_build(&house, WORKERS, true, EPOCH_NS);
	for (unsigned i = 0; i < WORKERS; i++) {
		unsigned given = 0;

		hand[i] = handover_take(h, i, 0);
		assert_non_null(hand[i]);
		for (; (next = handover_take(h, i, 1)); hand[i] = next, given++) {
			hand[i]->worker = i;
			handover_give(h, i, hand[i]);
		}
		assert_int_equal(given, SHARDS_A_WORKER - 1);
		assert_int_equal(handover_held(h, i), SHARDS_A_WORKER - 1);
		assert_int_equal(rte_ring_count(h->clean), h->shards - SHARDS_A_WORKER * (i + 1));
	}
	/* One comes back, and it is for the one whose it was. */
	handover_return(h, handover_receive(h, 2));
	assert_null(handover_take(h, 1, 1));
	next = handover_take(h, 2, 1);
	assert_non_null(next);
	hand[2]->worker = next->worker = 2;
	handover_give(h, 2, hand[2]);
	hand[2] = next;
	for (unsigned i = 0; i < WORKERS; i++) {
		hand[i]->worker = i;
		handover_give(h, i, hand[i]);
		while ((next = handover_receive(h, i)))
			handover_return(h, next);
	}
	house_demolish(&house);
}

/* A worker's part played by hand: it holds a shard with n frames, gives it, and moves on. */
static void play(struct house *h, unsigned worker, uint64_t epoch, uint64_t frames)
{
	struct shard *s = handover_take(&h->handover, worker, 0);

	assert_non_null(s);
	s->worker = worker;
	s->epoch_first = s->epoch_last = epoch;
	s->account.received = s->account.rx[WIRE_NOT_IP] = frames;
	handover_give(&h->handover, worker, s);
	atomic_store(&h->worker[worker].reached, epoch + 1);
}

static void an_epoch_closes_when_all_workers_left_it(void **state)
{
	struct control *c = &house.control;

	(void)state;
	house_build(&house, 3, false, EPOCH_NS);
	play(&house, 0, 7, 10);
	assert_false(control_step(c, 0));
	play(&house, 1, 7, 20);
	play(&house, 1, 8, 200);
	assert_false(control_step(c, 0));
	assert_int_equal(c->account.received, 0);
	assert_int_equal(handover_held(&house.handover, 1), 2);
	assert_null(handover_take(&house.handover, 1, 0));
	play(&house, 2, 7, 30);
	assert_true(control_step(c, 0));
	assert_int_equal(c->closed, 7);
	assert_int_equal(c->account.received, 60);
	assert_int_equal(handover_held(&house.handover, 1), 1);
	/* Epochs nobody saw a frame in are skipped: 8 closes when all are beyond it. */
	atomic_store(&house.worker[0].reached, 20);
	atomic_store(&house.worker[2].reached, 20);
	assert_true(control_step(c, 0));
	assert_int_equal(c->closed, 8);
	assert_int_equal(c->account.received, 260);
	assert_int_equal(c->epochs, 2);
	assert_false(control_ended(c));
	for (unsigned i = 0; i < 3; i++) {
		play(&house, i, 20, 1);
		atomic_store(&house.worker[i].reached, UINT64_MAX);
	}
	assert_false(control_ended(c));
	assert_true(control_step(c, 0));
	assert_true(control_ended(c));
	assert_int_equal(c->account.received, 263);
	house_demolish(&house);
}

static void a_hung_worker_does_not_blind_the_rest(void **state)
{
	struct control *c = &house.control;

	(void)state;
	house_build(&house, 2, true, EPOCH_NS);
	for (unsigned i = 0; i < 2; i++)
		atomic_store(&house.worker[i].reached, 100);
	c->closed = 99;
	play(&house, 0, 100, 10);
	uint64_t end = 101 * EPOCH_NS;
	assert_false(control_step(c, end + CONTROL_DEADLINE_NS - 1));
	assert_true(control_step(c, end + CONTROL_DEADLINE_NS));
	assert_int_equal(c->closed, 100);
	assert_int_equal(c->account.received, 10);
	assert_int_equal(c->worker[0].late, 0);
	assert_int_equal(c->worker[1].late, 1);
	assert_int_equal(c->degraded >> DEGRADED_LATE_WORKER & 1, 1);
	assert_false(control_step(c, end + CONTROL_DEADLINE_NS + 1));
	/* What it brings later counts with the next epoch. */
	play(&house, 1, 100, 20);
	play(&house, 1, 101, 40);
	play(&house, 0, 101, 80);
	assert_true(control_step(c, end + CONTROL_DEADLINE_NS + 2));
	assert_int_equal(c->closed, 101);
	assert_int_equal(c->account.received, 150);
	assert_int_equal(c->worker[1].late, 1);
	assert_int_equal(c->degraded >> DEGRADED_LATE_WORKER & 1, 0);
	/* Two epochs late: what it brings does not turn the count of epochs back. */
	play(&house, 0, 102, 160);
	assert_true(control_step(c, end + 2 * EPOCH_NS + CONTROL_DEADLINE_NS));
	atomic_store(&house.worker[0].reached, 104);
	assert_true(control_step(c, end + 3 * EPOCH_NS + CONTROL_DEADLINE_NS));
	assert_int_equal(c->closed, 103);
	play(&house, 1, 102, 320);
	assert_true(control_step(c, end + 3 * EPOCH_NS + CONTROL_DEADLINE_NS + 1));
	assert_int_equal(c->closed, 103);
	assert_int_equal(c->account.received, 630);
	assert_int_equal(c->worker[1].late, 3);
	assert_int_equal(c->epochs, 4);
	assert_int_equal(account_error(&c->account), 0);
	house_demolish(&house);
}

/* Named at the second epoch's start, waited for no longer, and whole again when it is back. */
static void a_hung_worker_is_named_and_not_waited_for(void **state)
{
	struct control *c = &house.control;
	const struct snapshot *s;

	(void)state;
	house_build(&house, 2, true, EPOCH_NS);
	for (unsigned i = 0; i < 2; i++) {
		atomic_store(&house.worker[i].reached, 100);
		atomic_store(&house.worker[i].lcore, 5 + i);
	}
	c->closed = 99;
	play(&house, 0, 100, 10);
	assert_true(control_step(c, 101 * EPOCH_NS + CONTROL_DEADLINE_NS));
	assert_int_equal(c->worker[0].state, WORKER_RUNNING);
	assert_int_equal(c->worker[1].state, WORKER_LATE);
	play(&house, 0, 101, 20);
	assert_false(control_step(c, 102 * EPOCH_NS - 1));
	assert_int_equal(c->worker[1].state, WORKER_LATE);
	/* Two epochs without a sign: told at once, and the other's epoch closes at once. */
	assert_true(control_step(c, 102 * EPOCH_NS));
	s = snapshot_get(house.board);
	assert_int_equal(s->account.received, 30);
	assert_int_equal(s->worker[1].state, WORKER_HUNG);
	assert_int_equal(s->worker[1].lcore, 6);
	assert_int_equal(s->worker[1].behind, 2);
	assert_int_equal(s->worker[1].since, 101 * EPOCH_NS / NS_PER_SECOND);
	assert_int_equal(s->worker[0].since, 0);
	assert_int_equal(s->degraded >> DEGRADED_HUNG_WORKER & 1, 1);
	assert_int_equal(s->degraded_since[DEGRADED_HUNG_WORKER], 102 * EPOCH_NS / NS_PER_SECOND);
	snapshot_put(s);
	play(&house, 0, 102, 40);
	assert_true(control_step(c, 103 * EPOCH_NS + 1));
	assert_int_equal(c->account.received, 70);
	/* It is back: that is told before an epoch ends, what it held counts with the others'. */
	play(&house, 1, 100, 500);
	atomic_store(&house.worker[1].reached, 103);
	control_step(c, 103 * EPOCH_NS + 2);
	s = snapshot_get(house.board);
	assert_int_equal(s->worker[1].state, WORKER_RUNNING);
	assert_int_equal(s->degraded >> DEGRADED_HUNG_WORKER & 1, 0);
	assert_int_equal(s->degraded_since[DEGRADED_HUNG_WORKER], 0);
	assert_int_equal(s->account.received, 570);
	assert_int_equal(s->accounting_error, 0);
	assert_int_equal(s->worker[1].late, 3);
	snapshot_put(s);
	house_demolish(&house);
}

/* At the end the one that hangs is given up; what the other gave is merged. */
static void a_hung_worker_is_given_up_at_the_end(void **state)
{
	struct control *c = &house.control;

	(void)state;
	house_build(&house, 2, true, EPOCH_NS);
	for (unsigned i = 0; i < 2; i++)
		atomic_store(&house.worker[i].reached, 100);
	c->closed = 99;
	play(&house, 0, 100, 10);
	atomic_store(&house.worker[0].reached, UINT64_MAX);
	assert_false(control_step(c, 100 * EPOCH_NS + 1));
	assert_false(control_ended(c));
	assert_int_equal(control_abandon(c), 1);
	assert_int_equal(c->account.received, 10);
	assert_int_equal(c->worker[1].state, WORKER_HUNG);
	assert_int_equal(c->worker[0].state, WORKER_ENDED);
	house_demolish(&house);
}

/* Errors that cancel out over time, or between workers, are errors of their epochs. */
static void an_epoch_answers_for_its_own_error(void **state)
{
	struct control *c = &house.control;
	int64_t off[3] = {3, 0, -3};

	(void)state;
	house_build(&house, 1, true, EPOCH_NS);
	atomic_store(&house.worker[0].reached, 100);
	c->closed = 99;
	for (unsigned i = 0; i < 3; i++) {
		struct shard *s = handover_take(&house.handover, 0, 0);

		s->worker = 0;
		s->epoch_first = s->epoch_last = 100 + i;
		s->account.received = 10;
		s->account.rx[WIRE_NOT_IP] = (uint64_t)(10 + off[i]);
		handover_give(&house.handover, 0, s);
		atomic_store(&house.worker[0].reached, 101 + i);
		assert_true(control_step(c, (101 + i) * EPOCH_NS + 1));
	}
	const struct snapshot *s = snapshot_get(house.board);
	assert_int_equal(s->accounting_error, 0);
	assert_int_equal(s->epochs_with_error, 2);
	assert_int_equal(s->worst_epoch_error, 3);
	snapshot_put(s);
	house_demolish(&house);
}

#define READERS 3u
#define PUBLISHED 400u

static _Atomic bool reading;

/* Whatever snapshot hangs there, it is whole, and newer ones come later. */
static void *reader_run(void *arg)
{
	struct snapshot_board *b = arg;
	uint32_t before = 0;
	uintptr_t wrong = 0;

	while (atomic_load(&reading)) {
		const struct snapshot *s = snapshot_get(b);
		if (!s)
			continue;
		wrong += s->generation < before || s->epoch != s->generation * UINT64_C(3);
		wrong += s->verdicts != s->generation % 5;
		for (unsigned i = 0; i < s->verdicts; i++)
			wrong += s->verdict[i].key != s->generation + i;
		before = s->generation;
		snapshot_put(s);
	}
	return (void *)wrong;
}

static void snapshots_are_whole_for_every_reader(void **state)
{
	struct snapshot_board *b = snapshot_board_new();
	pthread_t thread[READERS];
	void *wrong;

	(void)state;
	assert_null(snapshot_get(b));
	atomic_store(&reading, true);
	for (unsigned i = 0; i < READERS; i++)
		assert_int_equal(pthread_create(&thread[i], NULL, reader_run, b), 0);
	for (unsigned g = 1; g <= PUBLISHED; g++) {
		struct snapshot *s = snapshot_new(g % 5);

		s->generation = g;
		s->epoch = g * UINT64_C(3);
		for (unsigned i = 0; i < s->verdicts; i++)
			s->verdict[i].key = g + i;
		snapshot_publish(b, s);
		if (g % 8 == 0)
			sched_yield();
	}
	atomic_store(&reading, false);
	for (unsigned i = 0; i < READERS; i++) {
		pthread_join(thread[i], &wrong);
		assert_null(wrong);
	}
	const struct snapshot *last = snapshot_get(b);
	assert_int_equal(last->generation, PUBLISHED);
	snapshot_board_free(b);
	/* The board is gone, the snapshot is still the reader's. */
	assert_int_equal(last->generation, PUBLISHED);
	snapshot_put(last);
}

static struct sensor_clock test_clock;

static uint64_t real_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_REALTIME, &ts);
	return (uint64_t)ts.tv_sec * NS_PER_SECOND + (uint64_t)ts.tv_nsec;
}

static void *clock_reader(void *arg)
{
	uintptr_t wrong = 0;

	(void)arg;
	while (atomic_load(&reading)) {
		uint64_t before = real_ns(), ours = clock_at(&test_clock, rte_rdtsc());

		/* A torn anchor would be off by far more than what scheduling adds. */
		wrong += ours + NS_PER_SECOND < before || ours > real_ns() + NS_PER_SECOND;
	}
	return (void *)wrong;
}

/* Control takes anchors as fast as it can: no reader may see half of one. */
static void anchors_are_read_whole(void **state)
{
	pthread_t thread[READERS];
	void *wrong;

	(void)state;
	clock_init(&test_clock);
	atomic_store(&reading, true);
	for (unsigned i = 0; i < READERS; i++)
		assert_int_equal(pthread_create(&thread[i], NULL, clock_reader, NULL), 0);
	for (unsigned i = 0; i < 100000; i++)
		clock_update(&test_clock);
	atomic_store(&reading, false);
	for (unsigned i = 0; i < READERS; i++) {
		pthread_join(thread[i], &wrong);
		assert_null(wrong);
	}
	assert_int_equal(test_clock.steps, 0);
}

/* A clock that was stepped follows forwards at once and never runs backwards. */
static void time_does_not_run_backwards(void **state)
{
	uint64_t hz, last, step = 10 * NS_PER_SECOND;

	(void)state;
	clock_init(&test_clock);
	hz = test_clock.hz;
	/* As if real time had been stepped back: our anchor lies ahead of it. */
	struct clock_anchor *a = &test_clock.anchor[0];
	atomic_fetch_add(&a->ns, step);
	last = clock_at(&test_clock, rte_rdtsc());
	clock_update(&test_clock);
	assert_int_equal(test_clock.steps, 1);
	uint64_t now = rte_rdtsc(), from = clock_at(&test_clock, now);
	assert_true(from >= last);
	uint64_t slow = clock_at(&test_clock, now + hz) - from;
	assert_true(slow > NS_PER_SECOND * 45 / 100 && slow < NS_PER_SECOND * 55 / 100);
	/* And stepped forwards. */
	clock_init(&test_clock);
	atomic_fetch_sub(&a->ns, step);
	clock_update(&test_clock);
	assert_int_equal(test_clock.steps, 1);
	uint64_t ours = clock_at(&test_clock, rte_rdtsc()), real = real_ns();
	assert_true(ours <= real + 1000000 && ours + NS_PER_SECOND > real);
	/* A time before the anchor's, from another core's counter, is the anchor's. */
	assert_true(clock_at(&test_clock, 0) <= ours);
	assert_true(clock_at(&test_clock, 0) + NS_PER_SECOND > ours);
}

static int eal_begin(void **state)
{
	char *args[] = {"test_handover", "--no-huge", "--no-shconf", "--no-pci", "--no-telemetry",
		"-m", "256", "-l", "0", "--log-level=error"};

	(void)state;
	if (rte_eal_init(sizeof(args) / sizeof(args[0]), args) < 0 || frame_meta_register() < 0)
		return -1;
	pool = rte_pktmbuf_pool_create("test", 2 * (3 * PAIRS + 3000) + 1, 0, 0,
		RTE_PKTMBUF_HEADROOM + FRAME_OCTETS, SOCKET_ID_ANY);
	return pool ? 0 : -1;
}

static int eal_end(void **state)
{
	(void)state;
	rte_mempool_free(pool);
	return rte_eal_cleanup();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(shards_change_owner_whole),
		cmocka_unit_test(a_replay_counts_each_frame_once_on_any_number_of_threads),
		cmocka_unit_test(live_workers_count_each_frame_once),
		cmocka_unit_test(workers_that_stop_drain_their_queues),
		cmocka_unit_test(no_worker_takes_the_shards_of_another),
		cmocka_unit_test(an_epoch_closes_when_all_workers_left_it),
		cmocka_unit_test(a_hung_worker_does_not_blind_the_rest),
		cmocka_unit_test(a_hung_worker_is_named_and_not_waited_for),
		cmocka_unit_test(a_hung_worker_is_given_up_at_the_end),
		cmocka_unit_test(an_epoch_answers_for_its_own_error),
		cmocka_unit_test(snapshots_are_whole_for_every_reader),
		cmocka_unit_test(anchors_are_read_whole),
		cmocka_unit_test(time_does_not_run_backwards),
	};
	return cmocka_run_group_tests(tests, eal_begin, eal_end);
}
