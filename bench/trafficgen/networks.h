/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

#include <stdbool.h>
#include <stdint.h>

/*
 * The address plan: synthetic networks with private-use AS numbers (RFC 6996), each with a few IPv4
 * prefixes of public unicast space (no two in one /16) and one IPv6 /32 inside 2400::/12. The plan
 * does not depend on the seed, so one address database serves every capture.
 */

#define NETWORK_COUNT 1024
#define NETWORK_EYEBALLS 700 /* the first ones serve households, the rest is hosting */
#define NETWORK_OPERATOR 0   /* where the resolvers and clients of the capture live */
#define NETWORK_PREFIXES 5
#define NETWORK_NONE UINT16_MAX
#define NETWORK_ASN_BASE 4200000000u

struct address {
	uint64_t high; /* IPv6 only, host order */
	uint64_t low;  /* IPv4 in the low 32 bits, host order */
	bool v6;
};

struct network {
	uint32_t asn;
	char country[3];
	uint8_t prefix_count;
	struct {
		uint32_t base;
		uint8_t bits;
	} prefixes[NETWORK_PREFIXES];
	uint64_t v6_base; /* upper half of the first address of its /32 */
};

struct network_plan {
	struct network networks[NETWORK_COUNT];
	uint16_t owner_of_block[65536]; /* /16 -> network, NETWORK_NONE */
	uint16_t owner_of_v6[1u << 20]; /* bits 12-31 of the address -> network */
};

enum network_kind { NETWORK_ANY, NETWORK_EYEBALL, NETWORK_HOSTING };

/* The plan, from malloc(), or NULL. */
struct network_plan *plan_new(void);

/* A unicast address of the network picked by hash; the same for the same hash. */
struct address plan_address(
	const struct network_plan *plan, uint16_t network, uint64_t hash, bool v6);

/* The network an address belongs to, or NETWORK_NONE. */
uint16_t plan_owner(const struct network_plan *plan, const struct address *address);

/*
 * Picks count distinct networks of a kind into out, deterministic by key. With one_country
 * the first ones (at most two in five) share one country; their number is returned.
 */
uint16_t plan_pick(const struct network_plan *plan, uint64_t key, enum network_kind kind,
	uint16_t count, bool one_country, uint16_t *out);
