/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

/*
 * Frames built layer by layer, outermost first, and one sample for each way in which
 * a frame may carry a datagram. Every sample carries PAYLOAD between port 4000 and 53.
 */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "wire/wire.h"

#define FRAME_MAX 2048u
#define PAYLOAD "0123456789abcdef"
#define PAYLOAD_LEN 16u

/* A frame under construction, outermost layer first. */
struct build {
	uint8_t octet[FRAME_MAX];
	uint32_t len;
};

static inline void put(struct build *b, const void *data, size_t n)
{
	assert_true(b->len + n <= FRAME_MAX);
	memcpy(b->octet + b->len, data, n);
	b->len += (uint32_t)n;
}

static inline void put_zeros(struct build *b, size_t n)
{
	assert_true(b->len + n <= FRAME_MAX);
	memset(b->octet + b->len, 0, n);
	b->len += (uint32_t)n;
}

static inline void put_be16(struct build *b, unsigned v)
{
	put(b, (const uint8_t[]){(uint8_t)(v >> 8), (uint8_t)v}, 2);
}

static inline void set_be16(struct build *b, uint32_t at, unsigned v)
{
	b->octet[at] = (uint8_t)(v >> 8);
	b->octet[at + 1] = (uint8_t)v;
}

static inline void put_udp(struct build *b, unsigned sport, unsigned dport)
{
	put_be16(b, sport);
	put_be16(b, dport);
	put_be16(b, 8 + PAYLOAD_LEN);
	put_be16(b, 0);
	put(b, PAYLOAD, PAYLOAD_LEN);
}

/* Header for `inner` octets behind it. */
static inline void put_ipv4(struct build *b, unsigned proto, unsigned inner)
{
	put(b, "\x45\0", 2);
	put_be16(b, 20 + inner);
	put_zeros(b, 4);
	put(b, (const uint8_t[]){64, (uint8_t)proto}, 2);
	put_zeros(b, 2);
	put(b, "\xc0\0\2\1\xc6\x33\x64\2", 8);
}

static inline void put_ipv6(struct build *b, unsigned next, unsigned inner)
{
	put(b, "\x60\0\0\0", 4);
	put_be16(b, inner);
	put(b, (const uint8_t[]){(uint8_t)next, 64}, 2);
	put(b, "\x20\1\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0\1", 16);
	put(b, "\x20\1\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0\2", 16);
}

static inline void put_mac(struct build *b, unsigned ethertype)
{
	put(b, "\2\0\0\0\0\1\2\0\0\0\0\2", 12);
	put_be16(b, ethertype);
}

static inline void put_tag(struct build *b, unsigned next)
{
	put_be16(b, 100);
	put_be16(b, next);
}

static inline void put_snap(struct build *b, unsigned ethertype)
{
	put(b, "\xaa\xaa\3\0\0\0", 6);
	put_be16(b, ethertype);
}

#define UDP_LEN (8 + PAYLOAD_LEN)
#define UDP 17u

static inline void put_datagram_v4(struct build *b)
{
	put_ipv4(b, UDP, UDP_LEN);
	put_udp(b, 53, 4000);
}

static inline void put_datagram_v6(struct build *b)
{
	put_ipv6(b, UDP, UDP_LEN);
	put_udp(b, 4000, 53);
}

/* Frames that hold a datagram, each by another way. */
static inline void sample_ethernet(struct build *b)
{
	put_mac(b, 0x0800);
	put_datagram_v4(b);
}

static inline void sample_ethernet_v6(struct build *b)
{
	put_mac(b, 0x86dd);
	put_datagram_v6(b);
}

static inline void sample_vlan(struct build *b)
{
	put_mac(b, 0x8100);
	put_tag(b, 0x0800);
	put_datagram_v4(b);
}

static inline void sample_vlan_four(struct build *b)
{
	put_mac(b, 0x88a8);
	put_tag(b, 0x8100);
	put_tag(b, 0x9100);
	put_tag(b, 0x9200);
	put_tag(b, 0x86dd);
	put_datagram_v6(b);
}

static inline void sample_llc(struct build *b)
{
	put_mac(b, 8 + 20 + UDP_LEN);
	put_snap(b, 0x0800);
	put_datagram_v4(b);
}

static inline void sample_ip_options(struct build *b)
{
	put_mac(b, 0x0800);
	put_ipv4(b, UDP, 8 + UDP_LEN);
	b->octet[14] = 0x47;
	put_zeros(b, 8);
	put_udp(b, 53, 4000);
}

static inline void sample_offload_v4(struct build *b)
{
	put_mac(b, 0x0800);
	put_datagram_v4(b);
	set_be16(b, 16, 0);
}

static inline void sample_offload_v6(struct build *b)
{
	put_mac(b, 0x86dd);
	put_datagram_v6(b);
	set_be16(b, 18, 0);
}

/* Hop-by-hop, routing, destination, AH of 12 octets and an atomic fragment. */
static inline void sample_extensions(struct build *b)
{
	put_mac(b, 0x86dd);
	put_ipv6(b, 0, 8 + 16 + 8 + 12 + 8 + UDP_LEN);
	put(b, "\x2b\0\0\0\0\0\0\0", 8);
	put(b, "\x3c\1", 2);
	put_zeros(b, 14);
	put(b, "\x33\0\0\0\0\0\0\0", 8);
	put(b, "\x2c\1", 2);
	put_zeros(b, 10);
	put(b, "\x11\0\0\0\0\0\0\1", 8);
	put_udp(b, 53, 4000);
}

static inline void sample_sll(struct build *b)
{
	put_zeros(b, 14);
	put_be16(b, 0x0800);
	put_datagram_v4(b);
}

static inline void sample_sll_vlan(struct build *b)
{
	put_zeros(b, 14);
	put_be16(b, 0x8100);
	put_tag(b, 0x86dd);
	put_datagram_v6(b);
}

static inline void sample_sll2(struct build *b)
{
	put_be16(b, 0x86dd);
	put_zeros(b, 18);
	put_datagram_v6(b);
}

static inline void sample_null_little(struct build *b)
{
	put(b, "\2\0\0\0", 4);
	put_datagram_v4(b);
}

static inline void sample_null_big(struct build *b)
{
	put(b, "\0\0\0\x1e", 4);
	put_datagram_v6(b);
}

static inline void sample_fddi(struct build *b)
{
	put(b, "\x50", 1);
	put_zeros(b, 12);
	put_snap(b, 0x0800);
	put_datagram_v4(b);
}

#define VLAN (1u << WIRE_LAYER_VLAN)
#define LLC (1u << WIRE_LAYER_LLC)
#define EXT (1u << WIRE_LAYER_IPV6_EXT)

static const struct sample {
	const char *name;
	enum wire_link link;
	void (*make)(struct build *b);
	unsigned version;
	unsigned layers;
} samples[] = {
	{"ethernet", WIRE_LINK_ETHERNET, sample_ethernet, 4, 0},
	{"ethernet, IPv6", WIRE_LINK_ETHERNET, sample_ethernet_v6, 6, 0},
	{"VLAN", WIRE_LINK_ETHERNET, sample_vlan, 4, VLAN},
	{"four tags", WIRE_LINK_ETHERNET, sample_vlan_four, 6, VLAN},
	{"802.3 and SNAP", WIRE_LINK_ETHERNET, sample_llc, 4, LLC},
	{"IPv4 options", WIRE_LINK_ETHERNET, sample_ip_options, 4, 0},
	{"IPv4 without a length", WIRE_LINK_ETHERNET, sample_offload_v4, 4, 0},
	{"IPv6 without a length", WIRE_LINK_ETHERNET, sample_offload_v6, 6, 0},
	{"extension headers", WIRE_LINK_ETHERNET, sample_extensions, 6, EXT},
	{"cooked", WIRE_LINK_SLL, sample_sll, 4, 0},
	{"cooked, VLAN", WIRE_LINK_SLL, sample_sll_vlan, 6, VLAN},
	{"cooked v2", WIRE_LINK_SLL2, sample_sll2, 6, 0},
	{"null, little-endian", WIRE_LINK_NULL, sample_null_little, 4, 0},
	{"null, big-endian", WIRE_LINK_NULL, sample_null_big, 6, 0},
	{"FDDI", WIRE_LINK_FDDI, sample_fddi, 4, LLC},
	{"raw IPv4", WIRE_LINK_RAW, put_datagram_v4, 4, 0},
	{"raw IPv6", WIRE_LINK_RAW, put_datagram_v6, 6, 0},
};
#define SAMPLES (sizeof(samples) / sizeof(samples[0]))
