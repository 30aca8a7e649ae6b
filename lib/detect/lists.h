/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

/*
 * Names that are judged otherwise: popular ones, which are suspected at most, and
 * infrastructure whose pools rotate by design, which is not flagged. The networks that
 * serve households. And names and addresses that others know for bad: they convict nobody,
 * but are named among the reasons, and make a verdict that is there surer.
 *
 * A list holds registered domains as hashes under a key of its own, which is secret: a
 * name that is not in it passes for one that is with a probability of its length / 2^64.
 * Filled when a configuration is read, only looked at afterwards.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/hash.h"
#include "psl/psl.h"

struct name_list {
	struct hash_key key;
	uint32_t n;
	uint32_t room;
	uint64_t *hash; /* of `room`, the caller's; ascending once sealed */
};

/* AS numbers. */
struct asn_list {
	uint32_t n;
	uint32_t room;
	uint32_t *asn; /* of `room`, the caller's; ascending once sealed */
};

/* Address units (base/address.h). */
struct unit_list {
	uint32_t n;
	uint32_t room;
	uint64_t *unit; /* of `room`, the caller's; ascending once sealed */
};

struct name_lists {
	struct name_list popular;
	struct name_list infrastructure;
	struct asn_list eyeballs;
	struct name_list known;
	struct unit_list known_units;
};

/* So many of a domain's sampled addresses are to be known for bad, or it is chance. */
#define KNOWN_UNITS_MIN 3u
/* What either adds to a verdict's confidence, as one sign does; 1 at most. */
#define KNOWN_CONFIDENCE 0.15

/* The later goes before the earlier where a name is on both. */
enum listing { LISTED_NOT, LISTED_POPULAR, LISTED_INFRASTRUCTURE };

/*
 * Adds the registered domain of a name as people write it (psl_list_name). NULL, or why it
 * was not added (static).
 */
const char *name_list_add(struct name_list *l, const struct psl *psl, const char *text, size_t len);

/* Puts it in order, each name once; before the first look-up. O(n log n). */
void name_list_seal(struct name_list *l);

/* The same of AS numbers. */
void asn_list_seal(struct asn_list *l);
bool asn_list_holds(const struct asn_list *l, uint32_t asn); /* O(log n) */

/* The same of address units. */
void unit_list_seal(struct unit_list *l);
bool unit_list_holds(const struct unit_list *l, uint64_t unit); /* O(log n) */

/* Is a registered domain, lower-case wire form, known for bad? NULL: no. O(log n). */
bool lists_know(const struct name_lists *lists, const uint8_t *name, size_t len);

/* Where a registered domain, lower-case wire form, is listed; NULL: nowhere. O(log n). */
enum listing lists_find(const struct name_lists *lists, const uint8_t *name, size_t len);

const char *listing_name(enum listing l);

/* What they make of a ruling on d (detect/rules.h). */
struct domain;
struct ruling;
void lists_rule(const struct name_lists *lists, const struct domain *d, struct ruling *r);

/* Adds the reason for which a popular name is suspected at most, once, where there is room. */
struct verdict;
void lists_reason(struct verdict *v);

/*
 * Adds what lists know, once, where there is room: of the domain itself (units 0), or of so
 * many of its addresses.
 */
void lists_known_reason(struct verdict *v, unsigned units);

/* The code of a reason above that is spelled so, static; NULL: there is none. */
const char *lists_spelled(const uint8_t *code, size_t len);
