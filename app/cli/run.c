/* SPDX-License-Identifier: BSD-3-Clause */

/*
 * fluxgate run -c FILE: live on the configured ports until SIGTERM.
 *
 * The main lcore is control; each other lcore runs one worker, and one more the spreader
 * where there is one. On a signal the
 * workers drain their queues and give their last shards, control merges them,
 * and the program ends. A second signal ends it at once. SIGHUP reads the
 * configuration again (reload.h), SIGUSR1 opens what is appended to anew.
 */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <rte_cycles.h>
#include <rte_launch.h>
#include <rte_lcore.h>

#include "appliance.h"
#include "cli/commands.h"
#include "cli/preflight.h"
#include "cli/run_options.h"
#include "cli/stop.h"
#include "datapath/eal.h"
#include "datapath/port.h"
#include "datapath/port_xdp.h"
#include "export/telemetry.h"
#include "log.h"
#include "reload.h"
#include "service.h"

/* Control wakes up so often to look for shards; nothing waits on it but they. */
#define CONTROL_PERIOD_NS 20000000L

/* How long workers may take to drain after a signal, so that all is over within five seconds. */
#define DRAIN_SECONDS 3u

/* True when all workers have ended; false when one did not in time. */
/* No worker runs, nor the spreader. */
static bool all_ended(const struct appliance *a, const struct ports *ports)
{
	return control_ended(&a->control) &&
	       (!ports->plan.spreader ||
		       atomic_load_explicit(&ports->spreader.ended, memory_order_acquire));
}

static bool control_loop(struct appliance *a, const struct ports *ports, struct reload *reload)
{
	static struct service service;
	uint64_t updated = rte_rdtsc(), hz = rte_get_tsc_hz(), asked = 0;
	bool reload_owed = false;

	service_init(&service, &a->control, ports->plan.spreader ? &ports->spreader.turns : NULL);
	while (!all_ended(a, ports)) {
		uint64_t now = rte_rdtsc();

		if (now - updated > hz) {
			clock_update(&a->clock);
			a->control.clock_steps = a->clock.steps;
			log_settle();
			updated = now;
		}
		bool closed = control_step(&a->control, clock_at(&a->clock, now));
		if (appliance_keeps_state(a))
			state_step(&a->state, closed, a->config.state.interval_seconds);
		service_step(&service, closed, stop_asked());
		if (reopen_asked()) {
			feed_reopen(a->feed);
			access_audit_reopen(a->access);
		}
		if (stop_asked()) {
			asked = asked ? asked : now;
			if (now - asked > DRAIN_SECONDS * hz)
				return false;
		} else {
			reload_owed |= reload_asked();
			reload_owed &= !reload_step(reload, reload_owed);
		}
		nanosleep(&(struct timespec){.tv_nsec = CONTROL_PERIOD_NS}, NULL);
	}
	return true;
}

/* What ports lost, and what they were offered and nobody can tell of. */
static void summary_ports(const struct snapshot *s)
{
	uint64_t lost = 0, unknown = 0;

	for (unsigned i = 0; i < s->ports; i++) {
		const struct port_status *p = &s->port[i];

		lost += p->missed + p->no_mbuf + p->spreader_dropped;
		unknown += p->unknown == PORT_UNKNOWN ? 0 : p->unknown;
	}
	if (lost || unknown)
		log_line(LOG_LEVEL_NOTICE,
			"of the ports: %lu frames lost, %lu offered and unaccounted for", lost,
			unknown);
}

static void summary(const struct appliance *a)
{
	const struct snapshot *s = snapshot_get(a->board);

	if (s) {
		log_line(LOG_LEVEL_NOTICE,
			"ended: %lu frames, %lu responses, %u domains flagged, accounting error "
			"%lu",
			s->account.received, account_responses(&s->account), s->verdicts,
			s->accounting_error);
		summary_ports(s);
	}
	snapshot_put(s);
}

/*
 * A worker or the spreader did not end: it may touch its port and its memory at any time, so
 * nothing can be taken down under it. What the others gave is merged and told.
 */
static _Noreturn void leave_hung(struct appliance *a)
{
	unsigned hung = control_abandon(&a->control);

	if (hung == 0)
		log_line(LOG_LEVEL_ERROR,
			"the spreader did not end within %u s: frames that it held are lost",
			DRAIN_SECONDS);
	for (unsigned i = 0; i < a->workers; i++)
		if (a->control.worker[i].state == WORKER_HUNG)
			log_line(LOG_LEVEL_ERROR,
				"worker %u on lcore %u did not end within %u s: its last epoch is "
				"lost",
				i, atomic_load_explicit(&a->worker[i].lcore, memory_order_relaxed),
				DRAIN_SECONDS);
	if (appliance_keeps_state(a))
		state_stop(&a->state);
	control_publish(&a->control);
	summary(a);
	feed_stop(a->feed);
	http_stop(a->http);
	_exit(EXIT_CODE_HUNG);
}

static int run_workers(struct appliance *a, struct ports *ports, struct run_options *options)
{
	static struct reload reload;
	static struct worker_set sets[WORKERS_MAX];
	unsigned lcore = rte_get_main_lcore();
	uint64_t epoch = clock_at(&a->clock, rte_rdtsc()) / a->control.config.epoch_ns;

	a->control.closed = epoch - 1;
	for (unsigned i = 0; i < a->workers; i++) {
		struct worker *w = &a->worker[i];

		lcore = rte_get_next_lcore(lcore, 1, 1);
		ports_source(ports, i, &w->source);
		w->epoch = epoch;
		atomic_store_explicit(&w->reached, epoch, memory_order_release);
		sets[i] = (struct worker_set){.worker = {w}, .workers = 1, .stop = &stop_requested};
		rte_eal_remote_launch(worker_lcore, &sets[i], lcore);
	}
	if (ports->plan.spreader) {
		ports->spreader.stop = &stop_requested;
		rte_eal_remote_launch(
			spreader_lcore, &ports->spreader, rte_get_next_lcore(lcore, 1, 1));
	}
	reload_init(&reload, a, run_options_read, options);
	/* Nothing is published before the first epoch is in: not ready means not ready. */
	if (!control_loop(a, ports, &reload))
		leave_hung(a);
	reload_end(&reload);
	rte_eal_mp_wait_lcore();
	if (appliance_keeps_state(a))
		state_stop(&a->state);
	control_publish(&a->control);
	return EXIT_CODE_OK;
}

static int run_with(struct appliance *a, struct ports *ports, struct run_options *options,
	char err[ERROR_LINE_MAX])
{
	char url[CONFIG_URL_MAX];

	/* Before anything that takes its time: a taken address is better known now. */
	int code = appliance_export(a, err);
	if (code == EXIT_CODE_OK)
		code = appliance_serve(a, err);
	/* Ports last: from their start on frames wait, and few fit their rings. */
	if (code == EXIT_CODE_OK)
		code = appliance_build(a, err);
	if (code != EXIT_CODE_OK)
		return code;
	ports->wire = &a->wire;
	if (ports_start(ports, &a->config, a->worker, err) < 0)
		return EXIT_CODE_PORT;
	if (rte_lcore_count() < a->workers + 1 + ports->plan.spreader) {
		snprintf(err, ERROR_LINE_MAX,
			"configuration: lcores: %u of them for control, %u workers%s: name more",
			rte_lcore_count(), a->workers,
			ports->plan.spreader ? " and a spreader" : "");
		code = EXIT_CODE_CONFIG;
	}
	if (code == EXIT_CODE_OK) {
		ports_wait(ports, &stop_requested);
		a->control.config.ports = ports_status;
		a->control.config.ports_ctx = ports;
		clock_init(&a->clock);
		config_http_url(&a->config.http, url);
		log_line(LOG_LEVEL_NOTICE, "running: %u port(s), %u worker(s), epoch %u s%s%s",
			ports->n, a->workers, a->config.epoch_seconds, a->http ? ", " : "",
			a->http ? url : "");
		code = run_workers(a, ports, options);
		summary(a);
	}
	ports_stop(ports);
	return code;
}

int run_main(int argc, char **argv)
{
	static struct appliance a;
	static struct config config;
	static struct ports ports;
	static struct run_options options;
	char err[ERROR_LINE_MAX] = "";

	int code = run_options_parse(argc, argv, &options, err);
	reload_on_signal();
	reopen_on_signal();
	outlive_readers();
	if (code == EXIT_CODE_OK)
		code = run_options_read(&options, &config, err);
	log_level_set((enum log_level)config.log.level);
	if (code == EXIT_CODE_OK)
		code = preflight(&config, err);
	if (code == EXIT_CODE_OK)
		code = appliance_load(&a, &config, true, config.workers, err);
	if (code == EXIT_CODE_OK && ports_load(&ports, &config, err) < 0)
		code = EXIT_CODE_CONFIG;
	if (code == EXIT_CODE_OK) {
		const struct eal_request eal = {
			.config = &config,
			.lcores = config.workers + 1 + plan_spreader_possible(&config),
			.octets = appliance_octets(&a) + ports_size(&ports, &config),
		};
		log_line(LOG_LEVEL_NOTICE, "memory: %zu MiB of tables, %zu MiB of packet buffers",
			appliance_octets(&a) >> 20, ports_size(&ports, &config) >> 20);
		code = port_xdp_prepare(&config, err) == 0 && eal_start(&eal, err) == 0
			       ? EXIT_CODE_OK
			       : EXIT_CODE_PORT;
		if (code == EXIT_CODE_OK) {
			stop_on_signals();
			if (config.eal.telemetry && telemetry_start(a.board, &a.about) < 0)
				log_line(LOG_LEVEL_WARNING,
					"telemetry: DPDK takes no commands of ours: it goes "
					"without");
			code = run_with(&a, &ports, &options, err);
			telemetry_stop();
			http_stop(a.http);
			a.http = NULL;
			eal_stop();
		}
	}
	if (err[0])
		fprintf(stderr, "fluxgate: %s\n", err);
	appliance_free(&a);
	return code;
}
