/* SPDX-License-Identifier: BSD-3-Clause */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <arpa/inet.h>
#include <string.h>

#include "base/dns64.h"

/* RFC 6052, section 2.4: where 192.0.2.33 stands behind each length. */
static const struct {
	const char *prefix;
	unsigned len;
	const char *address;
} examples[] = {
	{"2001:db8::", 32, "2001:db8:c000:221::"},
	{"2001:db8:100::", 40, "2001:db8:1c0:2:21::"},
	{"2001:db8:122::", 48, "2001:db8:122:c000:2:2100::"},
	{"2001:db8:122:300::", 56, "2001:db8:122:3c0:0:221::"},
	{"2001:db8:122:344::", 64, "2001:db8:122:344:c0:2:2100::"},
	{"2001:db8:122:344::", 96, "2001:db8:122:344::192.0.2.33"},
};

static void octets_of(const char *text, uint8_t addr[16])
{
	assert_int_equal(inet_pton(AF_INET6, text, addr), 1);
}

static int add(struct dns64 *t, const char *prefix, unsigned len)
{
	uint8_t addr[16];

	octets_of(prefix, addr);
	return dns64_add(t, addr, len);
}

/* The address inside as text; "" when it is below no prefix. */
static const char *inside(const struct dns64 *t, const char *text)
{
	static char out[INET_ADDRSTRLEN];
	uint8_t addr[16], v4[4];

	octets_of(text, addr);
	out[0] = '\0';
	if (dns64_inside(t, addr, v4))
		inet_ntop(AF_INET, v4, out, sizeof(out));
	return out;
}

static uint64_t unit(const struct dns64 *t, const char *text)
{
	uint8_t addr[16];

	octets_of(text, addr);
	return dns64_unit(t, addr);
}

static void the_examples_of_rfc_6052(void **state)
{
	(void)state;
	for (unsigned i = 0; i < sizeof(examples) / sizeof(examples[0]); i++) {
		struct dns64 t = {0};

		assert_int_equal(add(&t, examples[i].prefix, examples[i].len), 0);
		assert_string_equal(inside(&t, examples[i].address), "192.0.2.33");
		assert_string_equal(inside(&t, "2001:db9:c000:221::"), "");
		/* Documentation is never evidence, by whatever name. */
		assert_int_equal(unit(&t, examples[i].address), ADDRESS_NONE);
	}
}

/* Each octet of an address that is all different, and what stands behind it is ignored. */
static void the_unit_is_that_of_the_ipv4_inside(void **state)
{
	static const char *const address[] = {
		"2001:db8:801:203:0:ff00::1",
		"2001:db8:108:102:3::",
		"2001:db8:122:801:2:300::",
		"2001:db8:122:308:1:203::",
		"2001:db8:122:344:8:102:300:0",
		"2001:db8:122:344::8.1.2.3",
	};

	(void)state;
	for (unsigned i = 0; i < sizeof(examples) / sizeof(examples[0]); i++) {
		struct dns64 t = {0};

		assert_int_equal(unit(&t, address[i]), ADDRESS_NONE);
		assert_int_equal(add(&t, examples[i].prefix, examples[i].len), 0);
		assert_int_equal(unit(&t, address[i]), 0x08010203);
	}
}

static void what_dns64_did_not_make_stays_ipv6(void **state)
{
	struct dns64 t = {0};

	(void)state;
	assert_int_equal(add(&t, "2a00:1:2:3::", 64), 0);
	assert_int_equal(unit(&t, "2a00:1:2:3:8:102:300::"), 0x08010203);
	/* A host whose octet 8 is not zero. */
	assert_int_equal(unit(&t, "2a00:1:2:3:0208:102:300::"), 0x2a00000100020003);
	assert_int_equal(unit(&t, "2a00:1:2:4:8:102:300::"), 0x2a00000100020004);
	t = (struct dns64){0};
	assert_int_equal(add(&t, "2a00:1:2:3::", 96), 0);
	assert_int_equal(unit(&t, "2a00:1:2:3:0:1:8.1.2.3"), 0x2a00000100020003);
	/* The one that needs no entry, with entries and without. */
	assert_int_equal(unit(&t, "64:ff9b::8.1.2.3"), 0x08010203);
	t = (struct dns64){0};
	assert_int_equal(unit(&t, "64:ff9b::8.1.2.3"), 0x08010203);
	assert_int_equal(unit(&t, "2a00:1:2:3::8.1.2.3"), 0x2a00000100020003);
}

static void the_longest_prefix_wins(void **state)
{
	(void)state;
	for (unsigned reversed = 0; reversed < 2; reversed++) {
		struct dns64 t = {0};

		assert_int_equal(add(&t, "2a00:1::", reversed ? 32 : 96), 0);
		assert_int_equal(add(&t, "2a00:1:0:0:0:0::", 48), 0);
		assert_int_equal(add(&t, "2a00:1::", reversed ? 96 : 32), 0);
		assert_string_equal(inside(&t, "2a00:1::8.1.2.3"), "8.1.2.3");
		assert_string_equal(inside(&t, "2a00:1:0:801:2:300::"), "8.1.2.3");
		assert_string_equal(inside(&t, "2a00:1:801:203::"), "8.1.2.3");
	}
}

static void what_is_no_prefix_is_refused(void **state)
{
	struct dns64 t = {0};

	(void)state;
	for (unsigned len = 0; len <= 255; len++) {
		bool known =
			len == 32 || len == 40 || len == 48 || len == 56 || len == 64 || len == 96;

		t.count = 0;
		assert_int_equal(dns64_length_known(len), known);
		assert_int_equal(add(&t, "2a00::", len), known ? 0 : -1);
		assert_int_equal(t.count, known);
	}
	t.count = 0;
	assert_int_equal(add(&t, "2a00:1:2:3:100::", 96), -1);
	/* Behind a shorter prefix octet 8 is no part of it. */
	assert_int_equal(add(&t, "2a00:1:2:3:100::", 64), 0);
	while (t.count < DNS64_PREFIXES_MAX)
		assert_int_equal(add(&t, "2a00::", 96), 0);
	assert_int_equal(add(&t, "2a00::", 32), -1);
	assert_int_equal(t.count, DNS64_PREFIXES_MAX);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_examples_of_rfc_6052),
		cmocka_unit_test(the_unit_is_that_of_the_ipv4_inside),
		cmocka_unit_test(what_dns64_did_not_make_stays_ipv6),
		cmocka_unit_test(the_longest_prefix_wins),
		cmocka_unit_test(what_is_no_prefix_is_refused),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
