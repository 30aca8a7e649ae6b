/* SPDX-License-Identifier: BSD-3-Clause */

/*
 * Fragments of random datagrams, in any order, twice, overlapping, with other octets,
 * missing, too many, too large, against a plain model that keeps each octet: the same
 * fate for each, the same datagrams, the same number held after each step.
 */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "reasm/reasm.h"
#include "tests/unit/random.h"
#include "tests/unit/wrap.h"

#define IDS 12u
#define PLACES 5u
#define TIMEOUT_MS 3000u
#define LATE_MS 1000u
#define OCTETS_MAX 20000u

static const struct hash_key key = {0x452821e638d01377u, 0xbe5466cf34e90c6cu};

/* What is sent under one identification now. */
struct truth {
	uint32_t len;
	uint8_t octet[OCTETS_MAX];
};

struct model {
	bool live;
	uint64_t since;
	uint64_t order;
	uint32_t parts;
	uint32_t total; /* 0: not known */
	uint32_t reach;
	uint32_t have;
	uint32_t head_len; /* of the last first fragment */
	bool there[FRAGMENT_DATAGRAM_MAX];
	uint8_t octet[FRAGMENT_DATAGRAM_MAX];
	uint8_t head[FRAGMENT_DATAGRAM_MAX];
	/* What was decided last, and by which first fragment (0: any). */
	bool decided;
	uint64_t decided_ms;
	enum fragment_fate fate;
	uint32_t decided_len;
	uint8_t decided_head[UINT16_MAX];
};

static struct truth truth[IDS];
static struct model model[IDS];
static uint64_t expected[FRAGMENT_FATE_COUNT], orders, now_ms, taken;
static struct wire_config wire;
static struct fragment_table *table;
static struct account account;

static void truth_make(struct truth *t, uint64_t *random)
{
	static const uint16_t ports[][2] = {{53, 4000}, {4000, 53}, {9999, 9998}};
	unsigned p = random_below(random, 8);

	t->len = 9 + random_below(random, random_below(random, 3) ? 2500 : 100);
	if (random_below(random, 12) == 0)
		t->len = FRAGMENT_DATAGRAM_MAX - 100 + random_below(random, 200);
	for (uint32_t i = 0; i < t->len; i++)
		t->octet[i] = (uint8_t)random_u64(random);
	p = p < 7 ? p & 1 : 2;
	wrap_be16(t->octet, ports[p][0]);
	wrap_be16(t->octet + 2, ports[p][1]);
}

static void model_drop(struct model *m, enum fragment_fate fate)
{
	expected[fate] += m->parts;
	m->live = false;
}

static void model_decide(struct model *m, enum fragment_fate fate, const void *head, uint32_t len)
{
	m->decided = true;
	m->decided_ms = now_ms;
	m->fate = fate;
	m->decided_len = len;
	if (len)
		memcpy(m->decided_head, head, len);
}

static void model_expire(void)
{
	for (unsigned i = 0; i < IDS; i++)
		if (model[i].live && model[i].since + TIMEOUT_MS < now_ms)
			model_drop(&model[i], FRAGMENT_TIMED_OUT);
}

static void model_place(struct model *m)
{
	struct model *oldest = NULL;
	unsigned live = 0;

	for (unsigned i = 0; i < IDS; i++) {
		live += model[i].live;
		if (model[i].live && (!oldest || model[i].order < oldest->order))
			oldest = &model[i];
	}
	if (live == PLACES)
		model_drop(oldest, FRAGMENT_EVICTED);
	m->live = true;
	m->since = now_ms;
	m->order = orders++;
	m->parts = m->total = m->reach = m->have = m->head_len = 0;
	memset(m->there, 0, sizeof(m->there));
}

static enum fragment_fate model_refuses(const struct wire_packet *p)
{
	uint32_t end = p->fragment_offset + p->payload_wire;

	if (p->payload_wire == 0 || end > UINT16_MAX ||
		(p->fragment_more && p->payload_wire % 8 != 0))
		return FRAGMENT_INVALID;
	if (end > FRAGMENT_DATAGRAM_MAX)
		return FRAGMENT_TOO_LARGE;
	return p->cut ? FRAGMENT_CUT : FRAGMENT_FATE_COUNT;
}

/* Octets and end agree with those that are there. */
static bool model_agrees(const struct model *m, const struct wire_packet *p)
{
	uint32_t end = p->fragment_offset + p->payload_len;

	for (uint32_t i = 0; i < p->payload_len; i++)
		if (m->there[p->fragment_offset + i] &&
			m->octet[p->fragment_offset + i] != p->payload[i])
			return false;
	if (!p->fragment_more)
		return (m->total == 0 || m->total == end) && m->reach <= end;
	return m->total == 0 || end <= m->total;
}

/* A fragment that joins those of its datagram; true when that is whole. */
static bool model_take(struct model *m, const struct wire_packet *p)
{
	uint32_t have = m->have, end = p->fragment_offset + p->payload_len;
	bool ended = m->total != 0;

	if (m->parts == FRAGMENT_PARTS_MAX || !model_agrees(m, p)) {
		enum fragment_fate fate =
			m->parts == FRAGMENT_PARTS_MAX ? FRAGMENT_TOO_MANY : FRAGMENT_CONFLICTING;
		model_drop(m, fate);
		model_decide(m, fate, NULL, 0);
		expected[fate]++;
		return false;
	}
	for (uint32_t i = 0; i < p->payload_len; i++) {
		m->have += !m->there[p->fragment_offset + i];
		m->there[p->fragment_offset + i] = true;
		m->octet[p->fragment_offset + i] = p->payload[i];
	}
	m->total = p->fragment_more ? m->total : end;
	m->reach = end > m->reach ? end : m->reach;
	if (p->fragment_offset == 0) {
		m->head_len = p->payload_len;
		memcpy(m->head, p->payload, p->payload_len);
	}
	if (m->have == have && ended == (m->total != 0)) {
		expected[FRAGMENT_DUPLICATE]++;
		return false;
	}
	m->parts++;
	if (m->have != m->total)
		return false;
	model_drop(m, FRAGMENT_USED);
	model_decide(m, FRAGMENT_DUPLICATE, m->head, m->head_len);
	return true;
}

static bool is_53(const uint8_t *p)
{
	return p[0] == 0 && p[1] == 53;
}

static bool model_add(struct model *m, const struct wire_packet *p)
{
	bool first = p->fragment_offset == 0;
	enum fragment_fate fate = model_refuses(p);

	model_expire();
	if (fate == FRAGMENT_FATE_COUNT && !m->live && m->decided &&
		m->decided_ms + LATE_MS >= now_ms &&
		(!first || m->decided_len == 0 ||
			(m->decided_len == p->payload_len &&
				memcmp(m->decided_head, p->payload, p->payload_len) == 0)))
		fate = m->fate;
	else if (fate == FRAGMENT_FATE_COUNT && first && p->payload_len >= 4 &&
		 !is_53(p->payload) && !is_53(p->payload + 2))
		fate = FRAGMENT_OTHER_PORT;
	if (fate == FRAGMENT_FATE_COUNT) {
		if (!m->live)
			model_place(m);
		return model_take(m, p);
	}
	/* With it goes the rest of its datagram. */
	if (fate == FRAGMENT_OTHER_PORT || fate == FRAGMENT_TOO_LARGE || fate == FRAGMENT_CUT) {
		if (m->live)
			model_drop(m, fate);
		model_decide(m, fate, p->payload, first ? p->payload_len : 0);
	}
	expected[fate]++;
	return false;
}

static uint64_t model_held(void)
{
	uint64_t held = 0;

	for (unsigned i = 0; i < IDS; i++)
		held += model[i].live ? model[i].parts : 0;
	return held;
}

static void same_account(void)
{
	uint64_t sum = 0;

	for (unsigned f = 0; f < FRAGMENT_FATE_COUNT; f++) {
		if (account.fragment[f] != expected[f])
			fail_msg("%s: %u, expected %u", fragment_fate_name((enum fragment_fate)f),
				(unsigned)account.fragment[f], (unsigned)expected[f]);
		sum += account.fragment[f];
	}
	assert_int_equal(fragment_held(table), model_held());
	assert_int_equal(sum + fragment_held(table), taken);
}

static void step(unsigned id, struct wire_packet *p)
{
	static const uint8_t addr[2][16] = {{192, 0, 2, 1}, {192, 0, 2, 2}};
	uint8_t s[16], d[16];
	struct wire_packet whole;

	memcpy(s, addr[0], 16);
	memcpy(d, addr[1], 16);
	s[2] = (uint8_t)(id / 3);
	p->saddr = s;
	p->daddr = d;
	p->ip_version = id % 3 == 1 ? 6 : 4;
	p->fragment_id = 1000 + id / 3; /* the same for two protocols and IPv6 */
	p->fragment_proto = id % 3 == 2 ? 6 : 17;
	taken++;
	fragment_release(table);
	fragment_expire(table, now_ms, &account);
	bool is = fragment_add(table, &wire, p, now_ms, &account, &whole);
	memset(s, 0xee, sizeof(s)); /* the frame goes; the datagram stays */
	memset(d, 0xee, sizeof(d));
	assert_int_equal(is, model_add(&model[id], p));
	same_account();
	if (!is)
		return;
	assert_int_equal(whole.payload_len, model[id].total);
	assert_int_equal(whole.payload_wire, model[id].total);
	assert_memory_equal(whole.payload, model[id].octet, model[id].total);
	assert_int_equal(whole.saddr[2], id / 3);
	assert_memory_equal(whole.daddr, addr[1], 4);
}

/* A fragment of what is sent under an identification; of `luck` five are wrong. */
static void fragment_make(const struct truth *t, unsigned most, unsigned luck,
	struct wire_packet *p, uint8_t *data, uint64_t *random)
{
	uint32_t blocks = (t->len + 7) / 8, from = random_below(random, blocks) * 8;
	uint32_t len = 8 * (1 + random_below(random, most));
	unsigned dice = random_below(random, luck);

	if (random_below(random, 4) == 0)
		from = 0;
	if (from + len >= t->len || (most > 2 && random_below(random, 8) == 0))
		len = t->len - from;
	*p = (struct wire_packet){.payload = data,
		.payload_len = len,
		.payload_wire = len,
		.fragment_offset = (uint16_t)from,
		.fragment_more = from + len < t->len};
	memcpy(data, t->octet + from, len);
	if (dice == 0 && from)
		data[random_below(random, len)] ^= 1;
	else if (dice == 1)
		p->fragment_more = !p->fragment_more;
	else if (dice == 2)
		p->payload_len = p->payload_wire = 0;
	else if (dice == 3 && len > 1) {
		p->payload_len = 1 + random_below(random, len - 1);
		p->cut = true;
	} else if (dice == 4)
		p->fragment_offset = (uint16_t)(random_below(random, 8192) * 8);
}

static void table_make(void)
{
	static void *mem;
	const uint16_t port = 53;

	free(mem);
	mem = aligned_alloc(64, (fragment_size(PLACES) + 63) & ~(size_t)63);
	assert_non_null(mem);
	memset(mem, 0xa5, fragment_size(PLACES));
	table = fragment_init(mem, PLACES, TIMEOUT_MS, key);
	assert_int_equal(wire_config_init(&wire, &port, 1), 0);
	memset(&account, 0, sizeof(account));
	memset(expected, 0, sizeof(expected));
	memset(model, 0, sizeof(model));
	taken = 0;
	now_ms = 5000;
}

static void all_fates_as_the_model_says(void **state)
{
	static uint8_t data[OCTETS_MAX];
	uint64_t random = 11;

	(void)state;
	table_make();
	for (unsigned i = 0; i < IDS; i++)
		truth_make(&truth[i], &random);
	for (unsigned i = 0; i < 60000; i++) {
		/*
		 * Busy with few, so that datagrams become whole, then with others; at times
		 * with one alone, in small pieces.
		 */
		bool one = i / 300 % 8 == 7;
		unsigned id = (i / 300 + random_below(&random, one ? 1 : 3 + i / 10000)) % IDS;
		struct wire_packet p;

		if (one && i % 300 == 0) { /* a new one, longer than it may have fragments */
			now_ms += LATE_MS + 1;
			do
				truth_make(&truth[id], &random);
			while (truth[id].len < 1500);
		} else if (!one && random_below(&random, 60) == 0) {
			truth_make(&truth[id], &random);
		}
		fragment_make(&truth[id], one ? 2 : 60, one ? 1000 : 100, &p, data, &random);
		step(id, &p);
		if (random_below(&random, one ? 30 : 3) == 0)
			now_ms += random_below(&random, 120);
	}
	for (unsigned f = 0; f < FRAGMENT_FATE_COUNT; f++) {
		print_message("# %s %u\n", fragment_fate_name((enum fragment_fate)f),
			(unsigned)expected[f]);
		assert_true(expected[f] > 20); /* each was tried */
	}
	now_ms += TIMEOUT_MS + 1;
	fragment_release(table);
	fragment_expire(table, now_ms, &account);
	model_expire();
	same_account();
	assert_int_equal(fragment_held(table), 0);
}

/* Datagrams of several legs and orders become whole, once each. */
static void whole_ones_come_out_once(void **state)
{
	uint64_t random = 12;
	unsigned whole = 0;

	(void)state;
	table_make();
	for (unsigned round = 0; round < 2000; round++) {
		struct truth *t = &truth[0];
		struct wire_packet p[2 * FRAGMENT_PARTS_MAX];
		uint64_t before = account.datagrams;
		unsigned n = 0;

		do
			truth_make(t, &random);
		while (t->len > FRAGMENT_DATAGRAM_MAX ||
			(!is_53(t->octet) && !is_53(t->octet + 2)));
		for (uint32_t at = 0, len; at < t->len; at += len, n += 2) {
			len = 8 * (t->len / 8 / 30 + 1 + random_below(&random, 40));
			len = at + len < t->len ? len : t->len - at;
			p[n] = (struct wire_packet){.payload = t->octet + at,
				.payload_len = len,
				.payload_wire = len,
				.fragment_offset = (uint16_t)at,
				.fragment_more = at + len < t->len};
			p[n + 1] = p[n];
		}
		for (unsigned i = n; i > 1; i--) {
			unsigned to = random_below(&random, i);
			struct wire_packet moved = p[i - 1];
			p[i - 1] = p[to];
			p[to] = moved;
		}
		for (unsigned i = 0; i < n; i++)
			step(0, &p[i]);
		whole += account.datagrams == before + 1;
		now_ms += LATE_MS + 1;
	}
	assert_int_equal(whole, 2000);
	assert_int_equal(fragment_held(table), 0);
}

static struct reasm *reasm_make(uint32_t datagrams)
{
	static void *mem;
	const struct reasm_config c = {datagrams, TIMEOUT_MS, 16, 4};

	free(mem);
	mem = aligned_alloc(64, (reasm_size(&c) + 63) & ~(size_t)63);
	assert_non_null(mem);
	memset(&account, 0, sizeof(account));
	return reasm_init(mem, &c, key);
}

/* Puts fragment `n` of the IPv4 packet at the front in its place, cut at `cut` octets of data. */
static void fragment_of(const struct wrap *w, unsigned n, uint32_t cut, unsigned id, struct wrap *f)
{
	const uint8_t *ip = wrap_data(w);
	uint32_t from = n ? cut : 0, to = n ? wrap_len(w) - 20 : cut;

	wrap_start(f, ip + 20 + from, to - from);
	wrap_ipv4(f, ip[9], 8, 9);
	uint8_t *h = f->octet + f->from;
	wrap_be16(h + 4, id);
	wrap_be16(h + 6, from / 8 | (n ? 0 : 0x2000));
}

static void frame_push(struct reasm *r, const struct wrap *w)
{
	struct wire_packet p;
	enum wire_verdict v =
		wire_decode(&wire, WIRE_LINK_RAW, wrap_data(w), wrap_len(w), wrap_len(w), &p);

	account.received++;
	account.rx[v]++;
	if (reasm_wants(v))
		reasm_push(r, &wire, v, &p, now_ms, &account);
}

/*
 * Fragments in fragments: each level of a packet is cut in two, and all of it in packets of
 * its own; the innermost comes out while there is a place for each level.
 */
static void nested_fragments_become_whole(void **state)
{
	static struct wrap packet[8], next[8];
	const uint8_t message[100] = {7};
	struct wire_packet out;

	(void)state;
	table_make();
	for (unsigned levels = 1; levels <= 3; levels++) {
		for (uint32_t places = 1; places <= 4; places++) {
			struct reasm *r = reasm_make(places);
			unsigned n = 1, whole = 0;

			wrap_start(&packet[0], message, sizeof(message));
			wrap_udp(&packet[0], 4000, 53);
			wrap_ipv4(&packet[0], 17, 1, 2);
			for (unsigned level = 0; level < levels; level++, n *= 2) {
				for (unsigned i = 0; i < n; i++) {
					if (level)
						wrap_ipv4(&packet[i], 4, 8, 9);
					fragment_of(
						&packet[i], 0, 16, 100 * level + i, &next[2 * i]);
					fragment_of(&packet[i], 1, 16, 100 * level + i,
						&next[2 * i + 1]);
				}
				memcpy(packet, next, sizeof(packet));
			}
			for (unsigned i = 0; i < n; i++) {
				frame_push(r, &packet[i]);
				while (reasm_next(r, &account, &out)) {
					whole++;
					assert_int_equal(out.payload_len, sizeof(message));
					assert_memory_equal(out.payload, message, sizeof(message));
				}
				account.query[QUERY_NEW] = whole;
				assert_int_equal(account_error(&account), 0);
			}
			assert_int_equal(whole, places >= levels);
			reasm_sweep(r, now_ms + TIMEOUT_MS + 1, true, &account);
			assert_int_equal(account.fragments_held, 0);
			assert_int_equal(account_error(&account), 0);
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(all_fates_as_the_model_says),
		cmocka_unit_test(whole_ones_come_out_once),
		cmocka_unit_test(nested_fragments_become_whole),
	};

	return cmocka_run_group_tests_name("fragment", tests, NULL, NULL);
}
