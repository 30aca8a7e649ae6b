/* SPDX-License-Identifier: BSD-3-Clause */

/* The ring of events, and which events a verdict's life makes. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "detect/events.h"
#include "tests/unit/flux_fixture.h"

static void the_ring_keeps_the_newest(void **state)
{
	struct event_ring *r = test_memory(sizeof(*r)), *copy = test_memory(sizeof(*r));
	struct verdict v = {.class = FLUX_DOUBLE, .name_len = 3, .name = "\1a", .suspected = true};

	(void)state;
	events_init(r, 1000);
	assert_int_equal(events_oldest(r), r->next);
	for (uint32_t i = 0; i < EVENTS_MAX + 10; i++) {
		v.score = i;
		events_add(r, EVENT_CLEARED, &v, i);
		uint64_t held = r->next - events_oldest(r);
		assert_int_equal(held, i + 1 < EVENTS_MAX ? i + 1 : EVENTS_MAX);
		assert_int_equal(events_at(r, r->next - 1)->sequence, 1000 + i);
	}
	assert_int_equal(events_oldest(r), 1010);
	events_copy(copy, r);
	assert_int_equal(copy->first, 1000);
	assert_int_equal(copy->next, r->next);
	for (uint64_t s = events_oldest(copy); s < copy->next; s++) {
		const struct verdict_event *e = events_at(copy, s);
		assert_int_equal(e->sequence, s);
		assert_int_equal(e->time, s - 1000);
		assert_true(e->score == (double)(s - 1000));
		assert_int_equal(e->kind, EVENT_CLEARED);
		assert_int_equal(e->class, FLUX_DOUBLE);
		assert_true(e->suspected);
		assert_memory_equal(e->name, "\1a", 3);
	}
	free(r);
	free(copy);
}

/* The events so far are of these kinds, all of domain 7. */
static void events_are(unsigned n, const enum event_kind *kind)
{
	const struct event_ring *r = detect_events(detector);
	uint8_t name[6];

	assert_int_equal(r->next - r->first, n);
	for (unsigned i = 0; i < n; i++) {
		const struct verdict_event *e = events_at(r, r->first + i);
		assert_int_equal(e->kind, kind[i]);
		assert_int_equal(e->sequence, r->first + i);
		assert_int_equal(e->name_len, test_name(7, name));
		assert_memory_equal(e->name, name, e->name_len);
	}
}

static const struct verdict_event *newest(void)
{
	const struct event_ring *r = detect_events(detector);

	return events_at(r, r->next - 1);
}

static void a_verdict_comes_and_goes(void **state)
{
	static const enum event_kind kinds[] = {EVENT_RAISED, EVENT_CLEARED, EVENT_RAISED};

	(void)state;
	detect_events_from(detector, 5000);
	assert_int_equal(detect_events(detector)->first, 5000);
	flux_until_flagged(7, 0);
	events_are(1, kinds);
	assert_int_equal(newest()->time, now);
	assert_int_equal(newest()->class, verdict_of(7)->class);
	assert_true(newest()->score == verdict_of(7)->score);
	/* To be kept up is no event. */
	for (unsigned epoch = 20; epoch < 30; epoch++) {
		flux(7, epoch);
		close_epoch(EPOCH);
	}
	events_are(1, kinds);
	double score = verdict_of(7)->score;
	close_epoch(2 * DAY);
	events_are(2, kinds);
	assert_int_equal(newest()->time, now);
	assert_true(newest()->score == score);
	flux_until_flagged(7, 100);
	events_are(3, kinds);
}

static void a_suspicion_is_upgraded_and_comes_again(void **state)
{
	static const enum event_kind kinds[] = {EVENT_RAISED, EVENT_UPGRADED, EVENT_CHANGED};
	unsigned epoch = 0;

	(void)state;
	for (; epoch < 12; epoch++) {
		answer(7, epoch * 6, 6, 6, EVIDENCE_UNPAIRED);
		close_epoch(EPOCH);
	}
	events_are(1, kinds);
	assert_true(newest()->suspected);
	for (; epoch < 60 && verdict_of(7)->suspected; epoch++) {
		answer(7, epoch * 6, 6, 6, EVIDENCE_PAIRED);
		close_epoch(EPOCH);
	}
	events_are(2, kinds);
	assert_false(newest()->suspected);
	/* Unpaired again for more than a day: no more than suspected. */
	for (unsigned i = 0; i < 400 && !verdict_of(7)->suspected; i++, epoch++) {
		answer(7, epoch * 6, 6, 6, EVIDENCE_UNPAIRED);
		close_epoch(EPOCH);
	}
	events_are(3, kinds);
	assert_true(newest()->suspected);
}

static void a_verdict_expires(void **state)
{
	static const enum event_kind kinds[] = {EVENT_RAISED, EVENT_EXPIRED};

	(void)state;
	config.clear_after = 30.0 * DAY;
	detector_new(16);
	flux_until_flagged(7, 0);
	for (unsigned i = 0; i < 8; i++)
		close_epoch(DAY);
	events_are(2, kinds);
}

/* What is denied for want of a place is no event. */
static void what_is_denied_is_none(void **state)
{
	(void)state;
	detector_new(1);
	flux_until_flagged(7, 0);
	for (unsigned epoch = 0; epoch < 8; epoch++) {
		flux(3, epoch);
		close_epoch(EPOCH);
	}
	assert_true(detect_account(detector)->denied > 0);
	assert_int_equal(detect_events(detector)->next - detect_events(detector)->first, 1);
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, begin, end)
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_ring_keeps_the_newest),
		TEST(a_verdict_comes_and_goes),
		TEST(a_suspicion_is_upgraded_and_comes_again),
		TEST(a_verdict_expires),
		TEST(what_is_denied_is_none),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
