/* SPDX-License-Identifier: BSD-3-Clause */

/* Datagrams cut into fragments, messages into TCP segments, and the order of packets. */

#include "mutate.h"

#define PIECES_MAX 80u
#define STREAM_MAX 16384u

/* One fragment: the headers before the IP payload and a part of it, with offset and MF set. */
struct piece {
	uint32_t from, to; /* of the IP payload */
	bool more;
};

static void fragment_v4(
	struct packet *to, const struct packet *p, uint32_t at, const struct piece *c, uint32_t id)
{
	const uint8_t *frame = p->bytes + p->start;
	uint32_t head = at + (frame[at] & 0xfu) * 4;

	packet_set(to, frame, head);
	memcpy(to->bytes + to->end, frame + head + c->from, c->to - c->from);
	to->end += c->to - c->from;
	uint8_t *ip = packet_data(to) + at;
	store_be16(ip + 2, packet_len(to) - at);
	store_be16(ip + 4, id);
	store_be16(ip + 6, c->from / 8 | (c->more ? 0x2000u : 0));
	to->wire = packet_len(to);
}

static void fragment_v6(
	struct packet *to, const struct packet *p, uint32_t at, const struct piece *c, uint32_t id)
{
	const uint8_t *frame = p->bytes + p->start;
	uint32_t head = at + 40;

	packet_set(to, frame, head);
	uint8_t *h = to->bytes + to->end;
	uint8_t *ip = packet_data(to) + at;
	h[0] = ip[6];
	h[1] = 0;
	store_be16(h + 2, c->from | (c->more ? 1u : 0));
	store_be32(h + 4, id);
	ip[6] = 44;
	memcpy(h + 8, frame + head + c->from, c->to - c->from);
	to->end += 8 + c->to - c->from;
	store_be16(ip + 4, packet_len(to) - head);
	to->wire = packet_len(to);
}

/* Cut points are multiples of 8; some pieces overlap the one before. */
static unsigned pieces_make(struct piece *c, uint32_t len, uint64_t *rng)
{
	/* Rather a few than many. */
	uint32_t most =
		align_up(chance(rng, 8) ? 8 : len / 2 + 8 + random_below(rng, len), 8) & 0xfff8;
	uint32_t at = 0;
	unsigned n = 0;

	while (at < len && n < PIECES_MAX) {
		uint32_t size = 8u * (1 + random_below(rng, most / 8));
		if (n == PIECES_MAX - 1 || size > len - at)
			size = len - at;
		uint32_t back = at && chance(rng, 16) ? 8 : 0;
		c[n++] = (struct piece){at - back, at + size, at + size < len};
		at += size;
	}
	return n;
}

void batch_fragment(struct batch *b, unsigned i, uint64_t *rng)
{
	static struct packet whole;
	struct piece c[PIECES_MAX];
	struct layers l;
	struct packet *p = b->packet[i];

	layers_find(WIRE_LINK_ETHERNET, packet_data(p), packet_len(p), &l);
	int v4 = layers_first(&l, LAYER_IPV4), v6 = layers_first(&l, LAYER_IPV6);
	if (v4 < 0 && v6 < 0)
		return;
	bool six = v4 < 0 || (v6 >= 0 && v6 < v4);
	uint32_t at = l.layer[six ? v6 : v4].at;
	uint32_t head = at + (six ? 40 : (packet_data(p)[at] & 0xfu) * 4);
	if (head + 16 > packet_len(p) || head < at + 20 || head > 512)
		return;
	packet_set(&whole, packet_data(p), packet_len(p));
	uint32_t id = (uint32_t)random_u64(rng);
	unsigned n = pieces_make(c, packet_len(p) - head, rng);
	for (unsigned k = 0; k < n; k++) {
		struct packet *to = k ? batch_insert(b, i + k) : p;
		if (!to)
			return;
		if (six)
			fragment_v6(to, &whole, at, &c[k], id);
		else
			fragment_v4(to, &whole, at, &c[k], id);
	}
}

/* Messages behind each other, each with its length before it. The first one's headers go to
 * `headers`, up to the UDP header; *ip is where its IP header lies. */
static uint32_t stream_gather(
	const struct batch *b, uint8_t *stream, struct packet *headers, uint32_t *ip)
{
	uint32_t used = 0;

	for (unsigned i = 0; i < b->n; i++) {
		struct packet *p = b->packet[i];
		struct layers l;

		layers_find(WIRE_LINK_ETHERNET, packet_data(p), packet_len(p), &l);
		int dns = layers_first(&l, LAYER_DNS);
		if (dns < 2 || l.layer[dns - 1].kind != LAYER_UDP ||
			l.layer[dns - 2].kind > LAYER_IPV6 || l.layer[dns - 2].kind < LAYER_IPV4)
			continue;
		uint32_t at = l.layer[dns].at, len = packet_len(p) - at;
		if (used + len + 2 > STREAM_MAX)
			break;
		if (used == 0) {
			*ip = l.layer[dns - 2].at;
			packet_set(headers, packet_data(p), at);
		}
		store_be16(stream + used, len);
		memcpy(stream + used + 2, packet_data(p) + at, len);
		used += 2 + len;
	}
	return used;
}

static void segment_make(struct packet *to, struct packet *headers, uint32_t ip, uint32_t seq,
	const uint8_t *data, uint32_t len, uint8_t flags)
{
	const uint8_t *h = packet_data(headers);
	bool six = h[ip] >> 4 == 6;
	uint32_t head = packet_len(headers) - 8; /* without UDP */

	packet_set(to, h, head);
	uint8_t *tcp = to->bytes + to->end;
	memset(tcp, 0, 20);
	memcpy(tcp, h + head, 4);
	store_be32(tcp + 4, seq);
	tcp[12] = 0x50;
	tcp[13] = flags;
	store_be16(tcp + 14, 8192);
	memcpy(tcp + 20, data, len);
	to->end += 20 + len;
	to->wire = packet_len(to);
	uint8_t *start = packet_data(to) + ip;
	if (six) {
		start[6] = 6;
		store_be16(start + 4, packet_len(to) - ip - 40);
	} else {
		start[9] = 6;
		store_be16(start + 2, packet_len(to) - ip);
	}
}

void batch_segment(struct batch *b, uint64_t *rng)
{
	static uint8_t stream[STREAM_MAX];
	static struct packet headers;
	uint32_t ip = 0, at = 0, len = stream_gather(b, stream, &headers, &ip);
	/* Near the wrap-around now and then. */
	uint32_t isn = chance(rng, 8) ? (uint32_t)-1000 : (uint32_t)random_u64(rng);
	uint32_t most = 1 + random_below(rng, chance(rng, 3) ? 16 : 1460);

	if (len == 0)
		return;
	b->n = 0;
	if (!chance(rng, 3)) /* else it starts in mid-stream */
		segment_make(batch_insert(b, b->n), &headers, ip, isn - 1, stream, 0, 2);
	else if (chance(rng, 2))
		at = random_below(rng, len);
	while (at < len && b->n < BATCH_MAX) {
		uint32_t size = 1 + random_below(rng, most);
		/* Some segments send octets again that were sent before. */
		uint32_t from = at && chance(rng, 16) ? random_below(rng, at) : at;
		if (size > len - at)
			size = len - at;
		segment_make(batch_insert(b, b->n), &headers, ip, isn + from, stream + from,
			at + size - from < 60000 ? at + size - from : size, 0x18);
		at += size;
	}
	struct packet *end = chance(rng, 2) ? batch_insert(b, b->n) : NULL;
	if (end)
		segment_make(end, &headers, ip, isn + at, stream, 0, chance(rng, 3) ? 4 : 0x11);
}

static void swap(struct batch *b, unsigned i, unsigned k)
{
	struct packet *p = b->packet[i];

	b->packet[i] = b->packet[k];
	b->packet[k] = p;
}

void batch_reorder(struct batch *b, uint64_t *rng)
{
	if (b->n < 2)
		return;
	uint32_t i = random_below(rng, b->n);
	struct packet *to;

	switch (random_below(rng, 5)) {
	case 0:
		for (unsigned k = b->n; k > 1; k--)
			swap(b, k - 1, random_below(rng, k));
		return;
	case 1:
		for (unsigned k = 0; k + 1 < b->n; k += 2)
			swap(b, k, k + 1);
		return;
	case 2:
		to = batch_insert(b, i);
		if (to)
			packet_set(to, packet_data(b->packet[i + 1]), packet_len(b->packet[i + 1]));
		return;
	case 3:
		batch_remove(b, i);
		return;
	default:
		swap(b, i, (i + 1) % b->n);
	}
}
