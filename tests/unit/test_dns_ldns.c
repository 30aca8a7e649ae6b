/* SPDX-License-Identifier: BSD-3-Clause */

/*
 * The parser against ldns, which was written by others: messages that ldns builds and
 * compresses are read alike by both, and so is what is left of them after some octets
 * changed, as long as both take it for a message.
 */

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h> /* before ldns, which would make its own bool */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <ldns/ldns.h>

#include "dns/dns.h"
#include "tests/unit/guard.h"
#include "tests/unit/random.h"

#define ROUNDS 1500u
#define CHANGES 20u

static uint64_t seed = 7;

/* A name of a few labels out of few, so that there is something to compress; any octets. */
static ldns_rdf *random_name(void)
{
	uint8_t wire[DNS_NAME_MAX];
	unsigned labels = random_below(&seed, 6), at = 0;

	for (unsigned i = 0; i < labels; i++) {
		bool strange = random_below(&seed, 8) == 0;
		unsigned n = 1 + random_below(&seed, strange ? 40 : 2);

		wire[at++] = (uint8_t)n;
		for (unsigned k = 0; k < n; k++)
			wire[at++] = strange ? (uint8_t)random_u64(&seed)
					     : (uint8_t)("abXY"[random_below(&seed, 4)]);
	}
	wire[at++] = 0;
	return ldns_rdf_new_frm_data(LDNS_RDF_TYPE_DNAME, at, wire);
}

static ldns_rdf *random_data(ldns_rdf_type type, unsigned n)
{
	uint8_t data[256];

	for (unsigned i = 0; i < n; i++)
		data[i] = (uint8_t)random_u64(&seed);
	return ldns_rdf_new_frm_data(type, n, data);
}

static ldns_rdf *random_string(void)
{
	uint8_t data[256];
	unsigned n = random_below(&seed, 50);

	data[0] = (uint8_t)n;
	for (unsigned i = 1; i <= n; i++)
		data[i] = (uint8_t)random_u64(&seed);
	return ldns_rdf_new_frm_data(LDNS_RDF_TYPE_STR, n + 1, data);
}

static ldns_rr *random_rr(void)
{
	static const ldns_rr_type types[] = {LDNS_RR_TYPE_A, LDNS_RR_TYPE_AAAA, LDNS_RR_TYPE_CNAME,
		LDNS_RR_TYPE_NS, LDNS_RR_TYPE_TXT, LDNS_RR_TYPE_MX, LDNS_RR_TYPE_SOA};
	ldns_rr_type type = types[random_below(&seed, 7)];
	ldns_rr *rr = ldns_rr_new();

	ldns_rr_set_owner(rr, random_name());
	ldns_rr_set_type(rr, type);
	ldns_rr_set_class(rr, random_below(&seed, 20) ? LDNS_RR_CLASS_IN : LDNS_RR_CLASS_CH);
	ldns_rr_set_ttl(rr, (uint32_t)random_u64(&seed));
	switch (type) {
	case LDNS_RR_TYPE_A:
		ldns_rr_push_rdf(rr, random_data(LDNS_RDF_TYPE_A, 4));
		break;
	case LDNS_RR_TYPE_AAAA:
		ldns_rr_push_rdf(rr, random_data(LDNS_RDF_TYPE_AAAA, 16));
		break;
	case LDNS_RR_TYPE_TXT:
		ldns_rr_push_rdf(rr, random_string());
		break;
	case LDNS_RR_TYPE_MX:
		ldns_rr_push_rdf(rr, random_data(LDNS_RDF_TYPE_INT16, 2));
		ldns_rr_push_rdf(rr, random_name());
		break;
	case LDNS_RR_TYPE_SOA:
		ldns_rr_push_rdf(rr, random_name());
		ldns_rr_push_rdf(rr, random_name());
		for (unsigned i = 0; i < 5; i++)
			ldns_rr_push_rdf(
				rr, random_data(i ? LDNS_RDF_TYPE_PERIOD : LDNS_RDF_TYPE_INT32, 4));
		break;
	default:
		ldns_rr_push_rdf(rr, random_name());
	}
	return rr;
}

static ldns_pkt *random_response(void)
{
	ldns_pkt *pkt = ldns_pkt_new();
	ldns_rr *question = ldns_rr_new();

	ldns_rr_set_question(question, true);
	ldns_rr_set_owner(question, random_name());
	ldns_rr_set_type(question, LDNS_RR_TYPE_A);
	ldns_rr_set_class(question, LDNS_RR_CLASS_IN);
	ldns_pkt_push_rr(pkt, LDNS_SECTION_QUESTION, question);
	ldns_pkt_set_id(pkt, (uint16_t)random_u64(&seed));
	ldns_pkt_set_qr(pkt, true);
	ldns_pkt_set_tc(pkt, random_below(&seed, 2));
	ldns_pkt_set_rcode(pkt, (uint8_t)random_below(&seed, 6));
	for (unsigned i = random_below(&seed, 30); i; i--)
		ldns_pkt_push_rr(pkt, LDNS_SECTION_ANSWER + random_below(&seed, 3), random_rr());
	return pkt;
}

static void assert_same_name(const struct dns_name *name, const ldns_rdf *theirs)
{
	ldns_rdf *lower = ldns_rdf_clone(theirs);

	ldns_dname2canonical(lower);
	assert_int_equal(name->len, ldns_rdf_size(lower));
	assert_memory_equal(name->wire, ldns_rdf_data(lower), name->len);
	ldns_rdf_deep_free(lower);
}

static void assert_same_record(
	const uint8_t *msg, uint32_t len, const struct dns_record *r, const ldns_rr *theirs)
{
	struct dns_name name;
	uint32_t ttl = ldns_rr_ttl(theirs);

	assert_int_equal(r->type, ldns_rr_get_type(theirs));
	assert_int_equal(r->class, ldns_rr_get_class(theirs));
	assert_int_equal(r->ttl, ttl >> 31 ? 0 : ttl);
	assert_int_not_equal(dns_name_decode(msg, len, r->owner, &name), 0);
	assert_same_name(&name, ldns_rr_owner(theirs));

	switch (r->type) {
	case DNS_TYPE_A:
	case DNS_TYPE_AAAA:
		assert_int_equal(r->rdlen, ldns_rdf_size(ldns_rr_rdf(theirs, 0)));
		assert_memory_equal(
			msg + r->rdata, ldns_rdf_data(ldns_rr_rdf(theirs, 0)), r->rdlen);
		break;
	case DNS_TYPE_CNAME:
	case DNS_TYPE_NS:
		assert_int_equal(dns_name_decode(msg, len, r->rdata, &name), r->rdlen);
		assert_same_name(&name, ldns_rr_rdf(theirs, 0));
		break;
	default:
		break;
	}
}

static const ldns_rr_list *section_of(const ldns_pkt *pkt, unsigned section)
{
	switch (section) {
	case DNS_ANSWER:
		return ldns_pkt_answer(pkt);
	case DNS_AUTHORITY:
		return ldns_pkt_authority(pkt);
	default:
		return ldns_pkt_additional(pkt);
	}
}

static void assert_same_message(const uint8_t *msg, uint32_t len, const struct dns_message *m,
	const struct dns_record *rec, const ldns_pkt *pkt)
{
	const ldns_rr *question = ldns_rr_list_rr(ldns_pkt_question(pkt), 0);
	struct dns_name qname;
	unsigned at = 0;

	assert_int_equal(m->id, ldns_pkt_id(pkt));
	assert_int_equal(dns_truncated(m), ldns_pkt_tc(pkt));
	assert_int_equal(dns_rcode(m), ldns_pkt_get_rcode(pkt));
	assert_int_equal(dns_opcode(m), ldns_pkt_get_opcode(pkt));
	assert_int_equal(m->qtype, ldns_rr_get_type(question));
	assert_int_equal(m->qclass, ldns_rr_get_class(question));
	dns_name_question(msg, m, &qname);
	assert_same_name(&qname, ldns_rr_owner(question));
	for (unsigned section = 0; section < DNS_SECTION_COUNT; section++) {
		const ldns_rr_list *list = section_of(pkt, section);
		for (size_t i = 0; i < ldns_rr_list_rr_count(list); i++, at++) {
			assert_true(at < m->records);
			assert_int_equal(rec[at].section, section);
			assert_same_record(msg, len, &rec[at], ldns_rr_list_rr(list, i));
		}
	}
	assert_int_equal(at, m->records);
}

static void what_ldns_writes_is_read_alike(void **state)
{
	(void)state;
	static struct dns_record rec[DNS_RECORDS_MAX];
	unsigned records = 0;

	for (unsigned round = 0; round < ROUNDS; round++) {
		ldns_pkt *pkt = random_response();
		struct dns_message m;
		uint8_t *wire;
		size_t size;

		assert_int_equal(ldns_pkt2wire(&wire, pkt, &size), LDNS_STATUS_OK);
		const uint8_t *msg = guarded(wire, size);
		assert_int_equal(dns_parse(msg, (uint32_t)size, false, rec, &m), DNS_OK);
		assert_same_message(msg, (uint32_t)size, &m, rec, pkt);
		records += m.records;
		free(wire);
		ldns_pkt_free(pkt);
	}
	assert_true(records > ROUNDS * 10);
}

/* Does a record of a type made here fill its RDATA as it should? */
static bool fills(const uint8_t *msg, uint32_t len, const struct dns_record *r)
{
	struct dns_name name;
	uint32_t at = r->rdata, end = at + r->rdlen, names = 1;

	switch (r->type) {
	case DNS_TYPE_A:
		return r->rdlen == 4;
	case DNS_TYPE_AAAA:
		return r->rdlen == 16;
	case LDNS_RR_TYPE_TXT:
		return true;
	case LDNS_RR_TYPE_MX:
		at += 2;
		break;
	case DNS_TYPE_SOA:
		end -= 20;
		names = 2;
		break;
	case DNS_TYPE_CNAME:
	case DNS_TYPE_NS:
		break;
	default:
		return false;
	}
	while (names--)
		at += dns_name_decode(msg, len, at, &name);
	return at == end;
}

/*
 * ldns goes on behind the last field of an RDATA and not where RDLENGTH says; where the
 * two differ there is nothing to compare.
 */
static bool comparable(
	const uint8_t *msg, uint32_t len, const struct dns_message *m, const struct dns_record *rec)
{
	for (unsigned i = 0; i < m->records; i++)
		if (!fills(msg, len, &rec[i]))
			return false;
	return m->qdcount == 1 && dns_is_response(m) && m->capped == 0;
}

static void what_both_read_they_read_alike(void **state)
{
	(void)state;
	static struct dns_record rec[DNS_RECORDS_MAX];
	unsigned both = 0, ours = 0, theirs = 0;

	for (unsigned round = 0; round < ROUNDS; round++) {
		ldns_pkt *pkt = random_response();
		uint8_t *wire;
		size_t size;

		assert_int_equal(ldns_pkt2wire(&wire, pkt, &size), LDNS_STATUS_OK);
		ldns_pkt_free(pkt);
		for (unsigned i = 0; i < CHANGES; i++) {
			uint32_t at = random_below(&seed, (uint32_t)size);
			uint8_t was = wire[at];
			struct dns_message m;

			wire[at] = (uint8_t)random_u64(&seed);
			const uint8_t *msg = guarded(wire, size);
			bool sound = dns_parse(msg, (uint32_t)size, false, rec, &m) == DNS_OK;
			bool known = ldns_wire2pkt(&pkt, wire, size) == LDNS_STATUS_OK;
			wire[at] = was;
			if (sound && known && comparable(msg, (uint32_t)size, &m, rec)) {
				assert_same_message(msg, (uint32_t)size, &m, rec, pkt);
				both++;
			}
			ours += sound;
			theirs += known;
			if (known)
				ldns_pkt_free(pkt);
		}
		free(wire);
	}
	print_message("# %u changed messages: %u sound to us, %u to ldns, %u compared\n",
		ROUNDS * CHANGES, ours, theirs, both);
	assert_true(both > ROUNDS * CHANGES / 4);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_ldns_writes_is_read_alike),
		cmocka_unit_test(what_both_read_they_read_alike),
	};

	return cmocka_run_group_tests_name("dns_ldns", tests, NULL, NULL);
}
