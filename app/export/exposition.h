/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

/*
 * Parts of the Prometheus text format 0.0.4. Metric names are given without the
 * program's prefix; the same family is headed once, its samples stand right behind.
 */

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "base/histogram.h"

#define EXPOSITION_PREFIX "fluxgate_"

/* HELP and TYPE of a counter or a gauge. */
void exposition_head(FILE *f, const char *metric, const char *help, bool gauge);

/* A family of one sample without labels. */
void exposition_number(FILE *f, const char *metric, const char *help, bool gauge, uint64_t value);

/* name="value"; what would end the value is escaped, what is not plain ASCII is replaced. */
void exposition_label(FILE *f, const char *name, const char *value);

/*
 * A histogram of microseconds as one of seconds, with limits at the powers of two from
 * 2^first to 2^last microseconds, where the counts are exact.
 */
void exposition_histogram(FILE *f, const char *metric, const char *help, const struct histogram *h,
	unsigned first, unsigned last);
