/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

/*
 * Names that are judged otherwise: popular ones, which are suspected at most, and
 * infrastructure whose pools rotate by design, which is not flagged. And the networks that
 * serve households.
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

struct name_lists {
	struct name_list popular;
	struct name_list infrastructure;
	struct asn_list eyeballs;
};

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

/* The code of a reason above that is spelled so, static; NULL: there is none. */
const char *lists_spelled(const uint8_t *code, size_t len);
