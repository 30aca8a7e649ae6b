/* SPDX-License-Identifier: BSD-3-Clause */

/*
 * DNS over TCP: random messages in random segments. What comes out are messages that were
 * sent, each once, in their order; all of them where nothing was lost. Every segment and
 * every octet is accounted for after each step, and no buffer stays behind.
 */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/bits.h"
#include "reasm/stream.h"
#include "tests/unit/random.h"

#define FLOWS 6u
#define SENT_MAX (256u << 10) /* octets of one flow */
#define MESSAGES_MAX 400u
#define SEGMENTS_MAX 4096u

/* One direction of a connection: what it says, and how far that came out. */
struct flow {
	uint8_t saddr[16];
	uint8_t daddr[16];
	uint32_t isn;
	uint32_t len;
	unsigned messages;
	unsigned next; /* number behind the last that came out */
	unsigned out;  /* different ones that did */
	bool came[MESSAGES_MAX];
	uint32_t start[MESSAGES_MAX + 1];
	uint8_t sent[SENT_MAX];
};

struct segment {
	uint32_t at; /* in flow.sent */
	uint32_t len;
	unsigned flow;
	unsigned flags;
	bool noise; /* not of the flow: random octets at a random place */
};

/* What a round does to its segments. */
struct weather {
	bool syn;          /* connections are seen from their start */
	bool mid_message;  /* else they are first seen anywhere */
	bool forgets;      /* streams go before their end: a late repetition comes out again */
	unsigned swap;     /* segments that are shuffled together */
	unsigned repeat;   /* of 64 segments so many come again, cut otherwise */
	unsigned lose;     /* of 64, so many are lost */
	unsigned noise;    /* of 64 */
	unsigned flags;    /* of 64: FIN or RST, or the first SYN again */
	unsigned pause_ms; /* longest pause between two */
	uint32_t streams;
	uint32_t buffers;
};

static struct flow flow[FLOWS];
static struct segment segment[SEGMENTS_MAX];
static unsigned segments;
static struct stream_table *table;
static struct account account;
static uint64_t pushed, octets;
static bool forgets;   /* of the weather */
static unsigned again; /* messages that came out twice */
static uint64_t now_ms = 1000000;

/* A message by its number: a header of one question, then anything. */
static void message_put(struct flow *f, unsigned number, uint32_t len, uint64_t *random)
{
	uint8_t *p = f->sent + f->len;

	f->start[number] = f->len;
	for (uint32_t i = 0; i < len + 2; i++)
		p[i] = (uint8_t)random_u64(random);
	p[0] = (uint8_t)(len >> 8);
	p[1] = (uint8_t)len;
	memcpy(p + 2,
		(const uint8_t[]){(uint8_t)(number >> 8), (uint8_t)number, 0x81, 0x80, 0, 1, 0, 0,
			0, 0, 0, 0},
		12);
	f->len += len + 2;
	f->start[number + 1] = f->len;
}

static void flow_make(struct flow *f, unsigned number, uint64_t *random)
{
	memset(f->saddr, 0, sizeof(f->saddr));
	memset(f->daddr, 0, sizeof(f->daddr));
	f->saddr[3] = (uint8_t)number;
	f->daddr[3] = 77;
	f->isn = random_below(random, 2) ? (uint32_t)-random_below(random, 20000)
					 : (uint32_t)random_u64(random);
	f->len = f->out = f->next = 0;
	memset(f->came, 0, sizeof(f->came));
	f->messages = 1 + random_below(random, 60);
	for (unsigned i = 0; i < f->messages; i++) {
		uint32_t len = 17 + random_below(random, 400);

		if (random_below(random, 40) == 0)
			len = random_below(random, 2) ? 65535 : random_below(random, 30000) + 17;
		if (f->len + len + 2 > SENT_MAX) {
			f->messages = i;
			break;
		}
		message_put(f, i, len, random);
	}
}

static void segment_add(unsigned f, uint32_t at, uint32_t len, unsigned flags, bool noise)
{
	if (segments < SEGMENTS_MAX)
		segment[segments++] = (struct segment){at, len, f, flags, noise};
}

/* The flows cut into segments, taking turns. */
static void segments_make(const struct weather *w, uint64_t *random)
{
	uint32_t at[FLOWS] = {0};
	unsigned open = FLOWS;
	unsigned most = random_below(random, 3) ? 1460 : 1 + random_below(random, 40);

	segments = 0;
	for (unsigned f = 0; f < FLOWS; f++) {
		if (w->syn)
			segment_add(f, 0, 0, WIRE_TCP_SYN, false);
		if (w->mid_message)
			at[f] = random_below(random, flow[f].len);
	}
	while (open && segments < SEGMENTS_MAX - FLOWS) {
		unsigned f = random_below(random, FLOWS);
		uint32_t left = flow[f].len - at[f], n = 1 + random_below(random, most);

		open = 0;
		for (unsigned i = 0; i < FLOWS; i++)
			open += at[i] < flow[i].len;
		if (left == 0)
			continue;
		n += !w->syn && at[f] == 0; /* a length at least */
		n = n < left ? n : left;
		/* Many senders write message by message. */
		bool whole = random_below(random, 2);
		for (unsigned m = 0; whole && m < flow[f].messages; m++)
			if (flow[f].start[m] > at[f] && flow[f].start[m] < at[f] + n)
				n = flow[f].start[m] - at[f];
		segment_add(f, at[f], n, 0, false);
		at[f] += n;
	}
	for (unsigned f = 0; f < FLOWS; f++) { /* what there was no room for was not sent */
		while (flow[f].messages && flow[f].start[flow[f].messages] > at[f])
			flow[f].messages--;
		flow[f].len = at[f];
	}
}

/* Moves the last segment to `to`. */
static void segment_move(unsigned to)
{
	struct segment moved = segment[segments - 1];

	memmove(&segment[to + 1], &segment[to], (segments - 1 - to) * sizeof(moved));
	segment[to] = moved;
}

/* Adds one behind segment i, a little later. */
static void segment_insert(struct segment s, unsigned i, uint64_t *random)
{
	unsigned before = segments, to = i + 1 + random_below(random, 10);

	segment_add(s.flow, s.at, s.len, s.flags, s.noise);
	if (segments > before && to < before)
		segment_move(to);
}

static void segments_weather(const struct weather *w, uint64_t *random)
{
	unsigned first = w->syn ? FLOWS : 0;

	for (unsigned i = first; i < segments; i++) {
		struct segment s = segment[i];
		uint32_t back = random_below(random, 60);

		if (s.noise || s.flags)
			continue;
		if (random_below(random, 64) < w->lose) {
			memmove(&segment[i], &segment[i + 1],
				(--segments - i) * sizeof(segment[0]));
			i--;
			continue;
		}
		back = back < s.at ? back : s.at;
		if (random_below(random, 64) < w->repeat)
			segment_insert(
				(struct segment){s.at - back,
					1 + random_below(random, s.len + back), s.flow, 0, false},
				i, random);
		if (random_below(random, 64) < w->noise)
			segment_insert((struct segment){(uint32_t)random_u64(random),
					       random_below(random, 100), s.flow, 0, true},
				i, random);
		if (random_below(random, 64) < w->flags)
			segment_insert(
				(struct segment){random_below(random, s.at + s.len), 0, s.flow,
					random_below(random, 2) ? WIRE_TCP_FIN : WIRE_TCP_RST,
					false},
				i, random);
		if (w->syn && s.at < 20000 && random_below(random, 64) < w->repeat)
			segment_insert(
				(struct segment){0, 0, s.flow, WIRE_TCP_SYN, false}, i, random);
	}
	/* Shuffled in groups, so that none moves farther. */
	for (unsigned from = first; w->swap && from < segments; from += w->swap) {
		unsigned n = segments - from < w->swap ? segments - from : w->swap;

		for (unsigned i = n; i > 1; i--) {
			unsigned to = from + random_below(random, i);
			struct segment moved = segment[from + i - 1];
			segment[from + i - 1] = segment[to];
			segment[to] = moved;
		}
	}
}

static void identities_hold(void)
{
	uint64_t fates = 0, kept = 0;

	for (unsigned i = 0; i < SEGMENT_FATE_COUNT; i++)
		fates += account.segment[i];
	for (unsigned i = 0; i < OCTET_FATE_COUNT; i++)
		kept += account.tcp_octet[i];
	assert_int_equal(fates, pushed);
	assert_int_equal(account.tcp_octets, octets);
	assert_int_equal(kept + stream_held(table), octets);
}

/* Takes what is ready: messages that were sent, each later than the one before it. */
static void messages_take(void)
{
	struct wire_packet p;
	uint64_t before = account.tcp_messages, taken = 0;

	while (stream_next(table, &account, &p)) {
		struct flow *f = &flow[p.saddr[3] % FLOWS];
		unsigned number = load_be16(p.payload);

		taken++;
		assert_int_equal(p.transport, WIRE_TCP);
		assert_int_equal(p.dport, 53);
		assert_int_equal(p.daddr[3], 77);
		if (number >= f->messages || (!forgets && number < f->next))
			fail_msg("message %u of %u after %u", number, f->messages, f->next);
		assert_int_equal(p.payload_len, f->start[number + 1] - f->start[number] - 2);
		assert_memory_equal(p.payload, f->sent + f->start[number] + 2, p.payload_len);
		f->next = number + 1;
		f->out += !f->came[number];
		again += f->came[number];
		f->came[number] = true;
	}
	assert_int_equal(account.tcp_messages - before, taken);
}

static void segment_push(const struct segment *s, uint64_t *random)
{
	static uint8_t data[1 << 16];
	const struct flow *f = &flow[s->flow];
	uint32_t len = s->len;

	if (!s->noise && s->at + len > f->len)
		len = f->len > s->at ? f->len - s->at : 0;
	for (uint32_t i = 0; i < len; i++)
		data[i] = s->noise ? (uint8_t)random_u64(random) : f->sent[s->at + i];
	/* A header that no message has, lest noise be one by chance. */
	if (s->noise && len > 4)
		data[4] = 0x78;
	struct wire_packet p = {
		.payload = data,
		.payload_len = s->noise && len < 5 ? 0 : len,
		.saddr = f->saddr,
		.daddr = f->daddr,
		.seq = f->isn + !(s->flags & WIRE_TCP_SYN) + s->at,
		.sport = 4000,
		.dport = 53,
		.tcp_flags = (uint8_t)s->flags,
		.ip_version = 4,
	};
	pushed++;
	octets += p.payload_len;
	stream_push(table, &p, now_ms, &account);
	messages_take();
	identities_hold();
}

static void sweep(bool all)
{
	while (stream_sweep(table, now_ms, all, &account)) {
		messages_take();
		identities_hold();
	}
}

/* All buffers are free: as many new streams find one each, and push nobody out. */
static void buffers_are_free(uint32_t buffers)
{
	uint64_t evicted = account.tcp_octet[OCTET_EVICTED];
	const uint8_t part[] = {1, 0, 0, 1, 1, 0};

	for (uint32_t i = 0; i < buffers; i++) {
		uint8_t addr[16] = {9, 9, (uint8_t)(i >> 8), (uint8_t)i};
		struct wire_packet p = {.payload = part,
			.payload_len = sizeof(part),
			.saddr = addr,
			.daddr = addr,
			.tcp_flags = WIRE_TCP_SYN, /* else each is the next one's place */
			.ip_version = 4};
		pushed++;
		octets += sizeof(part);
		stream_push(table, &p, now_ms, &account);
	}
	assert_int_equal(account.tcp_octet[OCTET_EVICTED], evicted);
	assert_int_equal(stream_held(table), buffers * sizeof(part));
	sweep(true);
	assert_int_equal(stream_held(table), 0);
	identities_hold();
}

static void round_run(const struct weather *w, uint64_t *random)
{
	void *mem = aligned_alloc(64, (stream_size(w->streams, w->buffers) + 63) & ~(size_t)63);

	assert_non_null(mem);
	memset(mem, 0xa5, stream_size(w->streams, w->buffers));
	memset(&account, 0, sizeof(account));
	pushed = octets = 0;
	forgets = w->forgets;
	table = stream_init(mem, w->streams, w->buffers,
		(struct hash_key){random_u64(random), random_u64(random)});
	for (unsigned f = 0; f < FLOWS; f++)
		flow_make(&flow[f], f, random);
	segments_make(w, random);
	segments_weather(w, random);
	for (unsigned i = 0; i < segments; i++) {
		now_ms += random_below(random, w->pause_ms + 1);
		segment_push(&segment[i], random);
		if (random_below(random, 50) == 0)
			sweep(false);
	}
	sweep(true);
	assert_int_equal(stream_held(table), 0);
	buffers_are_free(w->buffers < w->streams ? w->buffers : w->streams);
	free(mem);
}

#define ROOMY .streams = 16, .buffers = 8

static void rounds(const struct weather *w, unsigned n, bool all)
{
	unsigned out = 0, sent = 0;

	again = 0;
	for (uint64_t seed = 1; seed <= n; seed++) {
		uint64_t random = seed * 1000003;

		round_run(w, &random);
		for (unsigned f = 0; f < FLOWS; f++) {
			if (all && flow[f].out != flow[f].messages)
				fail_msg("seed %u: flow %u: %u of %u messages", (unsigned)seed, f,
					flow[f].out, flow[f].messages);
			out += flow[f].out;
			sent += flow[f].messages;
		}
	}
	print_message("# %u of %u messages, %u twice\n", out, sent, again);
	assert_true(again * 10 <= out);
	/* A reader that never finds a start would pass all else. */
	assert_true(out * 10 > sent);
}

static void in_order_all_come_out(void **state)
{
	const struct weather w = {.syn = true, .pause_ms = 5, ROOMY};

	(void)state;
	rounds(&w, 60, true);
}

/* Nor does it need the start of the connection, where a segment starts a message. */
static void without_a_start_all_come_out(void **state)
{
	const struct weather w = {.pause_ms = 5, ROOMY};

	(void)state;
	rounds(&w, 60, true);
}

static void out_of_order_all_come_out(void **state)
{
	const struct weather w = {.syn = true, .swap = 12, .repeat = 20, .pause_ms = 1, ROOMY};

	(void)state;
	rounds(&w, 120, true);
}

/* Octets from elsewhere under a connection's ports do not end it. */
static void beside_forgeries_all_come_out(void **state)
{
	const struct weather w = {.syn = true, .swap = 6, .noise = 16, .pause_ms = 1, ROOMY};

	(void)state;
	rounds(&w, 60, true);
}

static void of_what_is_lost_the_rest_comes_out(void **state)
{
	const struct weather w = {.syn = true,
		.forgets = true,
		.swap = 8,
		.repeat = 8,
		.lose = 2,
		.flags = 1,
		.pause_ms = 200,
		ROOMY};

	(void)state;
	rounds(&w, 120, false);
}

static void in_mid_message_a_start_is_found(void **state)
{
	const struct weather w = {.mid_message = true,
		.forgets = true,
		.swap = 4,
		.lose = 1,
		.noise = 4,
		.flags = 4,
		.pause_ms = 300,
		ROOMY};

	(void)state;
	rounds(&w, 120, false);
}

static void of_few_places_the_longest_waiting_go(void **state)
{
	const struct weather w = {.syn = true,
		.forgets = true,
		.swap = 10,
		.repeat = 6,
		.lose = 1,
		.noise = 1,
		.flags = 1,
		.pause_ms = 50,
		.streams = 4,
		.buffers = 2};

	(void)state;
	rounds(&w, 120, false);
	assert_true(account.tcp_octet[OCTET_EVICTED] > 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(in_order_all_come_out),
		cmocka_unit_test(without_a_start_all_come_out),
		cmocka_unit_test(out_of_order_all_come_out),
		cmocka_unit_test(beside_forgeries_all_come_out),
		cmocka_unit_test(of_what_is_lost_the_rest_comes_out),
		cmocka_unit_test(in_mid_message_a_start_is_found),
		cmocka_unit_test(of_few_places_the_longest_waiting_go),
	};

	return cmocka_run_group_tests_name("stream", tests, NULL, NULL);
}
