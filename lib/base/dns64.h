/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

/*
 * Prefixes of DNS64 (RFC 6147) that a network chose for itself: an AAAA address
 * below one stands for the IPv4 address inside it, and is counted as that one.
 * 64:ff9b::/96 needs no entry, see base/address.h.
 *
 * RFC 6052, section 2.2: the IPv4 address follows the prefix, around octet 8,
 * which is zero in all of them; what stands behind it is ignored.
 *
 *   length   32     40     48     56     64      96
 *   octets   4-7    5-7,9  6,7,   7,     9-12    12-15
 *                          9,10   9-11
 *
 * The table is filled at start and only read afterwards.
 */

#include <stdbool.h>
#include <stdint.h>

#include "base/address.h"
#include "base/bits.h"

#define DNS64_PREFIXES_MAX 8u

struct dns64_prefix {
	uint64_t upper, upper_mask; /* host order */
	uint32_t lower, lower_mask; /* octets 8 to 11, host order */
	uint8_t len;
};

/* Zeroed: no prefix. */
struct dns64 {
	uint32_t count;
	struct dns64_prefix prefix[DNS64_PREFIXES_MAX]; /* the longest first */
};

/* Is it one of the lengths of RFC 6052? */
bool dns64_length_known(unsigned len);

/*
 * Adds the prefix of `len` bits; what `addr` (16 octets, network order) has behind them is
 * ignored. 0, or -1 when the length is none of RFC 6052's, octet 8 is within the prefix and
 * not zero, or there is no more room.
 */
int dns64_add(struct dns64 *t, const uint8_t *addr, unsigned len);

/* The 4 octets inside the address, by the longest prefix above it; false: it is below none. */
bool dns64_inside(const struct dns64 *t, const uint8_t *addr, uint8_t v4[4]);

/* Unit of an AAAA address, or ADDRESS_NONE. */
static inline uint64_t dns64_unit(const struct dns64 *t, const uint8_t *addr)
{
	uint8_t v4[4];

	if (unlikely(t->count) && dns64_inside(t, addr, v4))
		return address_unit_v4(v4);
	return address_unit_v6(addr);
}
