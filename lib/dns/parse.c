/* SPDX-License-Identifier: BSD-3-Clause */

#include "base/bits.h"
#include "dns/dns.h"

#define POINTER 0xc0u
#define OWNER_QNAME 0xc00cu /* pointer to octet 12, where the question name stands */
#define OWNER_NONE 0x10000u /* what no two octets are */

/*
 * Octets that the name at `at` takes there, every pointer followed and checked;
 * 0: malformed; *short_ is set when it runs off the end. `budget` is the octets
 * that names of this message may still decode to.
 */
static unsigned name_check(const uint8_t *msg, uint32_t len, uint32_t at, int *budget, bool *short_)
{
	uint32_t pos = at, floor = at;
	unsigned taken = 0, octets = 0, labels = 0, hops = 0;

	for (;;) {
		if (unlikely(pos >= len)) {
			*short_ = true;
			return 0;
		}
		unsigned c = msg[pos];
		if (c == 0)
			break;
		if (c >= POINTER) {
			if (unlikely(pos + 1 >= len)) {
				*short_ = true;
				return 0;
			}
			uint32_t target = load_be16(msg + pos) & 0x3fffu;
			if (taken == 0)
				taken = pos + 2 - at;
			/* Strictly backwards, each time further: no loop can form. */
			if (unlikely(target < DNS_HEADER_LEN || target >= floor ||
				     ++hops > DNS_HOPS_MAX))
				return 0;
			floor = target;
			pos = target;
			continue;
		}
		octets += c + 1;
		if (unlikely(c > 63 || octets >= DNS_NAME_MAX || ++labels > DNS_LABELS_MAX))
			return 0;
		pos += c + 1;
	}
	*budget -= (int)octets + 1;
	return taken ? taken : pos + 1 - at;
}

/*
 * Question name at `at`; no pointer can be valid there. Its octets, with the
 * offsets of its labels in `label`; 0: malformed.
 */
static uint32_t question_name(const uint8_t *msg, uint32_t len, uint32_t at,
	uint8_t label[DNS_LABELS_MAX + 1], unsigned *labels, bool *short_)
{
	uint32_t pos = at;

	for (unsigned n = 0; n <= DNS_LABELS_MAX; n++) {
		if (unlikely(pos >= len)) {
			*short_ = true;
			return 0;
		}
		unsigned c = msg[pos];
		label[n] = (uint8_t)(pos - at);
		if (c == 0) {
			*labels = n;
			return pos + 1 - at;
		}
		pos += c + 1;
		if (unlikely(c > 63 || pos - at >= DNS_NAME_MAX))
			return 0;
	}
	return 0;
}

/* Fixed lengths that a lie would make us misread; 0 is fine for any type in an UPDATE. */
static bool rdata_fits(unsigned type, unsigned rdlen)
{
	switch (type) {
	case DNS_TYPE_A:
		return rdlen == 4;
	case DNS_TYPE_AAAA:
		return rdlen == 16;
	default:
		return true;
	}
}

struct scan {
	const uint8_t *msg;
	uint32_t len;
	uint32_t pos;
	uint32_t owner_qname; /* octets that stand for the question name */
	int budget;
};

/* One record at s->pos; DNS_OK, or why not (DNS_RECORD_SHORT: ran off the end). */
static enum dns_verdict record_next(struct scan *s, struct dns_record *r)
{
	uint32_t pos = s->pos;

	r->owner = (uint16_t)pos;
	if (likely(pos + 2 <= s->len && load_be16(s->msg + pos) == s->owner_qname)) {
		r->owner_is_qname = 1;
		pos += 2;
	} else {
		bool off_end = false;
		unsigned n = name_check(s->msg, s->len, pos, &s->budget, &off_end);

		if (unlikely(n == 0))
			return off_end ? DNS_RECORD_SHORT : DNS_RECORD_NAME;
		if (unlikely(s->budget < 0))
			return DNS_BUDGET;
		r->owner_is_qname = 0;
		pos += n;
	}
	if (unlikely(pos + 10 > s->len))
		return DNS_RECORD_SHORT;

	const uint8_t *p = s->msg + pos;
	uint32_t ttl = load_be32(p + 4);
	r->type = load_be16(p);
	r->class = load_be16(p + 2);
	r->ttl = ttl >> 31 ? 0 : ttl;
	r->rdlen = load_be16(p + 8);
	pos += 10;
	if (unlikely(pos + r->rdlen > s->len))
		return DNS_RECORD_SHORT;
	if (unlikely(!rdata_fits(r->type, r->rdlen) && r->class == DNS_CLASS_IN))
		return DNS_RECORD_RDATA;
	r->rdata = (uint16_t)pos;
	s->pos = pos + r->rdlen;
	return DNS_OK;
}

static enum dns_verdict questions(struct scan *s, bool cut, struct dns_message *out)
{
	for (unsigned q = 0; q < out->qdcount; q++) {
		uint8_t others[DNS_LABELS_MAX + 1];
		unsigned labels = 0;
		bool off_end = false;
		uint32_t n = question_name(
			s->msg, s->len, s->pos, q == 0 ? out->label : others, &labels, &off_end);

		if (unlikely(n == 0 || s->pos + n + 4 > s->len))
			return cut && (off_end || n) ? DNS_CUT : DNS_QUESTION;
		if (q == 0) {
			const uint8_t *p = s->msg + s->pos + n;
			out->qname_wire_len = (uint16_t)n;
			out->labels = (uint8_t)labels;
			out->qtype = load_be16(p);
			out->qclass = load_be16(p + 2);
		}
		s->pos += n + 4;
	}
	return DNS_OK;
}

static enum dns_verdict records(struct scan *s, bool cut, const unsigned count[DNS_SECTION_COUNT],
	struct dns_record *rec, struct dns_message *out)
{
	for (unsigned section = 0; section < DNS_SECTION_COUNT; section++) {
		for (unsigned i = 0; i < count[section]; i++) {
			if (unlikely(out->records == DNS_RECORDS_MAX)) {
				out->capped = out->unparsed;
				out->unparsed = 0;
				return DNS_OK;
			}
			struct dns_record *r = &rec[out->records];
			enum dns_verdict v = record_next(s, r);
			if (unlikely(v != DNS_OK))
				return v == DNS_RECORD_SHORT && cut ? DNS_CUT : v;
			r->section = (uint8_t)section;
			out->records++;
			out->unparsed--;
		}
	}
	return DNS_OK;
}

static enum dns_verdict parse_body(
	struct scan *s, bool cut, struct dns_record *rec, struct dns_message *out)
{
	const unsigned count[DNS_SECTION_COUNT] = {
		load_be16(s->msg + 6), load_be16(s->msg + 8), load_be16(s->msg + 10)};
	enum dns_verdict v = questions(s, cut, out);

	if (unlikely(v != DNS_OK) || !dns_is_response(out))
		return v;
	v = records(s, cut, count, rec, out);
	/* A cut doesn't hide how many questions the header claims. */
	if ((v == DNS_OK || v == DNS_CUT) && unlikely(out->qdcount != 1))
		return DNS_QDCOUNT;
	return v;
}

enum dns_verdict dns_parse(
	const uint8_t *msg, uint32_t len, bool cut, struct dns_record *rec, struct dns_message *out)
{
	if (unlikely(len < DNS_HEADER_LEN))
		return DNS_SHORT;
	/* Offsets are 16 bits wide; a UDP payload and a TCP message always fit. */
	if (unlikely(len > UINT16_MAX))
		len = UINT16_MAX;

	unsigned ancount = load_be16(msg + 6);
	unsigned declared = ancount + load_be16(msg + 8) + load_be16(msg + 10);

	out->id = load_be16(msg);
	out->flags = load_be16(msg + 2);
	out->qdcount = load_be16(msg + 4);
	out->ancount = (uint16_t)ancount;
	out->declared = (uint16_t)(declared > UINT16_MAX ? UINT16_MAX : declared);
	out->qtype = out->qclass = out->qname_wire_len = 0;
	out->labels = 0;
	out->records = out->capped = 0;
	out->unparsed = out->declared;

	struct scan s = {
		.msg = msg,
		.len = len,
		.pos = DNS_HEADER_LEN,
		/* Without a question, octet 12 is the first owner itself. */
		.owner_qname = likely(out->qdcount) ? OWNER_QNAME : OWNER_NONE,
		.budget = (int)DNS_NAME_BUDGET,
	};
	enum dns_verdict v = parse_body(&s, cut, rec, out);
	unsigned opcode = dns_opcode(out);
	return unlikely(opcode == 3 || opcode > 6) ? DNS_OPCODE : v;
}

const char *dns_verdict_name(enum dns_verdict v)
{
	static const char *const names[DNS_VERDICT_COUNT] = {
#define X(name, text) [name] = text,
		DNS_VERDICTS(X)
#undef X
	};
	return names[v];
}
