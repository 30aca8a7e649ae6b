/* SPDX-License-Identifier: BSD-3-Clause */

/* The pool of ledgers, and what a sighting adds to one. */

#include "store/ledger.h"
#include "store/store_internal.h"

#define RECORDS_A_LEDGER 32u
#define LEDGERS_LEAST 128u /* so that in a small store, too, it seldom matters who came first */
#define LEDGERS_MOST 8192u /* what control can judge in a second or so, were all seen at once */
#define LEAST_NETWORKS 5u
#define HOLD_SECONDS (3u * DAY_SECONDS) /* for so long nobody else is given it */
#define TAKE_PROBE 16u

uint32_t ledger_count(uint32_t domains)
{
	uint32_t n = domains / RECORDS_A_LEDGER + LEDGERS_LEAST;

	return n < LEDGERS_MOST ? n : LEDGERS_MOST;
}

const struct ledger *store_ledger(const struct store *st, const struct domain *d)
{
	return d->ledger ? &st->ledgers[d->ledger - 1] : NULL;
}

static uint32_t mark_hash(uint64_t unit_hash)
{
	return (uint32_t)(unit_hash >> 32);
}

static void threshold_lower(struct ledger *l, uint32_t hours, uint32_t hash)
{
	/* 0 would leave nothing to estimate from, and a bound is not "complete". */
	uint32_t bound = hash == 0 ? 1 : hash == UINT32_MAX ? UINT32_MAX - 1 : hash;

	for (; hours; hours &= hours - 1) {
		uint32_t *t = &l->hour_threshold[__builtin_ctz(hours)];
		*t = bound < *t ? bound : *t;
	}
}

static void marks_expire(struct ledger *l)
{
	uint32_t n = 0;

	for (uint32_t i = 0; i < l->marks; i++)
		if (l->mark[i].hours)
			l->mark[n++] = l->mark[i];
	l->marks = n;
}

static void ledger_advance(struct ledger *l, uint32_t slot, uint32_t hour)
{
	uint32_t slots = slot - l->slot, hours = hour - l->hour;

	if (slots == 0)
		return;
	slots = slots < STORE_SLOTS ? slots : STORE_SLOTS;
	hours = hours < STORE_HOURS ? hours : STORE_HOURS;
	for (uint32_t i = 0; i < l->marks; i++) {
		struct ledger_mark *k = &l->mark[i];
		k->slots = (uint16_t)((uint32_t)k->slots << slots);
		k->hours = (uint32_t)((uint64_t)k->hours << hours);
	}
	memmove(l->hour_threshold + hours, l->hour_threshold,
		(STORE_HOURS - hours) * sizeof(l->hour_threshold[0]));
	memset(l->hour_threshold, 0xff, hours * sizeof(l->hour_threshold[0]));
	l->slot = slot;
	l->hour = hour;
	if (hours)
		marks_expire(l);
}

/* First mark whose hash is not below `hash`, from `from` on. */
static uint32_t mark_search(const struct ledger *l, uint32_t hash, uint32_t from)
{
	uint32_t to = l->marks;

	while (from < to) {
		uint32_t mid = (from + to) / 2;
		if (l->mark[mid].hash < hash)
			from = mid + 1;
		else
			to = mid;
	}
	return from;
}

static void mark_touch(struct ledger_mark *k, const struct sighting_unit *u, struct moment m)
{
	if (k->early || k->hours == 0)
		k->server = u->server;
	else if (k->server != u->server)
		k->server = SHARD_SERVER_SEVERAL;
	k->early = 0;
	k->brief |= u->brief;
	k->slots |= m.slots;
	k->hours |= m.hours;
	if (u->grade > k->grade)
		k->grade = (unsigned)u->grade & 3;
}

/* Makes a mark where its hash belongs; false when that is behind the last of a full sample. */
static bool mark_insert(struct ledger *l, uint32_t at, uint32_t hash)
{
	if (l->marks == LEDGER_MARKS) {
		const struct ledger_mark *last = &l->mark[LEDGER_MARKS - 1];
		if (at == LEDGER_MARKS)
			return false;
		threshold_lower(l, last->hours, last->hash);
		l->marks--;
	}
	memmove(&l->mark[at + 1], &l->mark[at], (l->marks - at) * sizeof(l->mark[0]));
	l->mark[at] = (struct ledger_mark){.hash = hash};
	l->marks++;
	return true;
}

void ledger_merge(struct store *st, const struct domain *d, const struct sighting *g)
{
	struct ledger *l;
	struct moment m = moment_at(d, g->last);
	uint32_t at = 0;

	/* What lies before all windows has no bit, and would be a mark that never expires. */
	if (d->ledger == 0 || m.hours == 0)
		return;
	l = &st->ledgers[d->ledger - 1];
	ledger_advance(l, d->slot, d->hour);
	for (unsigned i = 0; i < g->units; i++) {
		uint32_t hash = mark_hash(g->unit[i].hash);

		at = mark_search(l, hash, at);
		if ((at == l->marks || l->mark[at].hash != hash) && !mark_insert(l, at, hash)) {
			threshold_lower(l, m.hours, hash);
			break; /* the rest have larger hashes */
		}
		mark_touch(&l->mark[at], &g->unit[i], m);
	}
	if (g->threshold != UINT64_MAX)
		threshold_lower(l, m.hours, mark_hash(g->threshold));
}

/* What the record knows is where a ledger begins. */
static void ledger_start(const struct store *st, struct ledger *l, const struct domain *d)
{
	l->since = st->now;
	l->slot = d->slot;
	l->hour = d->hour;
	for (unsigned i = 0; i < STORE_HOURS; i++)
		l->hour_threshold[i] = d->hour_threshold[i] == UINT16_MAX
					       ? UINT32_MAX
					       : (uint32_t)d->hour_threshold[i] << 16;
	for (unsigned i = 0; i < d->items; i++) {
		const struct domain_item *it = &d->item[i];
		uint32_t hash = mark_hash(hash_u64(it->unit, st->sketch));
		/* Two of the same top half are one mark. */
		if (it->hours == 0 || (l->marks > 0 && l->mark[l->marks - 1].hash == hash))
			continue;
		l->mark[l->marks++] = (struct ledger_mark){
			.hash = hash,
			.hours = it->hours,
			.slots = it->slots,
			.server = it->server,
			.grade = it->grade,
			.brief = it->brief,
			.early = it->early,
		};
	}
}

/* Are the sample's addresses in so many networks that it may be flux? */
static bool networks_suffice(const struct domain *d)
{
	uint64_t network[LEAST_NETWORKS];
	unsigned n = 0;

	for (unsigned i = 0; i < d->items && n < LEAST_NETWORKS; i++) {
		uint64_t one = domain_network(d->item[i].unit, d->item[i].asn);
		unsigned k = 0;
		while (k < n && network[k] != one)
			k++;
		if (k == n)
			network[n++] = one;
	}
	return n == LEAST_NETWORKS;
}

/* One that is free, or that an unflagged domain has had for long; NULL: there is none. */
static struct ledger *ledger_take(struct store *st)
{
	uint32_t all = ledger_count(st->config.domains);

	if (st->ledger_free_n > 0)
		return &st->ledgers[st->ledger_free[--st->ledger_free_n]];
	for (uint32_t i = 0; i < TAKE_PROBE && i < all; i++) {
		struct ledger *l = &st->ledgers[st->ledger_hand];
		st->ledger_hand = st->ledger_hand + 1 == all ? 0 : st->ledger_hand + 1;
		struct domain *d = store_find(st, l->key);
		if (!d || domain_flagged(d) || st->now - l->since < HOLD_SECONDS)
			continue;
		d->ledger = 0;
		return l;
	}
	return NULL;
}

struct ledger *ledger_attach(struct store *st, struct domain *d)
{
	struct ledger *l = ledger_take(st);

	if (!l)
		return NULL;
	l->key = d->key;
	l->marks = 0;
	d->ledger = (uint32_t)(l - st->ledgers) + 1;
	return l;
}

void ledger_grant(struct store *st, struct domain *d)
{
	if (d->ledger || d->items < STORE_SAMPLE || !networks_suffice(d))
		return;
	struct ledger *l = ledger_attach(st, d);
	if (l)
		ledger_start(st, l, d);
	else
		st->account.ledger_denied++;
}

void ledger_release(struct store *st, struct domain *d)
{
	if (d->ledger == 0)
		return;
	st->ledgers[d->ledger - 1].key = 0;
	st->ledger_free[st->ledger_free_n++] = d->ledger - 1;
	d->ledger = 0;
}
