/* SPDX-License-Identifier: BSD-3-Clause */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "shard/shard.h"

#define GUARD 64u

static const struct hash_key placement = {0x243f6a8885a308d3u, 0x13198a2e03707344u};
static const struct hash_key sketch = {0xa4093822299f31d0u, 0x082efa98ec4e6c89u};

static const struct shard_config roomy = {
	.entries_log2 = 10, .details_small = 64, .details_large = 16, .name_octets = 65536};

static const uint8_t name[] = "\7example\3com";

static struct shard *shard_new(const struct shard_config *c)
{
	size_t size = shard_size(c);
	uint8_t *mem = aligned_alloc(64, (size + GUARD + 63) & ~(size_t)63);

	assert_non_null(mem);
	memset(mem, 0xa5, size + GUARD);
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

/* An observation of n units from `first` on, of the domain `key` itself. */
static struct shard_observation seen(uint64_t key, const uint64_t *unit, unsigned n)
{
	return (struct shard_observation){
		.key = key,
		.host = key,
		.name = name,
		.name_len = sizeof(name),
		.unit = unit,
		.units = (uint8_t)n,
		.ttl = 60,
		.now = 1000000,
		.grade = EVIDENCE_PAIRED,
	};
}

static enum table_fate observe(struct shard *s, uint64_t key, uint64_t from, unsigned n)
{
	uint64_t unit[SHARD_SAMPLE_MAX * 4];

	for (unsigned i = 0; i < n; i++)
		unit[i] = from + i;
	struct shard_observation o = seen(key, unit, n);
	return shard_observe(s, &o);
}

static bool detail_has(const struct shard_detail *d, uint64_t unit)
{
	for (unsigned i = 0; i < d->units; i++)
		if (d->unit[i] == unit)
			return true;
	return false;
}

static void configurations_out_of_range_are_refused(void **state)
{
	uint64_t mem[8];
	struct shard_config c = roomy;

	(void)state;
	assert_true(shard_size(&c) > 0);
	c.entries_log2 = 9;
	assert_int_equal(shard_size(&c), 0);
	assert_null(shard_init(mem, &c, placement, sketch));
	c.entries_log2 = 27;
	assert_int_equal(shard_size(&c), 0);
	c = roomy;
	c.details_small = 0;
	assert_int_equal(shard_size(&c), 0);
	c = roomy;
	c.details_large = UINT32_C(1) << 31;
	assert_int_equal(shard_size(&c), 0);
	c = roomy;
	c.name_octets = 4095;
	assert_int_equal(shard_size(&c), 0);
}

static void three_units_stay_in_the_line(void **state)
{
	struct shard *s = shard_new(&roomy);
	const uint64_t units[] = {11, 22, 11, 33};
	struct shard_observation o = seen(77, units, 1);
	unsigned len;

	(void)state;
	o.grade = EVIDENCE_UNPAIRED;
	assert_int_equal(shard_observe(s, &o), TABLE_INSERTED);
	o.units = 4;
	o.grade = EVIDENCE_CONTESTED;
	o.ttl = 30;
	o.now += 7;
	assert_int_equal(shard_observe(s, &o), TABLE_HIT);
	o.units = 1;
	o.grade = EVIDENCE_PAIRED;
	o.ttl = 300;
	o.now -= 9;
	assert_int_equal(shard_observe(s, &o), TABLE_HIT);
	o.grade = EVIDENCE_UNPAIRED;
	o.now += 1;
	assert_int_equal(shard_observe(s, &o), TABLE_HIT);

	const struct shard_entry *e = shard_find(s, 77);
	assert_non_null(e);
	assert_null(shard_find(s, 78));
	assert_null(shard_entry_detail(s, e));
	assert_int_equal(e->units, 3);
	assert_int_equal(e->unit[0], 11);
	assert_int_equal(e->unit[1], 22);
	assert_int_equal(e->unit[2], 33);
	assert_int_equal(shard_entry_grade(e, 0), EVIDENCE_PAIRED);
	assert_int_equal(shard_entry_grade(e, 1), EVIDENCE_CONTESTED);
	assert_int_equal(shard_entry_grade(e, 2), EVIDENCE_CONTESTED);
	assert_false(e->grades & SHARD_CUT);
	assert_true(shard_entry_threshold(s, e) == UINT64_MAX);
	assert_int_equal(e->responses, 4);
	assert_int_equal(e->ttl_max, 300);
	assert_int_equal(e->answer_max, 4);
	assert_int_equal(e->first, 1000000 - 2);
	assert_int_equal(e->last, 9);
	assert_memory_equal(shard_entry_name(s, e, &len), name, sizeof(name));
	assert_int_equal(len, sizeof(name));
	assert_int_equal(account_error(&s->account), 0);
	shard_free(s);
}

static void counts_saturate(void **state)
{
	struct shard *s = shard_new(&roomy);
	uint64_t units[200];

	(void)state;
	for (unsigned i = 0; i < 200; i++)
		units[i] = 5;
	struct shard_observation o = seen(77, units, 62);
	shard_observe(s, &o);
	struct shard_entry *e = shard_find(s, 77);
	assert_int_equal(e->answer_max, 62);
	o.units = 200;
	o.now += 65534;
	shard_observe(s, &o);
	assert_int_equal(e->answer_max, 63);
	assert_int_equal(e->last, 65534);
	o.now += 2;
	shard_observe(s, &o);
	assert_int_equal(e->last, UINT16_MAX);
	o.now = 5;
	shard_observe(s, &o);
	assert_int_equal(e->first, 5);
	assert_int_equal(e->last, UINT16_MAX);
	e->responses = (1u << 17) - 2;
	shard_observe(s, &o);
	shard_observe(s, &o);
	assert_int_equal(e->responses, (1u << 17) - 1);
	shard_free(s);
}

static void a_fourth_unit_takes_a_small_record_and_a_seventeenth_a_large_one(void **state)
{
	struct shard *s = shard_new(&roomy);

	(void)state;
	for (unsigned n = 1; n <= SHARD_SAMPLE_MAX; n++) {
		observe(s, 77, 100 + n - 1, 1);
		const struct shard_entry *e = shard_find(s, 77);
		const struct shard_detail *d = shard_entry_detail(s, e);

		assert_true((d == NULL) == (n <= SHARD_INLINE_UNITS));
		assert_int_equal(e->units, d ? 0 : n);
		assert_int_equal(s->small_used, n > SHARD_INLINE_UNITS);
		assert_int_equal(s->large_used, n > SHARD_SAMPLE_SMALL);
		assert_true(shard_entry_threshold(s, e) == UINT64_MAX);
		if (!d)
			continue;
		assert_int_equal(d->units, n);
		for (unsigned i = 0; i < n; i++)
			assert_true(detail_has(d, 100 + i));
	}
	/* What lies beyond is turned away by its hash, and the threshold says so. */
	uint64_t largest = 0;
	for (unsigned i = 0; i <= SHARD_SAMPLE_MAX; i++)
		if (hash_u64(100 + i, sketch) > largest)
			largest = hash_u64(100 + i, sketch);
	observe(s, 77, 100 + SHARD_SAMPLE_MAX, 1);
	const struct shard_detail *d = shard_entry_detail(s, shard_find(s, 77));
	assert_int_equal(d->units, SHARD_SAMPLE_MAX);
	assert_true(d->threshold == largest);
	for (unsigned i = 0; i <= SHARD_SAMPLE_MAX; i++)
		assert_int_equal(detail_has(d, 100 + i), hash_u64(100 + i, sketch) < largest);
	assert_int_equal(s->account.note[NOTE_DETAIL_DENIED], 0);
	shard_free(s);
}

/* All of a large answer at once: the record moves from pool to pool within one call. */
static void one_answer_may_cross_both_pools(void **state)
{
	struct shard *s = shard_new(&roomy);

	(void)state;
	observe(s, 77, 100, 60);
	const struct shard_detail *d = shard_entry_detail(s, shard_find(s, 77));
	assert_int_equal(d->units, 60);
	for (unsigned i = 0; i < 60; i++)
		assert_true(detail_has(d, 100 + i) && d->grade[i] == EVIDENCE_PAIRED);
	assert_int_equal(s->large_used, 1);
	shard_free(s);
}

static void a_second_host_or_a_name_server_takes_a_record(void **state)
{
	struct shard *s = shard_new(&roomy);
	const uint64_t unit = 9, ns[] = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 1, 2};
	struct shard_observation o = seen(77, &unit, 1);

	(void)state;
	shard_observe(s, &o);
	o.host = UINT64_C(1) << 63; /* the top bits choose a sketch's register */
	shard_observe(s, &o);
	const struct shard_detail *d = shard_entry_detail(s, shard_find(s, 77));
	assert_non_null(d);
	assert_true(hll_estimate(&d->hosts) > 1.5 && hll_estimate(&d->hosts) < 2.5);
	assert_true(hll_estimate(&d->pairs) > 1.5 && hll_estimate(&d->pairs) < 2.5);
	assert_int_equal(d->ns_names, 0);
	assert_int_equal(d->ns_ttl, 0);

	o = seen(99, &unit, 1);
	o.ns_name = ns;
	o.ns_names = 12;
	o.ns_unit = ns;
	o.ns_units = 3;
	o.ns_ttl = 500;
	shard_observe(s, &o);
	o.ns_ttl = 400;
	shard_observe(s, &o);
	d = shard_entry_detail(s, shard_find(s, 99));
	assert_non_null(d);
	assert_int_equal(d->ns_names, SHARD_NS_MAX);
	assert_int_equal(d->ns_units, 3);
	assert_int_equal(d->ns_ttl, 500);
	assert_int_equal(d->units, 1);
	/* Of ten names the eight with the smallest hashes. */
	for (unsigned i = 0; i < 10; i++) {
		unsigned smaller = 0, kept = 0;
		for (unsigned j = 0; j < 10; j++)
			smaller += hash_u64(ns[j], sketch) < hash_u64(ns[i], sketch);
		for (unsigned j = 0; j < d->ns_names; j++)
			kept += d->ns_name[j] == ns[i];
		assert_int_equal(kept, smaller < SHARD_NS_MAX);
	}
	shard_free(s);
}

static void a_full_table_denies_new_names_only(void **state)
{
	struct shard *s = shard_new(&roomy);
	unsigned full = 0;
	uint64_t key = 0;

	(void)state;
	while (full < 100) {
		enum table_fate f = observe(s, ++key, 1, 1);
		full += f == TABLE_DENIED_FULL;
		assert_int_equal(f == TABLE_DENIED_FULL, shard_find(s, key) == NULL);
	}
	assert_true(s->used <= 1024 / 8 * 7 && s->used > 700);
	assert_int_equal(s->account.table[TABLE_DENIED_FULL], full);
	assert_int_equal(s->account.table[TABLE_INSERTED], s->used);
	assert_int_equal(s->account.updates, key);
	assert_int_equal(observe(s, 1, 1, 1), TABLE_HIT);
	assert_int_equal(account_error(&s->account), 0);
	shard_free(s);
}

/* Keys that all want one slot: the probe ends, in the last slot of the table too. */
static void a_full_neighbourhood_denies(void **state)
{
	struct shard *s = shard_new(&roomy);
	const uint32_t homes[] = {17, 1023};

	(void)state;
	for (unsigned h = 0; h < 2; h++) {
		unsigned n = 0;
		for (uint64_t key = 1; n <= SHARD_PROBE_MAX; key++) {
			if (shard_slot(s, key) != homes[h])
				continue;
			assert_int_equal(observe(s, key, 1, 1),
				n < SHARD_PROBE_MAX ? TABLE_INSERTED : TABLE_DENIED_FULL);
			assert_true((shard_find(s, key) != NULL) == (n < SHARD_PROBE_MAX));
			n++;
		}
	}
	assert_int_equal(account_error(&s->account), 0);
	unsigned visited = 0;
	for (uint32_t i = shard_next(s, 0); i != UINT32_MAX; i = shard_next(s, i + 1))
		visited++;
	assert_int_equal(visited, 2 * SHARD_PROBE_MAX);
	shard_free(s);
}

static void a_full_name_arena_denies(void **state)
{
	struct shard_config c = roomy;

	(void)state;
	c.name_octets = 4096;
	struct shard *s = shard_new(&c);
	/* A first name that leaves room for just short of a whole number of the others. */
	struct shard_observation o = seen(1, NULL, 0);
	o.name_len = (uint8_t)((4096 - sizeof(name)) % (sizeof(name) + 1) - 1);
	assert_int_equal(shard_observe(s, &o), TABLE_INSERTED);
	uint64_t key = 2;
	while (s->names_used + sizeof(name) + 1 <= 4096)
		assert_int_equal(observe(s, key++, 1, 1), TABLE_INSERTED);
	assert_int_equal(s->names_used, 4096 - sizeof(name));
	assert_int_equal(observe(s, key, 1, 1), TABLE_DENIED_NAMES);
	assert_null(shard_find(s, key));
	assert_int_equal(observe(s, key - 1, 1, 1), TABLE_HIT);
	o.key = key;
	o.name_len = sizeof(name) - 1;
	assert_int_equal(shard_observe(s, &o), TABLE_INSERTED);
	assert_int_equal(s->account.table[TABLE_DENIED_NAMES], 1);
	assert_int_equal(account_error(&s->account), 0);
	shard_free(s);
}

/* No small record left: the three smallest hashes stay, and a bound below which all are. */
static void without_a_small_record_the_line_is_a_sample(void **state)
{
	struct shard_config c = roomy;

	(void)state;
	c.details_small = 1;
	struct shard *s = shard_new(&c);
	observe(s, 1, 500, 4);
	observe(s, 77, 100, 40);
	assert_true(s->account.note[NOTE_DETAIL_DENIED] > 0);
	const struct shard_entry *e = shard_find(s, 77);
	assert_null(shard_entry_detail(s, e));
	assert_int_equal(e->units, SHARD_INLINE_UNITS);
	assert_int_equal(e->responses, 1);
	uint64_t bound = shard_entry_threshold(s, e);
	unsigned below = 0;
	for (uint64_t unit = 100; unit < 140; unit++) {
		bool there = e->unit[0] == unit || e->unit[1] == unit || e->unit[2] == unit;
		below += hash_u64(unit, sketch) < bound;
		assert_true(there || hash_u64(unit, sketch) >= bound);
	}
	assert_int_equal(below, SHARD_INLINE_UNITS - 1);

	/* The record of domain 1 comes free; what was lost meanwhile stays outside the bound. */
	observe(s, 1, 500, 17);
	observe(s, 77, 140, 1);
	const struct shard_detail *d = shard_entry_detail(s, e);
	assert_non_null(d);
	assert_true(d->threshold == bound);
	for (uint64_t unit = 100; unit <= 140; unit++)
		assert_int_equal(detail_has(d, unit), hash_u64(unit, sketch) < bound);
	shard_free(s);
}

/* What is told of a unit goes with it when another takes its place. */
static void a_place_in_the_line_is_taken_with_nothing_of_the_one_before(void **state)
{
	struct shard_config c = roomy;
	unsigned replaced = 0;

	(void)state;
	c.details_small = 1;
	struct shard *s = shard_new(&c);
	assert_int_equal(observe(s, 7, 1, SHARD_INLINE_UNITS + 1), TABLE_INSERTED); /* takes it */
	uint64_t unit[] = {1000, 1001, 1002};
	struct shard_observation o = seen(99, unit, 3);
	o.server = 5;
	assert_int_equal(shard_observe(s, &o), TABLE_INSERTED);
	o.server = 6;
	assert_int_equal(shard_observe(s, &o), TABLE_HIT);
	const struct shard_entry *e = shard_find(s, 99);
	for (unsigned i = 0; i < SHARD_INLINE_UNITS; i++) {
		assert_int_equal(shard_entry_server(e, i), SHARD_SERVER_SEVERAL);
		assert_int_equal(e->brief >> i & 1, 1);
	}
	for (uint64_t n = 0; n < 50; n++) {
		uint64_t other = 2000 + n;

		o = seen(99, &other, 1);
		o.server = 5;
		o.ttl = SHARD_BRIEF_TTL + 1;
		o.grade = EVIDENCE_CONTESTED;
		assert_int_equal(shard_observe(s, &o), TABLE_HIT);
	}
	assert_null(shard_entry_detail(s, e));
	for (unsigned i = 0; i < SHARD_INLINE_UNITS; i++) {
		bool first = e->unit[i] < 2000;

		replaced += !first;
		assert_int_equal(
			shard_entry_grade(e, i), first ? EVIDENCE_PAIRED : EVIDENCE_CONTESTED);
		assert_int_equal(shard_entry_server(e, i), first ? SHARD_SERVER_SEVERAL : 5);
		assert_int_equal(e->brief >> i & 1, first);
	}
	assert_true(replaced > 0);
	shard_free(s);
}

static void without_a_large_record_sixteen_stay(void **state)
{
	struct shard_config c = roomy;

	(void)state;
	c.details_large = 1;
	struct shard *s = shard_new(&c);
	observe(s, 1, 500, 17);
	observe(s, 77, 100, 40);
	assert_true(s->account.note[NOTE_DETAIL_DENIED] > 0);
	const struct shard_detail *d = shard_entry_detail(s, shard_find(s, 77));
	assert_int_equal(d->units, SHARD_SAMPLE_SMALL);
	unsigned below = 0;
	for (uint64_t unit = 100; unit < 140; unit++) {
		bool smaller = hash_u64(unit, sketch) < d->threshold;
		below += smaller;
		assert_int_equal(detail_has(d, unit), smaller);
	}
	assert_int_equal(below, SHARD_SAMPLE_SMALL);
	shard_free(s);
}

static void small_records_come_back_when_a_domain_grows(void **state)
{
	struct shard_config c = roomy;

	(void)state;
	c.details_small = 2;
	struct shard *s = shard_new(&c);
	for (uint64_t key = 1; key <= 16; key++) {
		observe(s, key, key * 1000, 20);
		observe(s, key, key * 1000 + 20, 20);
	}
	assert_int_equal(s->account.note[NOTE_DETAIL_DENIED], 0);
	assert_int_equal(s->large_used, 16);
	observe(s, 101, 1, 5);
	observe(s, 102, 11, 5);
	assert_int_equal(s->account.note[NOTE_DETAIL_DENIED], 0);
	assert_int_equal(s->small_used, 2);
	observe(s, 103, 21, 5);
	assert_int_not_equal(s->account.note[NOTE_DETAIL_DENIED], 0);
	for (uint64_t key = 101; key <= 102; key++) {
		const struct shard_detail *d = shard_entry_detail(s, shard_find(s, key));
		assert_int_equal(d->units, 5);
		assert_true(d->threshold == UINT64_MAX);
	}
	for (uint64_t key = 1; key <= 16; key++) {
		const struct shard_detail *d = shard_entry_detail(s, shard_find(s, key));
		assert_int_equal(d->units, 40);
		for (unsigned i = 0; i < 40; i++)
			assert_true(detail_has(d, key * 1000 + i));
	}
	shard_free(s);
}

static void a_walk_visits_each_entry_once_in_slot_order(void **state)
{
	struct shard *s = shard_new(&roomy);
	unsigned visited = 0, inserted = 0;

	(void)state;
	assert_true(shard_next(s, 0) == UINT32_MAX);
	for (uint64_t key = 1; key <= 600; key++)
		inserted += observe(s, key, 1, 1) == TABLE_INSERTED;
	for (uint32_t i = shard_next(s, 0); i != UINT32_MAX; i = shard_next(s, i + 1)) {
		const struct shard_entry *e = &s->entries[i];
		uint32_t slot = shard_slot(s, e->key);

		assert_true(e->key >= 1 && e->key <= 600);
		assert_ptr_equal(shard_find(s, e->key), e);
		/* A probe never passes a free slot, so an entry stands near its home. */
		assert_true(i >= slot && i < slot + SHARD_PROBE_MAX);
		visited++;
	}
	assert_int_equal(visited, s->used);
	assert_int_equal(visited, inserted);
	assert_true(visited > 550);
	assert_true(shard_next(s, 1024 + SHARD_PROBE_MAX) == UINT32_MAX);
	assert_true(shard_next(s, UINT32_MAX - 1) == UINT32_MAX);
	shard_free(s);
}

/* A cleared shard is as good as a new one: the same content gives the same shard. */
static void a_cleared_shard_holds_nothing(void **state)
{
	struct shard_config c = roomy;

	(void)state;
	c.details_small = 4;
	c.details_large = 2;
	struct shard *s = shard_new(&c), *fresh = shard_new(&c);
	for (uint64_t key = 1; key <= 700; key++)
		observe(s, key, key, 1 + (unsigned)key % 70);
	s->account.received = 5;
	s->epoch_first = 3;
	s->epoch_last = 4;
	s->first_ns = s->last_ns = 9;
	shard_clear(s);
	assert_true(shard_next(s, 0) == UINT32_MAX);
	for (uint64_t key = 1; key <= 700; key++)
		assert_null(shard_find(s, key));
	for (size_t i = 0; i < sizeof(s->account) / 8; i++)
		assert_int_equal(((const uint64_t *)&s->account)[i], 0);
	assert_true(s->epoch_first == 0 && s->epoch_last == 0);
	assert_true(s->first_ns == 0 && s->last_ns == 0);

	for (uint64_t key = 700; key >= 500; key--) {
		assert_int_equal(observe(s, key, key, 1 + (unsigned)key % 40),
			observe(fresh, key, key, 1 + (unsigned)key % 40));
	}
	assert_memory_equal(&s->account, &fresh->account, sizeof(s->account));
	uint32_t i = shard_next(s, 0), j = shard_next(fresh, 0);
	for (; i != UINT32_MAX; i = shard_next(s, i + 1), j = shard_next(fresh, j + 1)) {
		assert_int_equal(i, j);
		assert_memory_equal(&s->entries[i], &fresh->entries[j], sizeof(s->entries[i]));
		const struct shard_detail *a = shard_entry_detail(s, &s->entries[i]);
		const struct shard_detail *b = shard_entry_detail(fresh, &fresh->entries[j]);
		assert_int_equal(a == NULL, b == NULL);
		if (a)
			assert_memory_equal(a, b, sizeof(*a) + a->units * sizeof(a->unit[0]));
	}
	assert_int_equal(j, UINT32_MAX);
	shard_free(s);
	shard_free(fresh);
}

static void accounts_add_word_by_word(void **state)
{
	struct account a, b;
	uint64_t *x = (uint64_t *)&a, *y = (uint64_t *)&b;
	const size_t words = sizeof(a) / sizeof(uint64_t);

	(void)state;
	for (size_t i = 0; i < words; i++) {
		x[i] = i * i;
		y[i] = 7 * i + 1;
	}
	account_add(&a, &b);
	for (size_t i = 0; i < words; i++)
		assert_int_equal(x[i], i * i + 7 * i + 1);
}

/* In how many identities the word at offset `at` stands. */
static unsigned identities_of(size_t at)
{
#define AT(member) offsetof(struct account, member)
#define IS(verdict) (at == AT(rx[verdict]) || at == AT(whole[verdict]))
	if (at == AT(octets) || (at >= AT(layer) && at < AT(datagrams)) || at >= AT(note))
		return 0;
	/* A verdict is one of a frame or datagram, and each of these promises something. */
	if (IS(WIRE_DNS) || IS(WIRE_TCP_DNS) || IS(WIRE_FRAGMENT_V4) || IS(WIRE_FRAGMENT_V6))
		return 2;
	if (at == AT(early_held)) /* a message, and a response that came early */
		return 2;
	return 1;
#undef IS
#undef AT
}

/* A lost or a doubled item shows in whichever word it is. */
static void each_counter_of_an_identity_is_watched(void **state)
{
	struct account good = {
		.received = 29,
		.rx = {[WIRE_DNS] = 7,
			[WIRE_NOT_IP] = 2,
			[WIRE_FRAGMENT_V4] = 8,
			[WIRE_FRAGMENT_V6] = 3,
			[WIRE_TCP_DNS] = 9},
		.layer = {[WIRE_LAYER_VLAN] = 5},
		.datagrams = 5,
		.whole = {[WIRE_DNS] = 1,
			[WIRE_OTHER_PORT] = 1,
			[WIRE_FRAGMENT_V6] = 1,
			[WIRE_TCP_DNS] = 2},
		.fragment = {[FRAGMENT_USED] = 7, [FRAGMENT_CUT] = 2},
		.fragments_held = 3,
		.segment = {[SEGMENT_IN_ORDER] = 8, [SEGMENT_EMPTY] = 3},
		.tcp_octets = 900,
		.tcp_octet = {[OCTET_MESSAGE] = 600, [OCTET_GAP] = 100},
		.tcp_octets_held = 200,
		.tcp_messages = 6,
		.query = {[QUERY_NEW] = 2, [QUERY_UNMATCHED] = 6},
		.response = {[RESPONSE_PAIRED] = 1, [RESPONSE_MALFORMED] = 1},
		.early_responses = 9,
		.early = {[EARLY_PAIRED] = 4, [EARLY_EVICTED] = 3},
		.early_held = 2,
		.not_dns = {[NOT_DNS_SHORT] = 2},
		.declared = 5,
		.record = {[RECORD_USED] = 3, [RECORD_UNPARSED] = 2},
		.updates = 4,
		.table = {[TABLE_HIT] = 3, [TABLE_DENIED_NAMES] = 1},
	};

	(void)state;
	assert_int_equal(account_error(&good), 0);
	assert_int_equal(account_fragments(&good), 12);
	assert_int_equal(account_segments(&good), 11);
	assert_int_equal(account_messages(&good), 14);
	assert_int_equal(account_queries(&good), 8);
	assert_int_equal(account_responses(&good), 2);
	assert_int_equal(account_not_dns(&good), 2);
	for (size_t i = 0; i < sizeof(good) / sizeof(uint64_t); i++) {
		struct account bad = good;

		((uint64_t *)&bad)[i] += 3;
		assert_int_equal(account_error(&bad), 3 * identities_of(i * sizeof(uint64_t)));
	}
	struct account twice = good;
	account_add(&twice, &good);
	assert_int_equal(account_error(&twice), 0);
	/* What waited and was let go in another account takes the level down again. */
	struct account later = {.fragment = {[FRAGMENT_TIMED_OUT] = 3},
		.fragments_held = -UINT64_C(3),
		.tcp_octet = {[OCTET_EVICTED] = 200},
		.tcp_octets_held = -UINT64_C(200)};
	assert_int_equal(account_error(&later), 0);
	account_add(&later, &good);
	assert_int_equal(account_error(&later), 0);
	assert_int_equal(later.fragments_held, 0);
}

static void fates_have_names(void **state)
{
	(void)state;
	assert_string_equal(fragment_fate_name(FRAGMENT_CONFLICTING), "conflicting_overlap");
	assert_string_equal(segment_fate_name(SEGMENT_EMPTY), "without_data");
	assert_string_equal(octet_fate_name(OCTET_GAP), "gap");
	assert_string_equal(query_fate_name(QUERY_EVICTING), "evicted_older");
	assert_string_equal(response_fate_name(RESPONSE_SPECIAL), "special_addresses");
	assert_string_equal(early_fate_name(EARLY_TOO_LARGE), "too_large");
	assert_string_equal(not_dns_reason_name(NOT_DNS_OPCODE), "reserved_opcode");
	assert_string_equal(record_fate_name(RECORD_OUT_OF_CHAIN), "out_of_chain");
	assert_string_equal(table_fate_name(TABLE_DENIED_NAMES), "name_arena_full");
	assert_string_equal(account_note_name(NOTE_CUT), "cut_by_snap_length");
	for (unsigned f = 0; f < RESPONSE_FATE_COUNT; f++)
		assert_int_equal(response_fate_is_evidence((enum response_fate)f),
			f <= RESPONSE_CONFLICTING);
	for (unsigned f = 0; f < TABLE_FATE_COUNT; f++)
		assert_int_equal(table_fate_is_denied((enum table_fate)f), f >= TABLE_DENIED_FULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(configurations_out_of_range_are_refused),
		cmocka_unit_test(three_units_stay_in_the_line),
		cmocka_unit_test(counts_saturate),
		cmocka_unit_test(a_fourth_unit_takes_a_small_record_and_a_seventeenth_a_large_one),
		cmocka_unit_test(one_answer_may_cross_both_pools),
		cmocka_unit_test(a_second_host_or_a_name_server_takes_a_record),
		cmocka_unit_test(a_full_table_denies_new_names_only),
		cmocka_unit_test(a_full_neighbourhood_denies),
		cmocka_unit_test(a_full_name_arena_denies),
		cmocka_unit_test(without_a_small_record_the_line_is_a_sample),
		cmocka_unit_test(a_place_in_the_line_is_taken_with_nothing_of_the_one_before),
		cmocka_unit_test(without_a_large_record_sixteen_stay),
		cmocka_unit_test(small_records_come_back_when_a_domain_grows),
		cmocka_unit_test(a_walk_visits_each_entry_once_in_slot_order),
		cmocka_unit_test(a_cleared_shard_holds_nothing),
		cmocka_unit_test(accounts_add_word_by_word),
		cmocka_unit_test(each_counter_of_an_identity_is_watched),
		cmocka_unit_test(fates_have_names),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
