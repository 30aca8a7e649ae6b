/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

/*
 * One sample for each encapsulation and link type, in each of its forms. Inside is always
 * PAYLOAD from port 4000 of address ...1 to port 53 of ...2; outside are ...8 and ...9.
 */

#include <stddef.h>

#include "tests/unit/wrap.h"
#include "wire/wire.h"

#define PAYLOAD "0123456789abcdef"
#define PAYLOAD_LEN 16u

static inline void inner(struct wrap *w, unsigned version)
{
	wrap_start(w, PAYLOAD, PAYLOAD_LEN);
	wrap_udp(w, 4000, 53);
	wrap_ip(w, version, 17, 1, 2);
}

static inline void inner_frame(struct wrap *w, unsigned version)
{
	inner(w, version);
	wrap_ethernet(w);
}

static inline void outer(struct wrap *w, unsigned proto)
{
	wrap_ipv4(w, proto, 8, 9);
	wrap_ethernet(w);
}

static inline void make_mpls(struct wrap *w, unsigned v)
{
	inner(w, v);
	wrap_mpls(w);
	wrap_mpls(w);
	wrap_ethernet(w);
}

static inline void make_pseudowire(struct wrap *w, unsigned v)
{
	inner_frame(w, v);
	wrap_mpls(w);
	wrap_ethernet(w);
}

/* No control word: told by the EtherType of the frame, which starts with the label's payload. */
static inline void make_pseudowire_bare(struct wrap *w, unsigned v)
{
	inner_frame(w, v);
	w->type = 0;
	wrap_mpls(w);
	wrap_ethernet(w);
}

/* The same to an address that begins as an IP header does. */
static inline void make_pseudowire_like_ipv4(struct wrap *w, unsigned v)
{
	inner_frame(w, v);
	w->octet[w->from] = 0x44;
	w->type = 0;
	wrap_mpls(w);
	wrap_ethernet(w);
}

static inline void make_pseudowire_like_ipv6(struct wrap *w, unsigned v)
{
	inner_frame(w, v);
	memcpy(w->octet + w->from, "\x68\0\0\0\xff", 5);
	w->type = 0;
	wrap_mpls(w);
	wrap_ethernet(w);
}

static inline void make_mpls_in_ip(struct wrap *w, unsigned v)
{
	inner(w, v);
	wrap_mpls(w);
	outer(w, 137);
}

static inline void make_pppoe(struct wrap *w, unsigned v)
{
	inner(w, v);
	wrap_pppoe(w);
	wrap_tag(w, 0x8100);
	wrap_tag(w, 0x88a8);
	wrap_ethernet(w);
}

static inline void gre(struct wrap *w, unsigned flags, unsigned protocol)
{
	wrap_gre(w, flags, protocol);
	outer(w, 47);
}

static inline void make_gre(struct wrap *w, unsigned v)
{
	inner(w, v);
	gre(w, 0, w->type);
}

static inline void make_gre_all(struct wrap *w, unsigned v)
{
	inner(w, v);
	gre(w, 0xb000, w->type);
}

static inline void make_gre_bridged(struct wrap *w, unsigned v)
{
	inner_frame(w, v);
	gre(w, 0x2000, WRAP_FRAME);
}

static inline void make_pptp(struct wrap *w, unsigned v)
{
	inner(w, v);
	wrap_ppp(w, true);
	wrap_front(w, "\xff\3", 2);
	gre(w, 0x3081, 0x880b);
}

static inline void make_gre_udp(struct wrap *w, unsigned v)
{
	inner(w, v);
	wrap_gre(w, 0, w->type);
	wrap_udp(w, 50000, 4754);
	outer(w, 17);
}

static inline void make_erspan_1(struct wrap *w, unsigned v)
{
	inner_frame(w, v);
	gre(w, 0, 0x88be);
}

static inline void make_erspan_2(struct wrap *w, unsigned v)
{
	inner_frame(w, v);
	wrap_front(w, "\x10\5\0\7\0\0\0\1", 8);
	gre(w, 0x1000, 0x88be);
}

static inline void make_erspan_3(struct wrap *w, unsigned v)
{
	inner_frame(w, v);
	wrap_front(w, "\x20\5\0\7\1\2\3\4\0\0\0\0", 12);
	gre(w, 0x1000, 0x22eb);
}

/* With the optional sub-header, and an IP packet in place of a frame. */
static inline void make_erspan_3_ip(struct wrap *w, unsigned v)
{
	inner(w, v);
	wrap_zeros(w, 8);
	wrap_front(w, "\x20\5\0\7\1\2\3\4\0\0\x08\1", 12);
	gre(w, 0x1000, 0x22eb);
}

static inline void make_vxlan(struct wrap *w, unsigned v)
{
	inner_frame(w, v);
	wrap_vxlan(w);
	outer(w, 17);
}

static inline void make_vxlan_gpe(struct wrap *w, unsigned v)
{
	inner(w, v);
	wrap_front(w, (const uint8_t[]){0x0c, 0, 0, v == 4 ? 1 : 2, 0, 0, 7, 0}, 8);
	wrap_udp(w, 50000, 8472);
	outer(w, 17);
}

static inline void make_geneve(struct wrap *w, unsigned v)
{
	inner_frame(w, v);
	wrap_geneve(w, 3);
	outer(w, 17);
}

static inline void make_geneve_ip(struct wrap *w, unsigned v)
{
	inner(w, v);
	wrap_geneve(w, 0);
	outer(w, 17);
}

static inline void make_gtp(struct wrap *w, unsigned v)
{
	inner(w, v);
	wrap_gtp(w, 0);
	outer(w, 17);
}

/* A sequence number, then a PDU session container and another extension. */
static inline void make_gtp_extended(struct wrap *w, unsigned v)
{
	inner(w, v);
	wrap_front(w, "\2\0\0\0\0\0\0\0", 8);
	wrap_front(w, "\1\0\0\x85", 4);
	wrap_front(w, "\0\1\0\x85", 4);
	wrap_gtp(w, 6);
	outer(w, 17);
}

static inline void make_l2tp(struct wrap *w, unsigned v)
{
	inner(w, v);
	wrap_ppp(w, false);
	wrap_l2tp(w, 0);
	outer(w, 17);
}

static inline void make_l2tp_all(struct wrap *w, unsigned v)
{
	inner(w, v);
	wrap_ppp(w, false);
	wrap_front(w, "\xff\3", 2);
	wrap_l2tp(w, 0x4a00);
	outer(w, 17);
}

static inline void make_ipip(struct wrap *w, unsigned v)
{
	inner(w, v);
	wrap_ipv6(w, v == 4 ? 4 : 41, 8, 9);
	wrap_ipv4(w, 41, 8, 9);
	wrap_ethernet(w);
}

static inline void make_ah(struct wrap *w, unsigned v)
{
	inner(w, v);
	wrap_front(w, (const uint8_t[]){v == 4 ? 4 : 41, 1, 0, 0, 0, 0, 0, 1, 0, 0, 0, 1}, 12);
	outer(w, 51);
}

static inline void make_teredo(struct wrap *w, unsigned v)
{
	inner(w, v);
	wrap_udp(w, 50000, 3544);
	outer(w, 17);
}

/* Authentication with two octets of identifier and none of a value, then the origin. */
static inline void make_teredo_all(struct wrap *w, unsigned v)
{
	inner(w, v);
	wrap_front(w, "\0\0\1\2\3\4\5\6", 8);
	wrap_front(w, "\0\1\2\0id12345678\0", 15);
	wrap_udp(w, 3544, 50000);
	outer(w, 17);
}

static inline void make_link_ip(struct wrap *w, unsigned v)
{
	inner(w, v);
}

static inline void make_sll(struct wrap *w, unsigned v)
{
	inner(w, v);
	wrap_be16(wrap_zeros(w, 2), w->type);
	wrap_zeros(w, 14);
}

static inline void make_sll2(struct wrap *w, unsigned v)
{
	inner(w, v);
	wrap_zeros(w, 18);
	wrap_be16(wrap_zeros(w, 2), w->type);
}

static inline void make_null(struct wrap *w, unsigned v)
{
	inner(w, v);
	wrap_front(w, v == 4 ? "\2\0\0\0" : "\x1e\0\0\0", 4);
}

static inline void snap(struct wrap *w)
{
	wrap_be16(wrap_zeros(w, 2), w->type);
	wrap_front(w, "\xaa\xaa\3\0\0\0", 6);
}

static inline void make_fddi(struct wrap *w, unsigned v)
{
	inner(w, v);
	snap(w);
	wrap_zeros(w, 13);
}

static inline void make_ppp(struct wrap *w, unsigned v)
{
	inner(w, v);
	wrap_ppp(w, false);
	wrap_front(w, "\xff\3", 2);
}

static inline void make_ppp_bare(struct wrap *w, unsigned v)
{
	inner(w, v);
	wrap_ppp(w, true);
}

static inline void make_hdlc(struct wrap *w, unsigned v)
{
	inner(w, v);
	wrap_be16(wrap_zeros(w, 2), w->type);
	wrap_front(w, "\x0f\0", 2);
}

static inline void make_arcnet(struct wrap *w, unsigned v)
{
	inner(w, v);
	wrap_front(w, v == 4 ? "\1\2\0\0\xd4\0\0\1" : "\1\2\0\0\xc4\0\0\1", 8);
}

static inline void make_arcnet_1051(struct wrap *w, unsigned v)
{
	inner(w, v);
	wrap_front(w, "\1\2\0\0\xf0", 5);
}

/* An attribute of five octets with its padding, then the packet; little-endian. */
static inline void make_nflog(struct wrap *w, unsigned v)
{
	inner(w, v);
	uint32_t n = wrap_len(w) + 4;
	wrap_front(w, (const uint8_t[]){(uint8_t)n, (uint8_t)(n >> 8), 9, 0}, 4);
	wrap_front(w, "\5\0\12\0x\0\0\0", 8);
	wrap_front(w, v == 4 ? "\2\0\0\0" : "\12\0\0\0", 4);
}

static inline void make_nflog_big(struct wrap *w, unsigned v)
{
	inner(w, v);
	uint32_t n = wrap_len(w) + 4;
	wrap_front(w, (const uint8_t[]){(uint8_t)(n >> 8), (uint8_t)n, 0, 9}, 4);
	wrap_front(w, v == 4 ? "\2\0\0\0" : "\12\0\0\0", 4);
}

static inline void make_80211(struct wrap *w, unsigned v)
{
	inner(w, v);
	snap(w);
	wrap_zeros(w, 22);
	wrap_front(w, "\x08\1", 2);
}

/* Quality of service, four addresses, a throughput control field. */
static inline void make_80211_all(struct wrap *w, unsigned v)
{
	inner(w, v);
	snap(w);
	wrap_zeros(w, 6 + 6 + 22);
	wrap_front(w, "\x88\x83", 2);
}

/* Timestamp and flags, which say that the MAC header is padded to 28. */
static inline void make_radiotap(struct wrap *w, unsigned v)
{
	inner(w, v);
	snap(w);
	wrap_zeros(w, 2); /* padding */
	wrap_zeros(w, 2); /* quality of service */
	wrap_zeros(w, 22);
	wrap_front(w, "\x88\1", 2);
	wrap_front(w, "\0\0\x11\0\3\0\0\0\1\2\3\4\5\6\7\10\x20", 17);
}

static inline void make_ppi(struct wrap *w, unsigned v)
{
	inner_frame(w, v);
	wrap_front(w, "\0\0\14\0\1\0\0\0\1\2\3\4", 12);
}

#define BIT(layer) (1u << WIRE_LAYER_##layer)
#define BOTH 0u /* versions of IP inside */

static const struct sample {
	const char *name;
	enum wire_link link;
	void (*make)(struct wrap *w, unsigned version);
	unsigned version; /* BOTH, 4 or 6 */
	unsigned layers;
} samples[] = {
	{"MPLS", WIRE_LINK_ETHERNET, make_mpls, BOTH, BIT(MPLS)},
	{"MPLS pseudowire", WIRE_LINK_ETHERNET, make_pseudowire, BOTH, BIT(MPLS)},
	{"MPLS pseudowire, no control word", WIRE_LINK_ETHERNET, make_pseudowire_bare, BOTH,
		BIT(MPLS)},
	{"MPLS pseudowire to 44:...", WIRE_LINK_ETHERNET, make_pseudowire_like_ipv4, BOTH,
		BIT(MPLS)},
	{"MPLS pseudowire to 68:...", WIRE_LINK_ETHERNET, make_pseudowire_like_ipv6, BOTH,
		BIT(MPLS)},
	{"MPLS in IP", WIRE_LINK_ETHERNET, make_mpls_in_ip, BOTH, BIT(MPLS)},
	{"PPPoE", WIRE_LINK_ETHERNET, make_pppoe, BOTH, BIT(VLAN) | BIT(PPPOE) | BIT(PPP)},
	{"GRE", WIRE_LINK_ETHERNET, make_gre, BOTH, BIT(GRE)},
	{"GRE, all fields", WIRE_LINK_ETHERNET, make_gre_all, BOTH, BIT(GRE)},
	{"GRE, Ethernet", WIRE_LINK_ETHERNET, make_gre_bridged, BOTH, BIT(GRE)},
	{"GRE, PPTP", WIRE_LINK_ETHERNET, make_pptp, BOTH, BIT(GRE) | BIT(PPP)},
	{"GRE in UDP", WIRE_LINK_ETHERNET, make_gre_udp, BOTH, BIT(GRE)},
	{"ERSPAN I", WIRE_LINK_ETHERNET, make_erspan_1, BOTH, BIT(GRE) | BIT(ERSPAN)},
	{"ERSPAN II", WIRE_LINK_ETHERNET, make_erspan_2, BOTH, BIT(GRE) | BIT(ERSPAN)},
	{"ERSPAN III", WIRE_LINK_ETHERNET, make_erspan_3, BOTH, BIT(GRE) | BIT(ERSPAN)},
	{"ERSPAN III, IP", WIRE_LINK_ETHERNET, make_erspan_3_ip, BOTH, BIT(GRE) | BIT(ERSPAN)},
	{"VXLAN", WIRE_LINK_ETHERNET, make_vxlan, BOTH, BIT(VXLAN)},
	{"VXLAN-GPE", WIRE_LINK_ETHERNET, make_vxlan_gpe, BOTH, BIT(VXLAN)},
	{"Geneve", WIRE_LINK_ETHERNET, make_geneve, BOTH, BIT(GENEVE)},
	{"Geneve, IP", WIRE_LINK_ETHERNET, make_geneve_ip, BOTH, BIT(GENEVE)},
	{"GTP-U", WIRE_LINK_ETHERNET, make_gtp, BOTH, BIT(GTP)},
	{"GTP-U, extended", WIRE_LINK_ETHERNET, make_gtp_extended, BOTH, BIT(GTP)},
	{"L2TP", WIRE_LINK_ETHERNET, make_l2tp, BOTH, BIT(L2TP) | BIT(PPP)},
	{"L2TP, all fields", WIRE_LINK_ETHERNET, make_l2tp_all, BOTH, BIT(L2TP) | BIT(PPP)},
	{"IP in IPv6 in IPv4", WIRE_LINK_ETHERNET, make_ipip, BOTH, BIT(IPIP)},
	{"AH", WIRE_LINK_ETHERNET, make_ah, BOTH, BIT(IPV6_EXT) | BIT(IPIP)},
	{"Teredo", WIRE_LINK_ETHERNET, make_teredo, 6, BIT(TEREDO)},
	{"Teredo, all fields", WIRE_LINK_ETHERNET, make_teredo_all, 6, BIT(TEREDO)},
	{"raw", WIRE_LINK_RAW, make_link_ip, BOTH, 0},
	{"cooked", WIRE_LINK_SLL, make_sll, BOTH, 0},
	{"cooked v2", WIRE_LINK_SLL2, make_sll2, BOTH, 0},
	{"null", WIRE_LINK_NULL, make_null, BOTH, 0},
	{"FDDI", WIRE_LINK_FDDI, make_fddi, BOTH, BIT(LLC)},
	{"PPP", WIRE_LINK_PPP, make_ppp, BOTH, BIT(PPP)},
	{"PPP, compressed", WIRE_LINK_PPP, make_ppp_bare, BOTH, BIT(PPP)},
	{"PPP, HDLC", WIRE_LINK_PPP, make_hdlc, BOTH, 0},
	{"HDLC", WIRE_LINK_HDLC, make_hdlc, BOTH, 0},
	{"ARCnet", WIRE_LINK_ARCNET, make_arcnet, BOTH, 0},
	{"ARCnet, RFC 1051", WIRE_LINK_ARCNET, make_arcnet_1051, 4, 0},
	{"NFLOG", WIRE_LINK_NFLOG, make_nflog, BOTH, 0},
	{"NFLOG, big-endian", WIRE_LINK_NFLOG, make_nflog_big, BOTH, 0},
	{"802.11", WIRE_LINK_80211, make_80211, BOTH, BIT(LLC)},
	{"802.11, all fields", WIRE_LINK_80211, make_80211_all, BOTH, BIT(LLC)},
	{"radiotap", WIRE_LINK_RADIOTAP, make_radiotap, BOTH, BIT(LLC)},
	{"PPI", WIRE_LINK_PPI, make_ppi, BOTH, 0},
};
#define SAMPLES (sizeof(samples) / sizeof(samples[0]))

/* Calls fn with every sample in each of its versions. */
static inline void each_sample(void (*fn)(const struct sample *s, unsigned version, struct wrap *w))
{
	static struct wrap w;

	for (size_t i = 0; i < SAMPLES; i++) {
		for (unsigned v = 4; v <= 6; v += 2) {
			if (samples[i].version && samples[i].version != v)
				continue;
			samples[i].make(&w, v);
			fn(&samples[i], v, &w);
		}
	}
}
