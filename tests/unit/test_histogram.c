/* SPDX-License-Identifier: BSD-3-Clause */

/* The histogram against a sorted list of the same values. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/hash.h"
#include "base/histogram.h"

#define VALUES 5000u

static struct histogram h;

static int clear(void **state)
{
	(void)state;
	h = (struct histogram){0};
	return 0;
}

static int by_value(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return (x > y) - (x < y);
}

static void empty_has_none(void **state)
{
	(void)state;
	assert_int_equal(histogram_quantile(&h, 0), 0);
	assert_int_equal(histogram_quantile(&h, 0.99), 0);
	assert_int_equal(histogram_below(&h, 20), 0);
}

static void small_values_are_exact(void **state)
{
	(void)state;
	for (uint64_t v = 0; v < HISTOGRAM_STEPS; v++)
		histogram_add(&h, v);
	for (uint64_t v = 0; v < HISTOGRAM_STEPS; v++)
		assert_int_equal(
			histogram_quantile(&h, (double)(v + 1) / (double)HISTOGRAM_STEPS), v);
	assert_int_equal(h.sum, HISTOGRAM_STEPS * (HISTOGRAM_STEPS - 1) / 2);
}

/* Of all magnitudes: never too low, at most a 32nd too high, the largest exact. */
static void quantiles_are_near(void **state)
{
	static const double parts[] = {0, 0.001, 0.25, 0.5, 0.9, 0.99, 0.999, 1};
	static uint64_t value[VALUES];
	uint64_t sum = 0;

	(void)state;
	for (unsigned i = 0; i < VALUES; i++) {
		uint64_t random = hash_u64(i, (struct hash_key){1, 2});

		value[i] = (random >> 32) >> (random % 32);
		sum += value[i];
		histogram_add(&h, value[i]);
	}
	qsort(value, VALUES, sizeof(value[0]), by_value);
	assert_int_equal(h.count, VALUES);
	assert_int_equal(h.sum, sum);
	assert_int_equal(h.max, value[VALUES - 1]);
	for (unsigned i = 0; i < sizeof(parts) / sizeof(parts[0]); i++) {
		unsigned rank = (unsigned)(parts[i] * VALUES);
		uint64_t exact = value[rank ? rank - 1 : 0], q = histogram_quantile(&h, parts[i]);

		assert_true(q >= exact);
		assert_true(q - exact <= exact / HISTOGRAM_STEPS);
	}
	assert_int_equal(histogram_quantile(&h, 1), h.max);
	for (unsigned log2 = HISTOGRAM_STEPS_LOG2; log2 < HISTOGRAM_VALUE_LOG2; log2++) {
		unsigned n = 0;

		while (n < VALUES && value[n] < UINT64_C(1) << log2)
			n++;
		assert_int_equal(histogram_below(&h, log2), n);
	}
}

static void one_value_is_all_quantiles(void **state)
{
	(void)state;
	histogram_add(&h, 1000003);
	assert_int_equal(histogram_quantile(&h, 0), 1000003);
	assert_int_equal(histogram_quantile(&h, 0.5), 1000003);
	assert_int_equal(histogram_quantile(&h, 1), 1000003);
}

static void huge_values_count(void **state)
{
	(void)state;
	histogram_add(&h, UINT64_MAX / 2);
	histogram_add(&h, UINT64_C(1) << HISTOGRAM_VALUE_LOG2);
	histogram_add(&h, (UINT64_C(1) << HISTOGRAM_VALUE_LOG2) - 1);
	assert_int_equal(h.count, 3);
	assert_int_equal(h.place[HISTOGRAM_PLACES - 1], 3);
	assert_int_equal(histogram_quantile(&h, 0.5), UINT64_MAX / 2);
	assert_int_equal(histogram_below(&h, HISTOGRAM_VALUE_LOG2 - 1), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(empty_has_none, clear),
		cmocka_unit_test_setup(small_values_are_exact, clear),
		cmocka_unit_test_setup(quantiles_are_near, clear),
		cmocka_unit_test_setup(one_value_is_all_quantiles, clear),
		cmocka_unit_test_setup(huge_values_count, clear),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
