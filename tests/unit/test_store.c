/* SPDX-License-Identifier: BSD-3-Clause */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "tests/unit/store_fixture.h"

#define DAY 86400u
#define START (20000u * DAY) /* a day, an hour and a slot begin here */
#define NET(n) ((uint64_t)(n) << 16)

static struct store *st;
static struct shard *sh;
static uint64_t lookups;
static const struct net_lookup net = {test_network, &lookups};

static int setup(void **state)
{
	(void)state;
	st = test_store(10, 10, 8);
	sh = test_shard(12);
	lookups = 0;
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	uint64_t error = store_account_error(st);
	free(st);
	free(sh);
	return error == 0 ? 0 : -1;
}

static void observe(const struct shard_observation *o)
{
	assert_false(table_fate_is_denied(shard_observe(sh, o)));
}

/* One answer of n units. */
static void answer(uint32_t id, const uint64_t *unit, unsigned n, uint32_t when)
{
	uint8_t name[6];
	unsigned len = test_name(id, name);
	struct shard_observation o = {.key = test_key(id),
		.host = test_key(id) ^ 5,
		.name = name,
		.name_len = (uint8_t)len,
		.unit = unit,
		.units = (uint8_t)n,
		.ttl = 60,
		.now = when,
		.grade = EVIDENCE_PAIRED};

	observe(&o);
}

static void answer_one(uint32_t id, uint64_t unit, uint32_t when)
{
	answer(id, &unit, 1, when);
}

static void merge(uint32_t now)
{
	struct shard *shards[] = {sh};

	store_merge(st, shards, 1, now, &net);
	shard_clear(sh);
	assert_int_equal(store_account_error(st), 0);
}

/* n units in `nets` networks, from `from` on. */
static void spread_answer(uint32_t id, unsigned n, unsigned nets, unsigned from, uint32_t when)
{
	uint64_t unit[64];

	for (unsigned i = 0; i < n; i++)
		unit[i] = NET(0x0800 + i % nets) + from + i;
	answer(id, unit, n, when);
}

static struct domain *tracked(uint32_t id, uint32_t when)
{
	spread_answer(id, 10, 10, 1, when);
	merge(when);
	struct domain *d = store_find(st, test_key(id));
	assert_non_null(d);
	return d;
}

static const struct store_account *account(void)
{
	return store_account(st);
}

static void sizes_out_of_range_are_refused(void **state)
{
	static const struct store_config bad[] = {{9, 10, 8}, {31, 10, 8}, {10, 9, 8}, {10, 29, 8},
		{10, 10, 0}, {10, 10, (1u << 22) + 1}};

	(void)state;
	for (unsigned i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		assert_int_equal(store_size(&bad[i]), 0);
		assert_null(store_init(st, &bad[i], test_placement, test_sketch));
	}
	struct store_config ten_million = {24, 24, 65536};
	assert_in_range(store_size(&ten_million), 1, (size_t)1536 << 20);
}

static void one_address_waits_and_the_second_is_let_in(void **state)
{
	(void)state;
	answer_one(1, NET(0x0808) + 1, START);
	merge(START + 10);
	answer_one(1, NET(0x0808) + 1, START + 11);
	merge(START + 20);
	assert_int_equal(account()->fate[STORE_WAITING], 2);
	assert_int_equal(account()->live, 0);
	answer_one(1, NET(0x0808) + 2, START + 21);
	merge(START + 30);
	assert_int_equal(account()->fate[STORE_INSERTED], 1);
	answer_one(1, NET(0x0808) + 2, START + 31);
	merge(START + 40);
	assert_int_equal(account()->fate[STORE_HIT], 1);
	assert_int_equal(account()->live, 1);
	assert_int_equal(account()->offered, 4);
	assert_null(store_find(st, test_key(1)));
}

static void the_door_remembers_for_seven_days_from_the_last_sighting(void **state)
{
	(void)state;
	answer_one(1, NET(0x0808) + 1, START);
	answer_one(2, NET(0x0808) + 1, START);
	merge(START + 10);
	answer_one(2, NET(0x0808) + 1, START + 5 * DAY);
	merge(START + 5 * DAY);
	answer_one(1, NET(0x0808) + 2, START + 8 * DAY);
	answer_one(2, NET(0x0808) + 2, START + 8 * DAY);
	merge(START + 8 * DAY);
	/* 1 was forgotten and waits anew; 2 was renewed on the fifth day. */
	assert_int_equal(account()->fate[STORE_INSERTED], 1);
	assert_int_equal(account()->fate[STORE_WAITING], 4);
	answer_one(1, NET(0x0808) + 3, START + 15 * DAY);
	merge(START + 15 * DAY);
	assert_int_equal(account()->fate[STORE_INSERTED], 2);
}

static void first_seen_is_at_most_what_the_door_knows(void **state)
{
	(void)state;
	answer_one(1, NET(0x0808) + 1, START + 100);
	merge(START + 110);
	answer_one(1, NET(0x0808) + 2, START + 3 * DAY);
	merge(START + 3 * DAY);
	spread_answer(1, 8, 8, 1, START + 3 * DAY + 50);
	merge(START + 3 * DAY + 60);
	const struct domain *d = store_find(st, test_key(1));
	assert_non_null(d);
	assert_int_equal(d->first, START + DAY - 1);
	assert_int_equal(d->last, START + 3 * DAY + 50);
	assert_int_equal(d->tracked, START + 3 * DAY + 60);
}

/* One address, and n of name servers. */
static void answer_glued(uint32_t id, uint64_t unit, const uint64_t *glue, unsigned n, uint32_t at)
{
	uint8_t name[6];
	struct shard_observation o = {.key = test_key(id),
		.host = test_key(id) ^ 5,
		.name = name,
		.name_len = (uint8_t)test_name(id, name),
		.unit = &unit,
		.units = 1,
		.ttl = 300,
		.ns_unit = glue,
		.ns_units = (uint8_t)n,
		.ns_ttl = 900,
		.grade = EVIDENCE_PAIRED,
		.now = at};

	observe(&o);
}

/* Most answers have no glue: that there is some now, or none, tells of no other. */
static void glue_that_comes_and_goes_opens_no_door(void **state)
{
	const uint64_t glue[] = {NET(0x0900) + 1, NET(0x0901) + 1};

	(void)state;
	for (unsigned epoch = 0; epoch < 6; epoch++) {
		uint32_t at = START + 10 * epoch;

		for (uint32_t id = 0; id < 20; id++) {
			if (epoch % 2 == 0)
				answer_one(id, NET(0x0808) + 1, at);
			else
				answer_glued(id, NET(0x0808) + 1, &glue[0], 1, at);
		}
		merge(at);
	}
	assert_int_equal(account()->fate[STORE_INSERTED], 0);
	/* Other glue does, also after answers that had none. */
	for (uint32_t id = 0; id < 20; id++)
		answer_one(id, NET(0x0808) + 1, START + 100);
	merge(START + 100);
	for (uint32_t id = 0; id < 20; id++)
		answer_glued(id, NET(0x0808) + 1, &glue[1], 1, START + 110);
	merge(START + 110);
	assert_int_equal(account()->fate[STORE_INSERTED], 20);
}

static void a_full_door_forgets_the_oldest(void **state)
{
	(void)state;
	for (uint32_t id = 0; id < 700; id++)
		answer_one(id, NET(0x0808) + 1, START);
	merge(START);
	uint64_t before = account()->door_evicted;
	for (uint32_t id = 700; id < 1400; id++)
		answer_one(id, NET(0x0808) + 1, START + DAY);
	merge(START + DAY);
	assert_true(account()->door_evicted > before);
	for (uint32_t id = 700; id < 1400; id++)
		answer_one(id, NET(0x0808) + 2, START + 2 * DAY);
	merge(START + 2 * DAY);
	/* 700 names over 128 buckets of 8: all but a few of the newer ones were kept. */
	assert_in_range(account()->fate[STORE_INSERTED], 600, 700);
}

static void diversity_promotes_and_volume_does_not(void **state)
{
	(void)state;
	spread_answer(1, 50, 1, 1, START); /* a CDN in one /16 */
	spread_answer(2, 4, 4, 1, START);  /* four addresses */
	spread_answer(3, 5, 5, 1, START);
	merge(START + 10);
	assert_null(store_find(st, test_key(1)));
	assert_null(store_find(st, test_key(2)));
	struct domain *d = store_find(st, test_key(3));
	assert_non_null(d);
	assert_int_equal(d->items, 5);
	assert_int_equal(d->name_len, 6);
	assert_int_equal(account()->promoted, 1);
	assert_int_equal(lookups, 5);
	/* The fifth address brings its history along. */
	answer_one(2, NET(0x0900) + 1, START + 3 * 3600);
	merge(START + 3 * 3600 + 10);
	d = store_find(st, test_key(2));
	assert_non_null(d);
	assert_int_equal(d->items, 5);
	for (unsigned i = 0; i < d->items; i++) {
		bool last = d->item[i].unit == NET(0x0900) + 1;
		assert_int_equal(d->item[i].first, last ? START + 3 * 3600 : START);
		assert_int_equal(d->item[i].hours, last ? 1 : 8);
		assert_int_equal(d->item[i].slots, last ? 1 : 0);
		assert_int_equal(d->item[i].days, 1);
		assert_int_equal(d->item[i].early, !last);
		assert_int_equal(d->item[i].grade, EVIDENCE_PAIRED);
		assert_int_equal(d->item[i].asn, address_aggregate(d->item[i].unit) + 1);
	}
	assert_int_equal(d->first, START);
	for (unsigned i = 0; i < STORE_HOURS; i++)
		assert_int_equal(d->hour_threshold[i], 0xffff);
}

static void units_turned_away_before_promotion_bound_the_past(void **state)
{
	(void)state;
	spread_answer(1, 50, 1, 1, START);
	merge(START + 10);
	spread_answer(1, 3, 3, 1000, START + 2 * 3600);
	merge(START + 2 * 3600 + 10);
	struct domain *d = store_find(st, test_key(1));
	assert_non_null(d);
	assert_int_equal(d->items, 4 + 3);
	for (unsigned i = 0; i < STORE_HOURS; i++) {
		if (i <= 2)
			assert_in_range(d->hour_threshold[i], 1, 0x4000);
		else
			assert_int_equal(d->hour_threshold[i], 0xffff);
	}
	/* The next hour is not concerned. */
	domain_advance(d, START + 3 * 3600);
	assert_int_equal(d->hour_threshold[0], 0xffff);
	assert_in_range(d->hour_threshold[3], 1, 0x4000);
}

static void silence_of_seven_days_is_the_end(void **state)
{
	(void)state;
	spread_answer(1, 2, 2, 1, START);
	struct domain *flagged = tracked(2, START);
	tracked(3, START);
	flagged->verdict.first_flagged = START;
	assert_int_equal(account()->live, 3);
	/* One that comes back is a new name, even before it was swept. */
	answer_one(1, NET(0x0808) + 1, START + 8 * DAY);
	merge(START + 8 * DAY);
	assert_int_equal(account()->expired, 1);
	assert_int_equal(account()->fate[STORE_WAITING], 1);
	for (unsigned i = 0; i < 1100; i++)
		merge(START + 8 * DAY + i);
	assert_int_equal(account()->expired, 2);
	assert_int_equal(account()->released, 1);
	assert_int_equal(account()->tracked, 1);
	assert_ptr_equal(store_find(st, test_key(2)), flagged);
	assert_null(store_find(st, test_key(3)));
}

static void names_stay_found_when_others_expire(void **state)
{
	(void)state;
	for (uint32_t id = 0; id < 600; id++)
		spread_answer(id, 2, 2, 1, START);
	merge(START);
	for (uint32_t id = 0; id < 600; id += 3)
		answer_one(id, NET(0x0800) + 1, START + 6 * DAY);
	merge(START + 6 * DAY);
	for (unsigned i = 0; i < 1100; i++)
		merge(START + 8 * DAY);
	assert_int_equal(account()->expired, 400);
	assert_int_equal(account()->live, 200);
	uint64_t hits = account()->fate[STORE_HIT];
	for (uint32_t id = 0; id < 600; id += 3)
		answer_one(id, NET(0x0800) + 1, START + 8 * DAY);
	merge(START + 8 * DAY);
	assert_int_equal(account()->fate[STORE_HIT], hits + 200);
}

/* Probing runs past the last home slot of a shard. */
static void the_last_slots_of_a_shard_are_merged_too(void **state)
{
	(void)state;
	unsigned n = 0;

	for (uint32_t id = 0; n < 5; id++) {
		assert_in_range(id, 0, 65535);
		if (shard_slot(sh, test_key(id)) != sh->mask)
			continue;
		answer_one(id, NET(0x0808) + 1, START);
		n++;
	}
	merge(START);
	assert_int_equal(account()->fate[STORE_WAITING], 5);
}

/* A table of 1024 slots takes its names under pressure, and says what it lost. */
static void a_full_table_evicts_the_least_evidence_and_never_a_verdict(void **state)
{
	(void)state;
	for (uint32_t id = 0; id < 8; id++)
		tracked(id, START)->verdict.first_flagged = START;
	for (uint32_t round = 0; round < 8; round++) {
		for (uint32_t id = 100 + 500 * round; id < 600 + 500 * round; id++)
			spread_answer(id, round % 2 ? 2 : 4, 1, 1, START + round);
		merge(START + round);
	}
	assert_true(account()->evicted > 2000);
	assert_int_equal(account()->live, account()->fate[STORE_INSERTED] - account()->evicted);
	for (uint32_t id = 0; id < 8; id++)
		assert_non_null(store_find(st, test_key(id)));
	/* Of 2,000 names with four addresses and 2,000 with two, most of those left have four. */
	uint64_t hits = account()->fate[STORE_HIT];
	for (uint32_t id = 100; id < 4100; id++)
		if ((id - 100) / 500 % 2 == 0)
			answer_one(id, NET(0x0800) + 1, START + 20);
	merge(START + 20);
	hits = account()->fate[STORE_HIT] - hits;
	if (hits <= account()->live * 3 / 4)
		fail_msg("%u of %u", (unsigned)hits, (unsigned)account()->live);
}

static void records_go_to_the_more_diverse(void **state)
{
	(void)state;
	for (uint32_t id = 0; id < 8; id++) {
		spread_answer(id, 12, 4 + id, 1, START);
		merge(START + id);
	}
	assert_int_equal(account()->tracked, 8);
	/* As diverse as the least is not enough. */
	spread_answer(20, 5, 3, 1, START + 20);
	merge(START + 20);
	assert_null(store_find(st, test_key(20)));
	assert_int_equal(account()->promotion_denied, 1);
	store_find(st, test_key(0))->verdict.first_flagged = START;
	spread_answer(21, 20, 20, 1, START + 30);
	merge(START + 30);
	assert_non_null(store_find(st, test_key(21)));
	assert_non_null(store_find(st, test_key(0)));
	assert_null(store_find(st, test_key(1)));
	assert_int_equal(account()->demoted, 1);
	assert_int_equal(account()->tracked, 8);
	/* The one given up is a candidate still, and returns when it has more to show. */
	uint64_t hits = account()->fate[STORE_HIT];
	spread_answer(1, 12, 5, 1, START + 40);
	merge(START + 40);
	assert_int_equal(account()->fate[STORE_HIT], hits + 1);
	assert_null(store_find(st, test_key(1)));
	spread_answer(1, 20, 20, 1, START + 50);
	merge(START + 50);
	const struct domain *d = store_find(st, test_key(1));
	assert_non_null(d);
	assert_int_equal(d->first, START);
}

static void fresh_epochs_are_a_ttl_apart(void **state)
{
	(void)state;
	struct domain *d = tracked(1, START);
	static const struct {
		uint32_t at, fresh;
	} steps[] = {{10, 1}, {59, 1}, {60, 2}, {119, 2}, {300, 3}, {330, 3}, {360, 4}};

	assert_int_equal(d->fresh, 1);
	for (unsigned i = 0; i < sizeof(steps) / sizeof(steps[0]); i++) {
		answer_one(1, NET(0x0808) + 1, START + steps[i].at);
		merge(START + steps[i].at);
		assert_int_equal(d->fresh, steps[i].fresh);
	}
	assert_int_equal(d->fresh_slot[0], 2);
	assert_int_equal(d->fresh_slot[1], 2);
	assert_int_equal(d->fresh_hour[0], 4);
	assert_int_equal(domain_ttl(d), 60);
	assert_int_equal(d->responses, 8);
	domain_advance(d, START + DAY);
	assert_int_equal(domain_ttl(d), 60);
	domain_advance(d, START + 2 * DAY);
	assert_int_equal(domain_ttl(d), 0);
}

static void time_moves_the_windows(void **state)
{
	(void)state;
	struct domain *d = tracked(1, START);

	d->slot_threshold[0] = 77;
	d->hour_threshold[0] = 88;
	domain_advance(d, START + 299);
	assert_int_equal(d->item[0].slots, 1);
	domain_advance(d, START + 15 * 300);
	assert_int_equal(d->item[0].slots, 0x8000);
	assert_int_equal(d->item[0].hours, 2);
	assert_int_equal(d->fresh_slot[15], 1);
	assert_int_equal(d->slot_threshold[15], 77);
	assert_int_equal(d->slot_threshold[14], 0xffff);
	domain_advance(d, START + 16 * 300);
	assert_int_equal(d->item[0].slots, 0);
	assert_int_equal(d->hour_threshold[1], 88);
	domain_advance(d, START + 31 * 3600);
	assert_int_equal(d->items, 10);
	assert_int_equal(d->item[0].hours, UINT32_C(1) << 31);
	assert_int_equal(d->fresh_hour[31], 1);
	domain_advance(d, START + 32 * 3600);
	assert_int_equal(d->items, 10);
	assert_int_equal(d->item[0].hours, 0);
	domain_advance(d, START / DAY * DAY + 7 * DAY);
	assert_int_equal(d->item[0].days, 1 << 7);
	assert_int_equal(d->fresh_day[7], 1);
	assert_int_equal(d->items, 10);
	domain_advance(d, START / DAY * DAY + 8 * DAY);
	assert_int_equal(d->items, 0);
	domain_advance(d, START + 4000 * 3600);
	for (unsigned i = 0; i < STORE_HOURS; i++) {
		assert_int_equal(d->hour_threshold[i], 0xffff);
		assert_int_equal(d->fresh_hour[i], 0);
	}
	for (unsigned i = 0; i < STORE_DAYS; i++)
		assert_int_equal(d->day_threshold[i], 0xffff);
}

static void late_evidence_is_put_where_it_belongs(void **state)
{
	(void)state;
	struct domain *d = tracked(1, START + 7200);
	uint64_t late = NET(0x0850) + 9;

	answer_one(1, late, START + 7200 - 900);
	merge(START + 7200 + 10);
	for (unsigned i = 0; i < d->items; i++) {
		if (d->item[i].unit != late)
			continue;
		assert_int_equal(d->item[i].slots, 1u << 3);
		assert_int_equal(d->item[i].hours, 2);
	}
	assert_int_equal(d->items, 11);
	assert_int_equal(d->last, START + 7200);
	assert_int_equal(d->first, START + 7200 - 900);
}

/* What a shard had to turn away for want of a detail record is missing here too. */
static void a_cut_entry_bounds_the_slot(void **state)
{
	(void)state;
	struct domain *d = tracked(1, START);
	uint64_t unit = NET(0x0850) + 9;

	answer_one(1, unit, START + 300);
	shard_find(sh, test_key(1))->grades |= SHARD_CUT;
	merge(START + 310);
	assert_int_equal(d->slot_threshold[0], store_unit_hash(st, unit) >> 48);
	assert_int_equal(d->slot_threshold[1], 0xffff);
	assert_int_equal(d->hour_threshold[0], store_unit_hash(st, unit) >> 48);
}

/* One address that stays, glue that moves: let in at other glue, promoted by its prefixes. */
static void moving_glue_promotes(void **state)
{
	(void)state;
	uint8_t name[6];
	uint64_t unit = NET(0x0800) + 1, ns_name = 77, ns_unit[2];
	struct shard_observation o = {.key = test_key(1),
		.host = test_key(1) ^ 5,
		.name = name,
		.name_len = (uint8_t)test_name(1, name),
		.unit = &unit,
		.units = 1,
		.ttl = 300,
		.ns_name = &ns_name,
		.ns_names = 1,
		.ns_unit = ns_unit,
		.ns_units = 2,
		.ns_ttl = 900,
		.server = 9,
		.grade = EVIDENCE_PAIRED};

	for (unsigned i = 0; i < 40; i++) {
		/* For an hour the glue stays: neither let in nor promoted. */
		unsigned at = i < 12 ? 0 : i;
		ns_unit[0] = NET(0x0900 + 2 * at) + 1;
		ns_unit[1] = NET(0x0901 + 2 * at) + 1;
		o.now = START + 300 * i;
		observe(&o);
		merge(START + 300 * i);
		if (i == 11)
			assert_int_equal(store_account(st)->fate[STORE_INSERTED], 0);
	}
	const struct domain *d = store_find(st, test_key(1));
	assert_non_null(d);
	assert_int_equal(d->items, 1);
	assert_int_equal(d->ns_items, STORE_NS);
	for (unsigned i = 0; i < STORE_NS; i++)
		assert_int_equal(d->ns_server[i], 9);
}

/* Three name servers, of IPv4 and IPv6, that stay, however they are shown; and eight so. */
static void steady_glue_promotes_nobody(void **state)
{
	(void)state;
	for (unsigned i = 0; i < 40; i++) {
		for (uint32_t id = 1; id <= 2; id++) {
			uint64_t glue[6];

			for (unsigned k = 0; k < 6; k++)
				glue[k] = id == 2 ? NET(0x0900 + (i + k) % 8) + 1
					  : k < 3 ? NET(0x0900 + k) + 1
						  : UINT64_C(0x2a00) << 48 | (uint64_t)k << 32;
			answer_glued(id, NET(0x0800 + i % 2) + 1, glue, 6, START + 300 * i);
		}
		merge(START + 300 * i);
	}
	assert_int_equal(account()->fate[STORE_INSERTED], 2);
	assert_int_equal(account()->promoted, 0);
}

static void name_servers_are_kept(void **state)
{
	(void)state;
	struct domain *d = tracked(1, START);
	uint8_t name[6];
	struct shard_observation o = {.key = test_key(1),
		.host = test_key(1) ^ 5,
		.name = name,
		.name_len = (uint8_t)test_name(1, name),
		.ns_ttl = 900,
		.grade = EVIDENCE_PAIRED};

	for (unsigned i = 0; i < 10; i++) {
		uint64_t ns_name[2] = {1000 + 2 * i, 1001 + 2 * i};
		uint64_t ns_unit[2] = {NET(0x0900 + i) + 1, NET(0x0900 + i) + 2};

		o.ns_name = ns_name;
		o.ns_unit = ns_unit;
		o.ns_names = o.ns_units = 2;
		o.now = START + 10 * i;
		observe(&o);
		merge(START + 10 * i);
	}
	assert_int_equal(d->ns_changes, 9);
	assert_int_equal(d->ns_names, STORE_NS);
	assert_int_equal(d->ns_items, STORE_NS);
	assert_int_equal(d->ns_ttl, 900);
	for (unsigned i = 0; i < STORE_NS; i++) {
		assert_in_range(d->ns[i].unit, NET(0x0900), NET(0x090a));
		assert_int_equal(d->ns[i].asn, address_aggregate(d->ns[i].unit) + 1);
		assert_in_range(d->ns_name[i], 1008, 1019);
	}
	/* Glue inside the pool, whichever of the two comes first. */
	uint64_t glue = d->item[3].unit, known = d->ns[0].unit;
	o.ns_unit = &glue;
	o.ns_units = 1;
	o.ns_names = 0;
	observe(&o);
	answer_one(1, known, START + 100);
	merge(START + 100);
	unsigned marked = 0;
	for (unsigned i = 0; i < d->items; i++) {
		bool is = d->item[i].unit == glue || d->item[i].unit == known;
		assert_int_equal(d->item[i].ns, is);
		marked += is;
	}
	assert_int_equal(marked, 2);
}

static void touched_collect(void *ctx, struct domain *d)
{
	uint64_t *seen = ctx;

	assert_true(seen[0] == 0 || d->key > seen[seen[0]]);
	seen[++seen[0]] = d->key;
}

static void touched_are_those_of_the_last_merge_by_key(void **state)
{
	(void)state;
	uint64_t seen[16] = {0};

	for (uint32_t id = 0; id < 8; id++)
		spread_answer(id, 10, 10, 1, START);
	merge(START);
	store_touched(st, touched_collect, seen);
	assert_int_equal(seen[0], 8);
	seen[0] = 0;
	answer_one(5, NET(0x0808), START + 10);
	answer_one(6, NET(0x0808), START + 10);
	answer_one(77, NET(0x0808), START + 10);
	merge(START + 10);
	store_touched(st, touched_collect, seen);
	assert_int_equal(seen[0], 2);
	merge(START + 20);
	seen[0] = 0;
	store_touched(st, touched_collect, seen);
	assert_int_equal(seen[0], 0);
}

static void count_record(void *ctx, struct domain *d)
{
	(void)d;
	++*(unsigned *)ctx;
}

static void each_visits_every_record(void **state)
{
	(void)state;
	unsigned n = 0;

	for (uint32_t id = 0; id < 5; id++)
		tracked(id, START);
	store_each(st, count_record, &n);
	assert_int_equal(n, 5);
}

/* Records change hands within a merge: each domain is reported once, as it is now. */
static void touched_survives_demotion(void **state)
{
	(void)state;
	uint64_t seen[64] = {0};

	for (uint32_t round = 0; round < 6; round++)
		for (uint32_t id = 0; id < 40; id++)
			spread_answer(100 * round + id, 40, 4 + 5 * round, 1, START + round);
	merge(START + 10);
	assert_true(account()->demoted > 8);
	store_touched(st, touched_collect, seen);
	assert_int_equal(seen[0], 8);
	for (unsigned i = 1; i <= 8; i++)
		assert_non_null(store_find(st, seen[i]));
}

static void other_network(void *ctx, uint64_t unit, struct net_info *out)
{
	(void)ctx;
	out->asn = (uint32_t)(unit >> 16) + 7777;
	out->country[0] = out->country[1] = 'Z';
	out->own = unit % 3 == 1;
}

static unsigned renewed;

static void count_renewed(void *ctx, struct domain *d)
{
	(void)ctx;
	for (unsigned i = 0; i < d->items; i++) {
		assert_int_equal(d->item[i].asn, (uint32_t)(d->item[i].unit >> 16) + 7777);
		assert_memory_equal(d->item[i].country, "ZZ", 2);
		assert_int_equal(d->item[i].own, d->item[i].unit % 3 == 1);
	}
	renewed += d->items > 0;
}

/* Another database: every full record's addresses are looked up again, by helpings. */
static void networks_are_looked_up_again(void **state)
{
	static const struct net_lookup other = {other_network, NULL};
	uint32_t from = 0, rounds = 0;

	(void)state;
	for (uint32_t epoch = 0; epoch < 3; epoch++) {
		for (uint32_t id = 1; id <= 5; id++) {
			uint64_t unit[4];
			for (unsigned i = 0; i < 4; i++)
				unit[i] = NET(id * 100 + epoch * 4 + i) + 1;
			answer(id, unit, 4, START + epoch * 300 + 1);
		}
		struct shard *shards[] = {sh};
		store_merge(st, shards, 1, START + epoch * 300 + 300, &net);
		shard_clear(sh);
	}
	assert_int_equal(store_account(st)->tracked, 5);
	do {
		from = store_renew(st, from, 3, &other);
		rounds++;
	} while (from);
	assert_int_equal(rounds, 3); /* of 8 places */
	renewed = 0;
	store_each(st, count_renewed, NULL);
	assert_int_equal(renewed, 5);
}

static void siblings_share_addresses_over_networks(void **state)
{
	(void)state;
	struct siblings s;

	spread_answer(1, 10, 10, 1, START);
	spread_answer(2, 8, 8, 1, START);
	spread_answer(3, 12, 12, 500, START);
	merge(START);
	uint64_t unit[6];
	for (unsigned i = 0; i < 6; i++)
		unit[i] = i < 3 ? NET(0x0800 + i) + 1 + i : NET(0x0a00 + i);
	answer(4, unit, 6, START);
	merge(START);
	const struct domain *d = store_find(st, test_key(1));
	store_siblings(st, d, 5, 4, &s);
	assert_int_equal(s.domains, 1);
	assert_int_equal(s.units, 8);
	assert_int_equal(s.networks, 8);
	store_siblings(st, d, 3, 3, &s);
	assert_int_equal(s.domains, 2);
	store_siblings(st, store_find(st, test_key(3)), 1, 1, &s);
	assert_int_equal(s.domains, 0);
	assert_int_equal(s.units, 0);
}

static void a_sibling_whose_record_went_is_none(void **state)
{
	(void)state;
	struct siblings s;

	spread_answer(1, 10, 10, 1, START);
	spread_answer(2, 10, 10, 1, START);
	merge(START);
	spread_answer(1, 10, 10, 1, START + 6 * DAY);
	merge(START + 6 * DAY);
	for (unsigned i = 0; i < 1100; i++)
		merge(START + 8 * DAY);
	spread_answer(1, 10, 10, 1, START + 8 * DAY);
	merge(START + 8 * DAY);
	assert_null(store_find(st, test_key(2)));
	store_siblings(st, store_find(st, test_key(1)), 1, 1, &s);
	assert_int_equal(s.domains, 0);
	assert_int_equal(s.units, 0);
}

static void an_alias_does_not_own_its_addresses(void **state)
{
	(void)state;
	struct siblings s;
	uint8_t name[6];
	uint64_t unit[10];

	spread_answer(1, 10, 10, 1, START);
	for (unsigned i = 0; i < 10; i++)
		unit[i] = NET(0x0800 + i) + 1 + i;
	struct shard_observation o = {.key = test_key(2),
		.name = name,
		.name_len = (uint8_t)test_name(2, name),
		.unit = unit,
		.units = 10,
		.now = START,
		.grade = EVIDENCE_ALIAS};
	observe(&o);
	merge(START);
	store_siblings(st, store_find(st, test_key(1)), 1, 1, &s);
	assert_int_equal(s.domains, 0);
	store_siblings(st, store_find(st, test_key(2)), 1, 1, &s);
	assert_int_equal(s.domains, 1);
	/* One address that it does own makes it the owner of that one. */
	answer_one(2, unit[3], START + 10);
	merge(START + 10);
	store_siblings(st, store_find(st, test_key(1)), 1, 1, &s);
	assert_int_equal(s.units, 1);
	o.now = START + 20;
	observe(&o);
	merge(START + 20);
	store_siblings(st, store_find(st, test_key(1)), 1, 1, &s);
	assert_int_equal(s.units, 1);
	const struct domain *d = store_find(st, test_key(2));
	for (unsigned i = 0; i < d->items; i++)
		assert_int_equal(d->item[i].grade,
			d->item[i].unit == unit[3] ? EVIDENCE_PAIRED : EVIDENCE_ALIAS);
	o.grade = EVIDENCE_UNPAIRED;
	o.now = START + 30;
	observe(&o);
	merge(START + 30);
	store_siblings(st, store_find(st, test_key(1)), 1, 1, &s);
	assert_int_equal(s.units, 10);
}

/* A pause begins it anew, quiet epochs and a clock that is set back do not. */
static void watching_is_since_the_last_pause(void **state)
{
	(void)state;
	assert_int_equal(store_since(st), 0);
	merge(START);
	assert_int_equal(store_since(st), START);
	merge(START + STORE_PAUSE_SECONDS);
	assert_int_equal(store_since(st), START);
	merge(START + STORE_PAUSE_SECONDS - 300);
	assert_int_equal(store_since(st), START);
	merge(START + 2 * STORE_PAUSE_SECONDS + 1);
	assert_int_equal(store_since(st), START + 2 * STORE_PAUSE_SECONDS + 1);
}

static void fates_have_names(void **state)
{
	(void)state;
	for (unsigned f = 0; f < STORE_FATE_COUNT; f++)
		assert_true(strlen(store_fate_name((enum store_fate)f)) > 0);
	assert_int_equal(store_unit_hash(st, 5), hash_u64(5, test_sketch));
}

#define TEST(fn) cmocka_unit_test_setup_teardown(fn, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(sizes_out_of_range_are_refused),
		TEST(one_address_waits_and_the_second_is_let_in),
		TEST(the_door_remembers_for_seven_days_from_the_last_sighting),
		TEST(first_seen_is_at_most_what_the_door_knows),
		TEST(glue_that_comes_and_goes_opens_no_door),
		TEST(a_full_door_forgets_the_oldest),
		TEST(diversity_promotes_and_volume_does_not),
		TEST(units_turned_away_before_promotion_bound_the_past),
		TEST(silence_of_seven_days_is_the_end),
		TEST(names_stay_found_when_others_expire),
		TEST(the_last_slots_of_a_shard_are_merged_too),
		TEST(a_full_table_evicts_the_least_evidence_and_never_a_verdict),
		TEST(records_go_to_the_more_diverse),
		TEST(fresh_epochs_are_a_ttl_apart),
		TEST(time_moves_the_windows),
		TEST(late_evidence_is_put_where_it_belongs),
		TEST(a_cut_entry_bounds_the_slot),
		TEST(moving_glue_promotes),
		TEST(steady_glue_promotes_nobody),
		TEST(name_servers_are_kept),
		TEST(touched_are_those_of_the_last_merge_by_key),
		TEST(each_visits_every_record),
		TEST(touched_survives_demotion),
		TEST(networks_are_looked_up_again),
		TEST(siblings_share_addresses_over_networks),
		TEST(a_sibling_whose_record_went_is_none),
		TEST(an_alias_does_not_own_its_addresses),
		TEST(watching_is_since_the_last_pause),
		TEST(fates_have_names),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
