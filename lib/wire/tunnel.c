/* SPDX-License-Identifier: BSD-3-Clause */

/*
 * Tunnels: MPLS (RFC 3032, 4385), PPP and PPPoE (RFC 1661, 2516), L2TPv2 (RFC 2661),
 * GRE (RFC 2784, 2890; enhanced: RFC 2637), ERSPAN (draft-foschiano-erspan), VXLAN
 * (RFC 7348, draft-ietf-nvo3-vxlan-gpe), Geneve (RFC 8926), GTP-U (3GPP TS 29.281),
 * Teredo (RFC 4380).
 */

#include "wire/walk.h"

#define BAD WIRE_BAD_TUNNEL

enum step walk_ppp(struct walk *w)
{
	unsigned protocol;

	w->out->layers |= UINT32_C(1) << WIRE_LAYER_PPP;
	NEED(w, 2, BAD);
	if (load_be16(w->p) == 0xff03) { /* address and control, where they are not left out */
		advance(w, 2);
		NEED(w, 2, BAD);
	}
	/* The low octet of a protocol is odd, the high one even: an odd first one stands alone. */
	if (w->p[0] & 1) {
		protocol = w->p[0];
		advance(w, 1);
	} else {
		protocol = load_be16(w->p);
		advance(w, 2);
	}
	switch (protocol) {
	case 0x0021:
		return STEP_IPV4;
	case 0x0057:
		return STEP_IPV6;
	case 0x0281:
	case 0x0283:
		return STEP_MPLS;
	default:
		return end(w, WIRE_TUNNEL_CONTROL);
	}
}

enum step walk_pppoe(struct walk *w)
{
	NEED(w, 6, BAD);
	uint32_t len = load_be16(w->p + 4);

	if (w->p[0] != 0x11) /* version and type */
		return end(w, BAD);
	advance(w, 6);
	if (len > w->wire)
		return end(w, BAD);
	shorten(w, len);
	layer_seen(w, WIRE_LAYER_PPPOE);
	return STEP_PPP;
}

static bool ethertype_known(unsigned type)
{
	switch (type) {
	case ETHERTYPE_IPV4:
	case ETHERTYPE_IPV6:
	case ETHERTYPE_VLAN:
	case ETHERTYPE_QINQ:
	case ETHERTYPE_QINQ_9100:
	case ETHERTYPE_QINQ_9200:
	case ETHERTYPE_MPLS:
	case ETHERTYPE_MPLS_MULTI:
	case ETHERTYPE_PPPOE:
		return true;
	default:
		return false;
	}
}

/*
 * Behind the bottom of the stack nothing says what comes (RFC 4928): 4 and 6 are IP;
 * 0 may be a pseudowire's control word, or an Ethernet address that starts so.
 */
static enum step walk_mpls_payload(struct walk *w)
{
	NEED(w, 1, BAD);
	/* Addresses that begin like IP, and no IP header that adds up. */
	bool ethernet = w->have >= 14 && ethertype_known(load_be16(w->p + 12));

	switch (w->p[0] >> 4) {
	case 4:
		return ethernet && ((w->p[0] & 0xf) < 5 || load_be16(w->p + 2) > w->wire)
			       ? STEP_ETHERNET
			       : STEP_IPV4;
	case 6:
		return ethernet && load_be16(w->p + 4) + 40u > w->wire ? STEP_ETHERNET : STEP_IPV6;
	case 0:
		if (ethernet && !(w->have >= 18 && ethertype_known(load_be16(w->p + 16))))
			return STEP_ETHERNET;
		NEED(w, 4, BAD);
		advance(w, 4);
		return STEP_ETHERNET;
	case 1: /* an associated channel */
		return end(w, WIRE_TUNNEL_CONTROL);
	default:
		return STEP_ETHERNET;
	}
}

enum step walk_mpls(struct walk *w)
{
	layer_seen(w, WIRE_LAYER_MPLS);
	for (unsigned labels = 0; labels < WIRE_DEPTH_MAX; labels++) {
		NEED(w, 4, BAD);
		bool bottom = w->p[2] & 1;

		advance(w, 4);
		if (bottom)
			return walk_mpls_payload(w);
	}
	return end(w, WIRE_TOO_DEEP);
}

/* The switch itself cut the frame: its headers are right, as after a snap length. */
#define ERSPAN_TRUNCATED 0x0400u

/* `sequenced`: type I has no header at all, and is told by that (no sequence number in GRE). */
static enum step walk_erspan(struct walk *w, bool sequenced)
{
	layer_seen(w, WIRE_LAYER_ERSPAN);
	if (sequenced) {
		NEED(w, 8, BAD);
		bool truncated = load_be16(w->p + 2) & ERSPAN_TRUNCATED;

		advance(w, 8);
		if (truncated)
			w->wire = UINT16_MAX;
	}
	return STEP_ETHERNET;
}

static enum step walk_erspan_iii(struct walk *w)
{
	NEED(w, 12, BAD);
	unsigned frame_type = load_be16(w->p + 10) >> 10 & 0x1f;
	uint32_t len = w->p[11] & 1 ? 20 : 12; /* the O bit: a platform's own 8 octets */

	NEED(w, len, BAD);
	bool truncated = load_be16(w->p + 2) & ERSPAN_TRUNCATED;
	advance(w, len);
	if (truncated)
		w->wire = UINT16_MAX;
	layer_seen(w, WIRE_LAYER_ERSPAN);
	if (frame_type == 0)
		return STEP_ETHERNET;
	return frame_type == 2 ? STEP_IP : end(w, WIRE_TUNNEL_CONTROL);
}

#define GRE_CHECKSUM 0x8000u
#define GRE_ROUTING 0x4000u
#define GRE_KEY 0x2000u
#define GRE_SEQUENCE 0x1000u
#define GRE_ACK 0x0080u

enum step walk_gre(struct walk *w)
{
	NEED(w, 4, BAD);
	unsigned flags = load_be16(w->p), version = flags & 7;
	uint32_t len = 4;

	w->type = load_be16(w->p + 2);
	if (version > 1 || flags & GRE_ROUTING)
		return end(w, BAD);
	if (flags & GRE_CHECKSUM)
		len += 4;
	if (flags & GRE_KEY)
		len += 4;
	if (flags & GRE_SEQUENCE)
		len += 4;
	if (version == 1 && flags & GRE_ACK)
		len += 4;
	NEED(w, len, BAD);
	advance(w, len);
	layer_seen(w, WIRE_LAYER_GRE);
	if (w->wire == 0) /* a keepalive, or PPTP's acknowledgement alone */
		return end(w, WIRE_TUNNEL_CONTROL);
	switch (w->type) {
	case ETHERTYPE_ERSPAN:
		return walk_erspan(w, flags & GRE_SEQUENCE);
	case ETHERTYPE_ERSPAN_III:
		return walk_erspan_iii(w);
	case ETHERTYPE_PPP:
		return STEP_PPP;
	default:
		/* An 802.3 length is no protocol type. */
		return w->type > ETHERTYPE_LENGTH_MAX ? STEP_ETHERTYPE
						      : end(w, WIRE_TUNNEL_CONTROL);
	}
}

static enum step walk_vxlan(struct walk *w)
{
	NEED(w, 8, BAD);
	unsigned flags = w->p[0], next = w->p[3];

	if (!(flags & 0x08)) /* no network identifier: it is not VXLAN */
		return end(w, WIRE_OTHER_PORT);
	advance(w, 8);
	layer_seen(w, WIRE_LAYER_VXLAN);
	if (!(flags & 0x04)) /* not the generic form, which names what follows */
		return STEP_ETHERNET;
	switch (next) {
	case 1:
		return STEP_IPV4;
	case 2:
		return STEP_IPV6;
	case 3:
		return STEP_ETHERNET;
	default:
		return end(w, WIRE_TUNNEL_CONTROL);
	}
}

static enum step walk_geneve(struct walk *w)
{
	NEED(w, 8, BAD);
	uint32_t len = 8 + (w->p[0] & 0x3fu) * 4;
	bool control = w->p[1] & 0x80;

	if (w->p[0] >> 6 != 0)
		return end(w, WIRE_OTHER_PORT);
	w->type = load_be16(w->p + 2);
	NEED(w, len, BAD);
	advance(w, len);
	layer_seen(w, WIRE_LAYER_GENEVE);
	return control || w->type <= ETHERTYPE_LENGTH_MAX ? end(w, WIRE_TUNNEL_CONTROL)
							  : STEP_ETHERTYPE;
}

#define GTP_EXTENSION 0x04u
#define GTP_OPTIONAL 0x07u /* any of extension, sequence number, N-PDU number */
#define GTP_T_PDU 255u
#define GTP_EXTENSIONS_MAX 8u

static enum step walk_gtp(struct walk *w)
{
	NEED(w, 8, BAD);
	unsigned flags = w->p[0], next = 0;
	uint32_t len = load_be16(w->p + 2);

	if (flags >> 5 != 1 || !(flags & 0x10)) /* version 1, and not GTP' */
		return end(w, WIRE_OTHER_PORT);
	if (w->p[1] != GTP_T_PDU)
		return end(w, WIRE_TUNNEL_CONTROL);
	advance(w, 8);
	if (len > w->wire)
		return end(w, BAD);
	shorten(w, len);
	if (flags & GTP_OPTIONAL) {
		NEED(w, 4, BAD);
		next = flags & GTP_EXTENSION ? w->p[3] : 0;
		advance(w, 4);
	}
	for (unsigned i = 0; next; i++) {
		if (i == GTP_EXTENSIONS_MAX)
			return end(w, WIRE_TOO_DEEP);
		NEED(w, 4, BAD);
		len = w->p[0] * 4u;
		if (len == 0)
			return end(w, BAD);
		NEED(w, len, BAD);
		next = w->p[len - 1];
		advance(w, len);
	}
	layer_seen(w, WIRE_LAYER_GTP);
	return STEP_IP;
}

#define L2TP_CONTROL 0x8000u
#define L2TP_LENGTH 0x4000u
#define L2TP_SEQUENCE 0x0800u
#define L2TP_OFFSET 0x0200u

static enum step walk_l2tp(struct walk *w)
{
	NEED(w, 6, BAD);
	unsigned flags = load_be16(w->p);
	uint32_t len = 6;

	if ((flags & 0xf) != 2)
		return end(w, WIRE_OTHER_PORT);
	if (flags & L2TP_CONTROL)
		return end(w, WIRE_TUNNEL_CONTROL);
	if (flags & L2TP_LENGTH) {
		uint32_t whole = load_be16(w->p + 2);
		if (whole > w->wire)
			return end(w, BAD);
		shorten(w, whole);
		len += 2;
	}
	if (flags & L2TP_SEQUENCE)
		len += 4;
	if (flags & L2TP_OFFSET) {
		NEED(w, len + 2, BAD);
		len += 2u + load_be16(w->p + len);
	}
	NEED(w, len, BAD);
	advance(w, len);
	layer_seen(w, WIRE_LAYER_L2TP);
	return STEP_PPP;
}

/* Authentication and origin may stand before the packet (RFC 4380, 5.1.1). */
static enum step walk_teredo(struct walk *w)
{
	NEED(w, 2, BAD);
	if (load_be16(w->p) == 1) {
		NEED(w, 4, BAD);
		uint32_t len = 4u + w->p[2] + w->p[3] + 9; /* nonce and confirmation */
		NEED(w, len, BAD);
		advance(w, len);
		NEED(w, 2, BAD);
	}
	if (load_be16(w->p) == 0) {
		NEED(w, 8, BAD);
		advance(w, 8);
		NEED(w, 1, BAD);
	}
	if (w->p[0] >> 4 != 6)
		return end(w, WIRE_OTHER_PORT);
	layer_seen(w, WIRE_LAYER_TEREDO);
	return STEP_IPV6;
}

enum step walk_udp_tunnel(struct walk *w)
{
	switch ((enum wire_tunnel)w->type) {
	case WIRE_TUNNEL_VXLAN:
		return walk_vxlan(w);
	case WIRE_TUNNEL_GENEVE:
		return walk_geneve(w);
	case WIRE_TUNNEL_GTP:
		return walk_gtp(w);
	case WIRE_TUNNEL_L2TP:
		return walk_l2tp(w);
	case WIRE_TUNNEL_TEREDO:
		return walk_teredo(w);
	case WIRE_TUNNEL_GRE:
		return walk_gre(w);
	case WIRE_TUNNEL_COUNT:
		break;
	}
	return end(w, WIRE_OTHER_PORT);
}
