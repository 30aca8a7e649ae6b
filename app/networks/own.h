/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

/*
 * Which address units belong to the operator's own subscribers: ranges that ascend and
 * do not touch. Filled when a configuration is read, only looked at afterwards.
 */

#include <stdbool.h>
#include <stdint.h>

#define OWN_PREFIXES_MAX 256u

/* First and last unit (base/address.h). */
struct own_range {
	uint64_t first, last;
};

/* Zeroed: none. */
struct own_ranges {
	uint32_t n;
	struct own_range range[OWN_PREFIXES_MAX];
};

/*
 * Adds a prefix of `len` bits, 1 to 32 of IPv4, 3 to 64 of IPv6 within 2000::/3, of an address
 * in network order; what is behind them is ignored. 0, or -1 when it is another, or there
 * is no more room. O(n).
 */
int own_add(struct own_ranges *r, const uint8_t *addr, unsigned version, unsigned len);

/* O(log n). */
bool own_holds(const struct own_ranges *r, uint64_t unit);
