/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

/*
 * Frame decode: from a captured frame to what may be DNS in it.
 *
 * Link layers, tags, tunnels and IP headers are walked in any order, at most
 * WIRE_DEPTH_MAX encapsulations of them; iteratively, no recursion, no
 * allocation, never beyond `caplen`. Every frame gets exactly one verdict, and the
 * verdict is the index of its counter, so the identity
 *     received = ignored{reason} + malformed{reason} + truncated
 *                + fragment{reason} + tcp + dns
 * holds by construction. Fragments and TCP segments go on to lib/reasm.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* What the first octet of a frame is. Order is not part of any format. */
enum wire_link {
	WIRE_LINK_ETHERNET,
	WIRE_LINK_SLL,       /* Linux cooked v1, 16-octet header */
	WIRE_LINK_SLL2,      /* Linux cooked v2, 20-octet header */
	WIRE_LINK_RAW,       /* IPv4 or IPv6 by its first nibble */
	WIRE_LINK_NULL,      /* BSD loopback, family in either byte order */
	WIRE_LINK_FDDI,      /* FDDI MAC, LLC/SNAP */
	WIRE_LINK_PPP,       /* PPP, with or without address and control */
	WIRE_LINK_HDLC,      /* Cisco HDLC: address, control, EtherType */
	WIRE_LINK_ARCNET,    /* ARCnet with Linux's 2 octets of offset */
	WIRE_LINK_NFLOG,     /* Linux netfilter log: attributes, one of them the packet */
	WIRE_LINK_80211,     /* IEEE 802.11 data frames, not encrypted */
	WIRE_LINK_RADIOTAP,  /* the same behind a radiotap header */
	WIRE_LINK_PPI,       /* behind a PPI header, which names the link type */
	WIRE_LINK_PKTAP,     /* Apple's: a header of its own, which names the link type */
	WIRE_LINK_SEGMENTED, /* in several buffers: not read, WIRE_SEGMENTED */
	WIRE_LINK_COUNT
};

/* Disposition of a frame: the left column of the identity above. */
enum wire_class {
	WIRE_CLASS_IGNORED,
	WIRE_CLASS_MALFORMED,
	WIRE_CLASS_TRUNCATED,
	WIRE_CLASS_FRAGMENT,
	WIRE_CLASS_TCP,
	WIRE_CLASS_DNS,
	WIRE_CLASS_COUNT
};

/*
 * X(enumerator, class, reason name in JSON and metrics)
 *
 * "truncated" is a frame whose capture ends (snap length < wire length) before
 * the UDP payload holds a DNS header; a frame that is whole but whose headers
 * claim more than there is, is malformed. The encrypted transports are told by
 * their ports, and DNS over HTTPS by the address of a known resolver besides.
 */
#define WIRE_VERDICTS(X) \
	X(WIRE_DNS, DNS, "udp") \
	X(WIRE_NOT_IP, IGNORED, "not_ip") \
	X(WIRE_NOT_UDP, IGNORED, "not_udp") \
	X(WIRE_OTHER_PORT, IGNORED, "other_port") \
	X(WIRE_TCP_OTHER, IGNORED, "tcp_other_port") \
	X(WIRE_ESP, IGNORED, "esp") \
	X(WIRE_SEGMENTED, IGNORED, "segmented_mbuf") \
	X(WIRE_TUNNEL_CONTROL, IGNORED, "tunnel_control") \
	X(WIRE_QUOTED, IGNORED, "quoted_in_icmp") \
	X(WIRE_DOT, IGNORED, "encrypted_dot") \
	X(WIRE_DOQ, IGNORED, "encrypted_doq") \
	X(WIRE_DOH, IGNORED, "encrypted_doh") \
	X(WIRE_BAD_LINK, MALFORMED, "link_header") \
	X(WIRE_TOO_DEEP, MALFORMED, "too_many_layers") \
	X(WIRE_BAD_IPV4, MALFORMED, "ipv4_header") \
	X(WIRE_BAD_IPV6, MALFORMED, "ipv6_header") \
	X(WIRE_BAD_UDP, MALFORMED, "udp_header") \
	X(WIRE_BAD_TCP, MALFORMED, "tcp_header") \
	X(WIRE_BAD_TUNNEL, MALFORMED, "tunnel_header") \
	X(WIRE_CUT, TRUNCATED, "snap_length") \
	X(WIRE_FRAGMENT_V4, FRAGMENT, "ipv4") \
	X(WIRE_FRAGMENT_V6, FRAGMENT, "ipv6") \
	X(WIRE_TCP_DNS, TCP, "dns_port")

enum wire_verdict {
#define X(name, cls, text) name,
	WIRE_VERDICTS(X)
#undef X
		WIRE_VERDICT_COUNT
};

/* X(enumerator, name): layers seen on the way, a bit each; order is not kept. */
#define WIRE_LAYERS(X) \
	X(WIRE_LAYER_VLAN, "vlan") \
	X(WIRE_LAYER_LLC, "llc") \
	X(WIRE_LAYER_IPV6_EXT, "ipv6_ext") \
	X(WIRE_LAYER_MPLS, "mpls") \
	X(WIRE_LAYER_PPPOE, "pppoe") \
	X(WIRE_LAYER_PPP, "ppp") \
	X(WIRE_LAYER_L2TP, "l2tp") \
	X(WIRE_LAYER_GRE, "gre") \
	X(WIRE_LAYER_ERSPAN, "erspan") \
	X(WIRE_LAYER_VXLAN, "vxlan") \
	X(WIRE_LAYER_GENEVE, "geneve") \
	X(WIRE_LAYER_GTP, "gtp") \
	X(WIRE_LAYER_IPIP, "ipip") \
	X(WIRE_LAYER_TEREDO, "teredo") \
	X(WIRE_LAYER_ICMP, "icmp") \
	X(WIRE_LAYER_FRAGMENT, "fragment")

enum wire_layer {
#define X(name, text) name,
	WIRE_LAYERS(X)
#undef X
		WIRE_LAYER_COUNT
};

#define WIRE_DEPTH_MAX 16u /* encapsulations in one frame, reassembled ones included */

/* What a UDP destination port may lead into; the ports of each are configuration. */
enum wire_tunnel {
	WIRE_TUNNEL_VXLAN,
	WIRE_TUNNEL_GENEVE,
	WIRE_TUNNEL_GTP,
	WIRE_TUNNEL_L2TP,
	WIRE_TUNNEL_TEREDO,
	WIRE_TUNNEL_GRE, /* GRE in UDP, RFC 8086 */
	WIRE_TUNNEL_COUNT
};

#define WIRE_PORTS_MAX 8u
#define WIRE_TUNNEL_PORTS_MAX 4u /* of each kind */
#define WIRE_RESOLVERS_MAX 128u

struct wire_address {
	uint8_t octet[16]; /* network order; IPv4 in the first four, the rest 0 */
	uint8_t version;   /* 4 or 6; 0: an empty place */
};

/* Immutable once it is set up. Ports are in network byte order, unused ones 0. */
struct wire_config {
	uint16_t ports[WIRE_PORTS_MAX]; /* of DNS; unused ones repeat the first */
	uint16_t tunnel[WIRE_TUNNEL_COUNT][WIRE_TUNNEL_PORTS_MAX];
	/* Bit p (network order) is set where UDP port p is not merely another port. */
	uint64_t udp_special[65536 / 64];
	/* Open addressing over the addresses of known DNS over HTTPS resolvers. */
	struct wire_address resolver[2 * WIRE_RESOLVERS_MAX];
};

/* Transport of a DNS message. */
enum wire_transport { WIRE_UDP, WIRE_TCP };

#define WIRE_TCP_FIN 0x01u
#define WIRE_TCP_SYN 0x02u
#define WIRE_TCP_RST 0x04u

/*
 * Where a decode ended. Addresses are those of the innermost IP header that was read,
 * for every verdict; ip_version is 0 when there was none.
 *
 *   WIRE_DNS, WIRE_QUOTED   payload is the DNS message
 *   WIRE_TCP_DNS            payload is the segment's data; seq and tcp_flags are set
 *   WIRE_FRAGMENT_*         payload is the fragment's data, behind all headers that
 *                           each fragment repeats; fragment_* are set
 *   WIRE_DOT, _DOQ, _DOH    ports are set
 *
 * Pointers lie in the frame, or in the reassembled datagram.
 */
struct wire_packet {
	const uint8_t *payload;
	const uint8_t *saddr; /* 4 or 16 octets, network order */
	const uint8_t *daddr;
	uint32_t payload_len;  /* octets that can be read */
	uint32_t payload_wire; /* octets there were on the wire, >= payload_len */
	uint32_t layers;       /* bits of enum wire_layer */
	uint32_t seq;
	uint32_t fragment_id;
	uint16_t sport; /* host order */
	uint16_t dport;
	uint16_t fragment_offset; /* octets */
	uint8_t fragment_proto;   /* protocol of the data */
	bool fragment_more;
	uint8_t tcp_flags;
	uint8_t transport;  /* enum wire_transport */
	uint8_t ip_version; /* 4 or 6; 0 none */
	uint8_t depth;      /* encapsulations seen */
	bool cut;           /* the capture ends before the datagram does */
};

/*
 * n DNS ports in host order, 1..WIRE_PORTS_MAX; tunnels get their registered ports, and
 * no resolver is known. Returns 0, or -1 when n is out of range or a port is 0.
 */
int wire_config_init(struct wire_config *cfg, const uint16_t *ports, unsigned n);

/* Replaces the ports of one kind; n = 0 turns it off. 0, or -1 as above. */
int wire_config_tunnel(
	struct wire_config *cfg, enum wire_tunnel kind, const uint16_t *ports, unsigned n);

/* Adds the address of a DNS over HTTPS resolver. 0, or -1 when there is no more room. */
int wire_config_resolver(struct wire_config *cfg, const uint8_t *addr, unsigned version);

/* The kind's registered ports, host order; returns how many. */
unsigned wire_tunnel_ports(enum wire_tunnel kind, uint16_t ports[WIRE_TUNNEL_PORTS_MAX]);

/*
 * Decodes one frame. `caplen` octets can be read, `wirelen` were on the wire
 * (wirelen >= caplen). O(headers), of which each takes at least two octets.
 */
enum wire_verdict wire_decode(const struct wire_config *cfg, enum wire_link link,
	const uint8_t *frame, uint32_t caplen, uint32_t wirelen, struct wire_packet *out);

/*
 * Goes on where fragments ended: `out` is as it was for one of them (addresses, protocol,
 * layers, depth), and payload and payload_len are the whole data. Never WIRE_CUT.
 */
enum wire_verdict wire_decode_whole(const struct wire_config *cfg, struct wire_packet *out);

/*
 * The same with a datagram's first fragment alone, for the addresses that lie in it: what is
 * missing counts as cut off by the capture.
 */
enum wire_verdict wire_decode_first(const struct wire_config *cfg, struct wire_packet *out);

/*
 * Whether the data of a datagram whose first fragment is `p` can matter: false where its
 * UDP or TCP ports are none of ours. A first fragment too short to tell matters.
 */
bool wire_fragment_matters(const struct wire_config *cfg, const struct wire_packet *p);

enum wire_class wire_verdict_class(enum wire_verdict v);
/* Stable lower-case names for JSON and metrics; static storage. */
const char *wire_verdict_name(enum wire_verdict v);
const char *wire_class_name(enum wire_class c);
const char *wire_layer_name(enum wire_layer l);
