/* SPDX-License-Identifier: BSD-3-Clause */

/* What a sighting adds to a full record: its items and TTL epochs. */

#include "store/store_internal.h"

unsigned domain_spread(const struct store *st, struct domain *d)
{
	if (d->spread == 0)
		for (unsigned i = 0; i < d->items; i++)
			d->spread |= spread_bit(st, d->item[i].unit);
	if (d->ns_spread == 0)
		for (unsigned i = 0; i < d->ns_items; i++)
			d->ns_spread |= ns_spread_bit(st, d->ns[i].unit);
	return diversity(d->spread, d->ns_spread);
}

unsigned domain_item_search(
	const struct store *st, const struct domain *d, uint64_t hash, unsigned from)
{
	unsigned to = d->items;

	while (from < to) {
		unsigned mid = (from + to) / 2;
		if (hash_u64(d->item[mid].unit, st->sketch) < hash)
			from = mid + 1;
		else
			to = mid;
	}
	return from;
}

/* Makes an item at `at`, which is where its hash belongs; there is room. */
static struct domain_item *item_insert(const struct store *st, struct domain *d, unsigned at,
	uint64_t unit, uint32_t first, const struct net_lookup *net)
{
	struct domain_item *it = &d->item[at];
	struct net_info info = {0};

	net->fn(net->ctx, unit, &info);
	memmove(it + 1, it, (d->items - at) * sizeof(*it));
	*it = (struct domain_item){
		.unit = unit, .asn = info.asn, .first = first, .last = first, .own = info.own};
	memcpy(it->country, info.country, sizeof(it->country));
	it->ns = domain_ns_find(d, unit) != NULL;
	if (d->spread)
		d->spread |= spread_bit(st, unit);
	d->items++;
	return it;
}

/* Drops an item, and says so where it was active. */
static void item_drop(const struct store *st, struct domain *d, unsigned at)
{
	struct domain_item *it = &d->item[at];
	struct moment m = {it->slots, it->hours, it->days};

	thresholds_lower(d, m, hash_u64(it->unit, st->sketch));
	d->items--;
	memmove(it, it + 1, (d->items - at) * sizeof(*it));
	d->spread = 0;
}

/* The last item that no slot or hour needs; STORE_SAMPLE when there is none. */
static unsigned old_find(const struct domain *d)
{
	for (unsigned i = d->items; i-- > 0;)
		if (d->item[i].slots == 0 && d->item[i].hours == 0)
			return i;
	return STORE_SAMPLE;
}

/* Room for a unit that belongs at `*at`; false when it has the largest hash of a full sample. */
static bool room_make(const struct store *st, struct domain *d, unsigned *at)
{
	if (d->items < STORE_SAMPLE)
		return true;
	unsigned old = old_find(d);
	if (old == STORE_SAMPLE && *at == STORE_SAMPLE)
		return false;
	item_drop(st, d, old < STORE_SAMPLE ? old : STORE_SAMPLE - 1u);
	*at -= old < *at;
	return true;
}

static void item_touch(const struct store *st, const struct domain *d, struct domain_item *it,
	const struct sighting *g, const struct sighting_unit *u, struct moment m)
{
	uint32_t day = g->last / DAY_SECONDS;

	if (u->grade != EVIDENCE_ALIAS && (!it->reversed || it->last / DAY_SECONDS != day)) {
		reverse_add(st->reverse, it->unit, d->key, day);
		it->reversed = 1;
	}
	if (it->early || (it->slots == 0 && it->hours == 0 && it->days == 0)) {
		it->server = u->server;
		it->host = u->host;
		it->names = u->names;
		it->early = 0;
	} else {
		if (it->server != u->server)
			it->server = SHARD_SERVER_SEVERAL;
		if (u->names || u->host != it->host)
			it->names = 1;
		if (u->host < it->host)
			it->host = u->host;
	}
	it->brief |= u->brief;
	it->slots |= m.slots;
	it->hours |= m.hours;
	it->days |= m.days;
	if (g->last > it->last)
		it->last = g->last;
	if (u->grade > it->grade)
		it->grade = (unsigned)u->grade & 3;
}

static void items_merge(const struct store *st, struct domain *d, const struct sighting *g,
	struct moment m, const struct net_lookup *net)
{
	unsigned at = 0;

	for (unsigned i = 0; i < g->units; i++) {
		const struct sighting_unit *u = &g->unit[i];

		at = domain_item_search(st, d, u->hash, at);
		if (at == d->items || d->item[at].unit != u->unit) {
			if (!room_make(st, d, &at)) {
				thresholds_lower(d, m, u->hash);
				break; /* the rest have larger hashes */
			}
			item_insert(st, d, at, u->unit, g->first, net);
		}
		item_touch(st, d, &d->item[at], g, u, m);
		if (u->grade > d->grade)
			d->grade = u->grade;
	}
	if (g->threshold != UINT64_MAX)
		thresholds_lower(d, m, g->threshold);
}

static void ttl_merge(struct domain *d, const struct sighting *g, struct moment m)
{
	if (g->ttl_max > d->ttl_day[0])
		d->ttl_day[0] = g->ttl_max;
	/* The median's place moves by one, towards what is seen. */
	if (g->units > 0) {
		uint8_t steps = ttl_to_steps(g->ttl_max);
		d->ttl_usual =
			(uint8_t)(d->ttl_usual + (steps > d->ttl_usual) - (steps < d->ttl_usual));
	}
	/* A TTL that is not flux's is no measure of it. */
	uint32_t ttl = domain_ttl(d) < SHARD_BRIEF_TTL ? domain_ttl(d) : SHARD_BRIEF_TTL;
	ttl = ttl ? ttl : 1;
	if (g->units == 0 || (d->fresh > 0 && g->last < (uint64_t)d->last_fresh + ttl))
		return;
	d->last_fresh = g->last;
	d->fresh++;
	if (m.slots) {
		uint8_t *n = &d->fresh_slot[__builtin_ctz(m.slots)];
		*n = (uint8_t)(*n + (*n != UINT8_MAX));
	}
	if (m.hours) {
		uint8_t *n = &d->fresh_hour[__builtin_ctz(m.hours)];
		*n = (uint8_t)(*n + (*n != UINT8_MAX));
	}
	if (m.days) {
		uint16_t *n = &d->fresh_day[__builtin_ctz(m.days)];
		*n = (uint16_t)(*n + (*n != UINT16_MAX));
	}
}

/* Units that are known for long, of a name that had few of them so far. */
static void settled_keep(const struct store *st, struct domain *d)
{
	d->settled_host = UINT8_MAX;
	d->settled_last = 0;
	d->settled_n = 0;
	for (unsigned i = 0; i < d->items && d->settled_n < STORE_SETTLED; i++) {
		const struct domain_item *it = &d->item[i];

		if (st->now >= it->first && st->now - it->first >= STORE_SETTLED_SECONDS)
			d->settled[d->settled_n++] =
				(uint32_t)(hash_u64(it->unit, st->sketch) >> 32);
	}
}

/*
 * The addresses of a record that name servers alone promoted are few still, until this
 * sighting makes them as many as promote.
 */
static void few_merge(const struct store *st, struct domain *d, const struct sighting *g)
{
	unsigned n = d->items;

	if (d->few_until)
		return;
	domain_spread(st, d);
	unsigned spread = d->spread;
	for (unsigned i = 0; i < g->units; i++) {
		unsigned at = domain_item_search(st, d, g->unit[i].hash, 0);
		n += at == d->items || d->item[at].unit != g->unit[i].unit;
		spread |= spread_bit(st, g->unit[i].unit);
	}
	if (n <= CANDIDATE_UNITS || (unsigned)__builtin_popcount(spread) < PROMOTE_SPREAD)
		return;
	settled_keep(st, d);
	/* Where none settled the time tells nothing, and is not saved. */
	d->few_until = d->settled_n ? st->now : d->tracked;
}

/* What the domain had while it had few is answered now. */
static void settled_merge(struct domain *d, const struct sighting *g)
{
	for (unsigned i = 0; i < g->units && d->settled_n; i++) {
		const struct sighting_unit *u = &g->unit[i];

		if (!domain_settled(d, u->hash))
			continue;
		d->settled_last = g->last;
		if (u->host < d->settled_host)
			d->settled_host = u->host;
	}
}

void domain_merge(const struct store *st, struct domain *d, const struct sighting *g,
	const struct net_lookup *net)
{
	domain_advance(d, g->last);
	struct moment m = moment_at(d, g->last);

	if (g->first < d->first)
		d->first = g->first;
	if (g->last > d->last)
		d->last = g->last;
	if (g->answer_max > d->answer_max)
		d->answer_max = g->answer_max;
	if (g->ns_ttl > d->ns_ttl)
		d->ns_ttl = g->ns_ttl;
	d->responses += g->responses;
	for (unsigned i = 0; i < g->units; i++)
		d->server_day[0] |= domain_server_bit(g->unit[i].server);
	if (d->answered_day[0] < UINT16_MAX) {
		d->answered_day[0]++;
		d->conflict_day[0] = (uint16_t)(d->conflict_day[0] + g->conflict);
	}
	ttl_merge(d, g, m);
	few_merge(st, d, g);
	items_merge(st, d, g, m, net);
	settled_merge(d, g);
	domain_ns_merge(st, d, g, net);
	domain_spread(st, d);
}

/*
 * Items for the units that the candidate kept. When it had turned some away,
 * only those below the largest hash kept are sure to be there: that bounds
 * the time up to now.
 */
static void items_from_candidate(const struct store *st, struct domain *d,
	const struct candidate *c, const struct net_lookup *net)
{
	unsigned n = c->units < CANDIDATE_UNITS ? c->units : CANDIDATE_UNITS;

	for (unsigned i = 0; i < n; i++) {
		uint64_t hash = hash_u64(c->unit[i], st->sketch);
		uint32_t first = c->first + c->seen[i] * CANDIDATE_STEP_SECONDS;
		struct moment m = moment_at(d, first);
		struct domain_item *it = item_insert(
			st, d, domain_item_search(st, d, hash, 0), c->unit[i], first, net);

		it->slots = m.slots;
		it->hours = m.hours;
		it->days = m.days;
		it->early = 1;
		it->brief = c->ttl_max <= SHARD_BRIEF_TTL;
		it->grade = (unsigned)c->grades >> 2 * i & 3;
		if (it->grade > d->grade)
			d->grade = it->grade;
	}
	if (c->units < CANDIDATE_MORE)
		return;
	uint64_t bound = hash_u64(d->item[n - 1].unit, st->sketch);
	struct moment m = moment_at(d, c->first);
	/* All bits from the newest to that of the first response; all when it lies further back. */
	thresholds_lower(d,
		(struct moment){
			(uint16_t)(m.slots * 2u - 1), m.hours * 2 - 1, (uint8_t)(m.days * 2u - 1)},
		bound);
}

void domain_start(const struct store *st, struct domain *d, const struct candidate *c, bool many,
	const struct sighting *g, const struct net_lookup *net)
{
	uint32_t last = c->last > g->last ? c->last : g->last;

	memset(d, 0, offsetof(struct domain, item));
	memset(d->slot_threshold, 0xff, sizeof(d->slot_threshold));
	memset(d->hour_threshold, 0xff, sizeof(d->hour_threshold));
	memset(d->day_threshold, 0xff, sizeof(d->day_threshold));
	d->key = g->key;
	d->first = c->first;
	d->last = last;
	d->tracked = st->now;
	d->slot = last / STORE_SLOT_SECONDS;
	d->hour = last / STORE_HOUR_SECONDS;
	d->day = last / DAY_SECONDS;
	/* What it was before today counts for a day. */
	d->ttl_day[1] = c->ttl_max;
	d->ttl_usual = ttl_to_steps(c->ttl_max);
	items_from_candidate(st, d, c, net);
	settled_keep(st, d);
	/* A record given up before is of no name that had few. */
	if (candidate_many(c))
		d->settled_n = 0;
	if (many)
		d->few_until = st->now;
}

void domain_renew(struct domain *d, const struct net_lookup *net)
{
	for (unsigned i = 0; i < d->items; i++) {
		struct net_info info = {0};

		net->fn(net->ctx, d->item[i].unit, &info);
		d->item[i].asn = info.asn;
		d->item[i].own = info.own;
		memcpy(d->item[i].country, info.country, sizeof(d->item[i].country));
	}
	for (unsigned i = 0; i < d->ns_items; i++) {
		struct net_info info = {0};

		net->fn(net->ctx, d->ns[i].unit, &info);
		d->ns[i].asn = info.asn;
	}
}
