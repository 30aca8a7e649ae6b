/* SPDX-License-Identifier: BSD-3-Clause */

/* IP headers, extension headers, and what lies behind them. */

#include "wire/walk.h"

#define IPV6_EXT_MAX 8u
#define TCP_LEN 20u
#define UDP_LEN 8u
#define ICMP_LEN 8u

#define PORT_DOH 443u
#define PORT_DOT 853u /* and of DNS over QUIC, RFC 9250 */
#define PORT_DOQ_DRAFT 784u
#define PORT_DOQ_LATER 8853u

enum step walk_ip(struct walk *w)
{
	NEED(w, 1, WIRE_BAD_LINK);
	switch (w->p[0] >> 4) {
	case 4:
		return STEP_IPV4;
	case 6:
		return STEP_IPV6;
	default:
		return end(w, WIRE_NOT_IP);
	}
}

/* Protocols whose fragments may hold DNS in the end; others are not worth keeping. */
static bool fragment_wanted(unsigned proto)
{
	switch (proto) {
	case PROTO_UDP:
	case PROTO_TCP:
	case PROTO_IPV4:
	case PROTO_IPV6:
	case PROTO_GRE:
	case PROTO_MPLS:
	case PROTO_HOPOPTS:
	case PROTO_ROUTING:
	case PROTO_AH:
	case PROTO_DSTOPTS:
	case PROTO_MOBILITY:
	case PROTO_HIP:
	case PROTO_SHIM6:
		return true;
	default:
		return false;
	}
}

static enum step end_fragment(struct walk *w, unsigned proto, uint32_t id, unsigned offset_more)
{
	struct wire_packet *out = w->out;

	/* Of IPv6 only the first fragment names the protocol that counts (RFC 8200, 4.5). */
	bool named = out->ip_version == 4 || (offset_more & ~7u) == 0;

	if (named && !fragment_wanted(proto))
		return end(w, proto == PROTO_ESP ? WIRE_ESP : WIRE_NOT_UDP);
	out->fragment_proto = (uint8_t)proto;
	out->fragment_id = id;
	out->fragment_offset = (uint16_t)(offset_more & ~7u);
	out->fragment_more = offset_more & 1;
	out->payload = w->p;
	out->payload_len = w->have;
	out->payload_wire = w->wire;
	out->cut = w->have < w->wire;
	return end(w, out->ip_version == 4 ? WIRE_FRAGMENT_V4 : WIRE_FRAGMENT_V6);
}

enum step walk_ipv4(struct walk *w)
{
	NEED(w, 20, WIRE_BAD_IPV4);
	const uint8_t *ip = w->p;
	uint32_t header = (ip[0] & 0xfu) * 4;
	uint32_t total = load_be16(ip + 2);
	unsigned frag = load_be16(ip + 6);

	/* An IP header behind the wrong EtherType is a liar's, not a packet. */
	if (unlikely(ip[0] >> 4 != 4 || header < 20))
		return end(w, WIRE_BAD_IPV4);
	if (likely(total != 0)) {
		if (unlikely(total < header || (total > w->wire && !w->quoted)))
			return end(w, WIRE_BAD_IPV4);
		if (w->quoted)
			w->wire = total;
		shorten(w, total);
	} /* else: segmentation offload left the length to the frame */
	NEED(w, header, WIRE_BAD_IPV4);
	w->out->ip_version = 4;
	w->out->saddr = ip + 12;
	w->out->daddr = ip + 16;
	advance(w, header);
	if (unlikely(frag & 0x3fff)) /* more fragments, or an offset in units of 8 octets */
		return end_fragment(
			w, ip[9], load_be16(ip + 4), (frag & 0x1fffu) * 8 | (frag >> 13 & 1));
	w->type = ip[9];
	return STEP_PROTOCOL;
}

enum step walk_ipv6(struct walk *w)
{
	NEED(w, 40, WIRE_BAD_IPV6);
	const uint8_t *ip = w->p;
	uint32_t payload = load_be16(ip + 4);

	if (unlikely(ip[0] >> 4 != 6))
		return end(w, WIRE_BAD_IPV6);
	w->out->ip_version = 6;
	w->out->saddr = ip + 8;
	w->out->daddr = ip + 24;
	w->type = ip[6];
	advance(w, 40);
	if (likely(payload != 0)) {
		if (unlikely(payload > w->wire && !w->quoted))
			return end(w, WIRE_BAD_IPV6);
		if (w->quoted)
			w->wire = payload;
		shorten(w, payload);
	} /* else: a jumbogram or segmentation offload; the frame bounds it */
	return STEP_PROTOCOL;
}

/* Octets of the extension header at the front, 0 where w->type is none. At least 8 are there. */
static uint32_t extension_len(const struct walk *w)
{
	switch (w->type) {
	case PROTO_HOPOPTS:
	case PROTO_ROUTING:
	case PROTO_DSTOPTS:
	case PROTO_MOBILITY:
	case PROTO_HIP:
	case PROTO_SHIM6:
		return (w->p[1] + 1u) * 8;
	case PROTO_AH:
		return (w->p[1] + 2u) * 4;
	case PROTO_FRAGMENT:
		return 8;
	default:
		return 0;
	}
}

static bool is_extension(const struct walk *w)
{
	switch (w->type) {
	case PROTO_HOPOPTS:
	case PROTO_ROUTING:
	case PROTO_DSTOPTS:
	case PROTO_MOBILITY:
	case PROTO_HIP:
	case PROTO_SHIM6:
	case PROTO_FRAGMENT:
		return w->out->ip_version == 6;
	case PROTO_AH:
		return true; /* IPv4 has it, too */
	default:
		return false;
	}
}

/* Extension headers to the transport; STEP_PROTOCOL when it is there. */
static enum step walk_extensions(struct walk *w)
{
	for (unsigned i = 0; is_extension(w); i++) {
		if (i == IPV6_EXT_MAX)
			return end(w, WIRE_TOO_DEEP);
		NEED(w, 8, WIRE_BAD_IPV6);
		const uint8_t *header = w->p;
		bool fragment = w->type == PROTO_FRAGMENT;
		uint32_t len = extension_len(w);

		NEED(w, len, WIRE_BAD_IPV6);
		w->type = header[0];
		advance(w, len);
		/* An atomic fragment (RFC 6946) is whole. */
		if (fragment && load_be16(header + 2) & 0xfff9)
			return end_fragment(
				w, w->type, load_be32(header + 4), load_be16(header + 2));
		w->out->layers |= UINT32_C(1) << WIRE_LAYER_IPV6_EXT;
	}
	return STEP_PROTOCOL;
}

/* Neither DNS nor a tunnel: encrypted DNS, or somebody else's. */
static enum wire_verdict verdict_by_port(const struct walk *w)
{
	const struct wire_packet *out = w->out;
	static const uint16_t doq[] = {PORT_DOT, PORT_DOQ_DRAFT, PORT_DOQ_LATER};

	for (unsigned i = 0; i < sizeof(doq) / sizeof(doq[0]); i++)
		if (out->sport == doq[i] || out->dport == doq[i])
			return WIRE_DOQ;
	if ((out->sport == PORT_DOH || out->dport == PORT_DOH) && wire_resolver_known(w->cfg, out))
		return WIRE_DOH;
	return WIRE_OTHER_PORT;
}

static enum step walk_udp(struct walk *w)
{
	struct wire_packet *out = w->out;
	uint16_t sport, dport;

	NEED(w, UDP_LEN, WIRE_BAD_UDP);
	memcpy(&sport, w->p, sizeof(sport));
	memcpy(&dport, w->p + 2, sizeof(dport));
	out->sport = __builtin_bswap16(sport);
	out->dport = __builtin_bswap16(dport);
	bool dns = wire_port_is_dns(w->cfg, sport) || wire_port_is_dns(w->cfg, dport);
	int tunnel = dns || w->quoted ? -1 : wire_tunnel_of(w->cfg, sport, dport);
	if (!dns && tunnel < 0)
		return end(w, verdict_by_port(w));
	uint32_t len = load_be16(w->p + 4);
	if (unlikely(len < UDP_LEN || (len > w->wire && !w->quoted)))
		return end(w, WIRE_BAD_UDP);
	shorten(w, len);
	advance(w, UDP_LEN);
	if (tunnel >= 0) {
		w->type = (unsigned)tunnel;
		return STEP_UDP_TUNNEL;
	}
	out->payload = w->p;
	out->payload_len = w->have;
	out->payload_wire = w->wire;
	out->cut = w->have < w->wire;
	out->transport = WIRE_UDP;
	/* Only a DNS header makes a cut datagram readable. */
	return end(w, out->cut && w->have < 12 ? WIRE_CUT : WIRE_DNS);
}

static enum step walk_tcp(struct walk *w)
{
	struct wire_packet *out = w->out;
	uint16_t sport, dport;

	NEED(w, 4, WIRE_TCP_OTHER);
	memcpy(&sport, w->p, sizeof(sport));
	memcpy(&dport, w->p + 2, sizeof(dport));
	out->sport = __builtin_bswap16(sport);
	out->dport = __builtin_bswap16(dport);
	if (!wire_port_is_dns(w->cfg, sport) && !wire_port_is_dns(w->cfg, dport)) {
		if (out->sport == PORT_DOT || out->dport == PORT_DOT)
			return end(w, WIRE_DOT);
		if ((out->sport == PORT_DOH || out->dport == PORT_DOH) &&
			wire_resolver_known(w->cfg, out))
			return end(w, WIRE_DOH);
		return end(w, WIRE_TCP_OTHER);
	}
	NEED(w, TCP_LEN, WIRE_BAD_TCP);
	uint32_t header = (w->p[12] >> 4) * 4u;
	if (unlikely(header < TCP_LEN))
		return end(w, WIRE_BAD_TCP);
	NEED(w, header, WIRE_BAD_TCP);
	out->seq = load_be32(w->p + 4);
	out->tcp_flags = w->p[13];
	out->transport = WIRE_TCP;
	advance(w, header);
	out->payload = w->p;
	out->payload_len = w->have;
	out->payload_wire = w->wire;
	out->cut = w->have < w->wire;
	return end(w, WIRE_TCP_DNS);
}

/* Errors quote the packet that caused them; other messages carry none. */
static enum step walk_icmp(struct walk *w)
{
	NEED(w, ICMP_LEN, WIRE_NOT_UDP);
	unsigned type = w->p[0];
	bool error = w->type == PROTO_ICMP
			     ? type == 3 || type == 4 || type == 5 || type == 11 || type == 12
			     : type >= 1 && type <= 4;

	if (!error || w->quoted)
		return end(w, WIRE_NOT_UDP);
	advance(w, ICMP_LEN);
	w->quoted = true;
	layer_seen(w, WIRE_LAYER_ICMP);
	return STEP_IP;
}

enum step walk_protocol(struct walk *w)
{
	enum step step = walk_extensions(w);

	if (step == STEP_END)
		return step;
	if (likely(w->type == PROTO_UDP))
		return walk_udp(w);
	if (w->type == PROTO_ICMP || w->type == PROTO_ICMPV6)
		return walk_icmp(w);
	/* A quote is too short for more, and a stream's or a tunnel's was seen on its way. */
	if (unlikely(w->quoted))
		return end(w, WIRE_NOT_UDP);
	switch (w->type) {
	case PROTO_TCP:
		return walk_tcp(w);
	case PROTO_IPV4:
		layer_seen(w, WIRE_LAYER_IPIP);
		return STEP_IPV4;
	case PROTO_IPV6:
		layer_seen(w, WIRE_LAYER_IPIP);
		return STEP_IPV6;
	case PROTO_GRE:
		return STEP_GRE;
	case PROTO_MPLS:
		return STEP_MPLS;
	case PROTO_ESP:
		return end(w, WIRE_ESP);
	default:
		return end(w, WIRE_NOT_UDP);
	}
}

bool wire_fragment_matters(const struct wire_config *cfg, const struct wire_packet *p)
{
	uint16_t sport, dport;

	if ((p->fragment_proto != PROTO_UDP && p->fragment_proto != PROTO_TCP) ||
		p->payload_len < 4)
		return true;
	memcpy(&sport, p->payload, sizeof(sport));
	memcpy(&dport, p->payload + 2, sizeof(dport));
	if (wire_port_is_dns(cfg, sport) || wire_port_is_dns(cfg, dport))
		return true;
	return p->fragment_proto == PROTO_UDP && wire_tunnel_of(cfg, sport, dport) >= 0;
}
