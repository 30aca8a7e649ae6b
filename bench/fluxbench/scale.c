/* SPDX-License-Identifier: BSD-3-Clause */

#include <math.h>
#include <sched.h>
#include <stdio.h>
#include <time.h>

#include <rte_cycles.h>
#include <rte_launch.h>
#include <rte_lcore.h>
#include <rte_pause.h>

#include "appliance.h"
#include "datapath/eal.h"
#include "fluxbench/mem_port.h"
#include "fluxbench/scale.h"

#define WARM_SECONDS 2u
#define IDLE_NS 20000000 /* between the turns of a worker that is not measured */

/* One worker's part of a round. */
struct turn {
	uint64_t packets;
	double mpps;
	double on_cpu;
};

struct scale {
	const struct bench_config *config;
	struct scale_result *result;
	struct appliance a;
	struct bench_port port[SCALE_WORKERS];
	uint64_t packets[SCALE_WORKERS]; /* each its worker's */
	struct turn second;              /* worker 1's, until `joined` is taken back */
	_Atomic bool joined;  /* worker 0 asks worker 1 in; who has ended its turn leaves */
	_Atomic bool ready;   /* worker 1 is there ... */
	_Atomic uint64_t end; /* ... and runs until that TSC, once it is not 0 */
	_Atomic bool over;
	_Atomic unsigned ended;
};

static double seconds_of(clockid_t clock)
{
	struct timespec t;

	clock_gettime(clock, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

/* The production loop until `end`. */
static struct turn turn_run(struct scale *s, unsigned i, uint64_t end)
{
	double cpu = seconds_of(CLOCK_THREAD_CPUTIME_ID), wall = seconds_of(CLOCK_MONOTONIC);
	struct worker *w = &s->a.worker[i];
	struct turn t = {0};

	while (rte_rdtsc() < end)
		t.packets += worker_poll(w);
	wall = seconds_of(CLOCK_MONOTONIC) - wall;
	t.mpps = (double)t.packets / wall / 1e6;
	t.on_cpu = (seconds_of(CLOCK_THREAD_CPUTIME_ID) - cpu) / wall;
	s->packets[i] += t.packets;
	return t;
}

/* Worker 1, while worker 0 runs alone: it must tick, or control would hold it for hung. */
static void idle(struct scale *s)
{
	s->packets[1] += worker_poll(&s->a.worker[1]);
	nanosleep(&(struct timespec){.tv_nsec = IDLE_NS}, NULL);
}

static int second_lcore(void *arg)
{
	struct scale *s = arg;
	uint64_t end;

	worker_begin(&s->a.worker[1]);
	while (!atomic_load(&s->over)) {
		if (!atomic_load(&s->joined)) {
			idle(s);
			continue;
		}
		atomic_store(&s->ready, true);
		while ((end = atomic_load(&s->end)) == 0)
			rte_pause();
		s->second = turn_run(s, 1, end);
		atomic_store(&s->ready, false);
		atomic_store(&s->joined, false);
	}
	worker_end(&s->a.worker[1]);
	atomic_fetch_add(&s->ended, 1);
	return 0;
}

/* A round of one or of two workers. Millions of packets a second of all; *on_cpu the least. */
static double round_run(struct scale *s, unsigned workers, double seconds, double *on_cpu)
{
	uint64_t cycles = (uint64_t)(seconds * (double)rte_get_tsc_hz());

	atomic_store(&s->end, 0);
	if (workers == 2) {
		atomic_store(&s->joined, true);
		while (!atomic_load(&s->ready))
			rte_pause();
	}
	uint64_t end = rte_rdtsc() + cycles;
	atomic_store(&s->end, end);
	struct turn first = turn_run(s, 0, end);
	*on_cpu = first.on_cpu;
	if (workers == 1)
		return first.mpps;
	while (atomic_load(&s->joined))
		rte_pause();
	*on_cpu = fmin(*on_cpu, s->second.on_cpu);
	return first.mpps + s->second.mpps;
}

/* Kept or not as any round; NAN when not. */
static double measure(struct scale *s, unsigned workers)
{
	struct rounds *r = &s->result->workers[workers - 1];
	double before = core_ratio(), on_cpu;
	unsigned kept = r->kept;
	double mpps = round_run(s, workers, s->config->epoch_seconds, &on_cpu);

	rounds_add(r, workers * (double)rte_get_tsc_hz() / 1e6 / mpps, mpps, before, core_ratio());
	if (workers == 2)
		s->result->on_cpu = fmin(s->result->on_cpu, on_cpu);
	return r->kept > kept ? mpps : (double)NAN;
}

static int first_lcore(void *arg)
{
	struct scale *s = arg;
	double on_cpu;

	worker_begin(&s->a.worker[0]);
	/* Tables and pools reach their working size. */
	round_run(s, 2, WARM_SECONDS, &on_cpu);
	for (unsigned i = 0; i < s->config->rounds; i++) {
		double one = measure(s, 1), two = measure(s, 2);
		/* Of a pair; one that was dropped drops it. */
		rounds_add(&s->result->ratio, two / one, two / one, 1, 1);
	}
	atomic_store(&s->over, true);
	worker_end(&s->a.worker[0]);
	atomic_fetch_add(&s->ended, 1);
	return 0;
}

/* Time of all CPUs since start, and what the host took of it; in ticks. */
static void cpu_ticks(double *all, double *steal)
{
	unsigned long long v[8] = {0};
	FILE *f = fopen("/proc/stat", "re");

	*all = *steal = 0;
	if (!f)
		return;
	if (fscanf(f, "cpu %llu %llu %llu %llu %llu %llu %llu %llu", &v[0], &v[1], &v[2], &v[3],
		    &v[4], &v[5], &v[6], &v[7]) == 8) {
		for (unsigned i = 0; i < 8; i++)
			*all += (double)v[i];
		*steal = (double)v[7];
	}
	fclose(f);
}

static void source_set(struct scale *s, unsigned i)
{
	struct worker *w = &s->a.worker[i];

	w->source.ports = 1;
	w->source.port[0] = s->port[i].number;
	w->source.queues[0] = 1;
	w->source.stride = 1;
	w->epoch = clock_at(&s->a.clock, rte_rdtsc()) / w->epoch_ns;
	atomic_store_explicit(&w->reached, w->epoch, memory_order_relaxed);
}

static void control_run(struct scale *s)
{
	unsigned first = rte_get_next_lcore(rte_get_main_lcore(), 1, 1);
	double all[2], steal[2];

	cpu_ticks(&all[0], &steal[0]);
	rte_eal_remote_launch(first_lcore, s, first);
	rte_eal_remote_launch(second_lcore, s, rte_get_next_lcore(first, 1, 1));
	while (atomic_load(&s->ended) < SCALE_WORKERS || !control_ended(&s->a.control)) {
		control_step(&s->a.control, clock_at(&s->a.clock, rte_rdtsc()));
		nanosleep(&(struct timespec){.tv_nsec = 5000000}, NULL);
	}
	rte_eal_mp_wait_lcore();
	cpu_ticks(&all[1], &steal[1]);
	if (all[1] > all[0])
		s->result->steal = (steal[1] - steal[0]) / (all[1] - all[0]);
}

static int scale_with(struct scale *s, char err[ERROR_LINE_MAX])
{
	struct scale_result *r = s->result;
	int code = appliance_build(&s->a, err);

	if (code != EXIT_CODE_OK)
		return code;
	for (unsigned i = 0; i < SCALE_WORKERS; i++) {
		if (bench_port_open(&s->port[i], err) < 0)
			return EXIT_CODE_PORT;
		mem_port_from(s->port[i].mem, i * r->traffic.frames / SCALE_WORKERS);
	}
	clock_init(&s->a.clock);
	for (unsigned i = 0; i < SCALE_WORKERS; i++)
		source_set(s, i);
	control_run(s);
	for (unsigned i = 0; i < SCALE_WORKERS; i++) {
		uint64_t generated, lost;

		bench_port_counts(&s->port[i], &generated, &lost);
		r->generated += generated;
		r->lost += lost;
		r->packets += s->packets[i];
		bench_port_close(&s->port[i]);
	}
	r->counted = s->a.control.account.received;
	r->imbalance = account_error(&s->a.control.account) +
		       store_account_error(s->a.control.config.store);
	return EXIT_CODE_OK;
}

/* A CPU for each worker; where there is no third, control runs on the first one's. */
static int lcores_place(struct scale_result *r, struct config *c, char err[ERROR_LINE_MAX])
{
	unsigned cpu[SCALE_WORKERS + 1];
	cpu_set_t set;

	sched_getaffinity(0, sizeof(set), &set);
	for (unsigned i = 0; i < CPU_SETSIZE; i++) {
		if (!CPU_ISSET(i, &set))
			continue;
		if (r->cpus <= SCALE_WORKERS)
			cpu[r->cpus] = i;
		r->cpus++;
	}
	if (r->cpus < SCALE_WORKERS) {
		snprintf(err, ERROR_LINE_MAX, "--workers 2: two CPUs are needed, %u may be used",
			r->cpus);
		return -1;
	}
	r->control_shares = r->cpus == SCALE_WORKERS;
	snprintf(c->lcores, sizeof(c->lcores), "0@%u,1@%u,2@%u", cpu[r->control_shares ? 0 : 2],
		cpu[0], cpu[1]);
	return 0;
}

int scale_run(const struct bench_config *config, struct scale_result *r, char err[ERROR_LINE_MAX])
{
	static struct scale s;
	struct config c;
	size_t octets = 0;

	s.config = config;
	s.result = r;
	*r = (struct scale_result){.on_cpu = 1};
	config_defaults(&c);
	c.workers = SCALE_WORKERS;
	c.epoch_seconds = config->epoch_seconds;
	c.eal.huge = config->huge;
	c.http.listen[0] = '\0';
	c.ports_count = SCALE_WORKERS;
	if (lcores_place(r, &c, err) < 0)
		return EXIT_CODE_RUNTIME;
	for (unsigned i = 0; i < SCALE_WORKERS; i++) {
		s.port[i] = (struct bench_port){
			.kind = config->port, .capture = config->capture, .index = i};
		if (bench_port_plan(&s.port[i], &c.ports[i], err) < 0)
			return EXIT_CODE_INPUT;
		octets += bench_port_octets(&s.port[i]);
		r->memory += mem_port_octets(&s.port[i].traffic);
	}
	r->traffic = s.port[0].traffic;
	int code = appliance_load(&s.a, &c, true, SCALE_WORKERS, err);
	if (code != EXIT_CODE_OK)
		return code;
	const struct eal_request eal = {.config = &c,
		.lcores = SCALE_WORKERS + 1,
		.octets = appliance_octets(&s.a) + octets};
	if (eal_start(&eal, err) < 0)
		return EXIT_CODE_PORT;
	code = scale_with(&s, err);
	eal_stop();
	appliance_free(&s.a);
	return code;
}
