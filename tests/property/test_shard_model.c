/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The shard against a plain exact model: for each domain the sets of its units,
 * hosts, pairs and name servers, in arrays that never overflow. The model knows
 * no order, so a shuffled stream that agrees with it agrees with every other.
 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "shard/shard.h"
#include "tests/unit/random.h"

#define GUARD 64u
#define DOMAINS_MAX 1100u
#define OBSERVATIONS_MAX 12000u
#define ANSWER_MAX 12u
#define UNITS_MAX 300u
#define HOSTS_MAX 40u
#define NS_MAX 24u

struct set {
	unsigned n;
	uint64_t *value; /* room for all there can be */
};

struct model {
	unsigned observations;
	uint32_t first, last, ttl_max, ns_ttl;
	unsigned answer_max;
	struct set units, hosts, ns_names, ns_units;
	struct hll host_sketch, pair_sketch;
	uint8_t grade[UNITS_MAX];
	uint64_t room[UNITS_MAX + HOSTS_MAX + 2 * NS_MAX];
};

/* What the stream is made of. */
struct shape {
	struct shard_config config;
	unsigned domains;
	unsigned observations;
};

struct observed {
	unsigned domain;
	struct shard_observation o;
	uint64_t unit[ANSWER_MAX], ns_name[3], ns_unit[3];
};

static struct model model[DOMAINS_MAX];
static struct observed stream[OBSERVATIONS_MAX];
static uint8_t names[DOMAINS_MAX][32];
static uint64_t keys[DOMAINS_MAX];

static int set_add(struct set *s, uint64_t value)
{
	for (unsigned i = 0; i < s->n; i++)
		if (s->value[i] == value)
			return (int)i;
	s->value[s->n] = value;
	return (int)s->n++;
}

static bool set_has(const struct set *s, uint64_t value)
{
	for (unsigned i = 0; i < s->n; i++)
		if (s->value[i] == value)
			return true;
	return false;
}

/* Values whose hash is below the bound. */
static unsigned set_below(const struct set *s, uint64_t bound, struct hash_key sketch)
{
	unsigned n = 0;

	for (unsigned i = 0; i < s->n; i++)
		n += hash_u64(s->value[i], sketch) < bound;
	return n;
}

static void model_add(struct model *m, const struct shard_observation *o, struct hash_key sketch)
{
	if (m->observations++ == 0) {
		m->units.value = m->room;
		m->hosts.value = m->units.value + UNITS_MAX;
		m->ns_names.value = m->hosts.value + HOSTS_MAX;
		m->ns_units.value = m->ns_names.value + NS_MAX;
		m->first = m->last = o->now;
	}
	m->first = o->now < m->first ? o->now : m->first;
	m->last = o->now > m->last ? o->now : m->last;
	m->ttl_max = o->ttl > m->ttl_max ? o->ttl : m->ttl_max;
	m->ns_ttl = o->ns_ttl > m->ns_ttl ? o->ns_ttl : m->ns_ttl;
	m->answer_max = o->units > m->answer_max ? o->units : m->answer_max;
	set_add(&m->hosts, o->host);
	hll_add(&m->host_sketch, o->host);
	for (unsigned i = 0; i < o->units; i++) {
		int at = set_add(&m->units, o->unit[i]);
		if (m->grade[at] < o->grade)
			m->grade[at] = (uint8_t)o->grade;
		hll_add(&m->pair_sketch, shard_pair_hash(o->host, o->unit[i], sketch));
	}
	for (unsigned i = 0; i < o->ns_names; i++)
		set_add(&m->ns_names, o->ns_name[i]);
	for (unsigned i = 0; i < o->ns_units; i++)
		set_add(&m->ns_units, o->ns_unit[i]);
}

/* A domain's character comes from its number: one address, a few, a hundred; hosts; servers. */
static void stream_make(const struct shape *shape, uint64_t seed)
{
	static const unsigned pool[] = {1, 2, 3, 4, 15, 16, 17, 30, 63, 64, 65, 66, 100, 290};
	uint64_t rng = seed;

	for (unsigned d = 0; d < shape->domains; d++) {
		keys[d] = random_u64(&rng) | 1;
		names[d][0] = (uint8_t)(4 + d % 5);
		snprintf((char *)names[d] + 1, 16, "%08x", d);
		memcpy(names[d] + 1 + names[d][0], "\3net", 5);
	}
	for (unsigned n = 0; n < shape->observations; n++) {
		struct observed *s = &stream[n];
		/* The heavy domains come often enough to fill their pools. */
		unsigned d = random_below(&rng, shape->domains);
		if (random_below(&rng, 2))
			d = d % 28;
		unsigned size = pool[d % 14];
		bool many_hosts = d % 3 == 1, servers = d % 5 == 2;
		uint64_t host = seed << 32 | (d * 100 + random_below(&rng, HOSTS_MAX));

		s->domain = d;
		s->o = (struct shard_observation){
			.key = keys[d],
			.host = many_hosts ? random_u64(&host) : keys[d],
			.name = names[d],
			.name_len = (uint8_t)(names[d][0] + 6),
			.unit = s->unit,
			.units = (uint8_t)random_below(&rng, ANSWER_MAX + 1),
			.ns_name = s->ns_name,
			.ns_names = servers ? (uint8_t)random_below(&rng, 4) : 0,
			.ns_unit = s->ns_unit,
			.ns_units = servers ? (uint8_t)random_below(&rng, 4) : 0,
			.ttl = random_below(&rng, 600),
			.now = 1700000000 + (d % 40 == 7 ? random_below(&rng, 200000) : n / 50),
			.grade = (enum evidence_grade)random_below(&rng, 4),
		};
		/* No TTL without a record that it is of. */
		s->o.ns_ttl = s->o.ns_names ? random_below(&rng, 600) : 0;
		for (unsigned i = 0; i < s->o.units; i++)
			s->unit[i] = 0x08080000u + d * 1000 + random_below(&rng, size);
		for (unsigned i = 0; i < 3; i++) {
			s->ns_name[i] = 1 + random_below(&rng, d % 2 ? 6 : NS_MAX);
			s->ns_unit[i] = 1 + random_below(&rng, d % 2 ? NS_MAX : 6);
		}
	}
}

static void stream_shuffle(unsigned n, uint64_t seed)
{
	for (unsigned i = n - 1; i > 0; i--) {
		unsigned j = random_below(&seed, i + 1);
		struct observed swap = stream[i];
		stream[i] = stream[j];
		stream[j] = swap;
		/* The arrays moved with it. */
		stream[i].o.unit = stream[i].unit;
		stream[i].o.ns_name = stream[i].ns_name;
		stream[i].o.ns_unit = stream[i].ns_unit;
		stream[j].o.unit = stream[j].unit;
		stream[j].o.ns_name = stream[j].ns_name;
		stream[j].o.ns_unit = stream[j].ns_unit;
	}
}

static struct shard *shard_new(const struct shard_config *c, uint64_t seed)
{
	size_t size = shard_size(c);
	uint8_t *mem = aligned_alloc(64, (size + GUARD + 63) & ~(size_t)63);

	assert_non_null(mem);
	memset(mem, 0xa5, size + GUARD);
	struct hash_key placement = {random_u64(&seed), random_u64(&seed)};
	struct hash_key sketch = {random_u64(&seed), random_u64(&seed)};
	struct shard *s = shard_init(mem, c, placement, sketch);
	assert_non_null(s);
	return s;
}

static void shard_free(struct shard *s)
{
	const uint8_t *behind = (const uint8_t *)s + shard_size(&s->config);

	for (unsigned i = 0; i < GUARD; i++)
		assert_int_equal(behind[i], 0xa5);
	free(s);
}

/* Offers the stream to the shard, and what the shard took to the model. */
static void stream_run(struct shard *s, const struct shape *shape)
{
	uint64_t fates[TABLE_FATE_COUNT] = {0};

	memset(model, 0, sizeof(model));
	for (unsigned n = 0; n < shape->observations; n++) {
		const struct observed *seen = &stream[n];
		enum table_fate f = shard_observe(s, &seen->o);

		fates[f]++;
		if (table_fate_is_denied(f))
			assert_int_equal(model[seen->domain].observations, 0);
		else
			model_add(&model[seen->domain], &seen->o, s->sketch);
	}
	assert_memory_equal(fates, s->account.table, sizeof(fates));
	assert_int_equal(s->account.updates, shape->observations);
	assert_int_equal(account_error(&s->account), 0);
}

/* What must hold of an entry whatever the pools had left. */
static void entry_check(const struct shard *s, const struct shard_entry *e, unsigned domain)
{
	const struct model *m = &model[domain];
	const struct shard_detail *d = shard_entry_detail(s, e);
	uint64_t bound = shard_entry_threshold(s, e);
	const uint64_t *unit = d ? d->unit : e->unit;
	unsigned units = d ? d->units : e->units, below = 0, len;

	assert_memory_equal(shard_entry_name(s, e, &len), names[domain], names[domain][0] + 6u);
	assert_int_equal(len, names[domain][0] + 6);
	assert_int_equal(e->responses, m->observations);
	assert_int_equal(e->ttl_max, m->ttl_max);
	assert_int_equal(e->answer_max, m->answer_max);
	assert_int_equal(e->first, m->first);
	assert_int_equal(
		e->last, m->last - m->first < UINT16_MAX ? m->last - m->first : UINT16_MAX);

	for (unsigned i = 0; i < units; i++) {
		assert_true(set_has(&m->units, unit[i]));
		for (unsigned j = 0; j < i; j++)
			assert_true(unit[i] != unit[j]);
		below += hash_u64(unit[i], s->sketch) < bound;
	}
	/* Below the bound all are there, each with its best grade. */
	assert_int_equal(below, set_below(&m->units, bound, s->sketch));
	for (unsigned i = 0; i < m->units.n; i++) {
		if (hash_u64(m->units.value[i], s->sketch) >= bound)
			continue;
		unsigned at = 0;
		while (unit[at] != m->units.value[i])
			at++;
		assert_int_equal(d ? d->grade[at] : shard_entry_grade(e, at), m->grade[i]);
	}
	if (bound == UINT64_MAX)
		assert_int_equal(units, m->units.n);
}

static void bottom_check(
	const struct shard *s, const struct set *all, const uint64_t *kept, unsigned n)
{
	assert_int_equal(n, all->n < SHARD_NS_MAX ? all->n : SHARD_NS_MAX);
	for (unsigned i = 0; i < n; i++) {
		assert_true(set_has(all, kept[i]));
		assert_true(set_below(all, hash_u64(kept[i], s->sketch), s->sketch) < n);
		for (unsigned j = 0; j < i; j++)
			assert_true(kept[i] != kept[j]);
	}
}

/* With pools for all, entry and record are the model's sets and their samples. */
static void entry_check_exact(const struct shard *s, const struct shard_entry *e, unsigned domain)
{
	const struct model *m = &model[domain];
	const struct shard_detail *d = shard_entry_detail(s, e);

	assert_int_equal(d != NULL, m->units.n > SHARD_INLINE_UNITS || m->hosts.n > 1 ||
					    m->ns_names.n || m->ns_units.n);
	if (!d) {
		assert_int_equal(e->units, m->units.n);
		assert_true(e->host == m->hosts.value[0]);
		return;
	}
	if (m->units.n <= SHARD_SAMPLE_MAX) {
		assert_true(d->threshold == UINT64_MAX);
		assert_int_equal(d->units, m->units.n);
	} else {
		/* The bound is the smallest hash that was turned away: 64 lie below it. */
		assert_int_equal(d->units, SHARD_SAMPLE_MAX);
		assert_int_equal(set_below(&m->units, d->threshold, s->sketch), SHARD_SAMPLE_MAX);
		assert_int_equal(
			set_below(&m->units, d->threshold + 1, s->sketch), SHARD_SAMPLE_MAX + 1);
	}
	assert_memory_equal(&d->hosts, &m->host_sketch, sizeof(d->hosts));
	assert_memory_equal(&d->pairs, &m->pair_sketch, sizeof(d->pairs));
	assert_true(fabs(hll_estimate(&d->hosts) / m->hosts.n - 1) < 0.5);
	assert_int_equal(d->ns_ttl, m->ns_ttl);
	bottom_check(s, &m->ns_names, d->ns_name, d->ns_names);
	bottom_check(s, &m->ns_units, d->ns_unit, d->ns_units);
}

/* Each entry of the walk once, and all that the model knows. Returns the entries with records. */
static unsigned shard_check(const struct shard *s, const struct shape *shape, bool exact)
{
	unsigned visited = 0, known = 0, details = 0;

	for (uint32_t i = shard_next(s, 0); i != UINT32_MAX; i = shard_next(s, i + 1))
		visited++;
	for (unsigned d = 0; d < shape->domains; d++) {
		const struct shard_entry *e = shard_find(s, keys[d]);

		assert_int_equal(e != NULL, model[d].observations > 0);
		if (!e)
			continue;
		known++;
		details += shard_entry_detail(s, e) != NULL;
		entry_check(s, e, d);
		if (exact)
			entry_check_exact(s, e, d);
	}
	assert_int_equal(visited, known);
	assert_int_equal(s->used, known);
	return details;
}

static void with_room_a_shard_is_its_model_in_any_order(void **state)
{
	static const struct shape shape = {
		.config = {.entries_log2 = 12,
			.details_small = 500,
			.details_large = 500,
			.name_octets = 65536},
		.domains = 500,
		.observations = OBSERVATIONS_MAX,
	};

	(void)state;
	for (uint64_t seed = 1; seed <= 4; seed++) {
		struct shard *s = shard_new(&shape.config, seed);

		stream_make(&shape, seed);
		for (unsigned order = 0; order < 4; order++) {
			stream_run(s, &shape);
			assert_true(shard_check(s, &shape, true) > 100);
			assert_int_equal(s->account.note[NOTE_DETAIL_DENIED], 0);
			assert_true(s->large_used > 10 && s->used - s->small_used > 20);
			stream_shuffle(shape.observations, seed * 100 + order);
			shard_clear(s);
		}
		shard_free(s);
	}
}

/* Too small in every way: nothing breaks, all is counted, what is kept is true. */
static void without_room_a_shard_denies_and_stays_true(void **state)
{
	static const struct shape shapes[] = {
		{{.entries_log2 = 10, .details_small = 1, .details_large = 1, .name_octets = 65536},
			1100, 12000},
		{{.entries_log2 = 10,
			 .details_small = 30,
			 .details_large = 5,
			 .name_octets = 65536},
			700, 12000},
		{{.entries_log2 = 12, .details_small = 9, .details_large = 40, .name_octets = 4096},
			900, 12000},
		{{.entries_log2 = 12,
			 .details_small = 100,
			 .details_large = 2,
			 .name_octets = 65536},
			60, 12000},
	};

	(void)state;
	for (unsigned i = 0; i < sizeof(shapes) / sizeof(shapes[0]); i++) {
		const struct shape *shape = &shapes[i];
		uint64_t denied = 0;

		for (uint64_t seed = 1; seed <= 3; seed++) {
			struct shard *s = shard_new(&shape->config, seed);

			stream_make(shape, seed);
			for (unsigned order = 0; order < 3; order++) {
				stream_run(s, shape);
				shard_check(s, shape, false);
				assert_true(s->account.note[NOTE_DETAIL_DENIED] > 0);
				denied +=
					s->account
						.table[i ? TABLE_DENIED_NAMES : TABLE_DENIED_FULL];
				stream_shuffle(shape->observations, seed * 100 + order);
				shard_clear(s);
			}
			shard_free(s);
		}
		assert_int_equal(denied > 0, i == 0 || i == 2);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(with_room_a_shard_is_its_model_in_any_order),
		cmocka_unit_test(without_room_a_shard_denies_and_stays_true),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
