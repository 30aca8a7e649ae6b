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
#include "top.h"

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

static json_t *tree(const char *json)
{
	json_t *t = answer_clean(json, strlen(json));

	assert_non_null(t);
	return t;
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
			"ways" : [
				{
					"class" : "single_flux",
					"suspected" : false,
					"lacks" : ["glue_in_pool"]
				},
				{"class" : "low_slow",
					"lacks" : [ "addresses", "glue_in_pool" ]}
			]
		} ],
		"sample" : []
	}));

	has(text, "mirror.example, of which www.mirror.example is a name\nNot flagged.\n");
	has(text, "Over 1h: no rule is met, 1 of 2 conditions hold\n");
	has(text, "  for single_flux it lacks\n    - 0 serve both (at least 2): fails by 2\n"
		  "  and 1 other ways, no nearer: --json\n");
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
	char *marked = rendered(render_domains, "[{\"domain\": \"x.example\", \"suspected\": true,"
						" \"acknowledged\": {\"note\": \"\\u001b\"}}]");
	has(marked, "  suspected, acknowledged\n");
	free(marked);
	free(rendered(render_events, "[null, {\"event\": \"\\u009b\", \"time\": 4}]"));
	free(rendered(render_allow, "[{\"reason\": \"\\u001b[8m\"}, []]"));
	free(rendered(render_domains, "[null, 1, {\"domain\": \"\\u001bc\", \"score\": \"x\"}]"));
}

static void numbers_are_short(void **state)
{
	(void)state;
	static const struct {
		double n;
		const char *text;
	} cases[] = {{0, "0"}, {0.25, "0.2"}, {7, "7"}, {999, "999"}, {999.6, "1.0k"},
		{51234, "51.2k"}, {999960, "1.0M"}, {3e9, "3.0G"}, {-1, "-"}, {1e300, "-"}};
	char text[NUMBER_MAX];

	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++)
		assert_string_equal(si_print(cases[i].n, text), cases[i].text);
	assert_string_equal(duration_print(59, text), "0m59s");
	assert_string_equal(duration_print(7260, text), "2h01m");
	assert_string_equal(duration_print(-1, text), "-");
	assert_string_equal(share_print(0.00001, text), "<0.01 %");
}

/* Two looks ten seconds apart; whatever the size, no more lines than there are. */
static void top_shows_rates_within_its_rows(void **state)
{
	(void)state;
	struct looks l = {0};
	char *text;
	size_t len;

	l.now.status = tree(TEXT({
		"ready" : true,
		"conditions" : [ {"name" : "a"}, {"name" : "b"}, {"name" : "c"}, {"name" : "d"} ],
		"degraded" : ["a"],
		"workers" : [
			{"worker" : 0}, {"worker" : 1}, {"worker" : 2}, {"worker" : 3},
			{"worker" : 4}, {"worker" : 5}, {"worker" : 6}, {"worker" : 7}
		],
		"ports" : [ {"name" : "p0", "received" : 5000, "missed" : 40} ]
	}));
	l.before.status =
		tree(TEXT({"ports" : [ {"name" : "p0", "received" : 1000, "missed" : 20} ]}));
	l.now.stats = tree(TEXT({
		"time" : "2026-01-12T06:15:10Z",
		"accounting" : {"dns" : {"queries" : {"a" : 700, "b" : {"c" : 800}}}}
	}));
	l.before.stats = tree(TEXT({
		"time" : "2026-01-12T06:15:00Z",
		"accounting" : {"dns" : {"queries" : {"a" : 500}}}
	}));
	l.now.domains = tree(TEXT({"flagged" : 2, "domains" : [ {"domain" : "x.example"}, {} ]}));
	for (unsigned rows = 5; rows < 60; rows++) {
		struct out o = {.to = open_memstream(&text, &len), .columns = 80};
		unsigned lines = 0;

		assert_int_equal(render_top(&o, &l, rows), 0);
		fclose(o.to);
		for (const char *c = text; *c; c++)
			lines += *c == '\n';
		if (rows >= 11)
			assert_in_range(lines, 1, rows);
		if (rows == 59) {
			has(text, "100 queries/s");
			has(text, "p0");
			has(text, "400");
			has(text, "x.example");
		}
		free(text);
	}
	looks_free(&l);
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
		cmocka_unit_test(numbers_are_short),
		cmocka_unit_test(top_shows_rates_within_its_rows),
		cmocka_unit_test(refuses_what_is_no_json),
	};

	if (!setlocale(LC_CTYPE, "C.UTF-8"))
		return 77;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
