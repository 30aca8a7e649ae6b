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

#include "attacks.h"
#include "harness.h"
#include "reader.h"

#define MESSAGES_MAX 60000
#define SERVERS_MAX 64
#define MATCH_SECONDS 1 /* a response comes within that */

/* What the tests need of a packet. */
struct message {
	uint64_t time;
	bool response;
	uint16_t id, client_port;
	uint8_t server[16];
	uint32_t addresses, ttl; /* of the answer */
	uint8_t first[16];
};

struct capture_read {
	struct message *messages; /* owned */
	size_t count;
};

static void keep_packet(const struct reader_packet *packet, void *context)
{
	struct capture_read *read = context;
	struct message *message = &read->messages[read->count++];

	assert_true(read->count <= MESSAGES_MAX);
	assert_true(packet->checksums_valid);
	*message = (struct message){
		.time = packet->time,
		.response = packet->response,
		.id = packet->id,
		.client_port = packet->response ? packet->target_port : packet->source_port,
		.addresses = packet->answer_count,
	};
	memcpy(message->server, packet->response ? packet->source : packet->target, 16);
	if (packet->answer_count > 0) {
		message->ttl = packet->answers[0].ttl;
		memcpy(message->first, packet->answers[0].address, 16);
	}
}

/* Generates one attack alone and reads the capture back; returns the truth. */
static json_t *attack_run(const char *arguments, struct capture_read *read)
{
	const char *out = path_of("capture"), *path = path_of("truth");
	char whole[160];
	json_t *truth;

	snprintf(whole, sizeof(whole), "--rate 0 %s", arguments);
	assert_int_equal(run(out, path, whole), 0);
	*read = (struct capture_read){.messages = calloc(MESSAGES_MAX, sizeof(*read->messages))};
	assert_non_null(read->messages);
	assert_true(reader_run(out, keep_packet, read) > 0);
	truth = json_load_file(path, 0, NULL);
	assert_non_null(truth);
	return truth;
}

/* Responses that no query goes before, and queries with more than one response. */
static void count_pairs(const struct capture_read *read, uint64_t *unasked, uint64_t *raced)
{
	*unasked = *raced = 0;
	for (size_t i = 0; i < read->count; i++) {
		const struct message *response = &read->messages[i];
		uint64_t queries = 0, earlier = 0;

		if (!response->response)
			continue;
		for (size_t k = i; k-- > 0;) {
			const struct message *other = &read->messages[k];

			if (response->time - other->time > MATCH_SECONDS * 1000000000ull)
				break;
			if (other->id != response->id ||
				other->client_port != response->client_port ||
				memcmp(other->server, response->server, 16) != 0)
				continue;
			queries += !other->response;
			earlier += other->response;
		}
		*unasked += queries == 0;
		*raced += queries > 0 && earlier > 0;
	}
}

static json_int_t member(json_t *truth, const char *list, const char *name)
{
	json_t *row = json_array_get(json_object_get(truth, list), 0);

	assert_non_null(json_object_get(row, name));
	return json_integer_value(json_object_get(row, name));
}

/* Distinct servers that gave answers with a TTL and so many addresses. */
static size_t servers_with(const struct capture_read *read, uint32_t ttl, uint32_t addresses)
{
	uint8_t servers[SERVERS_MAX][16];
	size_t count = 0;

	for (size_t i = 0; i < read->count; i++) {
		const struct message *message = &read->messages[i];
		size_t k = 0;

		if (!message->response || message->addresses != addresses || message->ttl != ttl)
			continue;
		while (k < count && memcmp(servers[k], message->server, 16) != 0)
			k++;
		assert_true(k < SERVERS_MAX);
		if (k == count)
			memcpy(servers[count++], message->server, 16);
	}
	return count;
}

static void check_totals(json_t *truth, const struct capture_read *read)
{
	uint64_t responses = 0;

	for (size_t i = 0; i < read->count; i++)
		responses += read->messages[i].response;
	assert_int_equal(responses,
		member(truth, "domains", "responses") + member(truth, "attacks", "responses"));
	assert_int_equal(responses, json_integer_value(json_object_get(truth, "responses")));
	assert_string_equal(
		json_string_value(json_object_get(
			json_array_get(json_object_get(truth, "domains"), 0), "domain")),
		json_string_value(json_object_get(
			json_array_get(json_object_get(truth, "attacks"), 0), "domain")));
}

struct expectation {
	const char *name, *family;
	bool flux, unasked, raced;
	uint32_t forged_ttl;
	size_t servers; /* that give forged answers; 0: not counted */
};

static const struct expectation expectations[] = {
	{"unsolicited", "victim:unsolicited", false, true, false, 150, 0},
	{"racing", "victim:racing", false, false, true, 150, 0},
	{"oneserver", "victim:oneserver", false, false, false, 150, 1},
	{"fiftyservers", "victim:fiftyservers", false, false, false, 150, 50},
	{"exonerate", "exonerate", true, true, true, 86400, 0},
	{"whitewash", "whitewash", true, false, false, 86400, 3},
};

static void check_attack(const struct expectation *expected, const char *vantage)
{
	struct capture_read read;
	uint64_t unasked, raced, forged;
	char arguments[96];
	json_t *truth, *row;

	snprintf(arguments, sizeof(arguments), "--attack %s --duration 14400 %s", expected->name,
		vantage);
	truth = attack_run(arguments, &read);
	row = json_array_get(json_object_get(truth, "domains"), 0);
	assert_string_equal(json_string_value(json_object_get(row, "family")), expected->family);
	assert_int_equal(json_is_true(json_object_get(row, "flux")), expected->flux);
	check_totals(truth, &read);
	forged = (uint64_t)member(truth, "attacks", "responses");
	assert_true(forged > 100);
	count_pairs(&read, &unasked, &raced);
	if (expected->unasked && expected->raced)
		assert_int_equal(unasked + raced, forged);
	else if (expected->unasked)
		assert_int_equal(unasked, forged);
	else if (expected->raced)
		assert_int_equal(raced, forged);
	assert_int_equal(unasked > 0, expected->unasked);
	assert_int_equal(raced > 0, expected->raced);
	if (expected->servers > 0)
		assert_int_equal(servers_with(&read, expected->forged_ttl, expected->flux ? 1 : 10),
			expected->servers);
	assert_int_equal(member(truth, "attacks", "addresses") > 100, !expected->flux);
	json_decref(truth);
	free(read.messages);
}

static void test_attacks_are_what_they_say(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(expectations) / sizeof(expectations[0]); i++) {
		check_attack(&expectations[i], "");
		check_attack(&expectations[i], "--vantage client");
	}
	assert_int_equal(sizeof(expectations) / sizeof(expectations[0]), attack_count);
}

static void test_victims_are_honest_before(void **state)
{
	struct capture_read read;
	json_t *truth = attack_run("--attack racing --attack oneserver --duration 8000", &read);
	uint64_t begins = 0;

	(void)state;
	for (size_t i = 0; i < read.count && begins == 0; i++)
		begins = read.messages[i].ttl == 150 ? read.messages[i].time : 0;
	assert_in_range(begins / 1000000000, 1700002000, 1700002300);
	json_decref(truth);
	free(read.messages);
}

/* An attack leaves everybody else's traffic and truth alone. */
static void test_others_are_not_changed(void **state)
{
	const char *plain = "--mix all --rate 2 --duration 3000";
	char attacked[96];
	json_t *before, *after;
	size_t rows;

	(void)state;
	assert_int_equal(run(path_of("capture"), path_of("truth"), plain), 0);
	before = json_load_file(path_of("truth"), 0, NULL);
	snprintf(attacked, sizeof(attacked), "%s --attack unsolicited=2 --attack racing", plain);
	assert_int_equal(run(path_of("capture"), path_of("truth"), attacked), 0);
	after = json_load_file(path_of("truth"), 0, NULL);
	assert_non_null(before);
	assert_non_null(after);
	assert_null(json_object_get(before, "attacks"));
	assert_int_equal(json_array_size(json_object_get(after, "attacks")), 3);
	rows = json_array_size(json_object_get(before, "domains"));
	assert_int_equal(json_array_size(json_object_get(after, "domains")), rows + 3);
	for (size_t i = 0; i < rows; i++)
		assert_true(json_equal(json_array_get(json_object_get(before, "domains"), i),
			json_array_get(json_object_get(after, "domains"), i)));
	json_decref(before);
	json_decref(after);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_attacks_are_what_they_say),
		cmocka_unit_test(test_victims_are_honest_before),
		cmocka_unit_test(test_others_are_not_changed),
	};

	return cmocka_run_group_tests(tests, harness_set_up, harness_tear_down);
}
