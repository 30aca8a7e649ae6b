/* SPDX-License-Identifier: BSD-3-Clause */

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <rte_cycles.h>
#include <rte_eth_ring.h>
#include <rte_ethdev.h>
#include <rte_launch.h>
#include <rte_lcore.h>

#include "appliance.h"
#include "datapath/eal.h"
#include "fluxloss/loss.h"

#define LCORES 3u
#define POOL_CACHE 256u
#define SPARE_MBUFS 4096u
#define CONTROL_PERIOD_NS 20000000
#define WARM_UP_SECONDS 2.0

struct loss {
	const struct loss_config *config;
	struct loss_result *result;
	struct appliance a;
	struct generator g;
	struct worker_set set;
	_Atomic bool stop;                 /* written by the generator, read by the worker */
	_Atomic pid_t worker;              /* its thread, once it runs */
	_Atomic bool refused;              /* the worker may not run in real time */
	_Atomic uint64_t merges, rss_most; /* written by control, the latter reset between rounds */
};

static unsigned pool_mbufs(const struct loss_config *c)
{
	return c->ring + SPARE_MBUFS;
}

static size_t octets(const struct loss *l)
{
	size_t mbuf = RTE_MBUF_DEFAULT_BUF_SIZE + sizeof(struct rte_mbuf) +
		      3 * RTE_CACHE_LINE_SIZE + 4 * sizeof(void *);

	return appliance_octets(&l->a) + frames_octets(&l->result->traffic) +
	       (size_t)pool_mbufs(l->config) * mbuf + (size_t)2 * l->config->ring * sizeof(void *);
}

/* The worker has a CPU of its own; the generator has one, too, or shares that of control. */
static int lcores_choose(char text[LOSS_LCORES_MAX], char err[ERROR_LINE_MAX])
{
	cpu_set_t set;
	unsigned cpu[LCORES], n = 0;

	CPU_ZERO(&set);
	sched_getaffinity(0, sizeof(set), &set);
	for (unsigned i = 0; i < CPU_SETSIZE && n < LCORES; i++)
		if (CPU_ISSET(i, &set))
			cpu[n++] = i;
	if (n < 2) {
		snprintf(err, ERROR_LINE_MAX, "two CPUs are needed, and one is allowed");
		return -EINVAL;
	}
	snprintf(text, LOSS_LCORES_MAX, "0@%u,1@%u,2@%u", cpu[0], cpu[1], n > 2 ? cpu[2] : cpu[0]);
	return 0;
}

static const char *control_shares(unsigned worker, unsigned generator)
{
	rte_cpuset_t own = rte_lcore_cpuset(rte_get_main_lcore()), both[2];
	rte_cpuset_t of[2] = {rte_lcore_cpuset(worker), rte_lcore_cpuset(generator)};
	static const char *const names[] = {"nobody", "worker", "generator", "both"};
	unsigned shared = 0;

	for (unsigned i = 0; i < 2; i++) {
		CPU_AND(&both[i], &own, &of[i]);
		shared |= (unsigned)(CPU_COUNT(&both[i]) > 0) << i;
	}
	return names[shared];
}

static int port_open(struct loss *l, char err[ERROR_LINE_MAX])
{
	struct generator *g = &l->g;
	struct rte_eth_conf conf = {0};
	int rc = -ENOMEM, port;

	g->pool = rte_pktmbuf_pool_create("loss", pool_mbufs(l->config), POOL_CACHE, 0,
		RTE_MBUF_DEFAULT_BUF_SIZE, SOCKET_ID_ANY);
	g->ring = rte_ring_create(
		"loss", l->config->ring, SOCKET_ID_ANY, RING_F_SP_ENQ | RING_F_SC_DEQ);
	port = g->pool && g->ring ? rte_eth_from_ring(g->ring) : -1;
	if (port >= 0) {
		g->port = (uint16_t)port;
		rc = rte_eth_dev_configure(g->port, 1, 1, &conf);
	}
	if (rc == 0)
		rc = rte_eth_rx_queue_setup(g->port, 0, 0, 0, NULL, g->pool);
	if (rc == 0)
		rc = rte_eth_tx_queue_setup(g->port, 0, 0, 0, NULL);
	if (rc == 0)
		rc = rte_eth_dev_start(g->port);
	if (rc < 0)
		snprintf(err, ERROR_LINE_MAX, "net_ring: %s", strerror(-rc));
	return rc;
}

/* A real-time task that never sleeps is stopped for a part of each second, unless the kernel is
 * told. */
static int realtime_check(char err[ERROR_LINE_MAX])
{
	FILE *f = fopen("/proc/sys/kernel/sched_rt_runtime_us", "r");
	long limit = 0;

	if (!f || fscanf(f, "%ld", &limit) != 1)
		limit = -1; /* a kernel without the limit */
	if (f)
		fclose(f);
	if (limit == -1)
		return 0;
	snprintf(err, ERROR_LINE_MAX,
		"--realtime: kernel.sched_rt_runtime_us is %ld and would stop the worker each "
		"second: sysctl -w kernel.sched_rt_runtime_us=-1",
		limit);
	return -EPERM;
}

static int worker_main(void *arg)
{
	struct loss *l = arg;
	const struct sched_param first = {.sched_priority = 1};

	if (l->config->realtime && sched_setscheduler(0, SCHED_FIFO, &first) < 0)
		atomic_store_explicit(&l->refused, true, memory_order_relaxed);
	atomic_store_explicit(&l->worker, gettid(), memory_order_release);
	return worker_lcore(&l->set);
}

/* The worker's waiting for its CPU can be read once it runs. */
static void worker_await(struct loss *l)
{
	char path[64];
	pid_t worker;

	while (!(worker = atomic_load_explicit(&l->worker, memory_order_acquire)))
		sched_yield();
	snprintf(path, sizeof(path), "/proc/self/task/%d/schedstat", worker);
	l->g.schedstat = open(path, O_RDONLY | O_CLOEXEC);
}

static int conductor_main(void *arg)
{
	struct loss *l = arg;
	struct loss_result *r = l->result;
	struct trial warm;

	worker_await(l);
	if (atomic_load_explicit(&l->refused, memory_order_relaxed)) {
		atomic_store_explicit(&l->stop, true, memory_order_release);
		return 0;
	}
	trial_run(&l->g, 0, WARM_UP_SECONDS < l->config->confirm ? WARM_UP_SECONDS : 0.2, &warm);
	generator_settle(&l->g);
	for (unsigned i = 0; i < l->config->rounds; i++) {
		if (r->find)
			find_run(l->config, &l->g, &r->find[i]);
		else
			overload_run(l->config, &l->g, &r->overload[i], &l->rss_most);
	}
	atomic_store_explicit(&l->stop, true, memory_order_release);
	if (l->g.schedstat >= 0)
		close(l->g.schedstat);
	return 0;
}

/* As `fluxgate run` does it. */
static void control_loop(struct loss *l)
{
	uint64_t updated = rte_rdtsc(), hz = rte_get_tsc_hz();

	while (!control_ended(&l->a.control)) {
		uint64_t now = rte_rdtsc();

		if (now - updated > hz) {
			clock_update(&l->a.clock);
			updated = now;
			uint64_t rss = resident_octets();
			if (rss > atomic_load_explicit(&l->rss_most, memory_order_relaxed))
				atomic_store_explicit(&l->rss_most, rss, memory_order_relaxed);
		}
		if (control_step(&l->a.control, clock_at(&l->a.clock, now)))
			atomic_fetch_add_explicit(&l->merges, 1, memory_order_relaxed);
		nanosleep(&(struct timespec){.tv_nsec = CONTROL_PERIOD_NS}, NULL);
	}
}

static void counts_take(struct loss *l)
{
	struct rte_eth_stats stats = {0};
	struct loss_result *r = l->result;

	rte_eth_stats_get(l->g.port, &stats);
	r->generated = l->g.generated;
	r->lost = l->g.lost;
	r->port_sent = stats.opackets;
	r->port_received = stats.ipackets;
	r->received = l->a.control.account.received;
	r->imbalance = account_error(&l->a.control.account) +
		       store_account_error(l->a.control.config.store);
}

static int loss_with(struct loss *l, char err[ERROR_LINE_MAX])
{
	struct worker *w = &l->a.worker[0];
	int code = appliance_build(&l->a, err);

	if (code != EXIT_CODE_OK)
		return code;
	if (frames_load(&l->g.frames, l->config->capture, &l->result->traffic, err) < 0)
		return EXIT_CODE_INPUT;
	if (port_open(l, err) < 0)
		return EXIT_CODE_PORT;
	clock_init(&l->a.clock);
	w->source.ports = 1;
	w->source.port[0] = l->g.port;
	w->source.queues[0] = 1;
	w->source.stride = 1;
	w->epoch = clock_at(&l->a.clock, rte_rdtsc()) / w->epoch_ns;
	atomic_store_explicit(&w->reached, w->epoch, memory_order_relaxed);
	l->g.taken = &w->taken[0];
	l->g.merges = &l->merges;
	l->set = (struct worker_set){.worker = {w}, .workers = 1, .stop = &l->stop};

	unsigned worker = rte_get_next_lcore(rte_get_main_lcore(), 1, 0);
	unsigned generator = rte_get_next_lcore(worker, 1, 0);
	l->result->control_shares = control_shares(worker, generator);
	rte_eal_remote_launch(worker_main, l, worker);
	rte_eal_remote_launch(conductor_main, l, generator);
	control_loop(l);
	rte_eal_mp_wait_lcore();
	counts_take(l);
	rte_eth_dev_stop(l->g.port);
	rte_eth_dev_close(l->g.port);
	frames_free(&l->g.frames);
	if (!atomic_load_explicit(&l->refused, memory_order_relaxed))
		return EXIT_CODE_OK;
	snprintf(err, ERROR_LINE_MAX, "--realtime: not permitted: run it as root");
	return EXIT_CODE_PORT;
}

static int result_make(const struct loss_config *config, struct loss_result *r)
{
	*r = (struct loss_result){0};
	if (config->mode == LOSS_FIND)
		r->find = calloc(config->rounds, sizeof(*r->find));
	else
		r->overload = calloc(config->rounds, sizeof(*r->overload));
	return r->find || r->overload ? 0 : -ENOMEM;
}

int loss_run(const struct loss_config *config, struct loss_result *r, char err[ERROR_LINE_MAX])
{
	static struct loss l;
	struct config c;

	l.config = config;
	l.result = r;
	l.g.schedstat = -1;
	config_defaults(&c);
	c.workers = 1;
	c.epoch_seconds = config->epoch_seconds;
	c.eal.huge = config->huge;
	c.http.listen[0] = '\0';
	if (result_make(config, r) < 0) {
		snprintf(err, ERROR_LINE_MAX, "memory: out of memory at start");
		return EXIT_CODE_RUNTIME;
	}
	if (config->lcores)
		snprintf(r->lcores, sizeof(r->lcores), "%s", config->lcores);
	else if (lcores_choose(r->lcores, err) < 0)
		return EXIT_CODE_PORT;
	snprintf(c.lcores, sizeof(c.lcores), "%s", r->lcores);
	if (config->realtime && realtime_check(err) < 0)
		return EXIT_CODE_PORT;
	if (traffic_scan(&r->traffic, config->capture, err) < 0)
		return EXIT_CODE_INPUT;
	int code = appliance_load(&l.a, &c, true, 1, err);
	if (code != EXIT_CODE_OK)
		return code;
	const struct eal_request eal = {.config = &c, .lcores = LCORES, .octets = octets(&l)};
	if (eal_start(&eal, err) < 0)
		return EXIT_CODE_PORT;
	if (rte_lcore_count() == LCORES) {
		code = loss_with(&l, err);
	} else {
		snprintf(err, ERROR_LINE_MAX,
			"--lcores %s: three lcores are needed: control, worker, generator",
			c.lcores);
		code = EXIT_CODE_USAGE;
	}
	eal_stop();
	appliance_free(&l.a);
	return code;
}

void loss_free(struct loss_result *r)
{
	free(r->find);
	free(r->overload);
}

static uint64_t apart(uint64_t a, uint64_t b)
{
	return a > b ? a - b : b - a;
}

uint64_t loss_error(const struct loss_result *r)
{
	return apart(r->generated, r->received + r->lost) +
	       apart(r->generated, r->port_sent + r->lost) + apart(r->port_received, r->received) +
	       r->imbalance;
}
