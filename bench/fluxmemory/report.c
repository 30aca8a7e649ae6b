/* SPDX-License-Identifier: BSD-3-Clause */

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "export/json.h"
#include "fluxmemory/report.h"

#define MIB (1024.0 * 1024.0)

uint64_t report_error(const struct report *r)
{
	uint64_t error = r->full.error + r->full.confirmed_lost + full_lost_silently(&r->full) +
			 r->epoch.error;

	for (unsigned i = 0; i < r->sizes; i++)
		error += r->size[i].error;
	return error;
}

bool report_measured(const struct report *r)
{
	bool all = true;

	for (unsigned i = 0; i < r->sizes; i++)
		for (unsigned p = 0; p < PHASE_COUNT; p++)
			all &= r->size[i].merge_ns[p].kept > 0;
	for (unsigned k = 0; k < EPOCH_KIND_COUNT; k++)
		all &= r->epoch.merge_ns[k].kept > 0;
	return all;
}

static struct spread spread_of(const struct rounds *r)
{
	return rounds_spread(r->cycles, r->kept);
}

/* Of what there is room for at this load, and of what the whole store takes. */
struct each {
	double once, candidate, record, all;
};

static struct each octets_each(const struct size_result *s)
{
	const struct octets *o = &s->octets;

	return (struct each){
		.once = (double)o->door / (double)s->domains,
		.candidate = (double)o->candidates / (double)s->domains,
		.record = (double)o->records / s->config.domains,
		.all = (double)o->total / (double)s->domains,
	};
}

/* null when no round was kept: a zero would be a figure. */
static json_t *spread_json(const struct rounds *r)
{
	struct spread s = spread_of(r);

	return r->kept ? json_pack(
				 "{s:f,s:f,s:f}", "median", s.median, "min", s.least, "max", s.most)
		       : json_null();
}

static json_t *phases_json(const struct size_result *s)
{
	json_t *phases = json_array();

	for (unsigned p = 0; p < PHASE_COUNT; p++) {
		const struct rounds *r = &s->merge_ns[p];
		double seconds = spread_of(r).median * (double)s->entries[p] / 1e9;

		json_array_append_new(phases,
			json_pack("{s:s,s:I,s:o,s:o,s:i,s:i}", "phase", phase_name((enum phase)p),
				"entries", (json_int_t)s->entries[p], "merge_ns_per_entry",
				spread_json(r), "merge_seconds",
				r->kept ? json_real(seconds) : json_null(), "rounds", (int)r->kept,
				"dropped", (int)r->dropped));
	}
	return phases;
}

static json_t *tables_json(const struct store_config *c)
{
	return json_pack("{s:I,s:I,s:I}", "door_entries", (json_int_t)1 << c->door_log2,
		"candidates", (json_int_t)1 << c->candidates_log2, "domains",
		(json_int_t)c->domains);
}

static json_t *size_json(const struct size_result *s)
{
	const struct octets *o = &s->octets;
	struct each e = octets_each(s);
	json_t *octets = json_pack("{s:I,s:I,s:I,s:I,s:I}", "doorkeeper", (json_int_t)o->door,
		"candidates", (json_int_t)o->candidates, "full_records", (json_int_t)o->records,
		"fixed", (json_int_t)o->fixed, "total", (json_int_t)o->total);
	json_t *each = json_pack("{s:f,s:f,s:f,s:I,s:f}", "seen_once", e.once, "candidate",
		e.candidate, "full_record", e.record, "full_record_alone",
		(json_int_t)sizeof(struct domain), "all", e.all);
	json_t *end = json_pack("{s:I,s:I,s:I,s:I}", "candidates_and_records",
		(json_int_t)s->account.live, "records", (json_int_t)s->account.tracked,
		"door_evicted", (json_int_t)s->account.door_evicted, "evicted",
		(json_int_t)s->account.evicted);

	return json_pack("{s:I,s:o,s:o,s:o,s:o,s:o,s:o,s:I,s:I}", "domains", (json_int_t)s->domains,
		"store", tables_json(&s->config), "octets", octets, "octets_per_domain", each,
		"at_end", end, "phases", phases_json(s), "judge_ns_per_record",
		spread_json(&s->judge_ns), "strayed", (json_int_t)s->strayed, "shard_denied",
		(json_int_t)s->denied);
}

static json_t *full_json(const struct full_result *f)
{
	const struct store_account *a = &f->account;
	json_t *waves = json_array(), *fates = json_object();

	for (unsigned w = 0; w < FULL_WAVE_COUNT; w++)
		json_array_append_new(
			waves, json_pack("{s:s,s:I,s:f}", "tier", full_wave_name((enum full_wave)w),
				       "entries", (json_int_t)f->offered[w], "merge_ns_per_entry",
				       f->merge_ns[w]));
	for (unsigned i = 0; i < STORE_FATE_COUNT; i++)
		json_object_set_new(fates, store_fate_name((enum store_fate)i),
			json_integer((json_int_t)a->fate[i]));
	json_t *account = json_pack("{s:I,s:o,s:I,s:I,s:I,s:I,s:I,s:I,s:I,s:I,s:I}", "offered",
		(json_int_t)a->offered, "fate", fates, "live", (json_int_t)a->live, "evicted",
		(json_int_t)a->evicted, "expired", (json_int_t)a->expired, "promoted",
		(json_int_t)a->promoted, "tracked", (json_int_t)a->tracked, "demoted",
		(json_int_t)a->demoted, "released", (json_int_t)a->released, "promotion_denied",
		(json_int_t)a->promotion_denied, "door_evicted", (json_int_t)a->door_evicted);
	json_t *door = json_pack("{s:I,s:I,s:I}", "offered", (json_int_t)f->waiting, "found",
		(json_int_t)f->waiting_found, "evicted", (json_int_t)f->waiting_evicted);

	return json_pack("{s:o,s:o,s:o,s:o,s:I,s:I,s:I,s:I,s:b}", "store", tables_json(&f->config),
		"waves", waves, "account", account, "doorkeeper", door, "live_found",
		(json_int_t)f->live_found, "confirmed", (json_int_t)f->confirmed, "confirmed_lost",
		(json_int_t)f->confirmed_lost, "shard_denied", (json_int_t)f->shard_denied,
		"lost_silently", full_lost_silently(f));
}

static json_t *epoch_json(const struct epoch_result *e)
{
	json_t *kinds = json_array();

	for (unsigned i = 0; i < EPOCH_KIND_COUNT; i++) {
		enum epoch_kind k = (enum epoch_kind)i;
		double merge = epoch_merge_seconds(e, k), all = epoch_close_seconds(e, k);
		bool any = e->merge_ns[k].kept > 0;

		json_array_append_new(kinds,
			json_pack("{s:s,s:I,s:I,s:o,s:o,s:o,s:o,s:i,s:i}", "domains",
				epoch_kind_name(k), "entries", (json_int_t)e->entries[k], "offered",
				(json_int_t)e->offered[k], "merge_ns_per_entry",
				spread_json(&e->merge_ns[k]), "merge_seconds",
				any ? json_real(merge) : json_null(), "with_judging_seconds",
				any ? json_real(all) : json_null(), "shortest_epoch_seconds",
				any ? json_real(EPOCH_PART * all) : json_null(), "rounds",
				(int)e->merge_ns[k].kept, "dropped", (int)e->merge_ns[k].dropped));
	}
	return json_pack("{s:i,s:I,s:I,s:o,s:o,s:I}", "workers", (int)e->workers, "live_per_worker",
		(json_int_t)e->live, "shard_octets", (json_int_t)e->shard_octets, "store",
		tables_json(&e->config), "epochs", kinds, "shard_denied", (json_int_t)e->denied);
}

void report_json(const struct report *r)
{
	json_t *sizes = json_array();
	size_t len;

	for (unsigned i = 0; i < r->sizes; i++)
		json_array_append_new(sizes, size_json(&r->size[i]));
	json_t *bounds = json_pack("{s:i,s:i,s:f,s:I}", "seen_once_octets", BOUND_ONCE_OCTETS,
		"full_record_octets", BOUND_RECORD_OCTETS, "merge_ns_per_entry", BOUND_MERGE_NS,
		"ten_million_octets", (json_int_t)BOUND_TOTAL_OCTETS);
	char *text = export_text(
		json_pack("{s:i,s:b,s:o,s:o,s:o,s:o,s:I}", "schema_version", 1, "quick", r->quick,
			"bounds", bounds, "sizes", sizes, "full", full_json(&r->full), "epoch",
			epoch_json(&r->epoch), "error", (json_int_t)report_error(r)),
		&len);

	if (text)
		fwrite(text, 1, len, stdout);
	free(text);
}

static void spread_print(const struct rounds *r)
{
	struct spread s = spread_of(r);

	if (r->kept)
		printf("%8.1f (%.1f..%.1f)", s.median, s.least, s.most);
	else
		printf("%8s", "-");
}

static void sizes_print(const struct report *r)
{
	printf("memory, MiB; octets a domain\n%10s %9s %10s %8s %6s %8s %6s %10s %8s %6s\n",
		"domains", "door", "candidates", "records", "fixed", "total", "once", "candidate",
		"record", "all");
	for (unsigned i = 0; i < r->sizes; i++) {
		const struct size_result *s = &r->size[i];
		const struct octets *o = &s->octets;
		struct each e = octets_each(s);

		printf("%10" PRIu64 " %9.2f %10.2f %8.2f %6.2f %8.2f %6.1f %10.1f %8.1f %6.1f\n",
			s->domains, (double)o->door / MIB, (double)o->candidates / MIB,
			(double)o->records / MIB, (double)o->fixed / MIB, (double)o->total / MIB,
			e.once, e.candidate, e.record, e.all);
	}
	printf("a full record alone has %zu octets; the rest are its lists, its part of ledgers "
	       "and of the reverse view\n",
		sizeof(struct domain));
	for (unsigned i = 0; i < r->sizes; i++) {
		const struct size_result *s = &r->size[i];

		printf("\nmerge, %" PRIu64 " domains: ns an entry (least..most), seconds in all\n",
			s->domains);
		for (unsigned p = 0; p < PHASE_COUNT; p++) {
			printf("  %-22s %9" PRIu64 " ", phase_name((enum phase)p), s->entries[p]);
			spread_print(&s->merge_ns[p]);
			printf("  %.3f s, %u rounds (%u dropped)\n",
				spread_of(&s->merge_ns[p]).median * (double)s->entries[p] / 1e9,
				s->merge_ns[p].kept, s->merge_ns[p].dropped);
		}
		printf("  %-22s %9" PRIu32 " ", "judge a full record", s->config.domains);
		spread_print(&s->judge_ns);
		printf("\n");
	}
}

static void full_print(const struct full_result *f)
{
	const struct store_account *a = &f->account;

	printf("\nfull: %u doorkeeper entries, %u candidates, %u full records\n",
		1u << f->config.door_log2, 1u << f->config.candidates_log2, f->config.domains);
	for (unsigned w = 0; w < FULL_WAVE_COUNT; w++)
		printf("  %-28s %9" PRIu64 " entries, %8.1f ns an entry\n",
			full_wave_name((enum full_wave)w), f->offered[w], f->merge_ns[w]);
	printf("  offered %" PRIu64 " = waiting %" PRIu64 " + inserted %" PRIu64 " + hit %" PRIu64
	       " + denied %" PRIu64 "\n",
		a->offered, a->fate[STORE_WAITING], a->fate[STORE_INSERTED], a->fate[STORE_HIT],
		a->fate[STORE_DENIED]);
	printf("  inserted = live %" PRIu64 " (found one by one: %" PRIu64 ") + evicted %" PRIu64
	       " + expired %" PRIu64 "\n",
		a->live, f->live_found, a->evicted, a->expired);
	printf("  promoted %" PRIu64 " = tracked %" PRIu64 " + demoted %" PRIu64
	       " + released %" PRIu64 "; denied %" PRIu64 "\n",
		a->promoted, a->tracked, a->demoted, a->released, a->promotion_denied);
	printf("  doorkeeper: offered %" PRIu64 " = found %" PRIu64 " + evicted %" PRIu64
	       ", but for %" PRIu64 "\n",
		f->waiting, f->waiting_found, f->waiting_evicted, full_door_difference(f));
	printf("  in flux: %" PRIu64 ", confirmed before: %" PRIu64 ", of these lost: %" PRIu64
	       "; shards denied %" PRIu64 "\n",
		f->flux, f->confirmed, f->confirmed_lost, f->shard_denied);
}

static void epoch_print(const struct epoch_result *e)
{
	printf("\nan epoch of %u workers with %" PRIu64 " domains each, shards of %.0f MiB\n",
		e->workers, e->live, (double)e->shard_octets / MIB);
	for (unsigned i = 0; i < EPOCH_KIND_COUNT; i++) {
		enum epoch_kind k = (enum epoch_kind)i;

		printf("  %-30s %8" PRIu64 " offered ", epoch_kind_name(k), e->offered[k]);
		spread_print(&e->merge_ns[k]);
		printf(" ns an entry; merge %.3f s, with judging %.3f s: epoch of %.1f s or more, "
		       "%u rounds (%u dropped)\n",
			epoch_merge_seconds(e, k), epoch_close_seconds(e, k),
			EPOCH_PART * epoch_close_seconds(e, k), e->merge_ns[k].kept,
			e->merge_ns[k].dropped);
	}
}

void report_table(const struct report *r)
{
	sizes_print(r);
	full_print(&r->full);
	epoch_print(&r->epoch);
	printf("error %" PRIu64 "\n", report_error(r));
}
