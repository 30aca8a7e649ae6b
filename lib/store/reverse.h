/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

/*
 * The reverse view: which registered domains own an address unit.
 *
 * Fast flux is rented out, so that unrelated domains share the same scattered
 * hosts; a pool of volunteers or one company's servers carry few names besides
 * their own. Only domains with a full record are entered, and only for units
 * that their own names own (an alias to a CDN does not own its addresses).
 *
 * An entry keeps the domains with the smallest keys, so that the units of one
 * pool remember the same ones. Fixed size; a full neighbourhood loses its
 * oldest entry. Belongs to control's thread.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/hash.h"

#define REVERSE_KEYS 6u

struct reverse;

/* entries_log2 in 10..26, entries of 64 octets; 0 octets when out of range. */
size_t reverse_size(unsigned entries_log2);
struct reverse *reverse_init(void *mem, unsigned entries_log2, struct hash_key placement);

/* Enters that `key` owns `unit`; day is now / 86400. One or two cache lines. */
void reverse_add(struct reverse *r, uint64_t unit, uint64_t key, uint32_t day);

/* Keys that own the unit, at most REVERSE_KEYS, into out; their number. */
unsigned reverse_owners(const struct reverse *r, uint64_t unit, uint64_t out[REVERSE_KEYS]);

/* What an entry holds, apart from where it stands. */
struct reverse_unit {
	uint64_t unit;
	uint32_t day; /* last entered */
	uint32_t keys;
	uint64_t key[REVERSE_KEYS];
};

/* Entry i of reverse_entries(), used or not: false. */
uint64_t reverse_entries(const struct reverse *r);
bool reverse_at(const struct reverse *r, uint64_t i, struct reverse_unit *out);

/* Puts a saved entry in; false where there is none to give up that is as old, or it is there. */
bool reverse_place(struct reverse *r, const struct reverse_unit *u);
