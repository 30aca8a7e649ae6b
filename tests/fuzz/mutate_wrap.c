/* SPDX-License-Identifier: BSD-3-Clause */

/* Headers and tunnels around a frame. They are well formed; faults come later. */

#include "mutate.h"

#define WRAP_LEN_MAX 60000u

/* The longest tunnel put around at once: Ethernet, IPv6, UDP, GTP-U with extensions. */
#define WRAP_HEADERS_MAX 128u

static void push_ether(struct packet *p, unsigned type)
{
	uint8_t *h = packet_push(p, ETHERNET_HEADER);

	h[0] = h[6] = 2;
	h[5] = 0x11;
	h[11] = 0x12;
	store_be16(h + 12, type);
}

/* Outer IPv4, or IPv6, of a tunnel between two of a few end points, and Ethernet. */
static void push_ip(struct packet *p, unsigned protocol, uint64_t *rng)
{
	uint32_t len = packet_len(p);
	uint8_t *h;

	if (chance(rng, 3)) {
		h = packet_push(p, 40);
		h[0] = 0x60;
		store_be16(h + 4, len);
		h[6] = (uint8_t)protocol;
		h[7] = 64;
		store_be32(h + 8, 0x20010db8);
		store_be32(h + 24, 0x20010db8);
		h[23] = (uint8_t)random_below(rng, 4);
		h[39] = (uint8_t)(4 + random_below(rng, 4));
		push_ether(p, 0x86dd);
		return;
	}
	h = packet_push(p, 20);
	h[0] = 0x45;
	store_be16(h + 2, len + 20);
	store_be16(h + 4, random_below(rng, 65536));
	h[8] = 64;
	h[9] = (uint8_t)protocol;
	store_be32(h + 12, 0xc6336401 + random_below(rng, 4));
	store_be32(h + 16, 0xc6336405 + random_below(rng, 4));
	push_ether(p, 0x0800);
}

static void push_udp(struct packet *p, unsigned port, uint64_t *rng)
{
	uint32_t len = packet_len(p);
	uint8_t *h = packet_push(p, 8);

	store_be16(h, 49152 + random_below(rng, 16384));
	store_be16(h + 2, port);
	store_be16(h + 4, len + 8);
	push_ip(p, 17, rng);
}

static void push_gre_header(struct packet *p, unsigned type, unsigned flags, uint64_t *rng)
{
	for (unsigned bit = 0x1000; bit <= 0x8000; bit <<= 1)
		if (bit != 0x4000 && flags & bit)
			store_be32(packet_push(p, 4), random_below(rng, 1000));
	uint8_t *h = packet_push(p, 4);
	store_be16(h, flags);
	store_be16(h + 2, type);
}

static void push_gre(struct packet *p, unsigned type, unsigned flags, uint64_t *rng)
{
	push_gre_header(p, type, flags, rng);
	push_ip(p, 47, rng);
}

static unsigned gre_flags(uint64_t *rng)
{
	static const uint16_t flags[] = {0, 0x2000, 0x3000, 0xb000, 0x8000, 0x1000};

	return flags[random_below(rng, 6)];
}

static void wrap_gtpu(struct packet *p, uint64_t *rng)
{
	uint8_t flags = 0x30;

	if (chance(rng, 2)) {
		bool extension = chance(rng, 2);
		if (extension) { /* a PDU session container */
			uint8_t *e = packet_push(p, 4);
			e[0] = 1;
			e[2] = 9;
		}
		uint8_t *options = packet_push(p, 4);
		options[3] = extension ? 0x85 : 0;
		flags |= extension ? 6 : 2;
	}
	uint32_t len = packet_len(p);
	uint8_t *h = packet_push(p, 8);
	h[0] = flags;
	h[1] = 255;
	store_be16(h + 2, len);
	store_be32(h + 4, random_below(rng, 100));
	push_udp(p, 2152, rng);
}

static void push_ppp(struct packet *p, unsigned type, uint64_t *rng)
{
	unsigned protocol = type == 0x86dd ? 0x57 : 0x21;

	if (chance(rng, 4))
		packet_push(p, 1)[0] = (uint8_t)protocol;
	else
		store_be16(packet_push(p, 2), protocol);
}

static void wrap_l2tp(struct packet *p, unsigned type, uint64_t *rng)
{
	unsigned flags = 2;

	push_ppp(p, type, rng);
	if (chance(rng, 2))
		store_be16(packet_push(p, 2), 0xff03);
	if (chance(rng, 4)) {
		uint32_t pad = random_below(rng, 5);
		packet_push(p, pad);
		store_be16(packet_push(p, 2), pad);
		flags |= 0x0200;
	}
	if (chance(rng, 3)) {
		packet_push(p, 4);
		flags |= 0x0800;
	}
	store_be32(packet_push(p, 4), 0x00010002);
	if (chance(rng, 2)) {
		store_be16(packet_push(p, 2), packet_len(p) + 4);
		flags |= 0x4000;
	}
	store_be16(packet_push(p, 2), flags);
	push_udp(p, 1701, rng);
}

/* Tunnels that carry an IP packet; `type` says which. */
static void wrap_ip(struct packet *p, unsigned type, uint64_t *rng)
{
	uint32_t len = packet_len(p);
	uint8_t *h;

	switch (random_below(rng, 11)) {
	case 0:
		for (unsigned i = 0, n = 1 + random_below(rng, 3); i < n; i++)
			store_be32(packet_push(p, 4), (16 + i) << 12 | (i ? 0u : 0x100u) | 64);
		push_ether(p, chance(rng, 8) ? 0x8848 : 0x8847);
		return;
	case 1:
		push_ppp(p, type, rng);
		len = packet_len(p);
		h = packet_push(p, 6);
		h[0] = 0x11;
		store_be16(h + 2, 7);
		store_be16(h + 4, len);
		push_ether(p, 0x8864);
		return;
	case 2:
		push_ip(p, type == 0x86dd ? 41 : 4, rng);
		return;
	case 3:
		push_gre(p, type, gre_flags(rng), rng);
		return;
	case 4:
		h = packet_push(p, 8);
		store_be16(h + 2, type);
		push_udp(p, 6081, rng);
		return;
	case 5:
		wrap_l2tp(p, type, rng);
		return;
	case 6:
		push_gre_header(p, type, gre_flags(rng), rng);
		push_udp(p, 4754, rng);
		return;
	case 7: /* Teredo, which should hold IPv6 */
		push_udp(p, 3544, rng);
		return;
	case 8: /* an error about the packet */
		packet_push(p, 8)[0] = type == 0x86dd ? 1 : 3;
		push_ip(p, type == 0x86dd ? 58 : 1, rng);
		return;
	default:
		wrap_gtpu(p, rng);
	}
}

static void wrap_geneve(struct packet *p, uint64_t *rng)
{
	uint32_t words = 0;

	for (unsigned i = 0, n = random_below(rng, 3); i < n; i++) {
		uint32_t data = random_below(rng, 3);
		uint8_t *option = packet_push(p, 4 + data * 4);
		option[3] = (uint8_t)data;
		words += 1 + data;
	}
	uint8_t *h = packet_push(p, 8);
	h[0] = (uint8_t)words;
	store_be16(h + 2, 0x6558);
	push_udp(p, 6081, rng);
}

/* Tunnels that carry a whole frame. */
static void wrap_frame(struct packet *p, uint64_t *rng)
{
	uint8_t *h;

	switch (random_below(rng, 7)) {
	case 0:
		push_gre(p, 0x6558, gre_flags(rng), rng);
		return;
	case 1:
		push_gre(p, 0x88be, 0, rng);
		return;
	case 2:
		packet_push(p, 8)[0] = 0x10;
		push_gre(p, 0x88be, 0x1000, rng);
		return;
	case 3: {
		bool sub = chance(rng, 2);
		if (sub)
			packet_push(p, 8);
		h = packet_push(p, 12);
		h[0] = 0x20;
		h[11] = sub;
		push_gre(p, 0x22eb, 0x1000, rng);
		return;
	}
	case 4:
		wrap_geneve(p, rng);
		return;
	case 5: /* an Ethernet pseudo-wire with a control word */
		packet_push(p, 4);
		store_be32(packet_push(p, 4), 16 << 12 | 1 << 8 | 64);
		push_ether(p, 0x8847);
		return;
	default:
		h = packet_push(p, 8);
		h[0] = 8;
		h[6] = 7;
		push_udp(p, chance(rng, 4) ? 8472 : 4789, rng);
	}
}

static void wrap_vlan(struct packet *p, uint64_t *rng)
{
	static const uint16_t types[] = {0x8100, 0x8100, 0x88a8, 0x9100, 0x9200};
	uint8_t macs[12];

	memcpy(macs, packet_data(p), sizeof(macs));
	uint8_t *h = packet_push(p, 4);
	memcpy(h, macs, sizeof(macs));
	store_be16(h + 12, types[random_below(rng, 5)]);
	store_be16(h + 14, random_below(rng, 4096));
}

/* An extension header behind the outermost IPv6 header. */
static bool extend_ipv6(struct packet *p, uint64_t *rng)
{
	static const uint8_t protocols[] = {0, 43, 60, 60};
	struct layers l;

	layers_find(WIRE_LINK_ETHERNET, packet_data(p), packet_len(p), &l);
	int i = layers_first(&l, LAYER_IPV6);
	if (i < 0)
		return false;
	uint32_t head = l.layer[i].at + 40, size = 8u * (1 + random_below(rng, 2));
	uint8_t *old = packet_data(p), *h = packet_push(p, size);
	memmove(h, old, head);
	memset(h + head, 0, size);
	uint8_t *ip = h + l.layer[i].at;
	h[head] = ip[6];
	h[head + 1] = (uint8_t)(size / 8 - 1);
	ip[6] = protocols[random_below(rng, 4)];
	store_be16(ip + 4, load_be16(ip + 4) + size);
	return true;
}

/* Where IP starts behind the tags, or 0. */
static uint32_t ip_start(struct packet *p, unsigned *type)
{
	struct layers l;

	layers_find(WIRE_LINK_ETHERNET, packet_data(p), packet_len(p), &l);
	for (unsigned i = 1; i < l.n; i++) {
		if (l.layer[i].kind == LAYER_VLAN)
			continue;
		*type = l.layer[i].kind == LAYER_IPV6 ? 0x86dd : 0x0800;
		return l.layer[i].kind == LAYER_IPV4 || l.layer[i].kind == LAYER_IPV6
			       ? l.layer[i].at
			       : 0;
	}
	return 0;
}

void packet_wrap(struct packet *p, uint64_t *rng)
{
	unsigned type = 0;

	if (p->start < WRAP_HEADERS_MAX || packet_len(p) > WRAP_LEN_MAX ||
		packet_len(p) < ETHERNET_HEADER)
		return;
	uint32_t kind = random_below(rng, 10);
	if (kind == 0 && extend_ipv6(p, rng))
		return;
	uint32_t ip = kind >= 5 ? ip_start(p, &type) : 0;
	if (ip) {
		packet_pull(p, ip);
		wrap_ip(p, type, rng);
	} else if (kind >= 3) {
		wrap_frame(p, rng);
	} else {
		wrap_vlan(p, rng);
	}
}
