/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

/*
 * What the layers of the decoder share: a walk over one frame, and the steps it takes.
 *
 * A layer reads its own header off the walk's front and says what comes next. Each of
 * them takes at least two octets, so a walk ends; encapsulations are counted besides.
 */

#include "base/bits.h"
#include "wire/wire.h"

/* What the octets at the front are. */
enum step {
	STEP_END,       /* the verdict stands */
	STEP_LINK,      /* a frame of walk.link */
	STEP_ETHERNET,  /* an Ethernet header */
	STEP_ETHERTYPE, /* what walk.type says, an EtherType */
	STEP_LLC,
	STEP_PPP,  /* PPP from its protocol field or from address and control */
	STEP_MPLS, /* a label stack */
	STEP_IP,   /* IPv4 or IPv6 by the first nibble */
	STEP_IPV4,
	STEP_IPV6,
	STEP_PROTOCOL, /* what walk.type says, an IP protocol number */
	STEP_GRE,
	STEP_UDP_TUNNEL, /* what walk.type says, an enum wire_tunnel */
};

struct walk {
	const uint8_t *p;
	uint32_t have; /* octets that can be read */
	uint32_t wire; /* octets that belong to this layer, have <= wire */
	const struct wire_config *cfg;
	struct wire_packet *out;
	enum wire_link link;
	unsigned type;
	bool quoted; /* inside an ICMP error, which quotes only the start of a packet */
	enum wire_verdict verdict;
};

enum protocol {
	PROTO_HOPOPTS = 0,
	PROTO_ICMP = 1,
	PROTO_IPV4 = 4,
	PROTO_TCP = 6,
	PROTO_UDP = 17,
	PROTO_IPV6 = 41,
	PROTO_ROUTING = 43,
	PROTO_FRAGMENT = 44,
	PROTO_GRE = 47,
	PROTO_ESP = 50,
	PROTO_AH = 51,
	PROTO_ICMPV6 = 58,
	PROTO_DSTOPTS = 60,
	PROTO_MOBILITY = 135,
	PROTO_MPLS = 137,
	PROTO_HIP = 139,
	PROTO_SHIM6 = 140,
};

enum ethertype {
	ETHERTYPE_LENGTH_MAX = 0x05ff, /* up to here an IEEE 802.3 length */
	ETHERTYPE_IPV4 = 0x0800,
	ETHERTYPE_BRIDGED = 0x6558, /* transparent Ethernet bridging */
	ETHERTYPE_VLAN = 0x8100,
	ETHERTYPE_IPV6 = 0x86dd,
	ETHERTYPE_MPLS = 0x8847,
	ETHERTYPE_MPLS_MULTI = 0x8848,
	ETHERTYPE_PPPOE = 0x8864, /* the session stage; discovery carries no packets */
	ETHERTYPE_PPP = 0x880b,
	ETHERTYPE_ERSPAN = 0x88be, /* types I and II */
	ETHERTYPE_QINQ = 0x88a8,
	ETHERTYPE_ERSPAN_III = 0x22eb,
	ETHERTYPE_QINQ_9100 = 0x9100,
	ETHERTYPE_QINQ_9200 = 0x9200,
};

static inline void advance(struct walk *w, uint32_t n)
{
	w->p += n;
	w->have -= n;
	w->wire -= n;
}

/* The layer ends after n octets (padding behind it is dropped). */
static inline void shorten(struct walk *w, uint32_t n)
{
	if (n < w->wire)
		w->wire = n;
	if (w->have > w->wire)
		w->have = w->wire;
}

static inline enum step end(struct walk *w, enum wire_verdict v)
{
	w->verdict = v;
	return STEP_END;
}

/* Fewer than n octets are there: the capture's fault, or the sender's, then `malformed`. */
static inline enum step end_short(struct walk *w, uint32_t n, enum wire_verdict malformed)
{
	return end(w, w->wire >= n || w->quoted ? WIRE_CUT : malformed);
}

#define NEED(w, n, malformed) \
	do { \
		if (unlikely((w)->have < (n))) \
			return end_short(w, n, malformed); \
	} while (0)

static inline void layer_seen(struct walk *w, enum wire_layer l)
{
	w->out->layers |= UINT32_C(1) << l;
	w->out->depth++;
}

static inline bool wire_port_is_dns(const struct wire_config *cfg, uint16_t be)
{
	if (likely(be == cfg->ports[0]))
		return true;
	for (unsigned i = 1; i < WIRE_PORTS_MAX; i++)
		if (be == cfg->ports[i])
			return true;
	return false;
}

static inline bool wire_port_is_special(const struct wire_config *cfg, uint16_t be)
{
	return cfg->udp_special[be / 64] >> (be % 64) & 1;
}

/* The kind of tunnel that a UDP datagram to (or, of some kinds, from) a port is, or -1. */
int wire_tunnel_of(const struct wire_config *cfg, uint16_t sport_be, uint16_t dport_be);

/* Is one side of the packet a known resolver of DNS over HTTPS? */
bool wire_resolver_known(const struct wire_config *cfg, const struct wire_packet *p);

/* The layers; each in the file that its kind is named after. */
enum step walk_link(struct walk *w);
enum step walk_llc(struct walk *w);
enum step walk_ppp(struct walk *w);
enum step walk_ip(struct walk *w);
enum step walk_ipv4(struct walk *w);
enum step walk_ipv6(struct walk *w);
enum step walk_protocol(struct walk *w);
enum step walk_mpls(struct walk *w);
enum step walk_pppoe(struct walk *w);
enum step walk_gre(struct walk *w);
enum step walk_udp_tunnel(struct walk *w);
