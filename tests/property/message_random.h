/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

/*
 * Random DNS messages: what resolvers send, and what is beside it in every way that the short
 * lane (dns/plain.h, plain_addresses) has to notice. Each says what that lane promises of it.
 */

#include <string.h>

#include "base/bits.h"
#include "tests/unit/frames.h"
#include "tests/unit/random.h"

struct random_message {
	struct message m;
	uint64_t starts; /* offsets below 64 of the question's labels, the root's not among them */
	bool question;   /* plain by the text of dns/plain.h: one question of at most 64 octets */
	bool records;    /* and so are all records */
	bool answer;     /* plain_addresses': addresses of the question name, and perhaps EDNS */
};

static inline bool one_in(uint64_t *rng, uint32_t n)
{
	return random_below(rng, n) == 0;
}

static inline uint32_t pick(uint64_t *rng, const uint32_t *from, unsigned n)
{
	return from[random_below(rng, n)];
}

/* 0, 0xC0 and whatever lies beside A-Z and a-z is more frequent in names than by chance. */
static inline uint8_t random_octet(uint64_t *rng, bool letters)
{
	static const uint32_t odd[] = {0, 1, 63, 64, '@', 'A', 'Z', '[', '`', 'a', 'z', '{', 0x80,
		0xc0, 0xc1, 0xda, 0xdb, 0xff};

	if (letters) {
		unsigned first = one_in(rng, 3) ? 'A' : 'a';

		return (uint8_t)(first + random_below(rng, 26));
	}
	return (uint8_t)(one_in(rng, 2) ? pick(rng, odd, sizeof(odd) / sizeof(odd[0]))
					: random_below(rng, 256));
}

static inline void put_label(struct message *m, uint64_t *rng, unsigned n, bool letters)
{
	m->octet[m->len++] = (uint8_t)n;
	for (; n; n--)
		m->octet[m->len++] = random_octet(rng, letters);
}

/* Labels of n octets in all, lengths included; one octet alone is none. */
static inline void put_labels(struct message *m, uint64_t *rng, unsigned n, bool letters)
{
	while (n > 1) {
		unsigned most = n - 1 < 63 ? n - 1 : 63;
		unsigned label =
			one_in(rng, 4) ? most : 1 + random_below(rng, most < 12 ? most : 12);

		/* One octet too few for another label. */
		if (n - 1 - label == 1)
			label += label < 63 ? 1 : -1u;
		put_label(m, rng, label, letters);
		n -= label + 1;
	}
}

/* Suffixes of the rig's list and others, in any case. */
static inline void put_suffix(struct message *m, uint64_t *rng)
{
	static const char suffix[][16] = {"\3com", "\3net", "\2uk", "\2co\2uk", "\6github\2io",
		"\1x\2ck", "\3www\2ck", "\4test"};
	const char *s = suffix[random_below(rng, sizeof(suffix) / sizeof(suffix[0]))];

	for (; *s; s++)
		m->octet[m->len++] = (uint8_t)(*s >= 'a' && one_in(rng, 4) ? *s - 32 : *s);
}

/* A whole name; every wire length from 1 (the root) to 255. Returns it. */
static inline unsigned put_name(struct message *m, uint64_t *rng)
{
	unsigned from = m->len;
	uint32_t form = random_below(rng, 17);

	if (form < 10) {
		put_labels(m, rng, random_below(rng, 26), true);
		put_suffix(m, rng);
	} else if (form < 15) {
		put_labels(m, rng, random_below(rng, 72), false);
	} else {
		put_labels(m, rng, random_below(rng, 255), form == 15);
	}
	m->octet[m->len++] = 0;
	return m->len - from;
}

static inline void put_question(struct random_message *r, uint64_t *rng, bool first)
{
	static const uint32_t types[] = {DNS_TYPE_A, DNS_TYPE_AAAA, DNS_TYPE_HTTPS, 255, 0x4101};
	struct message *m = &r->m;
	unsigned from = m->len, n = put_name(m, rng);

	if (first) {
		r->question &= n <= 64;
		for (unsigned at = 0; m->octet[from + at] && at < 64;
			at += m->octet[from + at] + 1u)
			r->starts |= UINT64_C(1) << at;
	}
	message_u16(m, pick(rng, types, sizeof(types) / sizeof(types[0])));
	message_u16(m, one_in(rng, 16) ? (one_in(rng, 2) ? 3 : 0x101) : DNS_CLASS_IN);
	if (first)
		r->answer &= load_be16(m->octet + m->len - 2) == DNS_CLASS_IN;
}

static inline void put_pointer(struct random_message *r, unsigned target)
{
	unsigned at = target - DNS_HEADER_LEN;

	r->records &= target >= DNS_HEADER_LEN && at < 64 && r->starts >> at & 1;
	r->answer &= target == DNS_HEADER_LEN;
	message_u16(&r->m, 0xc000u | target);
}

static inline void put_owner(struct random_message *r, uint64_t *rng, bool root)
{
	unsigned at = DNS_HEADER_LEN;
	uint32_t form = root ? 15 : random_below(rng, 32);

	switch (form) {
	case 10: /* into a name, a record or the dark */
		put_pointer(r, random_below(rng, one_in(rng, 4) ? 0x4000 : r->m.len + 2));
		return;
	case 11:
		put_label(&r->m, rng, 1 + random_below(rng, 9), true);
		put_pointer(r, DNS_HEADER_LEN);
		r->records = r->answer = false;
		return;
	case 12:
		r->records &= put_name(&r->m, rng) == 1;
		r->answer = false;
		return;
	case 13: /* a reserved form of label, or what is no length */
		r->m.octet[r->m.len++] = (uint8_t)(64 + random_below(rng, 192));
		r->m.octet[r->m.len++] = (uint8_t)random_below(rng, 256);
		r->records = r->answer = false;
		return;
	case 14: /* a label of the question, or the root behind the last one */
		for (unsigned i = random_below(rng, 5); i && r->m.octet[at] && at < 255; i--)
			at += r->m.octet[at] + 1u;
		put_pointer(r, at);
		return;
	case 15:
		r->m.octet[r->m.len++] = 0;
		return;
	default:
		put_pointer(r, DNS_HEADER_LEN);
	}
}

/* Global ones, few of them so that they repeat, and special-purpose ones. */
static inline void put_address(struct message *m, uint64_t *rng, unsigned octets)
{
	static const char *const special[] = {"10.1.2.3", "127.0.0.1", "192.0.2.7", "224.0.0.1",
		"100.64.0.1", "0.0.0.0", "169.254.1.1", "255.255.255.255"};
	static const char *const special6[] = {"fe80::1", "::1", "2001:db8::1", "ff02::1",
		"fc00::1", "64:ff9b::a01:203", "64:ff9b::808:808", "2001:db8:64::808:404",
		"2a00:1:2::"};
	uint8_t *p = m->octet + m->len;

	for (unsigned i = 0; i < octets; i++)
		p[i] = (uint8_t)random_below(rng, one_in(rng, 2) ? 4 : 256);
	p[0] = octets == 4 ? (uint8_t)(20 + random_below(rng, 200)) : 0x2a;
	if (octets == 4 && one_in(rng, 4))
		inet_pton(AF_INET, special[random_below(rng, 8)], p);
	if (octets == 16 && one_in(rng, 3))
		inet_pton(AF_INET6, special6[random_below(rng, 9)], p);
	m->len += octets;
}

static inline void put_rdata(struct message *m, uint64_t *rng, unsigned type)
{
	switch (type) {
	case DNS_TYPE_A:
		put_address(m, rng, 4);
		break;
	case DNS_TYPE_AAAA:
		put_address(m, rng, 16);
		break;
	case DNS_TYPE_NS:
	case DNS_TYPE_CNAME:
		put_name(m, rng);
		break;
	default:
		for (unsigned i = random_below(rng, 40); i; i--)
			m->octet[m->len++] = (uint8_t)random_below(rng, 256);
	}
}

static inline void put_record(struct random_message *r, uint64_t *rng, bool tidy, bool edns)
{
	static const uint32_t types[] = {DNS_TYPE_SOA, DNS_TYPE_NS, DNS_TYPE_CNAME, 16,
		DNS_TYPE_HTTPS, DNS_TYPE_OPT, 0x0101};
	static const uint32_t ttls[] = {
		0, 1, 60, 3600, 86400, 0x7fffffff, 0x80000000, 0x80000001, 0xffffffff};
	struct message *m = &r->m;
	unsigned type = DNS_TYPE_OPT, class = DNS_CLASS_IN;

	if (!edns)
		type = one_in(rng, 2) ? DNS_TYPE_A : DNS_TYPE_AAAA;
	if (!tidy && one_in(rng, 3))
		type = pick(rng, types, sizeof(types) / sizeof(types[0]));
	if (edns || (!tidy && one_in(rng, 8)))
		class = one_in(rng, 2) ? 3 : 1232;
	unsigned owner = m->len;
	if (tidy && !edns)
		put_pointer(r, DNS_HEADER_LEN);
	else
		put_owner(r, rng, edns && (tidy || !one_in(rng, 4)));
	message_u16(m, type);
	message_u16(m, class);
	message_u32(m, one_in(rng, 4) ? (uint32_t)random_u64(rng)
				      : pick(rng, ttls, sizeof(ttls) / sizeof(ttls[0])));
	m->len += 2;
	unsigned at = m->len;
	put_rdata(m, rng, type);
	if (!tidy && one_in(rng, 24)) { /* another length than the type has */
		m->len = at;
		put_address(m, rng, one_in(rng, 2) ? 4 : 16);
		m->len -= random_below(rng, 5);
	}
	message_record_end(m, at - 2);

	bool address = class == DNS_CLASS_IN && (type == DNS_TYPE_A || type == DNS_TYPE_AAAA);
	if (address && m->len - at != (type == DNS_TYPE_A ? 4 : 16))
		r->records = r->answer = false;
	/* EDNS belongs to the root, and an address never does. */
	r->answer &= m->octet[owner] ? address && !edns : edns && type == DNS_TYPE_OPT;
}

/* A message as it was meant, with its promises. */
static inline void random_message(struct random_message *r, uint64_t *rng)
{
	static const uint32_t counts[] = {1, 1, 1, 1, 0, 2};
	struct message *m = &r->m;
	bool tidy = one_in(rng, 2);
	unsigned flags = random_below(rng, 0x800);

	if (!one_in(rng, 4))
		flags |= 0x8000;
	if (!one_in(rng, 4))
		flags &= ~0xfu;
	if (one_in(rng, 24))
		flags |= random_below(rng, 16) << 11;
	unsigned questions = one_in(rng, 8) ? pick(rng, counts, 6) : 1;
	unsigned n = random_below(rng, one_in(rng, 4) ? 21 : 6);
	if (tidy && one_in(rng, 256)) /* more than either lane looks at */
		n = 17 + random_below(rng, 184);
	unsigned ns = tidy ? 0 : random_below(rng, n + 1);
	unsigned edns = one_in(rng, 2), ar = edns + (tidy ? 0 : random_below(rng, 2));

	r->starts = 0;
	r->question = questions == 1 && !(flags & 0x7800);
	r->records = n + ar <= 16;
	r->answer = flags & 0x8000 && !(flags & 0xf) && n >= 1 && n <= 16 && ns == 0 && ar <= 1;
	message_header(m, random_below(rng, 65536), flags);
	message_patch(m, 4, questions);
	message_patch(m, 6, n - ns);
	message_patch(m, 8, ns);
	message_patch(m, 10, ar);
	for (unsigned i = 0; i < questions; i++)
		put_question(r, rng, i == 0);
	for (unsigned i = 0; i < n + ar; i++)
		put_record(r, rng, tidy, i >= n && edns);
	r->answer &= ar == edns;
	if (one_in(rng, 8)) /* octets behind the last record belong to nobody */
		m->len += random_below(rng, 30);
	r->records &= r->question;
	r->answer &= r->question;
}

/* The same, but every fourth is damaged; nothing is promised of these. */
static inline void random_message_damaged(struct random_message *r, uint64_t *rng)
{
	struct message *m = &r->m;

	random_message(r, rng);
	if (!one_in(rng, 4))
		return;
	r->question = r->records = r->answer = false;
	for (unsigned i = random_below(rng, 6); i; i--) {
		uint32_t at = random_below(rng, m->len);

		if (one_in(rng, 4))
			m->octet[at] = random_octet(rng, false);
		else
			m->octet[at] ^= (uint8_t)(1u << random_below(rng, 8));
	}
	if (one_in(rng, 3))
		m->len = random_below(rng, m->len + 1);
}
