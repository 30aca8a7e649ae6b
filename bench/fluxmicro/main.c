/* SPDX-License-Identifier: BSD-3-Clause */

/*
 * fluxmicro: what single steps cost, each at three sizes of what it works on. No EAL, no port.
 */

#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include <jansson.h>
#include <rte_cycles.h>

#include "config/config.h"
#include "export/json.h"
#include "fluxbench/rounds.h"
#include "fluxmicro/steps.h"

#define SIZES 3u
#define STEPS_MAX 32u
#define AMISS_PART 50u    /* at most one in so many */
#define PASS_SECONDS 0.01 /* of a round, at least */

struct options {
	const char *capture;
	unsigned rounds;
	bool quick;
	bool json;
};

static const uint32_t sizes[SIZES] = {1u << 10, 1u << 15, 1u << 20};
static const uint32_t sizes_quick[SIZES] = {1u << 10, 1u << 11, 1u << 12};

static void usage(FILE *to)
{
	fputs("usage: fluxmicro --capture FILE [options]\n"
	      "      --capture FILE   pcap with responses, a million for the largest size\n"
	      "      --rounds N       rounds of all steps at each size (default 5)\n"
	      "      --quick          small sizes only: does it work?\n"
	      "      --json           results as JSON, \"steps\" of bench/results.schema.json\n"
	      "What decode, parse, hashing, the registered domain, pairing, the shard, a merge, "
	      "the\n"
	      "store and a verdict cost: TSC cycles and ns, medians over rounds. Rounds in which "
	      "the\n"
	      "ratio of TSC to core cycles moved by more than 3 % are dropped.\n",
		to);
}

static int options_parse(int argc, char **argv, struct options *o)
{
	static const struct option options[] = {{"capture", required_argument, NULL, 'c'},
		{"rounds", required_argument, NULL, 'r'}, {"quick", no_argument, NULL, 'q'},
		{"json", no_argument, NULL, 'j'}, {"help", no_argument, NULL, 'h'},
		{NULL, 0, NULL, 0}};
	int opt;

	*o = (struct options){.rounds = 5};
	while ((opt = getopt_long(argc, argv, "h", options, NULL)) != -1) {
		switch (opt) {
		case 'c':
			o->capture = optarg;
			break;
		case 'r':
			o->rounds = (unsigned)strtoul(optarg, NULL, 10);
			break;
		case 'q':
			o->quick = true;
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
	if (o->capture && o->rounds >= 1 && o->rounds <= ROUNDS_MAX)
		return EXIT_CODE_OK;
	usage(stderr);
	return EXIT_CODE_USAGE;
}

/* TSC cycles a second, by the system's clock. */
static double tsc_hz(void)
{
	struct timespec from, to, wait = {.tv_nsec = 100000000};

	clock_gettime(CLOCK_MONOTONIC_RAW, &from);
	uint64_t start = rte_rdtsc();
	nanosleep(&wait, NULL);
	clock_gettime(CLOCK_MONOTONIC_RAW, &to);
	uint64_t cycles = rte_rdtsc() - start;
	return (double)cycles /
	       ((double)(to.tv_sec - from.tv_sec) + (double)(to.tv_nsec - from.tv_nsec) / 1e9);
}

/* Of a step that often did something else, say because a table was full, a figure would lie. */
static int measure(
	struct bed *b, const struct step *s, struct rounds *r, double hz, char err[ERROR_LINE_MAX])
{
	double before = core_ratio();
	uint64_t spent = 0, done = 0;

	b->amiss = 0;
	do {
		if (s->prepare)
			s->prepare(b);
		uint64_t start = rte_rdtsc();
		done += s->pass(b);
		spent += rte_rdtsc() - start;
	} while ((double)spent < PASS_SECONDS * hz);
	double cycles = (double)spent / (double)done;
	rounds_add(r, cycles, hz / 1e6 / cycles, before, core_ratio());
	if (b->amiss <= done / AMISS_PART)
		return 0;
	snprintf(err, ERROR_LINE_MAX, "%s: %lu of %lu did something else", s->name, b->amiss, done);
	return -EINVAL;
}

static json_t *step_json(const struct step *s, uint64_t items, const struct rounds *r, double hz)
{
	struct spread c = rounds_spread(r->cycles, r->kept);
	json_t *cycles = r->kept ? json_pack("{s:f,s:f,s:f}", "median", c.median, "min", c.least,
					   "max", c.most)
				 : json_null();
	json_t *ns = r->kept ? json_real(c.median / hz * 1e9) : json_null();

	return json_pack("{s:s,s:I,s:o,s:o,s:i,s:i}", "step", s->name, "items", (json_int_t)items,
		"cycles", cycles, "ns", ns, "rounds", (int)r->kept, "dropped", (int)r->dropped);
}

static void step_line(const struct step *s, uint64_t items, const struct rounds *r, double hz)
{
	struct spread c = rounds_spread(r->cycles, r->kept);

	printf("%-28s %9lu ", s->name, items);
	if (r->kept)
		printf("%9.1f  (%.1f..%.1f) %9.1f ns", c.median, c.least, c.most,
			c.median / hz * 1e9);
	printf("  %u (%u dropped)\n", r->kept, r->dropped);
}

/* All steps in turn, round after round. */
static int size_run(const struct options *o, uint32_t items, const struct psl *psl, double hz,
	json_t *out, char err[ERROR_LINE_MAX])
{
	static struct rounds rounds[STEPS_MAX];
	struct bed b;
	int rc = bed_make(&b, items, o->capture, psl, err);

	for (unsigned r = 0; rc == 0 && r < o->rounds; r++)
		for (unsigned s = 0; rc == 0 && s < steps_count; s++) {
			if (r == 0)
				rounds[s] = (struct rounds){0};
			rc = measure(&b, &steps[s], &rounds[s], hz, err);
		}
	for (unsigned s = 0; rc == 0 && s < steps_count; s++) {
		uint64_t n = s + 2 < steps_count ? b.items : b.tracked;
		if (o->json)
			json_array_append_new(out, step_json(&steps[s], n, &rounds[s], hz));
		else
			step_line(&steps[s], n, &rounds[s], hz);
	}
	bed_free(&b);
	return rc;
}

int main(int argc, char **argv)
{
	struct suffix_list *suffixes = NULL;
	char err[ERROR_LINE_MAX] = "";
	struct options o;
	struct config c;
	size_t len;

	int code = options_parse(argc, argv, &o);
	if (code != EXIT_CODE_OK)
		return code;
	config_defaults(&c);
	json_t *out = json_array();
	int rc = suffix_list_load(&suffixes, c.networks.public_suffix_list, err);
	double hz = tsc_hz();
	for (unsigned i = 0; rc == 0 && i < SIZES; i++)
		rc = size_run(&o, o.quick ? sizes_quick[i] : sizes[i], suffix_list_psl(suffixes),
			hz, out, err);
	if (rc < 0)
		fprintf(stderr, "fluxmicro: %s\n", err);
	char *text = rc == 0 && o.json ? export_text(out, &len) : NULL;
	if (text)
		fwrite(text, 1, len, stdout);
	free(text);
	suffix_list_free(suffixes);
	return rc == 0 ? EXIT_CODE_OK : EXIT_CODE_INPUT;
}
