/* SPDX-License-Identifier: BSD-3-Clause */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <arpa/inet.h>
#include <string.h>

#include "sensor/resolvers.h"
#include "shard/shard.h"

static unsigned octets_of(const char *text, uint8_t addr[16])
{
	bool v6 = strchr(text, ':');

	assert_int_equal(inet_pton(v6 ? AF_INET6 : AF_INET, text, addr), 1);
	return v6 ? 6 : 4;
}

static int add(struct resolvers *r, const char *text, unsigned len)
{
	uint8_t addr[16];
	unsigned version = octets_of(text, addr);

	return resolvers_add(r, addr, version, len);
}

static bool known(const struct resolvers *r, const char *text)
{
	uint8_t addr[16];
	unsigned version = octets_of(text, addr);

	return resolvers_known(r, addr, version);
}

static void an_address_is_known_below_its_prefix(void **state)
{
	struct resolvers r = {0};

	(void)state;
	assert_false(known(&r, "192.0.2.1"));
	assert_int_equal(add(&r, "192.0.2.1", 32), 0);
	assert_int_equal(add(&r, "198.51.100.64", 27), 0);
	assert_int_equal(add(&r, "2001:db8:1::", 48), 0);
	assert_int_equal(add(&r, "2001:db8:2::", 64), 0);
	assert_int_equal(add(&r, "2001:db8:3::10", 124), 0);
	assert_int_equal(add(&r, "2001:db8:4::53", 128), 0);
	assert_true(known(&r, "192.0.2.1"));
	assert_false(known(&r, "192.0.2.0"));
	assert_true(known(&r, "198.51.100.64"));
	assert_true(known(&r, "198.51.100.95"));
	assert_false(known(&r, "198.51.100.96"));
	assert_true(known(&r, "2001:db8:1:ffff::1"));
	assert_false(known(&r, "2001:db8:0:ffff::1"));
	assert_true(known(&r, "2001:db8:2:0:ffff::"));
	assert_false(known(&r, "2001:db8:2:1::"));
	assert_true(known(&r, "2001:db8:3::1f"));
	assert_false(known(&r, "2001:db8:3::20"));
	assert_true(known(&r, "2001:db8:4::53"));
	assert_false(known(&r, "2001:db8:4::52"));
}

static void families_are_apart(void **state)
{
	struct resolvers r = {0};

	(void)state;
	assert_int_equal(add(&r, "32.1.13.184", 32), 0); /* 2001:db8:: */
	assert_false(known(&r, "2001:db8::"));
	r.count = 0;
	assert_int_equal(add(&r, "2001:db8::", 32), 0);
	assert_false(known(&r, "32.1.13.184"));
}

static void what_is_no_prefix_is_refused(void **state)
{
	struct resolvers r = {0};
	uint8_t addr[16] = {192, 0, 2, 1};

	(void)state;
	assert_int_equal(add(&r, "192.0.2.1", 0), -1);
	assert_int_equal(add(&r, "192.0.2.1", 33), -1);
	assert_int_equal(add(&r, "2001:db8::", 0), -1);
	assert_int_equal(add(&r, "2001:db8::", 129), -1);
	assert_int_equal(resolvers_add(&r, addr, 5, 8), -1);
	assert_int_equal(r.count, 0);
	while (r.count < RESOLVERS_MAX)
		assert_int_equal(add(&r, "192.0.2.1", 1), 0);
	assert_int_equal(add(&r, "192.0.2.1", 32), -1);
}

/* Nobody is taken for a resolver that was named by what his address hashes to. */
static void no_hash_is_a_named_resolver(void **state)
{
	(void)state;
	for (uint64_t bits = 0; bits < 256; bits++) {
		uint8_t server = shard_server(bits << 56);

		assert_int_not_equal(server, SHARD_SERVER_RESOLVER);
		assert_int_not_equal(server, SHARD_SERVER_SEVERAL);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_address_is_known_below_its_prefix),
		cmocka_unit_test(families_are_apart),
		cmocka_unit_test(what_is_no_prefix_is_refused),
		cmocka_unit_test(no_hash_is_a_named_resolver),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
