/* SPDX-License-Identifier: BSD-3-Clause */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <libpsl.h>
#include <zlib.h>

#include "psl/list.h"
#include "psl/psl.h"
#include "psl/punycode.h"
#include "psl/table.h"

#define L63 "aaaaaaaaabbbbbbbbbcccccccccdddddddddeeeeeeeeefffffffffggggggggg"
#define DEBIAN_LIST "/usr/share/publicsuffix/public_suffix_list.dat"

/* A few rules of every kind, in the list's own form. */
static const char sample[] = "// ===BEGIN ICANN DOMAINS===\n"
			     "com\n"
			     "\n"
			     "biz\n"
			     "   \t\n"
			     "jp\n"
			     "ac.jp\n"
			     "kyoto.jp\n"
			     "ide.kyoto.jp // trailing text\n"
			     "*.kobe.jp\n"
			     "!city.kobe.jp\n"
			     "*.ck\r\n"
			     "!www.ck\r\n"
			     "us\n"
			     "ak.us\n"
			     "k12.ak.us\n"
			     "*.mm\n"
			     "CN\n"
			     "com.cn\n"
			     "公司.cn\n"
			     "中国\n"
			     "рф\n"
			     "// ===BEGIN PRIVATE DOMAINS===\n"
			     "uk.com\n"
			     "github.io\n"
			     "s3.dualstack.us-east-1.amazonaws.com\n"
			     "*.compute.amazonaws.com\n"
			     "deep.rule.of.five.labels";

/* Compiles a copy of exactly `len` octets into exactly psl_size octets. */
static struct psl *compile(const char *text, size_t len, struct psl_error *err)
{
	char *copy = malloc(len + !len);
	size_t size;

	assert_non_null(copy);
	memcpy(copy, text, len);
	size = psl_size(copy, len);
	void *mem = aligned_alloc(CACHE_LINE, size);

	assert_non_null(mem);
	memset(mem, 0xa5, size);
	struct psl *psl = psl_init(mem, size, copy, len, err);

	free(copy);
	if (!psl)
		free(mem);
	return psl;
}

static struct psl *compile_good(const char *text, size_t len)
{
	struct psl_error err;
	struct psl *psl = compile(text, len, &err);

	if (!psl)
		fail_msg("line %u: %s", err.line, err.what);
	return psl;
}

/* Registered domain as the tail of `text`, a name without escapes; NULL when it has none. */
static const char *registered(const struct psl *psl, const char *text)
{
	struct dns_name name;

	memset(&name, 0xa5, sizeof(name));
	assert_int_equal(dns_name_parse(text, &name), 0);
	int i = psl_registered(psl, &name);

	assert_in_range(i + 1, 0, name.labels);
	return i < 0 ? NULL : text + name.label[i];
}

static bool same(const char *a, const char *b)
{
	return a && b ? strcmp(a, b) == 0 : a == b;
}

static void test_cases(void **state)
{
	static const struct {
		const char *name, *registered;
	} cases[] = {
		/* unlisted top-level names: the default rule */
		{"example", NULL},
		{"example.example", "example.example"},
		{"b.example.example", "example.example"},
		{"a.b.example.example", "example.example"},
		/* one rule */
		{"biz", NULL},
		{"domain.biz", "domain.biz"},
		{"b.domain.biz", "domain.biz"},
		{"a.b.domain.biz", "domain.biz"},
		/* a rule below a rule */
		{"com", NULL},
		{"example.com", "example.com"},
		{"a.b.example.com", "example.com"},
		{"uk.com", NULL},
		{"example.uk.com", "example.uk.com"},
		{"a.b.example.uk.com", "example.uk.com"},
		/* a wildcard at the top */
		{"mm", NULL},
		{"c.mm", NULL},
		{"b.c.mm", "b.c.mm"},
		{"a.b.c.mm", "b.c.mm"},
		/* more levels, a wildcard inside */
		{"jp", NULL},
		{"test.jp", "test.jp"},
		{"www.test.jp", "test.jp"},
		{"ac.jp", NULL},
		{"test.ac.jp", "test.ac.jp"},
		{"kyoto.jp", NULL},
		{"test.kyoto.jp", "test.kyoto.jp"},
		{"ide.kyoto.jp", NULL},
		{"b.ide.kyoto.jp", "b.ide.kyoto.jp"},
		{"a.b.ide.kyoto.jp", "b.ide.kyoto.jp"},
		{"kobe.jp", NULL},
		{"c.kobe.jp", NULL},
		{"b.c.kobe.jp", "b.c.kobe.jp"},
		{"a.b.c.kobe.jp", "b.c.kobe.jp"},
		{"city.kobe.jp", "city.kobe.jp"},
		{"www.city.kobe.jp", "city.kobe.jp"},
		/* a wildcard and its exception */
		{"ck", NULL},
		{"test.ck", NULL},
		{"b.test.ck", "b.test.ck"},
		{"a.b.test.ck", "b.test.ck"},
		{"www.ck", "www.ck"},
		{"www.www.ck", "www.ck"},
		{"us", NULL},
		{"test.us", "test.us"},
		{"ak.us", NULL},
		{"test.ak.us", "test.ak.us"},
		{"k12.ak.us", NULL},
		{"www.test.k12.ak.us", "test.k12.ak.us"},
		/* A-labels */
		{"xn--85x722f.com.cn", "xn--85x722f.com.cn"},
		{"xn--85x722f.xn--55qx5d.cn", "xn--85x722f.xn--55qx5d.cn"},
		{"www.xn--85x722f.xn--55qx5d.cn", "xn--85x722f.xn--55qx5d.cn"},
		{"shishi.xn--55qx5d.cn", "shishi.xn--55qx5d.cn"},
		{"xn--55qx5d.cn", NULL},
		{"xn--85x722f.xn--fiqs8s", "xn--85x722f.xn--fiqs8s"},
		{"www.shishi.xn--fiqs8s", "shishi.xn--fiqs8s"},
		{"xn--fiqs8s", NULL},
		{"a.b.xn--p1ai", "b.xn--p1ai"},
		/* the private section; names on the way to a rule are none */
		{"io", NULL},
		{"github.io", NULL},
		{"me.github.io", "me.github.io"},
		{"www.me.github.io", "me.github.io"},
		{"s3.dualstack.us-east-1.amazonaws.com", NULL},
		{"x.s3.dualstack.us-east-1.amazonaws.com",
			"x.s3.dualstack.us-east-1.amazonaws.com"},
		{"dualstack.us-east-1.amazonaws.com", "amazonaws.com"},
		{"x.dualstack.us-east-1.amazonaws.com", "amazonaws.com"},
		{"s3.dualstack.us-east-2.amazonaws.com", "amazonaws.com"},
		{"amazonaws.com", "amazonaws.com"},
		{"eu.compute.amazonaws.com", NULL},
		{"ec2.eu.compute.amazonaws.com", "ec2.eu.compute.amazonaws.com"},
		{"labels", NULL},
		{"of.five.labels", "five.labels"},
		{"x.deep.rule.of.five.labels", "x.deep.rule.of.five.labels"},
	};
	struct psl *psl = compile_good(sample, strlen(sample));

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		const char *got = registered(psl, cases[i].name);

		if (!same(got, cases[i].registered))
			fail_msg("%s: %s instead of %s", cases[i].name, got ? got : "none",
				cases[i].registered ? cases[i].registered : "none");
	}
	assert_int_equal(psl_rules(psl), 24);
	free(psl);
}

/* Case is the decoder's matter; the root, the longest name and odd octets are ours. */
static void test_odd_names(void **state)
{
	struct psl *psl = compile_good(sample, strlen(sample));
	struct dns_name name;
	char text[2 * 127];

	(void)state;
	assert_int_equal(dns_name_parse("WWW.Example.COM", &name), 0);
	assert_int_equal(psl_registered(psl, &name), 1);
	assert_int_equal(dns_name_parse(".", &name), 0);
	assert_int_equal(psl_registered(psl, &name), -1);
	for (size_t i = 0; i < sizeof(text); i += 2)
		memcpy(text + i, "a.", 2);
	text[sizeof(text) - 1] = '\0';
	assert_string_equal(registered(psl, text), "a.a");
	/* 63 octets a label, NULs and dots inside it. */
	memset(&name, 0, sizeof(name));
	name = (struct dns_name){.len = 1 + 63 + 5, .labels = 2, .label = {0, 64, 68}};
	name.wire[0] = 63;
	memset(name.wire + 1, '.', 20);
	memcpy(name.wire + 64, "\3com", 5);
	assert_int_equal(psl_registered(psl, &name), 0);
	free(psl);
}

/* Of all rules that match, an exception prevails; a wildcard may stand above other rules. */
static void test_precedence(void **state)
{
	static const char text[] = "*.a\n!b.a\nc.b.a\n*.c.b.a\nd.e.a\n*\nf\n*.f\n";
	struct psl *psl = compile_good(text, strlen(text));

	(void)state;
	assert_string_equal(registered(psl, "b.a"), "b.a");
	assert_string_equal(registered(psl, "c.b.a"), "b.a");
	assert_string_equal(registered(psl, "x.y.c.b.a"), "b.a");
	assert_null(registered(psl, "e.a"));
	assert_string_equal(registered(psl, "x.e.a"), "x.e.a");
	assert_null(registered(psl, "d.e.a"));
	assert_string_equal(registered(psl, "x.d.e.a"), "x.d.e.a");
	assert_null(registered(psl, "g.f"));
	assert_string_equal(registered(psl, "x.g.f"), "x.g.f");
	assert_string_equal(registered(psl, "x.unlisted"), "x.unlisted");
	free(psl);
}

static void test_refused(void **state)
{
#define HAN "食狮公司中国香港"
	static const struct {
		const char *text;
		size_t len;
		unsigned line;
		const char *what;
	} cases[] = {
#define CASE(t, line, what) {t, sizeof(t) - 1, line, what}
		CASE("", 0, "no rules"),
		CASE("// nothing\n\n   \n\t \r\n", 0, "no rules"),
		CASE("com\nne\0t\n", 2, "NUL octet"),
		CASE("com\n// a\0b\n", 2, "NUL octet"),
		CASE("com\nnet a\0b", 2, "NUL octet"),
		CASE("com\n\n\xff.com\n", 3, "not UTF-8"),
		CASE("a\xc3\n", 1, "not UTF-8"),
		CASE("a\xc3", 1, "not UTF-8"),
		CASE("\xe4\xc1\x81", 1, "not UTF-8"),
		CASE("\xc0\xaf", 1, "not UTF-8"),
		CASE("\x84\x80", 1, "not UTF-8"),
		CASE("\xe0\x80\xaf", 1, "not UTF-8"),
		CASE("\xed\xa0\x80", 1, "not UTF-8"),
		CASE("\xf4\x90\x80\x80", 1, "not UTF-8"),
		CASE("// caf\xe9\n", 1, "not UTF-8"),
		CASE("com\n" L63 "x.com\n", 2, "label longer than 63 octets"),
		CASE(HAN HAN HAN HAN ".com", 1, "label longer than 63 octets"),
		CASE(HAN HAN HAN HAN HAN HAN HAN HAN, 1, "label longer than 63 octets"),
		CASE(L63 "." L63 "." L63 "." L63, 1, "name longer than 255 octets"),
		CASE("com\n.com\n", 2, "empty label"),
		CASE("com.\n", 1, "empty label"),
		CASE("a..com\n", 1, "empty label"),
		CASE("*.\n", 1, "empty label"),
		CASE("*..com\n", 1, "empty label"),
		CASE("com\n com\n", 2, "white space in front of a rule"),
		CASE("a.*.com\n", 1, "'*' is not the whole leftmost label"),
		CASE("*a.com\n", 1, "'*' is not the whole leftmost label"),
		CASE("*.*.com\n", 1, "'*' is not the whole leftmost label"),
		CASE("!*.com\n", 1, "'*' is not the whole leftmost label"),
		CASE("a/b.com\n", 1, "character that is not allowed in a label"),
		CASE("/\n", 1, "character that is not allowed in a label"),
		CASE("!!a.com\n", 1, "character that is not allowed in a label"),
		CASE("\xef\xbb\xbf// a mark of byte order\n", 1,
			"character that is not allowed in a label"),
		CASE("com\n!\n", 2, "empty label"),
		CASE("com\n!com\n", 2, "exception without a parent"),
		CASE("com\n\n!www.com\n*.net\n", 3, "exception to no wildcard rule"),
		CASE("!www.com\ncom\n", 1, "exception to no wildcard rule"),
#undef CASE
	};

	struct psl_error err;

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		err = (struct psl_error){99, "untouched"};
		if (compile(cases[i].text, cases[i].len, &err))
			fail_msg("case %zu is taken", i);
		if (err.line != cases[i].line || strcmp(err.what, cases[i].what) != 0)
			fail_msg("case %zu: line %u, %s", i, err.line, err.what);
	}
	/* 63 octets a label and 255 a name are allowed. */
	assert_null(compile(L63 "." L63 "." L63 "." L63, 3 * 64 + 62, &err));
	assert_string_equal(err.what, "name longer than 255 octets");
	free(compile_good(L63 "." L63 "." L63 "." L63, 3 * 64 + 61));
	free(compile_good("!www.ck\n*.ck\n", 13));
}

static void test_memory(void **state)
{
	size_t len = strlen(sample), size = psl_size(sample, len);
	void *mem = aligned_alloc(CACHE_LINE, size);
	struct psl_error err;

	(void)state;
	assert_null(psl_init(mem, size - 1, sample, len, &err));
	assert_int_equal(err.line, 0);
	assert_string_equal(err.what, "memory smaller than psl_size");
	assert_ptr_equal(psl_init(mem, size, sample, len, &err), mem);
	free(mem);
}

/* Offsets of 24 bits cannot reach the text of a longer list. */
static void test_too_long(void **state)
{
	const unsigned last = (PSL_TEXT_MAX - 1) / 65;
	char *text = malloc((last + 1) * 64);
	struct psl_error err;

	(void)state;
	for (unsigned i = 0; i <= last; i++)
		memcpy(text + 64 * i, L63 "\n", 64);
	free(compile_good(text, last * 64));
	assert_null(compile(text, (last + 1) * 64, &err));
	assert_int_equal(err.line, last + 1);
	assert_string_equal(err.what, "too many rules");
	free(text);
}

static uint64_t fingerprint(const char *text)
{
	struct psl *psl = compile_good(text, strlen(text));
	uint64_t fp = psl_fingerprint(psl);

	free(psl);
	return fp;
}

static void test_fingerprint(void **state)
{
	uint64_t fp = fingerprint("com\n*.ck\n!www.ck\nрф\n");

	(void)state;
	assert_true(fp == UINT64_C(0xc11c17b49542405b));
	assert_true(fp == fingerprint("// x\n!www.ck\n\nрф\ncom com\n*.ck\r\nCOM"));
	assert_true(fp == fingerprint("com\n*.ck\n!www.ck\nxn--p1ai\n"));
	assert_true(fp != fingerprint("com\n*.ck\nwww.ck\nрф\n"));
	assert_true(fp != fingerprint("com\n*.ck\n!www.ck\n"));
	assert_true(fingerprint("ck\n") != fingerprint("*.ck\n"));
	assert_true(fingerprint("a.b\n") != fingerprint("ab\n"));
}

/* RFC 3492 section 7.1, the samples (A), (B), (H), (L), (P) and (S). */
static void test_punycode(void **state)
{
	static const struct {
		uint32_t code[32];
		const char *text;
	} cases[] = {
		{{0x644, 0x64a, 0x647, 0x645, 0x627, 0x628, 0x62a, 0x643, 0x644, 0x645, 0x648,
			 0x634, 0x639, 0x631, 0x628, 0x64a, 0x61f},
			"egbpdaj6bu4bxfgehfvwxn"},
		{{0x4ed6, 0x4eec, 0x4e3a, 0x4ec0, 0x4e48, 0x4e0d, 0x8bf4, 0x4e2d, 0x6587},
			"ihqwcrb4cv8a8dqg056pqjye"},
		{{0x33, 0x5e74, 0x42, 0x7d44, 0x91d1, 0x516b, 0x5148, 0x751f},
			"3B-ww4c5e180e575a65lsy2b"},
		{{0x4d, 0x61, 0x6a, 0x69, 0x3067, 0x4b, 0x6f, 0x69, 0x3059, 0x308b, 0x35, 0x79d2,
			 0x524d},
			"MajiKoi5-783gue6qz075azm5e"},
		{{0x305d, 0x306e, 0x30b9, 0x30d4, 0x30fc, 0x30c9, 0x3067}, "d9juau41awczczp"},
		{{0x2d, 0x3e, 0x20, 0x24, 0x31, 0x2e, 0x30, 0x30, 0x20, 0x3c, 0x2d},
			"-> $1.00 <--"},
		{{0xfc}, "tda"},
		{{0x10ffff}, "dn32g"},
	};
	uint32_t many[PUNYCODE_MAX + 1] = {0};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		size_t count = 0, len = strlen(cases[i].text);
		uint8_t out[64];

		while (count < 32 && cases[i].code[count])
			count++;
		assert_int_equal(punycode_encode(cases[i].code, count, out, sizeof(out)), len);
		assert_memory_equal(out, cases[i].text, len);
		assert_int_equal(punycode_encode(cases[i].code, count, out, len), len);
		assert_int_equal(punycode_encode(cases[i].code, count, out, len - 1), 0);
	}
	assert_int_equal(punycode_encode(many, PUNYCODE_MAX + 1, (uint8_t[99]){0}, 99), 0);
}

/*
 * A name that was made to have the very hash of a listed suffix. The fold is
 * symmetric, so both words of a label can be exchanged; one parent in 256 makes
 * the length octet of the result right.
 */
static void test_forged_hash(void **state)
{
	unsigned forged = 0, line = 0;
	char *text = malloc(26 * 26 * 26 * 8);
	size_t len = 0;

	(void)state;
	for (unsigned i = 0; i < 26 * 26 * 26; i++)
		len += (size_t)sprintf(
			text + len, "t.%c%c%c\n", 'a' + i / 676, 'a' + i / 26 % 26, 'a' + i % 26);
	struct psl *psl = compile_good(text, len);

	for (char *at = text; at < text + len; at += 6, line++) {
		struct dns_name name = {.len = 1 + 15 + 5, .labels = 2, .label = {0, 16, 20}};
		uint8_t label[24] = "\1t",
			parent[24] = {3, (uint8_t)at[2], (uint8_t)at[3], (uint8_t)at[4]};
		uint64_t h = psl_label_hash(psl->seed, parent);
		uint64_t low = h ^ PSL_KEY_B ^ PSL_KEY_A;
		uint64_t high = load_u64(label) ^ PSL_KEY_A ^ h ^ PSL_KEY_B;

		memcpy(name.wire, &low, 8);
		memcpy(name.wire + 8, &high, 8);
		memcpy(name.wire + 16, parent, 5);
		if (name.wire[0] != 15)
			continue;
		assert_true(psl_label_hash(h, name.wire) == psl_label_hash(h, label));
		assert_int_equal(psl_registered(psl, &name), 0);
		forged++;
	}
	assert_int_equal(psl_rules(psl), line);
	assert_true(forged > 10);
	free(psl);
	free(text);
}

/*
 * Twenty-two rules that the first seed sends to one of eight groups: among 32 slots
 * hardly a displacement keeps so many apart, so another seed must be taken.
 */
static void test_reseed(void **state)
{
	char rule[22][8], name[256], text[256] = "";
	struct psl *psl = compile_good("com\n", 4);
	uint64_t first = psl->seed;

	(void)state;
	free(psl);
	for (unsigned n = 0, made = 0; made < 22; n++) {
		uint8_t label[24] = {0};

		label[0] = (uint8_t)snprintf(rule[made], sizeof(rule[made]), "n%u", n);
		memcpy(label + 1, rule[made], label[0]);
		if (psl_label_hash(first, label) >> 61 == 0)
			sprintf(text + strlen(text), "*.%s\n", rule[made++]);
	}
	psl = compile_good(text, strlen(text));
	assert_true(psl->seed != first);
	for (unsigned i = 0; i < 22; i++) {
		snprintf(name, sizeof(name), "y.x.%s", rule[i]);
		assert_ptr_equal(registered(psl, name), name);
		assert_null(registered(psl, name + 2));
	}
	free(psl);
}

/* The text of a file, gzip'd or not; NULL when there is none. */
static char *file_read(const char *path, size_t *len)
{
	gzFile f = gzopen(path, "rb");
	size_t size = 1 << 16;
	char *text = f ? malloc(size) : NULL;
	int got;

	*len = 0;
	while (text && (got = gzread(f, text + *len, (unsigned)(size - *len - 1))) > 0) {
		*len += (size_t)got;
		if (*len == size - 1)
			text = realloc(text, size *= 2);
	}
	if (text)
		text[*len] = '\0';
	if (f)
		gzclose(f);
	return text;
}

struct oracle {
	struct psl *psl;
	psl_ctx_t *ctx;
	size_t names;
};

static struct oracle oracle_open(const char *text, size_t len)
{
	FILE *f = fmemopen((void *)(uintptr_t)text, len, "r");
	struct oracle o = {.psl = compile_good(text, len), .ctx = psl_load_fp(f)};

	assert_non_null(o.ctx);
	fclose(f);
	return o;
}

static void oracle_close(struct oracle *o)
{
	psl_free(o->ctx);
	free(o->psl);
}

static void oracle_check(struct oracle *o, const char *name)
{
	const char *ours = registered(o->psl, name);
	const char *theirs = psl_registrable_domain(o->ctx, name);

	o->names++;
	if (!same(ours, theirs))
		fail_msg("%s: %s, libpsl says %s", name, ours ? ours : "none",
			theirs ? theirs : "none");
}

/* Every rule of the list as a name, and names up to three labels below it. */
static void oracle_check_rules(struct oracle *o, const char *text, size_t len)
{
	static const char *const below[] = {
		"", "x.", "y.x.", "www.y.x.", "rather-long-label-here."};
	struct psl_list list = {.at = text, .end = text + len};
	struct psl_rule rule;
	struct psl_error err;
	unsigned rules = 0;

	while (psl_list_next(&list, &rule, &err) > 0) {
		char name[DNS_TEXT_MAX], full[DNS_TEXT_MAX + 32];

		rules++;
		dns_name_text(rule.name.wire, rule.name.len, name, sizeof(name));
		/* Without its own '*' rule libpsl knows whether an A-label was made rightly. */
		if (rule.kind == PSL_PLAIN)
			assert_true(psl_is_public_suffix2(
				o->ctx, name, PSL_TYPE_ANY | PSL_TYPE_NO_STAR_RULE));
		for (size_t i = 0; i < sizeof(below) / sizeof(below[0]); i++) {
			snprintf(full, sizeof(full), "%s%s", below[i], name);
			oracle_check(o, full);
		}
	}
	assert_int_equal(rules, psl_rules(o->psl));
	assert_int_equal(rules, psl_suffix_count(o->ctx) + psl_suffix_exception_count(o->ctx));
}

/* A file of the shared test data: $FLUXGATE_SHARED, else beside the source tree. */
static const char *shared_path(const char *file)
{
	static char path[4096];
	const char *shared = getenv("FLUXGATE_SHARED"), *source = getenv("FLUXGATE_SOURCE");

	if (shared)
		snprintf(path, sizeof(path), "%s/data/%s", shared, file);
	else
		snprintf(path, sizeof(path), "%s/../shared/data/%s", source ? source : ".", file);
	return path;
}

static void oracle_check_file(struct oracle *o, const char *file)
{
	size_t len;
	char *text = file_read(shared_path(file), &len), *rest = text, *line;

	assert_non_null(text);
	while ((line = strsep(&rest, "\r\n"))) {
		size_t end = strlen(line);

		/* libpsl takes the root of "name." for a label. */
		if (end > 0 && line[end - 1] == '.')
			line[--end] = '\0';
		if (end > 0)
			oracle_check(o, line);
	}
	free(text);
}

static void check_list(const char *path, bool with_names)
{
	size_t len;
	char *text = file_read(path, &len);

	if (!text) {
		print_message("# no %s: skipped\n", path);
		skip();
	}
	struct oracle o = oracle_open(text, len);

	oracle_check_rules(&o, text, len);
	if (with_names) {
		oracle_check_file(&o, "opendns-top-domains.txt");
		oracle_check_file(&o, "opendns-random-domains.txt");
		oracle_check_file(&o, "felixonmars-china-domains.txt.gz");
	}
	print_message("# %zu names, %u rules\n", o.names, psl_rules(o.psl));
	oracle_close(&o);
	free(text);
}

static void test_debian_list(void **state)
{
	(void)state;
	check_list(DEBIAN_LIST, false);
}

static void test_shared_data(void **state)
{
	(void)state;
	check_list(shared_path("public_suffix_list.dat"), true);
}

/*
 * One random rule (or a wildcard and its exception) over few labels, so that rules stand
 * above, below and beside each other. libpsl keeps either "x" or "*.x", and ranks a rule
 * below an exception over it: 'w' leads only a wildcard's base, 'e' only an exception.
 */
static size_t rule_random(char *text, size_t size)
{
	static const char *const label[] = {"a", "b", "c", "a-label-of-17-oct", "é", "w"};
	char base[128] = "";
	int labels = rand() % 4, kind = rand() % 8;

	if (kind < 2)
		strcat(base, labels ? "w." : "w");
	else
		sprintf(base, "%s%s", label[rand() % 5], labels ? "." : "");
	for (; labels > 0; labels--)
		sprintf(base + strlen(base), "%s%s", label[rand() % 6], labels > 1 ? "." : "");
	if (kind == 0)
		return (size_t)snprintf(text, size, "*.%s\n!e.%s\n", base, base);
	return (size_t)snprintf(text, size, "%s%s\n", kind == 1 ? "*." : "", base);
}

static void test_random_lists(void **state)
{
	static const char *const label[] = {
		"a", "b", "c", "a-label-of-17-oct", "xn--9ca", "w", "w", "e", "z"};
	size_t names = 0;

	(void)state;
	srand(1);
	for (unsigned round = 0; round < 3000; round++) {
		char text[8192] = "", name[256];
		size_t len = 0;

		for (int rules = 1 + rand() % 32; rules > 0; rules--)
			len += rule_random(text + len, sizeof(text) - len);
		struct oracle o = oracle_open(text, len);

		for (unsigned i = 0; i < 100; i++) {
			*name = '\0';
			for (int labels = 1 + rand() % 6; labels > 0; labels--)
				sprintf(name + strlen(name), "%s%s", label[rand() % 9],
					labels > 1 ? "." : "");
			oracle_check(&o, name);
		}
		names += o.names;
		oracle_close(&o);
	}
	print_message("# %zu names\n", names);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_cases),
		cmocka_unit_test(test_odd_names),
		cmocka_unit_test(test_precedence),
		cmocka_unit_test(test_refused),
		cmocka_unit_test(test_memory),
		cmocka_unit_test(test_too_long),
		cmocka_unit_test(test_fingerprint),
		cmocka_unit_test(test_punycode),
		cmocka_unit_test(test_reseed),
		cmocka_unit_test(test_forged_hash),
		cmocka_unit_test(test_random_lists),
		cmocka_unit_test(test_debian_list),
		cmocka_unit_test(test_shared_data),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
