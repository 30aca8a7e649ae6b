/* SPDX-License-Identifier: BSD-3-Clause */

/* JSON of explanations, of every tier; left for check_schema.py as test_export does. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "export/json.h"
#include "json_helpers.h"
#include "round_trip.h"
#include "sample_snapshot.h"

static struct dns_name asked;

static int begin(void **state)
{
	(void)state;
	return dns_name_parse("www.flux-0000.example", &asked);
}

static void explanation(struct explanation *e, enum store_tier tier)
{
	*e = (struct explanation){
		.time = SAMPLE_TIME, .generation = 90, .tier = tier, .text = "in words"};
	e->name_len = sample_name("flux-0000.example", e->name);
	if (tier == TIER_NOTHING)
		return;
	e->first_seen = SAMPLE_TIME - 7200;
	e->last_seen = SAMPLE_TIME - 5;
	e->addresses = e->prefixes = 1;
	if (tier == TIER_DOORKEEPER)
		return;
	e->ttl_max = 150;
	e->addresses = 2;
	e->samples = 2;
	e->grade[EVIDENCE_PAIRED] = e->grade[EVIDENCE_ALIAS] = 1;
	e->sample[0] = (struct domain_item){.unit = 0xc6336401u,
		.asn = 64500,
		.country = {'N', 'L'},
		.first = SAMPLE_TIME - 300,
		.last = SAMPLE_TIME - 5,
		.hours = 0xf,
		.grade = EVIDENCE_PAIRED};
	e->sample[1] = (struct domain_item){
		.unit = 0x20010db800010002u, .first = SAMPLE_TIME - 100, .grade = EVIDENCE_ALIAS};
}

static void record(struct explanation *e)
{
	struct detect_config c;

	explanation(e, TIER_RECORD);
	detect_defaults(&c);
	e->responses = 77;
	e->streak = 3;
	e->raise_evaluations = 2;
	e->clear_after = 86400;
	e->last_met = SAMPLE_TIME;
	e->flagged = true;
	e->listed = LISTED_POPULAR;
	sample_verdict(&e->verdict, 0);
	e->windows = FLUX_WINDOW_COUNT;
	e->sample[0].ns = 1;
	e->servers = 1;
	e->server[0] = (struct domain_ns){
		.unit = 0xc6336402u, .asn = 64501, .last = SAMPLE_TIME - 5, .ticks = 0x15};
	for (unsigned w = 0; w < FLUX_WINDOW_COUNT; w++) {
		struct explained_window *x = &e->window[w];

		x->features = e->verdict.features;
		x->features.window = (enum flux_window)w;
		for (unsigned k = 0; k < CLAUSE_COUNT; k++) {
			x->clause[k].clause = (enum clause)k;
			clause_reason((enum clause)k, &c, &x->features, &x->clause[k].reason);
		}
	}
	e->window[0].ruling = (struct ruling){.class = FLUX_SINGLE, .score = 71, .confidence = 0.7};
	e->window[0].clause[0].holds = e->window[0].clause[0].counts = true;
	e->window[1].ways = 1;
	e->window[1].way[0] = (struct way){.clauses = 1u << CLAUSE_GLUE | 1u << CLAUSE_TTL,
		.class = FLUX_DOUBLE,
		.suspected = true};
	e->window[1].clause[CLAUSE_GLUE].short_by = 2;
}

static void a_record_tells_all(void **state)
{
	struct explanation *e = calloc(1, sizeof(*e));

	(void)state;
	record(e);
	json_t *t = round_trip("explain", export_explanation(&asked, e));
	keys_are(t, "schema_version generation time name domain tier flagged text listed known "
		    "first_seen last_seen verdict hysteresis evidence windows sample name_servers");
	assert_string_equal(text_at(t, "name"), "www.flux-0000.example");
	assert_string_equal(text_at(t, "domain"), "flux-0000.example");
	assert_string_equal(text_at(t, "tier"), "record");
	assert_string_equal(text_at(t, "verdict/domain"), "flux-0000.example");
	assert_int_equal(count_at(t, "hysteresis/streak"), 3);
	assert_int_equal(count_at(t, "evidence/grades/paired"), 1);
	assert_int_equal(count_at(t, "evidence/grades/alias"), 1);
	assert_int_equal(count_at(t, "evidence/grades/contested"), 0);
	assert_int_equal(json_array_size(at(t, "windows")), FLUX_WINDOW_COUNT);

	json_t *w = json_array_get(at(t, "windows"), 0);
	assert_string_equal(text_at(w, "class"), "single_flux");
	assert_int_equal(json_array_size(at(w, "clauses")), CLAUSE_COUNT);
	assert_int_equal(json_array_size(at(w, "ways")), 0);
	json_t *clause = json_array_get(at(w, "clauses"), 0);
	keys_are(clause, "code value threshold holds counts short_by text");
	assert_true(json_is_true(at(clause, "holds")) && json_is_true(at(clause, "counts")));

	w = json_array_get(at(t, "windows"), 1);
	assert_true(json_is_null(at(w, "class")) && json_is_null(at(w, "score")));
	json_t *way = json_array_get(at(w, "ways"), 0);
	assert_string_equal(text_at(way, "class"), "double_flux");
	assert_int_equal(json_array_size(at(way, "lacks")), 2);
	assert_string_equal(
		json_string_value(json_array_get(at(way, "lacks"), 0)), clause_code(CLAUSE_TTL));

	json_t *sample = json_array_get(at(t, "sample"), 0);
	assert_string_equal(text_at(sample, "address"), "198.51.100.1");
	assert_string_equal(text_at(sample, "grade"), "paired");
	assert_int_equal(count_at(sample, "hours"), 4);
	assert_true(json_is_true(at(sample, "name_server")));
	json_t *server = json_array_get(at(t, "name_servers"), 0);
	keys_are(server, "address asn last_seen ticks");
	assert_string_equal(text_at(server, "address"), "198.51.100.2");
	assert_int_equal(count_at(server, "ticks"), 3);
	json_decref(t);
	free(e);
}

static void lesser_tiers_tell_less(void **state)
{
	struct explanation *e = calloc(1, sizeof(*e));

	(void)state;
	explanation(e, TIER_CANDIDATE);
	json_t *t = round_trip("explain-candidate", export_explanation(&asked, e));
	assert_true(json_is_null(at(t, "verdict")) && json_is_null(at(t, "hysteresis")));
	assert_true(json_is_null(at(t, "evidence/responses")));
	assert_int_equal(count_at(t, "evidence/ttl_max"), 150);
	assert_true(json_is_null(at(json_array_get(at(t, "sample"), 1), "last_seen")));
	assert_true(json_is_null(at(json_array_get(at(t, "sample"), 1), "hours")));
	json_decref(t);

	explanation(e, TIER_DOORKEEPER);
	t = round_trip("explain-doorkeeper", export_explanation(&asked, e));
	assert_true(json_is_null(at(t, "evidence/ttl_max")));
	assert_int_equal(json_array_size(at(t, "sample")), 0);
	json_decref(t);

	/* A public suffix, as only a replay says. */
	explanation(e, TIER_NOTHING);
	e->name_len = 0;
	t = round_trip("explain-nothing", export_explanation(&asked, e));
	assert_true(json_is_null(at(t, "domain")) && json_is_null(at(t, "evidence")));
	json_decref(t);
	free(e);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_record_tells_all),
		cmocka_unit_test(lesser_tiers_tell_less),
	};
	return cmocka_run_group_tests(tests, begin, NULL);
}
