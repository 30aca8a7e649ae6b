/* SPDX-License-Identifier: BSD-3-Clause */

/*
 * Encapsulations and link types: each leads to what is inside, a cut one is never
 * malformed and a short one never cut; what is no data is told; and the fast path of
 * plain frames says what the walk says.
 */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "tests/unit/guard.h"
#include "tests/unit/random.h"
#include "tests/unit/tunnels.h"

static struct wire_config cfg; /* port 53, registered tunnels */

static int setup(void **state)
{
	const uint16_t port = 53;

	(void)state;
	return wire_config_init(&cfg, &port, 1);
}

static enum wire_verdict decode(const struct wrap *w, enum wire_link link, uint32_t caplen,
	uint32_t wirelen, struct wire_packet *out)
{
	return wire_decode(&cfg, link, guarded(wrap_data(w), caplen), caplen, wirelen, out);
}

static enum wire_verdict decode_whole(const struct wrap *w, struct wire_packet *out)
{
	return decode(w, WIRE_LINK_ETHERNET, wrap_len(w), wrap_len(w), out);
}

static void expect(const struct wrap *w, enum wire_verdict verdict)
{
	struct wire_packet p;
	enum wire_verdict got = decode_whole(w, &p);

	if (got != verdict)
		fail_msg("%s, not %s", wire_verdict_name(got), wire_verdict_name(verdict));
}

static void leads_inside(const struct sample *s, unsigned version, struct wrap *w)
{
	struct wire_packet p;
	uint32_t n = wrap_len(w);
	unsigned last = version == 4 ? 3 : 15;
	enum wire_verdict v = decode(w, s->link, n, n, &p);

	if (v != WIRE_DNS)
		fail_msg("%s, IPv%u: %s", s->name, version, wire_verdict_name(v));
	assert_int_equal(p.payload_len, PAYLOAD_LEN);
	assert_int_equal(p.payload_wire, PAYLOAD_LEN);
	assert_memory_equal(p.payload, PAYLOAD, PAYLOAD_LEN);
	assert_int_equal(p.ip_version, version);
	assert_int_equal(p.saddr[last], 1);
	assert_int_equal(p.daddr[last], 2);
	assert_int_equal(p.sport, 4000);
	assert_int_equal(p.dport, 53);
	assert_int_equal(p.transport, WIRE_UDP);
	assert_false(p.cut);
	if (p.layers != s->layers)
		fail_msg("%s, IPv%u: layers %x", s->name, version, p.layers);
}

static void every_wrapper_leads_inside(void **state)
{
	(void)state;
	each_sample(leads_inside);
}

static void cut_anywhere(const struct sample *s, unsigned version, struct wrap *w)
{
	for (uint32_t n = 0; n < wrap_len(w); n++) {
		struct wire_packet p;
		enum wire_verdict v = decode(w, s->link, n, wrap_len(w), &p);
		bool readable = n >= wrap_len(w) - PAYLOAD_LEN + 12; /* a DNS header */

		if (v != (readable ? WIRE_DNS : WIRE_CUT))
			fail_msg("%s, IPv%u cut to %u: %s", s->name, version, n,
				wire_verdict_name(v));
		assert_true(!readable || p.cut);
	}
}

static void what_is_cut_is_truncated(void **state)
{
	(void)state;
	each_sample(cut_anywhere);
}

static void short_anywhere(const struct sample *s, unsigned version, struct wrap *w)
{
	for (uint32_t n = 0; n < wrap_len(w); n++) {
		struct wire_packet p;
		enum wire_verdict v = decode(w, s->link, n, n, &p);

		if (v == WIRE_CUT || v == WIRE_DNS)
			fail_msg("%s, IPv%u of %u octets: %s", s->name, version, n,
				wire_verdict_name(v));
	}
}

static void what_is_short_is_not_truncated(void **state)
{
	(void)state;
	each_sample(short_anywhere);
}

static void within(const struct wire_packet *p, const uint8_t *data, uint32_t n)
{
	assert_true(p->payload >= data && p->payload + p->payload_len <= data + n);
	assert_true(p->payload_wire >= p->payload_len);
}

static void octets_changed(const struct sample *s, unsigned version, struct wrap *w)
{
	uint32_t n = wrap_len(w);

	(void)version;
	for (uint32_t at = w->from; at < WRAP_ROOM - PAYLOAD_LEN; at++) {
		uint8_t was = w->octet[at];

		for (unsigned value = 0; value < 256; value++) {
			w->octet[at] = (uint8_t)value;
			for (uint32_t wire = n; wire <= n + 40; wire += 40) {
				struct wire_packet p;
				enum wire_verdict v = decode(w, s->link, n, wire, &p);

				assert_true(v < WIRE_VERDICT_COUNT);
				assert_true(wire > n || v != WIRE_CUT);
				if (wire_verdict_class(v) == WIRE_CLASS_DNS ||
					wire_verdict_class(v) == WIRE_CLASS_TCP ||
					wire_verdict_class(v) == WIRE_CLASS_FRAGMENT)
					within(&p, guarded(wrap_data(w), n), n);
			}
		}
		w->octet[at] = was;
	}
}

static void any_octet_may_be_anything(void **state)
{
	(void)state;
	each_sample(octets_changed);
}

/* What a tunnel carries beside packets is told from what is broken. */
static void control_is_no_error(void **state)
{
	(void)state;
	static struct wrap w;

	wrap_start(&w, "\xc0\x21\1\1\0\4", 6); /* PPP: LCP */
	wrap_front(&w, "\x11\0\0\7\0\6", 6);
	w.type = 0x8864;
	wrap_ethernet(&w);
	expect(&w, WIRE_TUNNEL_CONTROL);
	wrap_start(&w, "\xc8\2\0\14\0\0\0\0\0\0\0\0", 12); /* L2TP control */
	wrap_udp(&w, 1701, 1701);
	outer(&w, 17);
	expect(&w, WIRE_TUNNEL_CONTROL);
	wrap_start(&w, "\x30\1\0\0\0\0\0\0", 8); /* GTP echo */
	wrap_udp(&w, 2152, 2152);
	outer(&w, 17);
	expect(&w, WIRE_TUNNEL_CONTROL);
	wrap_start(&w, "\0\x80\x65\x58\0\0\1\0", 8); /* Geneve control */
	wrap_udp(&w, 50000, 6081);
	outer(&w, 17);
	expect(&w, WIRE_TUNNEL_CONTROL);
	wrap_start(&w, "", 0); /* a GRE keepalive */
	gre(&w, 0, 0);
	expect(&w, WIRE_TUNNEL_CONTROL);
	wrap_start(&w, "\x10\0\0\x21", 4); /* MPLS: an associated channel */
	w.type = 0;
	wrap_mpls(&w);
	wrap_ethernet(&w);
	expect(&w, WIRE_TUNNEL_CONTROL);
	inner(&w, 4); /* ERSPAN III: neither frame nor packet */
	wrap_front(&w, "\x20\5\0\7\1\2\3\4\0\0\4\0", 12);
	gre(&w, 0x1000, 0x22eb);
	expect(&w, WIRE_TUNNEL_CONTROL);
}

/* Control frames of 802.11 are shorter than any that carry something. */
static void an_acknowledgement_is_no_error(void **state)
{
	(void)state;
	static const uint8_t frame[14] = {0xd4};
	struct wire_packet p;

	assert_int_equal(
		wire_decode(&cfg, WIRE_LINK_80211, frame, sizeof(frame), sizeof(frame), &p),
		WIRE_NOT_IP);
}

/* On a tunnel's port there may be something else. */
static void what_is_not_the_tunnel_is_another_port(void **state)
{
	(void)state;
	static const struct {
		unsigned port;
		uint8_t first[8];
	} other[] = {
		{4789, {0}},                   /* VXLAN without its I flag */
		{6081, {0x40}},                /* Geneve of another version */
		{2152, {0x50, 255}},           /* GTP version 2 */
		{2152, {0x20, 255}},           /* GTP' */
		{1701, {0, 3}},                /* L2TP version 3 */
		{3544, {0x45, 0, 0, 8, 1, 1}}, /* no IPv6 in Teredo's place */
	};
	static struct wrap w;

	for (size_t i = 0; i < sizeof(other) / sizeof(other[0]); i++) {
		wrap_start(&w, other[i].first, 8);
		wrap_udp(&w, 50000, other[i].port);
		outer(&w, 17);
		expect(&w, WIRE_OTHER_PORT);
	}
}

static void liars_are_malformed(void **state)
{
	(void)state;
	static struct wrap w;

	inner(&w, 4);
	wrap_gre(&w, 0x4000, w.type); /* source routing */
	outer(&w, 47);
	expect(&w, WIRE_BAD_TUNNEL);
	inner(&w, 4);
	wrap_gre(&w, 2, w.type); /* version 2 */
	outer(&w, 47);
	expect(&w, WIRE_BAD_TUNNEL);
	inner(&w, 4);
	wrap_gtp(&w, 0);
	w.octet[w.from + 8 + 3] = 255; /* longer than the datagram */
	outer(&w, 17);
	expect(&w, WIRE_BAD_TUNNEL);
	inner(&w, 4);
	wrap_front(&w, "\0\0\0\0", 4); /* an extension of no length */
	wrap_front(&w, "\0\1\0\x85", 4);
	wrap_gtp(&w, 6);
	outer(&w, 17);
	expect(&w, WIRE_BAD_TUNNEL);
	inner(&w, 4);
	wrap_pppoe(&w);
	w.octet[w.from + 4] = 1;
	wrap_ethernet(&w);
	expect(&w, WIRE_BAD_TUNNEL);
	inner(&w, 4);
	wrap_ppp(&w, false);
	wrap_l2tp(&w, 0x4000);
	w.octet[w.from + 8 + 2] = 1;
	outer(&w, 17);
	expect(&w, WIRE_BAD_TUNNEL);
}

/* Encapsulations are counted over all kinds of them together. */
static void depth_is_bounded_across_kinds(void **state)
{
	(void)state;
	static struct wrap w;

	for (unsigned n = 0; n < 3 * WIRE_DEPTH_MAX; n++) {
		unsigned labels = 0, depth = 0;

		inner(&w, 4);
		for (unsigned i = 0; i < n; i++, depth++) {
			switch ((n + i) % 5) {
			case 0:
				wrap_ethernet(&w);
				wrap_vxlan(&w);
				wrap_ip(&w, 4, 17, 8, 9);
				break;
			case 1:
				wrap_ip(&w, 6, w.type == WRAP_IPV4 ? 4 : 41, 8, 9);
				break;
			case 2:
				wrap_gtp(&w, 0);
				wrap_ip(&w, 6, 17, 8, 9);
				break;
			case 3:
				wrap_gre(&w, 0, w.type);
				wrap_ip(&w, 4, 47, 8, 9);
				break;
			default: /* a stack counts once */
				wrap_mpls(&w);
				wrap_mpls(&w);
				wrap_ip(&w, 4, 137, 8, 9);
				labels++;
			}
		}
		wrap_ethernet(&w);
		expect(&w, depth <= WIRE_DEPTH_MAX ? WIRE_DNS : WIRE_TOO_DEEP);
		assert_true(n < 5 || labels);
	}
	inner(&w, 4);
	for (unsigned i = 0; i <= WIRE_DEPTH_MAX; i++)
		wrap_mpls(&w);
	wrap_ethernet(&w);
	expect(&w, WIRE_TOO_DEEP); /* a stack without an end in sight */
}

static void quote(struct wrap *w, unsigned version, bool error)
{
	uint8_t *h = wrap_zeros(w, 8);

	h[0] = version == 4 ? (error ? 3 : 8) : (error ? 1 : 128);
	wrap_ip(w, version, version == 4 ? 1 : 58, 9, 1);
	wrap_ethernet(w);
}

/* An ICMP error quotes the start of a packet: told, whatever of it is there, and no evidence. */
static void quoted_packets_are_told(void **state)
{
	(void)state;
	static struct wrap w;
	struct wire_packet p;

	for (unsigned version = 4; version <= 6; version += 2) {
		inner(&w, version);
		quote(&w, version, true);
		assert_int_equal(decode_whole(&w, &p), WIRE_QUOTED);
		assert_int_equal(p.layers, BIT(ICMP));
		assert_memory_equal(p.payload, PAYLOAD, PAYLOAD_LEN);
		inner(&w, version);
		quote(&w, version, false);
		expect(&w, WIRE_NOT_UDP);
		/* The quote ends early, though nothing was cut off by the capture. */
		for (uint32_t n = 0; n < (version == 4 ? 28u : 48u) + 12; n++) {
			struct wrap part;

			inner(&w, version);
			wrap_start(&part, wrap_data(&w), n);
			quote(&part, version, true);
			enum wire_verdict v = decode_whole(&part, &p);
			assert_true(v == WIRE_NOT_UDP || v == WIRE_QUOTED);
		}
		/* A quote in a quote, and a tunnel in a quote, are let be. */
		inner(&w, version);
		wrap_gtp(&w, 0);
		wrap_ip(&w, version, 17, 8, 9);
		quote(&w, version, true);
		expect(&w, WIRE_NOT_UDP);
	}
}

static void encrypted(unsigned proto, unsigned port, unsigned version, enum wire_verdict verdict)
{
	static struct wrap w;

	for (unsigned back = 0; back < 2; back++) {
		unsigned sport = back ? port : 40000, dport = back ? 40000 : port;

		wrap_start(&w, PAYLOAD, PAYLOAD_LEN);
		if (proto == 17)
			wrap_udp(&w, sport, dport);
		else
			wrap_tcp(&w, sport, dport, 1, 0);
		wrap_ip(&w, version, proto, back ? 200 : 1, back ? 1 : 200);
		wrap_ethernet(&w);
		expect(&w, verdict);
	}
}

/* Transports that cannot be read are told by port, DNS over HTTPS by address besides. */
static void encrypted_transports_are_told(void **state)
{
	(void)state;
	uint8_t v4[4] = {192, 0, 2, 200}, v6[16] = {0x20, 1, 0x0d, 0xb8, [15] = 200};

	for (unsigned version = 4; version <= 6; version += 2) {
		encrypted(6, 853, version, WIRE_DOT);
		encrypted(17, 853, version, WIRE_DOQ);
		encrypted(17, 784, version, WIRE_DOQ);
		encrypted(17, 8853, version, WIRE_DOQ);
		encrypted(6, 443, version, WIRE_TCP_OTHER);
		encrypted(17, 443, version, WIRE_OTHER_PORT);
	}
	assert_int_equal(wire_config_resolver(&cfg, v4, 4), 0);
	encrypted(6, 443, 4, WIRE_DOH);
	encrypted(17, 443, 4, WIRE_DOH);
	encrypted(6, 443, 6, WIRE_TCP_OTHER);
	encrypted(6, 80, 4, WIRE_TCP_OTHER);
	assert_int_equal(wire_config_resolver(&cfg, v6, 6), 0);
	encrypted(6, 443, 6, WIRE_DOH);
	encrypted(17, 443, 6, WIRE_DOH);
	/* There is room for so many, and each of them is found. */
	for (unsigned i = 0; i < WIRE_RESOLVERS_MAX - 2; i++)
		assert_int_equal(
			wire_config_resolver(&cfg, (const uint8_t[]){10, 0, (uint8_t)i, 7}, 4), 0);
	assert_int_equal(wire_config_resolver(&cfg, (const uint8_t[]){10, 1, 0, 0}, 4), -1);
	encrypted(6, 443, 4, WIRE_DOH);
	encrypted(6, 443, 6, WIRE_DOH);
}

/* Most kinds are told by either port, VXLAN and GRE by the one they go to. */
static void tunnels_are_told_by_port(void **state)
{
	(void)state;
	static const bool both[WIRE_TUNNEL_COUNT] = {[WIRE_TUNNEL_GENEVE] = true,
		[WIRE_TUNNEL_GTP] = true,
		[WIRE_TUNNEL_L2TP] = true,
		[WIRE_TUNNEL_TEREDO] = true};
	static const struct {
		enum wire_tunnel kind;
		void (*make)(struct wrap *w, unsigned version);
	} tunnels[] = {{WIRE_TUNNEL_VXLAN, make_vxlan}, {WIRE_TUNNEL_GENEVE, make_geneve},
		{WIRE_TUNNEL_GTP, make_gtp}, {WIRE_TUNNEL_L2TP, make_l2tp},
		{WIRE_TUNNEL_TEREDO, make_teredo}, {WIRE_TUNNEL_GRE, make_gre_udp}};
	static struct wrap w;

	for (unsigned i = 0; i < WIRE_TUNNEL_COUNT; i++) {
		enum wire_tunnel kind = tunnels[i].kind;
		const uint16_t other = 999;
		uint16_t ports[WIRE_TUNNEL_PORTS_MAX];
		unsigned n = wire_tunnel_ports(kind, ports);
		uint8_t *udp;

		tunnels[i].make(&w, 6);
		udp = w.octet + w.from + 14 + 20;
		wrap_be16(udp, 50000);
		wrap_be16(udp + 2, ports[n - 1]);
		expect(&w, WIRE_DNS);
		wrap_be16(udp, ports[n - 1]);
		wrap_be16(udp + 2, 50000);
		expect(&w, both[kind] ? WIRE_DNS : WIRE_OTHER_PORT);
		/* Another port in place of the registered ones. */
		assert_int_equal(wire_config_tunnel(&cfg, kind, &other, 1), 0);
		expect(&w, WIRE_OTHER_PORT);
		wrap_be16(udp + 2, other);
		expect(&w, WIRE_DNS);
		/* None. */
		assert_int_equal(wire_config_tunnel(&cfg, kind, NULL, 0), 0);
		expect(&w, WIRE_OTHER_PORT);
		/* DNS goes before a tunnel of the same port. */
		assert_int_equal(wire_config_tunnel(&cfg, kind, (const uint16_t[]){53}, 1), 0);
		inner(&w, 4);
		wrap_ethernet(&w);
		expect(&w, WIRE_DNS);
		assert_int_equal(wire_config_tunnel(&cfg, kind, ports, n), 0);
	}
	assert_int_equal(wire_config_tunnel(&cfg, WIRE_TUNNEL_GTP, (const uint16_t[]){0}, 1), -1);
	assert_int_equal(
		wire_config_tunnel(&cfg, WIRE_TUNNEL_GTP, NULL, WIRE_TUNNEL_PORTS_MAX + 1), -1);
}

static void same(const struct wrap *w)
{
	static struct wrap ppi;
	struct wire_packet fast, walked;
	uint32_t n = wrap_len(w);

	/* The walk comes to the same frame behind eight octets; the fast path does not. */
	wrap_start(&ppi, wrap_data(w), n);
	const uint8_t *to = wrap_front(&ppi, "\0\0\10\0\1\0\0\0", 8) + 8, *data = wrap_data(w);
	memset(&fast, 0, sizeof(fast));
	memset(&walked, 0, sizeof(walked));
	enum wire_verdict a = wire_decode(&cfg, WIRE_LINK_ETHERNET, data, n, n, &fast);
	enum wire_verdict b = wire_decode(&cfg, WIRE_LINK_PPI, to - 8, n + 8, n + 8, &walked);
	if (a != b)
		fail_msg("%s, by the walk %s", wire_verdict_name(a), wire_verdict_name(b));
	assert_int_equal(fast.ip_version, walked.ip_version);
	assert_int_equal(fast.layers, walked.layers);
	assert_int_equal(fast.depth, walked.depth);
	assert_int_equal(fast.cut, walked.cut);
	if (fast.ip_version) {
		assert_int_equal(fast.saddr - data, walked.saddr - to);
		assert_int_equal(fast.daddr - data, walked.daddr - to);
	}
	if (a != WIRE_DNS)
		return;
	assert_int_equal(fast.payload - data, walked.payload - to);
	assert_int_equal(fast.payload_len, walked.payload_len);
	assert_int_equal(fast.payload_wire, walked.payload_wire);
	assert_int_equal(fast.sport, walked.sport);
	assert_int_equal(fast.dport, walked.dport);
	assert_int_equal(fast.transport, walked.transport);
}

/* A frame of the kind that the fast path takes, now and then with something changed. */
static void plain_frame(struct wrap *w, uint64_t *random)
{
	static const uint16_t ports[] = {53, 4000, 853, 443, 4789, 2152};
	uint8_t payload[64];
	unsigned version = random_below(random, 2) ? 4 : 6;

	for (unsigned i = 0; i < sizeof(payload); i++)
		payload[i] = (uint8_t)random_u64(random);
	wrap_start(w, payload, random_below(random, sizeof(payload)));
	if (random_below(random, 8) == 0)
		wrap_zeros(w, random_below(random, 20));
	wrap_udp(w, ports[random_below(random, 6)], ports[random_below(random, 6)]);
	wrap_ip(w, version, 17, 1, 2);
	for (unsigned tags = random_below(random, 3); tags; tags--)
		wrap_tag(w, 0x8100);
	wrap_ethernet(w);
}

/* Padding, a few octets of the headers changed to near or any values, an end lost. */
static void plain_mutate(struct wrap *w, uint64_t *random)
{
	static struct wrap padded;
	uint32_t n = wrap_len(w), headers = n < 70 ? n : 70;

	for (unsigned changes = random_below(random, 4); changes; changes--) {
		uint8_t *at = w->octet + w->from + 12 + random_below(random, headers - 12);

		*at = random_below(random, 2) ? (uint8_t)random_u64(random)
					      : (uint8_t)(*at + random_below(random, 5) - 2);
	}
	if (random_below(random, 4) == 0) {
		wrap_start(&padded, wrap_data(w), n);
		memmove(padded.octet, padded.octet + padded.from, n);
		memset(padded.octet + n, 0, 18);
		wrap_start(w, padded.octet, n + random_below(random, 19));
	} else if (random_below(random, 4) == 0) {
		wrap_start(&padded, wrap_data(w), random_below(random, n));
		*w = padded;
	}
}

static void the_fast_path_agrees_with_the_walk(void **state)
{
	(void)state;
	static struct wrap w;
	uint64_t random = 3;

	for (unsigned i = 0; i < 300000; i++) {
		plain_frame(&w, &random);
		if (i % 4)
			plain_mutate(&w, &random);
		same(&w);
	}
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup(name, setup)
	const struct CMUnitTest tests[] = {
		TEST(every_wrapper_leads_inside),
		TEST(what_is_cut_is_truncated),
		TEST(what_is_short_is_not_truncated),
		TEST(any_octet_may_be_anything),
		TEST(control_is_no_error),
		TEST(what_is_not_the_tunnel_is_another_port),
		TEST(an_acknowledgement_is_no_error),
		TEST(liars_are_malformed),
		TEST(depth_is_bounded_across_kinds),
		TEST(quoted_packets_are_told),
		TEST(encrypted_transports_are_told),
		TEST(tunnels_are_told_by_port),
		TEST(the_fast_path_agrees_with_the_walk),
	};

	return cmocka_run_group_tests_name("wire_tunnels", tests, NULL, NULL);
}
