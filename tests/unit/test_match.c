/* SPDX-License-Identifier: BSD-3-Clause */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "match/match.h"
#include "tests/unit/frames.h"
#include "tests/unit/random.h"

#define SMALL_LOG2 9u
#define SMALL_SLOTS (1u << SMALL_LOG2)
#define WAYS 8u
#define LINES (SMALL_SLOTS / WAYS)
#define GUARD 64u

static const struct hash_key key = {0x243f6a8885a308d3u, 0x13198a2e03707344u};

/* A table with guard octets behind it. */
struct table {
	size_t size;
	uint8_t *mem;
	struct match *match;
};

static struct table table_new(unsigned log2)
{
	struct table t = {.size = match_size(log2)};

	t.mem = aligned_alloc(64, (t.size + GUARD + 63) & ~(size_t)63);
	assert_non_null(t.mem);
	memset(t.mem, 0xa5, t.size + GUARD);
	t.match = match_init(t.mem, log2);
	assert_non_null(t.match);
	return t;
}

static void table_free(struct table *t)
{
	for (size_t i = 0; i < GUARD; i++)
		assert_int_equal(t->mem[t->size + i], 0xa5);
	free(t->mem);
}

/* Transaction number n of a line of the small table. */
static uint64_t in_line(unsigned line, unsigned n)
{
	return (uint64_t)(n + 1) << 32 | line;
}

static void sizes_out_of_range_are_refused(void **state)
{
	uint64_t mem[8];

	(void)state;
	assert_int_equal(match_size(8), 0);
	assert_int_equal(match_size(27), 0);
	assert_null(match_init(mem, 8));
	assert_true(match_size(9) >= SMALL_SLOTS * 8 && match_size(9) <= SMALL_SLOTS * 8 + 128);
}

static void a_response_consumes_one_query(void **state)
{
	struct table t = table_new(SMALL_LOG2);
	uint64_t h = in_line(3, 0);

	(void)state;
	assert_int_equal(match_response(t.match, h, 1, 1000), MATCH_UNPAIRED);
	assert_int_equal(match_query(t.match, h, 1000), MATCH_NEW);
	assert_int_equal(match_response(t.match, in_line(3, 1), 1, 1001), MATCH_UNPAIRED);
	assert_int_equal(match_response(t.match, h, 1, 1001), MATCH_PAIRED);
	assert_int_equal(match_response(t.match, h, 1, 1002), MATCH_DUPLICATE);
	assert_int_equal(match_response(t.match, h, 2, 1003), MATCH_CONFLICTING);
	assert_int_equal(match_response(t.match, h, 1, 1004), MATCH_DUPLICATE);
	table_free(&t);
}

static void a_repeated_query_may_be_answered_differently(void **state)
{
	struct table t = table_new(SMALL_LOG2);
	uint64_t h = in_line(0, 0);

	(void)state;
	assert_int_equal(match_query(t.match, h, 0), MATCH_NEW);
	assert_int_equal(match_query(t.match, h, 1000), MATCH_AGAIN);
	assert_int_equal(match_response(t.match, h, 1, 1010), MATCH_PAIRED);
	assert_int_equal(match_response(t.match, h, 2, 1020), MATCH_PAIRED);
	assert_int_equal(match_response(t.match, h, 3, 1030), MATCH_CONFLICTING);
	assert_int_equal(match_response(t.match, h, 1, 1040), MATCH_DUPLICATE);
	/* Asked again after it was answered: one more answer is due. */
	assert_int_equal(match_query(t.match, h, 2000), MATCH_AGAIN);
	assert_int_equal(match_response(t.match, h, 4, 2010), MATCH_PAIRED);
	assert_int_equal(match_response(t.match, h, 4, 2020), MATCH_CONFLICTING);
	table_free(&t);
}

/* A free slot is all zero, and so may a transaction's tag be, and the time. */
static void a_tag_of_zero_is_a_tag(void **state)
{
	struct table t = table_new(SMALL_LOG2);

	(void)state;
	assert_int_equal(match_response(t.match, 3, 0, 0), MATCH_UNPAIRED);
	assert_int_equal(match_query(t.match, 3, 0), MATCH_NEW);
	assert_int_equal(match_response(t.match, 3, 0, 0), MATCH_PAIRED);
	assert_int_equal(match_response(t.match, 3, 0, 0), MATCH_DUPLICATE);
	table_free(&t);
}

static void seven_queries_wait_at_most(void **state)
{
	struct table t = table_new(SMALL_LOG2);
	uint64_t h = in_line(0, 0);

	(void)state;
	for (unsigned i = 0; i < 12; i++)
		match_query(t.match, h, i);
	for (unsigned i = 0; i < 7; i++)
		assert_int_equal(match_response(t.match, h, 9, 20), MATCH_PAIRED);
	assert_int_equal(match_response(t.match, h, 9, 20), MATCH_DUPLICATE);
	table_free(&t);
}

/* Up to the timeout always paired, two ticks beyond never, whatever the phase of the tick. */
static void queries_time_out(void **state)
{
	(void)state;
	for (unsigned phase = 0; phase < 256; phase += 5) {
		struct table t = table_new(SMALL_LOG2);
		uint64_t early = in_line(1, 0), late = in_line(1, 1), asked = in_line(1, 2);

		match_query(t.match, early, phase);
		match_query(t.match, late, phase);
		match_query(t.match, asked, phase);
		assert_int_equal(
			match_response(t.match, early, 1, phase + MATCH_TIMEOUT_MS), MATCH_PAIRED);
		assert_int_equal(match_response(t.match, late, 1, phase + MATCH_TIMEOUT_MS + 256),
			MATCH_UNPAIRED);
		assert_int_equal(
			match_query(t.match, asked, phase + MATCH_TIMEOUT_MS + 256), MATCH_NEW);
		/* The stale one stands before it in the line. */
		assert_int_equal(match_response(t.match, asked, 1, phase + MATCH_TIMEOUT_MS + 300),
			MATCH_PAIRED);
		table_free(&t);
	}
}

/* The tick has 12 bits of 128 ms: nothing may happen where it starts again. */
static void time_goes_on_where_the_tick_wraps(void **state)
{
	const uint64_t wrap = 4096 * 128;

	(void)state;
	for (uint64_t before = 1; before <= 4000; before += 333) {
		for (uint64_t round = 1; round <= 1000000; round *= 1000) {
			struct table t = table_new(SMALL_LOG2);
			uint64_t at = round * wrap - before;
			uint64_t h = in_line(2, 0), unanswered = in_line(2, 1);

			assert_int_equal(match_query(t.match, h, at), MATCH_NEW);
			assert_int_equal(match_query(t.match, unanswered, at), MATCH_NEW);
			assert_int_equal(
				match_response(t.match, h, 1, at + before + 10), MATCH_PAIRED);
			assert_int_equal(
				match_query(t.match, in_line(2, 2), at + before + 15), MATCH_NEW);
			assert_int_equal(
				match_response(t.match, h, 2, at + before + 20), MATCH_CONFLICTING);
			for (uint64_t wait = 9000; wait < 512000; wait += 7000)
				assert_int_equal(match_response(t.match, unanswered, 1, at + wait),
					MATCH_UNPAIRED);
			table_free(&t);
		}
	}
}

/* Nine unanswered queries on one line: the oldest goes, wherever it stands. */
static void the_oldest_query_is_evicted(void **state)
{
	const uint64_t starts[] = {10000, 4096 * 128 - 1500};

	(void)state;
	for (unsigned oldest = 0; oldest < 2 * WAYS; oldest++) {
		struct table t = table_new(SMALL_LOG2);
		uint64_t now = starts[oldest / WAYS];

		/* In the order of time, from the oldest on; each takes the next free slot. */
		for (unsigned i = 0; i < WAYS; i++)
			match_query(t.match, in_line(5, i), now);
		for (unsigned i = 1; i < WAYS; i++)
			match_query(t.match, in_line(5, (oldest + i) % WAYS), now + i * 300);
		now += WAYS * 300;
		assert_int_equal(match_query(t.match, in_line(5, WAYS), now), MATCH_EVICTED);
		for (unsigned i = 0; i <= WAYS; i++)
			assert_int_equal(match_response(t.match, in_line(5, i), 1, now),
				i == oldest % WAYS ? MATCH_UNPAIRED : MATCH_PAIRED);
		table_free(&t);
	}
}

static void answered_and_stale_queries_go_first(void **state)
{
	struct table t = table_new(SMALL_LOG2);

	(void)state;
	for (unsigned i = 0; i < WAYS; i++)
		match_query(t.match, in_line(5, i), 1000 + i * 300);
	/* The newest one is answered: it goes though all others are older. */
	assert_int_equal(match_response(t.match, in_line(5, 7), 1, 3500), MATCH_PAIRED);
	assert_int_equal(match_query(t.match, in_line(5, 8), 4000), MATCH_NEW);
	assert_int_equal(match_query(t.match, in_line(5, 9), 4100), MATCH_EVICTED);
	assert_int_equal(match_response(t.match, in_line(5, 0), 1, 4200), MATCH_UNPAIRED);
	/* Number 1 is stale by now, the others are not. */
	assert_int_equal(match_query(t.match, in_line(5, 10), 1300 + 8400), MATCH_NEW);
	for (unsigned i = 3; i < 11; i++)
		assert_int_equal(match_response(t.match, in_line(5, i), 1, 1600 + 8300),
			i == 7 ? MATCH_UNPAIRED : MATCH_PAIRED);
	/* Nothing is left of what stood in the slot before. */
	assert_int_equal(match_response(t.match, in_line(5, 8), 1, 1600 + 8300), MATCH_DUPLICATE);
	table_free(&t);
}

/* Ten queries a slot: nothing but the table is written, and what is stored is what fits. */
static void a_flood_keeps_memory_and_counts(void **state)
{
	struct table t = table_new(SMALL_LOG2);
	const unsigned queries = 10 * SMALL_SLOTS;
	unsigned stored[MATCH_STORED_COUNT] = {0}, paired = 0, newest = 0;

	(void)state;
	for (unsigned i = 0; i < queries; i++)
		stored[match_query(t.match, in_line(i % LINES, i), 1000 + i)]++;
	assert_int_equal(stored[MATCH_NEW], SMALL_SLOTS);
	assert_int_equal(stored[MATCH_AGAIN], 0);
	assert_int_equal(stored[MATCH_EVICTED], queries - SMALL_SLOTS);
	for (unsigned i = 0; i < queries; i++) {
		bool pair = match_response(t.match, in_line(i % LINES, i), 1, 1000 + queries) ==
			    MATCH_PAIRED;
		paired += pair;
		newest += pair && i >= queries - LINES;
	}
	assert_int_equal(paired, SMALL_SLOTS);
	assert_int_equal(newest, LINES);
	table_free(&t);
}

/* Hash of a message as it arrives in a frame. */
static uint64_t hash_of(const struct flow *f, const struct message *m)
{
	static const uint16_t ports[] = {53};
	static struct dns_record records[DNS_RECORDS_MAX];
	struct packet p;
	struct wire_config wire;
	struct wire_packet w;
	struct dns_message parsed;

	wire_config_init(&wire, ports, 1);
	packet_make(&p, f, m, 0);
	assert_int_equal(
		wire_decode(&wire, WIRE_LINK_ETHERNET, p.octet, p.len, p.len, &w), WIRE_DNS);
	assert_int_equal(dns_parse(w.payload, w.payload_len, false, records, &parsed), DNS_OK);
	return match_hash(&w, w.payload, parsed.qname_wire_len, key);
}

static uint64_t hash_for(
	const struct flow *f, unsigned id, unsigned flags, const char *name, unsigned type)
{
	struct message m;

	message_start(&m, id, flags, name, type);
	if (flags & 0x8000)
		message_address(&m, DNS_ANSWER, name, 60, "8.8.8.8");
	return hash_of(f, &m);
}

static void both_directions_have_one_hash(void **state)
{
	static const struct flow flows[] = {
		{"10.1.2.3", "9.9.9.9", 4321},
		{"9.9.9.9", "10.1.2.3", 53},
		{"2001:db8::1", "2620:fe::fe", 65535},
		{"fe80::1", "fe80::2", 1024},
	};

	(void)state;
	for (unsigned i = 0; i < sizeof(flows) / sizeof(flows[0]); i++)
		assert_true(
			hash_for(&flows[i], 7, MESSAGE_QUERY, "www.example.com", DNS_TYPE_A) ==
			hash_for(&flows[i], 7, MESSAGE_RESPONSE, "www.example.com", DNS_TYPE_A));
}

/* Everything that a forger would have to guess tells transactions apart. */
static void every_part_of_a_transaction_counts(void **state)
{
	static const struct flow flows[] = {
		{"10.1.2.3", "9.9.9.9", 4321},
		{"10.1.2.4", "9.9.9.9", 4321},
		{"10.1.2.3", "9.9.9.10", 4321},
		{"9.9.9.9", "10.1.2.3", 4321}, /* the server asks the client */
		{"10.1.2.3", "9.9.9.9", 4322},
		{"2620:fe::a", "2620:fe::fe", 4321},
		{"2620:fe:0:1::a", "2620:fe::fe", 4321},
		{"2620:fe::b", "2620:fe::fe", 4321},
		{"2620:fe::a", "2620:fe::ff", 4321},
		{"2620:fe::fe", "2620:fe::a", 4321},
	};
	static const struct {
		unsigned id;
		const char *name;
		unsigned type;
	} asked[] = {
		{7, "www.example.com", DNS_TYPE_A},
		{8, "www.example.com", DNS_TYPE_A},
		{7 << 8, "www.example.com", DNS_TYPE_A},
		{7, "wwW.example.com", DNS_TYPE_A}, /* 0x20: exact case matters */
		{7, "www.example.coM", DNS_TYPE_A},
		{7, "www.example.org", DNS_TYPE_A},
		{7, "example.com", DNS_TYPE_A},
		{7, "", DNS_TYPE_A},
		{7, "www.example.com", DNS_TYPE_AAAA},
	};
	uint64_t seen[sizeof(flows) / sizeof(flows[0]) * (sizeof(asked) / sizeof(asked[0])) + 1];
	unsigned n = 0;
	struct message chaos;

	(void)state;
	for (unsigned f = 0; f < sizeof(flows) / sizeof(flows[0]); f++)
		for (unsigned a = 0; a < sizeof(asked) / sizeof(asked[0]); a++)
			seen[n++] = hash_for(&flows[f], asked[a].id, MESSAGE_QUERY, asked[a].name,
				asked[a].type);
	message_header(&chaos, 7, MESSAGE_QUERY);
	message_question(&chaos, "www.example.com", DNS_TYPE_A, 3);
	seen[n++] = hash_of(&flows[0], &chaos);
	for (unsigned i = 0; i < n; i++)
		for (unsigned j = 0; j < i; j++)
			/* The tag as much as the whole: it is what a line is searched for. */
			if (seen[i] == seen[j] || seen[i] >> 32 == seen[j] >> 32)
				fail_msg("transactions %u and %u have one hash", j, i);
}

static void another_key_gives_other_hashes(void **state)
{
	static const struct hash_key other = {1, 2};
	struct wire_packet w = {.ip_version = 4,
		.saddr = (const uint8_t *)"abcd",
		.daddr = (const uint8_t *)"efgh"};
	uint8_t msg[DNS_HEADER_LEN + 5] = {0};

	(void)state;
	assert_true(match_hash(&w, msg, 1, key) != match_hash(&w, msg, 1, other));
}

/* Plain model of one transaction; a dictionary is an array of them. */
struct asked {
	bool known;
	uint64_t tick; /* of the last query */
	unsigned waiting;
	bool answered;
	uint32_t first;
};

static bool model_fresh(const struct asked *a, uint64_t now)
{
	return a->known && now / 128 - a->tick <= (MATCH_TIMEOUT_MS + 127) / 128;
}

static enum match_stored model_query(struct asked *a, uint64_t now)
{
	bool again = model_fresh(a, now);

	if (!again)
		*a = (struct asked){.known = true};
	a->tick = now / 128;
	a->waiting += a->waiting < 7;
	return again ? MATCH_AGAIN : MATCH_NEW;
}

static enum match_result model_response(struct asked *a, uint32_t answer, uint64_t now)
{
	if (!model_fresh(a, now))
		return MATCH_UNPAIRED;
	if (a->waiting == 0)
		return a->first == answer ? MATCH_DUPLICATE : MATCH_CONFLICTING;
	a->waiting--;
	if (!a->answered)
		a->first = answer;
	a->answered = true;
	return MATCH_PAIRED;
}

/* Far below capacity the table is a dictionary. */
static void streams_agree_with_a_dictionary(void **state)
{
	enum { TRANSACTIONS = 1500, STEPS = 60000 };
	static struct asked model[TRANSACTIONS];
	static uint64_t hash[TRANSACTIONS];

	(void)state;
	for (uint64_t seed = 1; seed <= 6; seed++) {
		struct table t = table_new(17);
		uint64_t rng = seed, now = seed * 1000003;
		uint64_t results[MATCH_RESULT_COUNT] = {0};

		memset(model, 0, sizeof(model));
		for (unsigned i = 0; i < TRANSACTIONS; i++)
			hash[i] = random_u64(&rng);
		for (unsigned step = 0; step < STEPS; step++) {
			/* Few at a time, so that queries, repeats and answers meet. */
			unsigned i = (step / 50 + random_below(&rng, 20)) % TRANSACTIONS;
			uint32_t answer = random_below(&rng, 3);

			/* 470 s in all: below the round trip of the tick. */
			now += random_below(&rng, 200) == 0 ? random_below(&rng, 2500) : step % 4;
			if (random_below(&rng, 5) < 2) {
				assert_int_equal(match_query(t.match, hash[i], now),
					model_query(&model[i], now));
				continue;
			}
			enum match_result want = model_response(&model[i], answer, now);
			results[want]++;
			assert_int_equal(match_response(t.match, hash[i], answer, now), want);
		}
		for (unsigned r = 0; r < MATCH_RESULT_COUNT; r++)
			assert_true(results[r] > 1000);
		table_free(&t);
	}
}

static void results_have_names(void **state)
{
	(void)state;
	assert_string_equal(match_result_name(MATCH_PAIRED), "paired");
	assert_string_equal(match_result_name(MATCH_UNPAIRED), "unpaired");
	assert_string_equal(match_result_name(MATCH_DUPLICATE), "duplicate");
	assert_string_equal(match_result_name(MATCH_CONFLICTING), "conflicting");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(sizes_out_of_range_are_refused),
		cmocka_unit_test(a_response_consumes_one_query),
		cmocka_unit_test(a_repeated_query_may_be_answered_differently),
		cmocka_unit_test(a_tag_of_zero_is_a_tag),
		cmocka_unit_test(seven_queries_wait_at_most),
		cmocka_unit_test(queries_time_out),
		cmocka_unit_test(time_goes_on_where_the_tick_wraps),
		cmocka_unit_test(the_oldest_query_is_evicted),
		cmocka_unit_test(answered_and_stale_queries_go_first),
		cmocka_unit_test(a_flood_keeps_memory_and_counts),
		cmocka_unit_test(both_directions_have_one_hash),
		cmocka_unit_test(every_part_of_a_transaction_counts),
		cmocka_unit_test(another_key_gives_other_hashes),
		cmocka_unit_test(streams_agree_with_a_dictionary),
		cmocka_unit_test(results_have_names),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
