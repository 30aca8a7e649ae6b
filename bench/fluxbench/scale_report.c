/* SPDX-License-Identifier: BSD-3-Clause */

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include <jansson.h>
#include <rte_cycles.h>
#include <rte_version.h>

#include "export/json.h"
#include "fluxbench/scale.h"

#define ON_CPU_LEAST 0.98 /* of a round: less, and the two CPUs were not free */

static uint64_t apart(uint64_t a, uint64_t b)
{
	return a > b ? a - b : b - a;
}

uint64_t scale_error(const struct scale_result *r)
{
	return apart(r->generated, r->lost + r->packets) + apart(r->packets, r->counted) +
	       r->imbalance;
}

static bool cpus_free(const struct scale_result *r)
{
	return !r->control_shares && r->on_cpu >= ON_CPU_LEAST;
}

/* null when no round was kept: a zero would be a figure. */
static json_t *mpps_json(const struct rounds *r)
{
	struct spread s = rounds_spread(r->mpps, r->kept);

	return r->kept ? json_pack(
				 "{s:f,s:f,s:f}", "median", s.median, "min", s.least, "max", s.most)
		       : json_null();
}

static json_t *rounds_json(unsigned workers, const struct rounds *r)
{
	return json_pack("{s:i,s:o,s:i,s:i}", "workers", (int)workers, "mpps", mpps_json(r),
		"rounds", (int)r->kept, "dropped", (int)r->dropped);
}

void scale_json(const struct bench_config *config, const struct scale_result *r)
{
	char mark[16];
	size_t len;

	snprintf(mark, sizeof(mark), "%08" PRIx32, r->traffic.crc32c);
	json_t *runs = json_array(), *machine;
	for (unsigned i = 0; i < SCALE_WORKERS; i++)
		json_array_append_new(runs, rounds_json(i + 1, &r->workers[i]));
	json_t *accounting =
		json_pack("{s:I,s:I,s:I,s:I,s:I}", "generated", (json_int_t)r->generated,
			"lost_by_ports", (json_int_t)r->lost, "taken", (json_int_t)r->packets,
			"counted", (json_int_t)r->counted, "error", (json_int_t)scale_error(r));
	json_t *traffic = json_pack("{s:I,s:f,s:s,s:I}", "frames", (json_int_t)r->traffic.frames,
		"wire_octets_mean", traffic_wire_mean(&r->traffic), "crc32c", mark, "memory_octets",
		(json_int_t)r->memory);
	machine = json_pack("{s:i,s:b,s:f,s:f,s:b,s:f,s:b,s:s}", "cpus", (int)r->cpus,
		"control_shares_a_core", r->control_shares, "least_on_cpu", r->on_cpu, "steal",
		r->steal, "two_cores_free", cpus_free(r), "tsc_ghz", (double)rte_get_tsc_hz() / 1e9,
		"hugepages", config->huge, "dpdk", rte_version());
	char *text =
		export_text(json_pack("{s:i,s:i,s:o,s:o,s:o,s:o,s:o}", "schema_version", 1,
				    "epoch_seconds", (int)config->epoch_seconds, "traffic", traffic,
				    "runs", runs, "two_over_one", mpps_json(&r->ratio),
				    "accounting", accounting, "machine", machine),
			&len);
	if (text)
		fwrite(text, 1, len, stdout);
	free(text);
}

void scale_table(const struct scale_result *r)
{
	struct spread ratio = rounds_spread(r->ratio.mpps, r->ratio.kept);

	for (unsigned i = 0; i < SCALE_WORKERS; i++) {
		const struct rounds *w = &r->workers[i];
		struct spread s = rounds_spread(w->mpps, w->kept);

		printf("%u worker%s %8.2f Mpps (%.2f..%.2f), %u rounds (%u dropped)\n", i + 1,
			i ? "s" : " ", s.median, s.least, s.most, w->kept, w->dropped);
	}
	if (r->ratio.kept)
		printf("two over one: %.2f (%.2f..%.2f), %u pairs\n", ratio.median, ratio.least,
			ratio.most, r->ratio.kept);
	printf("%u CPUs: %s; a worker of two was on its CPU for %.1f %% of a round or more; the "
	       "host took %.1f %%\n",
		r->cpus,
		r->control_shares ? "control shares a core with worker 0" : "control has its own",
		100 * r->on_cpu, 100 * r->steal);
	if (!cpus_free(r))
		puts("two cores were not free: the figure says more of this machine than of two "
		     "workers");
	printf("%" PRIu64 " generated = %" PRIu64 " lost by the ports + %" PRIu64
	       " taken, of which %" PRIu64 " were counted: error %" PRIu64 "\n",
		r->generated, r->lost, r->packets, r->counted, scale_error(r));
}

int scale_main(const struct bench_config *config, bool json)
{
	static struct scale_result result;
	char err[ERROR_LINE_MAX] = "";
	int code = scale_run(config, &result, err);

	if (code != EXIT_CODE_OK) {
		fprintf(stderr, "fluxbench: %s\n", err);
		return code;
	}
	if (json)
		scale_json(config, &result);
	else
		scale_table(&result);
	if (!result.ratio.kept)
		fputs("fluxbench: no pair of rounds in which the clock of the core stood still "
		      "within 3 %: no figure: run on a quieter machine, or more --rounds\n",
			stderr);
	return result.ratio.kept && scale_error(&result) == 0 ? EXIT_CODE_OK : EXIT_CODE_RUNTIME;
}
