/* SPDX-License-Identifier: BSD-3-Clause */

/*
 * The input is a saved state. As it is, and with a header that is right for whatever
 * records it holds, which no fuzzer would find by itself. What is taken must leave
 * the tables whole, work on, and come back from its own save without a loss.
 */

#include "detect/state.h"
#include "fuzz.h"
#include "tests/unit/state_fixture.h"

static struct restored first, second;
static const struct net_lookup net = {test_network, NULL};

static void judge(void *ctx, struct domain *d)
{
	(void)ctx;
	detect_judge(first.detector, first.store, d, store_now(first.store));
}

static void check_whole(const struct restored *r)
{
	require(store_account_error(r->store) == 0);
	require(detect_account_error(r->detector) == 0);
	for (unsigned i = 0; i < detect_verdicts(r->detector); i++) {
		const struct verdict *v = detect_verdict(r->detector, i);
		const struct domain *d = store_find(r->store, v->key);

		require(d && d->verdict.slot == i + 1);
		require(v->reasons <= VERDICT_REASONS_MAX && v->samples <= VERDICT_SAMPLE_MAX);
		require(flux_class_name(v->class) && flux_window_name(v->window));
	}
}

static void check_taken(void)
{
	const struct state_restored *r = &second.load.restored;

	check_whole(&first);
	struct image i = image_save(first.store, first.detector, 7, 70000);
	require(image_load(i.octets, i.len, &second, NULL, state_readers, state_readers_count,
			1000) == STATE_OK);
	free(i.octets);
	require(second.load.rejected == 0 && r->domains_lost == 0 && r->verdicts_lost == 0);
	require(detect_verdicts(second.detector) == detect_verdicts(first.detector));
	check_whole(&second);
	/* Times and windows go on. */
	uint32_t now = store_now(first.store);
	store_merge(first.store, NULL, 0, now < UINT32_MAX - 100000 ? now + 100000 : now, &net);
	store_each(first.store, judge, NULL);
	detect_sweep(first.detector, first.store, store_now(first.store));
	check_whole(&first);
}

static void load(const uint8_t *octets, size_t size)
{
	uint8_t *copy = exact_copy(octets, size);

	if (image_load(copy, size, &first, NULL, state_readers, state_readers_count, 777) ==
		STATE_OK)
		check_taken();
	free(copy);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct image sealed = {.len = size < STATE_HEADER ? STATE_HEADER : size};

	if (!first.store) {
		first = (struct restored){
			.config = {.door_log2 = 10, .candidates_log2 = 10, .domains = 64},
			.verdicts = 16,
			.placement = test_placement};
		detect_defaults(&first.detect);
		second = first;
		second.placement.a++;
	}
	load(data, size);
	sealed.octets = exact_copy(data, sealed.len > size ? 0 : size);
	if (sealed.len > size)
		sealed.octets = realloc(sealed.octets, sealed.len);
	image_seal(&sealed);
	load(sealed.octets, sealed.len);
	free(sealed.octets);
	return 0;
}
