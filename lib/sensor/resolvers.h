/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

/*
 * The operator's own resolvers, by address or prefix: what they answer is not what
 * one server alone says, however few names they have answered for
 * (SHARD_SERVER_RESOLVER). Filled at start, only read afterwards.
 */

#include <stdbool.h>
#include <stdint.h>

#include "base/bits.h"

#define RESOLVERS_MAX 32u

struct resolvers_prefix {
	uint64_t upper, lower; /* host order; IPv4 in the upper half of `upper` */
	uint64_t upper_mask, lower_mask;
	uint8_t version; /* 4 or 6 */
};

/* Zeroed: none. */
struct resolvers {
	uint32_t count;
	struct resolvers_prefix prefix[RESOLVERS_MAX];
};

/*
 * Adds the prefix of `len` bits of an address of IP version 4 or 6, in network order; what
 * is behind them is ignored. 0, or -1 when the length is 0 (it would be everybody's server)
 * or too large, the version is another, or there is no more room.
 */
int resolvers_add(struct resolvers *r, const uint8_t *addr, unsigned version, unsigned len);

/* Is the address below one of the prefixes? They are looked at in their order. */
bool resolvers_find(const struct resolvers *r, const uint8_t *addr, unsigned version);

/* The same, for a packet's way. */
static inline bool resolvers_known(const struct resolvers *r, const uint8_t *addr, unsigned version)
{
	return unlikely(r->count) && resolvers_find(r, addr, version);
}
