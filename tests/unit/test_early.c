/* SPDX-License-Identifier: BSD-3-Clause */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "sensor/hold.h"
#include "tests/unit/sensor_rig.h"

/* Responses that come before their query (docs/adr/0010). */

/* Of the rig's pairing table. */
#define SLOTS (1u << (12 - 6))

#define EARLY(r, fate) ((r)->shard->account.early[fate])

/* A tap that carries queries: else a response without one is taken at once. */
static int tap_start(void **state)
{
	int rc = rig_start(state);
	struct rig *r = *state;

	for (unsigned i = 0; i < 20; i++) {
		message_start(&r->m, ++r->id, MESSAGE_QUERY, "other.net", DNS_TYPE_A);
		deliver(r);
	}
	return rc;
}

static void respond(struct rig *r, unsigned id, const char *name, const char *address)
{
	message_start(&r->m, id, MESSAGE_RESPONSE, name, DNS_TYPE_A);
	message_address(&r->m, DNS_ANSWER, name, 60, address);
	deliver(r);
}

static void query(struct rig *r, unsigned id, const char *name)
{
	message_start(&r->m, id, MESSAGE_QUERY, name, DNS_TYPE_A);
	deliver(r);
}

static void an_early_response_is_paired_with_its_query(void **state)
{
	struct rig *r = *state;
	const struct account *a = &r->shard->account;

	respond(r, 1000, "www.a.com", "8.0.0.1");
	assert_int_equal(a->early_held, 1);
	assert_int_equal(account_responses(a), 0);
	assert_null(entry(r, "a.com"));
	/* Just in time, and in a burst that reuses the memory of the one before. */
	respond(r, 1001, "www.b.net", "8.0.0.2");
	r->now_ns += HOLD_NS - 2 * FRAME_GAP_NS;
	query(r, 1000, "www.a.com");
	assert_int_equal(RESPONSES(r, RESPONSE_PAIRED), 1);
	assert_int_equal(EARLY(r, EARLY_PAIRED), 1);
	assert_int_equal(a->early_responses, 2);
	assert_int_equal(a->early_held, 1);
	assert_int_equal(grade(r, "a.com", "8.0.0.1"), EVIDENCE_PAIRED);
	assert_int_equal(entry(r, "a.com")->first, r->now_ns / 1000000000);
	assert_int_equal(r->shard->used, 1);
	/* It has consumed its query. */
	respond(r, 1000, "www.a.com", "8.0.0.1");
	assert_int_equal(RESPONSES(r, RESPONSE_DUPLICATE), 1);
}

static void all_of_it_is_held(void **state)
{
	struct rig *r = *state;
	struct message *m = &r->m;

	message_start(m, 1000, MESSAGE_RESPONSE, "www.a.com", DNS_TYPE_A);
	message_cname(m, "www.a.com", 60, "edge.a.com");
	message_cname(m, "edge.a.com", 60, "cdn.b.net");
	message_address(m, DNS_ANSWER, "cdn.b.net", 60, "8.0.0.1");
	message_address(m, DNS_ANSWER, "cdn.b.net", 90, "8.0.0.2");
	message_ns(m, "a.com", 300, "ns1.a.com");
	message_address(m, DNS_ADDITIONAL, "ns1.a.com", 60, "8.0.1.1");
	deliver(r);
	respond(r, 1001, "www.c.org", "8.0.0.9");
	query(r, 1000, "www.a.com");
	assert_int_equal(RESPONSES(r, RESPONSE_PAIRED), 1);
	assert_int_equal(grade(r, "a.com", "8.0.0.1"), EVIDENCE_ALIAS);
	assert_int_equal(grade(r, "b.net", "8.0.0.2"), EVIDENCE_CONTESTED);
	assert_int_equal(entry(r, "b.net")->ttl_max, 90);
	assert_true(has_ns(detail(r, "a.com"), "ns1.a.com", "8.0.1.1"));
	assert_null(detail(r, "b.net"));
}

static void one_whose_query_does_not_come_is_unpaired_once(void **state)
{
	struct rig *r = *state;
	const struct account *a = &r->shard->account;

	respond(r, 1000, "www.a.com", "8.0.0.1");
	r->now_ns += HOLD_NS;
	query(r, 1000, "www.a.com"); /* a frame's gap too late */
	assert_int_equal(EARLY(r, EARLY_EXPIRED), 1);
	assert_int_equal(RESPONSES(r, RESPONSE_UNPAIRED), 1);
	assert_int_equal(a->early_held, 0);
	assert_int_equal(account_responses(a), 1);
	assert_null(entry(r, "a.com"));
	/* The query still waits for its own. */
	respond(r, 1000, "www.a.com", "8.0.0.2");
	assert_int_equal(RESPONSES(r, RESPONSE_PAIRED), 1);
	assert_int_equal(grade(r, "a.com", "8.0.0.1"), -1);
}

/* A blind forger sends his answer ahead of the query; the server's own comes as well. */
static void a_forged_answer_ahead_of_the_query_is_contested(void **state)
{
	struct rig *r = *state;

	respond(r, 1000, "www.a.com", "8.0.0.66");
	query(r, 1000, "www.a.com");
	respond(r, 1000, "www.a.com", "8.0.0.1");
	assert_int_equal(RESPONSES(r, RESPONSE_PAIRED), 1);
	assert_int_equal(RESPONSES(r, RESPONSE_CONFLICTING), 1);
	assert_int_equal(grade(r, "a.com", "8.0.0.1"), EVIDENCE_CONTESTED);
	assert_true(entry(r, "a.com")->conflict);

	/* Both ahead of it: the first is contested, the other never held. */
	respond(r, 1001, "www.b.net", "8.0.0.66");
	respond(r, 1001, "www.b.net", "8.0.0.1");
	respond(r, 1001, "www.b.net", "8.0.0.66");
	query(r, 1001, "www.b.net");
	assert_int_equal(RESPONSES(r, RESPONSE_CONFLICTING), 2);
	assert_int_equal(RESPONSES(r, RESPONSE_UNPAIRED), 2);
	assert_int_equal(grade(r, "b.net", "8.0.0.66"), EVIDENCE_CONTESTED);
	assert_int_equal(grade(r, "b.net", "8.0.0.1"), -1);
	assert_true(entry(r, "b.net")->conflict);

	/* The same twice says the same. */
	respond(r, 1002, "www.c.org", "8.0.0.1");
	respond(r, 1002, "www.c.org", "8.0.0.1");
	query(r, 1002, "www.c.org");
	assert_int_equal(grade(r, "c.org", "8.0.0.1"), EVIDENCE_PAIRED);
	assert_false(entry(r, "c.org")->conflict);
}

/* Each part that a forger would have to guess, in either order. */
static void every_part_must_agree_in_either_order(void **state)
{
	static const struct other {
		struct flow flow;
		unsigned id;
		const char *name;
		unsigned type;
		unsigned server_port;
	} others[] = {
		{{"10.0.0.1", "9.9.9.9", 4321}, 7, "www.a.com", DNS_TYPE_A, 53}, /* the same */
		{{"10.0.0.2", "9.9.9.9", 4321}, 7, "www.a.com", DNS_TYPE_A, 53},
		{{"10.0.0.1", "9.9.9.8", 4321}, 7, "www.a.com", DNS_TYPE_A, 53},
		{{"10.0.0.1", "9.9.9.9", 4322}, 7, "www.a.com", DNS_TYPE_A, 53},
		{{"10.0.0.1", "9.9.9.9", 4321}, 8, "www.a.com", DNS_TYPE_A, 53},
		{{"10.0.0.1", "9.9.9.9", 4321}, 7, "wwW.a.com", DNS_TYPE_A, 53},
		{{"10.0.0.1", "9.9.9.9", 4321}, 7, "ftp.a.com", DNS_TYPE_A, 53},
		{{"10.0.0.1", "9.9.9.9", 4321}, 7, "www.a.com", DNS_TYPE_AAAA, 53},
		{{"10.0.0.1", "9.9.9.9", 4321}, 7, "www.a.com", DNS_TYPE_A, 5353},
	};

	(void)state;
	for (unsigned i = 0; i < 2 * sizeof(others) / sizeof(others[0]); i++) {
		const struct other *o = &others[i / 2];
		void *own;
		struct packet p[2];
		struct rig *r;

		assert_int_equal(tap_start(&own), 0);
		r = own;
		message_start(&r->m, 7, MESSAGE_QUERY, "www.a.com", DNS_TYPE_A);
		packet_make(&p[i % 2], &flow, &r->m, 0);
		message_start(&r->m, o->id, MESSAGE_RESPONSE, o->name, o->type);
		message_address(&r->m, DNS_ANSWER, o->name, 60, "8.0.0.1");
		packet_make(&p[!(i % 2)], &o->flow, &r->m, 0);
		p[!(i % 2)].octet[34] = (uint8_t)(o->server_port >> 8);
		p[!(i % 2)].octet[35] = (uint8_t)o->server_port;
		burst_one(r, frame_of(r, &p[0]));
		burst_one(r, frame_of(r, &p[1]));
		sensor_sweep(r->sensor, r->now_ns, true);
		assert_int_equal(RESPONSES(r, RESPONSE_PAIRED), i < 2);
		assert_int_equal(RESPONSES(r, RESPONSE_UNPAIRED), i >= 2);
		assert_int_equal(EARLY(r, EARLY_PAIRED), i == 1);
		assert_int_equal(r->shard->used, i < 2);
		assert_int_equal(rig_end(&own), 0);
	}
}

/* A refusal is an answer, too: what a forger sends behind it finds no query. */
static void one_without_evidence_consumes_its_query(void **state)
{
	struct rig *r = *state;

	message_start(&r->m, 1000, MESSAGE_RESPONSE | 3, "www.a.com", DNS_TYPE_A);
	deliver(r);
	assert_int_equal(RESPONSES(r, RESPONSE_RCODE), 0);
	query(r, 1000, "www.a.com");
	assert_int_equal(RESPONSES(r, RESPONSE_RCODE), 1);
	respond(r, 1000, "www.a.com", "8.0.0.66");
	assert_int_equal(RESPONSES(r, RESPONSE_CONFLICTING), 1);
	assert_int_equal(grade(r, "a.com", "8.0.0.66"), EVIDENCE_CONTESTED);
}

/* Room for few: the oldest go, counted, and none becomes evidence. */
static void a_flood_displaces_the_oldest(void **state)
{
	struct rig *r = *state;
	struct packet p;
	struct frame f;

	for (unsigned i = 0; i < 3 * SLOTS; i++) {
		message_start(&r->m, 1000 + i, MESSAGE_RESPONSE, "www.a.com", DNS_TYPE_A);
		message_address(&r->m, DNS_ANSWER, "www.a.com", 60, "8.0.0.1");
		packet_make(&p, &flow, &r->m, 0);
		f = frame_of(r, &p);
		f.time_ns = r->now_ns = r->now_ns - FRAME_GAP_NS + 1000;
		burst_one(r, f);
		/* Queries enough: a flood that makes the tap look one-way is weak evidence. */
		if (i % 8 == 0)
			query(r, i, "other.net");
	}
	assert_int_equal(EARLY(r, EARLY_EVICTED), 2 * SLOTS);
	assert_int_equal(RESPONSES(r, RESPONSE_UNPAIRED), 2 * SLOTS);
	assert_int_equal(r->shard->account.early_held, SLOTS);
	query(r, 1000 + 2 * SLOTS - 1, "www.a.com");
	assert_int_equal(RESPONSES(r, RESPONSE_PAIRED), 0);
	/* Those from the middle and from both ends, and then all others. */
	for (unsigned i = 0; i < SLOTS; i++)
		query(r, 1000 + 2 * SLOTS + (i * 5 + 31) % SLOTS, "www.a.com");
	assert_int_equal(EARLY(r, EARLY_PAIRED) + EARLY(r, EARLY_EXPIRED), SLOTS);
	assert_in_range(EARLY(r, EARLY_PAIRED), 10, SLOTS);
	assert_int_equal(r->shard->account.early_held, 0);
}

static void what_is_too_large_is_not_held(void **state)
{
	struct rig *r = *state;
	char address[16];

	for (unsigned n = HOLD_WORDS; n <= HOLD_WORDS + 1; n++) {
		message_start(&r->m, 1000 + n, MESSAGE_RESPONSE, "www.a.com", DNS_TYPE_A);
		for (unsigned i = 0; i < n; i++) {
			snprintf(address, sizeof(address), "8.0.0.%u", i);
			message_address(&r->m, DNS_ANSWER, "www.a.com", 60, address);
		}
		deliver(r);
	}
	assert_int_equal(EARLY(r, EARLY_TOO_LARGE), 1);
	assert_int_equal(RESPONSES(r, RESPONSE_UNPAIRED), 1);
	assert_int_equal(r->shard->account.early_held, 1);
	assert_int_equal(r->shard->account.early_responses, 2);
	assert_int_equal(r->shard->used, 0);
}

/* At an epoch's end those that are due go, at the last one all; an account each. */
static void an_epoch_may_end_meanwhile(void **state)
{
	struct rig *r = *state;
	struct shard *next = shard_new(), *first;

	respond(r, 1000, "www.a.com", "8.0.0.1");
	r->now_ns += HOLD_NS / 2;
	respond(r, 1001, "www.b.net", "8.0.0.2");
	respond(r, 1002, "www.c.org", "8.0.0.3");
	r->now_ns += HOLD_NS / 2;
	sensor_sweep(r->sensor, r->now_ns, false);
	assert_int_equal(EARLY(r, EARLY_EXPIRED), 1);
	assert_int_equal(r->shard->account.early_held, 2);
	assert_int_equal(account_error(&r->shard->account), 0);
	first = sensor_shard(r->sensor, next);
	r->shard = next;
	query(r, 1001, "www.b.net");
	assert_int_equal(RESPONSES(r, RESPONSE_PAIRED), 1);
	assert_int_equal(grade(r, "b.net", "8.0.0.2"), EVIDENCE_PAIRED);
	sensor_sweep(r->sensor, r->now_ns, true);
	assert_int_equal(RESPONSES(r, RESPONSE_UNPAIRED), 1);
	assert_int_equal(account_error(&next->account), 0);
	assert_true(next->account.early_held == -UINT64_C(2));
	account_add(&next->account, &first->account);
	assert_int_equal(next->account.early_held, 0);
	assert_int_equal(account_error(&next->account), 0);
	free(first);
}

static void a_one_way_tap_holds_nothing(void **state)
{
	struct rig *r = *state;

	for (unsigned i = 0; i < 5; i++)
		respond(r, i, "www.a.com", "8.0.0.1");
	assert_int_equal(RESPONSES(r, RESPONSE_UNPAIRED), 5);
	assert_int_equal(r->shard->account.early_responses, 0);
	assert_int_equal(grade(r, "a.com", "8.0.0.1"), EVIDENCE_UNPAIRED);
}

int main(void)
{
#define TAP_TEST(f) cmocka_unit_test_setup_teardown(f, tap_start, rig_end)
	const struct CMUnitTest tests[] = {
		TAP_TEST(an_early_response_is_paired_with_its_query),
		TAP_TEST(all_of_it_is_held),
		TAP_TEST(one_whose_query_does_not_come_is_unpaired_once),
		TAP_TEST(a_forged_answer_ahead_of_the_query_is_contested),
		cmocka_unit_test(every_part_must_agree_in_either_order),
		TAP_TEST(one_without_evidence_consumes_its_query),
		TAP_TEST(a_flood_displaces_the_oldest),
		TAP_TEST(what_is_too_large_is_not_held),
		TAP_TEST(an_epoch_may_end_meanwhile),
		cmocka_unit_test_setup_teardown(a_one_way_tap_holds_nothing, rig_start, rig_end),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
