/* SPDX-License-Identifier: BSD-3-Clause */

/*
 * The forms without branches of what the short lane hashes and lower-cases, against the plain
 * forms, for every length; and the hash of a transaction, in which each octet has to count.
 */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/hash.h"
#include "dns/lower.h"
#include "match/match.h"
#include "tests/unit/guard.h"
#include "tests/unit/random.h"

#define ROUNDS 2000u
#define NAME_LONGEST 80u
#define VARIANTS_MAX 4096u

static void random_octets(uint64_t *rng, uint8_t *p, size_t n)
{
	for (size_t i = 0; i < n; i++)
		p[i] = (uint8_t)random_u64(rng);
}

static void padded_is_the_plain_hash(void **state)
{
	uint64_t rng = 1;
	uint8_t octets[32];

	(void)state;
	for (unsigned round = 0; round < ROUNDS; round++) {
		struct hash_key k;

		random_octets(&rng, (uint8_t *)&k, sizeof(k));
		random_octets(&rng, octets, sizeof(octets));
		const uint8_t *p = guarded(octets, sizeof(octets));
		for (size_t len = 1; len <= 32; len++)
			if (hash_padded(p, len, k) != hash_bytes(p, len, k))
				fail_msg("the hashes of %zu octets differ", len);
	}
}

/* What lies behind the octets may not matter, nor may any of them not. */
static void padding_does_not_count(void **state)
{
	const struct hash_key k = {0x243f6a8885a308d3u, 0x13198a2e03707344u};
	uint64_t rng = 2;
	uint8_t octets[32];

	(void)state;
	for (size_t len = 1; len <= 32; len++) {
		random_octets(&rng, octets, sizeof(octets));
		uint64_t h = hash_padded(octets, len, k);

		for (unsigned bit = 0; bit < 8 * sizeof(octets); bit++) {
			octets[bit / 8] ^= (uint8_t)(1u << bit % 8);
			assert_true((hash_padded(octets, len, k) == h) == (bit / 8 >= len));
			octets[bit / 8] ^= (uint8_t)(1u << bit % 8);
		}
	}
}

/* Every octet at every place, the last octets that can be read among them. */
static void wide_is_the_plain_copy(void **state)
{
	enum { WIDE = 64, CANARY = 0xa5 };
	uint8_t octets[2 * WIDE], wide[WIDE + 1], copy[WIDE + 8];

	(void)state;
	for (unsigned first = 0; first < 256; first += 3) {
		for (unsigned i = 0; i < sizeof(octets); i++)
			octets[i] = (uint8_t)(first + i);
		for (unsigned room = 1; room <= sizeof(octets); room++) {
			const uint8_t *p = guarded(octets, room);

			for (unsigned n = 1; n <= WIDE && n <= room; n++) {
				memset(wide, CANARY, sizeof(wide));
				dns_lower_wide(wide, p, n, room);
				dns_lower_copy(copy, p, n);
				assert_memory_equal(wide, copy, n);
				assert_int_equal(wide[WIDE], CANARY);
			}
		}
	}
	for (unsigned c = 0; c < 256; c++) {
		uint8_t lower = (uint8_t)(c >= 'A' && c <= 'Z' ? c + 32 : c);

		memset(octets, (int)c, sizeof(octets));
		dns_lower_wide(wide, octets, WIDE, sizeof(octets));
		for (unsigned i = 0; i < WIDE; i++)
			assert_int_equal(wide[i], lower);
	}
}

/* A transaction as its query has it. */
struct transaction {
	uint8_t client[16], server[16];
	uint16_t port, server_port;
	uint8_t version;
	unsigned name_len;
	uint8_t msg[DNS_HEADER_LEN + NAME_LONGEST + 4];
};

static const struct hash_key key = {0xa4093822299f31d0u, 0x082efa98ec4e6c89u};

/* Its hash as seen in a query or a response, no octet beyond type and class being there. */
static uint64_t hash_of(const struct transaction *t, bool response)
{
	struct wire_packet w = {
		.ip_version = t->version,
		.saddr = response ? t->server : t->client,
		.daddr = response ? t->client : t->server,
		.sport = response ? t->server_port : t->port,
		.dport = response ? t->port : t->server_port,
	};
	uint8_t msg[sizeof(t->msg)];
	unsigned len = DNS_HEADER_LEN + t->name_len + 4;

	memcpy(msg, t->msg, len);
	msg[2] = (uint8_t)((msg[2] & 0x7f) | (response ? 0x80 : 0));
	/* What else the header says is the server's own, and so may be the records' number. */
	if (response)
		for (unsigned i = 3; i < DNS_HEADER_LEN; i++)
			msg[i] = (uint8_t)~msg[i];
	return match_hash(&w, guarded(msg, len), t->name_len, key);
}

static uint64_t seen[VARIANTS_MAX];
static unsigned variants;

static void variant_add(const struct transaction *t)
{
	uint64_t h = hash_of(t, false);

	assert_true(variants < VARIANTS_MAX);
	assert_true(hash_of(t, true) == h);
	seen[variants++] = h;
}

/* The octets with each bit turned, alone. */
static void variants_add(struct transaction *t, void *field, size_t octets)
{
	uint8_t *p = field;

	for (size_t bit = 0; bit < 8 * octets; bit++) {
		p[bit / 8] ^= (uint8_t)(1u << bit % 8);
		variant_add(t);
		p[bit / 8] ^= (uint8_t)(1u << bit % 8);
	}
}

static int ascending(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return (x > y) - (x < y);
}

/* No two variants have one hash: neither with the original nor with each other. */
static void check_variants(struct transaction *t)
{
	size_t address = t->version == 4 ? 4 : 16;
	uint8_t *question = t->msg + DNS_HEADER_LEN;

	variants = 0;
	variant_add(t);
	variants_add(t, question, t->name_len + 4);
	variants_add(t, t->msg, 2);
	variants_add(t, t->client, address);
	variants_add(t, t->server, address);
	variants_add(t, &t->port, sizeof(t->port));
	variants_add(t, &t->server_port, sizeof(t->server_port));
	qsort(seen, variants, sizeof(*seen), ascending);
	for (unsigned i = 1; i < variants; i++)
		if (seen[i] == seen[i - 1])
			fail_msg("two transactions with names of %u octets have one hash",
				t->name_len);
}

/* How a question is filled: random octets, one octet throughout, a short period. */
static void fill(uint64_t *rng, struct transaction *t, unsigned period)
{
	random_octets(rng, (uint8_t *)t, sizeof(*t));
	if (period)
		for (unsigned i = DNS_HEADER_LEN + period; i < sizeof(t->msg); i++)
			t->msg[i] = t->msg[i - period];
}

static void every_octet_of_a_transaction_counts(void **state)
{
	static const unsigned periods[] = {0, 0, 1, 2, 4, 8, 16};
	uint64_t rng = 3;
	struct transaction t;

	(void)state;
	for (unsigned name_len = 1; name_len <= NAME_LONGEST; name_len++) {
		for (unsigned i = 0; i < sizeof(periods) / sizeof(periods[0]); i++) {
			fill(&rng, &t, periods[i]);
			t.name_len = name_len;
			t.version = i % 2 ? 4 : 6;
			check_variants(&t);
		}
	}
}

/* Zeros throughout, where a product would lose what is multiplied with them. */
static void zeros_do_not_hide_the_rest(void **state)
{
	(void)state;
	for (unsigned name_len = 1; name_len <= NAME_LONGEST; name_len++) {
		struct transaction t = {.name_len = name_len, .version = name_len % 2 ? 4 : 6};

		check_variants(&t);
	}
}

/* Labels of 4 to 9 octets, few different ones; returns the octets of the name. */
static unsigned host_name(uint64_t *rng, uint8_t *name)
{
	unsigned len = 0;

	for (unsigned labels = 0; labels < 3; labels++) {
		unsigned n = 4 + random_below(rng, 6);

		name[len++] = (uint8_t)n;
		for (; n; n--)
			name[len++] = (uint8_t)('a' + random_below(rng, 2));
	}
	name[len++] = 0;
	memcpy(name + len, "\0\1\0\1", 4);
	return len;
}

/*
 * With an octet of a label twice a name is one longer and has but one octet more changed, the
 * label's length: neither may make up for the other.
 */
static void a_doubled_octet_counts(void **state)
{
	uint64_t rng = 4;
	struct transaction t = {.version = 4};
	uint8_t *name = t.msg + DNS_HEADER_LEN;

	(void)state;
	for (unsigned round = 0; round < 10 * ROUNDS; round++) {
		t.name_len = host_name(&rng, name);
		uint64_t h = hash_of(&t, false);

		for (unsigned label = 0; name[label]; label += name[label] + 1u) {
			for (unsigned at = label + 1; at <= label + name[label]; at++) {
				struct transaction longer = t;
				uint8_t *p = longer.msg + DNS_HEADER_LEN;

				memmove(p + at + 1, p + at, t.name_len + 4 - at);
				p[label]++;
				longer.name_len++;
				assert_true(hash_of(&longer, false) != h);
			}
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(padded_is_the_plain_hash),
		cmocka_unit_test(padding_does_not_count),
		cmocka_unit_test(wide_is_the_plain_copy),
		cmocka_unit_test(every_octet_of_a_transaction_counts),
		cmocka_unit_test(zeros_do_not_hide_the_rest),
		cmocka_unit_test(a_doubled_octet_counts),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
