/* SPDX-License-Identifier: BSD-3-Clause */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "sensor/hold.h"
#include "tests/unit/sensor_rig.h"

static void sizes_out_of_range_are_refused(void **state)
{
	struct sensor_config c = {.match_log2 = 8};
	uint64_t mem[8];

	(void)state;
	assert_int_equal(sensor_size(&c), 0);
	assert_null(sensor_init(mem, &c));
}

static void a_pair_is_observed_once(void **state)
{
	struct rig *r = *state;
	struct message *m = ask(r, "www.Example.com");

	message_address(m, DNS_ANSWER, "www.Example.com", 60, "8.8.8.8");
	message_address(m, DNS_ANSWER, "www.Example.com", 70, "8.8.4.4");
	deliver(r);

	const struct account *a = &r->shard->account;
	assert_int_equal(a->received, 2);
	assert_int_equal(a->rx[WIRE_DNS], 2);
	assert_int_equal(a->octets, 42 + 12 + 21 + 42 + 12 + 21 + 2 * 16);
	assert_int_equal(a->query[QUERY_NEW], 1);
	assert_int_equal(a->response[RESPONSE_PAIRED], 1);
	assert_int_equal(a->declared, 2);
	assert_int_equal(a->record[RECORD_USED], 2);
	assert_int_equal(a->updates, 1);
	assert_int_equal(a->table[TABLE_INSERTED], 1);

	const struct shard_entry *e = entry(r, "example.com");
	unsigned len;
	assert_non_null(e);
	assert_int_equal(r->shard->used, 1);
	assert_memory_equal(shard_entry_name(r->shard, e, &len), "\7example\3com", 13);
	assert_int_equal(len, 13);
	assert_int_equal(e->responses, 1);
	assert_int_equal(e->ttl_max, 70);
	assert_int_equal(e->answer_max, 2);
	assert_int_equal(e->first, START_S);
	assert_int_equal(units(r, "example.com"), 2);
	assert_int_equal(grade(r, "example.com", "8.8.8.8"), EVIDENCE_PAIRED);
	assert_int_equal(grade(r, "example.com", "8.8.4.4"), EVIDENCE_PAIRED);
	assert_int_equal(r->shard->first_ns, START_S * UINT64_C(1000000000) + 1000000);
	assert_int_equal(r->shard->last_ns, START_S * UINT64_C(1000000000) + 2000000);

	deliver(r);
	assert_int_equal(a->response[RESPONSE_DUPLICATE], 1);
	assert_int_equal(e->responses, 1);
	assert_int_equal(a->updates, 1);
}

static void a_burst_may_hold_both(void **state)
{
	struct rig *r = *state;
	struct packet p[4];
	struct frame f[4];

	for (unsigned i = 0; i < 4; i++) {
		unsigned response = i == 1 || i == 2; /* of the second the response comes first */
		message_start(&r->m, i / 2, response ? MESSAGE_RESPONSE : MESSAGE_QUERY, "a.com",
			DNS_TYPE_A);
		if (response)
			message_address(
				&r->m, DNS_ANSWER, "a.com", 60, i == 1 ? "8.0.0.1" : "8.0.0.2");
		packet_make(&p[i], &flow, &r->m, 0);
		f[i] = frame_of(r, &p[i]);
	}
	sensor_burst(r->sensor, f, 4);
	assert_true(r->shard->first_ns == f[0].time_ns && r->shard->last_ns == f[3].time_ns);
	assert_int_equal(RESPONSES(r, RESPONSE_PAIRED), 2);
	assert_int_equal(grade(r, "a.com", "8.0.0.1"), EVIDENCE_PAIRED);
	assert_int_equal(grade(r, "a.com", "8.0.0.2"), EVIDENCE_PAIRED);
	sensor_burst(r->sensor, f, 0);
	assert_int_equal(r->shard->account.received, 4);
}

/* A full burst of whole answers: each keeps its own name, addresses, servers and time. */
static void answers_of_one_burst_do_not_mix(void **state)
{
	static struct packet p[SENSOR_BURST];
	struct frame f[SENSOR_BURST];
	struct rig *r = *state;
	char domain[24], host[32], server[32], address[24], glue[24];

	for (unsigned i = 0; i < SENSOR_BURST; i++) {
		snprintf(domain, sizeof(domain), "domain%u.com", i);
		snprintf(host, sizeof(host), "www.%s", domain);
		snprintf(server, sizeof(server), "ns.%s", domain);
		message_start(&r->m, i, MESSAGE_RESPONSE, host, DNS_TYPE_A);
		for (unsigned a = 0; a <= i; a++) {
			snprintf(address, sizeof(address), "8.%u.0.%u", i, a);
			message_address(&r->m, DNS_ANSWER, host, 60, address);
		}
		if (i % 3) {
			snprintf(glue, sizeof(glue), "8.%u.1.1", i);
			message_ns(&r->m, domain, 60, server);
			message_address(&r->m, DNS_ADDITIONAL, server, 60, glue);
		}
		packet_make(&p[i], &flow, &r->m, 0);
		if (i == 0)
			p[i].octet[13] = 6; /* no DNS: the others move up */
		r->now_ns += 1000000000;
		f[i] = frame_of(r, &p[i]);
	}
	sensor_burst(r->sensor, f, SENSOR_BURST);
	assert_int_equal(r->shard->used, SENSOR_BURST - 1);
	for (unsigned i = 1; i < SENSOR_BURST; i++) {
		struct dns_name name;
		unsigned len;

		snprintf(domain, sizeof(domain), "domain%u.com", i);
		snprintf(server, sizeof(server), "ns.%s", domain);
		const struct shard_entry *e = entry(r, domain);
		assert_non_null(e);
		assert_int_equal(dns_name_parse(domain, &name), 0);
		assert_memory_equal(shard_entry_name(r->shard, e, &len), name.wire, name.len);
		assert_int_equal(len, name.len);
		assert_int_equal(e->first, f[i].time_ns / 1000000000);
		assert_int_equal(units(r, domain), i + 1);
		for (unsigned a = 0; a <= i; a++) {
			snprintf(address, sizeof(address), "8.%u.0.%u", i, a);
			assert_int_equal(grade(r, domain, address), EVIDENCE_UNPAIRED);
		}
		const struct shard_detail *d = shard_entry_detail(r->shard, e);
		assert_int_equal(d ? d->ns_units : 0, i % 3 != 0);
		if (i % 3) {
			snprintf(glue, sizeof(glue), "8.%u.1.1", i);
			assert_true(has_ns(d, server, glue));
		}
	}
}

/* Queries are the sensor's own memory: an epoch's end between the two changes nothing. */
static void a_pair_may_span_two_shards(void **state)
{
	struct rig *r = *state;
	struct message *m = ask(r, "a.com");
	struct shard *next = shard_new(), *before = r->shard;

	assert_ptr_equal(sensor_shard(r->sensor, next), before);
	assert_ptr_equal(sensor_shard_current(r->sensor), next);
	message_address(m, DNS_ANSWER, "a.com", 60, "8.0.0.1");
	deliver(r);
	assert_int_equal(before->account.received, 1);
	assert_int_equal(account_error(&before->account), 0);
	assert_int_equal(before->used, 0);
	free(before);
	r->shard = next;
	assert_int_equal(RESPONSES(r, RESPONSE_PAIRED), 1);
	assert_int_equal(grade(r, "a.com", "8.0.0.1"), EVIDENCE_PAIRED);
}

/* What is no evidence, with the fate of the response and of its records. */
static void make_nxdomain(struct message *m)
{
	message_patch(m, 2, MESSAGE_RESPONSE | 3);
	message_address(m, DNS_ANSWER, "www.a.com", 60, "8.0.0.1");
}

static void make_empty(struct message *m)
{
	message_ns(m, "a.com", 60, "ns.a.com");
}

static void make_alias_only(struct message *m)
{
	message_cname(m, "www.a.com", 60, "www.b.net");
}

static void make_special(struct message *m)
{
	message_address(m, DNS_ANSWER, "www.a.com", 60, "127.0.0.1");
	message_address(m, DNS_ANSWER, "www.a.com", 60, "192.168.1.1");
	message_address(m, DNS_ANSWER, "www.a.com", 60, "2001:db8::1");
}

static void make_suffix(struct message *m)
{
	message_start(m, 1, MESSAGE_RESPONSE, "co.uk", DNS_TYPE_A);
	message_address(m, DNS_ANSWER, "co.uk", 60, "8.0.0.1");
}

static void make_root(struct message *m)
{
	message_start(m, 1, MESSAGE_RESPONSE, "", DNS_TYPE_A);
	message_address(m, DNS_ANSWER, "", 60, "8.0.0.1");
}

static void make_no_question(struct message *m)
{
	message_header(m, 1, MESSAGE_RESPONSE);
	message_address(m, DNS_ANSWER, "www.a.com", 60, "8.0.0.1");
}

static void make_two_questions(struct message *m)
{
	message_question(m, "www.b.net", DNS_TYPE_A, DNS_CLASS_IN);
	message_address(m, DNS_ANSWER, "www.a.com", 60, "8.0.0.1");
}

static void make_chaos(struct message *m)
{
	message_header(m, 1, MESSAGE_RESPONSE);
	message_question(m, "www.a.com", DNS_TYPE_A, 3);
	message_address(m, DNS_ANSWER, "www.a.com", 60, "8.0.0.1");
}

static void make_notify(struct message *m)
{
	message_patch(m, 2, MESSAGE_RESPONSE | 4 << 11);
	message_address(m, DNS_ANSWER, "www.a.com", 60, "8.0.0.1");
}

/* The second record's length leaves the message; the first is whole. */
static void make_malformed(struct message *m)
{
	message_address(m, DNS_ANSWER, "www.a.com", 60, "8.0.0.1");
	message_address(m, DNS_ANSWER, "www.a.com", 60, "8.0.0.2");
	message_patch(m, m->len - 6, 400);
}

static void make_short_address(struct message *m)
{
	unsigned at = message_record(m, DNS_ANSWER, "www.a.com", DNS_TYPE_A, DNS_CLASS_IN, 60);
	message_u16(m, 0x0800);
	message_record_end(m, at);
}

static void make_promises(struct message *m)
{
	message_patch(m, 6, 3);
}

static void responses_without_evidence_say_why(void **state)
{
	static const struct {
		const char *what;
		void (*make)(struct message *m);
		enum response_fate fate;
		enum record_fate record;
		unsigned records;  /* of that fate */
		unsigned unparsed; /* and these */
	} cases[] = {
		{"NXDOMAIN", make_nxdomain, RESPONSE_RCODE, RECORD_RESPONSE, 1, 0},
		{"empty", make_empty, RESPONSE_EMPTY, RECORD_RESPONSE, 1, 0},
		{"alias only", make_alias_only, RESPONSE_EMPTY, RECORD_USED, 1, 0},
		{"special", make_special, RESPONSE_SPECIAL, RECORD_SPECIAL, 3, 0},
		{"suffix", make_suffix, RESPONSE_SUFFIX, RECORD_USED, 1, 0},
		{"root", make_root, RESPONSE_SUFFIX, RECORD_USED, 1, 0},
		{"no question", make_no_question, RESPONSE_QUESTION, RECORD_RESPONSE, 1, 0},
		{"two questions", make_two_questions, RESPONSE_QUESTION, RECORD_RESPONSE, 1, 0},
		{"class CH", make_chaos, RESPONSE_CLASS, RECORD_RESPONSE, 1, 0},
		{"NOTIFY", make_notify, RESPONSE_OPCODE, RECORD_RESPONSE, 1, 0},
		{"malformed", make_malformed, RESPONSE_MALFORMED, RECORD_RESPONSE, 1, 1},
		{"A of 2 octets", make_short_address, RESPONSE_MALFORMED, RECORD_UNPARSED, 1, 1},
		{"records missing", make_promises, RESPONSE_MALFORMED, RECORD_UNPARSED, 3, 3},
	};
	struct rig *r = *state;

	for (unsigned i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct account before = r->shard->account;
		const struct account *a = &r->shard->account;

		message_start(&r->m, 1, MESSAGE_RESPONSE, "www.a.com", DNS_TYPE_A);
		cases[i].make(&r->m);
		deliver(r);
		if (a->response[cases[i].fate] != before.response[cases[i].fate] + 1)
			fail_msg("%s: not counted as %s", cases[i].what,
				response_fate_name(cases[i].fate));
		if (a->record[cases[i].record] != before.record[cases[i].record] + cases[i].records)
			fail_msg("%s: records not counted as %s", cases[i].what,
				record_fate_name(cases[i].record));
		assert_int_equal(a->record[RECORD_UNPARSED] - before.record[RECORD_UNPARSED],
			cases[i].unparsed);
		assert_int_equal(a->updates, 0);
		assert_int_equal(account_responses(a), i + 1);
		assert_int_equal(account_error(a), 0);
	}
	assert_int_equal(r->shard->used, 0);
}

/* They answer their query all the same: what comes behind them disagrees. */
static void a_response_without_evidence_consumes_its_query(void **state)
{
	struct rig *r = *state;
	struct message *m = ask(r, "a.com");

	message_patch(m, 2, MESSAGE_RESPONSE | 3);
	deliver(r);
	assert_int_equal(RESPONSES(r, RESPONSE_RCODE), 1);
	message_patch(m, 2, MESSAGE_RESPONSE);
	message_address(m, DNS_ANSWER, "a.com", 60, "8.0.0.1");
	deliver(r);
	assert_int_equal(RESPONSES(r, RESPONSE_CONFLICTING), 1);
	assert_int_equal(grade(r, "a.com", "8.0.0.1"), EVIDENCE_CONTESTED);
}

static void what_is_no_dns_is_counted_apart(void **state)
{
	struct rig *r = *state;
	const struct account *a = &r->shard->account;

	message_start(&r->m, 1, MESSAGE_QUERY, "a.com", DNS_TYPE_A);
	r->m.len = 11;
	deliver(r);
	assert_int_equal(a->not_dns[NOT_DNS_SHORT], 1);
	for (unsigned opcode = 0; opcode < 16; opcode++) {
		message_start(&r->m, 1, MESSAGE_QUERY | opcode << 11, "a.com", DNS_TYPE_A);
		deliver(r);
		message_patch(&r->m, 2, MESSAGE_RESPONSE | opcode << 11);
		deliver(r);
	}
	assert_int_equal(a->not_dns[NOT_DNS_OPCODE], 2 * 10);
	assert_int_equal(a->query[QUERY_NEW], 1);
	assert_int_equal(a->query[QUERY_UNMATCHED], 5);
	assert_int_equal(a->response[RESPONSE_OPCODE], 5);
	/* A query without a question, or whose question is cut short, can't be paired. */
	message_header(&r->m, 1, MESSAGE_QUERY);
	deliver(r);
	message_start(&r->m, 1, MESSAGE_QUERY, "a.com", DNS_TYPE_A);
	r->m.len -= 1;
	deliver(r);
	message_start(&r->m, 1, MESSAGE_QUERY, "a.com", DNS_TYPE_A);
	message_question(&r->m, "b.com", DNS_TYPE_A, DNS_CLASS_IN);
	deliver(r);
	assert_int_equal(a->query[QUERY_UNMATCHED], 8);
}

static void a_truncated_flag_is_noted_and_used(void **state)
{
	struct rig *r = *state;
	struct message *m = ask(r, "a.com");

	message_patch(m, 2, MESSAGE_RESPONSE | 0x0200);
	message_address(m, DNS_ANSWER, "a.com", 60, "8.0.0.1");
	deliver(r);
	assert_int_equal(r->shard->account.note[NOTE_TRUNCATED_FLAG], 1);
	assert_int_equal(grade(r, "a.com", "8.0.0.1"), EVIDENCE_PAIRED);
}

static void exact_case_pairs_and_counts_as_one_domain(void **state)
{
	struct rig *r = *state;
	struct message *m = ask(r, "WwW.a.CoM");

	/* So that a response without its query is not taken. */
	message_address(m, DNS_ANSWER, "WwW.a.CoM", 60, "8.0.0.1");
	deliver(r);
	ask(r, "wWw.a.com");
	message_start(m, r->id, MESSAGE_RESPONSE, "www.a.com", DNS_TYPE_A);
	message_address(m, DNS_ANSWER, "www.a.com", 60, "8.0.0.2");
	deliver(r);
	sensor_sweep(r->sensor, r->now_ns, true);
	assert_int_equal(RESPONSES(r, RESPONSE_PAIRED), 1);
	assert_int_equal(RESPONSES(r, RESPONSE_UNPAIRED), 1);
	assert_int_equal(grade(r, "a.com", "8.0.0.1"), EVIDENCE_PAIRED);
	assert_int_equal(grade(r, "a.com", "8.0.0.2"), -1);
	assert_int_equal(r->shard->used, 1);
}

static void special_addresses_are_left_out(void **state)
{
	struct rig *r = *state;
	struct message *m = ask(r, "a.com");

	message_address(m, DNS_ANSWER, "a.com", 600, "10.0.0.1");
	message_address(m, DNS_ANSWER, "a.com", 60, "8.0.0.1");
	message_address(m, DNS_ANSWER, "a.com", 60, "fe80::1");
	message_address(m, DNS_ANSWER, "a.com", 50, "64:ff9b::8.0.0.2");
	message_address(m, DNS_ANSWER, "a.com", 50, "2a00:1450:4001:80b::1");
	message_address(m, DNS_ANSWER, "a.com", 50, "2a00:1450:4001:80b::2");
	deliver(r);
	assert_int_equal(units(r, "a.com"), 3);
	assert_int_equal(grade(r, "a.com", "8.0.0.1"), EVIDENCE_PAIRED);
	assert_int_equal(grade(r, "a.com", "8.0.0.2"), EVIDENCE_PAIRED);
	assert_int_equal(grade(r, "a.com", "2a00:1450:4001:80b::"), EVIDENCE_PAIRED);
	assert_int_equal(RECORDS(r, RECORD_SPECIAL), 2);
	assert_int_equal(RECORDS(r, RECORD_USED), 4);
	assert_int_equal(entry(r, "a.com")->ttl_max, 60);
}

/* In answers, in hints and in glue; what A and AAAA say alike is one address. */
static void dns64_of_the_network_is_unwrapped(void **state)
{
	static const char *const hint[] = {"2a00:1:2:800:0:400::", "64:ff9b::8.0.0.5"};
	struct rig *r = *state;
	struct message *m = ask(r, "a.com");

	message_address(m, DNS_ANSWER, "a.com", 60, "8.0.0.1");
	message_address(m, DNS_ANSWER, "a.com", 60, "2001:db8:64::8.0.0.1");
	message_address(m, DNS_ANSWER, "a.com", 60, "2001:db8:64::8.0.0.2");
	message_address(m, DNS_ANSWER, "a.com", 60, "2a00:1:2:800:0:300::");
	message_address(m, DNS_ANSWER, "a.com", 60, "2a00:1:3:800:0:300::");
	message_address(m, DNS_ANSWER, "a.com", 60, "2001:db8:64::192.168.1.1");
	message_hints(m, "a.com", 60, hint, 2);
	message_ns(m, "a.com", 60, "ns.a.com");
	message_address(m, DNS_ADDITIONAL, "ns.a.com", 60, "2001:db8:64::8.0.0.6");
	deliver(r);
	assert_int_equal(units(r, "a.com"), 6);
	assert_int_equal(grade(r, "a.com", "8.0.0.1"), EVIDENCE_PAIRED);
	assert_int_equal(grade(r, "a.com", "8.0.0.2"), EVIDENCE_PAIRED);
	assert_int_equal(grade(r, "a.com", "8.0.0.3"), EVIDENCE_PAIRED);
	assert_int_equal(grade(r, "a.com", "2a00:1:3:800::"), EVIDENCE_PAIRED);
	assert_int_equal(grade(r, "a.com", "8.0.0.4"), EVIDENCE_PAIRED);
	assert_int_equal(grade(r, "a.com", "8.0.0.5"), EVIDENCE_PAIRED);
	assert_true(has_ns(detail(r, "a.com"), "ns.a.com", "8.0.0.6"));
	assert_int_equal(RECORDS(r, RECORD_SPECIAL), 1);
}

/* A chain over three registered domains, its records in both orders. */
static void an_alias_gives_addresses_to_all_that_only_the_last_owns(void **state)
{
	struct rig *r = *state;

	for (unsigned reversed = 0; reversed < 2; reversed++) {
		struct message *m = ask(r, "www.a.com");

		shard_clear(r->shard);
		if (reversed) {
			message_address(m, DNS_ANSWER, "edge.c.org", 20, "8.0.0.1");
			message_cname(m, "lb.b.net", 40, "edge.c.org");
			message_cname(m, "www.b.net", 30, "lb.b.net");
			message_cname(m, "www.a.com", 900, "www.b.net");
		} else {
			message_cname(m, "www.a.com", 900, "www.b.net");
			message_cname(m, "www.b.net", 30, "lb.b.net");
			message_cname(m, "lb.b.net", 40, "edge.c.org");
			message_address(m, DNS_ANSWER, "edge.c.org", 20, "8.0.0.1");
		}
		deliver(r);
		assert_int_equal(r->shard->used, 3);
		assert_int_equal(grade(r, "a.com", "8.0.0.1"), EVIDENCE_ALIAS);
		assert_int_equal(grade(r, "b.net", "8.0.0.1"), EVIDENCE_ALIAS);
		/* On the word of a.com: it could be anybody's addresses. */
		assert_int_equal(grade(r, "c.org", "8.0.0.1"), EVIDENCE_CONTESTED);
		assert_int_equal(entry(r, "b.net")->responses, 1);
		/* The addresses' own TTL, not the aliases'. */
		assert_int_equal(entry(r, "a.com")->ttl_max, 20);
		assert_int_equal(RECORDS(r, RECORD_USED), 4);
		assert_int_equal(r->shard->account.updates, 3);
		assert_int_equal(RESPONSES(r, RESPONSE_PAIRED), 1);
	}
}

static void an_alias_within_a_domain_owns(void **state)
{
	struct rig *r = *state;
	struct message *m = ask(r, "www.a.com");

	message_cname(m, "www.a.com", 60, "host.a.com");
	message_address(m, DNS_ANSWER, "host.a.com", 60, "8.0.0.1");
	deliver(r);
	assert_int_equal(r->shard->used, 1);
	assert_int_equal(grade(r, "a.com", "8.0.0.1"), EVIDENCE_PAIRED);
	/* The host name is the one that was asked for: another one makes two. */
	assert_null(shard_entry_detail(r->shard, entry(r, "a.com")));
	m = ask(r, "host.a.com");
	message_address(m, DNS_ANSWER, "host.a.com", 60, "8.0.0.1");
	deliver(r);
	const struct shard_detail *d = shard_entry_detail(r->shard, entry(r, "a.com"));
	assert_non_null(d);
	assert_true(hll_estimate(&d->hosts) > 1.5 && hll_estimate(&d->hosts) < 2.5);
}

/* A name that has both an alias and an address of its own: only what counts makes an owner. */
static void only_an_address_in_use_makes_an_owner(void **state)
{
	struct rig *r = *state;
	struct message *m = ask(r, "www.a.com");

	message_cname(m, "www.a.com", 60, "www.b.net");
	message_address(m, DNS_ANSWER, "www.a.com", 60, "10.0.0.1");
	message_address(m, DNS_ANSWER, "www.b.net", 60, "8.0.0.1");
	deliver(r);
	assert_int_equal(grade(r, "a.com", "8.0.0.1"), EVIDENCE_ALIAS);
	assert_int_equal(grade(r, "b.net", "8.0.0.1"), EVIDENCE_CONTESTED);
	m = ask(r, "www.a.com");
	message_cname(m, "www.a.com", 60, "www.b.net");
	message_address(m, DNS_ANSWER, "www.a.com", 60, "8.0.0.2");
	deliver(r);
	assert_int_equal(grade(r, "a.com", "8.0.0.2"), EVIDENCE_PAIRED);
	assert_int_equal(grade(r, "b.net", "8.0.0.2"), EVIDENCE_ALIAS);
}

static void chains_that_loop_end(void **state)
{
	struct rig *r = *state;
	struct message *m = ask(r, "www.a.com");

	message_cname(m, "www.a.com", 60, "www.b.net");
	message_cname(m, "www.b.net", 60, "www.a.com");
	message_cname(m, "www.a.com", 60, "www.c.org");
	message_address(m, DNS_ANSWER, "www.b.net", 60, "8.0.0.1");
	deliver(r);
	assert_int_equal(r->shard->used, 2);
	assert_int_equal(grade(r, "a.com", "8.0.0.1"), EVIDENCE_ALIAS);
	assert_int_equal(grade(r, "b.net", "8.0.0.1"), EVIDENCE_CONTESTED);
	assert_int_equal(RECORDS(r, RECORD_USED), 3);
	assert_int_equal(RECORDS(r, RECORD_OUT_OF_CHAIN), 1);
	assert_int_equal(r->shard->account.updates, 2);

	m = ask(r, "self.a.com");
	message_cname(m, "self.a.com", 60, "self.a.com");
	deliver(r);
	assert_int_equal(RESPONSES(r, RESPONSE_EMPTY), 1);
}

/* Eight names, the question's with them, and no more. */
static void a_long_chain_is_followed_to_its_eighth_name(void **state)
{
	struct rig *r = *state;

	for (unsigned aliases = 7; aliases <= 9; aliases++) {
		struct message *m = ask(r, "n0.a.com");
		char from[16] = "n0.a.com", to[16];
		struct account before = r->shard->account;

		for (unsigned i = 1; i <= aliases; i++) {
			snprintf(to, sizeof(to), "n%u.d%u.com", i, i);
			message_cname(m, from, 60, to);
			memcpy(from, to, sizeof(from));
		}
		message_address(m, DNS_ANSWER, from, 60, "8.0.0.1");
		deliver(r);
		const struct account *a = &r->shard->account;
		unsigned fits = aliases == 7;
		assert_int_equal(
			a->response[RESPONSE_PAIRED] - before.response[RESPONSE_PAIRED], fits);
		assert_int_equal(
			a->response[RESPONSE_EMPTY] - before.response[RESPONSE_EMPTY], !fits);
		assert_int_equal(a->record[RECORD_USED] - before.record[RECORD_USED], 7 + fits);
		assert_int_equal(
			a->record[RECORD_OUT_OF_CHAIN] - before.record[RECORD_OUT_OF_CHAIN],
			fits ? 0 : aliases - 7 + 1);
	}
	assert_int_equal(r->shard->used, 8);
	assert_int_equal(grade(r, "d7.com", "8.0.0.1"), EVIDENCE_CONTESTED);
	assert_int_equal(grade(r, "d6.com", "8.0.0.1"), EVIDENCE_ALIAS);
}

/* Sixteen aliases are looked at, whoever's they are. */
static void aliases_beyond_the_sixteenth_are_not_followed(void **state)
{
	struct rig *r = *state;

	for (unsigned junk = 15; junk <= 16; junk++) {
		struct message *m = ask(r, "www.a.com");
		char owner[24];

		shard_clear(r->shard);
		for (unsigned i = 0; i < junk; i++) {
			snprintf(owner, sizeof(owner), "j%u.x.com", i);
			message_cname(m, owner, 60, "www.victim.org");
		}
		message_cname(m, "www.a.com", 60, "www.b.net");
		message_address(m, DNS_ANSWER, "www.b.net", 60, "8.0.0.1");
		deliver(r);
		assert_int_equal(RESPONSES(r, RESPONSE_PAIRED), junk == 15);
		assert_int_equal(RESPONSES(r, RESPONSE_EMPTY), junk == 16);
		assert_int_equal(RECORDS(r, RECORD_OUT_OF_CHAIN), junk == 15 ? 15 : 18);
	}
}

static void records_beside_the_chain_are_not_evidence(void **state)
{
	struct rig *r = *state;
	struct message *m = ask(r, "www.a.com");

	message_address(m, DNS_ANSWER, "www.a.com", 60, "8.0.0.1");
	message_address(m, DNS_ANSWER, "www.victim.org", 600, "8.0.0.2");
	message_address(m, DNS_ANSWER, "a.com", 600, "8.0.0.3");
	message_cname(m, "www.victim.org", 60, "www.b.net");
	message_address(m, DNS_ANSWER, "www.b.net", 600, "8.0.0.4");
	deliver(r);
	assert_int_equal(r->shard->used, 1);
	assert_int_equal(units(r, "a.com"), 1);
	assert_int_equal(entry(r, "a.com")->ttl_max, 60);
	assert_int_equal(RECORDS(r, RECORD_OUT_OF_CHAIN), 4);
	assert_int_equal(RECORDS(r, RECORD_USED), 1);
}

/* An owner need not be a pointer: the name decides, whatever its case. */
static void owners_are_compared_as_names(void **state)
{
	struct rig *r = *state;
	struct message *m = ask(r, "www.a.com");

	m->names = 0;
	message_address(m, DNS_ANSWER, "WWW.A.com", 60, "8.0.0.1");
	m->names = 0;
	message_cname(m, "www.a.com", 60, "www.b.net");
	m->names = 0;
	message_address(m, DNS_ANSWER, "Www.B.net", 60, "8.0.0.2");
	deliver(r);
	assert_int_equal(RECORDS(r, RECORD_USED), 3);
	assert_int_equal(units(r, "a.com"), 2);
	assert_int_equal(grade(r, "a.com", "8.0.0.1"), EVIDENCE_PAIRED);
	assert_int_equal(grade(r, "b.net", "8.0.0.2"), EVIDENCE_CONTESTED);
}

static void other_types_and_classes_are_counted(void **state)
{
	struct rig *r = *state;
	struct message *m = ask(r, "a.com");
	unsigned at = message_record(m, DNS_ANSWER, "a.com", DNS_TYPE_A, 3, 60);

	message_u32(m, 0x08000001);
	message_record_end(m, at);
	at = message_record(m, DNS_ANSWER, "a.com", 16, DNS_CLASS_IN, 60); /* TXT */
	message_u16(m, 1 << 8 | 'x');
	message_record_end(m, at);
	message_pointing(m, DNS_ANSWER, DNS_TYPE_NS, "a.com", 60, "ns.a.com");
	message_address(m, DNS_ANSWER, "a.com", 60, "8.0.0.1");
	message_pointing(m, DNS_AUTHORITY, DNS_TYPE_CNAME, "a.com", 60, "b.net");
	at = message_record(m, DNS_ADDITIONAL, "", DNS_TYPE_OPT, 1232, 0);
	message_record_end(m, at);
	message_pointing(m, DNS_ADDITIONAL, DNS_TYPE_NS, "a.com", 60, "ns.a.com");
	deliver(r);
	assert_int_equal(RECORDS(r, RECORD_CLASS), 1);
	assert_int_equal(RECORDS(r, RECORD_TYPE), 5);
	assert_int_equal(RECORDS(r, RECORD_USED), 1);
	assert_int_equal(units(r, "a.com"), 1);
	assert_null(detail(r, "a.com"));

	/* The RDATA of an HTTPS record under another type. */
	m = ask(r, "b.com");
	message_hints(m, "b.com", 60, (const char *const[]){"8.0.0.1"}, 1);
	message_patch(m, m->len - 11 - 10, 15);
	deliver(r);
	assert_int_equal(RECORDS(r, RECORD_TYPE), 6);
	assert_int_equal(RESPONSES(r, RESPONSE_EMPTY), 1);
}

static void hints_of_https_records_are_addresses(void **state)
{
	static const char *const v4[] = {"8.0.0.1", "10.0.0.1", "8.0.0.2"};
	static const char *const v6[] = {"2a00:1450::1"};
	static const char *const private[] = {"192.168.0.1"};
	struct rig *r = *state;
	struct message *m = ask(r, "a.com");

	message_hints(m, "a.com", 60, v4, 3);
	message_hints(m, "a.com", 90, v6, 1);
	message_hints(m, "a.com", 600, private, 1);
	message_hints(m, "other.com", 600, v4, 3);
	deliver(r);
	assert_int_equal(units(r, "a.com"), 3);
	assert_int_equal(grade(r, "a.com", "8.0.0.2"), EVIDENCE_PAIRED);
	assert_int_equal(grade(r, "a.com", "2a00:1450::"), EVIDENCE_PAIRED);
	assert_int_equal(entry(r, "a.com")->ttl_max, 90);
	assert_int_equal(entry(r, "a.com")->answer_max, 3);
	assert_int_equal(RECORDS(r, RECORD_USED), 2);
	assert_int_equal(RECORDS(r, RECORD_SPECIAL), 1);
	assert_int_equal(RECORDS(r, RECORD_OUT_OF_CHAIN), 1);

	/* No hints at all, and hints before a fault: neither is evidence. */
	m = ask(r, "b.com");
	unsigned at = message_record(m, DNS_ANSWER, "b.com", DNS_TYPE_HTTPS, DNS_CLASS_IN, 600);
	message_u16(m, 1);
	m->octet[m->len++] = 0;
	message_record_end(m, at);
	message_hints(m, "b.com", 600, v4, 3);
	message_patch(m, m->len - 14, 11);
	message_address(m, DNS_ANSWER, "b.com", 60, "8.0.0.9");
	deliver(r);
	assert_int_equal(RECORDS(r, RECORD_TYPE), 2);
	assert_int_equal(units(r, "b.com"), 1);
	assert_int_equal(entry(r, "b.com")->ttl_max, 60);
}

/* Hints read before the fault in the same record are taken back. */
static void a_faulty_record_leaves_nothing(void **state)
{
	static const char *const v4[] = {"8.0.0.1", "8.0.0.2"};
	struct rig *r = *state;
	struct message *m = ask(r, "b.com");

	message_hints(m, "b.com", 600, v4, 2);
	unsigned rdlength = m->len - 8 - 4 - 3 - 2;
	message_u16(m, 6);
	message_u16(m, 17);
	message_u32(m, 0);
	message_record_end(m, rdlength);
	message_address(m, DNS_ANSWER, "b.com", 60, "8.0.0.9");
	deliver(r);
	assert_int_equal(RECORDS(r, RECORD_TYPE), 1);
	assert_int_equal(RECORDS(r, RECORD_USED), 1);
	assert_int_equal(units(r, "b.com"), 1);
	/* The same answer without it says the same. */
	message_start(m, r->id, MESSAGE_RESPONSE, "b.com", DNS_TYPE_A);
	message_address(m, DNS_ANSWER, "b.com", 60, "8.0.0.9");
	deliver(r);
	assert_int_equal(RESPONSES(r, RESPONSE_DUPLICATE), 1);

	m = ask(r, "c.com");
	message_hints(m, "c.com", 600, (const char *const[]){"10.0.0.1"}, 1);
	message_u16(m, 6);
	message_patch(m, m->len - 2 - 8 - 3 - 2, 13);
	deliver(r);
	assert_int_equal(RECORDS(r, RECORD_TYPE), 2);
	assert_int_equal(RESPONSES(r, RESPONSE_SPECIAL), 0);
	assert_int_equal(RESPONSES(r, RESPONSE_EMPTY), 1);
}

static void more_addresses_than_there_is_room_for_are_capped(void **state)
{
	const char *hint[100];
	char text[100][16];
	struct rig *r = *state;
	struct message *m = ask(r, "a.com");

	for (unsigned i = 0; i < 100; i++) {
		snprintf(text[i], sizeof(text[i]), "8.0.1.%u", i);
		hint[i] = text[i];
	}
	message_hints(m, "a.com", 60, hint, 100);
	for (unsigned i = 0; i < 100; i++)
		snprintf(text[i], sizeof(text[i]), "8.0.2.%u", i);
	message_hints(m, "a.com", 60, hint, 100);
	message_hints(m, "a.com", 60, hint, 100);
	message_address(m, DNS_ANSWER, "a.com", 900, "8.0.0.1");
	message_address(m, DNS_ANSWER, "a.com", 900, "10.0.0.1");
	deliver(r);
	assert_int_equal(RECORDS(r, RECORD_USED), 2);
	assert_int_equal(RECORDS(r, RECORD_CAPPED), 2);
	assert_int_equal(RECORDS(r, RECORD_SPECIAL), 1);
	assert_int_equal(entry(r, "a.com")->answer_max, 63);
	assert_int_equal(entry(r, "a.com")->ttl_max, 60);

	/* And more records than are looked at. */
	m = ask(r, "b.com");
	for (unsigned i = 0; i < 140; i++)
		message_address(m, DNS_ANSWER, "b.com", 60, "8.0.0.1");
	deliver(r);
	assert_int_equal(RECORDS(r, RECORD_USED), 2 + 128);
	assert_int_equal(RECORDS(r, RECORD_CAPPED), 2 + 12);
	assert_int_equal(r->shard->account.declared, 5 + 140);
}

static void name_servers_are_evidence_for_their_zone_only(void **state)
{
	struct rig *r = *state;
	struct message *m = ask(r, "www.a.com");

	message_address(m, DNS_ANSWER, "www.a.com", 60, "8.0.0.1");
	message_ns(m, "a.com", 300, "ns1.a.com");
	message_ns(m, "a.com", 200, "ns.host.net");
	message_ns(m, "com", 999, "a.gtld-servers.net");
	message_ns(m, "victim.org", 999, "ns.victim.org");
	message_ns(m, "victim.org", 999, "ns2.victim.org");
	message_ns(m, "victim.org", 999, "ns3.victim.org");
	message_address(m, DNS_AUTHORITY, "ns1.a.com", 60, "8.0.1.2");
	message_address(m, DNS_ADDITIONAL, "ns1.a.com", 60, "8.0.1.1");
	message_address(m, DNS_ADDITIONAL, "ns.host.net", 60, "2a00:1450::1");
	message_address(m, DNS_ADDITIONAL, "ns.victim.org", 60, "8.0.1.9");
	message_address(m, DNS_ADDITIONAL, "ns1.a.com", 60, "10.0.0.1");
	deliver(r);
	const struct shard_detail *d = detail(r, "a.com");
	assert_non_null(d);
	assert_int_equal(d->ns_names, 2);
	assert_int_equal(d->ns_units, 2);
	assert_true(has_ns(d, "ns1.a.com", "8.0.1.1"));
	assert_true(has_ns(d, "ns.host.net", "2a00:1450::"));
	assert_int_equal(d->ns_ttl, 300);
	assert_int_equal(d->units, 1);
	/* The name server's own domain has no say in it, nor is anything said of it. */
	assert_int_equal(r->shard->used, 1);
	assert_int_equal(RECORDS(r, RECORD_USED), 1 + 2 + 2);
	assert_int_equal(RECORDS(r, RECORD_OUT_OF_CHAIN), 4);
	assert_int_equal(RECORDS(r, RECORD_SECTION), 2);
	assert_int_equal(RECORDS(r, RECORD_SPECIAL), 1);
}

/*
 * An attacker's answer names somebody else's servers, and addresses of theirs, as his: all of it is
 * about his domain. And what he says of theirs beside it is nobody's evidence.
 */
static void glue_says_nothing_of_the_servers_domain(void **state)
{
	struct rig *r = *state;
	struct message *m = ask(r, "www.evil.com");

	message_address(m, DNS_ANSWER, "www.evil.com", 60, "8.0.0.1");
	message_ns(m, "evil.com", 300, "ns1.victim.org");
	message_ns(m, "victim.org", 300, "ns2.victim.org");
	message_address(m, DNS_ADDITIONAL, "ns1.victim.org", 60, "8.0.1.1");
	message_address(m, DNS_ADDITIONAL, "ns2.victim.org", 60, "8.0.1.2");
	message_address(m, DNS_ADDITIONAL, "www.victim.org", 60, "8.0.1.3");
	deliver(r);
	assert_null(entry(r, "victim.org"));
	assert_int_equal(r->shard->used, 1);
	const struct shard_detail *d = detail(r, "evil.com");
	assert_int_equal(d->ns_names, 1);
	assert_int_equal(d->ns_units, 1);
	assert_true(has_ns(d, "ns1.victim.org", "8.0.1.1"));
	/* A referral has no answer, and gives no evidence at all. */
	m = ask(r, "www.evil.com");
	message_ns(m, "evil.com", 300, "ns3.victim.org");
	message_address(m, DNS_ADDITIONAL, "ns3.victim.org", 60, "8.0.1.4");
	deliver(r);
	assert_int_equal(RESPONSES(r, RESPONSE_EMPTY), 1);
	assert_int_equal(detail(r, "evil.com")->ns_names, 1);
	assert_int_equal(r->shard->used, 1);
}

/* Addresses carry a grade, name servers none: an injector's must not come beside the zone's own. */
static void name_servers_of_a_race_are_not_taken(void **state)
{
	struct rig *r = *state;
	struct message *m = ask(r, "www.a.com");

	message_address(m, DNS_ANSWER, "www.a.com", 60, "8.0.0.1");
	message_ns(m, "a.com", 300, "ns1.a.com");
	message_address(m, DNS_ADDITIONAL, "ns1.a.com", 60, "8.0.1.1");
	deliver(r);
	message_start(m, r->id, MESSAGE_RESPONSE, "www.a.com", DNS_TYPE_A);
	message_address(m, DNS_ANSWER, "www.a.com", 60, "8.0.0.66");
	message_ns(m, "a.com", 30, "ns66.a.com");
	message_ns(m, "a.com", 900, "ns67.a.com");
	message_address(m, DNS_ADDITIONAL, "ns66.a.com", 60, "8.0.0.1");
	message_address(m, DNS_ADDITIONAL, "ns67.a.com", 60, "8.0.0.66");
	deliver(r);
	assert_int_equal(RESPONSES(r, RESPONSE_CONFLICTING), 1);
	assert_int_equal(grade(r, "a.com", "8.0.0.66"), EVIDENCE_CONTESTED);
	const struct shard_detail *d = detail(r, "a.com");
	assert_int_equal(d->ns_names, 1);
	assert_int_equal(d->ns_units, 1);
	assert_int_equal(d->ns_ttl, 300);
	assert_true(has_ns(d, "ns1.a.com", "8.0.1.1"));
}

/* Whoever writes the alias writes this answer: of the target's servers it is no word. */
static void name_servers_behind_an_alias_are_not_taken(void **state)
{
	struct rig *r = *state;
	struct message *m = ask(r, "www.a.com");

	message_cname(m, "www.a.com", 60, "www.b.net");
	message_address(m, DNS_ANSWER, "www.b.net", 60, "8.0.0.1");
	message_ns(m, "b.net", 300, "ns1.b.net");
	message_ns(m, "a.com", 300, "ns1.a.com");
	message_address(m, DNS_ADDITIONAL, "ns1.b.net", 60, "8.0.1.1");
	message_address(m, DNS_ADDITIONAL, "ns1.a.com", 60, "8.0.1.2");
	deliver(r);
	assert_null(detail(r, "b.net"));
	assert_non_null(detail(r, "a.com"));
	assert_true(has_ns(detail(r, "a.com"), "ns1.a.com", "8.0.1.2"));
	assert_int_equal(detail(r, "a.com")->ns_names, 1);
	assert_int_equal(detail(r, "a.com")->ns_units, 1);
	assert_int_equal(RECORDS(r, RECORD_OUT_OF_CHAIN), 1);
	assert_int_equal(RECORDS(r, RECORD_SECTION), 1);

	/* A question without a registered domain has no servers, nor has its alias's target. */
	m = ask(r, "co.uk");
	message_cname(m, "co.uk", 60, "www.c.org");
	message_address(m, DNS_ANSWER, "www.c.org", 60, "8.0.0.1");
	message_ns(m, "c.org", 300, "ns1.c.org");
	message_ns(m, "co.uk", 300, "ns1.c.org");
	deliver(r);
	assert_int_equal(grade(r, "c.org", "8.0.0.1"), EVIDENCE_CONTESTED);
	assert_null(detail(r, "c.org"));
	assert_int_equal(RECORDS(r, RECORD_OUT_OF_CHAIN), 3);
}

/* A small message of long names must not cost more than a large one. */
static void names_behind_the_answer_have_a_budget(void **state)
{
	struct rig *r = *state;
	struct message *m = ask(r, "a.com");
	char server[256];
	unsigned octets = 3 + 3 * 61 + 7, fit = 2048 / octets + 1;

	message_address(m, DNS_ANSWER, "a.com", 60, "8.0.0.1");
	for (unsigned i = 0; i < 15; i++) {
		snprintf(server, sizeof(server), "%02u.%060d.%060d.%060d.a.com", i, 1, 2, 3);
		message_ns(m, "a.com", 60, server);
	}
	deliver(r);
	assert_int_equal(RECORDS(r, RECORD_USED), 1 + fit);
	assert_int_equal(RECORDS(r, RECORD_TYPE), 15 - fit);
}

/* C00C costs two octets, and two hundred and more to decode: a name of 125 labels in 84 records. */
static void pointers_to_a_long_name_have_a_budget(void **state)
{
	struct rig *r = *state;
	char name[256];
	unsigned n = 0, fit = 2048 / 253 + 1;

	while (n < 2 * 124)
		n += (unsigned)snprintf(name + n, sizeof(name) - n, "a.");
	snprintf(name + n, sizeof(name) - n, "com");
	/*
	 * Owner and target are the question's name; then the owners take turns and are read
	 * anew each time, as many as the parser lets through.
	 */
	for (unsigned turns = 0; turns < 2; turns++) {
		struct account before = r->shard->account;
		struct message *m = ask(r, name);
		unsigned records = turns ? 30 : 84;

		message_address(m, DNS_ANSWER, name, 60, "8.0.0.1");
		for (unsigned i = 0; i < records; i++)
			message_ns(m, turns ? name + 2 + i % 2 * 2 : name, 60, name);
		assert_int_equal(m->len, 12 + 253 + 4 + 16 + records * 14);
		deliver(r);
		const struct account *a = &r->shard->account;
		uint64_t used = a->record[RECORD_USED] - before.record[RECORD_USED] - 1;
		uint64_t type = a->record[RECORD_TYPE] - before.record[RECORD_TYPE];
		uint64_t out = a->record[RECORD_OUT_OF_CHAIN] - before.record[RECORD_OUT_OF_CHAIN];
		assert_int_equal(used, turns ? fit / 2 : fit);
		assert_int_equal(type + out, records - used);
		assert_true(turns || out == 0);
	}
	/* The same for glue: found once, and then not looked for. */
	uint64_t used = RECORDS(r, RECORD_USED);
	struct message *m = ask(r, name);
	message_address(m, DNS_ANSWER, name, 60, "8.0.0.1");
	message_ns(m, name, 60, name);
	for (unsigned i = 0; i < 84; i++)
		message_address(m, DNS_ADDITIONAL, name, 60, "8.0.1.1");
	deliver(r);
	assert_int_equal(RECORDS(r, RECORD_USED) - used, 1 + fit);
	assert_int_equal(RECORDS(r, RECORD_SECTION), 84 - (fit - 1));
}

static void name_servers_of_long_lived_addresses_are_not_looked_at(void **state)
{
	struct rig *r = *state;

	for (unsigned i = 0; i < 2; i++) {
		struct message *m = ask(r, "a.com");

		message_address(m, DNS_ANSWER, "a.com", SENSOR_NS_TTL_GATE + 1 - i, "8.0.0.1");
		message_ns(m, "a.com", 300, "ns1.a.com");
		message_address(m, DNS_ADDITIONAL, "ns1.a.com", 60, "8.0.1.1");
		deliver(r);
		assert_int_equal(detail(r, "a.com") != NULL, i);
		assert_int_equal(RECORDS(r, RECORD_SECTION), 2);
	}
}

static void many_name_servers_are_capped(void **state)
{
	struct rig *r = *state;
	struct message *m = ask(r, "a.com");
	char server[24], address[16];

	message_address(m, DNS_ANSWER, "a.com", 60, "8.0.0.1");
	for (unsigned i = 0; i < EVIDENCE_NS_MAX + 3; i++) {
		snprintf(server, sizeof(server), "ns%u.a.com", i);
		message_ns(m, "a.com", 60, server);
	}
	for (unsigned i = 0; i < EVIDENCE_NS_MAX + 5; i++) {
		snprintf(address, sizeof(address), "8.0.1.%u", i);
		message_address(m, DNS_ADDITIONAL, "ns3.a.com", 60, address);
	}
	deliver(r);
	assert_int_equal(RECORDS(r, RECORD_USED), 1 + 2 * EVIDENCE_NS_MAX);
	assert_int_equal(RECORDS(r, RECORD_CAPPED), 3 + 5);
	assert_int_equal(detail(r, "a.com")->ns_names, SHARD_NS_MAX);
	assert_int_equal(detail(r, "a.com")->ns_units, SHARD_NS_MAX);
}

/* No query at all: the tap carries one direction, and a response is weak evidence. */
static void a_one_way_tap_gives_weak_evidence(void **state)
{
	struct rig *r = *state;
	char address[16];

	for (unsigned i = 1; i <= 3; i++) {
		message_start(&r->m, i, MESSAGE_RESPONSE, "a.com", DNS_TYPE_A);
		snprintf(address, sizeof(address), "8.0.0.%u", i);
		message_address(&r->m, DNS_ANSWER, "a.com", 60, address);
		deliver(r);
		assert_int_equal(grade(r, "a.com", address), EVIDENCE_UNPAIRED);
	}
	assert_int_equal(RESPONSES(r, RESPONSE_UNPAIRED), 3);
	assert_int_equal(entry(r, "a.com")->responses, 3);
}

/* Being reached by an alias lowers what the response attests, and never raises it. */
static void an_alias_makes_no_evidence_better(void **state)
{
	struct rig *r = *state;
	char address[16];

	for (unsigned i = 1; i <= 4; i++) {
		if (i == 2)
			ask(r, "x.evil.com");
		message_start(
			&r->m, i == 1 ? 99u : r->id, MESSAGE_RESPONSE, "x.evil.com", DNS_TYPE_A);
		snprintf(address, sizeof(address), "8.0.0.%u", i);
		if (i < 4)
			message_cname(&r->m, "x.evil.com", 60, "www.a.com");
		message_address(&r->m, DNS_ANSWER, i < 4 ? "www.a.com" : "x.evil.com", 60, address);
		deliver(r);
	}
	assert_int_equal(RESPONSES(r, RESPONSE_UNPAIRED), 1);
	assert_int_equal(RESPONSES(r, RESPONSE_PAIRED), 1);
	assert_int_equal(RESPONSES(r, RESPONSE_CONFLICTING), 2);
	assert_int_equal(grade(r, "a.com", "8.0.0.1"), EVIDENCE_UNPAIRED);
	assert_int_equal(grade(r, "a.com", "8.0.0.2"), EVIDENCE_CONTESTED);
	assert_int_equal(grade(r, "a.com", "8.0.0.3"), EVIDENCE_CONTESTED);
	assert_int_equal(grade(r, "a.com", "8.0.0.4"), -1);
	for (unsigned i = 1; i <= 3; i++) {
		snprintf(address, sizeof(address), "8.0.0.%u", i);
		assert_int_equal(grade(r, "evil.com", address), EVIDENCE_ALIAS);
	}
	assert_int_equal(grade(r, "evil.com", "8.0.0.4"), EVIDENCE_CONTESTED);
}

/* One query makes the tap two-way until sixteen responses have come to it. */
static void an_unsolicited_response_is_no_evidence(void **state)
{
	struct rig *r = *state;
	struct message *m = ask(r, "a.com");
	char address[16];

	message_address(m, DNS_ANSWER, "a.com", 60, "8.0.0.1");
	deliver(r);
	for (unsigned i = 2; i <= 18; i++) {
		message_start(m, 1000 + i, MESSAGE_RESPONSE, "a.com", DNS_TYPE_A);
		snprintf(address, sizeof(address), "8.0.0.%u", i);
		message_address(m, DNS_ANSWER, "a.com", 60, address);
		deliver(r);
		assert_int_equal(grade(r, "a.com", address), i > 16 ? EVIDENCE_UNPAIRED : -1);
	}
	sensor_sweep(r->sensor, r->now_ns, true);
	assert_int_equal(RESPONSES(r, RESPONSE_PAIRED), 1);
	assert_int_equal(RESPONSES(r, RESPONSE_UNPAIRED), 17);
	/* Those that came before stay none, though they were counted after that. */
	assert_int_equal(r->shard->account.updates, 3);
	assert_int_equal(grade(r, "a.com", "8.0.0.1"), EVIDENCE_PAIRED);
	/* A duplicate is one on a one-way tap as well. */
	message_start(m, r->id, MESSAGE_RESPONSE, "a.com", DNS_TYPE_A);
	message_address(m, DNS_ANSWER, "a.com", 60, "8.0.0.1");
	deliver(r);
	assert_int_equal(RESPONSES(r, RESPONSE_DUPLICATE), 1);
	assert_int_equal(r->shard->account.updates, 3);
}

static void answers_that_disagree_are_contested(void **state)
{
	struct rig *r = *state;
	struct message *m = ask(r, "a.com");

	message_address(m, DNS_ANSWER, "a.com", 60, "8.0.0.1");
	message_address(m, DNS_ANSWER, "a.com", 60, "8.0.0.2");
	deliver(r);
	/* The same addresses in another order and with another TTL say the same. */
	message_start(m, r->id, MESSAGE_RESPONSE, "a.com", DNS_TYPE_A);
	message_address(m, DNS_ANSWER, "a.com", 59, "8.0.0.2");
	message_address(m, DNS_ANSWER, "a.com", 59, "8.0.0.1");
	deliver(r);
	assert_int_equal(RESPONSES(r, RESPONSE_DUPLICATE), 1);
	message_start(m, r->id, MESSAGE_RESPONSE, "a.com", DNS_TYPE_A);
	message_address(m, DNS_ANSWER, "a.com", 60, "8.0.0.2");
	message_address(m, DNS_ANSWER, "a.com", 60, "8.0.0.3");
	deliver(r);
	assert_int_equal(RESPONSES(r, RESPONSE_CONFLICTING), 1);
	assert_int_equal(grade(r, "a.com", "8.0.0.1"), EVIDENCE_PAIRED);
	assert_int_equal(grade(r, "a.com", "8.0.0.2"), EVIDENCE_PAIRED);
	assert_int_equal(grade(r, "a.com", "8.0.0.3"), EVIDENCE_CONTESTED);
	/* A query that was repeated takes two answers, and neither is contested. */
	ask(r, "a.com");
	message_start(m, r->id, MESSAGE_QUERY, "a.com", DNS_TYPE_A);
	deliver(r);
	for (unsigned i = 4; i <= 5; i++) {
		message_start(m, r->id, MESSAGE_RESPONSE, "a.com", DNS_TYPE_A);
		message_address(m, DNS_ANSWER, "a.com", 60, i == 4 ? "8.0.0.4" : "8.0.0.3");
		deliver(r);
	}
	assert_int_equal(r->shard->account.query[QUERY_AGAIN], 1);
	assert_int_equal(RESPONSES(r, RESPONSE_PAIRED), 3);
	assert_int_equal(grade(r, "a.com", "8.0.0.3"), EVIDENCE_PAIRED);
}

static void suffixes_of_several_kinds_are_heeded(void **state)
{
	static const struct {
		const char *host, *domain;
	} cases[] = {
		{"a.b.example.co.uk", "example.co.uk"},
		{"me.github.io", "me.github.io"},
		{"x.me.github.io", "me.github.io"},
		{"a.b.c.ck", "b.c.ck"},
		{"a.www.ck", "www.ck"},
		{"x.y.unlisted", "y.unlisted"},
	};
	struct rig *r = *state;

	for (unsigned i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct message *m = ask(r, cases[i].host);

		message_address(m, DNS_ANSWER, cases[i].host, 60, "8.0.0.1");
		deliver(r);
		assert_int_equal(grade(r, cases[i].domain, "8.0.0.1"), EVIDENCE_PAIRED);
	}
	assert_int_equal(r->shard->used, 5);
}

static void vlans_and_ipv6_are_seen_through(void **state)
{
	static const struct flow v6 = {"2620:fe::1", "2620:fe::fe", 999};
	struct rig *r = *state;
	struct packet p;

	for (unsigned i = 0; i < 4; i++) {
		message_start(&r->m, i / 2, i % 2 ? MESSAGE_RESPONSE : MESSAGE_QUERY, "a.com",
			DNS_TYPE_AAAA);
		if (i % 2)
			message_address(&r->m, DNS_ANSWER, "a.com", 60,
				i / 2 ? "2a00:1450:1::1" : "2a00:1450:2::1");
		packet_make(&p, i / 2 ? &v6 : &flow, &r->m, i < 3 ? i : 0);
		burst_one(r, frame_of(r, &p));
	}
	assert_int_equal(r->shard->account.layer[WIRE_LAYER_VLAN], 2);
	assert_int_equal(r->shard->account.note[NOTE_IPV6], 2);
	assert_int_equal(RESPONSES(r, RESPONSE_PAIRED), 2);
	assert_int_equal(grade(r, "a.com", "2a00:1450:1::"), EVIDENCE_PAIRED);
	assert_int_equal(grade(r, "a.com", "2a00:1450:2::"), EVIDENCE_PAIRED);
}

/* Every length a capture may be cut to: what lies before the cut is used, nothing is lost. */
static void cut_frames_give_what_they_hold(void **state)
{
	struct rig *r = *state;
	struct packet p;
	const unsigned headers = 42, question = 12 + 11 + 4 - 4 + 0;
	unsigned last = 0;

	message_start(&r->m, 1, MESSAGE_RESPONSE, "a.com", DNS_TYPE_A);
	const unsigned fixed = r->m.len;
	for (unsigned i = 1; i <= 3; i++)
		message_address(&r->m, DNS_ANSWER, "a.com", 60,
			(const char *[]){"", "8.0.0.1", "8.0.0.2", "8.0.0.3"}[i]);
	packet_make(&p, &flow, &r->m, 0);
	assert_int_equal(fixed, question);
	for (unsigned n = 0; n <= p.len; n++) {
		struct account before = r->shard->account;
		const struct account *a = &r->shard->account;
		struct frame f = frame_of(r, &p);

		f.caplen = n;
		burst_one(r, f);
		assert_int_equal(a->received, before.received + 1);
		assert_int_equal(account_error(a), 0);
		bool readable = n >= headers + 12, whole = n == p.len;
		assert_int_equal(a->rx[WIRE_CUT] - before.rx[WIRE_CUT], !readable);
		assert_int_equal(a->note[NOTE_CUT] - before.note[NOTE_CUT], readable && !whole);
		unsigned records = n < headers + fixed ? 0 : (n - headers - fixed) / 16;
		assert_int_equal(a->record[RECORD_USED] - before.record[RECORD_USED],
			readable ? records : 0);
		assert_int_equal(a->record[RECORD_UNPARSED] - before.record[RECORD_UNPARSED],
			readable ? 3 - records : 0);
		assert_int_equal(
			a->response[RESPONSE_QUESTION] - before.response[RESPONSE_QUESTION],
			readable && n < headers + fixed);
		assert_true(units(r, "a.com") >= last && units(r, "a.com") == records);
		last = units(r, "a.com");
	}
	assert_int_equal(last, 3);
}

static void stages_stop_where_they_say(void **state)
{
	struct rig *r = *state;
	const struct account *a = &r->shard->account;
	struct packet p;

	message_start(&r->m, 1, MESSAGE_RESPONSE, "a.com", DNS_TYPE_A);
	message_address(&r->m, DNS_ANSWER, "a.com", 60, "8.0.0.1");
	packet_make(&p, &flow, &r->m, 0);
	struct frame f = frame_of(r, &p);
	sensor_burst_until(r->sensor, &f, 1, SENSOR_DECODE);
	assert_int_equal(a->rx[WIRE_DNS], 1);
	assert_int_equal(a->declared, 0);
	sensor_burst_until(r->sensor, &f, 1, SENSOR_PARSE);
	assert_int_equal(a->declared, 1);
	assert_int_equal(account_responses(a), 0);
	assert_int_equal(r->shard->used, 0);
	sensor_burst_until(r->sensor, &f, 1, SENSOR_ALL);
	assert_int_equal(account_responses(a), 1);
	assert_int_equal(r->shard->used, 1);
	shard_clear(r->shard); /* the stages before the last break the identities */
}

/* A response as the model of the mix knows it. */
struct said {
	enum response_fate fate; /* RESPONSE_PAIRED: it has evidence */
	unsigned what;           /* 0 without evidence */
	unsigned domain;
	bool alias;
};

/* A transaction of the mix, as a plain model knows it. */
struct transaction {
	unsigned waiting;
	bool known; /* asked at least once */
	bool answered;
	unsigned first; /* what the first answer said */
	bool early;     /* an answer waits for the query: this, since then */
	bool disputed;
	struct said held;
	uint64_t since_ns;
};

/* The model of the mix: what the account must be, and nothing of how. */
struct mix {
	struct account want;
	uint64_t queries, responses; /* since start: is the tap one-way? */
	bool domain[8];
	struct transaction transaction[4096];
};

enum mixed {
	MIX_QUERY,
	MIX_RESPONSE,
	MIX_NXDOMAIN,
	MIX_MALFORMED,
	MIX_SHORT,
	MIX_ARP,
	MIX_OTHER_PORT,
	MIX_TCP,
	MIX_FRAGMENT,
	MIX_CUT,
	MIX_COUNT
};

/* One observation for the domain asked and one for the alias's target, if there is one. */
static void mix_observe(struct mix *x, const struct said *said)
{
	for (unsigned i = 0; i <= said->alias; i++) {
		unsigned d = i ? 7 : said->domain;
		x->want.updates++;
		x->want.table[x->domain[d] ? TABLE_HIT : TABLE_INSERTED]++;
		x->domain[d] = true;
	}
}

static void mix_settle(struct mix *x, const struct said *said, enum response_fate fate)
{
	x->want.response[said->fate == RESPONSE_PAIRED ? fate : said->fate]++;
	if (said->fate == RESPONSE_PAIRED &&
		(fate == RESPONSE_PAIRED || fate == RESPONSE_CONFLICTING))
		mix_observe(x, said);
}

static void mix_answered(struct transaction *t, const struct said *said)
{
	t->waiting--;
	t->first = t->answered ? t->first : said->what;
	t->answered = true;
}

static void mix_early_end(
	struct mix *x, struct transaction *t, enum early_fate end, enum response_fate fate)
{
	t->early = false;
	x->want.early[end]++;
	x->want.early_held--;
	mix_settle(x, &t->held, fate);
}

/* Order among those does not matter to what is counted. */
static void mix_expire(struct mix *x, uint64_t now_ns)
{
	for (unsigned i = 0; i < sizeof(x->transaction) / sizeof(x->transaction[0]); i++) {
		struct transaction *t = &x->transaction[i];
		if (t->early && now_ns - t->since_ns > HOLD_NS)
			mix_early_end(x, t, EARLY_EXPIRED, RESPONSE_UNPAIRED);
	}
}

static void mix_query(struct mix *x, struct transaction *t)
{
	x->queries++;
	x->want.query[t->known ? QUERY_AGAIN : QUERY_NEW]++;
	t->known = true;
	t->waiting += t->waiting < 7;
	if (!t->early)
		return;
	mix_answered(t, &t->held);
	mix_early_end(x, t, EARLY_PAIRED, t->disputed ? RESPONSE_CONFLICTING : RESPONSE_PAIRED);
}

static void mix_response(
	struct mix *x, struct transaction *t, const struct said *said, uint64_t now_ns)
{
	x->responses++;
	if (t->known && t->waiting) {
		mix_answered(t, said);
		mix_settle(x, said, RESPONSE_PAIRED);
	} else if (t->known) {
		mix_settle(x, said,
			t->first == said->what ? RESPONSE_DUPLICATE : RESPONSE_CONFLICTING);
	} else if (x->queries * 16 < x->responses) {
		mix_settle(x, said, RESPONSE_UNPAIRED);
		if (said->fate == RESPONSE_PAIRED)
			mix_observe(x, said);
	} else if (t->early) {
		t->disputed |= t->held.what != said->what;
		mix_settle(x, said, RESPONSE_UNPAIRED);
	} else {
		x->want.early_responses++;
		x->want.early_held++;
		t->early = true;
		t->disputed = false;
		t->held = *said;
		t->since_ns = now_ns;
	}
}

/* A response with evidence: one to three addresses out of few, over an alias or not. */
static void mix_evidence(struct rig *r, struct mix *x, uint64_t *rng, struct transaction *t,
	const char *name, unsigned domain)
{
	/* The set of addresses is what it says; TTLs and other records do not matter. */
	unsigned said = 1 + random_below(rng, 7), bits = 0;
	bool alias = random_below(rng, 4) == 0;
	unsigned aside = random_below(rng, 3);
	char address[16];

	if (alias) {
		message_cname(&r->m, name, 60, "edge.cdn.org");
		bits++;
	}
	for (unsigned i = 0; i < 3; i++) {
		if (!(said >> i & 1))
			continue;
		snprintf(address, sizeof(address), "8.0.0.%u", i + 1);
		message_address(&r->m, DNS_ANSWER, alias ? "edge.cdn.org" : name,
			random_below(rng, 600), address);
		bits++;
	}
	for (unsigned i = 0; i < aside; i++)
		message_address(&r->m, DNS_ANSWER, "www.victim.net", 60, "8.8.8.8");
	x->want.declared += bits + aside;
	x->want.record[RECORD_USED] += bits;
	x->want.record[RECORD_OUT_OF_CHAIN] += aside;
	mix_response(x, t, &(struct said){RESPONSE_PAIRED, said, domain, alias},
		r->now_ns + FRAME_GAP_NS);
}

/* Makes frame number n of the mix, and tells the model of it. */
static struct frame mix_frame(
	struct rig *r, struct mix *x, uint64_t *rng, struct packet *p, enum mixed kind)
{
	unsigned id = random_below(rng, 8) + (unsigned)(x->want.received / 40) * 4;
	struct transaction *t = &x->transaction[id];
	unsigned domain = id % 7, vlans = random_below(rng, 3);
	uint64_t now_ns = r->now_ns + FRAME_GAP_NS;
	char name[16];

	if (kind <= MIX_SHORT)
		mix_expire(x, now_ns);
	snprintf(name, sizeof(name), "www.d%u.com", domain);
	message_start(
		&r->m, id, kind == MIX_QUERY ? MESSAGE_QUERY : MESSAGE_RESPONSE, name, DNS_TYPE_A);
	if (kind == MIX_QUERY) {
		mix_query(x, t);
	} else if (kind == MIX_RESPONSE) {
		mix_evidence(r, x, rng, t, name, domain);
	} else if (kind == MIX_NXDOMAIN) {
		message_patch(&r->m, 2, MESSAGE_RESPONSE | 3);
		mix_response(x, t, &(struct said){.fate = RESPONSE_RCODE}, now_ns);
	} else if (kind == MIX_MALFORMED) {
		message_patch(&r->m, 6, 2);
		x->want.declared += 2;
		x->want.record[RECORD_UNPARSED] += 2;
		mix_response(x, t, &(struct said){.fate = RESPONSE_MALFORMED}, now_ns);
	} else if (kind == MIX_SHORT) {
		r->m.len = random_below(rng, 12);
		x->want.not_dns[NOT_DNS_SHORT]++;
	}
	packet_make(p, &flow, &r->m, vlans);
	struct frame f = frame_of(r, p);
	uint8_t *ip = p->octet + 14 + 4 * vlans;
	enum wire_verdict v = WIRE_DNS;
	if (kind == MIX_ARP) {
		ip[-1] = 6;
		v = WIRE_NOT_IP;
	} else if (kind == MIX_OTHER_PORT) {
		ip[20] = ip[22] = 99;
		v = WIRE_OTHER_PORT;
	} else if (kind == MIX_TCP) {
		ip[9] = 6;
		ip[2] = 0;
		ip[3] = 40; /* a segment without data */
		ip[32] = 0x50;
		v = WIRE_TCP_DNS;
		x->want.segment[SEGMENT_EMPTY]++;
	} else if (kind == MIX_FRAGMENT) {
		ip[6] = 0x20;
		ip[2] = 0;
		ip[3] = 20; /* a fragment of nothing */
		v = WIRE_FRAGMENT_V4;
		x->want.fragment[FRAGMENT_INVALID]++;
	} else if (kind == MIX_CUT) {
		f.caplen = 14 + 4 * vlans + random_below(rng, 40);
		v = WIRE_CUT;
	}
	x->want.received++;
	x->want.octets += f.wirelen;
	x->want.rx[v]++;
	x->want.layer[WIRE_LAYER_VLAN] += vlans > 0;
	return f;
}

static void a_random_mix_is_counted_as_the_model_counts(void **state)
{
	static struct mix x;
	static struct packet p[SENSOR_BURST];
	struct rig *r = *state;
	uint64_t rng = 2024;
	/* The bursts are of any size: where they end must not matter. */
	struct frame f[SENSOR_BURST];

	for (unsigned round = 0; round < 400; round++) {
		unsigned n = 1 + random_below(&rng, round % 2 ? 20 : SENSOR_BURST);

		for (unsigned i = 0; i < n; i++) {
			unsigned dice = random_below(&rng, 20);
			enum mixed kind = dice < 7    ? MIX_QUERY
					  : dice < 14 ? MIX_RESPONSE
						      : (enum mixed)(2 + random_below(&rng, 8));
			f[i] = mix_frame(r, &x, &rng, &p[i], kind);
		}
		sensor_burst(r->sensor, f, n);
		assert_int_equal(account_error(&r->shard->account), 0);
		for (size_t w = 0; w < sizeof(x.want) / 8; w++)
			if (((uint64_t *)&x.want)[w] != ((uint64_t *)&r->shard->account)[w])
				fail_msg("round %u, counter %zu: %llu, the model says %llu", round,
					w, (unsigned long long)((uint64_t *)&r->shard->account)[w],
					(unsigned long long)((uint64_t *)&x.want)[w]);
	}
	/* The mix is worth its name: each of these came up. */
	const struct account *a = &x.want;
	for (unsigned i = 0; i < RESPONSE_SPECIAL; i++)
		assert_true(i == RESPONSE_EMPTY || a->response[i] > 20);
	assert_in_range(a->early[EARLY_PAIRED], 20, 1000000);
	assert_in_range(a->early[EARLY_EXPIRED], 20, 1000000);
	assert_true(a->query[QUERY_NEW] > 100 && a->query[QUERY_AGAIN] > 100);
}

int main(void)
{
#define RIG_TEST(f) cmocka_unit_test_setup_teardown(f, rig_start, rig_end)
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(sizes_out_of_range_are_refused),
		RIG_TEST(a_pair_is_observed_once),
		RIG_TEST(a_burst_may_hold_both),
		RIG_TEST(answers_of_one_burst_do_not_mix),
		RIG_TEST(a_pair_may_span_two_shards),
		RIG_TEST(responses_without_evidence_say_why),
		RIG_TEST(a_response_without_evidence_consumes_its_query),
		RIG_TEST(what_is_no_dns_is_counted_apart),
		RIG_TEST(a_truncated_flag_is_noted_and_used),
		RIG_TEST(exact_case_pairs_and_counts_as_one_domain),
		RIG_TEST(special_addresses_are_left_out),
		cmocka_unit_test_setup_teardown(
			dns64_of_the_network_is_unwrapped, rig_start_dns64, rig_end),
		RIG_TEST(an_alias_gives_addresses_to_all_that_only_the_last_owns),
		RIG_TEST(an_alias_within_a_domain_owns),
		RIG_TEST(only_an_address_in_use_makes_an_owner),
		RIG_TEST(chains_that_loop_end),
		RIG_TEST(a_long_chain_is_followed_to_its_eighth_name),
		RIG_TEST(aliases_beyond_the_sixteenth_are_not_followed),
		RIG_TEST(records_beside_the_chain_are_not_evidence),
		RIG_TEST(owners_are_compared_as_names),
		RIG_TEST(other_types_and_classes_are_counted),
		RIG_TEST(hints_of_https_records_are_addresses),
		RIG_TEST(a_faulty_record_leaves_nothing),
		RIG_TEST(more_addresses_than_there_is_room_for_are_capped),
		RIG_TEST(name_servers_are_evidence_for_their_zone_only),
		RIG_TEST(glue_says_nothing_of_the_servers_domain),
		RIG_TEST(name_servers_of_a_race_are_not_taken),
		RIG_TEST(name_servers_behind_an_alias_are_not_taken),
		RIG_TEST(names_behind_the_answer_have_a_budget),
		RIG_TEST(pointers_to_a_long_name_have_a_budget),
		RIG_TEST(name_servers_of_long_lived_addresses_are_not_looked_at),
		RIG_TEST(many_name_servers_are_capped),
		RIG_TEST(a_one_way_tap_gives_weak_evidence),
		RIG_TEST(an_alias_makes_no_evidence_better),
		RIG_TEST(an_unsolicited_response_is_no_evidence),
		RIG_TEST(answers_that_disagree_are_contested),
		RIG_TEST(suffixes_of_several_kinds_are_heeded),
		RIG_TEST(vlans_and_ipv6_are_seen_through),
		RIG_TEST(cut_frames_give_what_they_hold),
		RIG_TEST(stages_stop_where_they_say),
		RIG_TEST(a_random_mix_is_counted_as_the_model_counts),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
