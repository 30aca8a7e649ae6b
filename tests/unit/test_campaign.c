/* SPDX-License-Identifier: BSD-3-Clause */

/* Flagged domains on the same hosts: who belongs together, and under which id. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "detect/campaign.h"
#include "store/siblings.h"
#include "tests/unit/flux_fixture.h"

/* Each domain's pool of hosts: those of one pool are the same for all domains in it. */
static void pool_flux(uint32_t id, unsigned pool, unsigned epoch)
{
	answer(id, pool * 1000 + epoch * 6, 6, 6, EVIDENCE_PAIRED);
}

static void campaigns_close(uint32_t seconds)
{
	close_epoch(seconds);
	detect_campaigns(detector, st, now);
}

static uint64_t id_of(uint32_t id)
{
	const struct verdict *v = verdict_of(id);

	assert_non_null(v);
	return v->campaign.id;
}

static void those_of_one_pool_belong_together(void **state)
{
	(void)state;
	for (unsigned epoch = 0; epoch < 10; epoch++) {
		for (uint32_t id = 1; id <= 3; id++)
			pool_flux(id, 1, epoch);
		for (uint32_t id = 4; id <= 5; id++)
			pool_flux(id, 2, epoch);
		pool_flux(6, 3, epoch);
		campaigns_close(EPOCH);
	}
	assert_true(id_of(1) != 0);
	assert_true(id_of(1) == id_of(2) && id_of(2) == id_of(3));
	assert_true(id_of(4) != 0 && id_of(4) == id_of(5) && id_of(4) != id_of(1));
	assert_int_equal(verdict_of(2)->campaign.domains, 3);
	assert_int_equal(verdict_of(5)->campaign.domains, 2);
	/* One alone is no campaign. */
	assert_int_equal(id_of(6), 0);
	assert_int_equal(verdict_of(6)->campaign.domains, 1);
}

/* The eldest gives the name, whatever the order in which they stand, or the sensor's keys. */
static void the_id_is_that_of_the_eldest(void **state)
{
	uint64_t id[2];

	(void)state;
	for (unsigned run = 0; run < 2; run++) {
		for (unsigned epoch = 0; epoch < 16; epoch++) {
			pool_flux(run ? 9 : 2, 1, epoch);
			if (epoch >= 8)
				pool_flux(run ? 2 : 9, 1, epoch);
			campaigns_close(EPOCH);
		}
		assert_true(id_of(2) != 0 && id_of(2) == id_of(9));
		id[run] = id_of(2);
		end(NULL);
		begin(NULL);
	}
	assert_true(id[0] != id[1]);
	/* Again the first: the same id as before. */
	for (unsigned epoch = 0; epoch < 16; epoch++) {
		pool_flux(2, 1, epoch);
		if (epoch >= 8)
			pool_flux(3, 1, epoch);
		campaigns_close(EPOCH);
	}
	assert_true(id_of(3) == id[0]);
}

static void the_id_outlives_its_eldest(void **state)
{
	(void)state;
	unsigned epoch = 0;
	for (; epoch < 16; epoch++) {
		pool_flux(1, 1, epoch);
		if (epoch >= 8) {
			pool_flux(2, 1, epoch);
			pool_flux(3, 1, epoch);
		}
		campaigns_close(EPOCH);
	}
	uint64_t id = id_of(1);
	assert_true(id != 0 && id_of(3) == id);
	for (; epoch < 16 + 26 * 12; epoch++) {
		pool_flux(2, 1, epoch);
		pool_flux(3, 1, epoch);
		campaigns_close(EPOCH);
	}
	assert_null(verdict_of(1));
	assert_true(id_of(2) == id && id_of(3) == id);
	assert_int_equal(verdict_of(3)->campaign.domains, 2);
	/* What is left of it keeps the id too. */
	for (; epoch < 16 + 54 * 12; epoch++) {
		pool_flux(3, 1, epoch);
		campaigns_close(EPOCH);
	}
	assert_null(verdict_of(2));
	assert_true(id_of(3) == id);
	assert_int_equal(verdict_of(3)->campaign.domains, 1);
}

static void when_two_meet_the_older_id_stays(void **state)
{
	(void)state;
	unsigned epoch = 0;
	for (; epoch < 20; epoch++) {
		pool_flux(5, 1, epoch);
		pool_flux(6, 1, epoch);
		if (epoch >= 8) {
			pool_flux(1, 2, epoch);
			pool_flux(2, 2, epoch);
		}
		campaigns_close(EPOCH);
	}
	uint64_t older = id_of(5), younger = id_of(1);
	assert_true(older != 0 && younger != 0 && older != younger);
	/* One of the younger ones moves to the older one's hosts and takes the other along. */
	for (; epoch < 30; epoch++) {
		pool_flux(5, 1, epoch);
		pool_flux(6, 1, epoch);
		pool_flux(1, 1, epoch);
		campaigns_close(EPOCH);
	}
	for (uint32_t id = 1; id <= 6; id++) {
		if (id == 3 || id == 4)
			continue;
		assert_true(id_of(id) == older);
		assert_int_equal(verdict_of(id)->campaign.domains, 4);
	}
	/* And stays there when it goes another way, until nobody remembers that they met. */
	for (unsigned end_epoch = epoch + 36 * 12; epoch < end_epoch; epoch++) {
		pool_flux(2, 1, epoch);
		pool_flux(5, 1, epoch);
		pool_flux(6, 1, epoch);
		pool_flux(1, 9, epoch);
		campaigns_close(EPOCH);
	}
	uint64_t key[SIBLINGS_MAX];
	assert_int_equal(store_siblings_keys(st, store_find(st, test_key(1)), 1, 1, key), 0);
	assert_true(id_of(1) == older && id_of(2) == older);
	assert_int_equal(verdict_of(1)->campaign.domains, 4);
}

/* Too few hosts in common, or in too few networks: two domains, not one campaign. */
static void chance_links_nobody(void **state)
{
	(void)state;
	for (unsigned epoch = 0; epoch < 10; epoch++) {
		flux(1, epoch);
		flux(2, epoch);
		/* The same four addresses for both. */
		if (epoch == 5) {
			answer(1, 50000, 4, 0, EVIDENCE_PAIRED);
			answer(2, 50000, 4, 0, EVIDENCE_PAIRED);
		}
		campaigns_close(EPOCH);
	}
	assert_int_equal(id_of(1), 0);
	assert_int_equal(id_of(2), 0);
	/* One more, and they do. */
	answer(1, 50000, 6, 6, EVIDENCE_PAIRED);
	answer(2, 50000, 6, 6, EVIDENCE_PAIRED);
	campaigns_close(EPOCH);
	assert_true(id_of(1) != 0 && id_of(1) == id_of(2));
}

/* A domain that is not flagged is no member and links nobody. */
static void only_flagged_domains_are_members(void **state)
{
	(void)state;
	for (unsigned epoch = 0; epoch < 10; epoch++) {
		pool_flux(1, 1, epoch);
		answer(7, 1000 + epoch * 6, 6, 0, EVIDENCE_ALIAS);
		campaigns_close(EPOCH);
	}
	assert_null(verdict_of(7));
	assert_int_equal(id_of(1), 0);
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, begin, end)
	const struct CMUnitTest tests[] = {
		TEST(those_of_one_pool_belong_together),
		TEST(the_id_is_that_of_the_eldest),
		TEST(the_id_outlives_its_eldest),
		TEST(when_two_meet_the_older_id_stays),
		TEST(chance_links_nobody),
		TEST(only_flagged_domains_are_members),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
