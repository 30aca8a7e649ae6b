/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

/*
 * What the store knows of one name, whichever tier knows it: for explanations,
 * not for the way of a packet. Changes nothing.
 */

#include "store/store.h"

/* X(enumerator, name in JSON) */
#define STORE_TIERS(X) \
	X(TIER_NOTHING, "nothing")       /* no address of it within seven days */ \
	X(TIER_DOORKEEPER, "doorkeeper") /* one address so far */ \
	X(TIER_CANDIDATE, "candidate")   /* two or more, not yet spread widely enough */ \
	X(TIER_RECORD, "record")

#define STORE_TIER_ENUM(name, text) name,
enum store_tier { STORE_TIERS(STORE_TIER_ENUM) STORE_TIER_COUNT };

#define STORE_LOOK_UNITS 4u

/* Times in seconds since 1970. Of TIER_NOTHING only tier and key are set. */
struct store_look {
	enum store_tier tier;
	uint64_t key;
	const struct domain *record; /* TIER_RECORD only; valid until the store changes */
	uint32_t first;              /* the doorkeeper knows the day only */
	uint32_t last;
	uint32_t ttl_max;   /* not known to the doorkeeper: 0 */
	unsigned spread;    /* distinct aggregates, as bits of a bitmap of 16 */
	unsigned ns_spread; /* the same of the name servers' addresses */
	bool more;          /* a candidate that has seen more units than it keeps */
	unsigned units;     /* kept by a candidate, in no order */
	uint64_t unit[STORE_LOOK_UNITS];
	uint8_t grade[STORE_LOOK_UNITS];       /* enum evidence_grade */
	uint32_t unit_first[STORE_LOOK_UNITS]; /* to ten minutes */
};

/* What a candidate must have seen to get a full record: more units than it keeps, and this. */
unsigned store_promotion_spread(void);
/* Or name servers that come to so many more. */
unsigned store_promotion_ns_moved(void);

/* The key of a registered domain in lower-case wire form, as evidence carries it. */
uint64_t store_key(const struct store *st, const uint8_t *wire, unsigned len);

/*
 * O(1). The doorkeeper keeps 24 bits of a name: one in two million names that it never
 * met is taken for one that waits there.
 */
void store_look(const struct store *st, uint64_t key, struct store_look *out);

const char *store_tier_name(enum store_tier t);
