/* SPDX-License-Identifier: BSD-3-Clause */

/* Faults in the octets of a packet, most of them where a header lies. */

#include "mutate.h"

struct field {
	enum layer_kind kind;
	uint8_t at, width;
};

/* Lengths, counts, types, offsets and flags: what a decoder trusts at its peril. */
static const struct field fields[] = {
	{LAYER_ETHERNET, 12, 2},
	{LAYER_VLAN, 2, 2},
	{LAYER_MPLS, 2, 1},
	{LAYER_MPLS, 0, 4},
	{LAYER_PPPOE, 0, 2},
	{LAYER_PPPOE, 4, 2},
	{LAYER_PPP, 0, 1},
	{LAYER_PPP, 0, 2},
	{LAYER_IPV4, 0, 1},
	{LAYER_IPV4, 2, 2},
	{LAYER_IPV4, 4, 2},
	{LAYER_IPV4, 6, 2},
	{LAYER_IPV4, 9, 1},
	{LAYER_IPV6, 0, 1},
	{LAYER_IPV6, 4, 2},
	{LAYER_IPV6, 6, 1},
	{LAYER_EXTENSION, 0, 1},
	{LAYER_EXTENSION, 1, 1},
	{LAYER_FRAGMENT, 0, 1},
	{LAYER_FRAGMENT, 2, 2},
	{LAYER_FRAGMENT, 4, 4},
	{LAYER_ICMP, 0, 1},
	{LAYER_UDP, 0, 2},
	{LAYER_UDP, 2, 2},
	{LAYER_UDP, 4, 2},
	{LAYER_TCP, 4, 4},
	{LAYER_TCP, 12, 1},
	{LAYER_TCP, 13, 1},
	{LAYER_GRE, 0, 2},
	{LAYER_GRE, 2, 2},
	{LAYER_ERSPAN, 0, 2},
	{LAYER_ERSPAN, 10, 2},
	{LAYER_VXLAN, 0, 1},
	{LAYER_VXLAN, 3, 1},
	{LAYER_GENEVE, 0, 1},
	{LAYER_GENEVE, 2, 2},
	{LAYER_GENEVE, 11, 1},
	{LAYER_GTPU, 0, 1},
	{LAYER_GTPU, 1, 1},
	{LAYER_GTPU, 2, 2},
	{LAYER_GTPU, 11, 1},
	{LAYER_GTPU, 12, 1},
	{LAYER_L2TP, 0, 2},
	{LAYER_L2TP, 2, 2},
	{LAYER_L2TP, 6, 2},
	{LAYER_L2TP, 8, 2},
	{LAYER_PREFIX, 0, 2},
	{LAYER_DNS, 2, 2},
	{LAYER_DNS, 4, 2},
	{LAYER_DNS, 6, 2},
	{LAYER_DNS, 8, 2},
	{LAYER_DNS, 10, 2},
	{LAYER_NAME, 0, 1},
	{LAYER_NAME, 0, 2},
	{LAYER_NAME, 1, 1},
	{LAYER_RECORD, 0, 2},
	{LAYER_RECORD, 2, 2},
	{LAYER_RECORD, 4, 4},
	{LAYER_RECORD, 8, 2},
	{LAYER_RECORD, 10, 1},
};
#define FIELDS (sizeof(fields) / sizeof(fields[0]))

static const uint32_t interesting[] = {0, 1, 2, 3, 4, 5, 7, 8, 11, 12, 16, 19, 20, 21, 40, 53, 63,
	64, 65, 127, 128, 191, 192, 254, 255, 256, 511, 512, 1023, 1024, 1460, 1500, 4095, 4096,
	8191, 8192, 16383, 16384, 32767, 32768, 49152, 49164, 65528, 65534, 65535, 0x7fffffff,
	0x80000000, 0xfffffffe, 0xffffffff};

static uint32_t interesting_value(uint64_t *rng)
{
	return interesting[random_below(rng, sizeof(interesting) / sizeof(interesting[0]))];
}

static uint32_t lie(uint32_t v, uint32_t left, uint64_t *rng)
{
	switch (random_below(rng, 7)) {
	case 0:
		return v + 1;
	case 1:
		return v - 1;
	case 2:
		return v ^ 1u << random_below(rng, 16);
	case 3:
		return left + random_below(rng, 3) - 1;
	case 4:
		return (uint32_t)random_u64(rng);
	case 5:
		return chance(rng, 2) ? v + 8 : v - 8;
	default:
		return interesting_value(rng);
	}
}

static void field_set(uint8_t *p, unsigned width, uint32_t left, uint64_t *rng)
{
	uint32_t v = width == 1 ? p[0] : width == 2 ? load_be16(p) : load_be32(p);

	v = lie(v, left, rng);
	if (width == 1)
		p[0] = (uint8_t)v;
	else if (width == 2)
		store_be16(p, v);
	else
		store_be32(p, v);
}

/* A header, rather one of the inner ones. */
static unsigned layer_pick(const struct layers *l, uint64_t *rng)
{
	unsigned i = random_below(rng, l->n);

	if (chance(rng, 2)) {
		unsigned other = random_below(rng, l->n);
		i = other > i ? other : i;
	}
	return i;
}

/* Octets before those that a layer's length counts; -1: it has none, or not at `at`. */
static int length_base(enum layer_kind kind, uint8_t at)
{
	switch (kind) {
	case LAYER_IPV4:
		return at == 2 ? 0 : -1;
	case LAYER_IPV6:
		return at == 4 ? 40 : -1;
	case LAYER_UDP:
		return at == 4 ? 0 : -1;
	case LAYER_PPPOE:
		return at == 4 ? 6 : -1;
	case LAYER_GTPU:
		return at == 2 ? 8 : -1;
	case LAYER_PREFIX:
		return 2;
	default:
		return -1;
	}
}

/* A length that ends within a header further in, which all decoders must notice. */
static void length_shorten(uint8_t *p, const struct layers *l, unsigned i, int base, uint64_t *rng)
{
	unsigned inner = i + 1;

	while (inner + 1 < l->n && chance(rng, 2))
		inner++;
	uint32_t to = inner < l->n ? l->layer[inner].at - l->layer[i].at : 8;
	store_be16(p, to + random_below(rng, 16) - (uint32_t)base);
}

static void damage_field(struct packet *p, const struct layers *l, uint64_t *rng)
{
	unsigned i = layer_pick(l, rng), some = random_below(rng, FIELDS);

	for (unsigned k = 0; k < FIELDS; k++) {
		const struct field *f = &fields[(some + k) % FIELDS];
		uint32_t at = l->layer[i].at + f->at;

		if (f->kind != l->layer[i].kind || at + f->width > packet_len(p))
			continue;
		int base = length_base(f->kind, f->at);
		if (base >= 0 && chance(rng, 2))
			length_shorten(packet_data(p) + at, l, i, base, rng);
		else
			field_set(
				packet_data(p) + at, f->width, packet_len(p) - at - f->width, rng);
		return;
	}
}

/* Half of the places are anywhere, half within 24 octets of a header. */
static uint32_t place(const struct packet *p, const struct layers *l, uint64_t *rng)
{
	uint32_t len = packet_len(p);
	uint32_t at = random_below(rng, len);

	if (l->n && chance(rng, 2))
		at = l->layer[layer_pick(l, rng)].at + random_below(rng, 24);
	return at < len ? at : len - 1;
}

static void damage_octets(struct packet *p, const struct layers *l, uint64_t *rng)
{
	for (unsigned n = 1 + random_below(rng, 4); n > 0; n--) {
		uint8_t *at = packet_data(p) + place(p, l, rng);
		if (chance(rng, 2))
			*at ^= (uint8_t)(1u << random_below(rng, 8));
		else
			*at = (uint8_t)interesting_value(rng);
	}
}

/* Octets appear, vanish or come twice. */
static void damage_length(struct packet *p, const struct layers *l, uint64_t *rng)
{
	uint32_t at = place(p, l, rng), n = 1 + random_below(rng, chance(rng, 4) ? 64 : 4);
	uint8_t *d = packet_data(p) + at;
	uint32_t behind = packet_len(p) - at;

	if (chance(rng, 2)) {
		n = n < behind ? n : behind;
		memmove(d, d + n, behind - n);
		p->end -= n;
		p->wire -= n;
		return;
	}
	if (p->end + n > PACKET_ROOM)
		return;
	memmove(d + n, d, behind);
	if (chance(rng, 2))
		memset(d, (int)interesting_value(rng), n);
	p->end += n;
	p->wire += n;
}

/* The capture ends early, or the wire did, or the record says one of these falsely. */
static void damage_snap(struct packet *p, const struct layers *l, uint64_t *rng)
{
	uint32_t to = place(p, l, rng);

	/* Most mistakes are made with a header that is not all there. */
	if (l->n && chance(rng, 2)) {
		to = l->layer[layer_pick(l, rng)].at + random_below(rng, 12);
		to = to < packet_len(p) ? to : packet_len(p);
	}
	switch (random_below(rng, 4)) {
	case 0:
	case 1:
		p->end = p->start + to;
		break;
	case 2:
		p->end = p->start + to;
		p->wire = to;
		break;
	default:
		p->wire = lie(p->wire, packet_len(p), rng);
	}
}

/* The head of one, the tail of another. */
static void damage_splice(
	struct packet *p, const struct layers *l, const struct sample *other, uint64_t *rng)
{
	uint32_t head = place(p, l, rng), from = random_below(rng, other->len);
	uint32_t n = other->len - from;

	if (p->start + head + n > PACKET_ROOM)
		return;
	memcpy(packet_data(p) + head, other->data + from, n);
	p->end = p->start + head + n;
	p->wire = packet_len(p);
}

void packet_damage(struct packet *p, enum wire_link link, const struct sample *other, uint64_t *rng)
{
	struct layers l;

	if (packet_len(p) == 0)
		return;
	layers_find(link, packet_data(p), packet_len(p), &l);
	switch (random_below(rng, 12)) {
	case 0:
	case 1:
		damage_octets(p, &l, rng);
		return;
	case 2:
		damage_length(p, &l, rng);
		return;
	case 3:
	case 4:
		damage_snap(p, &l, rng);
		return;
	case 5:
		damage_splice(p, &l, other, rng);
		return;
	default:
		if (l.n)
			damage_field(p, &l, rng);
	}
}
