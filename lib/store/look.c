/* SPDX-License-Identifier: BSD-3-Clause */

#include "store/look.h"
#include "store/store_internal.h"

_Static_assert(STORE_LOOK_UNITS == CANDIDATE_UNITS, "a look tells all that a candidate keeps");

unsigned store_promotion_spread(void)
{
	return PROMOTE_SPREAD;
}

unsigned store_promotion_ns_moved(void)
{
	return PROMOTE_NS_MOVED;
}

uint64_t store_key(const struct store *st, const uint8_t *wire, unsigned len)
{
	return hash_bytes(wire, len, st->sketch) | 1;
}

static void look_record(const struct store *st, const struct domain *d, struct store_look *out)
{
	unsigned spread = 0, ns_spread = 0;

	for (unsigned i = 0; i < d->items; i++)
		spread |= spread_bit(st, d->item[i].unit);
	for (unsigned i = 0; i < d->ns_items; i++)
		ns_spread |= ns_spread_bit(st, d->ns[i].unit);
	out->tier = TIER_RECORD;
	out->record = d;
	out->first = d->first;
	out->last = d->last;
	out->ttl_max = domain_ttl(d);
	out->spread = (unsigned)__builtin_popcount(spread);
	out->ns_spread = (unsigned)__builtin_popcount(ns_spread);
}

static void look_candidate(const struct candidate *c, struct store_look *out)
{
	out->tier = TIER_CANDIDATE;
	out->first = c->first;
	out->last = c->last;
	out->ttl_max = c->ttl_max;
	out->spread = (unsigned)__builtin_popcount(c->spread);
	out->ns_spread = (unsigned)__builtin_popcount(c->ns_spread);
	out->more = c->units == CANDIDATE_MORE;
	out->units = out->more ? CANDIDATE_UNITS : c->units;
	for (unsigned i = 0; i < out->units; i++) {
		out->unit[i] = c->unit[i];
		out->grade[i] = c->grades >> 2 * i & 3;
		out->unit_first[i] = c->first + c->seen[i] * CANDIDATE_STEP_SECONDS;
	}
}

void store_look(const struct store *st, uint64_t key, struct store_look *out)
{
	const struct candidate *c = candidate_find(st, key);
	uint32_t day;

	*out = (struct store_look){.tier = TIER_NOTHING, .key = key};
	if (c && c->tracked) {
		look_record(st, &st->domains[c->record], out);
	} else if (c && !candidate_expired(st, c)) {
		look_candidate(c, out);
	} else if (door_waits(st, key, &day)) {
		out->tier = TIER_DOORKEEPER;
		out->first = out->last = day * DAY_SECONDS;
	}
}

const char *store_tier_name(enum store_tier t)
{
	static const char *const names[STORE_TIER_COUNT] = {
#define X(name, text) [name] = text,
		STORE_TIERS(X)
#undef X
	};
	return names[t];
}
