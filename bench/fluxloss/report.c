/* SPDX-License-Identifier: BSD-3-Clause */

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/utsname.h>

#include <jansson.h>
#include <rte_cycles.h>
#include <rte_version.h>

#include "export/json.h"
#include "fluxloss/report.h"

#define MIB 1048576.0

static double capacity_of(const struct loss_result *r, unsigned i)
{
	return trial_taken(r->find ? &r->find[i].capacity : &r->overload[i].capacity);
}

/* Values of the rounds that have one. */
static unsigned figures(const struct loss_config *c, const struct loss_result *r,
	bool (*get)(const struct loss_result *r, unsigned i, double *value),
	double values[ROUNDS_MAX])
{
	unsigned n = 0;

	for (unsigned i = 0; i < c->rounds; i++)
		n += get(r, i, &values[n]);
	return n;
}

static bool get_capacity(const struct loss_result *r, unsigned i, double *value)
{
	*value = capacity_of(r, i);
	return true;
}

static bool get_zero_loss(const struct loss_result *r, unsigned i, double *value)
{
	*value = find_figure(&r->find[i]);
	return r->find[i].found;
}

static bool get_recovery(const struct loss_result *r, unsigned i, double *value)
{
	*value = 1e3 * r->overload[i].after.last_loss;
	return overload_recovered(&r->overload[i]);
}

static json_t *spread_json(const struct loss_config *c, const struct loss_result *r,
	bool (*get)(const struct loss_result *r, unsigned i, double *value))
{
	double values[ROUNDS_MAX] = {0};
	unsigned n = figures(c, r, get, values);
	struct spread s = rounds_spread(values, n);

	return n ? json_pack("{s:f,s:f,s:f}", "median", s.median, "min", s.least, "max", s.most)
		 : json_null();
}

static json_t *trial_json(const struct trial *t)
{
	double offered = trial_offered(t);
	bool paced = t->asked_mpps > 0;
	double scheduled = (double)(t->generated + t->withheld) / t->seconds / 1e6;

	return json_pack("{s:o,s:f,s:f,s:o,s:o,s:I,s:I,s:I,s:I,s:{s:I,s:f,s:f},s:f,s:I,s:b}",
		"asked_mpps", paced ? json_real(t->asked_mpps) : json_null(), "seconds", t->seconds,
		"offered_mpps", offered, "pacing_error",
		paced ? json_real(scheduled / t->asked_mpps - 1) : json_null(), "offered_error",
		paced ? json_real(offered / t->asked_mpps - 1) : json_null(), "generated",
		(json_int_t)t->generated, "lost", (json_int_t)t->lost, "withheld",
		(json_int_t)t->withheld, "late_bursts", (json_int_t)t->late, "away", "times",
		(json_int_t)t->away, "ms", 1e3 * t->away_seconds, "longest_ms",
		1e3 * t->away_longest, "worker_waited_ms", 1e3 * t->worker_waited, "merges",
		(json_int_t)t->merges, "disturbed", trial_disturbed(t));
}

static json_t *find_json(const struct loss_config *c, const struct loss_result *r)
{
	json_t *rounds = json_array();

	for (unsigned i = 0; i < c->rounds; i++) {
		const struct find_round *f = &r->find[i];
		json_t *trials = json_array();

		for (unsigned k = 0; k < f->trials; k++)
			json_array_append_new(trials, trial_json(&f->trial[k]));
		json_array_append_new(
			rounds, json_pack("{s:o,s:o,s:o,s:i,s:o,s:o}", "zero_loss_mpps",
					f->found ? json_real(find_figure(f)) : json_null(),
					"passed_mpps", f->found ? json_real(f->low) : json_null(),
					"failed_mpps", f->found ? json_real(f->high) : json_null(),
					"repeated", (int)f->repeated, "capacity",
					trial_json(&f->capacity), "trials", trials));
	}
	return json_pack("{s:f,s:o,s:o}", "resolution", c->resolution, "zero_loss_mpps",
		spread_json(c, r, get_zero_loss), "rounds", rounds);
}

static json_t *overload_json(const struct loss_config *c, const struct loss_result *r)
{
	json_t *rounds = json_array();

	for (unsigned i = 0; i < c->rounds; i++) {
		const struct overload_round *o = &r->overload[i];
		json_t *lost = json_array(), *queued = json_array();

		for (unsigned k = 0; k < TRIAL_BINS; k++) {
			json_array_append_new(lost, json_integer((json_int_t)o->after.bin[k].lost));
			json_array_append_new(queued, json_integer(o->after.bin[k].queued));
		}
		json_array_append_new(rounds,
			json_pack("{s:o,s:f,s:o,s:o,s:o,s:o,s:o,s:{s:I,s:I,s:I,s:I}}",
				"recovery_ms",
				overload_recovered(o) ? json_real(1e3 * o->after.last_loss)
						      : json_null(),
				"last_loss_ms", 1e3 * o->after.last_loss, "capacity",
				trial_json(&o->capacity), "overload", trial_json(&o->over),
				"recovery", trial_json(&o->after), "lost_each_10_ms", lost,
				"queued_each_10_ms", queued, "memory", "rss_start",
				(json_int_t)o->rss_start, "rss_most", (json_int_t)o->rss_most,
				"rss_end", (json_int_t)o->rss_end, "heap_growth",
				(json_int_t)o->heap_end - (json_int_t)o->heap_start));
	}
	return json_pack(
		"{s:o,s:o}", "recovery_ms", spread_json(c, r, get_recovery), "rounds", rounds);
}

static json_t *accounting_json(const struct loss_result *r)
{
	return json_pack("{s:I,s:I,s:I,s:I,s:I,s:I}", "generated", (json_int_t)r->generated, "lost",
		(json_int_t)r->lost, "received", (json_int_t)r->received, "port_sent",
		(json_int_t)r->port_sent, "port_received", (json_int_t)r->port_received, "error",
		(json_int_t)loss_error(r));
}

void report_json(const struct loss_config *c, const struct loss_result *r)
{
	struct utsname u;
	char mark[16];
	size_t len;

	uname(&u);
	snprintf(mark, sizeof(mark), "%08" PRIx32, r->traffic.crc32c);
	json_t *traffic = json_pack("{s:I,s:f,s:s}", "frames", (json_int_t)r->traffic.frames,
		"wire_octets_mean", traffic_wire_mean(&r->traffic), "crc32c", mark);
	json_t *setup = json_pack("{s:s,s:i,s:i,s:s,s:s,s:i,s:b}", "port", "net_ring",
		"descriptors", (int)c->ring, "burst", (int)GENERATOR_BURST, "lcores", r->lcores,
		"control_shares", r->control_shares, "epoch_seconds", (int)c->epoch_seconds,
		"realtime", c->realtime);
	json_t *machine = json_pack("{s:f,s:b,s:s,s:s}", "tsc_ghz", (double)rte_get_tsc_hz() / 1e9,
		"hugepages", c->huge, "dpdk", rte_version(), "kernel", u.release);
	char *text = export_text(
		json_pack("{s:i,s:o,s:o,s:o,s:o,s:o,s:o,s:o}", "schema_version", 1, "traffic",
			traffic, "setup", setup, "capacity_mpps", spread_json(c, r, get_capacity),
			"find", r->find ? find_json(c, r) : json_null(), "overload",
			r->overload ? overload_json(c, r) : json_null(), "accounting",
			accounting_json(r), "machine", machine),
		&len);
	if (text)
		fwrite(text, 1, len, stdout);
	free(text);
}

static void spread_print(const char *what, const char *unit, const struct loss_config *c,
	const struct loss_result *r,
	bool (*get)(const struct loss_result *r, unsigned i, double *value))
{
	double values[ROUNDS_MAX] = {0};
	unsigned n = figures(c, r, get, values);
	struct spread s = rounds_spread(values, n);

	if (n)
		printf("%s: %.3f %s (%.3f..%.3f), %u of %u rounds\n", what, s.median, unit, s.least,
			s.most, n, c->rounds);
	else
		printf("%s: no figure\n", what);
}

static void trial_head(void)
{
	printf("%-5s %-9s %7s %8s %8s %8s %10s %10s %7s %10s %9s %7s %6s\n", "round", "trial",
		"seconds", "asked", "offered", "pacing", "lost", "withheld", "late", "away ms",
		"longest", "waited", "merges");
}

static void trial_print(unsigned round, const char *what, const struct trial *t)
{
	double scheduled = (double)(t->generated + t->withheld) / t->seconds / 1e6;

	printf("%-5u %-9s %7.2f ", round + 1, what, t->seconds);
	if (t->asked_mpps > 0)
		printf("%8.3f %8.3f %+7.3f%%", t->asked_mpps, trial_offered(t),
			100 * (scheduled / t->asked_mpps - 1));
	else
		printf("%8s %8.3f %8s", "-", trial_offered(t), "-");
	printf(" %10" PRIu64 " %10" PRIu64 " %7" PRIu64 " %10.1f %9.2f %7.1f %6" PRIu64 "\n",
		t->lost, t->withheld, t->late, 1e3 * t->away_seconds, 1e3 * t->away_longest,
		1e3 * t->worker_waited, t->merges);
}

static void find_table(const struct loss_config *c, const struct loss_result *r)
{
	trial_head();
	for (unsigned i = 0; i < c->rounds; i++) {
		const struct find_round *f = &r->find[i];

		trial_print(i, "capacity", &f->capacity);
		for (unsigned k = 0; k < f->trials; k++) {
			bool low = f->found && k == f->low_trial;
			bool high = f->found && k == f->high_trial;
			trial_print(i, low ? "zero loss" : high ? "loss" : "", &f->trial[k]);
		}
	}
	spread_print("zero-loss rate", "Mpps", c, r, get_zero_loss);
}

static void overload_table(const struct loss_config *c, const struct loss_result *r)
{
	trial_head();
	for (unsigned i = 0; i < c->rounds; i++) {
		trial_print(i, "capacity", &r->overload[i].capacity);
		trial_print(i, "overload", &r->overload[i].over);
		trial_print(i, "recovery", &r->overload[i].after);
	}
	for (unsigned i = 0; i < c->rounds; i++) {
		const struct overload_round *o = &r->overload[i];
		unsigned bins = 0;

		for (unsigned k = 0; k < TRIAL_BINS; k++)
			bins += o->after.bin[k].lost > 0;
		printf("round %u: %.2f of the capacity offered; last loss %.3f ms after the rate "
		       "fell, %u of the first %u bins of 10 ms have loss; resident %.1f MiB at the "
		       "start, %.1f most, %.1f at the end: %+.2f; DPDK's heap %+.2f MiB\n",
			i + 1, trial_offered(&o->over) / trial_taken(&o->capacity),
			1e3 * o->after.last_loss, bins, TRIAL_BINS, (double)o->rss_start / MIB,
			(double)o->rss_most / MIB, (double)o->rss_end / MIB,
			((double)o->rss_end - (double)o->rss_start) / MIB,
			((double)o->heap_end - (double)o->heap_start) / MIB);
	}
	spread_print("recovery", "ms", c, r, get_recovery);
}

void report_table(const struct loss_config *c, const struct loss_result *r)
{
	if (r->find)
		find_table(c, r);
	else
		overload_table(c, r);
	spread_print("capacity", "Mpps", c, r, get_capacity);
	printf("lcores %s (control, worker, generator), control shares the CPU of %s; net_ring, "
	       "%" PRIu32 " descriptors, bursts of %u; epoch %u s%s\n",
		r->lcores, r->control_shares, c->ring, GENERATOR_BURST, c->epoch_seconds,
		c->realtime ? "; worker in real time" : "");
	printf("%" PRIu64 " frames (crc32c %08" PRIx32 "), %s, %s, TSC %.3f GHz\n",
		r->traffic.frames, r->traffic.crc32c, c->huge ? "hugepages" : "ordinary pages",
		rte_version(), (double)rte_get_tsc_hz() / 1e9);
	printf("%" PRIu64 " generated = %" PRIu64 " received + %" PRIu64 " lost (port: %" PRIu64
	       " sent, %" PRIu64 " received): error %" PRIu64 "\n",
		r->generated, r->received, r->lost, r->port_sent, r->port_received, loss_error(r));
}

const char *report_wrong(const struct loss_config *c, const struct loss_result *r)
{
	if (loss_error(r))
		return "frames were not counted exactly once: the figures are worth nothing";
	for (unsigned i = 0; i < c->rounds; i++) {
		if (r->find && !r->find[i].found)
			return "a round has no figure: loss at --low, none at --high, or trials "
			       "that do not agree: is anything else on these CPUs?";
		if (r->overload && !overload_recovered(&r->overload[i]))
			return trial_disturbed(&r->overload[i].after) ||
					       trial_short(&r->overload[i].over)
				       ? "a round was disturbed, and has no figure: is "
					 "anything else on these CPUs?"
				       : "a round did not recover within a second, or was not "
					 "overloaded";
		if (r->overload && !overload_flat(&r->overload[i]))
			return "memory grew under overload";
	}
	return NULL;
}
