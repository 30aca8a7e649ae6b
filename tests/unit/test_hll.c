/* SPDX-License-Identifier: BSD-3-Clause */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <math.h>
#include <string.h>

#include "base/hash.h"
#include "sketch/hll.h"

static const struct hash_key key = {0x243f6a8885a308d3, 0x13198a2e03707344};

static void add_range(struct hll *s, uint64_t from, uint64_t to)
{
	for (uint64_t i = from; i < to; i++)
		hll_add(s, hash_bytes(&i, sizeof(i), key));
}

static void nothing_is_zero_and_one_is_one(void **state)
{
	struct hll s = {0};

	(void)state;
	assert_true(hll_estimate(&s) == 0);
	add_range(&s, 0, 1);
	assert_true(fabs(hll_estimate(&s) - 1) < 0.05);
	add_range(&s, 0, 1);
	assert_true(fabs(hll_estimate(&s) - 1) < 0.05);
}

/* Root mean square error over disjoint sets; the theory says 13 %, less for small counts. */
static void error_is_what_the_theory_says(void **state)
{
	static const struct {
		uint64_t n;
		double rms_max;
	} cases[] = {{4, 0.08}, {16, 0.12}, {50, 0.12}, {150, 0.16}, {1000, 0.16}, {20000, 0.16}};

	(void)state;
	for (unsigned c = 0; c < sizeof(cases) / sizeof(cases[0]); c++) {
		uint64_t n = cases[c].n;
		double square = 0, mean = 0;
		const unsigned rounds = 300;

		for (unsigned r = 0; r < rounds; r++) {
			struct hll s = {0};

			add_range(&s, ((uint64_t)r + 1) << 32, (((uint64_t)r + 1) << 32) + n);
			double relative = hll_estimate(&s) / (double)n - 1;
			square += relative * relative;
			mean += relative;
		}
		if (sqrt(square / rounds) > cases[c].rms_max || fabs(mean / rounds) > 0.05)
			fail_msg("n %u: rms %f, bias %f", (unsigned)n, sqrt(square / rounds),
				mean / rounds);
	}
}

static void extreme_hashes_stay_within_the_ranks(void **state)
{
	struct hll s = {0};

	(void)state;
	hll_add(&s, 0);
	hll_add(&s, UINT64_MAX);
	assert_int_equal(s.reg[0], 59);
	assert_int_equal(s.reg[63], 1);
	for (unsigned i = 0; i < HLL_REGISTERS; i++)
		hll_add(&s, (uint64_t)i << 58);
	assert_true(isfinite(hll_estimate(&s)) && hll_estimate(&s) > 1e18);
}

static void merge_is_the_sketch_of_the_union(void **state)
{
	struct hll a = {0}, b = {0}, c = {0}, all = {0};

	(void)state;
	add_range(&a, 0, 500);
	add_range(&b, 300, 900);
	add_range(&c, 5000, 5100);
	add_range(&all, 0, 900);
	add_range(&all, 5000, 5100);

	struct hll ab = a, bc = b, ba = b, again;
	hll_merge(&ab, &b);
	hll_merge(&ba, &a);
	assert_memory_equal(&ab, &ba, sizeof(ab));
	hll_merge(&ab, &c);
	hll_merge(&bc, &c);
	hll_merge(&bc, &a);
	assert_memory_equal(&ab, &bc, sizeof(ab));
	assert_memory_equal(&ab, &all, sizeof(ab));
	again = ab;
	hll_merge(&again, &a);
	assert_memory_equal(&again, &ab, sizeof(ab));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(nothing_is_zero_and_one_is_one),
		cmocka_unit_test(error_is_what_the_theory_says),
		cmocka_unit_test(extreme_hashes_stay_within_the_ranks),
		cmocka_unit_test(merge_is_the_sketch_of_the_union),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
