/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

/*
 * The short way through what nearly all DNS messages are: opcode 0, one question with a name of
 * at most 64 octets, at most 16 records, and each owner the root or a pointer to a label of the
 * question. Such a message has the verdict DNS_OK of dns_parse; of any other one these functions
 * say nothing but that it is not plain, and dns_parse does it.
 *
 * A message in 16 records of 64 octets cannot use up DNS_NAME_BUDGET, and one hop is no loop.
 */

#include "base/bits.h"
#include "dns/dns.h"

#define DNS_PLAIN_NAME 64u
#define DNS_PLAIN_RECORDS 16u

struct dns_plain {
	uint64_t starts;  /* bit i: a label of the question begins at its octet i */
	uint32_t records; /* offset of the first record */
	uint16_t flags;   /* host order */
	uint16_t ancount;
	uint16_t nscount;
	uint16_t arcount;
	uint16_t qclass;
	uint8_t name_len; /* octets of the question name, its root included */
	uint8_t labels;   /* without the root */
};

/* Octets of one record behind its owner: type, class, TTL, RDLENGTH. */
#define DNS_RECORD_FIXED 10u

/*
 * Header and question; offsets of the labels, the root's included, go to `label`, which has
 * room for DNS_PLAIN_NAME. False: not plain. Records are not looked at.
 */
static inline bool dns_plain_question(
	const uint8_t *msg, uint32_t len, uint8_t *label, struct dns_plain *out)
{
	const uint8_t *name = msg + DNS_HEADER_LEN;

	if (unlikely(len < DNS_HEADER_LEN + 5 || len > UINT16_MAX))
		return false;
	uint64_t counts = load_be64(msg + 4);
	out->flags = load_be16(msg + 2);
	out->ancount = (uint16_t)(counts >> 32);
	out->nscount = (uint16_t)(counts >> 16);
	out->arcount = (uint16_t)counts;
	if (unlikely((out->flags & 0x7800) != 0 || counts >> 48 != 1))
		return false;

	uint32_t room = len - DNS_HEADER_LEN - 4; /* type and class follow */
	uint32_t limit = room < DNS_PLAIN_NAME ? room : DNS_PLAIN_NAME;
	uint64_t starts = 0;
	uint32_t at = 0;
	unsigned labels = 0;
	for (;;) {
		unsigned c = name[at];
		label[labels] = (uint8_t)at;
		if (c == 0)
			break;
		if (unlikely(c > 63))
			return false;
		starts |= UINT64_C(1) << at;
		labels++;
		at += c + 1;
		if (unlikely(at >= limit))
			return false;
	}
	out->starts = starts;
	out->labels = (uint8_t)labels;
	out->name_len = (uint8_t)(at + 1);
	out->qclass = load_be16(name + at + 3);
	out->records = DNS_HEADER_LEN + at + 5;
	return true;
}

/* Are all records plain and whole? */
static inline bool dns_plain_records(const uint8_t *msg, uint32_t len, const struct dns_plain *p)
{
	uint32_t n = (uint32_t)p->ancount + p->nscount + p->arcount, at = p->records;

	if (unlikely(n > DNS_PLAIN_RECORDS))
		return false;
	for (; n; n--) {
		if (unlikely(at + 1 + DNS_RECORD_FIXED > len))
			return false;
		if (msg[at]) {
			uint32_t target = load_be16(msg + at) - 0xc000u - DNS_HEADER_LEN;
			if (unlikely(target >= DNS_PLAIN_NAME || !(p->starts >> target & 1)))
				return false;
			at++;
		}
		at++;
		if (unlikely(at + DNS_RECORD_FIXED > len))
			return false;
		uint32_t kind = load_be32(msg + at), rdlen = load_be16(msg + at + 8);
		if (kind == (DNS_TYPE_A << 16 | DNS_CLASS_IN) && unlikely(rdlen != 4))
			return false;
		if (kind == (DNS_TYPE_AAAA << 16 | DNS_CLASS_IN) && unlikely(rdlen != 16))
			return false;
		at += DNS_RECORD_FIXED + rdlen;
		if (unlikely(at > len))
			return false;
	}
	return true;
}
