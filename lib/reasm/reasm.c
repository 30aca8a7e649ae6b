/* SPDX-License-Identifier: BSD-3-Clause */

#include "base/bits.h"
#include "reasm/reasm.h"
#include "reasm/slots.h"

struct reasm {
	struct fragment_table *fragments;
	struct stream_table *streams;
	bool whole; /* a datagram is a message, and was not handed out yet */
	struct wire_packet packet;
	uint64_t fragments_held; /* as the account knows them */
	uint64_t octets_held;
};

static size_t head_size(void)
{
	return align_up(sizeof(struct reasm), CACHE_LINE);
}

static bool in_range(uint32_t n)
{
	return n >= 1 && n <= SLOTS_MAX;
}

size_t reasm_size(const struct reasm_config *c)
{
	if (!in_range(c->datagrams) || !in_range(c->streams) || !in_range(c->buffers))
		return 0;
	return head_size() + align_up(fragment_size(c->datagrams), CACHE_LINE) +
	       align_up(stream_size(c->streams, c->buffers), CACHE_LINE);
}

struct reasm *reasm_init(void *mem, const struct reasm_config *c, struct hash_key key)
{
	struct reasm *r = mem;
	uint8_t *at = (uint8_t *)mem + head_size();

	if (reasm_size(c) == 0)
		return NULL;
	memset(r, 0, sizeof(*r));
	r->fragments = fragment_init(at, c->datagrams, c->fragment_timeout_ms, key);
	at += align_up(fragment_size(c->datagrams), CACHE_LINE);
	r->streams = stream_init(at, c->streams, c->buffers, key);
	return r;
}

/* What waits is a level, not a count: accounts carry how it changed, and add up to it. */
static void held_update(struct reasm *r, struct account *a)
{
	uint64_t fragments = fragment_held(r->fragments), octets = stream_held(r->streams);

	a->fragments_held += fragments - r->fragments_held;
	a->tcp_octets_held += octets - r->octets_held;
	r->fragments_held = fragments;
	r->octets_held = octets;
}

static void count_layers(struct account *a, uint32_t layers)
{
	for (; layers; layers &= layers - 1)
		a->layer[__builtin_ctz(layers)]++;
}

void reasm_push(struct reasm *r, const struct wire_config *wire, enum wire_verdict v,
	const struct wire_packet *p, uint64_t now_ms, struct account *a)
{
	struct wire_packet part = *p;

	r->whole = false;
	fragment_release(r->fragments);
	fragment_expire(r->fragments, now_ms, a);
	while (v == WIRE_FRAGMENT_V4 || v == WIRE_FRAGMENT_V6) {
		struct wire_packet whole;

		if (!fragment_add(r->fragments, wire, &part, now_ms, a, &whole))
			break;
		uint32_t seen = whole.layers;
		v = wire_decode_whole(wire, &whole);
		a->whole[v]++;
		count_layers(a, whole.layers & ~seen);
		part = whole;
	}
	if (v == WIRE_DNS) {
		r->whole = true;
		r->packet = part;
	} else if (v == WIRE_TCP_DNS) {
		stream_push(r->streams, &part, now_ms, a);
	}
	held_update(r, a);
}

bool reasm_next(struct reasm *r, struct account *a, struct wire_packet *out)
{
	if (r->whole) {
		r->whole = false;
		*out = r->packet;
		return true;
	}
	return stream_next(r->streams, a, out);
}

bool reasm_sweep(struct reasm *r, uint64_t now_ms, bool all, struct account *a)
{
	fragment_release(r->fragments);
	fragment_expire(r->fragments, now_ms, a);
	bool more = stream_sweep(r->streams, now_ms, all, a);
	held_update(r, a);
	return more;
}
