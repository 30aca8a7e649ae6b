/* SPDX-License-Identifier: BSD-3-Clause */

/*
 * The doorkeeper: buckets of one cache line with eight names each. A way is
 *     day + 1 (16 bits) | tag of the name (24) | fingerprint of its unit (14) | of its glue (10)
 * so that the smallest way is a free or else the oldest one, whatever the order
 * in which names came. Glue is 0 while none was seen. A tag that meets another (1 in 10^6
 * names and look-ups) lets a name in early, a unit (1 in 16,384) makes it wait for one more.
 * States of before have a unit of 24 bits: its last ten are taken for glue, once.
 */

#include "store/store_internal.h"

#define TAG_MASK UINT64_C(0xffffff)
#define GLUE_BITS 10u
#define GLUE_MASK ((1u << GLUE_BITS) - 1)

static inline bool holds(uint64_t today, uint64_t way)
{
	return today - (way >> 48) <= STORE_DOOR_DAYS;
}

bool door_holds(const struct store *st, uint64_t way)
{
	return holds(st->now / DAY_SECONDS + 1, way);
}

/* Is there a unit, or glue, other than what waits? Where there is no glue it tells nothing. */
static bool another(uint64_t way, uint64_t seen)
{
	uint64_t differs = (way ^ seen) & TAG_MASK;

	return differs >> GLUE_BITS || ((way & GLUE_MASK) && (seen & GLUE_MASK) && differs);
}

/* What is seen of a name as the low 24 bits of its way. */
static uint64_t fingerprint(const struct sighting *g)
{
	uint64_t glue = g->ns_units ? g->ns_unit[0].hash >> (64 - GLUE_BITS) : 0;

	if (g->ns_units && glue == 0)
		glue = 1;
	return (g->unit[0].hash >> 40 & ~(uint64_t)GLUE_MASK) | glue;
}

bool door_pass(struct store *st, const struct sighting *g, uint32_t *day)
{
	uint64_t key = g->key, seen = fingerprint(g);
	struct door_bucket *b = &st->door[door_slot(st, key)];
	uint64_t today = st->now / DAY_SECONDS + 1;
	uint64_t name = key & TAG_MASK;
	unsigned at = 0;

	for (unsigned i = 0; i < DOOR_WAYS; i++) {
		if (!holds(today, b->way[i]))
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
	if (known && another(*way, seen)) {
		*day = (uint32_t)(*way >> 48) - 1;
		*way = 0;
		return true;
	}
	st->account.door_evicted += !known && *way != 0;
	/* The same unit again: its day is renewed, the seven days run from the last sighting. */
	if (known && (seen & GLUE_MASK) == 0)
		seen |= *way & GLUE_MASK;
	*way = today << 48 | name << 24 | seen;
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
