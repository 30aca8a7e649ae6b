/* SPDX-License-Identifier: BSD-3-Clause */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <jansson.h>

#include "families.h"
#include "harness.h"
#include "reader.h"

/* The truth's domains, counted again from the packets. */
struct recount {
	json_t *domains;
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

static void check_truth(const char *arguments)
{
	const char *out = path_of("capture"), *truth_path = path_of("truth");
	struct recount recount = {.seen_room = 500000};
	uint64_t *addresses;
	json_t *truth, *domain;
	size_t i;

	assert_int_equal(run(out, truth_path, arguments), 0);
	truth = json_load_file(truth_path, 0, NULL);
	assert_non_null(truth);
	recount.domains = json_object_get(truth, "domains");
	recount.responses = calloc(json_array_size(recount.domains), sizeof(*recount.responses));
	recount.seen = calloc(recount.seen_room, sizeof(*recount.seen));
	addresses = calloc(json_array_size(recount.domains), sizeof(*addresses));
	assert_true(reader_run(out, recount_packet, &recount) > 0);
	qsort(recount.seen, recount.seen_count, sizeof(*recount.seen), compare_seen);
	for (i = 0; i < recount.seen_count; i++) {
		if (i == 0 || compare_seen(&recount.seen[i - 1], &recount.seen[i]) != 0)
			addresses[recount.seen[i].domain]++;
	}
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
	free(recount.seen);
	free(recount.responses);
	json_decref(truth);
}

static void test_truth_is_what_the_packets_say(void **state)
{
	(void)state;
	check_truth("--mix all --duration 2000 --rate 5 --mixed-case");
	check_truth("--mix all --duration 2000 --rate 5 --vantage client --loss 5");
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
		cmocka_unit_test(test_resolvers_remember),
	};

	return cmocka_run_group_tests(tests, harness_set_up, harness_tear_down);
}
