/* SPDX-License-Identifier: BSD-3-Clause */

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include <rte_cycles.h>

#include "fluxbench/rounds.h"

#define CHAIN 100000u
#define CYCLES_A_MULTIPLY 3.0

double core_ratio(void)
{
	uint64_t x = 3, start = rte_rdtsc();

	for (unsigned i = 0; i < CHAIN; i++) {
		x *= UINT64_C(0x9e3779b97f4a7c15);
		__asm__ __volatile__("" : "+r"(x)); /* keep the chain a chain */
	}
	return (double)(rte_rdtsc() - start) / (CHAIN * CYCLES_A_MULTIPLY);
}

void rounds_add(
	struct rounds *r, double cycles, double mpps, double ratio_before, double ratio_after)
{
	if (r->kept == ROUNDS_MAX || !isfinite(cycles) ||
		fabs(ratio_after - ratio_before) > ROUNDS_RATIO_SLACK * ratio_before) {
		r->dropped++;
		return;
	}
	r->cycles[r->kept] = cycles;
	r->mpps[r->kept] = mpps;
	r->before[r->kept] = ratio_before;
	r->after[r->kept] = ratio_after;
	r->kept++;
}

static int by_value(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

struct spread rounds_spread(const double *values, unsigned n)
{
	double sorted[ROUNDS_MAX];

	if (n == 0)
		return (struct spread){0, 0, 0};
	memcpy(sorted, values, n * sizeof(sorted[0]));
	qsort(sorted, n, sizeof(sorted[0]), by_value);
	double median = n % 2 ? sorted[n / 2] : (sorted[n / 2 - 1] + sorted[n / 2]) / 2;
	return (struct spread){median, sorted[0], sorted[n - 1]};
}
