/* SPDX-License-Identifier: BSD-3-Clause */

/* Link types of captures other than Ethernet. */

#include "wire/walk.h"

#define BAD WIRE_BAD_LINK

/* LLC/SNAP (RFC 1042) with an encapsulated EtherType; other SAPs carry no IP here. */
enum step walk_llc(struct walk *w)
{
	NEED(w, 8, WIRE_NOT_IP);
	if (load_be16(w->p) != 0xaaaa || w->p[2] != 3)
		return end(w, WIRE_NOT_IP);
	w->type = load_be16(w->p + 6);
	advance(w, 8);
	layer_seen(w, WIRE_LAYER_LLC);
	return w->type > ETHERTYPE_LENGTH_MAX ? STEP_ETHERTYPE : end(w, WIRE_NOT_IP);
}

/* BSD address families of IPv6 differ between systems; the header's version decides. */
static enum step walk_null(struct walk *w)
{
	NEED(w, 4, BAD);
	uint32_t family = load_u32(w->p);

	if (family > 0xffff)
		family = __builtin_bswap32(family);
	advance(w, 4);
	switch (family) {
	case 2:
	case 10:
	case 24:
	case 28:
	case 30:
		return STEP_IP;
	default:
		return end(w, WIRE_NOT_IP);
	}
}

static enum step walk_cooked(struct walk *w, uint32_t header, uint32_t type_at)
{
	NEED(w, header, BAD);
	w->type = load_be16(w->p + type_at);
	advance(w, header);
	/* 4 is "802.2 LLC" in a cooked header, not a length */
	return w->type > ETHERTYPE_LENGTH_MAX ? STEP_ETHERTYPE : end(w, WIRE_NOT_IP);
}

static enum step walk_fddi(struct walk *w)
{
	NEED(w, 13, BAD);
	advance(w, 13);
	return STEP_LLC;
}

static enum step walk_hdlc(struct walk *w)
{
	return walk_cooked(w, 4, 2);
}

/* PPP over a serial line may also be Cisco's HDLC (RFC 1547, 4.3.1). */
static enum step walk_serial(struct walk *w)
{
	NEED(w, 1, BAD);
	return w->p[0] == 0x0f || w->p[0] == 0x8f ? walk_hdlc(w) : STEP_PPP;
}

#define ARCNET_IP_1051 240u
#define ARCNET_IP_1201 212u
#define ARCNET_IPV6 196u

/* Source, destination, two octets of offset, protocol; RFC 1201 adds flags and a number. */
static enum step walk_arcnet(struct walk *w)
{
	NEED(w, 5, BAD);
	unsigned protocol = w->p[4];

	if (protocol == ARCNET_IP_1051) {
		advance(w, 5);
		return STEP_IPV4;
	}
	if (protocol != ARCNET_IP_1201 && protocol != ARCNET_IPV6)
		return end(w, WIRE_NOT_IP);
	NEED(w, 8, BAD);
	if (w->p[5]) /* a part of a split packet */
		return end(w, WIRE_NOT_IP);
	advance(w, 8);
	return STEP_IP;
}

static inline uint32_t load_le16(const uint8_t *p)
{
	return p[0] | (uint32_t)p[1] << 8;
}

static inline uint32_t load_le32(const uint8_t *p)
{
	return load_le16(p) | load_le16(p + 2) << 16;
}

#define NFLOG_PAYLOAD 9u
#define NFLOG_ATTRIBUTES_MAX 32u

/* Attributes in the writer's octet order; a length that makes no sense is the other one. */
static enum step walk_nflog(struct walk *w)
{
	NEED(w, 4, BAD);
	if (w->p[1] != 0) /* version */
		return end(w, WIRE_NOT_IP);
	advance(w, 4);
	for (unsigned i = 0; i < NFLOG_ATTRIBUTES_MAX; i++) {
		NEED(w, 4, BAD);
		bool little = load_le16(w->p) <= w->wire;
		uint32_t len = little ? load_le16(w->p) : load_be16(w->p);
		unsigned type = (little ? load_le16(w->p + 2) : load_be16(w->p + 2)) & 0x7fff;

		if (len < 4 || len > w->wire)
			return end(w, BAD);
		if (type == NFLOG_PAYLOAD) {
			shorten(w, len);
			advance(w, 4);
			return STEP_IP;
		}
		len = (uint32_t)align_up(len, 4);
		NEED(w, len, BAD);
		advance(w, len);
	}
	return end(w, WIRE_NOT_IP);
}

/* IEEE 802.11-2020, 9.2: data frames with a body that is neither encrypted nor aggregated. */
static enum step walk_80211(struct walk *w, bool padded)
{
	NEED(w, 2, BAD);
	unsigned control = w->p[0], flags = w->p[1];
	uint32_t len = 24;
	bool aggregated = false;

	if ((control & 0x0c) != 0x08 || control & 0x40 || flags & 0x40)
		return end(w, WIRE_NOT_IP); /* control frames are shorter than others */
	NEED(w, len, BAD);
	if ((flags & 3) == 3) /* between access points: a fourth address */
		len += 6;
	if (control & 0x80) { /* quality of service */
		NEED(w, len + 2, BAD);
		aggregated = w->p[len] & 0x80;
		len += flags & 0x80 ? 6 : 2;
	}
	if (aggregated || load_le16(w->p + 22) & 0xf) /* or a fragment but the first */
		return end(w, WIRE_NOT_IP);
	if (padded)
		len = (uint32_t)align_up(len, 4);
	NEED(w, len, BAD);
	advance(w, len);
	return STEP_LLC;
}

#define RADIOTAP_DATAPAD 0x20u

static enum step walk_radiotap(struct walk *w)
{
	NEED(w, 8, BAD);
	uint32_t len = load_le16(w->p + 2), at = 4;
	bool timestamp = w->p[4] & 1, flags = w->p[4] & 2, padded = false;

	NEED(w, len, BAD);
	/* The top bit of a presence word says that another follows. */
	while (at + 4 <= len && w->p[at + 3] & 0x80)
		at += 4;
	at += 4;
	if (timestamp)
		at = (uint32_t)align_up(at, 8) + 8;
	if (flags && at < len)
		padded = w->p[at] & RADIOTAP_DATAPAD;
	advance(w, len);
	return walk_80211(w, padded);
}

/* A packet of another link type, by libpcap's number of it. */
static enum step walk_named(struct walk *w, uint32_t type)
{
	switch (type) {
	case 0:
		return walk_null(w);
	case 1:
		return STEP_ETHERNET;
	case 12:
	case 14:
	case 101:
		return STEP_IP;
	case 105:
		return walk_80211(w, false);
	default:
		return end(w, WIRE_NOT_IP);
	}
}

static enum step walk_ppi(struct walk *w)
{
	NEED(w, 8, BAD);
	uint32_t len = load_le16(w->p + 2), type = load_le16(w->p + 4);

	if (len < 8)
		return end(w, BAD);
	NEED(w, len, BAD);
	advance(w, len);
	return walk_named(w, type);
}

/* Length, what the record is, the link type of its packet; all in the writer's order, little. */
static enum step walk_pktap(struct walk *w)
{
	NEED(w, 12, BAD);
	uint32_t len = load_le32(w->p), record = load_le32(w->p + 4), type = load_le32(w->p + 8);

	if (record != 1) /* no packet behind it */
		return end(w, WIRE_NOT_IP);
	if (len < 12)
		return end(w, BAD);
	NEED(w, len, BAD);
	advance(w, len);
	return walk_named(w, type);
}

enum step walk_link(struct walk *w)
{
	switch (w->link) {
	case WIRE_LINK_ETHERNET:
		return STEP_ETHERNET;
	case WIRE_LINK_SLL:
		return walk_cooked(w, 16, 14);
	case WIRE_LINK_SLL2:
		return walk_cooked(w, 20, 0);
	case WIRE_LINK_RAW:
		return STEP_IP;
	case WIRE_LINK_NULL:
		return walk_null(w);
	case WIRE_LINK_FDDI:
		return walk_fddi(w);
	case WIRE_LINK_PPP:
		return walk_serial(w);
	case WIRE_LINK_HDLC:
		return walk_hdlc(w);
	case WIRE_LINK_ARCNET:
		return walk_arcnet(w);
	case WIRE_LINK_NFLOG:
		return walk_nflog(w);
	case WIRE_LINK_80211:
		return walk_80211(w, false);
	case WIRE_LINK_RADIOTAP:
		return walk_radiotap(w);
	case WIRE_LINK_PPI:
		return walk_ppi(w);
	case WIRE_LINK_PKTAP:
		return walk_pktap(w);
	case WIRE_LINK_SEGMENTED:
		return end(w, WIRE_SEGMENTED);
	case WIRE_LINK_COUNT:
		break;
	}
	return end(w, BAD);
}
