/* SPDX-License-Identifier: BSD-3-Clause */

#include "store/store_internal.h"

#define SWEEP_MERGES 1024u /* the whole table is swept in so many merges */

static struct candidate *table_end(const struct store *st)
{
	return st->candidates + ((size_t)1 << st->config.candidates_log2) + CANDIDATE_PROBE_MAX;
}

static struct candidate *home_of(const struct store *st, const struct candidate *c)
{
	return st->candidates + candidate_slot(st, c->key);
}

struct candidate *candidate_find(const struct store *st, uint64_t key)
{
	struct candidate *c = &st->candidates[candidate_slot(st, key)];

	for (unsigned i = 0; i < CANDIDATE_PROBE_MAX; i++, c++) {
		if (c->key == key)
			return c;
		if (c->key == 0)
			return NULL;
	}
	return NULL;
}

/* The less there is to lose the smaller: tracked last, then by units, then by age. */
static uint64_t worth(const struct candidate *c)
{
	return (uint64_t)(c->tracked ? CANDIDATE_MORE + 1 : c->units) << 32 | c->last;
}

static bool held_by_verdict(const struct store *st, const struct candidate *c)
{
	return c->tracked && domain_flagged(&st->domains[c->record]);
}

/* The first free slot for a key, else the one of least worth that may be given up, or NULL. */
static struct candidate *slot_for(const struct store *st, uint64_t key)
{
	struct candidate *home = &st->candidates[candidate_slot(st, key)], *at = NULL;

	for (struct candidate *c = home; c < home + CANDIDATE_PROBE_MAX; c++) {
		if (c->key == 0)
			return c;
		if (!held_by_verdict(st, c) && (!at || worth(c) < worth(at)))
			at = c;
	}
	return at;
}

static struct candidate *slot_fill(
	struct store *st, struct candidate *at, const struct candidate *with)
{
	if (at->key != 0) {
		record_release(st, at);
		st->account.evicted++;
		st->account.live--;
	}
	*at = *with;
	st->account.live++;
	return at;
}

struct candidate *candidate_insert(struct store *st, uint64_t key)
{
	struct candidate *at = slot_for(st, key);

	return at ? slot_fill(st, at, &(struct candidate){.key = key}) : NULL;
}

struct candidate *candidate_place(struct store *st, const struct candidate *saved)
{
	struct candidate *at = slot_for(st, saved->key);

	if (!at || (at->key != 0 && worth(at) >= worth(saved)))
		return NULL;
	st->account.restored++;
	return slot_fill(st, at, saved);
}

void candidate_remove(struct store *st, struct candidate *c)
{
	record_release(st, c);
	st->account.live--;
	/* Whoever probed past this slot moves up, so that look-ups may stop at a free one. */
	for (struct candidate *n = c + 1; n - c < CANDIDATE_PROBE_MAX && n < table_end(st); n++) {
		if (n->key == 0)
			break;
		if (home_of(st, n) <= c) {
			*c = *n;
			c = n;
		}
	}
	c->key = 0;
}

bool candidate_expired(const struct store *st, const struct candidate *c)
{
	return st->now - c->last > SILENT_SECONDS && !held_by_verdict(st, c);
}

/* Index of the unit with the largest hash, which is in *hash. */
static unsigned largest_unit(const struct store *st, const struct candidate *c, uint64_t *hash)
{
	unsigned at = 0;

	*hash = 0;
	for (unsigned i = 0; i < CANDIDATE_UNITS; i++) {
		uint64_t h = hash_u64(c->unit[i], st->sketch);
		if (h >= *hash) {
			*hash = h;
			at = i;
		}
	}
	return at;
}

static void unit_set(struct candidate *c, unsigned at, const struct sighting_unit *u, uint16_t seen)
{
	c->unit[at] = u->unit;
	c->seen[at] = seen;
	unsigned others = c->grades & ~(3u << 2 * at);
	c->grades = (others | (unsigned)u->grade << 2 * at) & 0xff;
}

static void unit_merge(
	const struct store *st, struct candidate *c, const struct sighting_unit *u, uint16_t seen)
{
	unsigned n = c->units < CANDIDATE_UNITS ? c->units : CANDIDATE_UNITS;
	uint64_t largest;

	for (unsigned i = 0; i < n; i++) {
		if (c->unit[i] == u->unit) {
			if ((c->grades >> 2 * i & 3) < u->grade)
				unit_set(c, i, u, c->seen[i]);
			return;
		}
	}
	c->spread |= spread_bit(st, u->unit);
	if (n < CANDIDATE_UNITS) {
		unit_set(c, n, u, seen);
		c->units = (n + 1) & 7;
		return;
	}
	c->units = CANDIDATE_MORE;
	unsigned at = largest_unit(st, c, &largest);
	if (u->hash < largest)
		unit_set(c, at, u, seen);
}

static void servers_merge(const struct store *st, struct candidate *c, const struct sighting *g)
{
	uint16_t spread = 0;

	for (unsigned i = 0; i < g->ns_units; i++)
		spread |= ns_spread_bit(st, g->ns_unit[i].unit);
	if (!spread)
		return;
	unsigned more = (unsigned)__builtin_popcount(spread & ~c->ns_spread);
	unsigned stage = c->ns_stage + (c->ns_stage < NS_FIRST ? 1u : more);
	c->ns_stage = (stage < NS_STAGE_MAX ? stage : NS_STAGE_MAX) & NS_STAGE_MAX;
	c->ns_spread |= spread;
}

void candidate_merge(const struct store *st, struct candidate *c, const struct sighting *g)
{
	uint32_t step = g->first > c->first ? (g->first - c->first) / CANDIDATE_STEP_SECONDS : 0;
	uint32_t ttl = g->ttl_max < CANDIDATE_TTL_MAX ? g->ttl_max : CANDIDATE_TTL_MAX;

	for (unsigned i = 0; i < g->units; i++)
		unit_merge(st, c, &g->unit[i], (uint16_t)(step < UINT16_MAX ? step : UINT16_MAX));
	servers_merge(st, c, g);
	if (ttl > c->ttl_max)
		c->ttl_max = ttl & CANDIDATE_TTL_MAX;
}

bool candidate_many(const struct candidate *c)
{
	return c->units == CANDIDATE_MORE &&
	       (unsigned)__builtin_popcount(c->spread) >= PROMOTE_SPREAD;
}

bool candidate_qualifies(const struct candidate *c)
{
	return candidate_many(c) || c->ns_stage >= NS_FIRST + PROMOTE_NS_MOVED ||
	       (unsigned)__builtin_popcount(c->ns_spread) >= PROMOTE_NS_SPREAD;
}

/*
 * By home slot and not by where an entry stands, so that the order in which
 * names came does not decide when one goes.
 */
void candidate_sweep(struct store *st)
{
	uint32_t slots = UINT32_C(1) << st->config.candidates_log2;
	uint32_t from = st->sweep, to = from + (slots + SWEEP_MERGES - 1) / SWEEP_MERGES;

	if (to > slots)
		to = slots;
	struct candidate *home_from = st->candidates + from, *home_to = st->candidates + to;
	for (struct candidate *c = home_from; c < home_to + CANDIDATE_PROBE_MAX; c++) {
		/* Another moves into the place of one that goes. */
		while (c->key != 0 && candidate_expired(st, c) && home_of(st, c) >= home_from &&
			home_of(st, c) < home_to) {
			candidate_remove(st, c);
			st->account.expired++;
		}
	}
	st->sweep = to == slots ? 0 : to;
}
