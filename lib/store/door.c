/* SPDX-License-Identifier: BSD-3-Clause */

/*
 * The doorkeeper: buckets of one cache line with eight names each. A way is
 *     day + 1 (16 bits) | tag of the name (24) | fingerprint of its unit (24)
 * so that the smallest way is a free or else the oldest one, whatever the order
 * in which names came. A tag or fingerprint that meets another (1 in 10^6 names
 * and look-ups) lets a name in early or makes it wait for one more address.
 */

#include "store/store_internal.h"

#define TAG_MASK UINT64_C(0xffffff)

bool door_holds(const struct store *st, uint64_t way)
{
	return st->now / DAY_SECONDS + 1 - (way >> 48) <= STORE_DOOR_DAYS;
}

bool door_pass(struct store *st, uint64_t key, uint64_t unit_hash, uint32_t *day)
{
	struct door_bucket *b = &st->door[door_slot(st, key)];
	uint64_t today = st->now / DAY_SECONDS + 1;
	uint64_t name = key & TAG_MASK, unit = unit_hash >> 40;
	unsigned at = 0;

	for (unsigned i = 0; i < DOOR_WAYS; i++) {
		if (!door_holds(st, b->way[i]))
			b->way[i] = 0;
		if (b->way[i] != 0 && (b->way[i] >> 24 & TAG_MASK) == name) {
			at = i;
			break;
		}
		if (b->way[i] < b->way[at])
			at = i;
	}
	uint64_t *way = &b->way[at];
	bool known = *way != 0 && (*way >> 24 & TAG_MASK) == name;
	if (known && (*way & TAG_MASK) != unit) {
		*day = (uint32_t)(*way >> 48) - 1;
		*way = 0;
		return true;
	}
	st->account.door_evicted += !known && *way != 0;
	/* The same unit again: its day is renewed, the seven days run from the last sighting. */
	*way = today << 48 | name << 24 | unit;
	return false;
}

bool door_waits(const struct store *st, uint64_t key, uint32_t *day)
{
	const struct door_bucket *b = &st->door[door_slot(st, key)];
	uint64_t today = st->now / DAY_SECONDS + 1;

	for (unsigned i = 0; i < DOOR_WAYS; i++) {
		uint64_t way = b->way[i];

		if (way == 0 || (way >> 24 & TAG_MASK) != (key & TAG_MASK) ||
			today - (way >> 48) > STORE_DOOR_DAYS)
			continue;
		*day = (uint32_t)(way >> 48) - 1;
		return true;
	}
	return false;
}
