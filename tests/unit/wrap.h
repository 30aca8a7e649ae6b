/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

/*
 * Packets built from the inside out, so that any wrapper goes around any other: each
 * puts its header before what is there, and knows from `type` what that is.
 */

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#define WRAP_ROOM 20000u
#define WRAP_IPV4 0x0800u
#define WRAP_IPV6 0x86ddu
#define WRAP_FRAME 0x6558u /* an Ethernet frame */

struct wrap {
	uint32_t from;
	unsigned type; /* EtherType of the first octets */
	uint8_t octet[WRAP_ROOM];
};

static inline const uint8_t *wrap_data(const struct wrap *w)
{
	return w->octet + w->from;
}

static inline uint32_t wrap_len(const struct wrap *w)
{
	return WRAP_ROOM - w->from;
}

static inline uint8_t *wrap_front(struct wrap *w, const void *data, uint32_t n)
{
	w->from -= n;
	memcpy(w->octet + w->from, data, n);
	return w->octet + w->from;
}

static inline uint8_t *wrap_zeros(struct wrap *w, uint32_t n)
{
	w->from -= n;
	return memset(w->octet + w->from, 0, n);
}

static inline void wrap_be16(uint8_t *at, unsigned v)
{
	at[0] = (uint8_t)(v >> 8);
	at[1] = (uint8_t)v;
}

static inline void wrap_start(struct wrap *w, const void *payload, uint32_t n)
{
	w->from = WRAP_ROOM;
	wrap_front(w, payload, n);
}

static inline void wrap_udp(struct wrap *w, unsigned sport, unsigned dport)
{
	uint32_t n = wrap_len(w);
	uint8_t *h = wrap_zeros(w, 8);

	wrap_be16(h, sport);
	wrap_be16(h + 2, dport);
	wrap_be16(h + 4, 8 + n);
}

static inline void wrap_tcp(
	struct wrap *w, unsigned sport, unsigned dport, uint32_t seq, unsigned flags)
{
	uint8_t *h = wrap_zeros(w, 20);

	wrap_be16(h, sport);
	wrap_be16(h + 2, dport);
	wrap_be16(h + 4, seq >> 16);
	wrap_be16(h + 6, seq & 0xffff);
	h[12] = 5 << 4;
	h[13] = (uint8_t)flags;
}

/* Addresses are 192.0.2.s and 192.0.2.d. */
static inline void wrap_ipv4(struct wrap *w, unsigned proto, unsigned s, unsigned d)
{
	uint32_t n = wrap_len(w);
	uint8_t *h = wrap_zeros(w, 20);

	h[0] = 0x45;
	wrap_be16(h + 2, 20 + n);
	h[8] = 64;
	h[9] = (uint8_t)proto;
	memcpy(h + 12, (const uint8_t[]){192, 0, 2, (uint8_t)s}, 4);
	memcpy(h + 16, (const uint8_t[]){192, 0, 2, (uint8_t)d}, 4);
	w->type = WRAP_IPV4;
}

/* 2001:db8::s and 2001:db8::d. */
static inline void wrap_ipv6(struct wrap *w, unsigned next, unsigned s, unsigned d)
{
	uint32_t n = wrap_len(w);
	uint8_t *h = wrap_zeros(w, 40);

	h[0] = 0x60;
	wrap_be16(h + 4, n);
	h[6] = (uint8_t)next;
	h[7] = 64;
	memcpy(h + 8, "\x20\1\x0d\xb8", 4);
	memcpy(h + 24, "\x20\1\x0d\xb8", 4);
	h[23] = (uint8_t)s;
	h[39] = (uint8_t)d;
	w->type = WRAP_IPV6;
}

static inline void wrap_ip(struct wrap *w, unsigned version, unsigned proto, unsigned s, unsigned d)
{
	if (version == 4)
		wrap_ipv4(w, proto, s, d);
	else
		wrap_ipv6(w, proto, s, d);
}

static inline void wrap_ethernet(struct wrap *w)
{
	wrap_be16(wrap_zeros(w, 2), w->type);
	wrap_front(w, "\2\0\0\0\0\1\2\0\0\0\0\2", 12);
	w->type = WRAP_FRAME;
}

static inline void wrap_tag(struct wrap *w, unsigned ethertype)
{
	uint8_t *h = wrap_zeros(w, 4);

	h[1] = 100;
	wrap_be16(h + 2, w->type);
	w->type = ethertype;
}

/* One label; a frame gets a control word, as a pseudowire has it. */
static inline void wrap_mpls(struct wrap *w)
{
	bool bottom = w->type != 0x8847;

	if (w->type == WRAP_FRAME)
		wrap_zeros(w, 4);
	wrap_front(w, (const uint8_t[]){0, 1, bottom ? 0x01 : 0x00, 64}, 4);
	w->type = 0x8847;
}

/* The protocol field only; `compressed` to one octet. */
static inline void wrap_ppp(struct wrap *w, bool compressed)
{
	uint8_t protocol[2] = {0, w->type == WRAP_IPV6 ? 0x57 : 0x21};

	wrap_front(w, protocol + compressed, 2u - compressed);
}

static inline void wrap_pppoe(struct wrap *w)
{
	wrap_ppp(w, false);
	uint32_t n = wrap_len(w);
	uint8_t *h = wrap_zeros(w, 6);

	h[0] = 0x11;
	h[3] = 7;
	wrap_be16(h + 4, n);
	w->type = 0x8864;
}

/* `flags`: of the first two octets, which say what fields there are; in no IP header yet. */
static inline void wrap_gre(struct wrap *w, unsigned flags, unsigned protocol)
{
	uint32_t n = 4;

	n += flags & 0x8000 ? 4 : 0;
	n += flags & 0x2000 ? 4 : 0;
	n += flags & 0x1000 ? 4 : 0;
	n += flags & 0x0080 && flags & 1 ? 4 : 0;
	uint8_t *h = wrap_zeros(w, n);
	wrap_be16(h, flags);
	wrap_be16(h + 2, protocol);
}

static inline void wrap_vxlan(struct wrap *w)
{
	wrap_front(w, "\x08\0\0\0\0\0\7\0", 8);
	wrap_udp(w, 50000, 4789);
}

static inline void wrap_geneve(struct wrap *w, unsigned option_words)
{
	wrap_zeros(w, 4 * option_words);
	uint8_t *h = wrap_zeros(w, 8);

	h[0] = (uint8_t)option_words;
	wrap_be16(h + 2, w->type);
	wrap_udp(w, 50000, 6081);
}

/* The mandatory header of a packet; `flags` are E, S and PN, whose fields are there already. */
static inline void wrap_gtp(struct wrap *w, unsigned flags)
{
	uint32_t n = wrap_len(w);
	uint8_t *h = wrap_zeros(w, 8);

	h[0] = (uint8_t)(0x30 | flags);
	h[1] = 255;
	wrap_be16(h + 2, n);
	h[7] = 9;
	wrap_udp(w, 2152, 2152);
}

/* `flags`: L, S and O of RFC 2661; PPP is there already. */
static inline void wrap_l2tp(struct wrap *w, unsigned flags)
{
	if (flags & 0x0200)
		wrap_be16(wrap_zeros(w, 2 + 3), 3); /* three octets of padding */
	if (flags & 0x0800)
		wrap_zeros(w, 4);
	wrap_zeros(w, 4); /* tunnel and session */
	uint32_t n = wrap_len(w) + 4;
	if (flags & 0x4000)
		wrap_be16(wrap_zeros(w, 2), n);
	wrap_be16(wrap_zeros(w, 2), flags | 2);
	wrap_udp(w, 1701, 1701);
}
