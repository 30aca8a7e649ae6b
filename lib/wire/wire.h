/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

/*
 * Frame decode: from a captured frame to the UDP payload that may be DNS.
 *
 * Iterative, no recursion, no allocation, never reads beyond `caplen`. Every
 * frame gets exactly one verdict, and the verdict is the index of its counter,
 * so the identity
 *     received = ignored{reason} + malformed{reason} + truncated
 *                + fragment{reason} + tcp + dns
 * holds by construction.
 */

#include <stdbool.h>
#include <stdint.h>

/* What the first octet of a frame is. Order is not part of any format. */
enum wire_link {
	WIRE_LINK_ETHERNET,
	WIRE_LINK_SLL,       /* Linux cooked v1, 16-octet header */
	WIRE_LINK_SLL2,      /* Linux cooked v2, 20-octet header */
	WIRE_LINK_RAW,       /* IPv4 or IPv6 by its first nibble */
	WIRE_LINK_NULL,      /* BSD loopback, family in either byte order */
	WIRE_LINK_FDDI,      /* FDDI MAC, LLC/SNAP */
	WIRE_LINK_SEGMENTED, /* in several buffers: not read, WIRE_SEGMENTED */
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
 * claim more than there is, is malformed.
 */
#define WIRE_VERDICTS(X) \
	X(WIRE_DNS, DNS, "udp") \
	X(WIRE_NOT_IP, IGNORED, "not_ip") \
	X(WIRE_NOT_UDP, IGNORED, "not_udp") \
	X(WIRE_OTHER_PORT, IGNORED, "other_port") \
	X(WIRE_TCP_OTHER, IGNORED, "tcp_other_port") \
	X(WIRE_ESP, IGNORED, "esp") \
	X(WIRE_SEGMENTED, IGNORED, "segmented_mbuf") \
	X(WIRE_BAD_LINK, MALFORMED, "link_header") \
	X(WIRE_TOO_DEEP, MALFORMED, "too_many_layers") \
	X(WIRE_BAD_IPV4, MALFORMED, "ipv4_header") \
	X(WIRE_BAD_IPV6, MALFORMED, "ipv6_header") \
	X(WIRE_BAD_UDP, MALFORMED, "udp_header") \
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

/* Layers seen on the way, a bit each; order is not kept. */
enum wire_layer { WIRE_LAYER_VLAN, WIRE_LAYER_LLC, WIRE_LAYER_IPV6_EXT, WIRE_LAYER_COUNT };

#define WIRE_PORTS_MAX 8u

/* Immutable after wire_config_init. */
struct wire_config {
	uint16_t ports[WIRE_PORTS_MAX]; /* network byte order; unused ones repeat the first */
};

/* Result of a decode whose verdict is WIRE_DNS; pointers lie in the frame. */
struct wire_packet {
	const uint8_t *payload; /* first octet of the UDP payload */
	const uint8_t *saddr;   /* 4 or 16 octets, network order */
	const uint8_t *daddr;
	uint32_t payload_len; /* octets that can be read */
	uint16_t sport;       /* host order */
	uint16_t dport;
	uint8_t ip_version; /* 4 or 6 */
	uint8_t layers;     /* bits of enum wire_layer */
	bool cut;           /* the capture ends before the datagram does */
};

/*
 * n ports in host order, 1..WIRE_PORTS_MAX. Returns 0, or -1 when n is out of
 * range or a port is 0.
 */
int wire_config_init(struct wire_config *cfg, const uint16_t *ports, unsigned n);

/*
 * Decodes one frame. `caplen` octets can be read, `wirelen` were on the wire
 * (wirelen >= caplen). `out` is written only when WIRE_DNS is returned.
 * O(layers), at most 16 of them.
 */
enum wire_verdict wire_decode(const struct wire_config *cfg, enum wire_link link,
	const uint8_t *frame, uint32_t caplen, uint32_t wirelen, struct wire_packet *out);

enum wire_class wire_verdict_class(enum wire_verdict v);
/* Stable lower-case names for JSON and metrics; static storage. */
const char *wire_verdict_name(enum wire_verdict v);
const char *wire_class_name(enum wire_class c);
const char *wire_layer_name(enum wire_layer l);
