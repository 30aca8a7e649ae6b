/* SPDX-License-Identifier: BSD-3-Clause */

/* The bisection against a worker of known limits: find.c with a generator that computes. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "fluxloss/loss.h"

/* What the worker of a test takes, in Mpps, and how the machine behaves. */
static struct {
	double capacity;
	double limit;      /* without loss, in a short trial */
	double limit_long; /* and in a long one, which holds a merge */
	double generator;  /* what the generator can send */
	unsigned bad;      /* so many paced trials lose for another has the worker's CPU */
} worker;

void trial_run(struct generator *g, double mpps, double seconds, struct trial *t)
{
	double limit = seconds < 10 ? worker.limit : worker.limit_long;

	(void)g;
	*t = (struct trial){.asked_mpps = mpps, .asked_seconds = seconds, .seconds = seconds};
	if (mpps == 0) {
		t->generated = (uint64_t)(worker.capacity * 1e6 * seconds);
		return;
	}
	double sent = mpps < worker.generator ? mpps : worker.generator;
	t->generated = (uint64_t)(sent * 1e6 * seconds);
	t->withheld = (uint64_t)((mpps - sent) * 1e6 * seconds);
	t->lost = sent > limit ? (uint64_t)((sent - limit) * 1e6 * seconds) + 1 : 0;
	if (worker.bad) {
		worker.bad--;
		t->lost = 1000;
		t->worker_waited = 1;
	}
}

void generator_settle(const struct generator *g)
{
	(void)g;
}

void progress(const struct loss_config *c, const char *what, const struct trial *t)
{
	(void)c;
	(void)what;
	(void)t;
}

static const struct loss_config config = {
	.seconds = 2, .confirm = 12, .resolution = 0.01, .trials = 48};

static struct find_round find(const struct loss_config *c)
{
	struct find_round r = {0};

	find_run(c, NULL, &r);
	return r;
}

static void assert_found(const struct find_round *r, double limit)
{
	assert_true(r->found);
	assert_true(r->low <= limit && limit < r->high);
	assert_true(r->high - r->low <= 0.01 * r->high);
	assert_true(r->trial[r->low_trial].asked_mpps == r->low);
	assert_true(r->trial[r->low_trial].asked_seconds == config.confirm);
	assert_true(r->trial[r->low_trial].lost == 0);
	assert_true(r->trial[r->high_trial].asked_mpps == r->high);
	assert_true(r->trial[r->high_trial].asked_seconds == config.confirm);
	assert_true(r->trial[r->high_trial].lost > 0);
}

static void every_limit_is_found(void **state)
{
	(void)state;
	for (double limit = 0.2; limit < 1.2; limit += 0.0137) {
		worker = (typeof(worker)){1, limit, limit, 100, 0};
		struct find_round r = find(&config);
		assert_found(&r, limit);
		assert_int_equal(r.repeated, 0);
		assert_in_range(r.trials, 8, 12);
	}
}

/* What short trials say is refuted by long ones: the figure is the long ones'. */
static void a_merge_may_cost_more(void **state)
{
	(void)state;
	for (double limit = 0.2; limit < 1.1; limit += 0.0411) {
		for (double other = 0.2; other < 1.1; other += 0.0523) {
			worker = (typeof(worker)){1, limit, other, 100, 0};
			struct find_round r = find(&config);
			assert_found(&r, other);
		}
	}
}

static void disturbed_trials_are_repeated(void **state)
{
	(void)state;
	worker = (typeof(worker)){1, 0.9, 0.9, 100, 2};
	struct find_round r = find(&config);
	assert_found(&r, 0.9);
	assert_int_equal(r.repeated, 2);
	/* But not for ever: then it counts as loss, and the figure is too low, never too high. */
	worker.bad = 3;
	r = find(&config);
	assert_int_equal(r.repeated, 2);
	assert_true(!r.found || r.low <= 0.9);
}

static void no_figure_beyond_the_bounds(void **state)
{
	struct loss_config bounds = config;

	(void)state;
	worker = (typeof(worker)){1, 0.9, 0.9, 100, 0};
	bounds.low = 0.95;
	bounds.high = 1.2;
	assert_false(find(&bounds).found);
	bounds.low = 0.2;
	bounds.high = 0.85;
	assert_false(find(&bounds).found);
	bounds.high = 0.95;
	assert_true(find(&bounds).found);
}

/* A generator that cannot send what is asked says nothing of the worker. */
static void no_figure_without_the_load(void **state)
{
	(void)state;
	worker = (typeof(worker)){1, 0.9, 0.9, 0.5, 0};
	assert_false(find(&config).found);
}

static void the_figure_is_what_was_offered(void **state)
{
	(void)state;
	worker = (typeof(worker)){1, 0.9, 0.9, 100, 0};
	struct find_round r = find(&config);
	struct trial *t = &r.trial[r.low_trial];
	assert_true(find_figure(&r) <= r.low && find_figure(&r) > 0.999 * r.low);
	t->generated -= t->generated / 20;
	assert_true(find_figure(&r) < 0.96 * r.low);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_limit_is_found),
		cmocka_unit_test(a_merge_may_cost_more),
		cmocka_unit_test(disturbed_trials_are_repeated),
		cmocka_unit_test(no_figure_beyond_the_bounds),
		cmocka_unit_test(no_figure_without_the_load),
		cmocka_unit_test(the_figure_is_what_was_offered),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
