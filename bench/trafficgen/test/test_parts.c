/* SPDX-License-Identifier: BSD-3-Clause */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <arpa/inet.h>
#include <cmocka.h>
#include <maxminddb.h>

#include "attacks.h"
#include "families.h"
#include "heap.h"
#include "mix.h"
#include "mmdb_out.h"
#include "names.h"
#include "networks.h"
#include "options.h"
#include "rng.h"
#include "zipf.h"

#define GOLDEN_DIGEST \
	0xb05ab1ee1393b9abu /* of the numbers that test_randomness_is_pinned() draws */

static void test_randomness_is_pinned(void **state)
{
	struct zipf zipf;
	uint64_t digest = 0;
	struct rng rng;

	(void)state;
	rng_seed(&rng, 1);
	/* splitmix64 and xoshiro256** as their authors define them. */
	assert_int_equal(rng.s[0], 0x910a2dec89025cc1u);
	assert_int_equal(rng.s[1], 0xbeeb8da1658eec67u);
	/* These must be the same on every machine and with every compiler. */
	assert_int_equal(zipf_init(&zipf, 1000, 1.1), 0);
	for (uint32_t i = 0; i < 1000; i++) {
		digest = hash_pair(digest, zipf.cells[i].threshold);
		digest = hash_pair(digest, zipf.cells[i].alias);
		digest = hash_pair(digest, rng_wait(&rng, 1e9));
	}
	zipf_free(&zipf);
	assert_int_equal(digest, GOLDEN_DIGEST);
}

static void test_logarithm_and_exponential(void **state)
{
	(void)state;
	for (double x = 1e-9; x < 1e9; x *= 1.37) {
		assert_true(fabs(num_ln(x) - log(x)) <= 1e-14 * (1.0 + fabs(log(x))));
		assert_true(fabs(num_exp(num_ln(x)) / x - 1.0) < 1e-13);
	}
}

static void check_law(double exponent)
{
	enum { COUNT = 50, DRAWS = 400000 };
	uint32_t seen[COUNT] = {0};
	struct zipf zipf;
	double sum = 0.0;
	struct rng rng;

	rng_seed(&rng, 7);
	assert_int_equal(zipf_init(&zipf, COUNT, exponent), 0);
	for (int i = 0; i < DRAWS; i++) {
		uint32_t rank = zipf_draw(&zipf, &rng);

		assert_true(rank < COUNT);
		seen[rank]++;
	}
	zipf_free(&zipf);
	for (int i = 0; i < COUNT; i++)
		sum += pow(i + 1, -exponent);
	for (int i = 0; i < COUNT; i++) {
		double expected = (double)DRAWS * pow(i + 1, -exponent) / sum;

		assert_true(fabs(seen[i] - expected) < 5.0 * sqrt(expected) + 1.0);
	}
}

static void test_zipf_follows_its_law(void **state)
{
	(void)state;
	check_law(0.0);
	check_law(0.7);
	check_law(1.0);
	check_law(1.5);
}

static void test_heap_keeps_order(void **state)
{
	struct heap heap = {0};
	struct rng rng;
	uint64_t last_time = 0;
	uintptr_t last_item = 0;

	(void)state;
	rng_seed(&rng, 3);
	for (uintptr_t i = 1; i <= 5000; i++)
		assert_int_equal(heap_push(&heap, rng_below(&rng, 100), (void *)i), 0);
	while (heap.count > 0) {
		uint64_t time = heap_top(&heap)->time;
		uintptr_t item = (uintptr_t)heap_pop(&heap);

		assert_true(time > last_time || (time == last_time && item > last_item));
		last_time = time;
		last_item = item;
	}
	heap_free(&heap);
}

/* Which of LABEL_CORE_COUNT labels this is. */
static uint32_t label_place(const char *label)
{
	static const char consonants[] = "bcdfghjklmnpqrstvwxz", vowels[] = "aeiou";
	uint32_t place = 0;

	for (unsigned i = 0; i < LABEL_CORE; i++) {
		const char *letters = i % 2 == 0 ? consonants : vowels;
		const char *found = strchr(letters, label[i]);

		assert_true(found != NULL && *found != '\0');
		place = place * (uint32_t)strlen(letters) + (uint32_t)(found - letters);
	}
	return place;
}

static void test_labels_are_unique(void **state)
{
	uint8_t *seen = calloc(LABEL_CORE_COUNT, 1);
	char labels[100][LABEL_TEXT];

	(void)state;
	assert_non_null(seen);
	/* As many numbers as labels, none twice: each number has its own, ... */
	for (uint32_t i = 0; i < LABEL_CORE_COUNT; i++) {
		char label[LABEL_TEXT];
		uint32_t at;

		label_make(label, i, 0, LABEL_CORE);
		at = label_place(label);
		if (seen[at]++ != 0)
			fail_msg("twice: %s", label);
	}
	/* ... and where they begin again, a digit tells them apart. */
	for (uint32_t round = 1; round < LABEL_COUNT / LABEL_CORE_COUNT; round++) {
		char label[LABEL_TEXT], again[LABEL_TEXT];

		label_make(label, 12345, 0, LABEL_CORE);
		label_make(again, round * LABEL_CORE_COUNT + 12345, 0, LABEL_CORE);
		assert_memory_equal(again, label, LABEL_CORE);
		assert_int_equal(again[LABEL_CORE], '0' + round);
		assert_int_equal(again[LABEL_CORE + 1], '\0');
	}
	/* The first letters alone tell a hundred numbers apart. */
	for (uint32_t i = 0; i < 100; i++) {
		label_make(labels[i], i, 0, LABEL_CORE);
		labels[i][2] = '\0';
		for (uint32_t k = 0; k < i; k++)
			assert_string_not_equal(labels[k], labels[i]);
	}
	free(seen);
}

/* IANA special-purpose and multicast space, as base and prefix length. */
static const struct {
	const char *base;
	int bits;
} special[] = {
	{"0.0.0.0", 8},
	{"10.0.0.0", 8},
	{"100.64.0.0", 10},
	{"127.0.0.0", 8},
	{"169.254.0.0", 16},
	{"172.16.0.0", 12},
	{"192.0.0.0", 24},
	{"192.0.2.0", 24},
	{"192.31.196.0", 24},
	{"192.52.193.0", 24},
	{"192.88.99.0", 24},
	{"192.168.0.0", 16},
	{"192.175.48.0", 24},
	{"198.18.0.0", 15},
	{"198.51.100.0", 24},
	{"203.0.113.0", 24},
	{"224.0.0.0", 3},
};

static bool is_special(uint32_t address)
{
	for (size_t i = 0; i < sizeof(special) / sizeof(special[0]); i++) {
		uint32_t base = ntohl(inet_addr(special[i].base));

		if ((address ^ base) >> (32 - special[i].bits) == 0)
			return true;
	}
	return false;
}

static void test_addresses_are_public_and_owned(void **state)
{
	struct network_plan *plan = plan_new();

	(void)state;
	assert_non_null(plan);
	for (uint16_t i = 0; i < NETWORK_COUNT; i++) {
		for (uint64_t k = 0; k < 300; k++) {
			struct address v4 = plan_address(plan, i, hash_pair(i, k), false);
			struct address v6 = plan_address(plan, i, hash_pair(i, k), true);

			assert_false(is_special((uint32_t)v4.low));
			assert_int_equal(v4.low >> 32, 0);
			assert_int_equal(v6.high >> 52, 0x240);
			assert_int_equal(plan_owner(plan, &v4), i);
			assert_int_equal(plan_owner(plan, &v6), i);
		}
	}
	free(plan);
}

static uint32_t database_number(MMDB_s *database, const char *address, const char *key, bool *found)
{
	int gai, error;
	MMDB_lookup_result_s result = MMDB_lookup_string(database, address, &gai, &error);
	MMDB_entry_data_s data;

	assert_int_equal(gai, 0);
	assert_int_equal(error, MMDB_SUCCESS);
	*found = result.found_entry;
	if (!result.found_entry)
		return 0;
	assert_int_equal(MMDB_get_value(&result.entry, &data, key, NULL), MMDB_SUCCESS);
	if (data.type == MMDB_DATA_TYPE_UTF8_STRING)
		return (uint32_t)data.utf8_string[0] << 8 | (uint32_t)data.utf8_string[1];
	assert_int_equal(data.type, MMDB_DATA_TYPE_UINT32);
	return data.uint32;
}

static void check_database(
	const struct network_plan *plan, enum mmdb_content content, const char *key)
{
	char path[] = "/tmp/trafficgen-mmdb-XXXXXX", text[INET6_ADDRSTRLEN];
	int file = mkstemp(path);
	MMDB_s database;
	bool found;

	assert_true(file >= 0);
	close(file);
	assert_int_equal(mmdb_write(path, plan, content, 1700000000), 0);
	assert_int_equal(MMDB_open(path, MMDB_MODE_MMAP, &database), MMDB_SUCCESS);
	for (uint16_t i = 0; i < NETWORK_COUNT; i++) {
		const struct network *network = &plan->networks[i];
		struct address v4 = plan_address(plan, i, hash_mix(i), false);
		struct address v6 = plan_address(plan, i, hash_mix(i), true);
		uint32_t expected = content == MMDB_ASN ? network->asn
							: (uint32_t)network->country[0] << 8 |
								  (uint32_t)network->country[1];
		uint32_t word = htonl((uint32_t)v4.low);

		inet_ntop(AF_INET, &word, text, sizeof(text));
		assert_int_equal(database_number(&database, text, key, &found), expected);
		snprintf(text, sizeof(text), "%x:%x:%x:%x::1", (unsigned int)(v6.high >> 48),
			(unsigned int)(v6.high >> 32 & 0xffff),
			(unsigned int)(v6.high >> 16 & 0xffff), (unsigned int)(v6.high & 0xffff));
		assert_int_equal(database_number(&database, text, key, &found), expected);
	}
	for (size_t i = 0; i < sizeof(special) / sizeof(special[0]); i++) {
		database_number(&database, special[i].base, key, &found);
		assert_false(found);
	}
	MMDB_close(&database);
	unlink(path);
}

static void test_databases_tell_the_plan(void **state)
{
	struct network_plan *plan = plan_new();

	(void)state;
	assert_non_null(plan);
	check_database(plan, MMDB_ASN, "autonomous_system_number");
	check_database(plan, MMDB_COUNTRY, "country_code");
	free(plan);
}

static void test_rows_name_what_exists(void **state)
{
	(void)state;
	for (size_t i = 0; i < mix_count; i++) {
		for (size_t k = 0; k < MIX_FAMILIES && mixes[i].families[k].family != NULL; k++)
			assert_non_null(family_find(mixes[i].families[k].family));
	}
	for (size_t i = 0; i < attack_count; i++) {
		assert_ptr_equal(attack_find(attacks[i].name), &attacks[i]);
		assert_true(attacks[i].races || attacks[i].interval_ms > 0);
		assert_true(attacks[i].target.row > OPTIONS_FAMILIES);
	}
	for (size_t i = 0; i < family_count; i++) {
		const struct pool_shape *shape = &families[i].shape;

		assert_ptr_equal(family_find(families[i].name), &families[i]);
		assert_true(shape->answer_max <= ANSWER_ADDRESSES);
		assert_true(shape->answer_min <= shape->answer_max);
		assert_true(shape->slots_min <= shape->slots_max);
		assert_true(shape->slots_min >= 1 && shape->networks >= 1);
		assert_true(shape->networks < NETWORK_COUNT - NETWORK_EYEBALLS ||
			    (shape->kind != NETWORK_HOSTING && shape->networks < NETWORK_EYEBALLS));
		assert_true(shape->ttl_min >= 1 && shape->ttl_min <= shape->ttl_max);
		assert_true(shape->life_min <= shape->life_max);
	}
}

static enum options_verdict parse(
	struct options *options, const char *first, const char *second, const char *third)
{
	char *argv[] = {"trafficgen", "--out", "x", (char *)(uintptr_t)first,
		(char *)(uintptr_t)second, (char *)(uintptr_t)third, NULL};
	int argc = 3 + (first != NULL) + (second != NULL) + (third != NULL);

	return options_parse(options, argc, argv);
}

static void test_options(void **state)
{
	static const char *const wrong[] = {
		"--seed=",
		"--seed=-1",
		"--seed=1x",
		"--duration=0",
		"--start=4294967295",
		"--domains=0",
		"--domains=100000001",
		"--zipf=nan",
		"--zipf=-1",
		"--rate=x",
		"--loss=101",
		"--vlan=4095",
		"--tld=",
		"--tld=com,,net",
		"--tld=Com",
		"--tld=a..b",
		"--mix=none",
		"--family=unheard=1",
		"--family=cdn",
		"--family=cdn=x",
		"--family=cdn=1@",
		"--family=cdn=1@0",
		"--family=cdn=@1",
		"--family=cdn=1@86401",
		"--family=dyndns_psl=9",
		"--attack=",
		"--attack=unheard",
		"--attack=racing=",
		"--attack=racing=10001",
		"--campaign=0",
		"--campaign=10001",
		"--vantage=sky",
		"--unheard",
		"surplus",
	};
	struct options options;
	long cdn = family_find("cdn") - families, srg = family_find("srg") - families;

	(void)state;
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
		assert_int_equal(parse(&options, wrong[i], NULL, NULL), OPTIONS_WRONG);
	assert_int_equal(parse(&options, NULL, NULL, NULL), OPTIONS_RUN);
	assert_int_equal(options.family_domains[cdn], 0);
	assert_int_equal(
		parse(&options, "--attack=racing", "--attack=oneserver=7", NULL), OPTIONS_RUN);
	assert_int_equal(options.attack_domains[attack_find("racing") - attacks], 1);
	assert_int_equal(options.attack_domains[attack_find("oneserver") - attacks], 7);
	/* What is said wins over the mix wherever the mix stands. */
	assert_int_equal(parse(&options, "--family=cdn=3", "--rate=2.5", "--mix=all"), OPTIONS_RUN);
	assert_int_equal(options.family_domains[cdn], 3);
	assert_int_equal(options.family_domains[srg], 1);
	assert_true(options.rate == 2.5);
	assert_int_equal(options.campaign, 1);
	assert_int_equal(
		parse(&options, "--family=cdn=3@7", "--campaign=9", "--mix=demo"), OPTIONS_RUN);
	assert_int_equal(options.family_domains[cdn], 3);
	assert_int_equal(options.family_intervals[cdn], 7);
	assert_int_equal(options.family_intervals[srg], 100);
	assert_int_equal(options.campaign, 9);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_randomness_is_pinned),
		cmocka_unit_test(test_logarithm_and_exponential),
		cmocka_unit_test(test_zipf_follows_its_law),
		cmocka_unit_test(test_heap_keeps_order),
		cmocka_unit_test(test_labels_are_unique),
		cmocka_unit_test(test_addresses_are_public_and_owned),
		cmocka_unit_test(test_databases_tell_the_plan),
		cmocka_unit_test(test_rows_name_what_exists),
		cmocka_unit_test(test_options),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
