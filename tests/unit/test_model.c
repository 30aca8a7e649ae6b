/* SPDX-License-Identifier: BSD-3-Clause */
/* The logistic model: its value by hand, that evidence never lowers it, and what it says. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <math.h>
#include <string.h>

#include "detect/model.h"
#include "tests/unit/random.h"

static struct model small(void)
{
	return (struct model){
		.intercept = -3,
		.threshold = 0.5,
		.terms = 3,
		.term = {{FEATURE_growth, MODEL_LINEAR, MODEL_RAISES, 0, 1, 2},
			{FEATURE_networks, MODEL_LOG1P, MODEL_RAISES, 0, 9, 1.5},
			{FEATURE_ttl_max, MODEL_LOG1P, MODEL_LOWERS, 30, 3600, -0.25}},
	};
}

static double logistic(double z)
{
	return 1 / (1 + exp(-z));
}

static void near(double value, double expected)
{
	if (!(fabs(value - expected) <= 1e-12))
		fail_msg("%.15f, and not %.15f", value, expected);
}

static void values_are_those_of_the_formula(void **state)
{
	struct model m = small();
	struct features f = {.growth = 0.5, .networks = 4, .ttl_max = 300};

	(void)state;
	near(model_probability(&m, &f), logistic(-3 + 2 * 0.5 + 1.5 * log(5) - 0.25 * log(301)));
	/* Beyond the clamp nothing changes, at either end. */
	f = (struct features){.growth = 7, .networks = 4000, .ttl_max = 1};
	near(model_probability(&m, &f), logistic(-3 + 2 + 1.5 * log(10) - 0.25 * log(31)));
	f.growth = -7;
	f.networks = NAN;
	f.ttl_max = INFINITY;
	near(model_probability(&m, &f), logistic(-3 - 0.25 * log(3601)));
	m.terms = 0;
	assert_true(model_probability(&m, &f) < 0);
}

/* Models of any weights with the right signs, over any features: every feature, up and down. */
static void more_evidence_never_lowers_it(void **state)
{
	uint64_t rng = 7;
	unsigned moved = 0;

	(void)state;
	for (unsigned round = 0; round < 500; round++) {
		struct model m = {.intercept = -5, .threshold = 0.5, .terms = FEATURE_COUNT};
		struct features f = {.window = WINDOW_24H};

		for (unsigned i = 0; i < FEATURE_COUNT; i++) {
			double weight = (double)random_below(&rng, 1000) / 1e4;
			bool raises = random_below(&rng, 2);

			m.term[i] = (struct model_term){i,
				(uint32_t)random_below(&rng, MODEL_TRANSFORM_COUNT),
				raises ? MODEL_RAISES : MODEL_LOWERS, 1, 50,
				raises ? weight : -weight};
			feature_set(&f, i, (double)random_below(&rng, 60));
		}
		for (unsigned i = 0; i < FEATURE_COUNT; i++) {
			struct features more = f;
			double step = 1 + (double)random_below(&rng, 10);

			feature_set(&more, i, feature_get(&f, i) + step);
			double before = model_probability(&m, &f);
			double after = model_probability(&m, &more);
			if (m.term[i].sign == MODEL_RAISES)
				assert_true(after >= before);
			else
				assert_true(after <= before);
			moved += after != before;
		}
	}
	assert_true(moved > 1000);
}

static void it_takes_the_ruling(void **state)
{
	struct model m = small();
	struct features f = {.growth = 1, .networks = 9, .ttl_max = 30};
	struct ruling r = {.class = FLUX_DOUBLE, .score = 40, .confidence = 0.7, .clauses = 5};

	(void)state;
	double p = model_probability(&m, &f);
	assert_true(p > 0.5);
	model_rule(&m, &f, &r);
	assert_int_equal(r.class, FLUX_DOUBLE);
	assert_false(r.suspected);
	near(r.score, 100 * p);
	assert_true(r.clauses == 0);
	/* Without a rule it is a suspicion. */
	r = (struct ruling){.class = FLUX_NONE};
	model_rule(&m, &f, &r);
	assert_int_equal(r.class, FLUX_SINGLE);
	assert_true(r.suspected);
	near(r.confidence, p * SUSPECTED_CONFIDENCE);
	/* At the threshold it speaks, above it does not; the rule's word does not count then. */
	m.threshold = p;
	model_rule(&m, &f, &r);
	assert_int_equal(r.class, FLUX_SINGLE);
	m.threshold = nextafter(p, 1);
	r.class = FLUX_DOUBLE;
	model_rule(&m, &f, &r);
	assert_int_equal(r.class, FLUX_NONE);
	assert_true(r.score == 0);
}

static void reasons_are_the_largest_contributions(void **state)
{
	struct model m = small();
	struct features f = {.growth = 0.5, .networks = 4, .ttl_max = 300};
	struct reason r[MODEL_REASONS];

	(void)state;
	/* What lowers it is no reason. */
	assert_int_equal(model_reasons(&m, &f, r), 3);
	assert_string_equal(r[0].code, "model_probability");
	near(r[0].value, model_probability(&m, &f));
	near(r[0].threshold, 0.5);
	assert_string_equal(r[1].code, "networks");
	near(r[1].value, 4);
	assert_string_equal(r[1].text, "networks of 4 adds 2.41 to the log-odds of flux");
	assert_string_equal(r[2].code, "growth");
	f.growth = 0;
	assert_int_equal(model_reasons(&m, &f, r), 2);
}

static void codes_are_known_again(void **state)
{
	const uint8_t *text = (const uint8_t *)"growthmodel_probability";

	(void)state;
	assert_ptr_equal(model_spelled(text, 6), feature_names[FEATURE_growth]);
	assert_string_equal(model_spelled(text + 6, 17), "model_probability");
	assert_null(model_spelled(text, 5));
	assert_null(model_spelled(text, 7));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(values_are_those_of_the_formula),
		cmocka_unit_test(more_evidence_never_lowers_it),
		cmocka_unit_test(it_takes_the_ruling),
		cmocka_unit_test(reasons_are_the_largest_contributions),
		cmocka_unit_test(codes_are_known_again),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
