/* SPDX-License-Identifier: BSD-3-Clause */

/*
 * fluxloss: what one worker takes without losing a frame, and what overload does to it.
 *
 * A generator sends at a rate of its own over a net_ring port to the production worker, while
 * control merges. Zero-loss rate as in RFC 2544, 26.1; recovery as in 26.5.
 */

#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fluxloss/loss.h"
#include "fluxloss/report.h"

struct options {
	struct loss_config loss;
	bool json;
	bool mode; /* was one given? */
};

static void usage(FILE *to)
{
	fputs("usage: fluxloss --capture FILE --find | --overload [options]\n"
	      "      --capture FILE   pcap that is played for ever (make it with trafficgen\n"
	      "                       --mix bench: a million packets or more)\n"
	      "      --find           highest rate at which nothing is lost, by bisection to 1 %\n"
	      "      --overload       twice the capacity, then half of it: memory and recovery\n"
	      "      --rounds N       the whole of it so often (default 3)\n"
	      "      --seconds S      of a trial of --find (default 2)\n"
	      "      --confirm S      of the trials that confirm both ends, that tell the "
	      "capacity\n"
	      "                       and of the recovery (default 12: longer than an epoch)\n"
	      "      --low M --high M bounds in Mpps (default an eighth of the capacity and a\n"
	      "                       quarter above it)\n"
	      "      --resolution R   how far apart both ends may be, part of the upper (0.01)\n"
	      "      --trials N       of a round at most, else it has no figure (default 48)\n"
	      "      --overload-seconds S   how long the overload lasts (default 60)\n"
	      "      --epoch S        epoch in seconds (default 10, as in production)\n"
	      "      --ring N         descriptors of the port, a power of two (default 1024)\n"
	      "      --lcores MAP     as EAL's, three of them: control, worker, generator. "
	      "Default\n"
	      "                       a CPU each; on two CPUs control shares the generator's\n"
	      "      --realtime       the worker is SCHED_FIFO: no other task of this machine "
	      "takes\n"
	      "                       its CPU. Needs root and kernel.sched_rt_runtime_us = -1\n"
	      "      --no-huge        ordinary pages\n"
	      "      --json           results as JSON (bench/loss.schema.json)\n"
	      "Frames are lost when the port's ring is full. Each trial tells what was asked, "
	      "what\n"
	      "was offered, how many bursts were late, and how long the generator was away, in\n"
	      "which time it sends nothing and owes nothing. A trial is disturbed when more than\n"
	      "a tenth was not sent for that, or when no more was lost than came while another\n"
	      "had the worker's CPU. It is run again, twice at most, and then has failed.\n"
	      "Exit codes: 0; 1 no figure, a frame not counted exactly once, no recovery within a\n"
	      "second, or memory that grew; 2 command line; 4 capture; 5 suffix list; 6 CPUs, EAL\n"
	      "or memory.\n",
		to);
}

static int options_parse(int argc, char **argv, struct options *o)
{
	static const struct option options[] = {{"capture", required_argument, NULL, 'c'},
		{"find", no_argument, NULL, 'f'}, {"overload", no_argument, NULL, 'o'},
		{"rounds", required_argument, NULL, 'r'}, {"seconds", required_argument, NULL, 's'},
		{"confirm", required_argument, NULL, 'C'}, {"low", required_argument, NULL, 'L'},
		{"high", required_argument, NULL, 'H'},
		{"resolution", required_argument, NULL, 'x'},
		{"trials", required_argument, NULL, 't'},
		{"overload-seconds", required_argument, NULL, 'O'},
		{"epoch", required_argument, NULL, 'e'}, {"ring", required_argument, NULL, 'R'},
		{"lcores", required_argument, NULL, 'l'}, {"no-huge", no_argument, NULL, 'n'},
		{"realtime", no_argument, NULL, 'T'}, {"json", no_argument, NULL, 'j'},
		{"help", no_argument, NULL, 'h'}, {NULL, 0, NULL, 0}};
	struct loss_config *c = &o->loss;
	int opt;

	*o = (struct options){.loss = {.rounds = 3,
				      .seconds = 2,
				      .confirm = 12,
				      .resolution = 0.01,
				      .trials = 48,
				      .overload_seconds = 60,
				      .epoch_seconds = 10,
				      .ring = 1024,
				      .huge = true}};
	while ((opt = getopt_long(argc, argv, "h", options, NULL)) != -1) {
		switch (opt) {
		case 'c':
			c->capture = optarg;
			break;
		case 'f':
		case 'o':
			c->mode = opt == 'f' ? LOSS_FIND : LOSS_OVERLOAD;
			o->mode = true;
			break;
		case 'r':
			c->rounds = (unsigned)strtoul(optarg, NULL, 10);
			break;
		case 's':
			c->seconds = strtod(optarg, NULL);
			break;
		case 'C':
			c->confirm = strtod(optarg, NULL);
			break;
		case 'L':
			c->low = strtod(optarg, NULL);
			break;
		case 'H':
			c->high = strtod(optarg, NULL);
			break;
		case 'x':
			c->resolution = strtod(optarg, NULL);
			break;
		case 't':
			c->trials = (unsigned)strtoul(optarg, NULL, 10);
			break;
		case 'O':
			c->overload_seconds = strtod(optarg, NULL);
			break;
		case 'e':
			c->epoch_seconds = (unsigned)strtoul(optarg, NULL, 10);
			break;
		case 'R':
			c->ring = (uint32_t)strtoul(optarg, NULL, 10);
			break;
		case 'l':
			c->lcores = optarg;
			break;
		case 'n':
			c->huge = false;
			break;
		case 'T':
			c->realtime = true;
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
	return EXIT_CODE_OK;
}

/* What is wrong with it; NULL when nothing is. */
static const char *options_wrong(const struct options *o)
{
	const struct loss_config *c = &o->loss;

	if (!c->capture)
		return "--capture is missing";
	if (!o->mode)
		return "--find or --overload";
	if (c->rounds < 1 || c->rounds > ROUNDS_MAX)
		return "--rounds: 1 to 256";
	if (!(c->seconds > 0) || !(c->overload_seconds > 0) || c->epoch_seconds < 1)
		return "--seconds, --overload-seconds and --epoch: above 0";
	if (!(c->confirm > c->epoch_seconds))
		return "--confirm: longer than --epoch, so that it holds a merge";
	if (c->low < 0 || c->high < 0 || (c->high > 0 && c->low >= c->high))
		return "--low and --high: Mpps, the former less";
	if (!(c->resolution > 0 && c->resolution < 1))
		return "--resolution: between 0 and 1";
	if (c->trials < 2 || c->trials > LOSS_TRIALS_MAX)
		return "--trials: 2 to 64";
	if (c->ring < 64 || c->ring > 65536 || (c->ring & (c->ring - 1)))
		return "--ring: a power of two, 64 to 65536";
	return NULL;
}

void progress(const struct loss_config *c, const char *what, const struct trial *t)
{
	if (c->progress)
		fprintf(stderr,
			"%-8s asked %6.3f offered %6.3f Mpps, lost %lu, away %.1f ms, worker "
			"waited "
			"%.1f ms, %lu merges%s\n",
			what, t->asked_mpps, trial_offered(t), t->lost, 1e3 * t->away_seconds,
			1e3 * t->worker_waited, t->merges, trial_disturbed(t) ? ", disturbed" : "");
}

int main(int argc, char **argv)
{
	struct loss_result result;
	char err[ERROR_LINE_MAX] = "";
	struct options o;

	int code = options_parse(argc, argv, &o);
	if (code != EXIT_CODE_OK)
		return code;
	const char *wrong = options_wrong(&o);
	if (wrong) {
		fprintf(stderr, "fluxloss: %s (see --help)\n", wrong);
		return EXIT_CODE_USAGE;
	}
	o.loss.progress = !o.json;
	code = loss_run(&o.loss, &result, err);
	if (code != EXIT_CODE_OK) {
		fprintf(stderr, "fluxloss: %s\n", err);
	} else {
		if (o.json)
			report_json(&o.loss, &result);
		else
			report_table(&o.loss, &result);
		wrong = report_wrong(&o.loss, &result);
		if (wrong) {
			fprintf(stderr, "fluxloss: %s\n", wrong);
			code = EXIT_CODE_RUNTIME;
		}
	}
	loss_free(&result);
	return code;
}
