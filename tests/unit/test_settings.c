/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What workers read while control replaces it. Counts are exact; that nobody
 * reads what was freed is what AddressSanitizer and ThreadSanitizer tell.
 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <pthread.h>
#include <sched.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "datapath/settings.h"

#define WORKERS 3u
#define OFFERS 2000u

static struct settings_slot slot[WORKERS];
static struct settings_board board;
static _Atomic bool running;

static void board_build(void)
{
	memset(slot, 0, sizeof(slot));
	board = (struct settings_board){.slots = WORKERS};
	for (unsigned i = 0; i < WORKERS; i++)
		board.slot[i] = &slot[i];
}

/* Every octet follows from the number, so that a torn or a freed object shows. */
static void offer(unsigned n)
{
	struct wire_config wire;

	memset(&wire, (int)(n & 0xff), sizeof(wire));
	assert_int_equal(settings_offer(&board, &wire), 0);
}

static void old_ones_go_when_all_workers_said_so(void **state)
{
	const struct settings *a, *b;

	(void)state;
	board_build();
	offer(1);
	assert_int_equal(settings_settle(&board), 0);
	a = settings_take(&slot[0], NULL);
	b = settings_take(&slot[1], NULL);
	assert_ptr_equal(a, b);
	assert_int_equal(a->number, 1);
	offer(2);
	offer(3);
	/* Worker 2 has not begun: it may hold any. */
	assert_int_equal(settings_settle(&board), 2);
	assert_int_equal(settings_take(&slot[2], NULL)->number, 3);
	assert_int_equal(settings_settle(&board), 2);
	a = settings_take(&slot[0], a);
	assert_int_equal(a->number, 3);
	/* Worker 1 hangs: what it may read stays whole. */
	assert_int_equal(settings_settle(&board), 2);
	assert_int_equal(settings_taken(&slot[1]), 1);
	assert_int_equal(b->number, 1);
	assert_int_equal(((const uint8_t *)&b->wire)[0], 1);
	b = settings_take(&slot[1], b);
	assert_ptr_equal(a, b);
	assert_int_equal(settings_settle(&board), 0);
	/* One that has ended holds nothing back. */
	settings_leave(&slot[0]);
	offer(4);
	settings_take(&slot[1], b);
	assert_int_equal(settings_settle(&board), 1);
	settings_leave(&slot[2]);
	assert_int_equal(settings_settle(&board), 0);
	settings_free(&board);
}

static void *worker_run(void *arg)
{
	struct settings_slot *mine = arg;
	const struct settings *s = NULL;
	uintptr_t wrong = 0;
	uint64_t before = 0;

	while (atomic_load_explicit(&running, memory_order_relaxed)) {
		s = settings_take(mine, s);
		const uint8_t *octet = (const uint8_t *)&s->wire;
		for (size_t i = 0; i < sizeof(s->wire); i++)
			wrong += octet[i] != (s->number & 0xff);
		wrong += s->number < before;
		before = s->number;
		sched_yield();
	}
	settings_leave(mine);
	return (void *)wrong;
}

static void no_worker_reads_what_was_freed(void **state)
{
	pthread_t thread[WORKERS];
	unsigned most = 0;
	void *wrong;

	(void)state;
	board_build();
	offer(1);
	atomic_store(&running, true);
	for (unsigned i = 0; i < WORKERS; i++)
		assert_int_equal(pthread_create(&thread[i], NULL, worker_run, &slot[i]), 0);
	for (unsigned n = 2; n <= OFFERS; n++) {
		offer(n);
		unsigned left = settings_settle(&board);
		most = left > most ? left : most;
		if (n % 4 == 0)
			sched_yield();
	}
	while (settings_settle(&board))
		sched_yield();
	atomic_store(&running, false);
	for (unsigned i = 0; i < WORKERS; i++) {
		pthread_join(thread[i], &wrong);
		assert_null(wrong);
	}
	assert_true(most > 0);
	settings_free(&board);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(old_ones_go_when_all_workers_said_so),
		cmocka_unit_test(no_worker_reads_what_was_freed),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
