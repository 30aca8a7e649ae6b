/* SPDX-License-Identifier: BSD-3-Clause */

/*
 * fluxmemory: what the store takes and what a merge costs, from 10^4 to 10^7 domains, when it
 * is full, and in an epoch of many workers. No EAL, no port.
 */

#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>

#include "cli/exit.h"
#include "fluxmemory/report.h"

#define SMALLEST UINT64_C(10000)
#define LARGEST UINT64_C(10000000)

struct options {
	uint64_t domains;
	uint64_t live;
	uint64_t workers;
	uint64_t rounds;
	bool quick;
	bool json;
};

static void usage(FILE *to)
{
	fputs("usage: fluxmemory [options]\n"
	      "      --domains N   largest store, 10000..10000000 in powers of ten from 10000 on\n"
	      "                    (default 10000000)\n"
	      "      --live N      domains of a shard in an epoch, 1000..4000000 (default "
	      "1000000)\n"
	      "      --workers N   shards of the last part, 1..32 (default 8)\n"
	      "      --rounds N    of all sizes in turn, and of the last part, 1..256 (default 5)\n"
	      "      --quick       small tables for an instant: does it work?\n"
	      "      --json        results as JSON, of bench/fluxmemory.schema.json\n"
	      "Memory of the store by tiers and octets a domain; what a merge costs an entry that "
	      "is\n"
	      "new, known or promoted; a store that is offered four times what it has room for, "
	      "and\n"
	      "whether all that was lost was counted; the epoch that many workers need. CPU time "
	      "of\n"
	      "the merging thread, medians over rounds; rounds in which the ratio of TSC to core\n"
	      "cycles moved by more than 3 % are dropped. Needs 5 GiB, with --quick 100 MiB.\n"
	      "Exit codes: 0 measured; 1 no memory, no figure, or something was lost uncounted;\n"
	      "2 command line.\n",
		to);
}

/* A number in a range; else one line, and false. */
static bool number(const char *name, uint64_t least, uint64_t most, uint64_t *out)
{
	char *end;

	errno = 0;
	*out = strtoull(optarg, &end, 10);
	if (errno == 0 && *optarg >= '0' && *optarg <= '9' && *end == '\0' && *out >= least &&
		*out <= most)
		return true;
	fprintf(stderr, "fluxmemory: --%s %s: a number from %lu to %lu\n", name, optarg, least,
		most);
	return false;
}

static int options_parse(int argc, char **argv, struct options *o)
{
	static const struct option options[] = {{"domains", required_argument, NULL, 'd'},
		{"live", required_argument, NULL, 'l'}, {"workers", required_argument, NULL, 'w'},
		{"rounds", required_argument, NULL, 'r'}, {"quick", no_argument, NULL, 'q'},
		{"json", no_argument, NULL, 'j'}, {"help", no_argument, NULL, 'h'},
		{NULL, 0, NULL, 0}};
	bool good = true;
	int opt;

	*o = (struct options){.domains = LARGEST, .live = 1000000, .workers = 8, .rounds = 5};
	while (good && (opt = getopt_long(argc, argv, "h", options, NULL)) != -1) {
		switch (opt) {
		case 'd':
			good = number("domains", SMALLEST, LARGEST, &o->domains);
			break;
		case 'l':
			good = number("live", 1000, 4000000, &o->live);
			break;
		case 'w':
			good = number("workers", 1, EPOCH_WORKERS_MAX, &o->workers);
			break;
		case 'r':
			good = number("rounds", 1, ROUNDS_MAX, &o->rounds);
			break;
		case 'q':
			o->quick = true;
			o->domains = SMALLEST;
			o->live = 4000;
			o->rounds = 1;
			break;
		case 'j':
			o->json = true;
			break;
		case 'h':
			usage(stdout);
			exit(EXIT_CODE_OK);
		default:
			return EXIT_CODE_USAGE;
		}
	}
	if (good && optind < argc) {
		fprintf(stderr, "fluxmemory: %s: no argument is expected\n", argv[optind]);
		good = false;
	}
	return good ? EXIT_CODE_OK : EXIT_CODE_USAGE;
}

static int measure(const struct options *o, struct report *r)
{
	int rc = 0;

	for (uint64_t i = 0; rc == 0 && i < o->rounds; i++) {
		r->sizes = 0;
		for (uint64_t n = SMALLEST; rc == 0 && n <= o->domains; n *= 10)
			rc = size_round(&r->size[r->sizes++], n, o->live);
	}
	if (rc == 0)
		rc = full_run(&r->full, o->domains / 10, o->live);
	if (rc == 0)
		rc = epoch_run(&r->epoch, (unsigned)o->workers, o->live, (unsigned)o->rounds);
	return rc;
}

int main(int argc, char **argv)
{
	static struct report r;
	struct options o;
	int code = options_parse(argc, argv, &o);

	if (code != EXIT_CODE_OK)
		return code;
	r.quick = o.quick;
	int rc = measure(&o, &r);
	if (rc < 0) {
		fprintf(stderr, "fluxmemory: %s\n",
			rc == -ENOMEM ? "memory: not enough for these tables"
				      : "the store did something else than was to be measured");
		return EXIT_CODE_RUNTIME;
	}
	if (o.json)
		report_json(&r);
	else
		report_table(&r);
	if (!report_measured(&r))
		fputs("fluxmemory: no round in which the clock of the core stood still within 3 "
		      "%: no figure: run on a quieter machine, or more --rounds\n",
			stderr);
	if (report_error(&r))
		fprintf(stderr, "fluxmemory: %lu of entries or names not counted once\n",
			report_error(&r));
	return report_measured(&r) && report_error(&r) == 0 ? EXIT_CODE_OK : EXIT_CODE_RUNTIME;
}
