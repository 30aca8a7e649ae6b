/* SPDX-License-Identifier: BSD-3-Clause */

/* Link types: from each to Ethernet when captures are read, and to each when written. */

#include "mutate.h"

#define IP_ONLY UINT8_MAX

/* How far into a frame of a link type with options IP is looked for. */
#define IP_SEARCH 200u

#define SNAP 0xaa, 0xaa, 3, 0, 0, 0, 0, 0
#define DATA_80211 8, 0, 0, 0, 2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 2, 2, 0, 0, 0, 0, 3, 0, 0

/* The header as it is written; the type's two octets at type_at, IP_ONLY where it has none. */
static const struct link_type types[] = {
	[WIRE_LINK_ETHERNET] = {"ethernet", 1, 14, 12, {0}},
	[WIRE_LINK_SLL] = {"sll", 113, 16, 14, {0}},
	[WIRE_LINK_SLL2] = {"sll2", 276, 20, 0, {0}},
	[WIRE_LINK_RAW] = {"raw", 101, 0, IP_ONLY, {0}},
	[WIRE_LINK_NULL] = {"null", 0, 4, IP_ONLY, {2}},
	[WIRE_LINK_FDDI] = {"fddi", 10, 21, 19, {0x50, [13] = SNAP}},
	[WIRE_LINK_PPP] = {"ppp", 9, 4, IP_ONLY, {0xff, 3, 0, 0x21}},
	[WIRE_LINK_HDLC] = {"hdlc", 104, 4, 2, {0x0f}},
	[WIRE_LINK_ARCNET] = {"arcnet", 129, 8, IP_ONLY, {1, 2, [4] = 212}},
	[WIRE_LINK_NFLOG] = {"nflog", 239, 8, IP_ONLY, {2, [6] = 9}},
	[WIRE_LINK_80211] = {"80211", 105, 32, 30, {DATA_80211, SNAP}},
	[WIRE_LINK_RADIOTAP] = {"radiotap", 127, 40, 38, {0, 0, 8, [8] = DATA_80211, SNAP}},
	[WIRE_LINK_PPI] = {"ppi", 192, 40, 38, {0, 0, 8, 0, 105, [8] = DATA_80211, SNAP}},
	[WIRE_LINK_PKTAP] = {"pktap", 258, 26, 24, {12, [4] = 1, [8] = 1}},
};
_Static_assert(sizeof(types) / sizeof(types[0]) == WIRE_LINK_SEGMENTED, "each link type");

const struct link_type *link_type(enum wire_link link)
{
	return link < WIRE_LINK_SEGMENTED ? &types[link] : NULL;
}

int link_named(const char *name)
{
	for (int i = 0; i < (int)WIRE_LINK_SEGMENTED; i++)
		if (strcmp(types[i].name, name) == 0)
			return i;
	return -1;
}

/* What has an IP header's version and a length that fits. */
static bool is_ip(const uint8_t *p, uint32_t len)
{
	if (len >= 20 && p[0] == 0x45)
		return load_be16(p + 2) <= len;
	return len >= 40 && p[0] >> 4 == 6 && load_be16(p + 4) + 40u <= len;
}

uint32_t link_skip(enum wire_link link, const uint8_t *p, uint32_t len, unsigned *type)
{
	const struct link_type *t = &types[link];
	uint32_t skip = t->header;

	/* Those that are always as long as ours. */
	if (t->type_at != IP_ONLY && link <= WIRE_LINK_SLL2) {
		*type = len > skip ? load_be16(p + t->type_at) : 0;
		return skip;
	}
	skip = 0;
	while (skip < len && skip < IP_SEARCH && !is_ip(p + skip, len - skip))
		skip++;
	*type = 0;
	if (skip < len && skip < IP_SEARCH)
		*type = p[skip] >> 4 == 6 ? 0x86dd : 0x0800;
	return skip;
}

static void push_link(struct packet *p, enum wire_link link, unsigned type)
{
	const struct link_type *t = &types[link];
	uint32_t len = packet_len(p);
	uint8_t *h = packet_push(p, t->header);
	bool six = type == 0x86dd;

	memcpy(h, t->octets, t->header);
	if (t->type_at != IP_ONLY)
		store_be16(h + t->type_at, type);
	else if (link == WIRE_LINK_NULL)
		h[0] = six ? 30 : 2;
	else if (link == WIRE_LINK_PPP)
		h[3] = six ? 0x57 : 0x21;
	else if (link == WIRE_LINK_ARCNET)
		h[4] = six ? 196 : 212;
	else if (link == WIRE_LINK_NFLOG)
		memcpy(h + 4, (uint8_t[]){(uint8_t)(len + 4), (uint8_t)((len + 4) >> 8)}, 2);
}

void packet_reframe(struct packet *p, enum wire_link link)
{
	struct layers l;

	if (link == WIRE_LINK_ETHERNET || packet_len(p) < ETHERNET_HEADER)
		return;
	unsigned type = load_be16(packet_data(p) + 12);
	uint32_t skip = ETHERNET_HEADER;
	if (types[link].type_at == IP_ONLY) {
		layers_find(WIRE_LINK_ETHERNET, packet_data(p), packet_len(p), &l);
		int v4 = layers_first(&l, LAYER_IPV4), v6 = layers_first(&l, LAYER_IPV6);
		bool six = v4 < 0 || (v6 >= 0 && v6 < v4);
		int ip = six ? v6 : v4;
		type = six ? 0x86dd : 0x0800;
		skip = ip < 0 ? ETHERNET_HEADER : l.layer[ip].at;
	}
	packet_pull(p, skip);
	push_link(p, link, type);
}
