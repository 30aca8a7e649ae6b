/* SPDX-License-Identifier: BSD-3-Clause */
/* Who is alive since when: each worker and the spreader must move, an idle one by its epoch. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>

#include "control/heartbeat.h"

#define WORKERS 2u

static struct handover handover = {.workers = WORKERS};
static struct worker worker[WORKERS];
static struct control control;
static struct heartbeat heartbeat;

static int fresh(void **state)
{
	(void)state;
	memset(worker, 0, sizeof(worker));
	memset(&heartbeat, 0, sizeof(heartbeat));
	control.config.handover = &handover;
	control.config.workers = worker;
	for (unsigned i = 0; i < WORKERS; i++) {
		worker[i].source.ports = 2;
		atomic_store(&worker[i].reached, 100);
	}
	return 0;
}

static void idle_workers_beat_once_an_epoch(void **state)
{
	(void)state;
	assert_true(heartbeat_step(&heartbeat, &control, NULL));
	assert_false(heartbeat_step(&heartbeat, &control, NULL));
	for (unsigned i = 0; i < WORKERS; i++)
		atomic_store(&worker[i].reached, 101);
	assert_true(heartbeat_step(&heartbeat, &control, NULL));
	assert_false(heartbeat_step(&heartbeat, &control, NULL));
}

static void one_that_stands_still_stops_the_beat(void **state)
{
	(void)state;
	assert_true(heartbeat_step(&heartbeat, &control, NULL));
	for (unsigned turn = 1; turn < 100; turn++) {
		atomic_store(&worker[0].reached, 100 + turn);
		atomic_store(&worker[0].taken[0], 32 * turn);
		assert_false(heartbeat_step(&heartbeat, &control, NULL));
	}
	/* A burst of its second port is a sign of it; the other moved long since. */
	atomic_store(&worker[1].taken[1], 1);
	assert_true(heartbeat_step(&heartbeat, &control, NULL));
}

static void the_spreader_must_turn(void **state)
{
	_Atomic uint64_t turns = 1;

	(void)state;
	assert_true(heartbeat_step(&heartbeat, &control, &turns));
	for (unsigned i = 0; i < WORKERS; i++)
		atomic_store(&worker[i].reached, 101);
	assert_false(heartbeat_step(&heartbeat, &control, &turns));
	atomic_store(&turns, 2);
	assert_true(heartbeat_step(&heartbeat, &control, &turns));
}

static void all_must_have_begun(void **state)
{
	(void)state;
	assert_false(heartbeat_begun(&control));
	atomic_store(&worker[0].settings_slot.taken, 1);
	assert_false(heartbeat_begun(&control));
	atomic_store(&worker[1].settings_slot.taken, 1);
	assert_true(heartbeat_begun(&control));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(idle_workers_beat_once_an_epoch, fresh),
		cmocka_unit_test_setup(one_that_stands_still_stops_the_beat, fresh),
		cmocka_unit_test_setup(the_spreader_must_turn, fresh),
		cmocka_unit_test_setup(all_must_have_begun, fresh),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
