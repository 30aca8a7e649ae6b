/* SPDX-License-Identifier: BSD-3-Clause */

#include "base/bits.h"
#include "reasm/framing.h"
#include "reasm/slots.h"
#include "reasm/stream.h"
#include "reasm/stream_buffer.h"

struct stream {
	uint64_t last_ms;
	uint32_t next;   /* sequence number of the first octet not read; the buffer's first */
	uint32_t buffer; /* SLOT_NONE: none */
	uint32_t anew;   /* where another connection would begin, if has_anew: a SYN said so */
	uint32_t layers;
	uint16_t sport;
	uint16_t dport;
	uint8_t ip_version;
	uint8_t depth;
	bool unsure; /* its start was guessed, and no message has come yet */
	bool has_anew;
	uint8_t saddr[16];
	uint8_t daddr[16];
};

struct stream_table {
	struct slots slots;   /* streams, by addresses and ports */
	struct slots buffers; /* by the number of their stream; the longest waiting first */
	struct hash_key key;
	uint64_t held;
	struct stream *stream;
	struct stream_buffer *buffer;
	/* Messages that are whole and not handed out yet. */
	const uint8_t *at;
	const uint8_t *end;
	struct wire_packet packet; /* what they have in common */
	uint32_t read;             /* buffer to take them off afterwards, or SLOT_NONE */
	uint32_t read_octets;
};

static size_t head_size(void)
{
	return align_up(sizeof(struct stream_table), CACHE_LINE);
}

size_t stream_size(uint32_t streams, uint32_t buffers)
{
	return head_size() + slots_size(streams) + slots_size(buffers) +
	       align_up(streams * sizeof(struct stream), CACHE_LINE) +
	       buffers * sizeof(struct stream_buffer);
}

struct stream_table *stream_init(void *mem, uint32_t streams, uint32_t buffers, struct hash_key key)
{
	struct stream_table *t = mem;
	uint8_t *at = (uint8_t *)mem + head_size();

	memset(t, 0, sizeof(*t));
	t->key = key;
	t->read = SLOT_NONE;
	slots_init(&t->slots, at, streams);
	at += slots_size(streams);
	slots_init(&t->buffers, at, buffers);
	at += slots_size(buffers);
	t->stream = (struct stream *)at;
	at += align_up(streams * sizeof(struct stream), CACHE_LINE);
	t->buffer = (struct stream_buffer *)at;
	return t;
}

uint64_t stream_held(const struct stream_table *t)
{
	return t->held;
}

static uint64_t key_of(const struct stream_table *t, const struct wire_packet *p)
{
	size_t n = p->ip_version == 4 ? 4 : 16;
	uint64_t h = hash_bytes(p->saddr, n, t->key);

	h = hash_fold(h ^ t->key.a, hash_bytes(p->daddr, n, t->key) ^ t->key.b);
	return hash_u64(h ^ ((uint64_t)p->sport << 16 | p->dport), t->key);
}

/* The buffer's octets are lost; its stream goes on without. */
static void buffer_drop(struct stream_table *t, uint32_t i, enum octet_fate fate, struct account *a)
{
	struct stream_buffer *b = &t->buffer[i];
	uint32_t held = stream_buffer_held(b);

	a->tcp_octet[fate] += held;
	t->held -= held;
	t->stream[b->stream].buffer = SLOT_NONE;
	slots_remove(&t->buffers, i);
}

static void stream_drop(struct stream_table *t, uint32_t i, enum octet_fate fate, struct account *a)
{
	if (t->stream[i].buffer != SLOT_NONE)
		buffer_drop(t, t->stream[i].buffer, fate, a);
	slots_remove(&t->slots, i);
}

static uint32_t stream_add(struct stream_table *t, uint64_t key, const struct wire_packet *p,
	uint32_t next, struct account *a)
{
	uint32_t i = slots_add(&t->slots, key);

	if (i == SLOT_NONE) {
		stream_drop(t, t->slots.oldest, OCTET_EVICTED, a);
		i = slots_add(&t->slots, key);
	}
	struct stream *s = &t->stream[i];
	size_t n = p->ip_version == 4 ? 4 : 16;
	*s = (struct stream){
		.next = next,
		.buffer = SLOT_NONE,
		.layers = p->layers,
		.sport = p->sport,
		.dport = p->dport,
		.ip_version = p->ip_version,
		.depth = p->depth,
	};
	memcpy(s->saddr, p->saddr, n);
	memcpy(s->daddr, p->daddr, n);
	return i;
}

static struct stream_buffer *buffer_for(struct stream_table *t, uint32_t stream, struct account *a)
{
	struct stream *s = &t->stream[stream];

	if (s->buffer == SLOT_NONE) {
		s->buffer = slots_add(&t->buffers, stream);
		if (s->buffer == SLOT_NONE) {
			uint32_t loser = t->buffer[t->buffers.oldest].stream;
			stream_drop(t, loser, OCTET_EVICTED, a);
			s->buffer = slots_add(&t->buffers, stream);
		}
		struct stream_buffer *b = &t->buffer[s->buffer];
		b->hole_ms = 0;
		b->stream = stream;
		stream_buffer_clear(b);
	}
	return &t->buffer[s->buffer];
}

/* What was read off a buffer leaves it; a stream whose buffer is empty has none. */
static void read_end(struct stream_table *t)
{
	if (t->read == SLOT_NONE)
		return;
	struct stream_buffer *b = &t->buffer[t->read];
	stream_buffer_shift(b, t->read_octets);
	if (b->ranges == 0) {
		t->stream[b->stream].buffer = SLOT_NONE;
		slots_remove(&t->buffers, t->read);
	}
	t->read = SLOT_NONE;
}

/* Takes n octets off the buffer's start, those that are there being lost; false when none are left.
 */
static bool give_up(struct stream_table *t, uint32_t stream, uint32_t n, enum octet_fate fate,
	struct account *a)
{
	struct stream *s = &t->stream[stream];
	struct stream_buffer *b = &t->buffer[s->buffer];
	uint32_t lost = stream_buffer_shift(b, n);

	a->tcp_octet[fate] += lost;
	t->held -= lost;
	if (!stream_buffer_has_hole(b))
		b->hole_ms = 0;
	s->next += n;
	s->unsure = true;
	return b->ranges != 0;
}

/* Hands out the messages at the start of a stream's buffer. */
static void read_buffer(struct stream_table *t, uint32_t stream, struct account *a)
{
	struct stream *s = &t->stream[stream];
	struct stream_buffer *b = &t->buffer[s->buffer];
	bool guessed = s->unsure, nonsense;
	uint32_t n =
		framing_whole(&s->unsure, stream_buffer_data(b), stream_buffer_ready(b), &nonsense);

	/* A wrong guess: the next place that looks like a start, of which each is tried once. */
	while (nonsense && guessed && n == 0) {
		uint32_t at = stream_buffer_find(b, 1, framing_starts_message);

		if (!give_up(t, stream, at, OCTET_UNSYNCHRONISED, a)) {
			stream_drop(t, stream, OCTET_UNSYNCHRONISED, a);
			return;
		}
		n = framing_whole(
			&s->unsure, stream_buffer_data(b), stream_buffer_ready(b), &nonsense);
	}
	t->at = stream_buffer_data(b);
	t->end = stream_buffer_data(b) + n;
	t->read = s->buffer;
	t->read_octets = n;
	t->held -= n;
	a->tcp_octet[OCTET_MESSAGE] += n;
	s->next += n;
	if (!nonsense)
		return;
	/* The messages before it stand; all behind goes, and the stream starts anew some day. */
	uint32_t rest = stream_buffer_held(b) - n;
	a->tcp_octet[OCTET_FRAMING] += rest;
	t->held -= rest;
	stream_buffer_clear(b);
	slots_remove(&t->slots, stream);
	slots_remove(&t->buffers, s->buffer);
	t->read = SLOT_NONE; /* its octets stay as they are until the next segment */
}

/* The same where there are any; behind a hole that was given up they may be there already. */
static void read_ready(struct stream_table *t, uint32_t stream, struct account *a)
{
	uint32_t i = t->stream[stream].buffer;

	if (i != SLOT_NONE && stream_buffer_ready(&t->buffer[i]))
		read_buffer(t, stream, a);
}

/* The data is next in order, and nothing waits: messages are read from the frame. */
static void read_frame(struct stream_table *t, uint32_t stream, const uint8_t *data, uint32_t len,
	struct account *a)
{
	bool nonsense;
	uint32_t n = framing_whole(&t->stream[stream].unsure, data, len, &nonsense);

	t->at = data;
	t->end = data + n;
	t->stream[stream].next += n;
	a->tcp_octet[OCTET_MESSAGE] += n;
	if (nonsense) {
		a->tcp_octet[OCTET_FRAMING] += len - n;
		stream_drop(t, stream, OCTET_FRAMING, a);
	} else if (n < len) {
		stream_buffer_add(buffer_for(t, stream, a), 0, data + n, len - n);
		t->held += len - n;
	}
}

/*
 * Gives up what is missing at the start of a stream's buffer. Where the length of the message
 * with the hole is known, what follows it is next; else the next place that looks like a start.
 * False when nothing is left to wait for: the buffer, or the stream, is gone.
 */
static bool skip_hole(struct stream_table *t, uint32_t stream, uint64_t now_ms, struct account *a)
{
	struct stream *s = &t->stream[stream];
	struct stream_buffer *b = &t->buffer[s->buffer];
	uint32_t ready = stream_buffer_ready(b);
	bool known = ready >= 2 && !s->unsure;
	uint32_t skip = known ? 2u + load_be16(stream_buffer_data(b))
			      : stream_buffer_find(b, ready ? ready : b->range[0].from,
					framing_starts_message);
	bool more = give_up(t, stream, skip, OCTET_GAP, a);

	if (b->hole_ms)
		b->hole_ms = now_ms; /* of the next one */
	if (more)
		return true;
	if (known)
		buffer_drop(t, s->buffer, OCTET_GAP, a);
	else
		stream_drop(t, stream, OCTET_GAP, a);
	return false;
}

/* The data goes into the buffer; what is whole then is read. */
static enum segment_fate buffer_data(struct stream_table *t, uint32_t stream, uint32_t rel,
	const uint8_t *data, uint32_t len, uint64_t now_ms, struct account *a)
{
	struct stream_buffer *b = buffer_for(t, stream, a);
	uint32_t ready = stream_buffer_ready(b);

	stream_buffer_mark(b, rel);
	uint32_t added = stream_buffer_add(b, rel, data, len);
	if (added == UINT32_MAX && rel < b->range[b->ranges - 1].from) {
		/* What is nearer to being read goes before what is farthest from it. */
		uint32_t lost = stream_buffer_drop_last(b);

		a->tcp_octet[OCTET_OUT_OF_WINDOW] += lost;
		t->held -= lost;
		added = stream_buffer_add(b, rel, data, len);
	}
	if (added == UINT32_MAX) {
		a->tcp_octet[OCTET_OUT_OF_WINDOW] += len;
		read_ready(t, stream, a);
		return SEGMENT_OUT_OF_WINDOW;
	}
	t->held += added;
	a->tcp_octet[OCTET_DUPLICATE] += len - added;
	bool hole = stream_buffer_has_hole(b);
	if (!hole)
		b->hole_ms = 0;
	else if (b->hole_ms == 0 || stream_buffer_ready(b) > ready)
		b->hole_ms = now_ms; /* of the next hole, where one was filled */
	if (!t->stream[stream].unsure)
		slots_touch(&t->buffers, t->stream[stream].buffer);
	read_ready(t, stream, a);
	if (added == 0)
		return SEGMENT_DUPLICATE;
	return rel == 0 || !hole ? SEGMENT_IN_ORDER : SEGMENT_OUT_OF_ORDER;
}

/*
 * No stream is known, or none that this belongs to. Until a message has come it is the first to
 * go, as one that only a SYN has told of: a flood of either displaces itself.
 */
static enum segment_fate start_anew(struct stream_table *t, uint64_t key,
	const struct wire_packet *p, uint32_t seq, uint64_t now_ms, struct account *a)
{
	if (!framing_starts_message(p->payload, p->payload_len)) {
		a->tcp_octet[OCTET_UNSYNCHRONISED] += p->payload_len;
		return SEGMENT_UNSYNCHRONISED;
	}
	uint32_t i = stream_add(t, key, p, seq, a);
	t->stream[i].last_ms = now_ms;
	t->stream[i].unsure = true;
	read_frame(t, i, p->payload, p->payload_len, a);
	if (slots_find(&t->slots, key) == i && t->stream[i].unsure) {
		slots_age(&t->slots, i);
		if (t->stream[i].buffer != SLOT_NONE)
			slots_age(&t->buffers, t->stream[i].buffer);
	}
	return SEGMENT_IN_ORDER;
}

/* Near enough to what is next to be of this connection, and to be kept. */
static bool fits(const struct stream *s, uint32_t seq, uint32_t len)
{
	int32_t rel = (int32_t)(seq - s->next);

	return rel >= -(int32_t)(4 * STREAM_WINDOW) && rel + (int64_t)len <= STREAM_WINDOW;
}

/* Data of the connection that a SYN told of. A SYN alone ends nothing: anybody can send one. */
static bool begins_anew(const struct stream *s, uint32_t seq, uint32_t len)
{
	return s->has_anew &&
	       (seq == s->anew || (!fits(s, seq, len) && seq - s->anew < STREAM_WINDOW));
}

static enum segment_fate stream_data(struct stream_table *t, uint64_t key, uint32_t i,
	const struct wire_packet *p, uint32_t seq, uint64_t now_ms, struct account *a)
{
	const uint8_t *data = p->payload;
	uint32_t len = p->payload_len;
	struct stream *s = &t->stream[i];

	/* A segment that is next fills the hole, however late. */
	if (s->buffer != SLOT_NONE && (int32_t)(seq - s->next) > 0 &&
		t->buffer[s->buffer].hole_ms &&
		t->buffer[s->buffer].hole_ms + STREAM_GAP_MS < now_ms &&
		!skip_hole(t, i, now_ms, a) && slots_find(&t->slots, key) == SLOT_NONE)
		return start_anew(t, key, p, seq, now_ms, a);
	if (!fits(s, seq, len)) {
		/* Another connection, or much was lost; else whoever sent it is not believed. */
		if (!framing_starts_message(data, len)) {
			a->tcp_octet[OCTET_OUT_OF_WINDOW] += len;
			read_ready(t, i, a);
			return SEGMENT_OUT_OF_WINDOW;
		}
		stream_drop(t, i, OCTET_GAP, a);
		return start_anew(t, key, p, seq, now_ms, a);
	}
	int32_t rel = (int32_t)(seq - s->next);
	s->last_ms = now_ms;
	if (!s->unsure)
		slots_touch(&t->slots, i);
	if (rel + (int64_t)len <= 0) {
		a->tcp_octet[OCTET_DUPLICATE] += len;
		read_ready(t, i, a);
		return SEGMENT_DUPLICATE;
	}
	if (rel < 0) {
		a->tcp_octet[OCTET_DUPLICATE] += (uint32_t)-rel;
		data -= rel;
		len -= (uint32_t)-rel;
		rel = 0;
	}
	if (rel == 0 && s->buffer == SLOT_NONE) {
		read_frame(t, i, data, len, a);
		return SEGMENT_IN_ORDER;
	}
	return buffer_data(t, i, (uint32_t)rel, data, len, now_ms, a);
}

static enum segment_fate segment(
	struct stream_table *t, const struct wire_packet *p, uint64_t now_ms, struct account *a)
{
	uint64_t key = key_of(t, p);
	uint32_t i = slots_find(&t->slots, key);
	bool syn = p->tcp_flags & WIRE_TCP_SYN;
	uint32_t seq = p->seq + syn;

	if (i != SLOT_NONE && t->stream[i].last_ms + STREAM_IDLE_MS < now_ms) {
		stream_drop(t, i, OCTET_GAP, a);
		i = SLOT_NONE;
	}
	if (syn && i == SLOT_NONE) {
		i = stream_add(t, key, p, seq, a);
		t->stream[i].last_ms = now_ms;
		slots_age(&t->slots, i);
	} else if (syn && (uint32_t)(t->stream[i].next - seq) >= STREAM_WINDOW) {
		/* No repetition: another connection, or forged, which data will show. */
		t->stream[i].anew = seq;
		t->stream[i].has_anew = true;
	}
	if (p->payload_len && i != SLOT_NONE && begins_anew(&t->stream[i], seq, p->payload_len)) {
		uint32_t anew = t->stream[i].anew;

		stream_drop(t, i, OCTET_GAP, a);
		i = stream_add(t, key, p, anew, a);
	}
	if (p->payload_len)
		return i == SLOT_NONE ? start_anew(t, key, p, seq, now_ms, a)
				      : stream_data(t, key, i, p, seq, now_ms, a);
	/*
	 * A stream at its end goes first, and not at once: the other leg of a tap may bring all of
	 * it again. Where something is outstanding the end may be forged.
	 */
	if (i != SLOT_NONE && p->tcp_flags & (WIRE_TCP_FIN | WIRE_TCP_RST) &&
		t->stream[i].next == seq && t->stream[i].buffer == SLOT_NONE)
		slots_age(&t->slots, i);
	return SEGMENT_EMPTY;
}

void stream_push(
	struct stream_table *t, const struct wire_packet *p, uint64_t now_ms, struct account *a)
{
	read_end(t);
	t->at = t->end = NULL;
	t->packet = *p;
	a->tcp_octets += p->payload_len;
	a->segment[segment(t, p, now_ms, a)]++;
}

bool stream_next(struct stream_table *t, struct account *a, struct wire_packet *out)
{
	if (t->at == t->end)
		return false;
	uint32_t len = load_be16(t->at);
	*out = t->packet;
	out->payload = t->at + 2;
	out->payload_len = out->payload_wire = len;
	out->transport = WIRE_TCP;
	out->cut = false;
	t->at += 2 + len;
	a->tcp_messages++;
	return true;
}

bool stream_sweep(struct stream_table *t, uint64_t now_ms, bool all, struct account *a)
{
	read_end(t);
	t->at = t->end = NULL;
	for (uint32_t i = t->buffers.oldest; i != SLOT_NONE; i = t->buffers.slot[i].newer) {
		struct stream_buffer *b = &t->buffer[i];
		uint32_t stream = b->stream;
		const struct stream *s = &t->stream[stream];

		if (!all && (b->hole_ms == 0 || b->hole_ms + STREAM_GAP_MS >= now_ms))
			continue;
		t->packet = (struct wire_packet){
			.saddr = s->saddr,
			.daddr = s->daddr,
			.layers = s->layers,
			.sport = s->sport,
			.dport = s->dport,
			.ip_version = s->ip_version,
			.depth = s->depth,
		};
		if (skip_hole(t, stream, now_ms, a))
			read_buffer(t, stream, a);
		return true;
	}
	return false;
}
