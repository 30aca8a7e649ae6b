/* SPDX-License-Identifier: BSD-3-Clause */

/* Names in messages, names as text, and the address hints of SVCB and HTTPS. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "dns/dns.h"
#include "tests/unit/guard.h"
#include "tests/unit/random.h"

#define HEADER DNS_HEADER_LEN

/* Octets of a message behind its header; the decoder does not look at that. */
struct octets {
	unsigned len;
	uint8_t octet[4096];
};

static struct octets header_only(void)
{
	struct octets o = {.len = HEADER};

	return o;
}

static void put(struct octets *o, const void *data, size_t n)
{
	assert_true(o->len + n <= sizeof(o->octet));
	memcpy(o->octet + o->len, data, n);
	o->len += (unsigned)n;
}

static void put_label(struct octets *o, unsigned n, int c)
{
	uint8_t label[64] = {(uint8_t)n};

	assert_true(n <= 63);
	memset(label + 1, c, n);
	put(o, label, n + 1);
}

static void put_pointer(struct octets *o, unsigned to)
{
	put(o, (const uint8_t[]){(uint8_t)(0xc0 | to >> 8), (uint8_t)to}, 2);
}

static unsigned decode(const struct octets *o, unsigned at, struct dns_name *name)
{
	return dns_name_decode(guarded(o->octet, o->len), o->len, at, name);
}

static void assert_text(const struct dns_name *name, const char *wanted)
{
	char text[DNS_TEXT_MAX];

	assert_int_equal(dns_name_text(name->wire, name->len, text, sizeof(text)), strlen(wanted));
	assert_string_equal(text, wanted);
}

static void names_follow_pointers_backwards(void **state)
{
	(void)state;
	struct octets o = header_only();
	struct dns_name n;

	put(&o, "\3WwW\7eXample\3com", 17); /* octet 12; the rest at 16 and 24 */
	assert_int_equal(decode(&o, 12, &n), 17);
	assert_text(&n, "www.example.com");
	assert_int_equal(n.labels, 3);
	assert_int_equal(n.len, 17);
	assert_int_equal(n.label[1], 4);
	assert_int_equal(n.label[3], 16);

	unsigned second = o.len;
	put(&o, "\4mail", 5);
	put_pointer(&o, 16);
	unsigned third = o.len;
	put_pointer(&o, second);
	assert_int_equal(decode(&o, second, &n), 7);
	assert_text(&n, "mail.example.com");
	assert_int_equal(decode(&o, third, &n), 2);
	assert_text(&n, "mail.example.com");
	assert_int_equal(decode(&o, 28, &n), 1);
	assert_text(&n, ".");
	assert_int_equal(n.labels, 0);
}

/* RFC 9267 section 2: pointers that lead anywhere but to an earlier name. */
static void pointers_that_lie_are_refused(void **state)
{
	(void)state;
	static const struct {
		const char *what;
		unsigned at;
		uint8_t octet[8];
		unsigned len;
	} cases[] = {
		{"forwards", 12, {0xc0, 14, 1, 'a', 0}, 5},
		{"to itself", 12, {0xc0, 12, 0}, 3},
		{"to its own label", 12, {1, 'a', 0xc0, 12}, 4},
		{"two that point to each other", 14, {0xc0, 14, 0xc0, 12}, 4},
		{"into the header", 12, {0xc0, 11, 0}, 3},
		{"to octet 0", 12, {0xc0, 0, 0}, 3},
		{"beyond the end", 12, {0xff, 0xff, 0}, 3},
		{"without its second octet", 12, {0xc0}, 1},
		{"a label, then nothing", 12, {2, 'a'}, 2},
		{"a label that reaches the end", 12, {1, 'a'}, 2},
		{"no octet at all", 12, {0}, 0},
		{"label of 64", 12, {0x40, 'a', 0}, 3},
		{"label of type 10", 12, {0x80, 'a', 0}, 3},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct octets o = header_only();
		struct dns_name n;

		put(&o, cases[i].octet, cases[i].len);
		print_message("# %s\n", cases[i].what);
		assert_int_equal(decode(&o, cases[i].at, &n), 0);
	}
}

static void a_name_has_255_octets_at_most(void **state)
{
	(void)state;
	struct dns_name n;

	/* Three labels of 63 are 192 octets; the last one takes what is left but the root. */
	for (unsigned last = 55; last <= 63; last++) {
		struct octets o = header_only();

		for (unsigned i = 0; i < 3; i++)
			put_label(&o, 63, 'x');
		put_label(&o, last, 'y');
		put(&o, "", 1);
		unsigned whole = 192 + 1 + last + 1;
		assert_int_equal(decode(&o, 12, &n), whole <= 255 ? whole : 0);
		if (whole <= 255)
			assert_int_equal(n.len, whole);
		/* No pointer makes it longer, either. */
		unsigned at = o.len;
		put_label(&o, 1, 'z');
		put_pointer(&o, 12);
		assert_int_equal(decode(&o, at, &n), whole + 2 <= 255 ? 4 : 0);
	}
}

static void a_name_has_127_labels_at_most(void **state)
{
	(void)state;
	for (unsigned labels = 120; labels <= 130; labels++) {
		struct octets o = header_only();
		struct dns_name n;

		for (unsigned i = 0; i < labels; i++)
			put_label(&o, 1, 'a');
		put(&o, "", 1);
		assert_int_equal(decode(&o, 12, &n), labels <= 127 ? 2 * labels + 1 : 0);
		if (labels <= 127)
			assert_int_equal(n.labels, labels);
	}
}

/* Pointers to pointers cost time and no octets: they are counted. */
static void hops_are_bounded(void **state)
{
	(void)state;
	for (unsigned hops = 1; hops <= 2 * DNS_HOPS_MAX; hops++) {
		struct octets o = header_only();
		struct dns_name n;

		put(&o, "\1a", 3);
		put_pointer(&o, 12);
		for (unsigned i = 1; i < hops; i++)
			put_pointer(&o, o.len - 2);
		assert_int_equal(decode(&o, o.len - 2, &n), hops <= DNS_HOPS_MAX ? 2 : 0);
	}
}

static uint8_t model_lower(uint8_t c)
{
	return c >= 'A' && c <= 'Z' ? (uint8_t)(c + 32) : c;
}

/* Octets are lower-cased eight at a time; every octet at every place in every length. */
static void case_is_folded_in_ascii_only(void **state)
{
	(void)state;
	uint64_t seed = 1;

	for (unsigned round = 0; round < 20000; round++) {
		struct octets o = header_only();
		struct dns_name n;
		uint8_t label[64];
		unsigned len = 1 + random_below(&seed, 63);

		label[0] = (uint8_t)len;
		for (unsigned i = 1; i <= len; i++)
			label[i] = (uint8_t)random_u64(&seed);
		put(&o, label, len + 1);
		put(&o, "", 1);
		assert_int_equal(decode(&o, 12, &n), len + 2);
		assert_int_equal(n.wire[0], len);
		for (unsigned i = 1; i <= len; i++)
			assert_int_equal(n.wire[i], model_lower(label[i]));
		assert_int_equal(n.wire[len + 1], 0);
	}
}

static void every_octet_has_its_text(void **state)
{
	(void)state;
	static const char plain[] =
		"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789*-_";

	for (unsigned c = 0; c < 256; c++) {
		uint8_t wire[] = {1, (uint8_t)c, 0};
		char text[DNS_TEXT_MAX], wanted[8];
		struct dns_name back;
		bool bare = c && strchr(plain, (int)c);

		snprintf(wanted, sizeof(wanted), bare ? "%c" : "\\%03u", c);
		assert_int_equal(
			dns_name_text(wire, sizeof(wire), text, sizeof(text)), strlen(wanted));
		assert_string_equal(text, wanted);
		assert_int_equal(dns_name_parse(text, &back), 0);
		assert_int_equal(back.len, 3);
		assert_int_equal(back.wire[1], model_lower((uint8_t)c));
	}
}

static void text_goes_both_ways(void **state)
{
	(void)state;
	static const struct {
		const char *text;
		const char *wire;
		unsigned len;
		const char *canonical;
	} cases[] = {
		{".", "", 1, "."},
		{"a", "\1a", 3, "a"},
		{"WWW.Example.COM.", "\3www\7example\3com", 17, "www.example.com"},
		{"a\\.b.c", "\3a.b\1c", 7, "a\\046b.c"},
		{"\\\\\\\".x", "\2\\\"\1x", 6, "\\092\\034.x"},
		{"\\065", "\1a", 3, "a"},
		{"*._dmarc.x", "\1*\6_dmarc\1x", 12, "*._dmarc.x"},
		{"\\000\\255", "\2\0\xff", 4, "\\000\\255"},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct dns_name n;

		print_message("# %s\n", cases[i].text);
		assert_int_equal(dns_name_parse(cases[i].text, &n), 0);
		assert_int_equal(n.len, cases[i].len);
		assert_memory_equal(n.wire, cases[i].wire, n.len);
		assert_text(&n, cases[i].canonical);
	}
}

static void text_that_is_no_name_is_refused(void **state)
{
	(void)state;
	static const char *const cases[] = {
		"", "..", ".a", "a..b", "a\\", "a\\0", "a\\25", "a\\25x", "\\256", "\\999", "a.\\"};
	char text[600];
	struct dns_name n;

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		assert_int_equal(dns_name_parse(cases[i], &n), -1);

	memset(text, 'a', sizeof(text));
	text[63] = '\0';
	assert_int_equal(dns_name_parse(text, &n), 0);
	text[63] = 'a';
	text[64] = '\0';
	assert_int_equal(dns_name_parse(text, &n), -1);

	/* 253 characters of text are 255 octets, with and without a dot at the end. */
	memset(text, 'a', sizeof(text));
	text[63] = text[127] = text[191] = '.';
	text[253] = '\0';
	assert_int_equal(dns_name_parse(text, &n), 0);
	assert_int_equal(n.len, 255);
	text[253] = 'a';
	text[254] = '\0';
	assert_int_equal(dns_name_parse(text, &n), -1);
	text[253] = '.';
	assert_int_equal(dns_name_parse(text, &n), 0);
}

/* The longest text there is, and rooms that are too small for it. */
static void text_stays_in_its_room(void **state)
{
	(void)state;
	uint8_t wire[DNS_NAME_MAX] = {0};
	static const uint8_t lengths[] = {63, 63, 63, 61};
	char whole[DNS_TEXT_MAX], part[DNS_TEXT_MAX + 1];
	unsigned at = 0;

	for (unsigned i = 0; i < 4; i++) {
		wire[at++] = lengths[i];
		memset(wire + at, 0xfe, lengths[i]);
		at += lengths[i];
	}
	assert_int_equal(at + 1, DNS_NAME_MAX);
	size_t len = dns_name_text(wire, sizeof(wire), whole, sizeof(whole));
	assert_int_equal(len, 250 * 4 + 3);
	assert_int_equal(len, strlen(whole));

	for (size_t size = 1; size <= DNS_TEXT_MAX; size++) {
		memset(part, '!', sizeof(part));
		size_t n = dns_name_text(wire, sizeof(wire), part, size);
		assert_true(n < size && part[n] == '\0');
		for (size_t i = size; i < sizeof(part); i++)
			assert_int_equal(part[i], '!');
	}
	assert_int_equal(dns_name_text(wire, sizeof(wire), part, 0), 0);
}

struct hints {
	unsigned v4, v6;
	uint8_t last[16];
};

static void hint_seen(void *ctx, const uint8_t *addr, unsigned len)
{
	struct hints *h = ctx;

	h->v4 += len == 4;
	h->v6 += len == 16;
	memcpy(h->last, addr, len);
}

static void hints_are_found_and_lies_are_not(void **state)
{
	(void)state;
	static const struct {
		const char *what;
		const char *rdata;
		unsigned len;
		bool sound;
		unsigned v4, v6;
	} cases[] = {
		{"alias form", "\0\0\3cdn\0", 7, true, 0, 0},
		{"no parameters", "\0\1\0", 3, true, 0, 0},
		{"two of IPv4", "\0\1\0\0\4\0\10\1\2\3\4\5\6\7\10", 15, true, 2, 0},
		{"alpn, port, IPv4, IPv6",
			"\0\1\0\0\1\0\3\2h2\0\3\0\2\1\273\0\4\0\4\1\2\3\4"
			"\0\6\0\20\40\1\r\270\0\0\0\0\0\0\0\0\0\0\0\1",
			44, true, 1, 1},
		{"empty hint", "\0\1\0\0\4\0\0", 7, false, 0, 0},
		{"hint of 5 octets", "\0\1\0\0\4\0\5\1\2\3\4\5", 12, false, 0, 0},
		{"IPv6 hint of 4", "\0\1\0\0\6\0\4\1\2\3\4", 11, false, 0, 0},
		{"value past the end", "\0\1\0\0\4\0\10\1\2\3\4", 11, false, 0, 0},
		{"length cut", "\0\1\0\0\4\0", 6, false, 0, 0},
		{"good, then bad", "\0\1\0\0\4\0\4\1\2\3\4\0\6\0\1\1", 16, false, 1, 0},
		{"compressed target", "\0\1\xc0\14\0\4\0\4\1\2\3\4", 12, false, 0, 0},
		{"target past the end", "\0\1\5ab", 5, false, 0, 0},
		{"target without its root", "\0\1\2ab", 5, false, 0, 0},
		{"priority only", "\0\1", 2, false, 0, 0},
		{"one octet", "\0", 1, false, 0, 0},
		{"nothing", "", 0, false, 0, 0},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct hints h = {0};

		print_message("# %s\n", cases[i].what);
		assert_int_equal(dns_svcb_hints(guarded(cases[i].rdata, cases[i].len), cases[i].len,
					 hint_seen, &h),
			cases[i].sound);
		assert_int_equal(h.v4, cases[i].v4);
		assert_int_equal(h.v6, cases[i].v6);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(names_follow_pointers_backwards),
		cmocka_unit_test(pointers_that_lie_are_refused),
		cmocka_unit_test(a_name_has_255_octets_at_most),
		cmocka_unit_test(a_name_has_127_labels_at_most),
		cmocka_unit_test(hops_are_bounded),
		cmocka_unit_test(case_is_folded_in_ascii_only),
		cmocka_unit_test(every_octet_has_its_text),
		cmocka_unit_test(text_goes_both_ways),
		cmocka_unit_test(text_that_is_no_name_is_refused),
		cmocka_unit_test(text_stays_in_its_room),
		cmocka_unit_test(hints_are_found_and_lies_are_not),
	};

	return cmocka_run_group_tests_name("dns_name", tests, NULL, NULL);
}
