/* SPDX-License-Identifier: BSD-3-Clause */

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include <rte_cycles.h>
#include <rte_ethdev.h>
#include <rte_launch.h>
#include <rte_lcore.h>
#include <rte_malloc.h>
#include <rte_mbuf.h>

#include "appliance.h"
#include "datapath/eal.h"
#include "fluxbench/mem_port.h"
#include "fluxbench/stages.h"

struct bench {
	const struct bench_config *config;
	struct bench_result *result;
	struct appliance a;
	struct sensor *probe; /* runs B and C; its counts are nobody's */
	struct bench_port port;
	_Atomic bool done;
};

const char *bench_stage_name(unsigned stage)
{
	static const char *const names[BENCH_STAGES] = {
		"A rx+free", "B +decode", "C +parse", "D everything"};
	return names[stage];
}

double bench_cost(const struct bench_result *r)
{
	const struct rounds *a = &r->stage[0], *d = &r->stage[BENCH_STAGES - 1];

	return rounds_spread(d->cycles, d->kept).median - rounds_spread(a->cycles, a->kept).median;
}

bool bench_measured(const struct bench_result *r)
{
	bool all = true;

	for (unsigned i = 0; i < BENCH_STAGES; i++)
		all &= r->stage[i].kept > 0;
	return all;
}

static uint64_t apart(uint64_t a, uint64_t b)
{
	return a > b ? a - b : b - a;
}

uint64_t bench_error(const struct bench_result *r)
{
	return apart(r->generated, r->lost + r->partial + r->packets) +
	       apart(r->packets, r->counted) + r->imbalance;
}

/* A round that stops behind rx, decode or parse; frames are fetched a burst ahead, as in D. */
static uint64_t round_partial(struct bench *b, unsigned stage, uint64_t cycles)
{
	struct rte_mbuf *mbufs[2][SENSOR_BURST];
	struct frame frames[SENSOR_BURST];
	unsigned taken[2] = {0, 0}, at = 0;
	uint64_t packets = 0, now, end = rte_rdtsc() + cycles;

	do {
		now = rte_rdtsc();
		taken[at] = now < end ? rte_eth_rx_burst(b->port.number, 0, mbufs[at], SENSOR_BURST)
				      : 0;
		packets += taken[at];
		if (stage > 0)
			worker_fetch(mbufs[at], taken[at]);
		at ^= 1;
		if (stage > 0 && taken[at] > 0) {
			worker_frames(mbufs[at], taken[at], clock_at(&b->a.clock, now), frames);
			sensor_burst_until(b->probe, frames, taken[at],
				stage == 1 ? SENSOR_DECODE : SENSOR_PARSE);
		}
		rte_pktmbuf_free_bulk(mbufs[at], taken[at]);
		taken[at] = 0;
	} while (now < end || taken[at ^ 1]);
	b->result->partial += packets;
	return packets;
}

/* A round of the production loop itself. */
static uint64_t round_whole(struct bench *b, uint64_t cycles)
{
	struct worker *w = &b->a.worker[0];
	uint64_t packets = 0, end = rte_rdtsc() + cycles;

	while (rte_rdtsc() < end)
		packets += worker_poll(w);
	b->result->packets += packets;
	return packets;
}

static void measure(struct bench *b, unsigned stage)
{
	double seconds = stage + 1 < BENCH_STAGES ? b->config->seconds : b->config->epoch_seconds;
	uint64_t cycles = (uint64_t)(seconds * (double)rte_get_tsc_hz());

	/* A sign of life for control, which A to C give none. */
	b->result->packets += worker_poll(&b->a.worker[0]);
	double before = core_ratio();
	uint64_t start = rte_rdtsc();
	uint64_t packets =
		stage + 1 < BENCH_STAGES ? round_partial(b, stage, cycles) : round_whole(b, cycles);
	double spent = (double)(rte_rdtsc() - start);

	rounds_add(&b->result->stage[stage], spent / (double)packets,
		(double)packets * ((double)rte_get_tsc_hz() / 1e6) / spent, before, core_ratio());
}

static int bench_lcore(void *arg)
{
	struct bench *b = arg;
	struct worker *w = &b->a.worker[0];

	worker_begin(w);
	/* Tables and pools reach their working size. */
	round_whole(b, rte_get_tsc_hz() * (b->config->epoch_seconds < 2 ? 1 : 2));
	for (unsigned r = 0; r < b->config->rounds; r++)
		for (unsigned s = 0; s < BENCH_STAGES; s++)
			measure(b, s);
	worker_end(w);
	atomic_store_explicit(&b->done, true, memory_order_release);
	return 0;
}

/* B and C run against tables of the same size as D's, which must not see their counts. */
static int probe_make(struct bench *b)
{
	const struct config *c = &b->a.config;
	struct hash_key key = {1, 2};
	struct sensor_config s = {.wire = &b->a.wire,
		.placement = key,
		.sketch = key,
		.psl = suffix_list_psl(b->a.suffixes),
		.match_log2 = c->pairing.entries_log2,
		.reasm = c->reasm};

	void *sensor = rte_malloc("probe", sensor_size(&s), 64);
	void *shard = rte_malloc("probe", shard_size(&c->shard), 64);
	if (!sensor || !shard)
		return -ENOMEM;
	b->probe = sensor_init(sensor, &s);
	sensor_shard(b->probe, shard_init(shard, &c->shard, key, key));
	return 0;
}

static void control_loop(struct bench *b)
{
	while (!atomic_load_explicit(&b->done, memory_order_acquire) ||
		!control_ended(&b->a.control)) {
		uint64_t offered = store_account(b->a.control.config.store)->offered;
		if (control_step(&b->a.control, clock_at(&b->a.clock, rte_rdtsc())))
			b->result->domains =
				store_account(b->a.control.config.store)->offered - offered;
		nanosleep(&(struct timespec){.tv_nsec = 5000000}, NULL);
	}
}

static int bench_with(struct bench *b, char err[ERROR_LINE_MAX])
{
	struct worker *w = &b->a.worker[0];
	int code = appliance_build(&b->a, err);

	if (code != EXIT_CODE_OK)
		return code;
	if (bench_port_open(&b->port, err) < 0)
		return EXIT_CODE_PORT;
	if (probe_make(b) < 0) {
		snprintf(err, ERROR_LINE_MAX, "memory: no memory for the probe's tables");
		return EXIT_CODE_RUNTIME;
	}
	clock_init(&b->a.clock);
	w->source.ports = 1;
	w->source.port[0] = b->port.number;
	w->source.queues[0] = 1;
	w->source.stride = 1;
	w->epoch = clock_at(&b->a.clock, rte_rdtsc()) / w->epoch_ns;
	atomic_store_explicit(&w->reached, w->epoch, memory_order_relaxed);
	rte_eal_remote_launch(bench_lcore, b, rte_get_next_lcore(rte_get_main_lcore(), 1, 1));
	control_loop(b);
	rte_eal_mp_wait_lcore();
	bench_port_counts(&b->port, &b->result->generated, &b->result->lost);
	b->result->counted = b->a.control.account.received;
	b->result->imbalance = account_error(&b->a.control.account) +
			       store_account_error(b->a.control.config.store);
	bench_port_close(&b->port);
	return EXIT_CODE_OK;
}

int bench_run(const struct bench_config *config, struct bench_result *r, char err[ERROR_LINE_MAX])
{
	static struct bench b;
	struct config c;

	b.config = config;
	b.result = r;
	b.port = (struct bench_port){.kind = config->port, .capture = config->capture};
	config_defaults(&c);
	c.workers = 1;
	c.epoch_seconds = config->epoch_seconds;
	c.eal.huge = config->huge;
	c.http.listen[0] = '\0';
	c.ports_count = 1;
	if (bench_port_plan(&b.port, &c.ports[0], err) < 0)
		return EXIT_CODE_INPUT;
	r->traffic = b.port.traffic;
	r->memory = config->port == BENCH_PORT_MEM ? mem_port_octets(&r->traffic) : 0;
	int code = appliance_load(&b.a, &c, true, 1, err);
	if (code != EXIT_CODE_OK)
		return code;
	const struct eal_request eal = {
		.config = &c,
		.lcores = 2,
		.octets =
			appliance_octets(&b.a) + shard_size(&c.shard) + bench_port_octets(&b.port),
	};
	if (eal_start(&eal, err) < 0)
		return EXIT_CODE_PORT;
	code = bench_with(&b, err);
	eal_stop();
	appliance_free(&b.a);
	return code;
}
