/* SPDX-License-Identifier: BSD-3-Clause */

#include "wire/walk.h"

#define ETHERNET_LEN 14u
#define TAG_LEN 4u
#define UDP_LEN 8u

/* Not decided: the frame is one for the walk. */
#define UNDECIDED WIRE_VERDICT_COUNT

/*
 * What nearly all frames of a DNS tap are: Ethernet, at most one tag, an IP header without
 * options, UDP, all of it there. Anything else is left to the walk, which would come to the
 * same verdict.
 */
static inline enum wire_verdict decode_plain(
	const struct wire_config *cfg, const uint8_t *frame, uint32_t len, struct wire_packet *out)
{
	const uint8_t *ip = frame + ETHERNET_LEN, *udp;
	uint16_t sport, dport;

	if (unlikely(len < ETHERNET_LEN + 20 + UDP_LEN))
		return UNDECIDED;
	unsigned type = load_be16(frame + 12);
	if (type == ETHERTYPE_VLAN) {
		type = load_be16(ip + 2);
		ip += TAG_LEN;
		out->layers = 1u << WIRE_LAYER_VLAN;
		out->depth = 1;
	}
	uint32_t left = len - (uint32_t)(ip - frame);
	if (likely(type == ETHERTYPE_IPV4)) {
		uint32_t total = load_be16(ip + 2);
		if (ip[0] != 0x45 || ip[9] != PROTO_UDP || load_be16(ip + 6) & 0x3fff ||
			total < 20 + UDP_LEN || total > left)
			return UNDECIDED;
		udp = ip + 20;
		left = total - 20;
		out->ip_version = 4;
		out->saddr = ip + 12;
		out->daddr = ip + 16;
	} else if (type == ETHERTYPE_IPV6) {
		if (left < 40 + UDP_LEN || ip[0] >> 4 != 6 || ip[6] != PROTO_UDP)
			return UNDECIDED;
		uint32_t payload = load_be16(ip + 4);
		if (payload < UDP_LEN || payload > left - 40)
			return UNDECIDED;
		udp = ip + 40;
		left = payload;
		out->ip_version = 6;
		out->saddr = ip + 8;
		out->daddr = ip + 24;
	} else {
		return UNDECIDED;
	}
	memcpy(&sport, udp, sizeof(sport));
	memcpy(&dport, udp + 2, sizeof(dport));
	/* One of them is zero: without a branch, as queries and responses come in any order. */
	uint32_t other = (uint32_t)(sport ^ cfg->ports[0]) * (uint32_t)(dport ^ cfg->ports[0]);
	if (unlikely(other) && !wire_port_is_dns(cfg, sport) && !wire_port_is_dns(cfg, dport))
		return wire_port_is_special(cfg, sport) || wire_port_is_special(cfg, dport)
			       ? UNDECIDED
			       : WIRE_OTHER_PORT;
	uint32_t datagram = load_be16(udp + 4);
	if (unlikely(datagram < UDP_LEN || datagram > left))
		return UNDECIDED;
	out->payload = udp + UDP_LEN;
	out->payload_len = out->payload_wire = datagram - UDP_LEN;
	out->sport = __builtin_bswap16(sport);
	out->dport = __builtin_bswap16(dport);
	out->transport = WIRE_UDP;
	return WIRE_DNS;
}

static void out_clear(struct wire_packet *out)
{
	out->layers = 0;
	out->depth = 0;
	out->ip_version = 0;
	out->cut = false;
}

static enum step walk_ethernet(struct walk *w)
{
	NEED(w, ETHERNET_LEN, WIRE_BAD_LINK);
	w->type = load_be16(w->p + 12);
	advance(w, ETHERNET_LEN);
	return STEP_ETHERTYPE;
}

static enum step walk_tag(struct walk *w)
{
	NEED(w, TAG_LEN, WIRE_BAD_LINK);
	w->type = load_be16(w->p + 2);
	advance(w, TAG_LEN);
	layer_seen(w, WIRE_LAYER_VLAN);
	return STEP_ETHERTYPE;
}

static enum step walk_ethertype(struct walk *w)
{
	switch (w->type) {
	case ETHERTYPE_IPV4:
		return STEP_IPV4;
	case ETHERTYPE_IPV6:
		return STEP_IPV6;
	case ETHERTYPE_VLAN:
	case ETHERTYPE_QINQ:
	case ETHERTYPE_QINQ_9100:
	case ETHERTYPE_QINQ_9200:
		return walk_tag(w);
	case ETHERTYPE_MPLS:
	case ETHERTYPE_MPLS_MULTI:
		return STEP_MPLS;
	case ETHERTYPE_PPPOE:
		return walk_pppoe(w);
	case ETHERTYPE_BRIDGED:
		return STEP_ETHERNET;
	default:
		if (w->type > ETHERTYPE_LENGTH_MAX)
			return end(w, WIRE_NOT_IP);
		shorten(w, w->type);
		return STEP_LLC;
	}
}

static enum wire_verdict walk(struct walk *w, enum step step)
{
	while (step != STEP_END) {
		if (unlikely(w->out->depth > WIRE_DEPTH_MAX))
			return WIRE_TOO_DEEP;
		switch (step) {
		case STEP_LINK:
			step = walk_link(w);
			break;
		case STEP_ETHERNET:
			step = walk_ethernet(w);
			break;
		case STEP_ETHERTYPE:
			step = walk_ethertype(w);
			break;
		case STEP_LLC:
			step = walk_llc(w);
			break;
		case STEP_PPP:
			step = walk_ppp(w);
			break;
		case STEP_MPLS:
			step = walk_mpls(w);
			break;
		case STEP_IP:
			step = walk_ip(w);
			break;
		case STEP_IPV4:
			step = walk_ipv4(w);
			break;
		case STEP_IPV6:
			step = walk_ipv6(w);
			break;
		case STEP_PROTOCOL:
			step = walk_protocol(w);
			break;
		case STEP_GRE:
			step = walk_gre(w);
			break;
		case STEP_UDP_TUNNEL:
			step = walk_udp_tunnel(w);
			break;
		case STEP_END:
			break;
		}
	}
	/* What an ICMP error quotes was seen before; it is told, and is no evidence. */
	if (unlikely(w->quoted))
		return w->verdict == WIRE_DNS ? WIRE_QUOTED : WIRE_NOT_UDP;
	return w->verdict;
}

static __attribute__((noinline)) enum wire_verdict decode_any(const struct wire_config *cfg,
	enum wire_link link, const uint8_t *frame, uint32_t caplen, uint32_t wirelen,
	struct wire_packet *out)
{
	struct walk w = {
		.p = frame,
		.have = caplen,
		.wire = wirelen,
		.cfg = cfg,
		.out = out,
		.link = link,
	};

	out_clear(out);
	return walk(&w, link == WIRE_LINK_ETHERNET ? STEP_ETHERNET : STEP_LINK);
}

enum wire_verdict wire_decode(const struct wire_config *cfg, enum wire_link link,
	const uint8_t *frame, uint32_t caplen, uint32_t wirelen, struct wire_packet *out)
{
	if (likely(link == WIRE_LINK_ETHERNET && caplen >= wirelen)) {
		out_clear(out);
		enum wire_verdict v = decode_plain(cfg, frame, caplen, out);
		if (likely(v != UNDECIDED))
			return v;
	}
	return decode_any(cfg, link, frame, caplen, wirelen < caplen ? caplen : wirelen, out);
}

static enum wire_verdict decode_behind(
	const struct wire_config *cfg, struct wire_packet *out, uint32_t wire)
{
	struct walk w = {
		.p = out->payload,
		.have = out->payload_len,
		.wire = wire,
		.cfg = cfg,
		.out = out,
		.type = out->fragment_proto,
	};

	out->cut = false;
	layer_seen(&w, WIRE_LAYER_FRAGMENT);
	return walk(&w, STEP_PROTOCOL);
}

enum wire_verdict wire_decode_whole(const struct wire_config *cfg, struct wire_packet *out)
{
	return decode_behind(cfg, out, out->payload_len);
}

enum wire_verdict wire_decode_first(const struct wire_config *cfg, struct wire_packet *out)
{
	return decode_behind(cfg, out, UINT16_MAX);
}
