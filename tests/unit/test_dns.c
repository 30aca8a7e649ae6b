/* SPDX-License-Identifier: BSD-3-Clause */

/*
 * The message parser: RFC 9267 is the list of what must not work. Whatever the
 * verdict, every declared record is in one of three counts.
 */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "dns/dns.h"
#include "tests/unit/frames.h"
#include "tests/unit/guard.h"
#include "tests/unit/random.h"

static struct dns_record rec[DNS_RECORDS_MAX];

static enum dns_verdict parse_n(
	const struct message *m, unsigned len, bool cut, struct dns_message *out)
{
	memset(rec, 0xee, sizeof(rec));
	enum dns_verdict v = dns_parse(guarded(m->octet, len), len, cut, rec, out);

	if (v != DNS_SHORT)
		assert_int_equal(out->declared, out->records + out->capped + out->unparsed);
	return v;
}

static enum dns_verdict parse(const struct message *m, struct dns_message *out)
{
	return parse_n(m, m->len, false, out);
}

static void expect(const struct message *m, enum dns_verdict verdict, unsigned records)
{
	struct dns_message out;
	enum dns_verdict got = parse(m, &out);

	if (got != verdict)
		fail_msg("%s, not %s", dns_verdict_name(got), dns_verdict_name(verdict));
	assert_int_equal(out.records, records);
}

/* An answer with a chain, a zone with its server, glue and EDNS: 6 records. */
static struct message sample(void)
{
	struct message m;

	message_start(&m, 0x1234, MESSAGE_RESPONSE, "www.example.com", DNS_TYPE_A);
	message_cname(&m, "www.example.com", 300, "edge.example.net");
	message_address(&m, DNS_ANSWER, "edge.example.net", 60, "198.51.100.1");
	message_address(&m, DNS_ANSWER, "edge.example.net", 60, "2001:db8::1");
	message_ns(&m, "example.net", 3600, "ns1.example.net");
	message_address(&m, DNS_ADDITIONAL, "ns1.example.net", 7200, "192.0.2.1");
	message_record_end(&m, message_record(&m, DNS_ADDITIONAL, "", DNS_TYPE_OPT, 1232, 0x8000));
	return m;
}

/* An answer of one A record that is the question's, to be spoiled. */
static struct message plain(void)
{
	struct message m;

	message_start(&m, 1, MESSAGE_RESPONSE, "a.example", DNS_TYPE_A);
	message_address(&m, DNS_ANSWER, "a.example", 60, "198.51.100.1");
	return m;
}

#define QUESTION_END (12u + 11 + 4)       /* of plain() */
#define RECORD_TYPE_AT (QUESTION_END + 2) /* behind the owner's pointer */
#define RDLENGTH_AT (RECORD_TYPE_AT + 8)

static void a_sound_message_is_read_whole(void **state)
{
	(void)state;
	static const struct {
		uint16_t type;
		uint8_t section;
		uint32_t ttl;
		const char *owner;
	} wanted[] = {
		{DNS_TYPE_CNAME, DNS_ANSWER, 300, "www.example.com"},
		{DNS_TYPE_A, DNS_ANSWER, 60, "edge.example.net"},
		{DNS_TYPE_AAAA, DNS_ANSWER, 60, "edge.example.net"},
		{DNS_TYPE_NS, DNS_AUTHORITY, 3600, "example.net"},
		{DNS_TYPE_A, DNS_ADDITIONAL, 7200, "ns1.example.net"},
		{DNS_TYPE_OPT, DNS_ADDITIONAL, 0x8000, "."},
	};
	struct message m = sample();
	struct dns_message out;
	struct dns_name name;
	char text[DNS_TEXT_MAX];

	assert_int_equal(parse(&m, &out), DNS_OK);
	assert_int_equal(out.id, 0x1234);
	assert_true(dns_is_response(&out) && !dns_truncated(&out));
	assert_int_equal(dns_rcode(&out), 0);
	assert_int_equal(dns_opcode(&out), 0);
	assert_int_equal(out.qtype, DNS_TYPE_A);
	assert_int_equal(out.qclass, DNS_CLASS_IN);
	assert_int_equal(out.qname_wire_len, 17);
	assert_int_equal(out.ancount, 3);
	assert_int_equal(out.declared, 6);
	assert_int_equal(out.records, 6);
	dns_name_question(m.octet, &out, &name);
	dns_name_text(name.wire, name.len, text, sizeof(text));
	assert_string_equal(text, "www.example.com");
	for (unsigned i = 0; i < 6; i++) {
		assert_int_equal(rec[i].type, wanted[i].type);
		assert_int_equal(rec[i].section, wanted[i].section);
		assert_int_equal(rec[i].ttl, wanted[i].ttl);
		assert_int_equal(rec[i].owner_is_qname, i == 0);
		assert_int_not_equal(dns_name_decode(m.octet, m.len, rec[i].owner, &name), 0);
		dns_name_text(name.wire, name.len, text, sizeof(text));
		assert_string_equal(text, wanted[i].owner);
	}
	assert_memory_equal(m.octet + rec[1].rdata, "\xc6\x33\x64\1", 4);
	assert_int_equal(rec[5].class, 1232);
}

/* Of a query the question only. */
static void a_query_gives_its_question(void **state)
{
	(void)state;
	struct message m = sample();
	struct dns_message out;

	m.octet[2] &= 0x7f;
	assert_int_equal(parse(&m, &out), DNS_OK);
	assert_int_equal(out.qname_wire_len, 17);
	assert_int_equal(out.records, 0);
	assert_int_equal(out.unparsed, 6);
}

/* Under a snap length what is there is read, and nobody is called a liar. */
static void a_cut_loses_records_and_makes_none(void **state)
{
	(void)state;
	struct message m = sample();
	struct dns_record whole[6];
	struct dns_message out;

	assert_int_equal(parse(&m, &out), DNS_OK);
	memcpy(whole, rec, sizeof(whole));
	for (unsigned len = 0; len < m.len; len++) {
		enum dns_verdict v = parse_n(&m, len, true, &out);

		assert_int_equal(v, len < 12 ? DNS_SHORT : DNS_CUT);
		if (v == DNS_SHORT)
			continue;
		unsigned fit = 0;
		while (fit < 6 && whole[fit].rdata + whole[fit].rdlen <= len)
			fit++;
		/* Not before the question is whole. */
		fit = len < 12 + 17 + 4 ? 0 : fit;
		assert_int_equal(out.records, fit);
		assert_memory_equal(rec, whole, fit * sizeof(rec[0]));
	}
	assert_int_equal(parse_n(&m, m.len, true, &out), DNS_OK);
}

static void a_short_message_is_malformed(void **state)
{
	(void)state;
	struct message m = sample();
	struct dns_message out;

	for (unsigned len = 0; len < m.len; len++) {
		enum dns_verdict v = parse_n(&m, len, false, &out);

		if (len < 12)
			assert_int_equal(v, DNS_SHORT);
		else if (len < 12 + 17 + 4)
			assert_int_equal(v, DNS_QUESTION);
		else
			assert_int_equal(v, DNS_RECORD_SHORT);
	}
}

static void questions_other_than_one_are_refused(void **state)
{
	(void)state;
	struct message m;
	struct dns_message out;

	message_header(&m, 1, MESSAGE_RESPONSE);
	expect(&m, DNS_QDCOUNT, 0);
	message_address(&m, DNS_ANSWER, "a.example", 60, "198.51.100.1");
	message_address(&m, DNS_ANSWER, "a.example", 60, "198.51.100.2");
	expect(&m, DNS_QDCOUNT, 2);
	/* Here 0xC00C is the owner before, and no question name. */
	assert_int_equal(rec[1].owner_is_qname, 0);

	message_start(&m, 1, MESSAGE_RESPONSE, "a.example", DNS_TYPE_A);
	message_question(&m, "b.other", DNS_TYPE_AAAA, DNS_CLASS_IN);
	message_address(&m, DNS_ANSWER, "a.example", 60, "198.51.100.1");
	assert_int_equal(parse(&m, &out), DNS_QDCOUNT);
	assert_int_equal(out.records, 1);
	assert_int_equal(out.qtype, DNS_TYPE_A); /* the first one's */
	/* A cut behind the questions hides none of them. */
	assert_int_equal(parse_n(&m, m.len - 1, true, &out), DNS_QDCOUNT);

	/* Without a question a pointer to octet 12 may be one to itself. */
	message_header(&m, 1, MESSAGE_RESPONSE);
	message_patch(&m, 6, 1);
	message_u16(&m, 0xc00c);
	message_u32(&m, DNS_TYPE_A << 16 | DNS_CLASS_IN);
	message_u32(&m, 60);
	message_u16(&m, 4);
	message_u32(&m, 0xc6336401);
	expect(&m, DNS_RECORD_NAME, 0);
}

static void question_names_hold_no_pointer(void **state)
{
	(void)state;
	struct message m = plain();

	m.octet[12] = 0xc0;
	m.octet[13] = 12;
	expect(&m, DNS_QUESTION, 0);
	m = plain();
	m.octet[12] = 0x40;
	expect(&m, DNS_QUESTION, 0);
}

/* Four labels, in all 192 + last + 2 octets: 255 for a last one of 61. */
static void put_long_name(struct message *m, unsigned last)
{
	for (unsigned i = 0; i < 4; i++) {
		m->octet[m->len] = (uint8_t)(i < 3 ? 63 : last);
		memset(m->octet + m->len + 1, 'x', 63);
		m->len += m->octet[m->len] + 1u;
	}
	m->octet[m->len++] = 0;
}

/* The rest of an A record behind its owner. */
static void put_address(struct message *m)
{
	message_u32(m, DNS_TYPE_A << 16 | DNS_CLASS_IN);
	message_u32(m, 60);
	message_u16(m, 4);
	message_u32(m, 0xc6336401);
}

static void owner_names_are_bounded(void **state)
{
	(void)state;
	for (unsigned last = 59; last <= 63; last++) {
		struct message m;

		message_start(&m, 1, MESSAGE_RESPONSE, "a.example", DNS_TYPE_A);
		message_patch(&m, 6, 2);
		unsigned at = m.len;
		put_long_name(&m, last);
		put_address(&m);
		/* A label in front of the same name. */
		message_u16(&m, 0x0161);
		message_u16(&m, 0xc000 | at);
		put_address(&m);
		if (last > 61)
			expect(&m, DNS_RECORD_NAME, 0);
		else if (last > 59)
			expect(&m, DNS_RECORD_NAME, 1);
		else
			expect(&m, DNS_OK, 2);
	}
}

/* A pointer to what looks like a long label: the cut took its end, not the sender. */
static void a_cut_may_hide_where_a_pointer_leads(void **state)
{
	(void)state;
	struct message m;
	struct dns_message out;

	message_start(&m, 1, MESSAGE_RESPONSE, "a.example", DNS_TYPE_A);
	message_patch(&m, 6, 2);
	message_u16(&m, 0xc00c);
	message_u32(&m, 16u << 16 | DNS_CLASS_IN);
	message_u32(&m, 60);
	message_u16(&m, 1);
	unsigned label = m.len;
	m.octet[m.len++] = 40; /* over the next record, into the dark */
	message_u16(&m, 0xc000 | label);
	put_address(&m);
	assert_int_equal(parse_n(&m, m.len, true, &out), DNS_CUT);
	assert_int_equal(parse_n(&m, m.len, false, &out), DNS_RECORD_SHORT);
	assert_int_equal(out.records, 1);
}

/* The same bounds for the question's name as for others. */
static void question_names_are_bounded(void **state)
{
	(void)state;
	for (unsigned labels = 126; labels <= 129; labels++) {
		struct message m;

		message_header(&m, 1, MESSAGE_RESPONSE);
		message_patch(&m, 4, 1);
		for (unsigned i = 0; i < labels; i++)
			message_u16(&m, 0x0161);
		m.octet[m.len++] = 0;
		message_u32(&m, DNS_TYPE_A << 16 | DNS_CLASS_IN);
		expect(&m, labels <= 127 ? DNS_OK : DNS_QUESTION, 0);
	}
	for (unsigned last = 60; last <= 63; last++) {
		struct message m;

		message_header(&m, 1, MESSAGE_RESPONSE);
		message_patch(&m, 4, 1);
		put_long_name(&m, last);
		message_u32(&m, DNS_TYPE_A << 16 | DNS_CLASS_IN);
		expect(&m, last <= 61 ? DNS_OK : DNS_QUESTION, 0);
	}
}

static void owners_that_lie_are_refused(void **state)
{
	(void)state;
	static const struct {
		unsigned pointer;
		enum dns_verdict verdict;
	} cases[] = {
		{0xc00c, DNS_OK},                               /* the question */
		{0xc00e, DNS_OK},                               /* its last label */
		{0xc000 | QUESTION_END, DNS_RECORD_NAME},       /* itself */
		{0xc000 | (QUESTION_END + 2), DNS_RECORD_NAME}, /* forwards */
		{0xc00b, DNS_RECORD_NAME},                      /* the header */
		{0xc000, DNS_RECORD_NAME},
		{0xffff, DNS_RECORD_NAME},
		{0x4041, DNS_RECORD_NAME}, /* reserved label types */
		{0x8041, DNS_RECORD_NAME},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct message m = plain();

		message_patch(&m, QUESTION_END, cases[i].pointer);
		expect(&m, cases[i].verdict, cases[i].verdict == DNS_OK);
	}
}

static void rdata_lies_inside_the_message(void **state)
{
	(void)state;
	struct message m = plain();

	message_patch(&m, RDLENGTH_AT, 5);
	expect(&m, DNS_RECORD_SHORT, 0);
	message_patch(&m, RDLENGTH_AT, 0xffff);
	expect(&m, DNS_RECORD_SHORT, 0);
	message_patch(&m, RDLENGTH_AT, 3);
	expect(&m, DNS_RECORD_RDATA, 0);
	message_patch(&m, RDLENGTH_AT, 0);
	expect(&m, DNS_RECORD_RDATA, 0);
	/* In another class an A record is something else. */
	message_patch(&m, RECORD_TYPE_AT + 2, 3);
	expect(&m, DNS_OK, 1);
	/* What follows the last record is nobody's. */
	m = plain();
	m.len += 7;
	expect(&m, DNS_OK, 1);
	/* Four octets are no IPv6 address. */
	message_patch(&m, RECORD_TYPE_AT, DNS_TYPE_AAAA);
	expect(&m, DNS_RECORD_RDATA, 0);
	/* Any type may be empty but those of fixed length. */
	message_patch(&m, RECORD_TYPE_AT, 16);
	message_patch(&m, RDLENGTH_AT, 0);
	expect(&m, DNS_OK, 1);
}

static void counts_that_lie_are_seen(void **state)
{
	(void)state;
	for (unsigned section = 0; section < DNS_SECTION_COUNT; section++) {
		struct message m = plain();
		struct dns_message out;

		message_patch(&m, 6 + 2 * section, 0xffff);
		assert_int_equal(parse(&m, &out), DNS_RECORD_SHORT);
		assert_int_equal(out.records, 1);
		assert_int_equal(rec[0].section, DNS_ANSWER);
	}
	/* Three times as many as a count can hold. */
	struct message m = plain();
	struct dns_message out;
	memset(m.octet + 6, 0xff, 6);
	assert_int_equal(parse(&m, &out), DNS_RECORD_SHORT);
	assert_int_equal(out.declared, UINT16_MAX);
	memset(m.octet + 4, 0xff, 2);
	assert_int_equal(parse(&m, &out), DNS_QUESTION);
	assert_int_equal(out.unparsed, UINT16_MAX);
}

static void records_are_capped(void **state)
{
	(void)state;
	for (unsigned n = 126; n <= 131; n++) {
		struct message m;
		struct dns_message out;

		message_start(&m, 1, MESSAGE_RESPONSE, "a.example", DNS_TYPE_A);
		for (unsigned i = 0; i < n; i++)
			message_address(&m, i < 100 ? DNS_ANSWER : DNS_ADDITIONAL, "a.example", 60,
				"198.51.100.1");
		assert_int_equal(parse(&m, &out), DNS_OK);
		assert_int_equal(out.records, n < DNS_RECORDS_MAX ? n : DNS_RECORDS_MAX);
		assert_int_equal(out.capped, n < DNS_RECORDS_MAX ? 0 : n - DNS_RECORDS_MAX);
		assert_int_equal(out.unparsed, 0);
	}
}

/* Each record names the longest name there is, for two octets of its own (CVE-2024-55628). */
static void names_have_a_budget(void **state)
{
	(void)state;
	struct message m;
	struct dns_message out;

	message_start(&m, 1, MESSAGE_RESPONSE, "a.example", DNS_TYPE_A);
	message_patch(&m, 6, 100);
	unsigned at = m.len;
	for (unsigned i = 0; i < 100; i++) {
		if (i == 0) {
			for (unsigned label = 0; label < 3; label++) {
				m.octet[m.len++] = 63;
				memset(m.octet + m.len, 'x', 63);
				m.len += 63;
			}
			m.octet[m.len++] = 0;
		} else {
			message_u16(&m, 0xc000 | at);
		}
		put_address(&m);
	}
	assert_int_equal(parse(&m, &out), DNS_BUDGET);
	assert_int_equal(out.records, DNS_NAME_BUDGET / 193);
	/* The question's own name is free: it is not decoded again. */
	message_start(&m, 1, MESSAGE_RESPONSE, "a.example", DNS_TYPE_A);
	for (unsigned i = 0; i < DNS_RECORDS_MAX; i++)
		message_address(&m, DNS_ANSWER, "a.example", 60, "198.51.100.1");
	assert_int_equal(parse(&m, &out), DNS_OK);
}

/* A chain of pointers, each to the one before, in an RDATA: no octet, many steps. */
static void hops_are_bounded_as_in_names(void **state)
{
	(void)state;
	for (unsigned hops = 1; hops < 2 * DNS_HOPS_MAX; hops++) {
		struct message m;

		message_start(&m, 1, MESSAGE_RESPONSE, "a.example", 16);
		unsigned rdata = message_record(&m, DNS_ANSWER, "a.example", 16, DNS_CLASS_IN, 60);
		message_u16(&m, 0xc00c);
		for (unsigned i = 2; i < hops; i++)
			message_u16(&m, 0xc000 | (m.len - 2));
		message_record_end(&m, rdata);
		message_patch(&m, 6, 2);
		message_u16(&m, 0xc000 | (hops == 1 ? 12 : m.len - 2));
		put_address(&m);
		if (hops <= DNS_HOPS_MAX)
			expect(&m, DNS_OK, 2);
		else
			expect(&m, DNS_RECORD_NAME, 1);
	}
}

static void the_top_bit_of_a_ttl_means_none(void **state)
{
	(void)state;
	static const uint32_t ttls[][2] = {{0, 0}, {1, 1}, {0x7fffffff, 0x7fffffff},
		{0x80000000, 0}, {0x80000001, 0}, {0xffffffff, 0}};

	for (unsigned i = 0; i < 6; i++) {
		struct message m;

		message_start(&m, 1, MESSAGE_RESPONSE, "a.example", DNS_TYPE_A);
		message_address(&m, DNS_ANSWER, "a.example", ttls[i][0], "198.51.100.1");
		expect(&m, DNS_OK, 1);
		assert_int_equal(rec[0].ttl, ttls[i][1]);
	}
}

static void reserved_opcodes_are_no_dns(void **state)
{
	(void)state;
	for (unsigned opcode = 0; opcode < 16; opcode++) {
		struct message m = plain();
		bool reserved = opcode == 3 || opcode > 6;

		m.octet[2] = (uint8_t)(0x80 | opcode << 3);
		/* It can be looked at all the same. */
		expect(&m, reserved ? DNS_OPCODE : DNS_OK, 1);
		m.octet[2] &= 0x7f;
		expect(&m, reserved ? DNS_OPCODE : DNS_OK, 0);
	}
}

/* Noise with a header in front: any verdict, but nothing read beyond, nothing lost count of. */
static void noise_is_accounted_for(void **state)
{
	(void)state;
	uint64_t seed = 42;
	struct dns_message out;

	for (unsigned round = 0; round < 50000; round++) {
		struct message m = sample();
		unsigned len = random_below(&seed, m.len + 1);

		for (unsigned i = random_below(&seed, 6); i; i--)
			m.octet[random_below(&seed, m.len)] = (uint8_t)random_u64(&seed);
		enum dns_verdict v = parse_n(&m, len, round & 1, &out);
		if (!(round & 1))
			assert_int_not_equal(v, DNS_CUT);
		if (v == DNS_SHORT)
			continue;
		for (unsigned i = 0; i < out.records; i++) {
			struct dns_name name;

			assert_true(rec[i].rdata + rec[i].rdlen <= (int)len);
			assert_int_not_equal(
				dns_name_decode(guarded(m.octet, len), len, rec[i].owner, &name),
				0);
		}
	}
}

static void verdicts_have_names(void **state)
{
	(void)state;
	for (unsigned v = 0; v < DNS_VERDICT_COUNT; v++) {
		assert_non_null(dns_verdict_name(v));
		for (unsigned w = 0; w < v; w++)
			assert_string_not_equal(dns_verdict_name(v), dns_verdict_name(w));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_sound_message_is_read_whole),
		cmocka_unit_test(a_query_gives_its_question),
		cmocka_unit_test(a_cut_loses_records_and_makes_none),
		cmocka_unit_test(a_short_message_is_malformed),
		cmocka_unit_test(questions_other_than_one_are_refused),
		cmocka_unit_test(question_names_hold_no_pointer),
		cmocka_unit_test(question_names_are_bounded),
		cmocka_unit_test(owner_names_are_bounded),
		cmocka_unit_test(a_cut_may_hide_where_a_pointer_leads),
		cmocka_unit_test(owners_that_lie_are_refused),
		cmocka_unit_test(rdata_lies_inside_the_message),
		cmocka_unit_test(counts_that_lie_are_seen),
		cmocka_unit_test(records_are_capped),
		cmocka_unit_test(names_have_a_budget),
		cmocka_unit_test(hops_are_bounded_as_in_names),
		cmocka_unit_test(the_top_bit_of_a_ttl_means_none),
		cmocka_unit_test(reserved_opcodes_are_no_dns),
		cmocka_unit_test(noise_is_accounted_for),
		cmocka_unit_test(verdicts_have_names),
	};

	return cmocka_run_group_tests_name("dns", tests, NULL, NULL);
}
