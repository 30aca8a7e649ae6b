/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

/* Single JSON values in the one form that all answers use. */

#include <math.h>
#include <stdint.h>

#include <jansson.h>

#include "export/rfc3339.h"

/* Sums stay below 2^63: at 10^9 a second that takes 292 years. */
static inline json_t *value_count(uint64_t n)
{
	return json_integer((json_int_t)n);
}

/* A count that is an estimate: the nearest integer. JSON has no word for what is not finite. */
static inline json_t *value_estimate(double v)
{
	return isfinite(v) ? json_integer((json_int_t)llround(v)) : json_null();
}

/* Three decimals; adding 0 makes -0 a 0. */
static inline json_t *value_real(double v)
{
	return isfinite(v) ? json_real(round(v * 1000) / 1000 + 0.0) : json_null();
}

/* A share of small numbers too: six decimals. */
static inline json_t *value_share(double v)
{
	return isfinite(v) ? json_real(round(v * 1e6) / 1e6 + 0.0) : json_null();
}

/* Seconds since 1970 as a time; 0 is none. */
static inline json_t *value_seconds(uint32_t t)
{
	char text[RFC3339_MAX];

	if (!t)
		return json_null();
	rfc3339_seconds(t, text);
	return json_string(text);
}

static inline json_t *value_nanoseconds(uint64_t ns)
{
	char text[RFC3339_MAX];

	if (!ns)
		return json_null();
	rfc3339_nanoseconds(ns, text);
	return json_string(text);
}

/* The tree, or NULL with the tree let go when a part of it could not be made. */
static inline json_t *value_whole(json_t *tree, int bad)
{
	if (!bad)
		return tree;
	json_decref(tree);
	return NULL;
}
