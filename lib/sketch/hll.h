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
#define HLL_INDEX_BITS 6u
_Static_assert(1u << HLL_INDEX_BITS == HLL_REGISTERS, "the top bits of a hash name a register");

struct hll {
	uint8_t reg[HLL_REGISTERS];
};

static inline void hll_add(struct hll *s, uint64_t hash)
{
	unsigned i = (unsigned)(hash >> (64 - HLL_INDEX_BITS));
	/* The guard bit bounds the run of zeros: ranks are 1..59. */
	uint64_t rest = hash << HLL_INDEX_BITS | UINT64_C(1) << (HLL_INDEX_BITS - 1);
	uint8_t rank = (uint8_t)(__builtin_clzll(rest) + 1);

	if (rank > s->reg[i])
		s->reg[i] = rank;
}

void hll_merge(struct hll *into, const struct hll *from);
/* Estimated number of distinct hashes added. O(64). */
double hll_estimate(const struct hll *s);
