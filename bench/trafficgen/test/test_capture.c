/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include <cmocka.h>
#include <jansson.h>

#include "harness.h"
#include "reader.h"

static char *file_text(const char *path, size_t *len)
{
	FILE *file = fopen(path, "rb");
	struct stat status;
	char *text;

	assert_non_null(file);
	assert_int_equal(fstat(fileno(file), &status), 0);
	*len = (size_t)status.st_size;
	text = malloc(*len);
	assert_non_null(text);
	assert_int_equal(fread(text, 1, *len, file), *len);
	fclose(file);
	return text;
}

static bool same_files(const char *a, const char *b)
{
	size_t a_len, b_len;
	char *a_text = file_text(a, &a_len), *b_text = file_text(b, &b_len);
	bool same = a_len == b_len && memcmp(a_text, b_text, a_len) == 0;

	free(a_text);
	free(b_text);
	return same;
}

static void test_same_arguments_same_octets(void **state)
{
	static const char *const arguments[] = {
		"--mix all --packets 20000 --mixed-case",
		"--mix bench --packets 20000 --domains 5000",
		"--mix bench-ten --packets 5000 --gtpu",
		"--mix bench-nxdomain --packets 5000",
		"--mix bench-random --packets 5000",
		"--mix bench-header --packets 5000",
		"--mix all --vantage client --packets 20000 --loss 10",
		"--mix demo --campaign 2",
		"--attack racing=2 --attack exonerate --attack fiftyservers --duration 2000",
	};
	const char *a = path_of("a"), *b = path_of("b"), *truth = path_of("truth");
	char other[128];

	(void)state;
	for (size_t i = 0; i < sizeof(arguments) / sizeof(arguments[0]); i++) {
		assert_int_equal(run(a, truth, arguments[i]), 0);
		assert_int_equal(run(b, truth, arguments[i]), 0);
		assert_true(same_files(a, b));
		snprintf(other, sizeof(other), "%s --seed 2", arguments[i]);
		assert_int_equal(run(b, truth, other), 0);
		assert_false(same_files(a, b));
	}
	/* What is the default says nothing. */
	assert_int_equal(run(a, truth, "--family srg=3 --duration 1000"), 0);
	assert_int_equal(run(b, truth, "--family srg=3@25 --campaign 1 --duration 1000"), 0);
	assert_true(same_files(a, b));
}

#define RECENT 256

/* What a capture must be, counted packet by packet. */
struct survey {
	uint64_t last_time;
	uint64_t queries, responses;
	uint64_t query_octets, response_octets; /* with FCS */
	uint64_t bad_checksums, disorder, unpaired, zero_ttls, v6;
	struct reader_packet recent[RECENT]; /* queries */
};

static bool is_pair(const struct reader_packet *query, const struct reader_packet *response)
{
	uint64_t delay = response->time - query->time;

	return query->id == response->id && query->source_port == response->target_port &&
	       query->question_type == response->question_type &&
	       memcmp(query->source, response->target, 16) == 0 &&
	       memcmp(query->target, response->source, 16) == 0 &&
	       strcmp(query->question, response->question) == 0 && delay >= 1000000 &&
	       delay <= 80000000;
}

static void survey_packet(const struct reader_packet *packet, void *context)
{
	struct survey *survey = context;
	bool paired = false;

	survey->disorder += packet->time < survey->last_time;
	survey->last_time = packet->time;
	survey->bad_checksums += !packet->checksums_valid;
	survey->v6 += packet->v6;
	for (uint32_t i = 0; i < packet->answer_count; i++)
		survey->zero_ttls += packet->answers[i].ttl == 0;
	if (!packet->response) {
		assert_int_equal(packet->target_port, 53);
		assert_int_equal(packet->answer_count, 0);
		memcpy(&survey->recent[survey->queries++ % RECENT], packet, sizeof(*packet));
		survey->query_octets += packet->wire_len + 4;
		return;
	}
	assert_int_equal(packet->source_port, 53);
	for (size_t i = 0; i < RECENT && !paired; i++)
		paired = is_pair(&survey->recent[i], packet);
	survey->unpaired += !paired;
	survey->responses++;
	survey->response_octets += packet->wire_len + 4;
}

static struct survey *survey_of(const char *arguments, json_t **truth)
{
	const char *out = path_of("capture"), *truth_path = path_of("truth");
	struct survey *survey = calloc(1, sizeof(*survey));

	assert_non_null(survey);
	assert_int_equal(run(out, truth_path, arguments), 0);
	assert_true(reader_run(out, survey_packet, survey) >= 0);
	*truth = json_load_file(truth_path, 0, NULL);
	assert_non_null(*truth);
	assert_int_equal(survey->bad_checksums, 0);
	assert_int_equal(survey->disorder, 0);
	assert_int_equal(survey->zero_ttls, 0);
	assert_int_equal(json_integer_value(json_object_get(*truth, "queries")), survey->queries);
	assert_int_equal(
		json_integer_value(json_object_get(*truth, "responses")), survey->responses);
	return survey;
}

static void test_packets_are_well_formed(void **state)
{
	static const char *const arguments[] = {
		"--mix all --packets 30000 --nsec",
		"--mix all --packets 30000 --nsec --vantage client --mixed-case",
		"--mix demo --nsec --vlan 12",
		"--mix all --packets 30000 --nsec --vlan 12 --gtpu",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(arguments) / sizeof(arguments[0]); i++) {
		json_t *truth;
		struct survey *survey = survey_of(arguments[i], &truth);

		assert_true(survey->queries > 1000);
		assert_int_equal(survey->queries, survey->responses);
		assert_int_equal(survey->unpaired, 0);
		assert_true(survey->v6 > 0);
		json_decref(truth);
		free(survey);
	}
}

static void test_limits_and_loss(void **state)
{
	struct survey *survey;
	json_t *truth;

	(void)state;
	survey = survey_of("--packets 12345", &truth);
	assert_int_equal(survey->queries + survey->responses, 12345);
	json_decref(truth);
	free(survey);
	survey = survey_of("--duration 20 --responses-only", &truth);
	assert_int_equal(survey->queries, 0);
	assert_true(survey->responses > 1500);
	json_decref(truth);
	free(survey);
	survey = survey_of("--duration 100 --loss 20", &truth);
	assert_in_range(survey->queries, 7600, 8400);
	assert_in_range(survey->responses, 7600, 8400);
	assert_in_range(survey->unpaired, 1280, 1920);
	json_decref(truth);
	free(survey);
	survey = survey_of("--duration 10 --loss 100", &truth);
	assert_int_equal(survey->queries + survey->responses, 0);
	json_decref(truth);
	free(survey);
}

static void test_bench_mix_has_its_sizes(void **state)
{
	json_t *truth;
	struct survey *survey = survey_of("--mix bench --packets 100000 --nsec", &truth);

	(void)state;
	/* 98 and 130 octets in the mean, within half an octet. */
	assert_in_range(2 * survey->query_octets, 195 * survey->queries, 197 * survey->queries);
	assert_in_range(
		2 * survey->response_octets, 259 * survey->responses, 261 * survey->responses);
	assert_int_equal(survey->v6, 0);
	json_decref(truth);
	free(survey);
}

/* What packets of a mix for benchmarks may differ in. */
struct content {
	uint64_t packets, responses, tunnelled, rcode[16], answers, shortest;
};

static void content_packet(const struct reader_packet *packet, void *context)
{
	struct content *content = context;

	content->packets++;
	content->tunnelled += packet->tunnelled;
	content->shortest += packet->wire_len == 60;
	if (!packet->response)
		return;
	content->responses++;
	content->rcode[packet->rcode]++;
	content->answers += packet->answer_count;
}

static struct content content_of(const char *arguments)
{
	struct content content = {0};

	assert_int_equal(run(path_of("capture"), path_of("truth"), arguments), 0);
	assert_int_equal(reader_run(path_of("capture"), content_packet, &content), 2000);
	return content;
}

static void test_bench_mixes_hold_what_they_say(void **state)
{
	struct content content;

	(void)state;
	content = content_of("--mix bench --packets 2000 --gtpu --vlan 7");
	assert_int_equal(content.tunnelled, 2000);
	assert_int_equal(content.answers, content.responses);
	content = content_of("--mix bench-ten --packets 2000");
	assert_int_equal(content.tunnelled, 0);
	assert_int_equal(content.rcode[0], content.responses);
	assert_int_equal(content.answers, 10 * content.responses);
	content = content_of("--mix bench-nxdomain --packets 2000");
	assert_int_equal(content.rcode[3], content.responses);
	assert_int_equal(content.answers, 0);
	content = content_of("--mix bench-random --packets 2000");
	assert_int_equal(content.rcode[3], content.responses);
	content = content_of("--mix bench-header --packets 2000");
	assert_int_equal(content.responses, 2000);
	assert_int_equal(content.rcode[5], 2000);
	assert_int_equal(content.shortest, 2000);
}

static void test_demo_mix_is_small_and_plain_to_see(void **state)
{
	json_t *truth, *domain;
	struct survey *survey = survey_of("--mix demo", &truth);
	uint64_t fluxing = 0, doubles = 0, campaigns[4] = {0};
	struct stat status;
	int benign = 0;
	size_t i;

	(void)state;
	json_array_foreach(json_object_get(truth, "domains"), i, domain)
	{
		if (!json_boolean_value(json_object_get(domain, "flux")))
			continue;
		fluxing++;
		campaigns[json_integer_value(json_object_get(domain, "campaign")) % 4]++;
		doubles += strcmp(json_string_value(json_object_get(domain, "class")),
				   "double_flux") == 0;
		assert_true(json_integer_value(json_object_get(domain, "addresses")) >= 100);
		assert_true(json_integer_value(json_object_get(domain, "networks")) >= 10);
	}
	assert_int_equal(fluxing, 7);
	assert_int_equal(doubles, 1);
	assert_int_equal(campaigns[1], 2);
	assert_int_equal(campaigns[2], 1);
	assert_int_equal(campaigns[3], 4);
	json_unpack(truth, "{s:{s:i}}", "background", "registered_domains", &benign);
	assert_true(benign >= 200);
	assert_int_equal(stat(path_of("capture"), &status), 0);
	assert_true(status.st_size <= 2000000);
	assert_true(survey->last_time >= (1700000000ull + 14 * 3600) * 1000000000u);
	json_decref(truth);
	free(survey);
}

static void test_failed_capture_is_told(void **state)
{
	(void)state;
	assert_int_equal(run("/dev/full", path_of("truth"), "--packets 50000"), -ENOSPC);
	assert_int_equal(run(path_of("missing/capture"), path_of("truth"), ""), -ENOENT);
	assert_int_equal(
		run(path_of("capture"), path_of("missing/truth"), "--packets 10"), -ENOENT);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_same_arguments_same_octets),
		cmocka_unit_test(test_packets_are_well_formed),
		cmocka_unit_test(test_limits_and_loss),
		cmocka_unit_test(test_bench_mix_has_its_sizes),
		cmocka_unit_test(test_bench_mixes_hold_what_they_say),
		cmocka_unit_test(test_demo_mix_is_small_and_plain_to_see),
		cmocka_unit_test(test_failed_capture_is_told),
	};

	return cmocka_run_group_tests(tests, harness_set_up, harness_tear_down);
}
