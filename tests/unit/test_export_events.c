/* SPDX-License-Identifier: BSD-3-Clause */

/* JSON of events: pages in order, and what is told when events are gone. */

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "export/json.h"
#include "json_helpers.h"
#include "round_trip.h"
#include "sample_snapshot.h"

static struct snapshot *s;

static int begin(void **state)
{
	(void)state;
	s = sample_snapshot(1);
	return s ? 0 : -1;
}

static int end(void **state)
{
	(void)state;
	snapshot_put(s);
	return 0;
}

static int page(bool given, uint64_t since, uint32_t limit, json_t **out)
{
	const struct events_query q = {.since_given = given, .since = since, .limit = limit};

	*out = NULL;
	return export_events(s, &q, out);
}

static void each_event_has_its_shape(void **state)
{
	json_t *t;

	(void)state;
	assert_int_equal(page(false, 0, 100, &t), 0);
	t = round_trip("events", t);
	keys_are(t, "schema_version generation time oldest newest limit events next_since");
	assert_int_equal(count_at(t, "oldest"), 1);
	assert_int_equal(count_at(t, "newest"), 2 * EVENT_KIND_COUNT);
	assert_int_equal(count_at(t, "next_since"), 2 * EVENT_KIND_COUNT);
	assert_int_equal(json_array_size(at(t, "events")), 2 * EVENT_KIND_COUNT);
	const json_t *e = json_array_get(at(t, "events"), EVENT_CLEARED);
	keys_are(e, "sequence time event domain class suspected score window");
	assert_int_equal(count_at(e, "sequence"), EVENT_CLEARED + 1);
	assert_string_equal(text_at(e, "event"), "cleared");
	assert_string_equal(text_at(e, "domain"), "flux-0003.example");
	json_decref(t);

	events_init(&s->events, 1);
	assert_int_equal(page(false, 0, 100, &t), 0);
	t = round_trip("events-none", t);
	assert_true(json_is_null(at(t, "oldest")) && json_is_null(at(t, "newest")));
	assert_int_equal(count_at(t, "next_since"), 0);
	json_decref(t);
}

/* Follows next_since to the end: each event once, in order. */
static void pages_follow_each_other(void **state)
{
	uint64_t since = 0, seen = 0;
	json_t *t;

	(void)state;
	sample_events(&s->events, 7000, 25);
	for (unsigned pages = 0; pages < 10; pages++) {
		assert_int_equal(page(pages > 0, since, 10, &t), 0);
		for (size_t i = 0; i < json_array_size(at(t, "events")); i++)
			assert_int_equal(count_at(json_array_get(at(t, "events"), i), "sequence"),
				7000 + seen++);
		since = count_at(t, "next_since");
		json_decref(t);
	}
	assert_int_equal(seen, 25);
	assert_int_equal(since, 7024);
}

static void what_is_gone_is_told(void **state)
{
	json_t *t;

	(void)state;
	/* All are held: who has seen nothing has missed nothing; another run's numbers are none. */
	sample_events(&s->events, 7000, 5);
	assert_int_equal(page(true, 0, 10, &t), 0);
	assert_int_equal(count_at(json_array_get(at(t, "events"), 0), "sequence"), 7000);
	json_decref(t);
	assert_int_equal(page(true, 6999, 10, &t), 0);
	json_decref(t);
	assert_int_equal(page(true, 7004, 10, &t), 0);
	assert_int_equal(json_array_size(at(t, "events")), 0);
	assert_int_equal(count_at(t, "next_since"), 7004);
	json_decref(t);
	assert_int_equal(page(true, 7005, 10, &t), -ESTALE);
	assert_int_equal(page(true, 6998, 10, &t), -ESTALE);
	assert_int_equal(page(true, UINT64_MAX, 10, &t), -ESTALE);

	/* The oldest two are gone. */
	sample_events(&s->events, 7000, EVENTS_MAX + 2);
	assert_int_equal(page(true, 0, 10, &t), -ESTALE);
	assert_int_equal(page(true, 7000, 10, &t), -ESTALE);
	assert_int_equal(page(true, 7001, 10, &t), 0);
	assert_int_equal(count_at(t, "oldest"), 7002);
	assert_int_equal(count_at(json_array_get(at(t, "events"), 0), "sequence"), 7002);
	json_decref(t);
	assert_int_equal(page(false, 0, 10, &t), 0);
	json_decref(t);
}

/* What a stream sends. */
static void records_of_a_stream(void **state)
{
	(void)state;
	sample_events(&s->events, 7000, 1);
	json_t *t = round_trip("event", export_event(events_at(&s->events, 7000)));
	assert_int_equal(count_at(t, "sequence"), 7000);
	json_decref(t);
	t = round_trip("published", export_snapshot_event(s));
	keys_are(t, "schema_version generation time flagged");
	assert_int_equal(count_at(t, "generation"), s->generation);
	json_decref(t);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(each_event_has_its_shape, begin, end),
		cmocka_unit_test_setup_teardown(pages_follow_each_other, begin, end),
		cmocka_unit_test_setup_teardown(what_is_gone_is_told, begin, end),
		cmocka_unit_test_setup_teardown(records_of_a_stream, begin, end),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
