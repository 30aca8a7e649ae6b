/* SPDX-License-Identifier: BSD-3-Clause */

/* How far the store's features are from the oracle's. */

#include <math.h>
#include <stdio.h>

#include "detect/columns.h"
#include "exact.h"

#define STEPS 1000u /* a thousandth each; what errs by more counts in the last */

/* Of tiers and samples, which the oracle has not. */
static bool left_out(unsigned feature)
{
	return feature == FEATURE_sample_share || feature == FEATURE_settled ||
	       feature == FEATURE_settled_beside;
}

static struct {
	double sum;
	unsigned long n;
	unsigned long step[STEPS + 1];
} error[FEATURE_COUNT];

/* Relative to the exact value; to the other one where that is 0. */
static void error_add(unsigned feature, double store, double oracle)
{
	double base = fabs(oracle) > 1e-9 ? fabs(oracle) : fabs(store);
	double e = base > 1e-9 ? fabs(store - oracle) / base : 0;

	error[feature].sum += e;
	error[feature].n++;
	error[feature].step[e < 1 ? (unsigned)ceil(e * STEPS - 1e-6) : STEPS]++;
}

void errors_add(const struct features *store, const struct features *oracle)
{
	for (unsigned i = 0; i < FEATURE_COUNT; i++)
		error_add(i, feature_get(store, i), feature_get(oracle, i));
}

static double percentile(unsigned feature, double share)
{
	unsigned long n = 0;

	for (unsigned i = 0; i <= STEPS; i++) {
		n += error[feature].step[i];
		if ((double)n >= share * (double)error[feature].n)
			return (double)i / STEPS;
	}
	return 1;
}

void errors_print(FILE *to)
{
	const char *before = "";

	for (unsigned i = 0; i < FEATURE_COUNT; i++) {
		if (left_out(i))
			continue;
		fprintf(to, "%s\"%s\": {\"mean\": %.4f, \"p95\": %.3f, \"compared\": %lu}", before,
			feature_names[i], error[i].n ? error[i].sum / (double)error[i].n : 0,
			percentile(i, 0.95), error[i].n);
		before = ", ";
	}
}
