/* SPDX-License-Identifier: BSD-3-Clause */

#include "base/bits.h"
#include "wire/wire.h"

#define LAYERS_MAX 16u
#define IPV6_EXT_MAX 8u

#define ETHERTYPE_IPV4 0x0800u
#define ETHERTYPE_IPV6 0x86ddu
#define ETHERTYPE_VLAN 0x8100u
#define ETHERTYPE_QINQ 0x88a8u
#define ETHERTYPE_QINQ_9100 0x9100u
#define ETHERTYPE_QINQ_9200 0x9200u

enum protocol {
	PROTO_HOPOPTS = 0,
	PROTO_TCP = 6,
	PROTO_UDP = 17,
	PROTO_ROUTING = 43,
	PROTO_FRAGMENT = 44,
	PROTO_ESP = 50,
	PROTO_AH = 51,
	PROTO_DSTOPTS = 60,
	PROTO_MOBILITY = 135,
	PROTO_HIP = 139,
	PROTO_SHIM6 = 140,
};

/* Where the decoder stands: what can be read, and what was on the wire. */
struct cursor {
	const uint8_t *p;
	uint32_t have; /* octets that can be read */
	uint32_t wire; /* octets that belong to this layer, have <= wire */
};

static inline void advance(struct cursor *c, uint32_t n)
{
	c->p += n;
	c->have -= n;
	c->wire -= n;
}

/* The layer ends after n octets (padding behind it is dropped). */
static inline void shorten(struct cursor *c, uint32_t n)
{
	if (n < c->wire)
		c->wire = n;
	if (c->have > c->wire)
		c->have = c->wire;
}

/* n octets of header are wanted: 0 when there, else the verdict that says why not. */
static inline enum wire_verdict lacking(
	const struct cursor *c, uint32_t n, enum wire_verdict malformed)
{
	if (likely(c->have >= n))
		return WIRE_DNS;
	return c->wire >= n ? WIRE_CUT : malformed;
}

#define HOT static inline __attribute__((always_inline)) enum wire_verdict

#define NEED(c, n, malformed) \
	do { \
		enum wire_verdict lack_ = lacking(c, n, malformed); \
		if (unlikely(lack_ != WIRE_DNS)) \
			return lack_; \
	} while (0)

static inline bool is_dns_port(const struct wire_config *cfg, const uint8_t *port)
{
	uint16_t be;

	memcpy(&be, port, sizeof(be));
	if (likely(be == cfg->ports[0]))
		return true;
	for (unsigned i = 1; i < WIRE_PORTS_MAX; i++)
		if (be == cfg->ports[i])
			return true;
	return false;
}

HOT decode_udp(const struct wire_config *cfg, struct cursor *c, struct wire_packet *out)
{
	NEED(c, 8, WIRE_BAD_UDP);
	if (!is_dns_port(cfg, c->p) && !is_dns_port(cfg, c->p + 2))
		return WIRE_OTHER_PORT;

	uint32_t len = load_be16(c->p + 4);
	if (unlikely(len < 8 || len > c->wire))
		return WIRE_BAD_UDP;
	shorten(c, len);
	out->sport = load_be16(c->p);
	out->dport = load_be16(c->p + 2);
	advance(c, 8);
	out->payload = c->p;
	out->payload_len = c->have;
	out->cut = c->have < c->wire;
	/* Only a DNS header makes a cut datagram readable. */
	if (unlikely(out->cut && c->have < 12))
		return WIRE_CUT;
	return WIRE_DNS;
}

static enum wire_verdict decode_tcp(const struct wire_config *cfg, const struct cursor *c)
{
	NEED(c, 4, WIRE_TCP_OTHER);
	return is_dns_port(cfg, c->p) || is_dns_port(cfg, c->p + 2) ? WIRE_TCP_DNS : WIRE_TCP_OTHER;
}

HOT decode_transport(
	const struct wire_config *cfg, struct cursor *c, unsigned proto, struct wire_packet *out)
{
	if (likely(proto == PROTO_UDP))
		return decode_udp(cfg, c, out);
	if (proto == PROTO_TCP)
		return decode_tcp(cfg, c);
	return proto == PROTO_ESP ? WIRE_ESP : WIRE_NOT_UDP;
}

HOT decode_ipv4(const struct wire_config *cfg, struct cursor *c, struct wire_packet *out)
{
	NEED(c, 20, WIRE_BAD_IPV4);
	const uint8_t *ip = c->p;
	uint32_t header = (ip[0] & 0xfu) * 4;
	uint32_t total = load_be16(ip + 2);

	if (unlikely(header < 20))
		return WIRE_BAD_IPV4;
	if (likely(total != 0)) {
		if (unlikely(total < header || total > c->wire))
			return WIRE_BAD_IPV4;
		shorten(c, total);
	} /* else: segmentation offload left the length to the frame */
	NEED(c, header, WIRE_BAD_IPV4);
	if (unlikely(load_be16(ip + 6) & 0x3fff)) /* more fragments, or an offset */
		return WIRE_FRAGMENT_V4;
	out->ip_version = 4;
	out->saddr = ip + 12;
	out->daddr = ip + 16;
	advance(c, header);
	return decode_transport(cfg, c, ip[9], out);
}

static enum wire_verdict decode_ipv6(
	const struct wire_config *cfg, struct cursor *c, struct wire_packet *out)
{
	NEED(c, 40, WIRE_BAD_IPV6);
	const uint8_t *ip = c->p;
	uint32_t payload = load_be16(ip + 4);
	unsigned next = ip[6];

	out->ip_version = 6;
	out->saddr = ip + 8;
	out->daddr = ip + 24;
	advance(c, 40);
	if (likely(payload != 0)) {
		if (unlikely(payload > c->wire))
			return WIRE_BAD_IPV6;
		shorten(c, payload);
	} /* else: a jumbogram or segmentation offload; the frame bounds it */

	for (unsigned i = 0; i <= IPV6_EXT_MAX; i++) {
		uint32_t ext;

		switch (next) {
		case PROTO_HOPOPTS:
		case PROTO_ROUTING:
		case PROTO_DSTOPTS:
		case PROTO_MOBILITY:
		case PROTO_HIP:
		case PROTO_SHIM6:
			NEED(c, 8, WIRE_BAD_IPV6);
			ext = (c->p[1] + 1u) * 8;
			break;
		case PROTO_AH:
			NEED(c, 8, WIRE_BAD_IPV6);
			ext = (c->p[1] + 2u) * 4;
			break;
		case PROTO_FRAGMENT:
			NEED(c, 8, WIRE_BAD_IPV6);
			/* An atomic fragment (RFC 6946) is whole. */
			if (load_be16(c->p + 2) & 0xfff9)
				return WIRE_FRAGMENT_V6;
			ext = 8;
			break;
		default:
			return decode_transport(cfg, c, next, out);
		}
		NEED(c, ext, WIRE_BAD_IPV6);
		next = c->p[0];
		advance(c, ext);
		out->layers |= 1u << WIRE_LAYER_IPV6_EXT;
	}
	return WIRE_TOO_DEEP;
}

static enum wire_verdict decode_ip(
	const struct wire_config *cfg, struct cursor *c, struct wire_packet *out)
{
	NEED(c, 1, WIRE_BAD_LINK);
	switch (c->p[0] >> 4) {
	case 4:
		return decode_ipv4(cfg, c, out);
	case 6:
		return decode_ipv6(cfg, c, out);
	default:
		return WIRE_NOT_IP;
	}
}

/* An IP header behind the wrong EtherType is a liar's, not a packet. */
HOT decode_versioned(
	const struct wire_config *cfg, struct cursor *c, struct wire_packet *out, unsigned version)
{
	NEED(c, 1, version == 4 ? WIRE_BAD_IPV4 : WIRE_BAD_IPV6);
	if (unlikely(c->p[0] >> 4 != version))
		return version == 4 ? WIRE_BAD_IPV4 : WIRE_BAD_IPV6;
	return version == 4 ? decode_ipv4(cfg, c, out) : decode_ipv6(cfg, c, out);
}

/* LLC/SNAP (RFC 1042) with an encapsulated EtherType; other SAPs carry no IP here. */
static enum wire_verdict decode_llc(struct cursor *c, unsigned *type, struct wire_packet *out)
{
	NEED(c, 8, WIRE_NOT_IP);
	if (load_be16(c->p) != 0xaaaa || c->p[2] != 3)
		return WIRE_NOT_IP;
	*type = load_be16(c->p + 6);
	advance(c, 8);
	out->layers |= 1u << WIRE_LAYER_LLC;
	return WIRE_DNS;
}

HOT decode_ethertype(
	const struct wire_config *cfg, struct cursor *c, unsigned type, struct wire_packet *out)
{
	for (unsigned depth = 0; depth < LAYERS_MAX; depth++) {
		switch (type) {
		case ETHERTYPE_IPV4:
			return decode_versioned(cfg, c, out, 4);
		case ETHERTYPE_IPV6:
			return decode_versioned(cfg, c, out, 6);
		case ETHERTYPE_VLAN:
		case ETHERTYPE_QINQ:
		case ETHERTYPE_QINQ_9100:
		case ETHERTYPE_QINQ_9200:
			NEED(c, 4, WIRE_BAD_LINK);
			type = load_be16(c->p + 2);
			advance(c, 4);
			out->layers |= 1u << WIRE_LAYER_VLAN;
			continue;
		default:
			if (type >= 0x0600)
				return WIRE_NOT_IP;
			/* IEEE 802.3: the field is a length */
			shorten(c, type);
			enum wire_verdict v = decode_llc(c, &type, out);
			if (v != WIRE_DNS)
				return v;
		}
	}
	return WIRE_TOO_DEEP;
}

/* BSD address families of IPv6 differ between systems; the header's version decides. */
static enum wire_verdict decode_null(
	const struct wire_config *cfg, struct cursor *c, struct wire_packet *out)
{
	NEED(c, 4, WIRE_BAD_LINK);
	uint32_t family = load_u32(c->p);
	if (family > 0xffff)
		family = __builtin_bswap32(family);
	advance(c, 4);
	switch (family) {
	case 2:
	case 10:
	case 24:
	case 28:
	case 30:
		return decode_ip(cfg, c, out);
	default:
		return WIRE_NOT_IP;
	}
}

static enum wire_verdict decode_cooked(const struct wire_config *cfg, struct cursor *c,
	uint32_t header, uint32_t type_at, struct wire_packet *out)
{
	NEED(c, header, WIRE_BAD_LINK);
	unsigned type = load_be16(c->p + type_at);
	advance(c, header);
	/* 4 is "802.2 LLC" in a cooked header, not a length */
	if (type < 0x0600)
		return WIRE_NOT_IP;
	return decode_ethertype(cfg, c, type, out);
}

static enum wire_verdict decode_fddi(
	const struct wire_config *cfg, struct cursor *c, struct wire_packet *out)
{
	unsigned type = 0;

	NEED(c, 13, WIRE_BAD_LINK);
	advance(c, 13);
	enum wire_verdict v = decode_llc(c, &type, out);
	return v == WIRE_DNS ? decode_ethertype(cfg, c, type, out) : v;
}

enum wire_verdict wire_decode(const struct wire_config *cfg, enum wire_link link,
	const uint8_t *frame, uint32_t caplen, uint32_t wirelen, struct wire_packet *out)
{
	struct cursor c = {frame, caplen, wirelen < caplen ? caplen : wirelen};

	out->layers = 0;
	switch (link) {
	case WIRE_LINK_ETHERNET:
		NEED(&c, 14, WIRE_BAD_LINK);
		advance(&c, 14);
		return decode_ethertype(cfg, &c, load_be16(frame + 12), out);
	case WIRE_LINK_SLL:
		return decode_cooked(cfg, &c, 16, 14, out);
	case WIRE_LINK_SLL2:
		return decode_cooked(cfg, &c, 20, 0, out);
	case WIRE_LINK_RAW:
		return decode_ip(cfg, &c, out);
	case WIRE_LINK_NULL:
		return decode_null(cfg, &c, out);
	case WIRE_LINK_FDDI:
		return decode_fddi(cfg, &c, out);
	case WIRE_LINK_SEGMENTED:
		return WIRE_SEGMENTED;
	}
	return WIRE_BAD_LINK;
}

int wire_config_init(struct wire_config *cfg, const uint16_t *ports, unsigned n)
{
	if (n == 0 || n > WIRE_PORTS_MAX)
		return -1;
	for (unsigned i = 0; i < WIRE_PORTS_MAX; i++) {
		uint16_t port = ports[i < n ? i : 0];
		if (port == 0)
			return -1;
		cfg->ports[i] = __builtin_bswap16(port);
	}
	return 0;
}

enum wire_class wire_verdict_class(enum wire_verdict v)
{
	static const uint8_t classes[WIRE_VERDICT_COUNT] = {
#define X(name, cls, text) [name] = WIRE_CLASS_##cls,
		WIRE_VERDICTS(X)
#undef X
	};
	return (enum wire_class)classes[v];
}

const char *wire_verdict_name(enum wire_verdict v)
{
	static const char *const names[WIRE_VERDICT_COUNT] = {
#define X(name, cls, text) [name] = text,
		WIRE_VERDICTS(X)
#undef X
	};
	return names[v];
}

const char *wire_class_name(enum wire_class c)
{
	static const char *const names[WIRE_CLASS_COUNT] = {
		[WIRE_CLASS_IGNORED] = "ignored",
		[WIRE_CLASS_MALFORMED] = "malformed",
		[WIRE_CLASS_TRUNCATED] = "truncated",
		[WIRE_CLASS_FRAGMENT] = "fragment",
		[WIRE_CLASS_TCP] = "tcp",
		[WIRE_CLASS_DNS] = "dns",
	};
	return names[c];
}

const char *wire_layer_name(enum wire_layer l)
{
	static const char *const names[WIRE_LAYER_COUNT] = {
		[WIRE_LAYER_VLAN] = "vlan",
		[WIRE_LAYER_LLC] = "llc",
		[WIRE_LAYER_IPV6_EXT] = "ipv6_ext",
	};
	return names[l];
}
