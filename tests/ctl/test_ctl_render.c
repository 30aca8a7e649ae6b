/* SPDX-License-Identifier: BSD-3-Clause */

/* Answers as a person reads them: the members that matter, and hostile ones. */

#include <locale.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "render.h"

#define TEXT(...) #__VA_ARGS__

static char *rendered(int (*render)(const struct out *o, const json_t *tree), const char *json)
{
	char *text = NULL;
	size_t len;
	struct out o = {.to = open_memstream(&text, &len), .columns = 200};
	json_t *tree = answer_clean(json, strlen(json));

	assert_non_null(tree);
	assert_int_equal(render(&o, tree), 0);
	fclose(o.to);
	json_decref(tree);
	assert_null(strpbrk(text, "\033\a\b\r\177"));
	return text;
}

static void has(const char *text, const char *part)
{
	if (!strstr(text, part))
		fail_msg("no '%s' in:\n%s", part, text);
}

static void tells_of_a_degraded_sensor(void **state)
{
	(void)state;
	char *text = rendered(render_status, TEXT({
		"version" : "0.1.0",
		"ready" : true,
		"uptime_seconds" : 93784,
		"accounting_error" : 2,
		"degraded" : ["nic_loss"],
		"conditions" : [ {
			"name" : "nic_loss",
			"since" : "2026-01-12T06:00:10Z",
			"remedy" : "Add workers."
		} ],
		"workers" : [ {
			"worker" : 0,
			"lcore" : 1,
			"state" : "hung",
			"epochs_behind" : 3,
			"since" : "2026-01-12T06:00:00Z"
		} ],
		"ports" : [ {
			"name" : "net_ring0",
			"link" : "up",
			"received" : 900,
			"missed" : 60,
			"errors" : 1,
			"no_mbuf" : 2,
			"spreader_dropped" : 3,
			"unknown" : null,
			"loss_rate" : 0.066
		} ],
		"flagged" : 3
	}));

	has(text, "up          1d02h");
	has(text, "degraded    nic_loss since 2026-01-12T06:00:10Z\n            Add workers.\n");
	has(text, "accounting  error 2\n");
	has(text, "     0      1  hung        3  2026-01-12T06:00:00Z\n");
	has(text, "net_ring0  up         900    66        -  6.60 %\n");
	free(text);
}

static void tells_what_is_lacking(void **state)
{
	(void)state;
	char *text = rendered(render_explain, TEXT({
		"name" : "www.mirror.example",
		"domain" : "mirror.example",
		"tier" : "record",
		"flagged" : false,
		"text" : "Not flagged.",
		"verdict" : null,
		"windows" : [ {
			"window" : "1h",
			"class" : null,
			"clauses" : [
				{
					"code" : "addresses",
					"holds" : true,
					"counts" : false,
					"short_by" : 0.0,
					"text" : "19 addresses (at least 10)"
				},
				{
					"code" : "glue_in_pool",
					"holds" : false,
					"counts" : false,
					"short_by" : 2.0,
					"text" : "0 serve both (at least 2)"
				}
			],
			"ways" : [ {
				"class" : "single_flux",
				"suspected" : false,
				"lacks" : ["glue_in_pool"]
			} ]
		} ],
		"sample" : []
	}));

	has(text, "mirror.example, of which www.mirror.example is a name\nNot flagged.\n");
	has(text, "Over 1h: no rule is met, 1 of 2 conditions hold\n");
	has(text, "  for single_flux it lacks\n    - 0 serve both (at least 2): fails by 2.00\n");
	free(text);
}

/* A server that is not ours, or has been taken over. */
static void hostile_answers_are_harmless(void **state)
{
	(void)state;
	static const char *const hostile[] = {
		"{}",
		"{\"domain\": \"\\u001b[2J\\u009b31m\", \"\\u001b[1m\": \"\\u001b]0;x\\u0007\"}",
		"{\"name\": 5, \"domain\": [], \"windows\": {\"a\": 1}, \"sample\": \"x\","
		" \"verdict\": {\"reasons\": [null, 7, {\"text\": \"\\r\\nok\"}]}}",
		"{\"windows\": [null, {\"ways\": [{\"lacks\": [1, \"\\u001b[31m\"]}],"
		" \"clauses\": [[]]}]}",
		"{\"workers\": [null, \"\\b\"], \"ports\": [{\"received\": 1e308,"
		" \"loss_rate\": -1e308, \"name\": \"\\u202e\"}], \"conditions\": [{\"name\":"
		" \"\\u001b\"}], \"config\": {\"needs_restart\": [\"\\t\", 4]}}",
	};

	for (size_t i = 0; i < sizeof(hostile) / sizeof(*hostile); i++) {
		free(rendered(render_status, hostile[i]));
		free(rendered(render_domain, hostile[i]));
		free(rendered(render_explain, hostile[i]));
	}
	free(rendered(render_domains, "[null, 1, {\"domain\": \"\\u001bc\", \"score\": \"x\"}]"));
}

static void refuses_what_is_no_json(void **state)
{
	(void)state;
	assert_null(answer_clean("<html>", 6));
	assert_null(answer_clean("", 0));
	assert_null(answer_clean("{\"a\": \"\\u0000\"}", 15));
	assert_null(answer_clean("{\"a\": \"\xff\"}", 10));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(tells_of_a_degraded_sensor),
		cmocka_unit_test(tells_what_is_lacking),
		cmocka_unit_test(hostile_answers_are_harmless),
		cmocka_unit_test(refuses_what_is_no_json),
	};

	if (!setlocale(LC_CTYPE, "C.UTF-8"))
		return 77;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
