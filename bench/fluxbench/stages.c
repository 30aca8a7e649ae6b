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
#include "capture/capture.h"
#include "datapath/eal.h"
#include "fluxbench/stages.h"

/* net_pcap keeps the whole capture in mbufs and copies each packet out of it. */
#define DATA_ROOM (RTE_PKTMBUF_HEADROOM + 512u)
#define SPARE_MBUFS 4096u

struct bench {
	const struct bench_config *config;
	struct bench_result *result;
	struct appliance a;
	struct sensor *probe; /* runs B and C; its counts are nobody's */
	uint16_t port;
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

/* A round that stops behind rx, decode or parse. Returns packets. */
static uint64_t round_partial(struct bench *b, unsigned stage, uint64_t cycles)
{
	struct rte_mbuf *mbufs[SENSOR_BURST];
	struct frame frames[SENSOR_BURST];
	uint64_t packets = 0, now, end = rte_rdtsc() + cycles;

	while ((now = rte_rdtsc()) < end) {
		unsigned n = rte_eth_rx_burst(b->port, 0, mbufs, SENSOR_BURST);
		if (stage > 0 && n > 0) {
			worker_frames(mbufs, n, clock_at(&b->a.clock, now), frames);
			sensor_burst_until(
				b->probe, frames, n, stage == 1 ? SENSOR_DECODE : SENSOR_PARSE);
		}
		rte_pktmbuf_free_bulk(mbufs, n);
		packets += n;
	}
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
	round_whole(b, rte_get_tsc_hz() * 2);
	for (unsigned r = 0; r < b->config->rounds; r++)
		for (unsigned s = 0; s < BENCH_STAGES; s++)
			measure(b, s);
	worker_end(w);
	atomic_store_explicit(&b->done, true, memory_order_release);
	return 0;
}

static int port_open(struct bench *b, char err[ERROR_LINE_MAX])
{
	struct rte_eth_conf conf = {0};
	unsigned mbufs = (unsigned)b->result->capture_packets + SPARE_MBUFS;
	int rc = rte_eth_dev_get_port_by_name("net_pcap0", &b->port);
	struct rte_mempool *pool =
		rte_pktmbuf_pool_create("bench_rx", mbufs, 256, 0, DATA_ROOM, SOCKET_ID_ANY);

	if (rc == 0)
		rc = pool ? rte_eth_dev_configure(b->port, 1, 1, &conf) : -ENOMEM;
	if (rc == 0)
		rc = rte_eth_rx_queue_setup(b->port, 0, 1024, 0, NULL, pool);
	if (rc == 0)
		rc = rte_eth_tx_queue_setup(b->port, 0, 64, 0, NULL);
	if (rc == 0)
		rc = rte_eth_dev_start(b->port);
	if (rc < 0)
		snprintf(
			err, ERROR_LINE_MAX, "net_pcap: %s: %s", b->config->capture, strerror(-rc));
	return rc;
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
	if (port_open(b, err) < 0)
		return EXIT_CODE_PORT;
	if (probe_make(b) < 0) {
		snprintf(err, ERROR_LINE_MAX, "memory: no memory for the probe's tables");
		return EXIT_CODE_RUNTIME;
	}
	clock_init(&b->a.clock);
	w->source.ports = 1;
	w->source.port[0] = b->port;
	w->source.queues[0] = 1;
	w->source.stride = 1;
	w->epoch = clock_at(&b->a.clock, rte_rdtsc()) / w->epoch_ns;
	rte_eal_remote_launch(bench_lcore, b, rte_get_next_lcore(rte_get_main_lcore(), 1, 1));
	control_loop(b);
	rte_eal_mp_wait_lcore();
	b->result->accounting_error = account_error(&b->a.control.account) +
				      store_account_error(b->a.control.config.store);
	rte_eth_dev_stop(b->port);
	rte_eth_dev_close(b->port);
	return EXIT_CODE_OK;
}

static int capture_count(const char *path, uint64_t *packets, char err[ERROR_LINE_MAX])
{
	struct captures *c = NULL;
	struct capture_packet p;

	if (captures_open(&c, &path, 1, err, ERROR_LINE_MAX) < 0)
		return EXIT_CODE_INPUT;
	while (captures_next(c, &p) > 0)
		;
	*packets = captures_facts(c)->packets;
	captures_close(c);
	return EXIT_CODE_OK;
}

int bench_run(const struct bench_config *config, struct bench_result *r, char err[ERROR_LINE_MAX])
{
	static struct bench b;
	struct config c;

	b.config = config;
	b.result = r;
	r->huge = config->huge;
	int code = capture_count(config->capture, &r->capture_packets, err);
	if (code != EXIT_CODE_OK)
		return code;
	config_defaults(&c);
	c.workers = 1;
	c.epoch_seconds = config->epoch_seconds;
	c.eal.huge = config->huge;
	c.http.listen[0] = '\0';
	c.ports_count = 1;
	snprintf(c.ports[0].device, sizeof(c.ports[0].device), "net_pcap0,rx_pcap=%s,infinite_rx=1",
		config->capture);
	code = appliance_load(&b.a, &c, true, 1, err);
	if (code != EXIT_CODE_OK)
		return code;
	const struct eal_request eal = {
		.config = &c,
		.lcores = 2,
		.octets = appliance_octets(&b.a) + shard_size(&c.shard) +
			  (r->capture_packets + SPARE_MBUFS) * (DATA_ROOM + 256u),
	};
	if (eal_start(&eal, err) < 0)
		return EXIT_CODE_PORT;
	code = bench_with(&b, err);
	eal_stop();
	appliance_free(&b.a);
	return code;
}
