/* SPDX-License-Identifier: BSD-3-Clause */

/*
 * Frame decode: what each layer does to a datagram, what each refusal is called, and
 * that a frame which the capture cut is never taken for a malformed one.
 */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "tests/unit/guard.h"
#include "tests/unit/layers.h"
#include "wire/wire.h"

static struct wire_config port_53(void)
{
	struct wire_config cfg;
	const uint16_t port = 53;

	assert_int_equal(wire_config_init(&cfg, &port, 1), 0);
	return cfg;
}

static enum wire_verdict decode(const struct build *b, enum wire_link link, uint32_t caplen,
	uint32_t wirelen, struct wire_packet *out)
{
	struct wire_config cfg = port_53();

	return wire_decode(&cfg, link, guarded(b->octet, caplen), caplen, wirelen, out);
}

static void every_layer_leads_to_the_payload(void **state)
{
	(void)state;
	for (size_t i = 0; i < SAMPLES; i++) {
		const struct sample *s = &samples[i];
		struct build b = {.len = 0};
		struct wire_packet p;

		s->make(&b);
		print_message("# %s\n", s->name);
		assert_int_equal(decode(&b, s->link, b.len, b.len, &p), WIRE_DNS);
		assert_int_equal(p.payload_len, PAYLOAD_LEN);
		assert_memory_equal(p.payload, PAYLOAD, PAYLOAD_LEN);
		assert_int_equal(p.ip_version, s->version);
		assert_int_equal(p.layers, s->layers);
		assert_int_equal(p.sport + p.dport, 4053);
		assert_int_equal(p.saddr[s->version == 4 ? 3 : 15], 1);
		assert_int_equal(p.daddr[s->version == 4 ? 3 : 15], 2);
		assert_false(p.cut);
	}
}

/* Ethernet pads to 60 octets; a trailer is no part of the datagram. */
static void padding_is_no_payload(void **state)
{
	(void)state;
	for (size_t i = 0; i < SAMPLES; i++) {
		struct build b = {.len = 0};
		struct wire_packet p;

		samples[i].make(&b);
		put_zeros(&b, 30);
		assert_int_equal(decode(&b, samples[i].link, b.len, b.len, &p), WIRE_DNS);
		assert_int_equal(p.payload_len, PAYLOAD_LEN);
		/* A snap length that took the padding only took nothing. */
		assert_int_equal(decode(&b, samples[i].link, b.len - 30, b.len, &p), WIRE_DNS);
		assert_false(p.cut);
	}
}

static void a_cut_frame_is_never_malformed(void **state)
{
	(void)state;
	for (size_t i = 0; i < SAMPLES; i++) {
		struct build b = {.len = 0};
		struct wire_packet p;

		samples[i].make(&b);
		uint32_t header = b.len - PAYLOAD_LEN;
		for (uint32_t caplen = 0; caplen < b.len; caplen++) {
			enum wire_verdict v = decode(&b, samples[i].link, caplen, b.len, &p);

			if (caplen < header + 12) {
				assert_int_equal(v, WIRE_CUT);
				continue;
			}
			assert_int_equal(v, WIRE_DNS);
			assert_true(p.cut);
			assert_int_equal(p.payload_len, caplen - header);
		}
	}
}

/* Without its tail, and nobody to say that there was one: a liar, or nothing at all. */
static void a_short_frame_is_never_cut(void **state)
{
	(void)state;
	for (size_t i = 0; i < SAMPLES; i++) {
		struct build b = {.len = 0};
		struct wire_packet p;

		samples[i].make(&b);
		for (uint32_t len = 0; len < b.len; len++) {
			enum wire_verdict v = decode(&b, samples[i].link, len, len, &p);

			assert_int_not_equal(v, WIRE_CUT);
			assert_int_not_equal(v, WIRE_DNS);
		}
	}
}

/* Whatever a frame holds at whatever length, nothing beyond is read. */
static void any_octet_may_be_anything(void **state)
{
	(void)state;
	for (size_t i = 0; i < SAMPLES; i++) {
		struct build b = {.len = 0};
		struct wire_packet p;

		samples[i].make(&b);
		for (uint32_t at = 0; at < b.len; at++) {
			uint8_t was = b.octet[at];

			for (unsigned v = 0; v < 256; v++) {
				b.octet[at] = (uint8_t)v;
				enum wire_verdict r = decode(&b, samples[i].link, b.len, b.len, &p);
				assert_int_not_equal(r, WIRE_CUT);
				if (r != WIRE_DNS)
					continue;
				assert_true(p.payload >= guarded(b.octet, b.len));
				assert_true(p.payload + p.payload_len <=
					    guarded(b.octet, b.len) + b.len);
			}
			b.octet[at] = was;
		}
	}
}

/* Each verdict that a frame can get, with a frame that gets it. */
static void expect(const struct build *b, enum wire_verdict verdict)
{
	struct wire_packet p;
	enum wire_verdict got = decode(b, WIRE_LINK_ETHERNET, b->len, b->len, &p);

	if (got != verdict)
		fail_msg("%s, not %s", wire_verdict_name(got), wire_verdict_name(verdict));
}

/* sample_ethernet with one octet changed. */
static struct build changed(uint32_t at, unsigned value)
{
	struct build b = {.len = 0};

	sample_ethernet(&b);
	b.octet[at] = (uint8_t)value;
	return b;
}

#define IP 14u /* offset of the IP header in sample_ethernet */

static void ignored_frames_have_a_reason(void **state)
{
	(void)state;
	struct build b;

	b = changed(13, 6); /* ARP */
	expect(&b, WIRE_NOT_IP);
	b = changed(IP + 9, 1);
	expect(&b, WIRE_NOT_UDP);
	b = changed(IP + 9, 50);
	expect(&b, WIRE_ESP);
	b = changed(IP + 21, 54);
	expect(&b, WIRE_OTHER_PORT);
	b = changed(IP + 9, 6);
	b.octet[IP + 32] = 0x50; /* a header of 20 octets */
	expect(&b, WIRE_TCP_DNS);
	b.octet[IP + 32] = 0x40;
	expect(&b, WIRE_BAD_TCP);
	b.octet[IP + 32] = 0x70; /* of more than there is */
	expect(&b, WIRE_BAD_TCP);
	b.octet[IP + 21] = 80;
	expect(&b, WIRE_TCP_OTHER);
	/* LLC without SNAP: spanning tree and the like */
	b.len = 0;
	put_mac(&b, 40);
	put(&b, "\x42\x42\3", 3);
	put_zeros(&b, 37);
	expect(&b, WIRE_NOT_IP);
}

static void malformed_frames_have_a_reason(void **state)
{
	(void)state;
	struct build b;

	b = changed(IP, 0x44); /* header of 16 octets */
	expect(&b, WIRE_BAD_IPV4);
	b = changed(IP, 0x4f); /* header longer than the total length says */
	expect(&b, WIRE_BAD_IPV4);
	b = changed(IP, 0x65); /* version 6 behind the EtherType of 4 */
	expect(&b, WIRE_BAD_IPV4);
	b = changed(IP + 3, 19); /* total length less than the header */
	expect(&b, WIRE_BAD_IPV4);
	b = changed(IP + 2, 1); /* and more than the frame */
	expect(&b, WIRE_BAD_IPV4);
	b = changed(IP + 25, 7); /* UDP length less than its header */
	expect(&b, WIRE_BAD_UDP);
	b = changed(IP + 24, 1); /* and more than the datagram */
	expect(&b, WIRE_BAD_UDP);

	b.len = 0;
	sample_ethernet_v6(&b);
	b.octet[IP + 4] = 1; /* payload longer than the frame */
	expect(&b, WIRE_BAD_IPV6);
	b.len = 0;
	put_mac(&b, 0x86dd);
	put_ipv6(&b, 0, 8);
	put(&b, "\x11\4\0\0\0\0\0\0", 8); /* extension longer than the payload */
	expect(&b, WIRE_BAD_IPV6);
	b.len = 13;
	expect(&b, WIRE_BAD_LINK);
}

static void fragments_are_told_apart(void **state)
{
	(void)state;
	struct build b;

	b = changed(IP + 6, 0x20); /* more to come */
	expect(&b, WIRE_FRAGMENT_V4);
	b = changed(IP + 7, 1); /* not the first */
	expect(&b, WIRE_FRAGMENT_V4);
	b = changed(IP + 6, 0x40); /* "don't" is no fragment */
	expect(&b, WIRE_DNS);

	static const uint8_t offsets[][2] = {{0, 1}, {0, 8}, {0x10, 0}};
	for (unsigned i = 0; i < 3; i++) {
		b.len = 0;
		put_mac(&b, 0x86dd);
		put_ipv6(&b, 44, 8 + UDP_LEN);
		put(&b, "\x11\0", 2);
		put(&b, offsets[i], 2);
		put_zeros(&b, 4);
		put_udp(&b, 53, 4000);
		expect(&b, WIRE_FRAGMENT_V6);
	}
}

static void depth_is_bounded(void **state)
{
	(void)state;
	struct build b;

	for (unsigned tags = 1; tags < 40; tags++) {
		b.len = 0;
		put_mac(&b, 0x8100);
		for (unsigned i = 1; i < tags; i++)
			put_tag(&b, 0x8100);
		put_tag(&b, 0x0800);
		put_datagram_v4(&b);
		expect(&b, tags <= WIRE_DEPTH_MAX ? WIRE_DNS : WIRE_TOO_DEEP);
	}
	for (unsigned n = 0; n < 20; n++) {
		b.len = 0;
		put_mac(&b, 0x86dd);
		put_ipv6(&b, n ? 60 : UDP, n * 8 + UDP_LEN);
		for (unsigned i = 1; i <= n; i++)
			put(&b, i < n ? "\x3c\0\0\0\0\0\0\0" : "\x11\0\0\0\0\0\0\0", 8);
		put_udp(&b, 53, 4000);
		expect(&b, n <= 8 ? WIRE_DNS : WIRE_TOO_DEEP);
	}
}

static void ports_are_a_list(void **state)
{
	(void)state;
	const uint16_t ports[WIRE_PORTS_MAX] = {53, 8053, 1, 2, 3, 4, 5, 65535};
	struct wire_config cfg;
	struct wire_packet p;

	assert_int_equal(wire_config_init(&cfg, ports, 0), -1);
	assert_int_equal(wire_config_init(&cfg, ports, WIRE_PORTS_MAX + 1), -1);
	assert_int_equal(wire_config_init(&cfg, (const uint16_t[]){53, 0}, 2), -1);
	assert_int_equal(wire_config_init(&cfg, ports, WIRE_PORTS_MAX), 0);
	for (unsigned port = 0; port <= UINT16_MAX; port++) {
		struct build b = {.len = 0};
		bool wanted = false;

		put_ipv4(&b, UDP, UDP_LEN);
		put_udp(&b, 6, port);
		for (unsigned i = 0; i < WIRE_PORTS_MAX; i++)
			wanted |= ports[i] == port;
		enum wire_verdict v =
			wire_decode(&cfg, WIRE_LINK_RAW, b.octet, b.len, b.len, &p);
		assert_int_equal(v == WIRE_DNS, wanted);
		if (port == 853 || port == 784 || port == 8853)
			assert_int_equal(v, WIRE_DOQ);
	}
}

static void names_are_there_and_differ(void **state)
{
	(void)state;
	for (unsigned v = 0; v < WIRE_VERDICT_COUNT; v++) {
		assert_non_null(wire_verdict_name(v));
		assert_true(wire_verdict_class(v) < WIRE_CLASS_COUNT);
		for (unsigned w = 0; w < v; w++)
			assert_true(wire_verdict_class(v) != wire_verdict_class(w) ||
				    strcmp(wire_verdict_name(v), wire_verdict_name(w)) != 0);
	}
	for (unsigned c = 0; c < WIRE_CLASS_COUNT; c++)
		assert_non_null(wire_class_name(c));
	for (unsigned l = 0; l < WIRE_LAYER_COUNT; l++)
		assert_non_null(wire_layer_name(l));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_layer_leads_to_the_payload),
		cmocka_unit_test(padding_is_no_payload),
		cmocka_unit_test(a_cut_frame_is_never_malformed),
		cmocka_unit_test(a_short_frame_is_never_cut),
		cmocka_unit_test(any_octet_may_be_anything),
		cmocka_unit_test(ignored_frames_have_a_reason),
		cmocka_unit_test(malformed_frames_have_a_reason),
		cmocka_unit_test(fragments_are_told_apart),
		cmocka_unit_test(depth_is_bounded),
		cmocka_unit_test(ports_are_a_list),
		cmocka_unit_test(names_are_there_and_differ),
	};

	return cmocka_run_group_tests_name("wire", tests, NULL, NULL);
}
