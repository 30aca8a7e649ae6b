/* SPDX-License-Identifier: BSD-3-Clause */

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/utsname.h>

#include <jansson.h>
#include <rte_cycles.h>
#include <rte_version.h>

#include "export/json.h"
#include "fluxbench/report.h"
#include "sensor/sensor.h"

static const double link_gigabits[] = {10, 40};

static struct spread stage_mpps(const struct bench_result *r, unsigned stage)
{
	return rounds_spread(r->stage[stage].mpps, r->stage[stage].kept);
}

/* null when no round was kept: a zero would be a figure. */
static json_t *spread_json(const double *values, unsigned n)
{
	struct spread s = rounds_spread(values, n);

	return n ? json_pack("{s:f,s:f,s:f}", "median", s.median, "min", s.least, "max", s.most)
		 : json_null();
}

static json_t *stages_json(const struct bench_result *r)
{
	json_t *stages = json_array();

	for (unsigned i = 0; i < BENCH_STAGES; i++) {
		const struct rounds *s = &r->stage[i];
		json_array_append_new(stages,
			json_pack("{s:s,s:o,s:o,s:{s:o,s:o},s:i,s:i}", "stage", bench_stage_name(i),
				"cycles_per_packet", spread_json(s->cycles, s->kept), "mpps",
				spread_json(s->mpps, s->kept), "tsc_per_core_cycle", "before",
				spread_json(s->before, s->kept), "after",
				spread_json(s->after, s->kept), "rounds", (int)s->kept, "dropped",
				(int)s->dropped));
	}
	return stages;
}

static json_t *lines_json(const struct bench_result *r)
{
	json_t *lines = json_array();
	double mpps = stage_mpps(r, BENCH_STAGES - 1).median;

	for (size_t i = 0; i < sizeof(link_gigabits) / sizeof(link_gigabits[0]); i++) {
		double line = traffic_line_rate(&r->traffic, link_gigabits[i]);
		json_array_append_new(
			lines, json_pack("{s:i,s:f,s:o}", "gigabits", (int)link_gigabits[i], "mpps",
				       line, "covered",
				       bench_measured(r) ? json_real(mpps / line) : json_null()));
	}
	return lines;
}

static json_t *traffic_json(const struct bench_result *r)
{
	char mark[16];

	snprintf(mark, sizeof(mark), "%08" PRIx32, r->traffic.crc32c);
	return json_pack("{s:I,s:f,s:s,s:I}", "frames", (json_int_t)r->traffic.frames,
		"wire_octets_mean", traffic_wire_mean(&r->traffic), "crc32c", mark, "memory_octets",
		(json_int_t)r->memory);
}

static json_t *accounting_json(const struct bench_result *r)
{
	return json_pack("{s:I,s:I,s:I,s:I,s:I,s:I}", "generated", (json_int_t)r->generated,
		"lost_by_port", (json_int_t)r->lost, "taken_by_a_b_c", (json_int_t)r->partial,
		"taken_by_d", (json_int_t)r->packets, "counted_by_d", (json_int_t)r->counted,
		"error", (json_int_t)bench_error(r));
}

void report_json(const struct bench_config *config, const struct bench_result *r)
{
	struct utsname u;
	size_t len;

	uname(&u);
	json_t *port =
		json_pack("{s:s,s:i,s:i,s:i}", "kind", bench_port_name(config->port), "queues", 1,
			"descriptors", (int)BENCH_PORT_DESCRIPTORS, "burst", (int)SENSOR_BURST);
	json_t *machine = json_pack("{s:f,s:b,s:s,s:s}", "tsc_ghz", (double)rte_get_tsc_hz() / 1e9,
		"hugepages", config->huge, "dpdk", rte_version(), "kernel", u.release);
	char *text =
		export_text(json_pack("{s:o,s:o,s:o,s:o,s:o,s:o,s:I,s:o}", "port", port, "traffic",
				    traffic_json(r), "stages", stages_json(r), "d_minus_a_cycles",
				    bench_measured(r) ? json_real(bench_cost(r)) : json_null(),
				    "line_rates", lines_json(r), "accounting", accounting_json(r),
				    "domains_live", (json_int_t)r->domains, "machine", machine),
			&len);
	if (text)
		fwrite(text, 1, len, stdout);
	free(text);
}

void report_table(const struct bench_config *config, const struct bench_result *r)
{
	double mpps = bench_measured(r) ? stage_mpps(r, BENCH_STAGES - 1).median : NAN;

	printf("%-14s %9s  %-17s %9s %7s %7s %s\n", "stage", "cycles", "(min..max)", "Mpps",
		"before", "after", "rounds");
	for (unsigned i = 0; i < BENCH_STAGES; i++) {
		const struct rounds *s = &r->stage[i];
		struct spread c = rounds_spread(s->cycles, s->kept);
		printf("%-14s %9.1f  (%.1f..%.1f)%*s %8.2f %7.3f %7.3f %u (%u dropped)\n",
			bench_stage_name(i), c.median, c.least, c.most, c.most < 100 ? 4 : 2, "",
			stage_mpps(r, i).median, rounds_spread(s->before, s->kept).median,
			rounds_spread(s->after, s->kept).median, s->kept, s->dropped);
	}
	printf("D-A: %.1f TSC cycles a packet", bench_measured(r) ? bench_cost(r) : NAN);
	for (size_t i = 0; i < sizeof(link_gigabits) / sizeof(link_gigabits[0]); i++)
		printf("; %.0fG carries %.2f Mpps, D takes %.0f %%", link_gigabits[i],
			traffic_line_rate(&r->traffic, link_gigabits[i]),
			100 * mpps / traffic_line_rate(&r->traffic, link_gigabits[i]));
	printf("\nport %s, %" PRIu64 " frames (crc32c %08" PRIx32 ", %" PRIu64 " MiB in memory), "
	       "%" PRIu64 " domains in the last shard\n",
		bench_port_name(config->port), r->traffic.frames, r->traffic.crc32c,
		r->memory >> 20, r->domains);
	printf("%" PRIu64 " generated = %" PRIu64 " lost by the port + %" PRIu64
	       " taken by A, B, C + %" PRIu64 " by D, which counted %" PRIu64 ": error %" PRIu64
	       "\n",
		r->generated, r->lost, r->partial, r->packets, r->counted, bench_error(r));
	printf("%s, %s, TSC %.3f GHz\n", config->huge ? "hugepages" : "ordinary pages",
		rte_version(), (double)rte_get_tsc_hz() / 1e9);
}
