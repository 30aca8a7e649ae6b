/* SPDX-License-Identifier: BSD-3-Clause */

/* What is blocked and what is not: each reason, then random lives of a gate against a model. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "export/gate.h"
#include "export/gate_state.h"
#include "export/zone.h"
#include "random.h"
#include "store_fixture.h"

#define NOW 1700000000u
#define NAMES_MAX 512u

static const char suffixes[] = "com\nuk\nco.uk\nexample\n*.ck\n!www.ck\ngithub.io\ns3.cloud.com\n";
static struct psl *psl;
static struct gate gate;
static struct dns_name own[2];
static uint64_t hash[8];
static struct name_lists top;
static struct gate_guards guards;
static const struct gate_config strict = {
	.min_age = 600, .warmup = 3600, .additions_per_hour = 3, .step_max = 86400};

static struct dns_name name_of(const char *text)
{
	struct dns_name name;

	assert_int_equal(dns_name_parse(text, &name), 0);
	return name;
}

static bool is_allowed(const void *ctx, const struct dns_name *name)
{
	struct dns_name allowed = name_of(ctx);

	return name->len == allowed.len && memcmp(name->wire, allowed.wire, name->len) == 0;
}

static int setup(void **state)
{
	struct psl_error error;
	size_t size = psl_size(suffixes, strlen(suffixes));

	(void)state;
	psl = psl_init(test_memory(size), size, suffixes, strlen(suffixes), &error);
	if (!psl)
		return -1;
	top = (struct name_lists){.popular = {.key = {1, 2}, .room = 8, .hash = hash},
		.infrastructure = {.key = {3, 4}}};
	assert_null(name_list_add(&top.popular, psl, "popular.com", 11));
	name_list_seal(&top.popular);
	own[0] = name_of("noc.carrier.example");
	own[1] = name_of("own.co.uk");
	guards = (struct gate_guards){
		.psl = psl,
		.top = {NULL, &top},
		.own_zones = 2,
		.own_zone = own,
		.allowed = is_allowed,
		.allowed_ctx = "allowed.example",
		.zone_octets = name_of("rpz.test").len,
	};
	gate_init(&gate);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	gate_free(&gate);
	free(psl);
	return 0;
}

static void step(const struct gate_config *config, uint32_t now, const char *const *names)
{
	struct gate_candidate c[NAMES_MAX];
	struct dns_name name[NAMES_MAX];
	unsigned n = 0;

	for (; names[n]; n++) {
		bool suspected = names[n][0] == '-';

		name[n] = name_of(names[n] + suspected);
		c[n] = (struct gate_candidate){name[n].wire, name[n].len, suspected};
	}
	assert_int_equal(gate_step(&gate, config, &guards, c, n, now), 0);
	assert_int_equal(gate.n, n);
}

#define STEP(config, now, ...) step(config, now, (const char *const[]){__VA_ARGS__, NULL})

static const struct gate_entry *entry_of(const char *text)
{
	struct dns_name name = name_of(text);
	const struct gate_entry *e = gate_find(gate.entry, gate.n, name.wire, name.len);

	assert_non_null(e);
	return e;
}

static void expect(const char *text, enum gate_reason reason)
{
	const struct gate_entry *e = entry_of(text);

	assert_string_equal(gate_reason_name(e->reason), gate_reason_name(reason));
	assert_int_equal(e->reason == GATE_LISTED, e->listed_since != 0);
}

static void firm_verdicts_wait(void **state)
{
	(void)state;
	STEP(&strict, NOW, "a.example", "-b.example");
	expect("a.example", GATE_MIN_AGE);
	expect("b.example", GATE_SUSPECTED);
	STEP(&strict, NOW + 300, "a.example", "b.example");
	STEP(&strict, NOW + 599, "a.example", "b.example");
	expect("a.example", GATE_MIN_AGE);
	STEP(&strict, NOW + 600, "a.example", "b.example");
	expect("a.example", GATE_LISTED);
	expect("b.example", GATE_MIN_AGE);
	/* The time as suspected does not count. */
	STEP(&strict, NOW + 899, "b.example");
	expect("b.example", GATE_MIN_AGE);
	assert_null(gate_find(gate.entry, gate.n, name_of("a.example").wire, 11));
	STEP(&strict, NOW + 900, "b.example");
	expect("b.example", GATE_LISTED);
}

/* Who can cast doubt on answers must not unblock by it; but nothing comes in so. */
static void doubt_keeps_but_does_not_add(void **state)
{
	(void)state;
	STEP(&strict, NOW, "a.example", "b.example");
	STEP(&strict, NOW + 599, "a.example", "-b.example");
	STEP(&strict, NOW + 600, "a.example", "b.example");
	expect("a.example", GATE_LISTED);
	expect("b.example", GATE_MIN_AGE);
	STEP(&strict, NOW + 700, "-a.example", "b.example");
	expect("a.example", GATE_LISTED);
	struct gate_config loose = strict;
	loose.suspected = true;
	STEP(&loose, NOW + 700, "-c.example");
	STEP(&loose, NOW + 1300, "-c.example");
	expect("c.example", GATE_LISTED);
}

static void a_cold_start_warms_up(void **state)
{
	(void)state;
	gate_cold(&gate, NOW);
	STEP(&strict, NOW, "a.example");
	STEP(&strict, NOW + 3599, "a.example");
	expect("a.example", GATE_WARMUP);
	STEP(&strict, NOW + 3600, "a.example", "b.example");
	expect("a.example", GATE_LISTED);
	expect("b.example", GATE_MIN_AGE);
}

/* A clock that is set forward, or a sensor that stood still, has watched nothing meanwhile. */
static void a_leap_of_the_clock_is_no_wait(void **state)
{
	struct gate_config close = strict;

	(void)state;
	close.step_max = 30;
	close.additions_per_hour = 1;
	gate_cold(&gate, NOW);
	STEP(&close, NOW, "a.example");
	STEP(&close, NOW + 30, "a.example");
	STEP(&close, NOW + 86400, "a.example");
	expect("a.example", GATE_MIN_AGE);
	uint32_t now = NOW + 86400;
	for (uint32_t left = 3600 - 60; left > 30; left -= 30) {
		now += 30;
		STEP(&close, now, "a.example", "b.example");
		expect("a.example", left > 3600 - 600 + 30 ? GATE_MIN_AGE : GATE_WARMUP);
	}
	STEP(&close, now + 30, "a.example", "b.example");
	expect("a.example", GATE_LISTED);
	expect("b.example", GATE_FROZEN);
	/* The hour of the freeze, too. */
	STEP(&close, now + 86400, "a.example", "b.example");
	expect("a.example", GATE_LISTED);
	expect("b.example", GATE_FROZEN);
	assert_int_equal(gate.frozen_since, now + 86400 - 30);
	/* What is in waits for nothing: its times stay. */
	assert_int_equal(entry_of("a.example")->listed_since, now + 30);
	assert_true(entry_of("a.example")->firm_since < now);
}

static void some_names_are_never_blocked(void **state)
{
	static const struct {
		const char *name;
		enum gate_reason reason;
	} cases[] = {
		{".", GATE_SUFFIX},
		{"com", GATE_SUFFIX},
		{"co.uk", GATE_SUFFIX},
		{"unlisted-tld", GATE_SUFFIX},
		{"any.ck", GATE_SUFFIX},
		{"ck", GATE_SUFFIX},
		{"github.io", GATE_SUFFIX},
		{"cloud.com", GATE_SUFFIX},
		{"carrier.example", GATE_OWN},
		{"noc.carrier.example", GATE_OWN},
		{"a.noc.carrier.example", GATE_OWN},
		{"own.co.uk", GATE_OWN},
		{"popular.com", GATE_TOP},
		{"host.popular.com", GATE_TOP},
		{"allowed.example", GATE_ALLOWED},
		{"*.com", GATE_SPECIAL},
		{"*.co.uk", GATE_SPECIAL},
		{"32.rpz-ip", GATE_SPECIAL},
		{"ns.rpz-nsdname", GATE_SPECIAL},
		/* And these are, though they resemble the others. */
		{"other.example", GATE_LISTED},
		{"me.github.io", GATE_LISTED},
		{"a.s3.cloud.com", GATE_LISTED},
		{"xown.co.uk", GATE_LISTED},
		{"carrier2.example", GATE_LISTED},
		{"notpopular.com", GATE_LISTED},
		{"rpz-ip.com", GATE_LISTED},
		{"a*.com", GATE_LISTED},
		{"**.com", GATE_LISTED},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct dns_name name = name_of(cases[i].name);
		enum gate_reason r = gate_protects(&guards, name.wire, name.len);

		if (r != cases[i].reason)
			fail_msg("%s: %s, expected %s", cases[i].name, gate_reason_name(r),
				gate_reason_name(cases[i].reason));
	}
	/* No name at all. */
	assert_int_equal(gate_protects(&guards, (const uint8_t *)"\3ab", 4), GATE_SPECIAL);
}

/* What becomes protected leaves at once. */
static void protection_takes_out(void **state)
{
	(void)state;
	STEP(&strict, NOW, "a.example");
	STEP(&strict, NOW + 600, "a.example");
	expect("a.example", GATE_LISTED);
	guards.allowed_ctx = "a.example";
	STEP(&strict, NOW + 601, "a.example");
	expect("a.example", GATE_ALLOWED);
	guards.allowed_ctx = "allowed.example";
	STEP(&strict, NOW + 602, "a.example");
	expect("a.example", GATE_LISTED);
	assert_int_equal(gate.additions, 2);
}

/* Each change has a time later than all that was told before; what does not change has none. */
static void changes_of_protection_have_times(void **state)
{
	(void)state;
	STEP(&strict, NOW, "a.example", "-b.example", "allowed.example");
	assert_int_equal(entry_of("a.example")->protection_time, NOW + 1);
	assert_int_equal(entry_of("b.example")->protection_time, NOW + 1);
	assert_int_equal(entry_of("allowed.example")->protection_time, NOW + 1);
	/* To wait, to be firm, to be listed: nothing of it is protection. */
	STEP(&strict, NOW + 10, "a.example", "b.example", "allowed.example");
	STEP(&strict, NOW + 600, "a.example", "-b.example", "allowed.example");
	expect("a.example", GATE_LISTED);
	assert_int_equal(entry_of("a.example")->protection_time, NOW + 1);
	assert_int_equal(entry_of("b.example")->protection_time, NOW + 1);
	/* By one snapshot, again and again. */
	guards.allowed_ctx = "a.example";
	STEP(&strict, NOW + 600, "a.example", "b.example", "allowed.example");
	assert_int_equal(entry_of("a.example")->protection_time, NOW + 601);
	assert_int_equal(entry_of("allowed.example")->protection_time, NOW + 601);
	assert_int_equal(entry_of("b.example")->protection_time, NOW + 1);
	guards.allowed_ctx = "b.example";
	STEP(&strict, NOW + 600, "a.example", "b.example", "allowed.example");
	assert_int_equal(entry_of("a.example")->protection_time, NOW + 602);
	assert_int_equal(entry_of("b.example")->protection_time, NOW + 602);
	/* One reason for another; and the clock set back. */
	guards.allowed_ctx = "allowed.example";
	own[0] = name_of("b.example");
	STEP(&strict, NOW - 5000, "a.example", "b.example", "allowed.example");
	assert_int_equal(entry_of("a.example")->protection_time, NOW + 602);
	assert_int_equal(entry_of("b.example")->protection_time, NOW + 603);
}

static void long_names_must_fit_the_zone(void **state)
{
	uint8_t wire[DNS_NAME_MAX];
	unsigned room = DNS_NAME_MAX - guards.zone_octets - 2, at = 0;

	(void)state;
	while (at < room - 8) {
		unsigned n = room - 8 - at > 63 ? 63 : room - 8 - at - 1;

		wire[at] = (uint8_t)n;
		memset(wire + at + 1, 'a', n);
		at += n + 1;
	}
	memcpy(wire + at, "\7example", 9);
	assert_int_equal(at + 8, room);
	assert_int_equal(gate_protects(&guards, wire, (uint8_t)(at + 9)), GATE_LISTED);
	guards.zone_octets++;
	assert_int_equal(gate_protects(&guards, wire, (uint8_t)(at + 9)), GATE_LONG);
}

static void additions_freeze(void **state)
{
	struct gate_config more = strict;

	(void)state;
	STEP(&strict, NOW, "a.example", "b.example", "c.example");
	STEP(&strict, NOW + 600, "a.example", "b.example", "c.example", "d.example", "e.example");
	assert_int_equal(gate.frozen_since, 0);
	STEP(&strict, NOW + 1200, "b.example", "c.example", "d.example", "e.example");
	expect("d.example", GATE_FROZEN);
	assert_int_equal(gate.frozen_since, NOW + 1200);
	/* The first additions are an hour old, but the freeze is not. Removals go on. */
	STEP(&strict, NOW + 4799, "b.example", "d.example", "e.example");
	expect("d.example", GATE_FROZEN);
	expect("b.example", GATE_LISTED);
	STEP(&strict, NOW + 4800, "b.example", "d.example", "e.example");
	expect("d.example", GATE_LISTED);
	expect("e.example", GATE_LISTED);
	assert_int_equal(gate.frozen_since, 0);
	/* Who raises the limit ends it. */
	more.additions_per_hour = 2;
	STEP(&more, NOW + 4801, "f.example");
	STEP(&more, NOW + 5401, "f.example");
	expect("f.example", GATE_FROZEN);
	STEP(&strict, NOW + 5402, "f.example");
	expect("f.example", GATE_LISTED);
	more.additions_per_hour = 0;
	STEP(&more, NOW + 5402, "g.example");
	STEP(&more, NOW + 50000, "g.example");
	expect("g.example", GATE_FROZEN);
}

/* What is saved is what comes back. */
static void the_state_survives(void **state)
{
	struct gate other;
	uint32_t serial = 0;
	size_t len, again;

	(void)state;
	gate_cold(&gate, NOW);
	STEP(&strict, NOW, "a.example", "b.example", "c.example", "x\\000\\255.com");
	STEP(&strict, NOW + 3600, "a.example", "b.example", "c.example", "x\\000\\255.com",
		"-s.example", "w.example");
	char *text = gate_state_text(&gate, 77, &len), *second;
	assert_null(gate_state_parse(&other, &serial, text, len));
	assert_int_equal(serial, 77);
	assert_int_equal(other.frozen_since, NOW + 3600);
	second = gate_state_text(&other, 77, &again);
	assert_string_equal(second, text);
	free(second);
	/* The next step finds all where it was. */
	gate_free(&gate);
	gate = other;
	STEP(&strict, NOW + 3601, "a.example", "b.example", "c.example", "x\\000\\255.com",
		"w.example");
	expect("a.example", GATE_LISTED);
	expect("x\\000\\255.com", GATE_FROZEN);
	expect("w.example", GATE_MIN_AGE);
	assert_int_equal(gate.additions, 3);
	/* Cut anywhere, it is refused and nothing is taken. */
	for (size_t cut = 0; cut + 1 < len; cut += 7) {
		assert_non_null(gate_state_parse(&other, &serial, text, cut));
		assert_int_equal(other.n + other.additions + serial, 0);
	}
	free(text);
}

/* What protection was goes on over a restart; a state without it is taken, and tells nothing. */
static void the_state_keeps_protection(void **state)
{
	static const char old[] =
		"{\"schema_version\":1,\"serial\":7,\"watching_since\":0,\"frozen_since\":0,"
		"\"frozen_at\":0,\"additions\":[],\"entries\":["
		"{\"name\":\"a.example\",\"firm_since\":5,\"listed_since\":6}]}";
	uint32_t serial = 0;
	size_t len;

	(void)state;
	STEP(&strict, NOW, "a.example", "-b.example", "allowed.example");
	char *text = gate_state_text(&gate, 1, &len);
	gate_free(&gate);
	assert_null(gate_state_parse(&gate, &serial, text, len));
	free(text);
	/* Changed while nothing ran. */
	guards.allowed_ctx = "a.example";
	STEP(&strict, NOW + 50, "a.example", "-b.example", "allowed.example");
	assert_int_equal(entry_of("a.example")->protection_time, NOW + 51);
	assert_int_equal(entry_of("b.example")->protection_time, NOW + 1);
	assert_int_equal(entry_of("allowed.example")->protection_time, NOW + 51);
	gate_free(&gate);
	guards.allowed_ctx = "allowed.example";
	assert_null(gate_state_parse(&gate, &serial, old, sizeof(old) - 1));
	expect("a.example", GATE_LISTED);
	assert_int_equal(entry_of("a.example")->protection_time, 0);
	STEP(&strict, NOW + 60, "a.example");
	expect("a.example", GATE_LISTED);
	assert_int_equal(entry_of("a.example")->protection_time, NOW + 61);
}

/* Names of which many are protected. */
static void random_name(uint64_t *seed, char out[64])
{
	static const char *const tails[] = {"com", "co.uk", "example", "any.ck", "popular.com",
		"carrier.example", "own.co.uk", "noc.carrier.example", "github.io", "cloud.com",
		"s3.cloud.com", "rpz-ip", "allowed.example"};
	static const char *const heads[] = {"", "*.", "www.", "a.b."};
	const char *tail = tails[random_below(seed, sizeof(tails) / sizeof(tails[0]))];

	if (random_below(seed, 4) == 0)
		sprintf(out, "%s%s", heads[random_below(seed, 4)], tail);
	else
		sprintf(out, "n%u.%s", random_below(seed, 60), tail);
}

/* Is the text "name" or below it? */
static bool text_below(const char *text, const char *name)
{
	size_t n = strlen(text), m = strlen(name);

	return n >= m && strcmp(text + n - m, name) == 0 && (n == m || text[n - m - 1] == '.');
}

/* Said another way than the gate does. */
static bool may_be_blocked(const char *t)
{
	static const char *const never[] = {"com", "co.uk", "uk", "example", "github.io", "io",
		"ck", "cloud.com", "s3.cloud.com", "carrier.example", "rpz-ip"};

	for (size_t i = 0; i < sizeof(never) / sizeof(never[0]); i++)
		if (strcmp(t, never[i]) == 0)
			return false;
	if (text_below(t, "ck") && strchr(t, '.') && strchr(t, '.') == strrchr(t, '.'))
		return false;
	return !text_below(t, "noc.carrier.example") && !text_below(t, "own.co.uk") &&
	       !text_below(t, "popular.com") && strcmp(t, "allowed.example") != 0 &&
	       !text_below(t, "rpz-ip") && strncmp(t, "*.", 2) != 0;
}

static unsigned random_flagged(uint64_t *seed, struct dns_name *name, struct gate_candidate *c)
{
	unsigned n = random_below(seed, 80), kept = 0;
	char text[64];

	for (unsigned i = 0; i < n; i++) {
		random_name(seed, text);
		name[kept] = name_of(text);
		bool twice = false;
		for (unsigned k = 0; k < kept; k++)
			twice |= name[k].len == name[kept].len &&
				 memcmp(name[k].wire, name[kept].wire, name[k].len) == 0;
		if (twice)
			continue;
		c[kept] = (struct gate_candidate){
			name[kept].wire, name[kept].len, random_below(seed, 5) == 0};
		kept++;
	}
	return kept;
}

static unsigned added_now(const struct gate *g)
{
	unsigned n = 0;

	for (unsigned i = 0; i < g->n; i++) {
		const struct gate_entry *e = &g->entry[i], *o;

		o = gate_find(g->before, g->before_n, e->name, e->name_len);
		n += e->reason == GATE_LISTED && (!o || o->reason != GATE_LISTED);
	}
	return n;
}

/*
 * Whatever comes: nothing protected is in, and no sliding hour adds more than its limit, also
 * over restarts from the saved state.
 */
static void random_lives(void **state)
{
	enum { STEPS = 3000 };
	static uint32_t when[STEPS], added[STEPS];
	static struct dns_name name[NAMES_MAX];
	static struct gate_candidate c[NAMES_MAX];
	unsigned total = 0;

	(void)state;
	for (uint64_t round = 0; round < 8; round++) {
		uint64_t seed = round;
		uint32_t now = NOW, watched = 0;
		const struct gate_config config = {.suspected = round & 1,
			.min_age = round & 2 ? 120 : 0,
			.warmup = 600,
			.additions_per_hour = 1 + 6 * (uint32_t)round,
			.step_max = 40};

		gate_free(&gate);
		gate_cold(&gate, now);
		for (unsigned s = 0; s < STEPS; s++) {
			char text[DNS_TEXT_MAX];
			unsigned n = random_flagged(&seed, name, c);
			uint32_t hour = 0;

			uint32_t passed = random_below(&seed, 40);

			/* Now and then the clock is set forward by a day. */
			watched += passed;
			now += random_below(&seed, 500) ? passed : 86400;
			assert_int_equal(gate_step(&gate, &config, &guards, c, n, now), 0);
			when[s] = now;
			added[s] = added_now(&gate);
			total += added[s];
			for (unsigned k = s + 1; k-- > 0 && now - when[k] < GATE_HOUR;)
				hour += added[k];
			assert_true(hour <= config.additions_per_hour);
			for (unsigned i = 0; i < gate.n; i++) {
				const struct gate_entry *e = &gate.entry[i];

				if (e->reason != GATE_LISTED)
					continue;
				dns_name_text(e->name, e->name_len, text, sizeof(text));
				if (!may_be_blocked(text))
					fail_msg("%s is blocked", text);
				assert_true(watched + 40 >= 600);
			}
			if (random_below(&seed, 50) == 0) {
				size_t len;
				uint32_t serial;
				char *saved = gate_state_text(&gate, 1, &len);

				gate_free(&gate);
				assert_null(gate_state_parse(&gate, &serial, saved, len));
				free(saved);
			}
		}
	}
	assert_true(total > 1000);
}

static void serials_rise(void **state)
{
	uint64_t seed = 5;
	uint32_t serial = 0, now = NOW;

	(void)state;
	assert_int_equal(zone_serial_next(0, NOW), NOW);
	for (unsigned i = 0; i < 100000; i++) {
		uint32_t next = zone_serial_next(serial, now);

		/* RFC 1982: more than before; and never behind the clock. */
		assert_true(next != 0 && (serial == 0 || (int32_t)(next - serial) > 0));
		assert_true((int32_t)(next - now) >= 0);
		serial = next;
		/* The clock goes on, stands, and is set back. */
		now = random_below(&seed, 10) ? now + random_below(&seed, 3)
					      : now - random_below(&seed, 100000);
	}
	assert_int_equal(zone_serial_next(UINT32_MAX, UINT32_MAX - 5), 1);
	assert_int_equal(zone_serial_next(7, 7), 8);
}

static void zones_say_their_serial(void **state)
{
	size_t len;
	char *text = zone_text("rpz.test", 4294967295u, "a.example CNAME .\n", &len);

	(void)state;
	assert_int_equal(len, strlen(text));
	assert_int_equal(zone_serial(text), 4294967295u);
	assert_int_equal(zone_serial("@ SOA nonsense"), 0);
	assert_string_equal(text, "$ORIGIN rpz.test.\n$TTL 60\n"
				  "@ SOA localhost. root.localhost. 4294967295 60 60 604800 60\n"
				  "@ NS localhost.\na.example CNAME .\n");
	free(text);
}

#define CASE(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(firm_verdicts_wait),
		CASE(doubt_keeps_but_does_not_add),
		CASE(a_cold_start_warms_up),
		CASE(a_leap_of_the_clock_is_no_wait),
		CASE(some_names_are_never_blocked),
		CASE(protection_takes_out),
		CASE(changes_of_protection_have_times),
		CASE(long_names_must_fit_the_zone),

		CASE(additions_freeze),
		CASE(the_state_survives),
		CASE(the_state_keeps_protection),
		CASE(random_lives),

		CASE(serials_rise),
		CASE(zones_say_their_serial),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
