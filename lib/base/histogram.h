/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

/*
 * How often which value: exact below HISTOGRAM_STEPS, above in as many equal steps between
 * two powers of two, so that a quantile is at most a 32nd too high. Memory is fixed.
 * One thread; zeroed: empty.
 */

#include <stdint.h>

#define HISTOGRAM_STEPS_LOG2 5u
#define HISTOGRAM_STEPS (1u << HISTOGRAM_STEPS_LOG2)
#define HISTOGRAM_VALUE_LOG2 32u /* larger values count as the largest below 2^32 */
#define HISTOGRAM_PLACES (HISTOGRAM_STEPS * (HISTOGRAM_VALUE_LOG2 - HISTOGRAM_STEPS_LOG2 + 1u))

struct histogram {
	uint64_t count;
	uint64_t sum; /* of the values as they came, ... */
	uint64_t max; /* ... the largest of them */
	uint64_t place[HISTOGRAM_PLACES];
};

void histogram_add(struct histogram *h, uint64_t value);

/*
 * What `part` (0 to 1) of the values do not exceed: the upper end of the step it falls into,
 * never above the largest value. 0 when there are none.
 */
uint64_t histogram_quantile(const struct histogram *h, double part);

/* How many values are below 2^log2, HISTOGRAM_STEPS_LOG2 <= log2 <= HISTOGRAM_VALUE_LOG2 - 1. */
uint64_t histogram_below(const struct histogram *h, unsigned log2);
