/* SPDX-License-Identifier: BSD-3-Clause */

/*
 * fluxgate run -c FILE: live on the configured ports until SIGTERM.
 *
 * The main lcore is control; each other lcore runs one worker, and one more the spreader
 * where there is one. On a signal the
 * workers drain their queues and give their last shards, control merges them,
 * and the program ends. A second signal ends it at once.
 */

#include <getopt.h>
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
#include "cli/options.h"
#include "cli/stop.h"
#include "datapath/eal.h"
#include "datapath/port.h"

/* Control wakes up so often to look for shards; nothing waits on it but they. */
#define CONTROL_PERIOD_NS 20000000L

/* How long workers may take to drain after a signal. */
#define DRAIN_SECONDS 4u

static void usage(FILE *to)
{
	fputs("usage: fluxgate run -c FILE [--listen ADDRESS:PORT]\n"
	      "  -c, --config FILE      configuration (else $FLUXGATE_CONFIG)\n"
	      "      --listen ADDRESS   where JSON is served; \"\" for nowhere\n"
	      "  -h, --help             this text\n",
		to);
}

static int run_config(int argc, char **argv, struct config *c, char err[ERROR_LINE_MAX])
{
	static const struct option options[] = {
		{"config", required_argument, NULL, 'c'},
		{"listen", required_argument, NULL, 'l'},
		{"help", no_argument, NULL, 'h'},
		{NULL, 0, NULL, 0},
	};
	const char *file = NULL, *listen = NULL;
	int opt;

	while ((opt = getopt_long(argc, argv, "c:h", options, NULL)) != -1) {
		switch (opt) {
		case 'c':
			file = optarg;
			break;
		case 'l':
			listen = optarg;
			break;
		case 'h':
			usage(stdout);
			exit(EXIT_CODE_OK);
		default:
			return option_refuse("run", argv);
		}
	}
	config_defaults(c);
	file = config_path(file);
	if (!file || optind < argc) {
		snprintf(err, ERROR_LINE_MAX, "run: %s: see fluxgate run --help",
			file ? "it takes no arguments" : "no configuration file: -c FILE");
		return EXIT_CODE_USAGE;
	}
	if (config_read(c, file, err) < 0 || config_environment(c, err) < 0)
		return EXIT_CODE_CONFIG;
	if (listen && config_set_text(c, "http.listen", listen, "--listen", err) < 0)
		return EXIT_CODE_CONFIG;
	if (c->ports_count == 0) {
		snprintf(err, ERROR_LINE_MAX,
			"configuration: %s: ports: none: name at least one device", file);
		return EXIT_CODE_CONFIG;
	}
	return EXIT_CODE_OK;
}

static void control_loop(struct appliance *a)
{
	uint64_t updated = rte_rdtsc(), hz = rte_get_tsc_hz(), asked = 0;

	while (!control_ended(&a->control)) {
		uint64_t now = rte_rdtsc();

		if (now - updated > hz) {
			clock_update(&a->clock);
			a->control.clock_steps = a->clock.steps;
			updated = now;
		}
		control_step(&a->control, clock_at(&a->clock, now));
		if (stop_asked()) {
			asked = asked ? asked : now;
			if (now - asked > DRAIN_SECONDS * hz) {
				/* It still polls its port: nothing can be taken down under it. */
				fputs("fluxgate: a worker did not end in time: its last epoch is "
				      "lost\n",
					stderr);
				_exit(EXIT_CODE_RUNTIME);
			}
		}
		nanosleep(&(struct timespec){.tv_nsec = CONTROL_PERIOD_NS}, NULL);
	}
}

static int run_workers(struct appliance *a, struct ports *ports)
{
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
	/* Nothing is published before the first epoch is in: not ready means not ready. */
	control_loop(a);
	rte_eal_mp_wait_lcore();
	control_publish(&a->control);
	return EXIT_CODE_OK;
}

static void summary(const struct appliance *a)
{
	const struct snapshot *s = snapshot_get(a->board);

	if (s)
		fprintf(stderr,
			"fluxgate: ended: %lu frames, %lu responses, %u domains flagged, "
			"accounting error %lu\n",
			s->account.received, account_responses(&s->account), s->verdicts,
			s->accounting_error);
	snapshot_put(s);
}

static int run_with(struct appliance *a, struct ports *ports, char err[ERROR_LINE_MAX])
{
	ports->wire = &a->wire;
	if (ports_start(ports, &a->config, a->worker, err) < 0)
		return EXIT_CODE_PORT;
	int code = EXIT_CODE_OK;
	if (rte_lcore_count() < a->workers + 1 + ports->plan.spreader) {
		snprintf(err, ERROR_LINE_MAX,
			"configuration: lcores: %u of them for control, %u workers%s: name more",
			rte_lcore_count(), a->workers,
			ports->plan.spreader ? " and a spreader" : "");
		code = EXIT_CODE_CONFIG;
	}
	if (code == EXIT_CODE_OK) {
		ports_wait(ports, &stop_requested);
		code = appliance_build(a, err);
	}
	if (code == EXIT_CODE_OK) {
		a->control.config.ports = ports_status;
		a->control.config.ports_ctx = ports;
		clock_init(&a->clock);
		code = appliance_serve(a, err);
	}
	if (code == EXIT_CODE_OK) {
		fprintf(stderr, "fluxgate: running: %u port(s), %u worker(s), epoch %u s%s%s\n",
			ports->n, a->workers, a->config.epoch_seconds, a->http ? ", http://" : "",
			a->http ? a->config.http.listen : "");
		code = run_workers(a, ports);
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
	char err[ERROR_LINE_MAX] = "";

	int code = run_config(argc, argv, &config, err);
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
		fprintf(stderr, "fluxgate: memory: %zu MiB of tables, %zu MiB of packet buffers\n",
			appliance_octets(&a) >> 20, ports_size(&ports, &config) >> 20);
		code = eal_start(&eal, err) == 0 ? EXIT_CODE_OK : EXIT_CODE_PORT;
		if (code == EXIT_CODE_OK) {
			stop_on_signals();
			code = run_with(&a, &ports, err);
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
