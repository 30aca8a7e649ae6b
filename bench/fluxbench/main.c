/* SPDX-License-Identifier: BSD-3-Clause */

/*
 * fluxbench: what the design costs a packet, on one worker core.
 *
 * One process, one port, four stages run in turn round after round: A rx+free,
 * B +decode, C +parse, D everything that a live worker does, while a control
 * thread merges its shards for real. D-A is what carries over to another machine.
 */

#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fluxbench/report.h"
#include "fluxbench/scale.h"
#include "fluxbench/stages.h"

struct options {
	struct bench_config bench;
	bool scale; /* two workers against one, in place of the stages */
	bool json;
};

static void usage(FILE *to)
{
	fputs("usage: fluxbench --capture FILE [options]\n"
	      "      --capture FILE   pcap that is played for ever (make it with trafficgen\n"
	      "                       --mix bench: a million packets or more)\n"
	      "      --port KIND      mem: frames cold in memory, nothing copied (default);\n"
	      "                       pcap: net_pcap with infinite_rx, which copies each;\n"
	      "                       null: net_null, frames that hold no packet, no capture\n"
	      "      --rounds N       rounds of all stages (default 5)\n"
	      "      --seconds S      of a round of A, B and C; D takes a whole epoch (default 1)\n"
	      "      --epoch S        epoch in seconds (default 10, as in production)\n"
	      "      --workers 2      D alone: two workers at once against one, port mem; "
	      "--rounds\n"
	      "                       pairs of an epoch each (bench/scale.schema.json)\n"
	      "      --no-huge        ordinary pages\n"
	      "      --json           results as JSON, a row of bench/results.schema.json\n"
	      "Stages: A rx+free, B +decode, C +parse, D everything a live worker does. Cycles "
	      "are\n"
	      "TSC cycles a packet, medians over rounds; \"before\" and \"after\" a round are TSC "
	      "to core\n"
	      "cycles, and rounds in which they differ by more than 3 % are dropped. D-A carries "
	      "over\n"
	      "to other machines. bench/run runs all traffic there is a row for.\n",
		to);
}

static int options_parse(int argc, char **argv, struct options *o)
{
	static const struct option options[] = {{"capture", required_argument, NULL, 'c'},
		{"port", required_argument, NULL, 'p'}, {"rounds", required_argument, NULL, 'r'},
		{"seconds", required_argument, NULL, 's'}, {"epoch", required_argument, NULL, 'e'},
		{"workers", required_argument, NULL, 'w'}, {"no-huge", no_argument, NULL, 'n'},
		{"json", no_argument, NULL, 'j'}, {"help", no_argument, NULL, 'h'},
		{NULL, 0, NULL, 0}};
	int opt;

	*o = (struct options){
		.bench = {.rounds = 5, .seconds = 1, .epoch_seconds = 10, .huge = true}};
	while ((opt = getopt_long(argc, argv, "h", options, NULL)) != -1) {
		switch (opt) {
		case 'c':
			o->bench.capture = optarg;
			break;
		case 'p':
			o->bench.port = bench_port_find(optarg);
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
		case 'w':
			if (strcmp(optarg, "1") != 0 && strcmp(optarg, "2") != 0) {
				fprintf(stderr, "fluxbench: --workers %s: 1 or 2\n", optarg);
				return EXIT_CODE_USAGE;
			}
			o->scale = optarg[0] == '2';
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
	if (o->bench.port == BENCH_PORT_KINDS ||
		!o->bench.capture != (o->bench.port == BENCH_PORT_NULL) || o->bench.rounds < 1 ||
		o->bench.rounds > ROUNDS_MAX || o->bench.seconds <= 0 ||
		o->bench.epoch_seconds < 1 || (o->scale && o->bench.port != BENCH_PORT_MEM)) {
		usage(stderr);
		return EXIT_CODE_USAGE;
	}
	return EXIT_CODE_OK;
}

int main(int argc, char **argv)
{
	static struct bench_result result;
	char err[ERROR_LINE_MAX] = "";
	struct options o;

	int code = options_parse(argc, argv, &o);
	if (code != EXIT_CODE_OK)
		return code;
	if (o.scale)
		return scale_main(&o.bench, o.json);
	code = bench_run(&o.bench, &result, err);
	if (code != EXIT_CODE_OK) {
		fprintf(stderr, "fluxbench: %s\n", err);
		return code;
	}
	if (o.json)
		report_json(&o.bench, &result);
	else
		report_table(&o.bench, &result);
	if (!bench_measured(&result))
		fputs("fluxbench: a stage has no round in which the clock of the core stood still "
		      "within 3 %: no figure: run on a quieter machine, or more --rounds\n",
			stderr);
	return bench_measured(&result) && bench_error(&result) == 0 ? EXIT_CODE_OK
								    : EXIT_CODE_RUNTIME;
}
