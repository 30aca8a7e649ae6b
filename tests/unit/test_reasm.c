/* SPDX-License-Identifier: BSD-3-Clause */

/*
 * Reassembly against whoever would misuse it: chains of datagrams that complete each other,
 * floods of segments, forged ends and beginnings. The ordinary is in tests/property.
 */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "reasm/reasm.h"

#define MESSAGE 100u /* octets, with its length */
#define CHAIN_MAX 200u

static struct reasm *r;
static struct account a;
static struct wire_config wire;
static unsigned messages;

static int setup(void **state)
{
	const struct reasm_config c = {
		.datagrams = 256, .fragment_timeout_ms = 2000, .streams = 1024, .buffers = 16};
	const uint16_t port = 53;
	void *mem = aligned_alloc(64, reasm_size(&c));

	wire_config_init(&wire, &port, 1);
	memset(&a, 0, sizeof(a));
	messages = 0;
	r = reasm_init(mem, &c, (struct hash_key){1, 2});
	*state = mem;
	return 0;
}

static int teardown(void **state)
{
	free(*state);
	return 0;
}

static void take(void)
{
	struct wire_packet out;

	while (reasm_next(r, &a, &out)) {
		messages++;
		a.not_dns[0]++; /* nobody parses them here */
	}
}

static void frame(const uint8_t *ip, uint32_t len, uint64_t now_ms)
{
	struct wire_packet p;
	enum wire_verdict v = wire_decode(&wire, WIRE_LINK_RAW, ip, len, len, &p);

	a.received++;
	a.rx[v]++;
	if (!reasm_wants(v))
		return;
	reasm_push(r, &wire, v, &p, now_ms, &a);
	take();
}

static void sweep(uint64_t now_ms)
{
	while (reasm_sweep(r, now_ms, false, &a))
		take();
}

static void ip4(uint8_t *out, unsigned len, unsigned id, unsigned fragment, unsigned proto)
{
	memset(out, 0, 20);
	out[0] = 0x45;
	out[2] = (uint8_t)(len >> 8);
	out[3] = (uint8_t)len;
	out[4] = (uint8_t)(id >> 8);
	out[5] = (uint8_t)id;
	out[6] = (uint8_t)(fragment >> 8);
	out[7] = (uint8_t)fragment;
	out[8] = 64;
	out[9] = (uint8_t)proto;
	out[12] = out[16] = 10;
	out[15] = 1;
	out[19] = 2;
}

#define MORE 0x2000u
#define IPIP 4u

/*
 * The end of each datagram is the fragment that completes the next: one frame would complete
 * them all. It does so for as many as a frame may have layers, and each fragment has one fate.
 */
static void a_chain_of_datagrams_is_as_deep_as_it_is_long(void **state)
{
	uint8_t end[28], piece[64];

	(void)state;
	memset(end, 0xff, sizeof(end));
	uint32_t len = 24;
	for (unsigned k = CHAIN_MAX; k > 0; k--) {
		/* Datagram k holds `end`: all but its last octets come first, in a fragment. */
		uint32_t first = len > 24 ? 24 : 16, rest = len - first;

		ip4(piece, 20 + first, k, MORE, IPIP);
		memcpy(piece + 20, end, first);
		frame(piece, 20 + first, 1000);
		memmove(end + 20, end + first, rest);
		ip4(end, 20 + rest, k, first / 8, IPIP);
		len = 20 + rest;
	}
	frame(end, len, 1001);
	assert_in_range(a.datagrams, 1, WIRE_DEPTH_MAX + 1);
	assert_int_equal(account_error(&a), 0);
	for (unsigned id = 1000; id < 1400; id++) {
		ip4(piece, 36, id, MORE, 17);
		piece[22] = 0;
		piece[23] = 53;
		frame(piece, 36, 1002);
	}
	sweep(60000);
	assert_int_equal(a.fragments_held, 0);
	assert_int_equal(account_error(&a), 0);
}

enum flag { FIN = 1, SYN = 2, RST = 4, ACK = 16 };

static void segment(unsigned port, uint32_t seq, unsigned flags, const uint8_t *data, uint32_t len,
	uint64_t now_ms)
{
	uint8_t ip[40 + 2 * MESSAGE];

	ip4(ip, 40 + len, 1, 0, 6);
	memset(ip + 20, 0, 20);
	ip[20] = (uint8_t)(port >> 8);
	ip[21] = (uint8_t)port;
	ip[23] = 53;
	ip[24] = (uint8_t)(seq >> 24);
	ip[25] = (uint8_t)(seq >> 16);
	ip[26] = (uint8_t)(seq >> 8);
	ip[27] = (uint8_t)seq;
	ip[32] = 0x50;
	ip[33] = (uint8_t)flags;
	if (len)
		memcpy(ip + 40, data, len);
	frame(ip, 40 + len, now_ms);
	assert_int_equal(account_error(&a), 0);
}

static const uint8_t *message(void)
{
	static uint8_t m[MESSAGE] = {0, MESSAGE - 2, 0, 1, 0, 0, 0, 1};

	return m;
}

#define PORT 4000u
#define HALF (MESSAGE / 2)

/* A connection that has begun, half of its first message there. */
static void half_a_message(void)
{
	segment(PORT, 99, SYN, NULL, 0, 1000);
	segment(PORT, 100, ACK, message(), HALF, 1001);
}

static void the_other_half(uint64_t now_ms)
{
	segment(PORT, 100 + HALF, ACK, message() + HALF, HALF, now_ms);
}

static void a_message_behind_two_losses_is_read(void **state)
{
	(void)state;
	half_a_message();
	/* The rest of it and all of the second are lost. */
	segment(PORT, 100 + 2 * MESSAGE, ACK, message(), MESSAGE, 1002);
	for (uint64_t t = 2000; t < 60000; t += 1000)
		sweep(t);
	assert_int_equal(messages, 1);
	assert_int_equal(a.tcp_octets_held, 0);
	assert_int_equal(account_error(&a), 0);
}

/* Neither beginnings without data nor data without a beginning push out what has both. */
static void a_flood_displaces_itself(void **state)
{
	const uint8_t length[2] = {0x40, 0};

	(void)state;
	half_a_message();
	for (unsigned i = 0; i < 4000; i++) {
		segment(PORT + 1 + i, 7, i % 2 ? SYN : ACK, length, i % 2 ? 0 : 2, 1001);
	}
	the_other_half(1002);
	assert_int_equal(messages, 1);
}

static void a_forged_beginning_ends_nothing(void **state)
{
	(void)state;
	half_a_message();
	segment(PORT, 0x80000000u, SYN, NULL, 0, 1001);
	segment(PORT, 0x80000000u, RST, NULL, 0, 1001);
	the_other_half(1002);
	assert_int_equal(messages, 1);
}

/* The same ports again, and this time data follows; also where its first segment comes last. */
static void a_true_beginning_is_another_connection(void **state)
{
	(void)state;
	half_a_message();
	segment(PORT, 0x80000000u, SYN, NULL, 0, 1001);
	segment(PORT, 0x80000001u + HALF, ACK, message() + HALF, HALF, 1002);
	segment(PORT, 0x80000001u, ACK, message(), HALF, 1003);
	assert_int_equal(messages, 1);
	assert_int_equal(a.tcp_octet[OCTET_GAP], HALF);
}

static void the_other_leg_of_a_tap_may_be_behind_the_end(void **state)
{
	(void)state;
	segment(PORT, 99, SYN, NULL, 0, 1000);
	segment(PORT, 100, ACK, message(), MESSAGE, 1001);
	segment(PORT, 100 + MESSAGE, FIN | ACK, NULL, 0, 1002);
	segment(PORT, 99, SYN, NULL, 0, 1003);
	segment(PORT, 100, ACK, message(), MESSAGE, 1004);
	segment(PORT, 100 + MESSAGE, FIN | ACK, NULL, 0, 1005);
	assert_int_equal(messages, 1);
	assert_int_equal(a.segment[SEGMENT_DUPLICATE], 1);
}

int main(void)
{
#define CASE(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {
		CASE(a_chain_of_datagrams_is_as_deep_as_it_is_long),
		CASE(a_message_behind_two_losses_is_read),
		CASE(a_flood_displaces_itself),
		CASE(a_forged_beginning_ends_nothing),
		CASE(a_true_beginning_is_another_connection),
		CASE(the_other_leg_of_a_tap_may_be_behind_the_end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
