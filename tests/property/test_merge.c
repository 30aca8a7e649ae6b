/* SPDX-License-Identifier: BSD-3-Clause */

/*
 * The merge against plain sets. The same random answers are dealt to 1, 2 and 4
 * shards, in different ways and orders, into a store each: below capacity the
 * stores must be the same to the octet, and must hold what an exact model of
 * sets holds wherever a threshold promises it.
 */

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <math.h>
#include <stdio.h>

#include "store/ledger.h"
#include "tests/unit/store_fixture.h"

#define DAY 86400u
#define EPOCH 10u
#define START (20000u * DAY)
#define NAMES 120u
#define EPOCHS 160u
#define VARIANTS 5u
#define SHARDS_MAX 4u
#define HASH16(unit) ((uint16_t)(hash_u64(unit, test_sketch) >> 48))

static uint64_t seed;

static uint64_t draw(void)
{
	seed ^= seed << 13;
	seed ^= seed >> 7;
	seed ^= seed << 17;
	return seed * 0x2545f4914f6cdd1d;
}

static uint32_t below(uint32_t n)
{
	return (uint32_t)((draw() >> 32) * n >> 32);
}

/* One unit of one name in one epoch. */
struct seen {
	uint64_t unit;
	uint64_t host;
	uint32_t epoch; /* its first second */
	uint8_t server;
};

/* Distinct values, counted to as many as the tiers ask for. */
struct tally {
	unsigned n, most;
	uint64_t value[64];
};

struct model {
	struct seen *seen;
	uint32_t n, room;
	uint32_t tracked;     /* first second of the epoch of promotion; 0: not tracked */
	uint64_t responses;   /* since then */
	uint64_t door;        /* what the door keeps of the unit that waits; 0: none ... */
	uint64_t door_glue;   /* ... and of its glue; 0: none */
	struct tally glue;    /* name servers' addresses of this epoch ... */
	struct tally servers; /* ... and their aggregates of IPv4, since it is known ... */
	unsigned glued;       /* ... in so many epochs ... */
	unsigned moved;       /* ... after the first four of which so many came */
	uint32_t door_day;
	bool known; /* a candidate or more, with these units and aggregates */
	struct tally units, aggregates;
	uint32_t last;
};

struct side {
	struct store *store;
	struct shard *shard[SHARDS_MAX];
	unsigned shards;
	uint64_t touched; /* hash of the keys in order */
};

static struct side side[VARIANTS];
static struct model model[NAMES];
static uint64_t waiting, inserted; /* by the model */
static uint64_t complete_slots, bounded_slots, ledger_hours;
static const struct net_lookup net = {test_network, NULL};

static void tally_add(struct tally *t, uint64_t value)
{
	for (unsigned i = 0; i < t->n; i++)
		if (t->value[i] == value)
			return;
	if (t->n < t->most)
		t->value[t->n++] = value;
}

static void model_see(struct model *m, uint64_t unit, uint64_t host, uint32_t epoch, uint8_t server)
{
	if (m->n == m->room) {
		m->room = m->room ? 2 * m->room : 64;
		m->seen = realloc(m->seen, m->room * sizeof(m->seen[0]));
		if (!m->seen)
			abort();
	}
	m->seen[m->n++] = (struct seen){unit, host, epoch, server};
}

/* What an answer holds depends on the name: its pool, networks, hosts, name servers. */
static void answer_draw(uint32_t id, struct shard_observation *o, uint64_t *unit, uint64_t *ns)
{
	static const uint32_t pools[] = {1, 2, 3, 4, 6, 12, 70, 400, 3000, 20};
	static const uint32_t sizes[] = {1, 1, 2, 4, 10, 40};
	uint32_t pool = pools[id % 10], nets = 1 + id / 10 % 6 * 3, n = sizes[id / 60 * 3 + id % 3];

	for (uint32_t i = 0; i < n; i++) {
		uint32_t member = below(pool);
		unit[i] = (uint64_t)(0x0800 + id * 64 + member % nets) << 16 | (member + 1);
		if (id % 7 == 0)
			unit[i] = unit[i] << 32 | UINT64_C(0x2a00) << 48;
	}
	o->units = (uint8_t)(below(30) ? n : 0);
	o->host = hash_u64(id * 1000 + below(id % 5 ? 1 : 40), test_sketch);
	o->server = (uint8_t)(1 + below(id % 3 ? 1 : 4));
	o->ttl = 30 + below(200);
	o->grade = id % 4 ? (enum evidence_grade)below(4) : EVIDENCE_ALIAS;
	for (uint32_t i = 0; i < 10; i++)
		ns[i] = (uint64_t)(0x0900 + id * 64 + below(14)) << 16 | 5;
	ns[3] = unit[0];
	o->ns_names = o->ns_units = id % 3 == 1 && !below(4) ? (uint8_t)(1 + below(10)) : 0;
	o->ns_ttl = o->ns_names ? 100 + below(4000) : 0;
}

/* Deals one answer to one shard of each variant, and to the model. */
static void answer(uint32_t id, uint32_t epoch)
{
	uint64_t unit[64], ns[10];
	uint8_t name[6];
	struct shard_observation o = {.key = test_key(id),
		.name = name,
		.name_len = (uint8_t)test_name(id, name),
		.unit = unit,
		.ns_name = ns,
		.ns_unit = ns,
		.now = epoch + below(EPOCH)};

	answer_draw(id, &o, unit, ns);
	for (unsigned v = 0; v < VARIANTS; v++) {
		enum table_fate fate = shard_observe(side[v].shard[below(side[v].shards)], &o);
		assert_false(table_fate_is_denied(fate));
	}
	for (unsigned i = 0; i < o.units; i++)
		model_see(&model[id], unit[i], o.host, epoch, o.server);
	model[id].glue.most = 64;
	for (unsigned i = 0; i < o.ns_units; i++)
		tally_add(&model[id].glue, ns[i]);
	model[id].responses++;
	if (o.now > model[id].last)
		model[id].last = o.now;
}

/* Top 14 bits, and a bit for that there is one. */
static uint64_t door_of(uint64_t unit)
{
	return 1u << 14 | hash_u64(unit, test_sketch) >> 50;
}

/* Top 10 bits of the glue of the smallest hash; 0: there is none. */
static uint64_t glue_of(const struct model *m)
{
	uint64_t least = 0;

	for (unsigned i = 0; i < m->glue.n; i++) {
		uint64_t h = hash_u64(m->glue.value[i], test_sketch);
		least = i == 0 || h < least ? h : least;
	}
	least >>= 54;
	return m->glue.n && least == 0 ? 1 : least;
}

/* Does the one unit, or the glue, tell of another than those that wait? */
static bool door_passes(const struct model *m, uint64_t unit)
{
	uint64_t glue = glue_of(m);

	return m->door &&
	       (m->door != door_of(unit) || (glue && m->door_glue && glue != m->door_glue));
}

/* Name servers' addresses as far as an epoch keeps them: the eight of the smallest hashes. */
static void servers_add(struct model *m)
{
	unsigned before = m->servers.n;
	bool any = false;

	for (unsigned i = 0; i < m->glue.n; i++) {
		unsigned smaller = 0;
		for (unsigned k = 0; k < m->glue.n; k++)
			smaller += hash_u64(m->glue.value[k], test_sketch) <
				   hash_u64(m->glue.value[i], test_sketch);
		if (smaller >= SHARD_NS_MAX || !address_is_v4(m->glue.value[i]))
			continue;
		any = true;
		tally_add(&m->servers, address_aggregate(m->glue.value[i]));
	}
	m->moved += any && m->glued >= 4 ? m->servers.n - before : 0;
	m->glued += any;
}

/* The tiers by plain sets: door, candidate, record. `from`: what the epoch added. */
static void model_tiers(struct model *m, uint32_t from, uint32_t now, uint32_t last_before)
{
	uint32_t day = now / DAY;
	bool same = true;

	if (m->known && now - last_before > 7 * DAY) {
		m->known = false;
		m->tracked = 0;
	}
	if (m->door && day - m->door_day > STORE_DOOR_DAYS)
		m->door = 0;
	for (uint32_t i = from; i < m->n; i++)
		same &= m->seen[i].unit == m->seen[from].unit;
	if (!m->known && same && (from == m->n || !door_passes(m, m->seen[from].unit))) {
		waiting++;
		if (from < m->n) {
			uint64_t glue = glue_of(m);
			m->door_glue = glue || !m->door ? glue : m->door_glue;
			m->door = door_of(m->seen[from].unit);
			m->door_day = day;
		}
		m->glue.n = 0;
		return;
	}
	if (!m->known) {
		inserted++;
		m->known = true;
		m->door = same ? 0 : m->door;
		m->units = (struct tally){.most = 5};
		m->servers = (struct tally){.most = 20};
		m->glued = m->moved = 0;
		m->aggregates = (struct tally){.most = 12};
	}
	for (uint32_t i = from; i < m->n; i++) {
		tally_add(&m->units, m->seen[i].unit);
		tally_add(&m->aggregates, address_aggregate(m->seen[i].unit));
	}
	servers_add(m);
	m->glue.n = 0;
}

static void touched_fold(void *ctx, struct domain *d)
{
	uint64_t *fold = ctx;

	*fold = hash_u64(*fold ^ d->key, test_sketch);
}

static void ledgers_equal(const struct ledger *a, const struct ledger *b)
{
	assert_int_equal(a == NULL, b == NULL);
	if (a)
		assert_memory_equal(
			a, b, offsetof(struct ledger, mark) + a->marks * sizeof(a->mark[0]));
}

static void domains_equal(unsigned v, const struct domain *a, const struct domain *b)
{
	assert_int_equal(a == NULL, b == NULL);
	if (!a)
		return;
	/* Which ledger it is depends on who came first. */
	struct domain x = *a, y = *b;
	x.ledger = y.ledger = 0;
	assert_memory_equal(&x, &y, offsetof(struct domain, item));
	ledgers_equal(store_ledger(side[0].store, a), store_ledger(side[v].store, b));
	assert_memory_equal(a->item, b->item, a->items * sizeof(a->item[0]));
	assert_memory_equal(a->ns, b->ns, a->ns_items * sizeof(a->ns[0]));
	assert_memory_equal(a->ns_name, b->ns_name, a->ns_names * sizeof(a->ns_name[0]));
	assert_memory_equal(a->name, b->name, a->name_len);
}

static void sides_equal(void)
{
	for (unsigned v = 1; v < VARIANTS; v++) {
		struct store_account a = *store_account(side[0].store);
		struct store_account b = *store_account(side[v].store);

		a.entries = b.entries = 0; /* the one thing that tells of shards */
		assert_memory_equal(&a, &b, sizeof(a));
		assert_int_equal(side[0].touched, side[v].touched);
		for (uint32_t id = 0; id < NAMES; id++)
			domains_equal(v, store_find(side[0].store, test_key(id)),
				store_find(side[v].store, test_key(id)));
	}
}

static const struct domain_item *item_of(const struct domain *d, uint64_t unit)
{
	for (unsigned i = 0; i < d->items; i++)
		if (d->item[i].unit == unit)
			return &d->item[i];
	return NULL;
}

static bool active_in(const struct model *m, uint64_t unit, uint32_t width, uint32_t number)
{
	for (uint32_t i = 0; i < m->n; i++)
		if (m->seen[i].unit == unit && m->seen[i].epoch / width == number &&
			m->seen[i].epoch >= m->tracked)
			return true;
	return false;
}

/* One slot, hour or day `ago`: below its threshold the sample is the set of the model. */
struct grain {
	uint32_t width, newest;
	const uint16_t *bound;
};

static struct grain grain_of(const struct domain *d, unsigned kind)
{
	const struct grain grains[] = {
		{STORE_SLOT_SECONDS, d->slot, d->slot_threshold},
		{STORE_HOUR_SECONDS, d->hour, d->hour_threshold},
		{STORE_DAY_SECONDS, d->day, d->day_threshold},
	};

	return grains[kind];
}

static uint32_t bits_of(const struct domain_item *it, unsigned kind)
{
	return kind == 0 ? it->slots : kind == 1 ? it->hours : it->days;
}

static void window_equal(const struct domain *d, const struct model *m, unsigned kind, unsigned ago)
{
	struct grain g = grain_of(d, kind);
	uint32_t number = g.newest - ago;
	uint16_t bound = g.bound[ago];

	/* Before it had its record it was a candidate, which knows less. */
	if (number <= m->tracked / g.width)
		return;
	complete_slots += bound == UINT16_MAX;
	bounded_slots += bound != UINT16_MAX;
	for (uint32_t i = 0; i < m->n; i++) {
		if (m->seen[i].epoch / g.width != number || HASH16(m->seen[i].unit) >= bound)
			continue;
		const struct domain_item *it = item_of(d, m->seen[i].unit);
		assert_non_null(it);
		assert_true(bits_of(it, kind) >> ago & 1);
	}
	for (unsigned i = 0; i < d->items; i++)
		if (bits_of(&d->item[i], kind) >> ago & 1)
			assert_true(active_in(m, d->item[i].unit, g.width, number));
}

/* Below its thresholds a ledger's hours are the set of the model, too. */
static void ledger_equal(const struct domain *d, const struct model *m)
{
	const struct ledger *l = store_ledger(side[0].store, d);

	for (unsigned ago = 0; l && ago < STORE_HOURS; ago++) {
		uint32_t number = l->hour - ago;

		/* What came before the record, and before the ledger, the record's sample told. */
		if (number <= m->tracked / STORE_HOUR_SECONDS)
			continue;
		ledger_hours++;
		for (uint32_t i = 0; i < m->n; i++) {
			uint32_t hash = (uint32_t)(hash_u64(m->seen[i].unit, test_sketch) >> 32),
				 k = 0;
			if (m->seen[i].epoch / STORE_HOUR_SECONDS != number ||
				hash >= l->hour_threshold[ago])
				continue;
			while (k < l->marks && l->mark[k].hash != hash)
				k++;
			assert_true(k < l->marks);
			assert_true(l->mark[k].hours >> ago & 1);
			if (m->seen[i].epoch / STORE_SLOT_SECONDS + STORE_SLOTS > l->slot)
				assert_true(
					l->mark[k].slots >>
						(l->slot - m->seen[i].epoch / STORE_SLOT_SECONDS) &
					1);
		}
	}
	for (uint32_t k = 1; l && k < l->marks; k++)
		assert_true(l->mark[k].hash > l->mark[k - 1].hash && l->mark[k].hours);
}

/* Who attested an item since it is one, and the least of its names. */
static void attested_equal(const struct domain_item *it, const struct model *m)
{
	uint8_t host = UINT8_MAX;
	unsigned servers = 0, server = 0, names = 0;

	for (uint32_t k = 0; k < m->n; k++) {
		const struct seen *s = &m->seen[k];
		if (s->unit != it->unit || s->epoch < it->first / EPOCH * EPOCH)
			continue;
		names |= servers > 0 && shard_host(s->host) != host;
		if (shard_host(s->host) < host)
			host = shard_host(s->host);
		servers += servers == 0 || s->server != server;
		server = s->server;
	}
	assert_int_equal(it->host, host);
	assert_int_equal(it->names, names);
	assert_int_equal(it->server, servers > 1 ? SHARD_SERVER_SEVERAL : server);
}

static void items_equal(const struct domain *d, const struct model *m)
{
	uint64_t before = 0;

	for (unsigned i = 0; i < d->items; i++) {
		const struct domain_item *it = &d->item[i];
		uint64_t hash = hash_u64(it->unit, test_sketch);

		assert_true(i == 0 || hash > before);
		before = hash;
		assert_true(it->days != 0 || it->first < m->tracked);
		assert_int_equal(it->asn, address_aggregate(it->unit) + 1);
		if (it->first >= m->tracked)
			attested_equal(it, m);
	}
}

static void sketches_equal(const struct domain *d, const struct model *m)
{
	struct hll pairs = {0};

	for (uint32_t i = 0; i < m->n; i++)
		if (m->seen[i].epoch >= m->tracked)
			hll_add(&pairs,
				shard_pair_hash(m->seen[i].host, m->seen[i].unit, test_sketch));
	assert_memory_equal(&d->pairs, &pairs, sizeof(pairs));
}

/* Is there a record where there must be one, and only there? */
static const struct domain *record_expected(struct model *m, uint32_t id, uint32_t epoch)
{
	const struct domain *d = store_find(side[0].store, test_key(id));

	if (!m->known ||
		((m->units.n < 5 || m->aggregates.n < 3) && m->moved < 5 && m->servers.n < 11))
		assert_null(d);
	/* Twelve aggregates on 16 bits leave three with all but certainty. */
	if (m->known && m->units.n == 5 && m->aggregates.n == 12)
		assert_non_null(d);
	if (d && !m->tracked) {
		m->tracked = epoch;
		m->responses = d->responses;
	}
	return d;
}

static void record_equal(const struct domain *d, const struct model *m)
{
	assert_int_equal(d->responses, m->responses);
	assert_int_equal(d->last, m->last);
	items_equal(d, m);
	ledger_equal(d, m);
	sketches_equal(d, m);
	for (unsigned i = 0; i < STORE_SLOTS; i++)
		window_equal(d, m, 0, i);
	for (unsigned i = 0; i < STORE_HOURS; i++)
		window_equal(d, m, 1, i);
	for (unsigned i = 0; i < STORE_DAYS; i++)
		window_equal(d, m, 2, i);
}

static uint32_t time_step(void)
{
	uint32_t r = below(100);

	if (r < 65)
		return EPOCH;
	if (r < 85)
		return STORE_SLOT_SECONDS * (1 + below(3));
	if (r < 96)
		return STORE_HOUR_SECONDS * (1 + below(12));
	return r < 99 ? DAY : 9 * DAY;
}

static void epoch_run(uint32_t epoch)
{
	uint32_t from[NAMES], last[NAMES];
	bool answered[NAMES] = {false};

	for (uint32_t id = 0; id < NAMES; id++) {
		from[id] = model[id].n;
		last[id] = model[id].last;
	}
	for (unsigned i = 0; i < 150; i++) {
		uint32_t id = below(NAMES);
		answer(id, epoch);
		answered[id] = true;
	}
	for (unsigned v = 0; v < VARIANTS; v++) {
		struct side *s = &side[v];
		/* Odd variants hand their shards over in reverse. */
		struct shard *shards[SHARDS_MAX];
		for (unsigned i = 0; i < s->shards; i++)
			shards[i] = s->shard[v % 2 ? s->shards - 1 - i : i];
		store_merge(s->store, shards, s->shards, epoch + EPOCH, &net);
		for (unsigned i = 0; i < s->shards; i++)
			shard_clear(s->shard[i]);
		assert_int_equal(store_account_error(s->store), 0);
		store_touched(s->store, touched_fold, &s->touched);
	}
	sides_equal();
	for (uint32_t id = 0; id < NAMES; id++) {
		if (!answered[id])
			continue;
		model_tiers(&model[id], from[id], epoch + EPOCH, last[id]);
		const struct domain *d = record_expected(&model[id], id, epoch);
		if (d && below(8) == 0)
			record_equal(d, &model[id]);
	}
	const struct store_account *a = store_account(side[0].store);
	assert_int_equal(a->fate[STORE_WAITING], waiting);
	assert_int_equal(a->fate[STORE_INSERTED], inserted);
	assert_int_equal(a->evicted + a->demoted + a->promotion_denied + a->door_evicted, 0);
}

static void sides_start(void)
{
	static const unsigned shards[VARIANTS] = {1, 2, 4, 4, 2};

	memset(model, 0, sizeof(model));
	waiting = inserted = 0;
	for (unsigned v = 0; v < VARIANTS; v++) {
		side[v] = (struct side){.store = test_store(16, 12, NAMES), .shards = shards[v]};
		for (unsigned i = 0; i < shards[v]; i++)
			side[v].shard[i] = test_shard(10);
	}
}

static void sides_end(void)
{
	for (unsigned v = 0; v < VARIANTS; v++) {
		for (unsigned i = 0; i < side[v].shards; i++)
			free(side[v].shard[i]);
		free(side[v].store);
	}
	for (uint32_t id = 0; id < NAMES; id++)
		free(model[id].seen);
}

static void merge_is_the_model_however_answers_are_dealt(void **state)
{
	(void)state;
	for (uint64_t round = 1; round <= 3; round++) {
		uint32_t epoch = START;

		seed = round * 0x9e3779b97f4a7c15;
		sides_start();
		for (unsigned i = 0; i < EPOCHS; i++) {
			epoch_run(epoch);
			epoch += time_step();
		}
		assert_true(store_account(side[0].store)->tracked > NAMES / 4);
		sides_end();
	}
	/* Both kinds of windows were there to be compared. */
	assert_true(complete_slots > 10000 && bounded_slots > 1000 && ledger_hours > 1000);
}

/*
 * A pool that does not change, asked for over days: what a day's window tells
 * must not drift as items expire. N = items below the window's lowest threshold
 * / that threshold.
 */
static void expiry_does_not_bias_the_estimate(void **state)
{
	enum { POOL = 3360, DOMAINS = 40, HOURS = 80, ANSWERS = 120 };
	static uint8_t last_hour[DOMAINS][POOL];
	struct store *st = test_store(12, 10, DOMAINS);
	struct shard *sh = test_shard(10);
	double ratio = 0;
	unsigned n = 0;

	(void)state;
	seed = 42;
	memset(last_hour, 0, sizeof(last_hour));
	for (uint8_t hour = 1; hour <= HOURS; hour++) {
		uint32_t now = START + hour * STORE_HOUR_SECONDS;

		for (uint32_t id = 0; id < DOMAINS; id++) {
			uint64_t unit[ANSWERS];
			uint8_t name[6];
			for (unsigned i = 0; i < ANSWERS; i++) {
				uint32_t member = below(POOL);
				unit[i] = (uint64_t)(0x0800 + member) << 16 | (id + 1);
				last_hour[id][member] = hour;
			}
			struct shard_observation o = {.key = test_key(id),
				.name = name,
				.name_len = (uint8_t)test_name(id, name),
				.unit = unit,
				.units = ANSWERS,
				.now = now};
			shard_observe(sh, &o);
		}
		store_merge(st, &sh, 1, now + EPOCH, &net);
		shard_clear(sh);
		for (uint32_t id = 0; id < DOMAINS && hour > 40; id++) {
			const struct domain *d = store_find(st, test_key(id));
			uint16_t bound = UINT16_MAX;
			unsigned items = 0, exact = 0;

			for (unsigned i = 0; i < 24; i++)
				bound = d->hour_threshold[i] < bound ? d->hour_threshold[i] : bound;
			for (unsigned i = 0; i < d->items; i++)
				items += (d->item[i].hours & 0xffffff) != 0 &&
					 HASH16(d->item[i].unit) < bound;
			for (unsigned i = 0; i < POOL; i++)
				exact += last_hour[id][i] + 24 > hour;
			ratio += items / (bound / 65536.0) / exact;
			n++;
		}
	}
	ratio /= n;
	if (ratio < 0.95 || ratio > 1.05)
		fail_msg("estimate is %.3f of the exact count", ratio);
	free(sh);
	free(st);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(merge_is_the_model_however_answers_are_dealt),
		cmocka_unit_test(expiry_does_not_bias_the_estimate),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
