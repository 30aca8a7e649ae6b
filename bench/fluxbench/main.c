/* SPDX-License-Identifier: BSD-3-Clause */

/*
 * fluxbench: what the design costs a packet, on one worker core.
 *
 * One process, one net_pcap port with infinite_rx, four stages run in turn
 * round after round: A rx+free, B +decode, C +parse, D everything that a live
 * worker does, while a control thread merges its shards for real. D-A is what
 * carries over to another machine.
 */

#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>

#include <jansson.h>
#include <rte_cycles.h>
#include <rte_version.h>

#include "export/json.h"
#include "fluxbench/stages.h"

struct options {
	const char *capture;
	struct bench_config bench;
	bool json;
};

static void usage(FILE *to)
{
	fputs("usage: fluxbench --capture FILE [options]\n"
	      "      --capture FILE   pcap that net_pcap plays for ever (make it with trafficgen\n"
	      "                       --mix bench: 64 Ki packets or more)\n"
	      "      --rounds N       rounds of all stages (default 5)\n"
	      "      --seconds S      of a round of A, B and C; D takes a whole epoch (default 1)\n"
	      "      --epoch S        epoch in seconds (default 10, as in production)\n"
	      "      --no-huge        ordinary pages\n"
	      "      --json           results as JSON\n"
	      "Stages: A rx+free, B +decode, C +parse, D everything a live worker does. Cycles "
	      "are\n"
	      "TSC cycles a packet, medians over rounds; \"ratio\" is TSC to core cycles, and "
	      "rounds\n"
	      "in which it moved by more than 3 % are dropped. D-A carries over to other "
	      "machines.\n",
		to);
}

static int options_parse(int argc, char **argv, struct options *o)
{
	static const struct option options[] = {{"capture", required_argument, NULL, 'c'},
		{"rounds", required_argument, NULL, 'r'}, {"seconds", required_argument, NULL, 's'},
		{"epoch", required_argument, NULL, 'e'}, {"no-huge", no_argument, NULL, 'n'},
		{"json", no_argument, NULL, 'j'}, {"help", no_argument, NULL, 'h'},
		{NULL, 0, NULL, 0}};
	int opt;

	*o = (struct options){
		.bench = {.rounds = 5, .seconds = 1, .epoch_seconds = 10, .huge = true}};
	while ((opt = getopt_long(argc, argv, "h", options, NULL)) != -1) {
		switch (opt) {
		case 'c':
			o->capture = optarg;
			break;
		case 'r':
			o->bench.rounds = (unsigned)strtoul(optarg, NULL, 10);
			break;
		case 's':
			o->bench.seconds = strtod(optarg, NULL);
			break;
		case 'e':
			o->bench.epoch_seconds = (unsigned)strtoul(optarg, NULL, 10);
			break;
		case 'n':
			o->bench.huge = false;
			break;
		case 'j':
			o->json = true;
			break;
		case 'h':
			usage(stdout);
			exit(EXIT_CODE_OK);
		default:
			usage(stderr);
			return EXIT_CODE_USAGE;
		}
	}
	if (!o->capture || o->bench.rounds < 1 || o->bench.rounds > ROUNDS_MAX ||
		o->bench.seconds <= 0 || o->bench.epoch_seconds < 1) {
		usage(stderr);
		return EXIT_CODE_USAGE;
	}
	o->bench.capture = o->capture;
	return EXIT_CODE_OK;
}

static json_t *spread_json(struct spread s)
{
	return json_pack("{s:f,s:f,s:f}", "median", s.median, "min", s.least, "max", s.most);
}

static void report_json(const struct bench_result *r)
{
	json_t *stages = json_array();
	struct utsname u;
	size_t len;

	for (unsigned i = 0; i < BENCH_STAGES; i++) {
		const struct rounds *s = &r->stage[i];
		json_array_append_new(stages,
			json_pack("{s:s,s:o,s:o,s:o,s:i,s:i}", "stage", bench_stage_name(i),
				"cycles_per_packet", spread_json(rounds_spread(s->cycles, s->kept)),
				"mpps", spread_json(rounds_spread(s->mpps, s->kept)),
				"tsc_per_core_cycle", spread_json(rounds_spread(s->ratio, s->kept)),
				"rounds", (int)s->kept, "dropped", (int)s->dropped));
	}
	uname(&u);
	char *text = export_text(
		json_pack("{s:i,s:o,s:f,s:f,s:I,s:I,s:I,s:I,s:b,s:s,s:s}", "schema_version", 1,
			"stages", stages, "d_minus_a_cycles", bench_cost(r), "tsc_ghz",
			(double)rte_get_tsc_hz() / 1e9, "capture_packets",
			(json_int_t)r->capture_packets, "packets_measured", (json_int_t)r->packets,
			"domains_live", (json_int_t)r->domains, "accounting_error",
			(json_int_t)r->accounting_error, "hugepages", r->huge, "dpdk",
			rte_version(), "kernel", u.release),
		&len);
	if (text)
		fwrite(text, 1, len, stdout);
	free(text);
}

static void report_table(const struct bench_result *r)
{
	printf("%-14s %9s  %-17s %9s %7s %s\n", "stage", "cycles", "(min..max)", "Mpps", "ratio",
		"rounds");
	for (unsigned i = 0; i < BENCH_STAGES; i++) {
		const struct rounds *s = &r->stage[i];
		struct spread c = rounds_spread(s->cycles, s->kept);
		printf("%-14s %9.1f  (%.1f..%.1f)%*s %8.2f %7.3f %u (%u dropped)\n",
			bench_stage_name(i), c.median, c.least, c.most, c.most < 100 ? 4 : 2, "",
			rounds_spread(s->mpps, s->kept).median,
			rounds_spread(s->ratio, s->kept).median, s->kept, s->dropped);
	}
	printf("D-A: %.1f TSC cycles a packet; %lu packets in the capture, %lu domains in the last "
	       "shard, accounting error %lu, %s, %s, TSC %.3f GHz\n",
		bench_cost(r), r->capture_packets, r->domains, r->accounting_error,
		r->huge ? "hugepages" : "ordinary pages", rte_version(),
		(double)rte_get_tsc_hz() / 1e9);
}

int main(int argc, char **argv)
{
	static struct bench_result result;
	char err[ERROR_LINE_MAX] = "";
	struct options o;

	int code = options_parse(argc, argv, &o);
	if (code != EXIT_CODE_OK)
		return code;
	code = bench_run(&o.bench, &result, err);
	if (code != EXIT_CODE_OK) {
		fprintf(stderr, "fluxbench: %s\n", err);
		return code;
	}
	if (o.json)
		report_json(&result);
	else
		report_table(&result);
	for (unsigned i = 0; i < BENCH_STAGES; i++) {
		if (result.stage[i].kept)
			continue;
		fprintf(stderr,
			"fluxbench: %s: no round was kept, the clock of the core moved by more "
			"than 3 %% in "
			"each: no figure: run on a quieter machine, or more --rounds\n",
			bench_stage_name(i));
		return EXIT_CODE_RUNTIME;
	}
	return result.accounting_error ? EXIT_CODE_RUNTIME : EXIT_CODE_OK;
}
