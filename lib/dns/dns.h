/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

/*
 * Bounded DNS message parser (RFC 1035, 2181, 6891, 9460; RFC 9267 is its test
 * list).
 *
 * One pass, no allocation, never reads beyond `len`. Names are at most 255
 * octets and 127 labels; compression pointers must point strictly backwards and
 * at or behind octet 12, at most DNS_HOPS_MAX of them in a name; at most
 * DNS_RECORDS_MAX records are looked at, and the octets decoded from compressed
 * names have a budget a message (a small message of many long names must not
 * cost more than a large one).
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define DNS_NAME_MAX 255u
#define DNS_LABELS_MAX 127u
#define DNS_HOPS_MAX DNS_LABELS_MAX /* pointers in one name: one before each label */
#define DNS_HEADER_LEN 12u
#define DNS_RECORDS_MAX 128u
#define DNS_NAME_BUDGET 8192u

enum dns_type {
	DNS_TYPE_A = 1,
	DNS_TYPE_NS = 2,
	DNS_TYPE_CNAME = 5,
	DNS_TYPE_SOA = 6,
	DNS_TYPE_AAAA = 28,
	DNS_TYPE_OPT = 41,
	DNS_TYPE_SVCB = 64,
	DNS_TYPE_HTTPS = 65,
};

#define DNS_CLASS_IN 1u

enum dns_section { DNS_ANSWER, DNS_AUTHORITY, DNS_ADDITIONAL, DNS_SECTION_COUNT };

/*
 * X(enumerator, name). Verdict on a whole message and index of its counter.
 * SHORT, OPCODE: not DNS at all (a message of a reserved opcode is parsed all the
 * same, for those who want to look). QDCOUNT..BUDGET: a response that is counted
 * but gives no evidence. CUT: the capture ended inside; what lies before the
 * cut is whole and is used.
 */
#define DNS_VERDICTS(X) \
	X(DNS_OK, "ok") \
	X(DNS_SHORT, "short_header") \
	X(DNS_OPCODE, "reserved_opcode") \
	X(DNS_QDCOUNT, "qdcount") \
	X(DNS_QUESTION, "question_malformed") \
	X(DNS_RECORD_NAME, "record_name") \
	X(DNS_RECORD_SHORT, "record_short") \
	X(DNS_RECORD_RDATA, "record_rdata") \
	X(DNS_BUDGET, "name_budget") \
	X(DNS_CUT, "cut")

enum dns_verdict {
#define X(name, text) name,
	DNS_VERDICTS(X)
#undef X
		DNS_VERDICT_COUNT
};

/* One record that lies wholly inside the message; offsets into the message. */
struct dns_record {
	uint32_t ttl;   /* seconds; RFC 2181: the top bit set means 0 */
	uint16_t owner; /* offset of the owner name as it stands (it may be a pointer) */
	uint16_t type;
	uint16_t class;
	uint16_t rdata; /* offset of RDATA */
	uint16_t rdlen;
	uint8_t section;        /* enum dns_section */
	uint8_t owner_is_qname; /* the owner is the pointer 0xC00C: no need to decode it */
};

struct dns_message {
	uint16_t id;
	uint16_t flags; /* as on the wire, host order */
	uint16_t qdcount;
	uint16_t declared; /* sum of ANCOUNT, NSCOUNT, ARCOUNT, capped at 65535 */
	uint16_t ancount;
	uint16_t qtype; /* 0 when there is no question */
	uint16_t qclass;
	uint16_t qname_wire_len; /* octets of the question name as it stands, root label included */
	uint16_t records;        /* entries written to the caller's array */
	uint16_t capped;         /* declared records beyond DNS_RECORDS_MAX, not looked at */
	uint16_t unparsed;       /* declared records behind a fault or a cut */
	uint8_t labels;          /* of the question name, without the root */
	uint8_t label[DNS_LABELS_MAX + 1]; /* offsets within it, the root's included */
};

static inline bool dns_is_response(const struct dns_message *m)
{
	return m->flags & 0x8000;
}

static inline unsigned dns_rcode(const struct dns_message *m)
{
	return m->flags & 0xf;
}

static inline bool dns_truncated(const struct dns_message *m)
{
	return m->flags & 0x0200;
}

static inline unsigned dns_opcode(const struct dns_message *m)
{
	return (m->flags >> 11) & 0xf;
}

/*
 * Parses msg. `cut` says that the capture, not the sender, ended the message:
 * running out of octets is then DNS_CUT. `rec` has room for DNS_RECORDS_MAX
 * records. For a message with QR=0 only header and question are read
 * (records are all counted as unparsed, for they are no evidence).
 *
 * `out` is whole for every verdict but DNS_SHORT; after a fault it holds what
 * lies before it. declared = records + capped + unparsed always.
 */
enum dns_verdict dns_parse(const uint8_t *msg, uint32_t len, bool cut, struct dns_record *rec,
	struct dns_message *out);

/*
 * A decoded name: wire form, lower-case (A-Z only), root label included.
 * label[i] is the offset of the length octet of label i; label[labels] is the
 * offset of the root label.
 */
struct dns_name {
	uint8_t len; /* octets in wire, 1..255 */
	uint8_t labels;
	uint8_t label[DNS_LABELS_MAX + 1];
	uint8_t wire[DNS_NAME_MAX + 17]; /* padded so that word-wise copies may overrun */
};

/*
 * Decodes the name at offset `at`, following pointers. Returns the octets the
 * name takes at `at` (a pointer ends it), or 0 when it is malformed.
 */
unsigned dns_name_decode(const uint8_t *msg, uint32_t len, uint32_t at, struct dns_name *out);

/* The same for the uncompressed question name at octet 12, already checked by dns_parse. */
void dns_name_question(const uint8_t *msg, const struct dns_message *m, struct dns_name *out);

/*
 * Presentation of wire[from..] (RFC 1035 section 5.1): octets outside
 * [A-Za-z0-9_*-] as \DDD, labels joined by '.', no trailing dot, the root as
 * ".". Writes a terminating NUL; `size` of DNS_TEXT_MAX always suffices.
 * Returns the length without the NUL.
 */
#define DNS_TEXT_MAX 1021u
size_t dns_name_text(const uint8_t *wire, size_t wire_len, char *text, size_t size);

/*
 * The inverse: text to lower-case wire form. Returns 0, or -1 when the text is no
 * name (empty label, label > 63, name > 255, bad escape).
 */
int dns_name_parse(const char *text, struct dns_name *out);

/*
 * Address hints of an SVCB/HTTPS record (RFC 9460 section 7.3). Calls `fn` for
 * each ipv4hint (len 4) and ipv6hint (len 16). Returns false when the RDATA is
 * malformed; hints before the fault were reported.
 */
bool dns_svcb_hints(const uint8_t *rdata, uint32_t rdlen,
	void (*fn)(void *ctx, const uint8_t *addr, unsigned len), void *ctx);

const char *dns_verdict_name(enum dns_verdict v);
