/* SPDX-License-Identifier: BSD-3-Clause */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>

#include "base/address.h"

/* First and last address of each special-purpose block, as the registries write them. */
static const struct {
	const char *first, *last;
} blocks_v4[] = {
	{"0.0.0.0", "0.255.255.255"},
	{"10.0.0.0", "10.255.255.255"},
	{"100.64.0.0", "100.127.255.255"},
	{"127.0.0.0", "127.255.255.255"},
	{"169.254.0.0", "169.254.255.255"},
	{"172.16.0.0", "172.31.255.255"},
	{"192.0.0.0", "192.0.0.255"},
	{"192.0.2.0", "192.0.2.255"},
	{"192.31.196.0", "192.31.196.255"},
	{"192.52.193.0", "192.52.193.255"},
	{"192.88.99.0", "192.88.99.255"},
	{"192.168.0.0", "192.168.255.255"},
	{"192.175.48.0", "192.175.48.255"},
	{"198.18.0.0", "198.19.255.255"},
	{"198.51.100.0", "198.51.100.255"},
	{"203.0.113.0", "203.0.113.255"},
	{"224.0.0.0", "239.255.255.255"},
	{"240.0.0.0", "255.255.255.255"},
};

static const char *const special_v6[] = {
	"::",
	"::1",
	"::ffff:8.8.8.8",
	"64:ff9b:1::808:808",
	"64:ff9b::1:808:808",
	"100::1",
	"100:0:0:1::1",
	"2001::1",
	"2001:1::1",
	"2001:2:0:1::1",
	"2001:20::1",
	"2001:1ff:ffff:ffff:ffff:ffff:ffff:ffff",
	"2001:db8::1",
	"2001:db8:ffff:ffff::1",
	"2002:808:808::1",
	"2620:4f:8000::1",
	"3fff::1",
	"3fff:fff:ffff::1",
	"1fff::1",
	"4000::1",
	"5f00::1",
	"fc00::1",
	"fdff::1",
	"fe80::1",
	"ff02::1",
};

static const char *const plain_v6[] = {
	"2001:200::1",
	"2001:db7:ffff::1",
	"2001:db9::1",
	"2001:4860:4860::8888",
	"2003::1",
	"2620:4f:8001::1",
	"2a00::1",
	"3ffe:ffff::1",
	"3fff:1000::1",
};

static uint64_t unit_v4(uint32_t host)
{
	uint32_t be = htonl(host);
	return address_unit_v4((const uint8_t *)&be);
}

static uint64_t unit_text(const char *text)
{
	uint8_t addr[16];

	if (inet_pton(AF_INET, text, addr) == 1)
		return address_unit_v4(addr);
	assert_int_equal(inet_pton(AF_INET6, text, addr), 1);
	return address_unit_v6(addr);
}

static uint32_t host_order(const char *text)
{
	struct in_addr a;

	assert_int_equal(inet_pton(AF_INET, text, &a), 1);
	return ntohl(a.s_addr);
}

static bool in_blocks(uint32_t a)
{
	for (unsigned i = 0; i < sizeof(blocks_v4) / sizeof(blocks_v4[0]); i++)
		if (a >= host_order(blocks_v4[i].first) && a <= host_order(blocks_v4[i].last))
			return true;
	return false;
}

static void v4_blocks_end_where_the_registry_says(void **state)
{
	(void)state;
	for (unsigned i = 0; i < sizeof(blocks_v4) / sizeof(blocks_v4[0]); i++) {
		uint32_t first = host_order(blocks_v4[i].first);
		uint32_t last = host_order(blocks_v4[i].last);

		assert_int_equal(unit_v4(first), ADDRESS_NONE);
		assert_int_equal(unit_v4(last), ADDRESS_NONE);
		assert_int_equal(unit_v4(first + (last - first) / 2), ADDRESS_NONE);
		if (!in_blocks(first - 1))
			assert_int_equal(unit_v4(first - 1), first - 1);
		if (!in_blocks(last + 1))
			assert_int_equal(unit_v4(last + 1), last + 1);
	}
}

/* One address in each /20, so that no first octet is taken for special by mistake. */
static void v4_agrees_with_the_blocks_everywhere(void **state)
{
	(void)state;
	for (uint32_t i = 0; i < 1u << 20; i++) {
		uint32_t a = i << 12 | (i * 2654435761u) >> 20;

		if ((unit_v4(a) == ADDRESS_NONE) != in_blocks(a))
			fail_msg("%08x", a);
		if (unit_v4(a) != ADDRESS_NONE)
			assert_int_equal(unit_v4(a), a);
	}
}

static void v6_counts_by_64_and_only_global_unicast(void **state)
{
	(void)state;
	for (unsigned i = 0; i < sizeof(special_v6) / sizeof(special_v6[0]); i++)
		if (unit_text(special_v6[i]) != ADDRESS_NONE)
			fail_msg("%s has a unit", special_v6[i]);
	for (unsigned i = 0; i < sizeof(plain_v6) / sizeof(plain_v6[0]); i++)
		if (unit_text(plain_v6[i]) == ADDRESS_NONE)
			fail_msg("%s has no unit", plain_v6[i]);
	assert_int_equal(unit_text("2a00:1:2:3::1"), unit_text("2a00:1:2:3:ffff::2"));
	assert_int_not_equal(unit_text("2a00:1:2:3::1"), unit_text("2a00:1:2:4::1"));
	assert_false(address_is_v4(unit_text("2a00::1")));
	assert_true(address_is_v4(unit_text("255.0.0.1") | unit_text("8.8.8.8")));
}

static void dns64_is_the_ipv4_inside(void **state)
{
	(void)state;
	assert_int_equal(unit_text("64:ff9b::8.8.8.8"), unit_text("8.8.8.8"));
	assert_int_equal(unit_text("64:ff9b::192.168.1.1"), ADDRESS_NONE);
}

static void aggregate_is_a_16_or_a_32_and_never_0(void **state)
{
	(void)state;
	assert_int_equal(address_aggregate(unit_text("1.2.3.4")), 0x0102);
	assert_int_equal(address_aggregate(unit_text("1.2.255.4")), 0x0102);
	assert_int_equal(address_aggregate(unit_text("2a00:1:2:3::1")), 0x2a000001);
	assert_int_not_equal(address_aggregate(unit_text("1.0.0.0")), 0);
}

static void text_and_octets_say_the_same(void **state)
{
	static const char *const text[][2] = {
		{"8.8.4.4", "8.8.4.4"},
		{"223.255.255.255", "223.255.255.255"},
		{"2a00:1:2:3::1", "2a00:1:2:3::/64"},
		{"2a00::1", "2a00::/64"},
		{"2a00:0:0:1::1", "2a00:0:0:1::/64"},
		{"2fff:ffff:ffff:ffff:ffff::1", "2fff:ffff:ffff:ffff::/64"},
	};
	(void)state;
	for (unsigned i = 0; i < sizeof(text) / sizeof(text[0]); i++) {
		uint64_t unit = unit_text(text[i][0]);
		char out[ADDRESS_TEXT_MAX];
		uint8_t octets[16];

		address_text(unit, out);
		assert_string_equal(out, text[i][1]);
		address_octets(unit, octets);
		assert_int_equal(address_is_v4(unit) ? address_unit_v4(octets + 12)
						     : address_unit_v6(octets),
			unit);
	}
	uint8_t octets[16];
	address_octets(unit_text("1.2.3.4"), octets);
	assert_memory_equal(octets, "\0\0\0\0\0\0\0\0\0\0\0\0\1\2\3\4", 16);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(v4_blocks_end_where_the_registry_says),
		cmocka_unit_test(v4_agrees_with_the_blocks_everywhere),
		cmocka_unit_test(v6_counts_by_64_and_only_global_unicast),
		cmocka_unit_test(dns64_is_the_ipv4_inside),
		cmocka_unit_test(aggregate_is_a_16_or_a_32_and_never_0),
		cmocka_unit_test(text_and_octets_say_the_same),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
