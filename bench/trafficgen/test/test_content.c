/* SPDX-License-Identifier: BSD-3-Clause */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <jansson.h>

#include "families.h"
#include "harness.h"
#include "reader.h"

/* The truth's domains, counted again from the packets. */
struct recount {
	json_t *truth, *domains;
	uint64_t *responses;
	struct seen_address {
		uint64_t domain;
		uint8_t unit[16];
	} * seen;
	size_t seen_count, seen_room;
};

static size_t domain_of(const struct recount *recount, const char *name)
{
	size_t i, len = strlen(name);
	json_t *domain;

	json_array_foreach(recount->domains, i, domain)
	{
		const char *text = json_string_value(json_object_get(domain, "domain"));
		size_t tail = strlen(text);

		if (len >= tail && strcmp(name + len - tail, text) == 0 &&
			(len == tail || name[len - tail - 1] == '.'))
			return i;
	}
	return SIZE_MAX;
}

static void recount_packet(const struct reader_packet *packet, void *context)
{
	struct recount *recount = context;
	size_t asked;

	if (!packet->response)
		return;
	asked = domain_of(recount, packet->question);
	if (asked != SIZE_MAX)
		recount->responses[asked]++;
	for (uint32_t i = 0; i < packet->answer_count; i++) {
		bool v6 = packet->answers[i].type == DNS_AAAA;
		size_t domain = domain_of(recount, packet->answers[i].owner);
		struct seen_address *seen = &recount->seen[recount->seen_count];

		if (domain == SIZE_MAX || (!v6 && packet->answers[i].type != DNS_A))
			continue;
		assert_true(recount->seen_count < recount->seen_room);
		recount->seen_count++;
		memset(seen, 0, sizeof(*seen));
		seen->domain = domain;
		memcpy(seen->unit, packet->answers[i].address, v6 ? 8 : 4);
	}
}

static int compare_seen(const void *a, const void *b)
{
	return memcmp(a, b, sizeof(struct seen_address));
}

/* Generates, reads the capture back and sorts what was seen; each pair stays there once. */
static void recount_begin(struct recount *recount, const char *arguments)
{
	const char *out = path_of("capture"), *truth_path = path_of("truth");
	size_t kept = 0;

	assert_int_equal(run(out, truth_path, arguments), 0);
	*recount = (struct recount){.seen_room = 500000};
	recount->truth = json_load_file(truth_path, 0, NULL);
	assert_non_null(recount->truth);
	recount->domains = json_object_get(recount->truth, "domains");
	recount->responses = calloc(json_array_size(recount->domains), sizeof(*recount->responses));
	recount->seen = calloc(recount->seen_room, sizeof(*recount->seen));
	assert_non_null(recount->responses);
	assert_non_null(recount->seen);
	assert_true(reader_run(out, recount_packet, recount) > 0);
	qsort(recount->seen, recount->seen_count, sizeof(*recount->seen), compare_seen);
	for (size_t i = 0; i < recount->seen_count; i++) {
		if (kept == 0 || compare_seen(&recount->seen[kept - 1], &recount->seen[i]) != 0)
			recount->seen[kept++] = recount->seen[i];
	}
	recount->seen_count = kept;
}

static void recount_end(struct recount *recount)
{
	free(recount->seen);
	free(recount->responses);
	json_decref(recount->truth);
}

static void check_truth(const char *arguments)
{
	struct recount recount;
	uint64_t *addresses;
	json_t *domain;
	size_t i;

	recount_begin(&recount, arguments);
	addresses = calloc(json_array_size(recount.domains), sizeof(*addresses));
	assert_non_null(addresses);
	for (i = 0; i < recount.seen_count; i++)
		addresses[recount.seen[i].domain]++;
	json_array_foreach(recount.domains, i, domain)
	{
		const char *family = json_string_value(json_object_get(domain, "family"));

		assert_int_equal(
			addresses[i], json_integer_value(json_object_get(domain, "addresses")));
		/* Behind an alias a domain answers questions that do not name it. */
		if (strcmp(family, "cnameflux") != 0)
			assert_int_equal(recount.responses[i],
				json_integer_value(json_object_get(domain, "responses")));
	}
	assert_true(i >= family_count);
	free(addresses);
	recount_end(&recount);
}

static void test_truth_is_what_the_packets_say(void **state)
{
	(void)state;
	check_truth("--mix all --duration 2000 --rate 5 --mixed-case");
	check_truth("--mix all --duration 2000 --rate 5 --vantage client --loss 5");
}

/* Addresses that answers of domain a and of domain b had. */
static size_t shared_addresses(const struct recount *recount, size_t a, size_t b)
{
	size_t shared = 0;

	for (size_t i = 0; i < recount->seen_count; i++) {
		struct seen_address wanted = recount->seen[i];

		if (wanted.domain != a)
			continue;
		wanted.domain = b;
		shared += bsearch(&wanted, recount->seen, recount->seen_count,
				  sizeof(*recount->seen), compare_seen) != NULL;
	}
	return shared;
}

/* Whether domains of one campaign, and only these, answer with the same hosts. */
static void check_campaigns(const struct recount *recount, const json_int_t *expected)
{
	json_t *first, *second;
	size_t a, b;

	json_array_foreach(recount->domains, a, first)
	{
		json_t *campaign = json_object_get(first, "campaign");

		assert_int_equal(json_integer_value(campaign), expected[a]);
		assert_int_equal(json_is_null(campaign), expected[a] == 0);
		json_array_foreach(recount->domains, b, second)
		{
			size_t shared = shared_addresses(recount, a, b);

			if (a == b)
				continue;
			if (expected[a] == 0 || expected[a] != expected[b])
				assert_int_equal(shared, 0);
			else
				assert_true(
					4 * shared >= (size_t)json_integer_value(
							      json_object_get(first, "addresses")));
		}
	}
}

static void test_campaigns_share_their_hosts(void **state)
{
	/* In the order of the families' rows; behind cnameflux the target stands first. */
	static const json_int_t shared[] = {1, 1, 1, 2, 2, 3, 3, 3, 4, 0, 4, 0, 0, 0};
	static const json_int_t alone[] = {1, 2, 3, 4, 5, 6, 7, 8, 9, 0, 10, 0, 0, 0};
	const char *domains = "--rate 0 --duration 7200 --family darkcloud=5 --family gamaredon=3 "
			      "--family cnameflux=2 --family cdn=2";
	struct recount recount;
	char arguments[200];

	(void)state;
	snprintf(arguments, sizeof(arguments), "%s --campaign 3", domains);
	recount_begin(&recount, arguments);
	assert_int_equal(json_array_size(recount.domains), sizeof(shared) / sizeof(shared[0]));
	check_campaigns(&recount, shared);
	recount_end(&recount);
	recount_begin(&recount, domains);
	check_campaigns(&recount, alone);
	recount_end(&recount);
}

static void count_response(const struct reader_packet *packet, void *context)
{
	*(uint64_t *)context += packet->response;
}

static void test_families_are_asked_as_often_as_told(void **state)
{
	const char *out = path_of("capture"), *truth = path_of("truth");
	uint64_t responses = 0;

	(void)state;
	assert_int_equal(run(out, truth, "--rate 0 --family srg=2@50 --duration 20000"), 0);
	assert_true(reader_run(out, count_response, &responses) > 0);
	assert_in_range(responses, 680, 920); /* 800 in the mean, four sigma */
}

#define RESOLVER_ANSWERS 64

/* The last answer of each resolver to each question, against the next one. */
struct resolvers {
	struct reader_packet last[RESOLVER_ANSWERS];
	size_t count;
	uint64_t repeated, refreshed;
};

static void resolver_packet(const struct reader_packet *packet, void *context)
{
	struct resolvers *resolvers = context;
	struct reader_packet *last = resolvers->last, *end = last + resolvers->count;
	uint64_t elapsed;

	if (!packet->response || packet->answer_count == 0)
		return;
	while (last < end && (memcmp(last->source, packet->source, 16) != 0 ||
				     strcmp(last->question, packet->question) != 0))
		last++;
	if (last == end) {
		assert_true(resolvers->count++ < RESOLVER_ANSWERS);
		*last = *packet;
		return;
	}
	/* A response takes up to 80 ms, so what expires within that may be either. */
	elapsed = packet->time - last->time;
	if (elapsed + 100000000 < (last->answers[0].ttl - 1ull) * 1000000000) {
		uint64_t left = last->answers[0].ttl - elapsed / 1000000000;

		resolvers->repeated++;
		assert_in_range(packet->answers[0].ttl, left - 1, left + 1);
		assert_int_equal(packet->answer_count, last->answer_count);
		for (uint32_t i = 0; i < packet->answer_count; i++)
			assert_memory_equal(
				packet->answers[i].address, last->answers[i].address, 16);
	} else if (elapsed > (last->answers[0].ttl + 1ull) * 1000000000) {
		resolvers->refreshed++;
	}
	*last = *packet;
}

static void authority_packet(const struct reader_packet *packet, void *context)
{
	(void)context;
	for (uint32_t i = 0; i < packet->answer_count; i++)
		assert_int_equal(packet->answers[i].ttl, 60);
}

static void test_resolvers_remember(void **state)
{
	const char *out = path_of("capture"), *truth = path_of("truth");
	struct resolvers *resolvers = calloc(1, sizeof(*resolvers));

	(void)state;
	assert_non_null(resolvers);
	assert_int_equal(
		run(out, truth, "--rate 0 --family srg=1 --duration 20000 --vantage client"), 0);
	assert_true(reader_run(out, resolver_packet, resolvers) > 0);
	assert_true(resolvers->repeated > 20 && resolvers->refreshed > 100);
	assert_int_equal(run(out, truth, "--rate 0 --family srg=1 --duration 20000"), 0);
	assert_true(reader_run(out, authority_packet, NULL) > 0);
	free(resolvers);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_truth_is_what_the_packets_say),
		cmocka_unit_test(test_campaigns_share_their_hosts),
		cmocka_unit_test(test_families_are_asked_as_often_as_told),
		cmocka_unit_test(test_resolvers_remember),
	};

	return cmocka_run_group_tests(tests, harness_set_up, harness_tear_down);
}
