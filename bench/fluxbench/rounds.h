/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

/*
 * Rounds of one stage and their median. A round during which the ratio of TSC
 * to core cycles moved by more than 3 % says more of a neighbour than of the
 * code, and is left out; so is one that was not run long enough for a packet.
 */

#include <stdbool.h>

#define ROUNDS_MAX 256u
#define ROUNDS_RATIO_SLACK 0.03

struct rounds {
	unsigned kept;
	unsigned dropped;
	double cycles[ROUNDS_MAX]; /* TSC cycles a packet */
	double mpps[ROUNDS_MAX];
	double before[ROUNDS_MAX]; /* TSC cycles a core cycle, before the round ... */
	double after[ROUNDS_MAX];  /* ... and after it */
};

struct spread {
	double median, least, most;
};

void rounds_add(
	struct rounds *r, double cycles, double mpps, double ratio_before, double ratio_after);

/* Over the kept values; zeros when there are none. */
struct spread rounds_spread(const double *values, unsigned n);

/*
 * TSC cycles a core cycle, by a chain of dependent multiplications of 3 core
 * cycles each (Intel since Skylake, AMD since Zen).
 */
double core_ratio(void);
