/* SPDX-License-Identifier: BSD-3-Clause */

/*
 * The input is one DNS message. Every promise of dns.h is held against it; the
 * presentation of its records, which a person looks at, is made as well.
 */

#include "base/bits.h"
#include "cli/rdata.h"
#include "dns/dns.h"
#include "fuzz.h"

/* The wire form is well-formed, lower-case, and comes back from its text. */
static void check_name(const struct dns_name *name)
{
	char text[DNS_TEXT_MAX];
	struct dns_name back;
	unsigned at = 0, label = 0;

	require(name->len >= 1 && name->labels <= DNS_LABELS_MAX);
	for (; name->wire[at]; label++) {
		require(label < name->labels && name->label[label] == at);
		require(name->wire[at] <= 63);
		at += name->wire[at] + 1u;
		require(at < name->len);
	}
	require(label == name->labels && name->label[label] == at && at + 1u == name->len);

	size_t n = dns_name_text(name->wire, name->len, text, sizeof(text));
	require(n == strlen(text) && n + 1 < sizeof(text));
	require(dns_name_parse(text, &back) == 0);
	require(back.len == name->len && memcmp(back.wire, name->wire, name->len) == 0);
	require(memcmp(back.label, name->label, name->labels + 1u) == 0);
}

static void count_hint(void *ctx, const uint8_t *addr, unsigned len)
{
	unsigned *octets = ctx;

	require(len == 4 || len == 16);
	for (unsigned i = 0; i < len; i++)
		*octets += addr[i] ? 1u : 0u;
}

static void check_hints(const uint8_t *msg, const struct dns_record *r)
{
	uint8_t *rdata = exact_copy(msg + r->rdata, r->rdlen);
	unsigned octets = 0;

	dns_svcb_hints(rdata, r->rdlen, count_hint, &octets);
	require(octets <= r->rdlen);
	free(rdata);
}

static void check_record(const uint8_t *msg, uint32_t len, const struct dns_record *r)
{
	struct dns_name name;

	require((uint32_t)r->rdata + r->rdlen <= len && r->owner < r->rdata);
	require(r->ttl <= INT32_MAX);
	/* What the parser has let pass can be decoded. */
	unsigned taken = dns_name_decode(msg, len, r->owner, &name);
	require(taken != 0 && r->owner + taken + 10u == r->rdata);
	check_name(&name);
	if (r->class == DNS_CLASS_IN && r->type == DNS_TYPE_A)
		require(r->rdlen == 4);
	if (r->class == DNS_CLASS_IN && r->type == DNS_TYPE_AAAA)
		require(r->rdlen == 16);
	check_hints(msg, r);

	char *text = rdata_text(msg, r);
	require(text);
	for (const char *p = text; *p; p++)
		require(*p >= ' ' && *p <= '~');
	free(text);
}

static void check_question(const uint8_t *msg, uint32_t len, const struct dns_message *m)
{
	struct dns_name name, same;

	if (m->qname_wire_len == 0)
		return;
	require(m->qdcount > 0);
	require(dns_name_decode(msg, len, DNS_HEADER_LEN, &name) == m->qname_wire_len);
	dns_name_question(msg, m, &same);
	require(name.len == same.len && name.labels == same.labels);
	require(memcmp(name.wire, same.wire, name.len) == 0);
	check_name(&name);
}

static enum dns_verdict check_parse(const uint8_t *msg, uint32_t len, bool cut,
	struct dns_record rec[DNS_RECORDS_MAX], struct dns_message *m)
{
	enum dns_verdict v = dns_parse(msg, len, cut, rec, m);

	require(v < DNS_VERDICT_COUNT && dns_verdict_name(v));
	require((v == DNS_SHORT) == (len < DNS_HEADER_LEN));
	if (v == DNS_SHORT)
		return v;
	require(cut || v != DNS_CUT);
	require(m->records <= DNS_RECORDS_MAX);
	require(m->declared == (unsigned)m->records + m->capped + m->unparsed);
	if (v == DNS_OK && dns_is_response(m))
		require(m->unparsed == 0 && m->qdcount == 1);
	check_question(msg, len, m);
	for (unsigned i = 0; i < m->records; i++) {
		check_record(msg, len < UINT16_MAX ? len : UINT16_MAX, &rec[i]);
		require(i == 0 || rec[i].section >= rec[i - 1].section);
		require(i == 0 || rec[i].owner == rec[i - 1].rdata + rec[i - 1].rdlen);
	}
	return v;
}

/* A capture that ends early loses records, it makes none and calls nobody a liar. */
static void check_prefix(const uint8_t *data, uint32_t len, enum dns_verdict whole,
	const struct dns_message *m, const struct dns_record *rec)
{
	static struct dns_record less[DNS_RECORDS_MAX];
	struct dns_message part;
	uint8_t *copy = exact_copy(data, len);
	enum dns_verdict v = check_parse(copy, len, true, less, &part);

	free(copy);
	if (v == DNS_SHORT)
		return;
	if (whole == DNS_OK)
		require(v == DNS_OK || v == DNS_CUT);
	require(part.records <= m->records);
	for (unsigned i = 0; i < part.records; i++)
		require(less[i].owner == rec[i].owner && less[i].rdata == rec[i].rdata);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct dns_record rec[DNS_RECORDS_MAX];
	struct dns_message m;
	struct dns_name name;

	if (size > UINT16_MAX)
		return 0;
	uint32_t len = (uint32_t)size;
	uint8_t *msg = exact_copy(data, size);
	enum dns_verdict v = check_parse(msg, len, false, rec, &m);

	for (uint32_t at = 0; at < len && at < 512; at++)
		if (dns_name_decode(msg, len, at, &name))
			check_name(&name);
	if (v != DNS_SHORT) {
		check_prefix(data, len, v, &m, rec);
		check_prefix(data, len - 1, v, &m, rec);
		check_prefix(data, len / 2, v, &m, rec);
	}
	free(msg);
	return 0;
}
