/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * How verdicts come and go: raised after so many evaluations, kept up to date,
 * cleared, expired, denied. Domains are observed in a shard and merged, epoch by
 * epoch, as control does.
 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "detect/model.h"
#include "tests/unit/flux_fixture.h"
#include "tests/unit/random.h"

static void sizes_out_of_range_are_refused(void **state)
{
	uint64_t mem[8];

	(void)state;
	assert_int_equal(detector_size(0), 0);
	assert_int_equal(detector_size(65536), 0);
	assert_true(detector_size(65535) > 65535 * sizeof(struct verdict));
	assert_null(detector_init(mem, 0, &config));
}

static void a_verdict_is_raised_at_the_second_evaluation(void **state)
{
	(void)state;
	assert_int_equal(flux_until_flagged(7, 0), 2);
	assert_int_equal(detect_verdicts(detector), 1);
	assert_int_equal(detect_account(detector)->raised, 1);

	const struct domain *d = store_find(st, test_key(7));
	const struct verdict *v = verdict_of(7);
	uint8_t name[6];
	assert_non_null(v);
	assert_int_equal(v->class, FLUX_DOUBLE);
	assert_false(v->suspected);
	assert_int_equal(d->verdict.class, FLUX_DOUBLE);
	assert_int_equal(v->name_len, test_name(7, name));
	assert_memory_equal(v->name, name, v->name_len);
	assert_int_equal(v->first_flagged, now);
	assert_int_equal(v->evaluated, now);
	assert_int_equal(v->first_seen, d->first);
	assert_int_equal(v->last_seen, d->last);
	assert_int_equal(d->verdict.last_met, now);

	/* The reasons are the clauses that hold of the features that came with them. */
	struct ruling ruling;
	rules_apply(&config, &v->features, &ruling);
	assert_true(v->score == ruling.score && v->confidence == ruling.confidence);
	assert_int_equal(v->reasons, __builtin_popcountll(ruling.clauses));
	assert_true(v->reasons >= 10);
	for (unsigned i = 0; i < v->reasons; i++) {
		bool known = false;
		for (unsigned k = 0; k < CLAUSE_COUNT; k++) {
			struct reason r;
			clause_reason((enum clause)k, &config, &v->features, &r);
			known |= strcmp(r.code, v->reason[i].code) == 0 &&
				 r.value == v->reason[i].value &&
				 r.threshold == v->reason[i].threshold &&
				 strcmp(r.text, v->reason[i].text) == 0;
		}
		assert_true(known);
	}
	/* The sample: newest first, then by address. */
	assert_int_equal(v->samples, d->items < VERDICT_SAMPLE_MAX ? d->items : VERDICT_SAMPLE_MAX);
	for (unsigned i = 1; i < v->samples; i++) {
		const struct domain_item *a = &v->sample[i - 1], *b = &v->sample[i];
		assert_true(a->last > b->last || (a->last == b->last && a->unit < b->unit));
	}
}

static void raise_evaluations_are_in_a_row(void **state)
{
	(void)state;
	config.raise_evaluations = 4;
	detector_new(16);
	assert_int_equal(flux_until_flagged(7, 0), 4);

	/* A domain that stops on the way there, and is old by its next answer, begins anew. */
	unsigned epoch = 0;
	struct domain *d = NULL;
	for (; epoch < 20 && !(d && d->verdict.streak == 3); epoch++) {
		flux(8, epoch);
		close_epoch(EPOCH);
		d = store_find(st, test_key(8));
	}
	assert_int_equal(d->verdict.streak, 3);
	close_epoch(2 * DAY);
	answer(8, 8 * 1000, 1, 0, EVIDENCE_PAIRED);
	close_epoch(EPOCH);
	assert_int_equal(d->verdict.streak, 0);
	assert_false(domain_flagged(d));
	assert_int_equal(flux_until_flagged(8, epoch), 4);
}

/* A judgement as of later sees the windows of then: nothing is in them any more. */
static void a_judgement_is_as_of_its_time(void **state)
{
	(void)state;
	config.raise_evaluations = 200;
	detector_new(16);
	for (unsigned epoch = 0; epoch < 12; epoch++) {
		flux(7, epoch);
		close_epoch(EPOCH);
	}
	struct domain *d = store_find(st, test_key(7));
	assert_true(d->verdict.streak > 5);
	detect_judge(detector, st, d, now + DAY + HOUR);
	assert_true(d->items >= config.small_min_addresses);
	assert_int_equal(d->verdict.streak, 0);
	now += DAY + HOUR;
}

/*
 * Six addresses in each slot are shown as six while all are kept, and as half to twice that in the
 * mean when most are not; of slots in which nothing was answered none.
 */
static void activity_is_what_was_answered(void **state)
{
	(void)state;
	unsigned epoch = 0, sum = 0;

	for (; epoch < 8; epoch++) {
		flux(7, epoch);
		close_epoch(EPOCH);
	}
	const struct verdict_activity *a = &verdict_of(7)->activity;
	assert_int_equal(a->unit_seconds, 300);
	assert_int_equal(a->end, now + EPOCH);
	assert_int_equal(a->units, epoch + 1);
	assert_int_equal(a->addresses[0], 0);
	for (unsigned i = 1; i < epoch - 1; i++)
		assert_int_equal(a->addresses[i], 6);
	for (; epoch < 60; epoch++) {
		flux(7, epoch);
		close_epoch(EPOCH);
	}
	a = &verdict_of(7)->activity;
	assert_int_equal(a->unit_seconds, 300);
	assert_int_equal(a->units, 12);
	for (unsigned i = 1; i < a->units; i++)
		sum += a->addresses[i];
	assert_true(sum > 11 * 3 && sum < 11 * 12);
	close_epoch(2 * HOUR);
	flux(7, epoch);
	close_epoch(EPOCH);
	/* It is the window of a day that speaks now, in hours. */
	assert_int_equal(a->unit_seconds, HOUR);
	assert_int_equal(a->units, 8);
	assert_true(a->addresses[0] > 0 && a->addresses[3] > 0);
	assert_int_equal(a->addresses[1] + a->addresses[2], 0);
}

/* A verdict is kept up to date: what is no worse at once, what is newer after an hour. */
static void a_verdict_follows_what_is_seen(void **state)
{
	(void)state;
	flux_until_flagged(7, 0);
	uint32_t raised = now;
	unsigned epoch = 20;

	for (; epoch < 60; epoch++) {
		flux(7, epoch);
		close_epoch(EPOCH);
		const struct verdict *v = verdict_of(7);
		assert_int_equal(v->first_flagged, raised);
		assert_int_equal(v->last_seen, now - EPOCH + 10);
		assert_int_equal(v->evaluated, now);
	}
	/* Records that live longer speak less for flux. */
	struct verdict best = *verdict_of(7);
	ttl = 700;
	for (; now + EPOCH < best.evaluated + HOUR; epoch++) {
		flux(7, epoch);
		close_epoch(EPOCH);
		assert_int_equal(verdict_of(7)->evaluated, best.evaluated);
		assert_true(verdict_of(7)->score == best.score);
		assert_int_equal(verdict_of(7)->last_seen, now - EPOCH + 10);
	}
	flux(7, epoch);
	close_epoch(EPOCH);
	assert_int_equal(verdict_of(7)->evaluated, now);
	assert_true(verdict_of(7)->score < best.score);
	assert_int_equal(detect_account(detector)->raised, 1);
}

/* Unpaired answers of the last hour take nothing from what the day says. */
static void the_firmer_window_speaks(void **state)
{
	unsigned epoch = 0;

	(void)state;
	for (; epoch < 48; epoch++) {
		flux(7, epoch);
		close_epoch(EPOCH);
	}
	for (; epoch < 48 + 26; epoch++) {
		answer(7, 7000 + epoch * 6, 6, 6, EVIDENCE_UNPAIRED);
		close_epoch(EPOCH);
	}
	assert_false(verdict_of(7)->suspected);
	assert_int_equal(verdict_of(7)->window, WINDOW_24H);
}

/* Five networks in an hour, other five in the next: the day sees more of it than the hour. */
static void the_window_that_scores_more_speaks(void **state)
{
	struct features hour;
	struct ruling ruling;

	(void)state;
	for (unsigned epoch = 0; epoch < 3 * 12; epoch++) {
		answer(7, 60 * (epoch + 1) + epoch / 12 * 5, 5, 5, EVIDENCE_PAIRED);
		close_epoch(EPOCH);
	}
	const struct verdict *v = verdict_of(7);
	assert_int_equal(v->window, WINDOW_24H);
	features_compute(store_find(st, test_key(7)), st, WINDOW_1H, now,
		(struct view_filter){EVIDENCE_ALIAS, 0}, &hour);
	rules_apply(&config, &hour, &ruling);
	assert_int_equal(ruling.class, FLUX_DOUBLE);
	assert_true(v->score > ruling.score);
}

/* Unpaired at first, and a suspect; paired later, and none. */
static void a_suspicion_becomes_firm(void **state)
{
	(void)state;
	for (unsigned epoch = 0; epoch < 12; epoch++) {
		answer(7, epoch * 6, 6, 6, EVIDENCE_UNPAIRED);
		close_epoch(EPOCH);
	}
	const struct verdict *v = verdict_of(7);
	assert_non_null(v);
	assert_true(v->suspected);
	double suspect = v->confidence;
	unsigned epoch = 12;
	uint32_t before = 0;
	for (; epoch < 40 && verdict_of(7)->suspected; epoch++) {
		before = verdict_of(7)->evaluated;
		answer(7, epoch * 6, 6, 6, EVIDENCE_PAIRED);
		close_epoch(EPOCH);
	}
	v = verdict_of(7);
	assert_false(v->suspected);
	assert_int_equal(v->evaluated, now);
	assert_true(now - before < HOUR);
	assert_true(v->confidence > suspect);
	assert_int_equal(detect_account(detector)->raised, 1);
}

static void a_verdict_clears_after_a_quiet_day(void **state)
{
	(void)state;
	flux_until_flagged(7, 0);
	uint32_t met = now;
	struct domain *d = store_find(st, test_key(7));

	close_epoch(DAY - 1);
	assert_int_equal(detect_verdicts(detector), 1);
	close_epoch(1);
	assert_int_equal(now - met, DAY);
	assert_int_equal(detect_verdicts(detector), 0);
	assert_int_equal(detect_account(detector)->cleared, 1);
	assert_int_equal(d->verdict.slot, 0);
	assert_false(domain_flagged(d));
	/* And is raised again, not before two evaluations. */
	assert_int_equal(flux_until_flagged(7, 100), 2);
	assert_int_equal(detect_account(detector)->raised, 2);
	assert_int_equal(verdict_of(7)->first_flagged, now);
}

/* Answers alone do not keep a verdict up: a rule has to be met. */
static void a_domain_that_settles_down_is_cleared(void **state)
{
	(void)state;
	flux_until_flagged(7, 0);
	for (unsigned i = 0; i < 3 * DAY / HOUR && detect_verdicts(detector); i++) {
		answer(7, 7000, 2, 0, EVIDENCE_PAIRED);
		close_epoch(HOUR);
	}
	assert_int_equal(detect_account(detector)->cleared, 1);
	assert_int_equal(detect_account(detector)->expired, 0);
}

static void a_replay_never_clears(void **state)
{
	(void)state;
	config.clear_after = 0;
	detector_new(16);
	flux_until_flagged(7, 0);
	for (unsigned i = 0; i < 30; i++)
		close_epoch(DAY);
	assert_int_equal(detect_verdicts(detector), 1);
	assert_int_equal(detect_account(detector)->active, 1);
}

static void a_verdict_expires_with_its_domain(void **state)
{
	(void)state;
	config.clear_after = 30.0 * DAY;
	detector_new(16);
	flux_until_flagged(7, 0);
	for (unsigned i = 0; i < 6; i++)
		close_epoch(DAY);
	assert_int_equal(detect_verdicts(detector), 1);
	close_epoch(DAY);
	close_epoch(DAY);
	assert_int_equal(detect_verdicts(detector), 0);
	assert_int_equal(detect_account(detector)->expired, 1);
	assert_int_equal(detect_account(detector)->cleared, 0);
}

static void without_a_place_a_verdict_is_denied(void **state)
{
	(void)state;
	detector_new(2);
	for (uint32_t id = 1; id <= 2; id++)
		flux_until_flagged(id, 0);
	for (unsigned epoch = 0; epoch < 8; epoch++) {
		flux(3, epoch);
		close_epoch(EPOCH);
	}
	assert_int_equal(detect_verdicts(detector), 2);
	assert_true(detect_account(detector)->denied > 0);
	assert_null(verdict_of(3));
	assert_false(domain_flagged(store_find(st, test_key(3))));
	/* A place comes free, and the domain is flagged. */
	for (unsigned epoch = 8; epoch < 8 + 25 * 12 && !verdict_of(3); epoch++) {
		flux(3, epoch);
		close_epoch(EPOCH);
	}
	assert_non_null(verdict_of(3));
	assert_int_equal(detect_account(detector)->raised, 3);
}

/* Verdicts go from the middle while others are kept up: each domain keeps its own. */
static void places_move_with_their_domains(void **state)
{
	enum { MANY = 8 };
	uint64_t rng = 3;
	unsigned epoch[MANY] = {0}, raised = 0;

	(void)state;
	for (unsigned step = 0; step < 40; step++) {
		/* Some of them flux for six hours, the others are quiet. */
		unsigned live = random_below(&rng, 1u << MANY) & random_below(&rng, 1u << MANY);
		for (unsigned n = 0; n < 6 * 4; n++) {
			for (uint32_t id = 0; id < MANY; id++)
				if (live >> id & 1)
					flux(id, epoch[id]++);
			close_epoch(EPOCH * 3);
		}
		unsigned seen = 0;
		for (unsigned i = 0; i < detect_verdicts(detector); i++) {
			const struct verdict *v = detect_verdict(detector, i);
			const struct domain *d = store_find(st, v->key);
			assert_non_null(d);
			assert_int_equal(d->verdict.slot, i + 1);
			assert_int_equal(d->verdict.first_flagged, v->first_flagged);
			assert_int_equal(v->last_seen, d->last);
			assert_memory_equal(v->name, d->name, v->name_len);
		}
		for (uint32_t id = 0; id < MANY; id++) {
			const struct domain *d = store_find(st, test_key(id));
			seen += d && d->verdict.slot;
			if (live >> id & 1)
				assert_non_null(verdict_of(id));
		}
		assert_int_equal(seen, detect_verdicts(detector));
		raised = (unsigned)detect_account(detector)->raised;
	}
	assert_true(raised > MANY);
	assert_true(detect_account(detector)->cleared > 5);
}

/* A content network in four networks, and a pool that many names draw from and nothing dies in. */
static void pools_that_are_not_flux_are_not_flagged(void **state)
{
	uint64_t rng = 9;

	(void)state;
	for (unsigned epoch = 0; epoch < 2 * DAY / EPOCH; epoch++) {
		uint64_t unit[8];
		uint8_t name[6];

		for (unsigned i = 0; i < 8; i++)
			unit[i] = UINT64_C(0x0b000000) + (random_below(&rng, 4) << 16) +
				  random_below(&rng, 100);
		struct shard_observation cdn = {.key = test_key(1),
			.host = 1,
			.name = name,
			.name_len = (uint8_t)test_name(1, name),
			.unit = unit,
			.units = 8,
			.ttl = 20,
			.now = now + 10,
			.grade = EVIDENCE_PAIRED};
		shard_observe(shard, &cdn);
		for (unsigned i = 0; i < 4; i++)
			answer(2, random_below(&rng, 300), 1, 0, EVIDENCE_PAIRED);
		close_epoch(EPOCH);
	}
	assert_int_equal(detect_account(detector)->raised, 0);
	assert_non_null(store_find(st, test_key(1)));
	assert_non_null(store_find(st, test_key(2)));
}

/* A model of one feature, that a rule knows nothing of alone. */
static struct scorer growth_scorer(enum scorer_kind by, double threshold)
{
	return (struct scorer){
		.by = by,
		.model = {.intercept = -2,
			.threshold = threshold,
			.terms = 1,
			.term = {{FEATURE_growth, MODEL_LINEAR, MODEL_RAISES, 0, 1, 4}}},
	};
}

static void beside_the_rules_a_model_changes_nothing(void **state)
{
	struct scorer s = growth_scorer(SCORER_RULES, 1);

	(void)state;
	assert_int_equal(flux_until_flagged(7, 0), 2);
	struct verdict before = *verdict_of(7);
	assert_true(before.probability < 0);
	detector_score_by(detector, &s);
	const struct verdict *v = verdict_of(7);
	double expected = model_probability(&s.model, &v->features);
	assert_true(v->probability == expected && expected > 0.5);
	before.probability = expected;
	assert_memory_equal(v, &before, sizeof(before));
}

static void a_model_decides(void **state)
{
	struct scorer s = growth_scorer(SCORER_MODEL, 0.7);

	(void)state;
	detector_score_by(detector, &s);
	assert_int_equal(flux_until_flagged(7, 0), 2);
	const struct verdict *v = verdict_of(7);
	assert_true(v->probability >= 0.7 && v->score == 100 * v->probability);
	assert_int_equal(v->reasons, 2);
	assert_string_equal(v->reason[0].code, "model_probability");
	assert_string_equal(v->reason[1].code, "growth");
	/* What the rules would flag it does not, when its threshold is out of reach. */
	s.model.threshold = 0.9;
	detector_score_by(detector, &s);
	for (unsigned epoch = 0; epoch < 20; epoch++) {
		flux(8, epoch);
		close_epoch(EPOCH);
	}
	assert_null(verdict_of(8));
	s.by = SCORER_RULES;
	detector_score_by(detector, &s);
	flux_until_flagged(8, 20);
}

/* An answer of one server with these addresses, and with the glue. */
static void told(const uint64_t *unit, unsigned units, const uint64_t *glue, unsigned glues,
	uint8_t server, uint32_t ns_ttl)
{
	uint8_t name[6];
	uint64_t names[2] = {15, 16};
	struct shard_observation o = {
		.key = test_key(7),
		.host = test_key(7),
		.name = name,
		.name_len = (uint8_t)test_name(7, name),
		.unit = unit,
		.units = (uint8_t)units,
		.ttl = ttl,
		.now = now + 10,
		.grade = EVIDENCE_PAIRED,
		.ns_name = names,
		.ns_names = glues ? 2 : 0,
		.ns_unit = glue,
		.ns_units = (uint8_t)glues,
		.ns_ttl = glues ? ns_ttl : 0,
		.server = server,
	};

	shard_observe(shard, &o);
}

#define SITE(network, host) ((uint64_t)(0x2000 + (network)) << 16 | (host))
#define SITE_SERVER 200

/* A site's three addresses, each in an answer of its own, with glue. */
static void site_answers(const uint64_t *glue, unsigned glues, uint32_t ns_ttl)
{
	static const uint64_t site[] = {SITE(1, 1), SITE(1, 2), SITE(2, 1)};

	for (unsigned i = 0; i < 3; i++)
		told(&site[i], 1, glue, glues, SITE_SERVER, ns_ttl);
}

/*
 * A site with six name servers, which moved about in its first `moving` epochs. After five hours
 * somebody with fifty servers answers for it with flux.
 */
static const struct verdict *site_framed(unsigned moving)
{
	uint64_t glue[6];

	for (unsigned e = 0; e < 60 + 30; e++) {
		for (unsigned i = 0; i < 6; i++)
			glue[i] = SITE(100 + (e < moving ? 6 * e : 0) + i, 53);
		site_answers(glue, 6, 3600);
		for (unsigned k = 0; k < 3 && e >= 60; k++) {
			uint64_t unit[4];
			for (unsigned i = 0; i < 4; i++)
				unit[i] = unit_of(5000 + e * 12 + k * 4 + i);
			told(unit, 4, unit, 4, (uint8_t)(10 + (e * 3 + k) % 50), 300);
		}
		close_epoch(EPOCH);
	}
	return verdict_of(7);
}

static void many_servers_frame_no_site_with_many_name_servers(void **state)
{
	(void)state;
	const struct verdict *v = site_framed(0);
	assert_true(!v || v->suspected);
}

/* Glue that moves, by two servers who each tell of one half, or both of all. */
static const struct verdict *servers_framed(unsigned quiet, bool halves)
{
	for (unsigned e = 0; e < quiet + 120; e++) {
		site_answers(NULL, 0, 0);
		for (unsigned k = 0; k < 2 && e >= quiet; k++) {
			uint64_t own = SITE(1, 1), glue[4];
			for (unsigned i = 0; i < 4; i++)
				glue[i] = unit_of(9000 + e / 12 * 4 + i);
			told(&own, 1, glue + (halves ? 2 * k : 0), halves ? 2 : 4,
				(uint8_t)(10 + k), 300);
		}
		close_epoch(EPOCH);
	}
	return verdict_of(7);
}

static void two_servers_frame_no_name_servers(void **state)
{
	(void)state;
	assert_null(servers_framed(6, true));
	end(state);
	begin(state);
	const struct verdict *v = servers_framed(60, false);
	assert_non_null(v);
	assert_int_equal(v->class, FLUX_NS);
	assert_true(v->suspected);
}

/* Its record is there from the first hour on, before any address was known for long. */
static void nor_one_whose_name_servers_moved_once(void **state)
{
	(void)state;
	const struct verdict *v = site_framed(8);
	assert_true(!v || v->suspected);
	const struct domain *d = store_find(st, test_key(7));
	assert_true(d->tracked < START + HOUR);
	assert_int_equal(d->settled_n, 3);
	assert_in_range(d->few_until, START + 5 * HOUR, START + 6 * HOUR);
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, begin, end)
	const struct CMUnitTest tests[] = {
		TEST(sizes_out_of_range_are_refused),
		TEST(a_verdict_is_raised_at_the_second_evaluation),
		TEST(raise_evaluations_are_in_a_row),
		TEST(a_judgement_is_as_of_its_time),
		TEST(activity_is_what_was_answered),
		TEST(a_verdict_follows_what_is_seen),
		TEST(the_firmer_window_speaks),
		TEST(the_window_that_scores_more_speaks),
		TEST(a_suspicion_becomes_firm),
		TEST(a_verdict_clears_after_a_quiet_day),
		TEST(a_domain_that_settles_down_is_cleared),
		TEST(a_replay_never_clears),
		TEST(a_verdict_expires_with_its_domain),
		TEST(without_a_place_a_verdict_is_denied),
		TEST(places_move_with_their_domains),
		TEST(pools_that_are_not_flux_are_not_flagged),
		TEST(beside_the_rules_a_model_changes_nothing),
		TEST(a_model_decides),
		TEST(many_servers_frame_no_site_with_many_name_servers),
		TEST(nor_one_whose_name_servers_moved_once),
		TEST(two_servers_frame_no_name_servers),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
