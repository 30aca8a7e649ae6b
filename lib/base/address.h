/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

/*
 * Address units: what is counted as one address.
 *
 * IPv4 counts per /32, IPv6 per /64 (one subscriber or one server holds a whole
 * /64). Both fit one 64-bit word: a unit whose upper half is zero is IPv4 in
 * host order, any other is the upper half of an IPv6 address in host order.
 * Global unicast IPv6 lies in 2000::/3, so the two never meet.
 *
 * Special-purpose addresses (IANA special-purpose registries: loopback,
 * private, shared, link-local, documentation, benchmarking, multicast,
 * reserved) are never evidence and have no unit. IPv6 made by DNS64 under
 * 64:ff9b::/96 (RFC 6052) is unwrapped to the IPv4 inside; for other prefixes
 * see base/dns64.h.
 */

#include <stdbool.h>
#include <stdint.h>

#define ADDRESS_NONE UINT64_C(0)

/* Longest text of a unit with NUL: an IPv6 prefix with "/64". */
#define ADDRESS_TEXT_MAX 48u

/* Unit of 4 octets in network order, or ADDRESS_NONE for special-purpose ones. */
uint64_t address_unit_v4(const uint8_t *addr);

/* Unit of 16 octets in network order, or ADDRESS_NONE. */
uint64_t address_unit_v6(const uint8_t *addr);

static inline bool address_is_v4(uint64_t unit)
{
	return unit >> 32 == 0;
}

/*
 * Aggregate that stands in for a network where no address database knows the
 * unit: the /16 of an IPv4 unit, the /32 of an IPv6 one. Never 0.
 */
static inline uint32_t address_aggregate(uint64_t unit)
{
	return address_is_v4(unit) ? (uint32_t)(unit >> 16) : (uint32_t)(unit >> 32);
}

/* The 16 octets of a unit for a look-up: IPv4 in the last 4 octets of ::/96. */
void address_octets(uint64_t unit, uint8_t out[16]);

/* "192.0.2.1" or "2001:db8:0:1::/64"; text holds ADDRESS_TEXT_MAX. */
void address_text(uint64_t unit, char *text);
