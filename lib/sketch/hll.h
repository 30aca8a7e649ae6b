/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

/*
 * HyperLogLog with 64 byte-wide registers (Flajolet et al. 2007), one cache
 * line: standard error 1.04 / sqrt(64) = 13 %. Below 160 the linear-counting
 * estimate is used, which is near exact for the small counts that matter here.
 *
 * Merging is the register-wise maximum: commutative, associative, idempotent.
 * Inputs are 64-bit hashes under the sketch key.
 */

#include <stdint.h>

#define HLL_REGISTERS 64u

struct hll {
	uint8_t reg[HLL_REGISTERS];
};

void hll_add(struct hll *s, uint64_t hash);
void hll_merge(struct hll *into, const struct hll *from);
/* Estimated number of distinct hashes added. O(64). */
double hll_estimate(const struct hll *s);
