/* SPDX-License-Identifier: BSD-3-Clause */

/*
 * Finds the headers of a frame, so that mutations can aim. It is written apart from lib/wire,
 * trusts every length, and knows well-formed frames only: what it misses is not aimed at.
 */

#include "mutate.h"

struct walk {
	const uint8_t *p;
	uint32_t at, len;
	struct layers *out;
};

/* What comes next, and, for PAYLOAD kinds, nothing does. */
enum next { NEXT_END, NEXT_ETHERNET, NEXT_TYPE, NEXT_IP, NEXT_PROTOCOL, NEXT_PPP };

/* n octets of a header of that kind; false when they are not there. */
static bool layer(struct walk *w, enum layer_kind kind, uint32_t n)
{
	if (w->at + n > w->len || w->out->n == LAYERS_MAX)
		return false;
	w->out->layer[w->out->n].kind = kind;
	w->out->layer[w->out->n++].at = w->at;
	return true;
}

static void walk_name(struct walk *w)
{
	if (!layer(w, LAYER_NAME, 1))
		return;
	while (w->at < w->len) {
		uint8_t n = w->p[w->at];
		if (n == 0 || n >= 0xc0) {
			w->at += n ? 2 : 1;
			return;
		}
		w->at += 1u + n;
	}
}

static void walk_dns(struct walk *w)
{
	uint32_t header = w->at;

	if (!layer(w, LAYER_DNS, 12))
		return;
	unsigned questions = load_be16(w->p + header + 4);
	w->at += 12;
	for (unsigned i = 0; i < questions && i < 4 && w->at < w->len; i++) {
		walk_name(w);
		w->at += 4;
	}
	for (unsigned i = 0; i < 8 && w->at < w->len; i++) {
		walk_name(w);
		if (!layer(w, LAYER_RECORD, 10))
			return;
		w->at += 10u + load_be16(w->p + w->at + 8);
	}
}

static bool is_dns(unsigned port)
{
	return port == 53 || port == 8053;
}

static enum next walk_geneve(struct walk *w, unsigned *type)
{
	if (!layer(w, LAYER_GENEVE, 8))
		return NEXT_END;
	*type = load_be16(w->p + w->at + 2);
	w->at += 8u + (w->p[w->at] & 0x3fu) * 4;
	return *type == 0x6558 ? NEXT_ETHERNET : NEXT_TYPE;
}

static enum next walk_gtpu(struct walk *w)
{
	if (!layer(w, LAYER_GTPU, 12))
		return NEXT_END;
	uint8_t flags = w->p[w->at];
	uint8_t extension = flags & 4 ? w->p[w->at + 11] : 0;
	w->at += flags & 7 ? 12 : 8;
	while (extension && w->at < w->len && w->p[w->at]) {
		uint32_t size = w->p[w->at] * 4u;
		if (w->at + size > w->len)
			return NEXT_END;
		w->at += size;
		extension = w->p[w->at - 1];
	}
	return NEXT_IP;
}

static enum next walk_l2tp(struct walk *w)
{
	if (!layer(w, LAYER_L2TP, 6))
		return NEXT_END;
	unsigned flags = load_be16(w->p + w->at);
	if (flags & 0x8000)
		return NEXT_END;
	w->at += 6 + (flags & 0x4000 ? 2u : 0) + (flags & 0x0800 ? 4u : 0);
	if (flags & 0x0200 && w->at + 2 <= w->len)
		w->at += 2u + load_be16(w->p + w->at);
	if (w->at + 2 <= w->len && w->p[w->at] == 0xff)
		w->at += 2;
	return NEXT_PPP;
}

static enum next walk_gre(struct walk *w, unsigned *type)
{
	if (!layer(w, LAYER_GRE, 4))
		return NEXT_END;
	unsigned flags = load_be16(w->p + w->at);
	*type = load_be16(w->p + w->at + 2);
	w->at +=
		4u + (flags & 0x8000 ? 4 : 0) + (flags & 0x2000 ? 4 : 0) + (flags & 0x1000 ? 4 : 0);
	if (*type == 0x88be || *type == 0x22eb) {
		if (*type == 0x88be && !(flags & 0x1000))
			return NEXT_ETHERNET; /* type I */
		if (!layer(w, LAYER_ERSPAN, 12))
			return NEXT_END;
		w->at += *type == 0x88be ? 8u : 12u + (w->p[w->at + 11] & 1u) * 8u;
		return NEXT_ETHERNET;
	}
	if (*type == 0x880b)
		return NEXT_PPP;
	return *type == 0x6558 ? NEXT_ETHERNET : NEXT_TYPE;
}

static enum next walk_udp(struct walk *w, unsigned *type)
{
	if (!layer(w, LAYER_UDP, 8))
		return NEXT_END;
	unsigned from = load_be16(w->p + w->at), to = load_be16(w->p + w->at + 2);
	w->at += 8;
	if (is_dns(from) || is_dns(to)) {
		walk_dns(w);
		return NEXT_END;
	}
	switch (to) {
	case 4789:
	case 8472:
		if (!layer(w, LAYER_VXLAN, 8))
			return NEXT_END;
		w->at += 8;
		return NEXT_ETHERNET;
	case 6081:
		return walk_geneve(w, type);
	case 2152:
		return walk_gtpu(w);
	case 3544:
		return NEXT_IP;
	case 4754:
		return walk_gre(w, type);
	case 1701:
		return walk_l2tp(w);
	default:
		return NEXT_END;
	}
}

static enum next walk_tcp(struct walk *w)
{
	if (!layer(w, LAYER_TCP, 20))
		return NEXT_END;
	bool dns = is_dns(load_be16(w->p + w->at)) || is_dns(load_be16(w->p + w->at + 2));
	w->at += (w->p[w->at + 12] >> 4) * 4u;
	if (dns && layer(w, LAYER_PREFIX, 2)) {
		w->at += 2;
		walk_dns(w);
	}
	return NEXT_END;
}

static enum next walk_ip(struct walk *w, unsigned *protocol)
{
	uint32_t at = w->at;

	if (at < w->len && w->p[at] >> 4 == 6) {
		if (!layer(w, LAYER_IPV6, 40))
			return NEXT_END;
		*protocol = w->p[at + 6];
		w->at += 40;
		return NEXT_PROTOCOL;
	}
	if (at >= w->len || w->p[at] >> 4 != 4 || !layer(w, LAYER_IPV4, 20))
		return NEXT_END;
	*protocol = w->p[at + 9];
	w->at += (w->p[at] & 0xfu) * 4;
	return load_be16(w->p + at + 6) & 0x1fff ? NEXT_END : NEXT_PROTOCOL;
}

static enum next walk_protocol(struct walk *w, unsigned *protocol, unsigned *type)
{
	uint32_t at = w->at;

	switch (*protocol) {
	case 4:
	case 41:
		return NEXT_IP;
	case 6:
		return walk_tcp(w);
	case 17:
		return walk_udp(w, type);
	case 47:
		return walk_gre(w, type);
	case 1:
	case 58: /* an error quotes what it is about */
		if (!layer(w, LAYER_ICMP, 8))
			return NEXT_END;
		w->at += 8;
		return NEXT_IP;
	case 44:
		if (!layer(w, LAYER_FRAGMENT, 8))
			return NEXT_END;
		*protocol = w->p[at];
		w->at += 8;
		return load_be16(w->p + at + 2) & 0xfff8 ? NEXT_END : NEXT_PROTOCOL;
	case 0:
	case 43:
	case 51:
	case 60:
		if (!layer(w, LAYER_EXTENSION, 8))
			return NEXT_END;
		w->at += *protocol == 51 ? (w->p[at + 1] + 2u) * 4 : (w->p[at + 1] + 1u) * 8;
		*protocol = w->p[at];
		return NEXT_PROTOCOL;
	default:
		return NEXT_END;
	}
}

static enum next walk_mpls(struct walk *w)
{
	bool bottom = false;

	while (!bottom && layer(w, LAYER_MPLS, 4)) {
		bottom = w->p[w->at + 2] & 1;
		w->at += 4;
	}
	if (!bottom || w->at + 4 > w->len)
		return NEXT_END;
	if (w->p[w->at] >> 4)
		return NEXT_IP;
	w->at += 4; /* a control word */
	return NEXT_ETHERNET;
}

static enum next walk_type(struct walk *w, unsigned *type)
{
	switch (*type) {
	case 0x0800:
	case 0x86dd:
		return NEXT_IP;
	case 0x8100:
	case 0x88a8:
	case 0x9100:
	case 0x9200:
		if (!layer(w, LAYER_VLAN, 4))
			return NEXT_END;
		*type = load_be16(w->p + w->at + 2);
		w->at += 4;
		return NEXT_TYPE;
	case 0x8847:
	case 0x8848:
		return walk_mpls(w);
	case 0x8864:
		if (!layer(w, LAYER_PPPOE, 6))
			return NEXT_END;
		w->at += 6;
		return NEXT_PPP;
	default:
		return NEXT_END;
	}
}

static enum next walk_ppp(struct walk *w)
{
	if (!layer(w, LAYER_PPP, 2))
		return NEXT_END;
	w->at += w->p[w->at] & 1 ? 1 : 2;
	return NEXT_IP;
}

static enum next walk_link(struct walk *w, enum wire_link link, unsigned *type)
{
	const struct link_type *t = link_type(link);

	if (!t || !layer(w, LAYER_ETHERNET, t->header))
		return NEXT_END;
	w->at = t->header;
	if (t->type_at > t->header)
		return NEXT_IP;
	*type = load_be16(w->p + t->type_at);
	return NEXT_TYPE;
}

void layers_find(enum wire_link link, const uint8_t *p, uint32_t len, struct layers *out)
{
	struct walk w = {.p = p, .len = len, .out = out};
	unsigned type = 0, protocol = 0;

	out->n = 0;
	enum next next = walk_link(&w, link, &type);
	for (unsigned depth = 0; depth < LAYERS_MAX && w.at <= len; depth++) {
		switch (next) {
		case NEXT_END:
			return;
		case NEXT_ETHERNET:
			if (!layer(&w, LAYER_ETHERNET, ETHERNET_HEADER))
				return;
			type = load_be16(p + w.at + 12);
			w.at += ETHERNET_HEADER;
			next = NEXT_TYPE;
			break;
		case NEXT_TYPE:
			next = walk_type(&w, &type);
			break;
		case NEXT_IP:
			next = walk_ip(&w, &protocol);
			break;
		case NEXT_PROTOCOL:
			next = walk_protocol(&w, &protocol, &type);
			break;
		case NEXT_PPP:
			next = walk_ppp(&w);
			break;
		}
	}
}

int layers_first(const struct layers *l, enum layer_kind kind)
{
	for (unsigned i = 0; i < l->n; i++)
		if (l->layer[i].kind == kind)
			return (int)i;
	return -1;
}
