/* SPDX-License-Identifier: BSD-3-Clause */

/*
 * fluxgate replay: captures through the workers and the control of a live
 * sensor. Packet time is the clock; four fixed partitions; N lcores run them.
 */

#include <errno.h>
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
#include "capture/capture.h"
#include "capture/feeder.h"
#include "cli/commands.h"
#include "cli/explain.h"
#include "cli/options.h"
#include "cli/stop.h"
#include "cli/table.h"
#include "datapath/eal.h"
#include "datapath/meta.h"

#define NS_PER_SECOND 1000000000.0

struct replay_options {
	unsigned workers;
	bool json;
	const char *config;
	const char *asn_db;
	const char *country_db;
	const char *listen;
	struct explain_names explain;
	const char *const *paths;
	unsigned count;
};

static void usage(FILE *to)
{
	fprintf(to,
		"usage: fluxgate replay [options] CAPTURE...\n"
		"  pcap and pcapng, also gzipped; several are read as one, by packet time\n"
		"  -w, --workers N        worker lcores, 1..%u (default 1); the output does not\n"
		"                         depend on it\n"
		"  -j, --json             one JSON object instead of the table\n"
		"      --explain NAME     say why the domain of NAME is flagged or not, clause by\n"
		"                         clause; may be given again\n"
		"  -c, --config FILE      configuration (else $FLUXGATE_CONFIG, else defaults)\n"
		"      --asn-db FILE      address database with ASNs (else $FLUXGATE_ASN_DB)\n"
		"      --country-db FILE  address database with countries\n"
		"                         (else $FLUXGATE_COUNTRY_DB)\n"
		"      --serve ADDRESS    serve the JSON there, e.g. 127.0.0.1:8953: while it runs "
		"as\n"
		"                         far as it has come, then the result until interrupted\n"
		"  -h, --help             this text\n",
		REPLAY_PARTITIONS);
}

static int explain_option(struct replay_options *o, const char *name)
{
	int rc = explain_names_add(&o->explain, name);

	if (rc == -ENOSPC)
		fprintf(stderr, "fluxgate: replay: --explain: more than %u names\n",
			EXPLAIN_NAMES_MAX);
	else if (rc)
		fprintf(stderr,
			"fluxgate: replay: --explain %s: no domain name: other octets than "
			"letters, "
			"digits, '-', '_' and '*' as \\DDD\n",
			name);
	return rc;
}

static int options_parse(int argc, char **argv, struct replay_options *o)
{
	static const struct option options[] = {
		{"workers", required_argument, NULL, 'w'},
		{"json", no_argument, NULL, 'j'},
		{"config", required_argument, NULL, 'c'},
		{"asn-db", required_argument, NULL, 'a'},
		{"country-db", required_argument, NULL, 'y'},
		{"serve", required_argument, NULL, 's'},
		{"explain", required_argument, NULL, 'e'},
		{"help", no_argument, NULL, 'h'},
		{NULL, 0, NULL, 0},
	};
	unsigned long workers;
	char *end;
	int opt;

	*o = (struct replay_options){.workers = 1};
	while ((opt = getopt_long(argc, argv, ":w:jc:h", options, NULL)) != -1) {
		switch (opt) {
		case 'w':
			workers = strtoul(optarg, &end, 10);
			if (*end || workers < 1 || workers > REPLAY_PARTITIONS) {
				fprintf(stderr, "fluxgate: replay: --workers %s: give 1 to %u\n",
					optarg, REPLAY_PARTITIONS);
				return EXIT_CODE_USAGE;
			}
			o->workers = (unsigned)workers;
			break;
		case 'j':
			o->json = true;
			break;
		case 'c':
			o->config = optarg;
			break;
		case 'a':
			o->asn_db = optarg;
			break;
		case 'y':
			o->country_db = optarg;
			break;
		case 's':
			o->listen = optarg;
			break;
		case 'e':
			if (explain_option(o, optarg) < 0)
				return EXIT_CODE_USAGE;
			break;
		case 'h':
			usage(stdout);
			exit(EXIT_CODE_OK);
		default:
			return option_refuse("replay", opt, argv);
		}
	}
	o->paths = (const char *const *)argv + optind;
	o->count = (unsigned)(argc - optind);
	if (o->count == 0) {
		fputs("fluxgate: replay: no capture: see fluxgate replay --help\n", stderr);
		return EXIT_CODE_USAGE;
	}
	return EXIT_CODE_OK;
}

static int replay_config(const struct replay_options *o, struct config *c, char err[ERROR_LINE_MAX])
{
	const char *file = config_path(o->config);
	int rc = 0;

	config_defaults_replay(c);
	if (file)
		rc = config_read(c, file, err);
	if (rc == 0)
		rc = config_environment(c, err);
	if (rc == 0 && o->asn_db)
		rc = config_set_text(c, "networks.asn_db", o->asn_db, "--asn-db", err);
	if (rc == 0 && o->country_db)
		rc = config_set_text(c, "networks.country_db", o->country_db, "--country-db", err);
	if (rc == 0)
		rc = config_set_text(c, "http.listen", o->listen ? o->listen : "", "--serve", err);
	if (rc == 0)
		rc = config_http_check(&c->http, err);
	return rc == 0 ? EXIT_CODE_OK : EXIT_CODE_CONFIG;
}

static void progress(const struct feeder *f, bool last)
{
	uint64_t total = captures_facts(f->captures)->octets_total;
	uint64_t read = atomic_load_explicit(&f->octets_read, memory_order_relaxed);
	uint64_t packets = atomic_load_explicit(&f->packets, memory_order_relaxed);
	unsigned percent = total ? (unsigned)(read * 100 / total) : 100;
	char bar[41];

	percent = last || percent > 100 ? 100 : percent;
	memset(bar, ' ', 40);
	memset(bar, '#', percent * 40 / 100);
	bar[40] = '\0';
	fprintf(stderr, "\r[%s] %3u %%  %lu packets%s", bar, percent, packets, last ? "\n" : "");
}

static void control_loop(struct appliance *a, const struct feeder *f)
{
	bool bar = isatty(STDERR_FILENO);
	uint64_t shown = 0, period = rte_get_tsc_hz() / 5;

	while (!control_ended(&a->control)) {
		if (!control_step(&a->control, 0))
			nanosleep(&(struct timespec){.tv_nsec = 50000}, NULL);
		if (bar && rte_rdtsc() - shown > period) {
			progress(f, false);
			shown = rte_rdtsc();
		}
	}
	if (bar)
		progress(f, true);
}

/* lcore 0 is control, 1..N run the partitions in turn, N+1 reads. */
static void run_lcores(struct appliance *a, struct feeder *f, unsigned lcores)
{
	static struct worker_set sets[REPLAY_PARTITIONS];

	for (unsigned p = 0; p < REPLAY_PARTITIONS; p++) {
		struct worker_set *set = &sets[p % lcores];

		a->worker[p].source.feed = f->feed[p];
		set->worker[set->workers++] = &a->worker[p];
	}
	for (unsigned i = 0; i < lcores; i++)
		rte_eal_remote_launch(worker_lcore, &sets[i], i + 1);
	rte_eal_remote_launch(feeder_lcore, f, lcores + 1);
	control_loop(a, f);
	rte_eal_mp_wait_lcore();
	a->control.packets_read = captures_facts(f->captures)->packets;
	control_publish(&a->control);
}

static int print_result(const struct appliance *a, const struct replay_options *o,
	const struct captures *c, double seconds)
{
	const struct capture_facts *facts = captures_facts(c);
	const struct snapshot *s = snapshot_get(a->board);
	char host[256] = "";
	int code = EXIT_CODE_OK;

	if (!s)
		return EXIT_CODE_RUNTIME;
	gethostname(host, sizeof(host) - 1);
	if (o->json) {
		const struct replay_capture capture = {
			.files = o->paths,
			.count = o->count,
			.cut = facts->cut,
			.packets = facts->packets,
			.first_ns = facts->first_ns,
			.last_ns = facts->last_ns,
		};
		const struct run_facts run = {
			.workers = o->workers,
			.seconds = seconds,
			.packets = facts->packets,
			.host = host,
		};
		size_t len;
		char *text = export_text(
			export_replay(s, &capture, &run, explain_json(&a->control, &o->explain)),
			&len);
		if (!text || fwrite(text, 1, len, stdout) != len)
			code = EXIT_CODE_RUNTIME;
		free(text);
	} else {
		table_print(stdout, s);
		if (o->explain.n && explain_print(stdout, &a->control, &o->explain) < 0)
			code = EXIT_CODE_RUNTIME;
		printf("%.2f s, %.0f packets a second, %u worker(s)\n", seconds,
			seconds > 0 ? (double)facts->packets / seconds : 0, o->workers);
	}
	if (fflush(stdout) != 0)
		code = EXIT_CODE_RUNTIME;
	snapshot_put(s);
	return code;
}

static void serve_until_signal(struct appliance *a)
{
	char url[CONFIG_URL_MAX];

	config_http_url(&a->config.http, url);
	fprintf(stderr, "fluxgate: serving %s/api/v1/domains until interrupted\n", url);
	while (!stop_asked()) {
		control_answer(&a->control);
		nanosleep(&(struct timespec){.tv_nsec = 20000000}, NULL);
	}
}

static int replay_with(struct appliance *a, const struct replay_options *o, struct captures *c,
	char err[ERROR_LINE_MAX])
{
	struct feeder feeder = {
		.captures = c, .epoch_ns = a->config.epoch_seconds * UINT64_C(1000000000)};

	feeder.stop = &stop_requested;
	int code = appliance_build(a, err);
	if (code != EXIT_CODE_OK)
		return code;
	if (frame_meta_register() < 0 || feeder_init(&feeder, &a->wire) < 0) {
		snprintf(err, ERROR_LINE_MAX, "memory: no memory for the packets of a replay");
		return EXIT_CODE_RUNTIME;
	}
	/* Before the work is done: a taken port is better known now. */
	code = appliance_serve(a, err);
	if (code != EXIT_CODE_OK)
		return code;

	uint64_t started = rte_rdtsc();
	run_lcores(a, &feeder, o->workers);
	double seconds = (double)(rte_rdtsc() - started) / (double)rte_get_tsc_hz();

	const struct capture_facts *facts = captures_facts(c);
	if (facts->cut)
		fprintf(stderr, "fluxgate: %s\n", facts->cut_note);
	if (facts->backwards || facts->leaps)
		fprintf(stderr,
			"fluxgate: capture: %lu packets older than the one before, %lu more than a "
			"day ahead of all others: taken at that one's time\n",
			facts->backwards, facts->leaps);
	code = print_result(a, o, c, seconds);
	if (stop_asked()) {
		snprintf(err, ERROR_LINE_MAX,
			"replay: interrupted: the result covers the first %lu packets only",
			facts->packets);
		return EXIT_CODE_RUNTIME;
	}
	if (code != EXIT_CODE_OK)
		snprintf(err, ERROR_LINE_MAX, "replay: standard output: %s", strerror(errno));
	if (code == EXIT_CODE_OK && a->http)
		serve_until_signal(a);
	return code;
}

static int replay_start(struct appliance *a, const struct replay_options *o, struct config *config,
	struct captures **captures, char err[ERROR_LINE_MAX])
{
	int code = replay_config(o, config, err);

	if (code == EXIT_CODE_OK &&
		captures_open(captures, o->paths, o->count, err, ERROR_LINE_MAX) < 0)
		code = EXIT_CODE_INPUT;
	if (code == EXIT_CODE_OK)
		code = appliance_load(a, config, false, REPLAY_PARTITIONS, err);
	if (code != EXIT_CODE_OK)
		return code;
	const struct eal_request eal = {
		.config = config,
		.lcores = o->workers + 2,
		.octets = appliance_octets(a) + feeder_size(),
		.replay = true,
	};
	if (eal_start(&eal, err) < 0)
		return EXIT_CODE_PORT;
	stop_on_signals();
	code = replay_with(a, o, *captures, err);
	http_stop(a->http);
	a->http = NULL;
	eal_stop();
	return code;
}

int replay_main(int argc, char **argv)
{
	static struct appliance a;
	static struct config config;
	struct replay_options o;
	struct captures *captures = NULL;
	char err[ERROR_LINE_MAX] = "";

	int code = options_parse(argc, argv, &o);
	if (code != EXIT_CODE_OK)
		return code;
	code = replay_start(&a, &o, &config, &captures, err);
	if (err[0])
		fprintf(stderr, "fluxgate: %s\n", err);
	appliance_free(&a);
	captures_close(captures);
	return code;
}
