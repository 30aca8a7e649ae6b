/* SPDX-License-Identifier: BSD-3-Clause */

/* Questions to control: answered, refused when all slots are taken, given up in time. */

#include <errno.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include <cmocka.h>

#include "control/mailbox.h"

#define ASKERS 3u
#define QUESTIONS 400u

static struct mailbox *box;
static atomic_bool stop;
static atomic_uint answered;

/* An answer that only this question can have. */
static void answer(void *ctx, const struct dns_name *name, struct explanation *out)
{
	(void)ctx;
	*out = (struct explanation){.tier = TIER_RECORD, .name_len = name->len};
	for (unsigned i = 0; i < name->len; i++)
		out->name[i] = name->wire[i] ^ 0x55;
}

static void *control(void *ctx)
{
	(void)ctx;
	while (!atomic_load(&stop))
		atomic_fetch_add(&answered, mailbox_answer(box, 1, answer, NULL));
	return NULL;
}

static struct dns_name name_of(unsigned n)
{
	struct dns_name name;
	char text[32];

	snprintf(text, sizeof(text), "q%u.example", n);
	assert_int_equal(dns_name_parse(text, &name), 0);
	return name;
}

static bool answers(const struct explanation *e, const struct dns_name *name)
{
	if (e->name_len != name->len)
		return false;
	for (unsigned i = 0; i < name->len; i++)
		if (e->name[i] != (name->wire[i] ^ 0x55))
			return false;
	return true;
}

/* Asks until each question has its answer; the number of wrong answers. */
static void *asker(void *ctx)
{
	struct explanation *e = malloc(sizeof(*e));
	uintptr_t wrong = 0;

	for (unsigned i = 0; i < QUESTIONS && e; i++) {
		struct dns_name name = name_of((unsigned)(uintptr_t)ctx * QUESTIONS + i);
		if (mailbox_ask(box, &name, e) != 0 || !answers(e, &name))
			wrong++;
	}
	free(e);
	return (void *)wrong;
}

static void each_asker_gets_its_answer(void **state)
{
	pthread_t c, a[ASKERS];

	(void)state;
	box = mailbox_new(20000);
	atomic_store(&stop, false);
	atomic_store(&answered, 0);
	pthread_create(&c, NULL, control, NULL);
	for (unsigned i = 0; i < ASKERS; i++)
		pthread_create(&a[i], NULL, asker, (void *)(uintptr_t)i);
	for (unsigned i = 0; i < ASKERS; i++) {
		void *wrong;
		pthread_join(a[i], &wrong);
		assert_null(wrong);
	}
	atomic_store(&stop, true);
	pthread_join(c, NULL);
	assert_int_equal(atomic_load(&answered), ASKERS * QUESTIONS);
	mailbox_free(box);
}

static double seconds(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

/* A control that hangs holds an asker for the deadline and leaves no slot behind. */
static void nobody_waits_for_a_control_that_hangs(void **state)
{
	struct dns_name name = name_of(1);
	struct explanation *e = malloc(sizeof(*e));
	double began = seconds();

	(void)state;
	box = mailbox_new(30);
	for (unsigned i = 0; i < 2 * MAILBOX_SLOTS; i++)
		assert_int_equal(mailbox_ask(box, &name, e), -ETIMEDOUT);
	assert_true(seconds() - began >= 2 * MAILBOX_SLOTS * 0.03 - 0.001);
	/* What was given up is not answered any more. */
	assert_int_equal(mailbox_answer(box, MAILBOX_SLOTS, answer, NULL), 0);
	mailbox_free(box);
	free(e);
}

/* Control is at it when the asker gives up: the slot is control's to free. */
static void slow_answer(void *ctx, const struct dns_name *name, struct explanation *out)
{
	double until = seconds() + 0.15;

	while (seconds() < until)
		;
	answer(ctx, name, out);
}

static void *slow_control(void *ctx)
{
	(void)ctx;
	/* On a busy machine it may come when the question is given up already. */
	while (!mailbox_answer(box, 1, slow_answer, NULL) && !atomic_load(&stop))
		;
	return NULL;
}

static void an_answer_too_late_frees_its_slot(void **state)
{
	struct explanation *e = malloc(sizeof(*e));

	(void)state;
	box = mailbox_new(50);
	for (unsigned i = 0; i < MAILBOX_SLOTS + 1; i++) {
		struct dns_name name = name_of(i);
		pthread_t c;

		atomic_store(&stop, false);
		pthread_create(&c, NULL, slow_control, NULL);
		assert_int_equal(mailbox_ask(box, &name, e), -ETIMEDOUT);
		atomic_store(&stop, true);
		pthread_join(c, NULL);
	}
	mailbox_free(box);
	free(e);
}

static void *impatient(void *ctx)
{
	struct explanation *e = malloc(sizeof(*e));
	struct dns_name name = name_of((unsigned)(uintptr_t)ctx);
	int rc = mailbox_ask(box, &name, e);

	free(e);
	return (void *)(intptr_t)rc;
}

static void who_finds_no_slot_is_told_at_once(void **state)
{
	pthread_t a[MAILBOX_SLOTS + 1];
	unsigned busy = 0;

	(void)state;
	box = mailbox_new(300);
	for (unsigned i = 0; i <= MAILBOX_SLOTS; i++)
		pthread_create(&a[i], NULL, impatient, (void *)(uintptr_t)i);
	for (unsigned i = 0; i <= MAILBOX_SLOTS; i++) {
		void *rc;
		pthread_join(a[i], &rc);
		assert_true((intptr_t)rc == -EBUSY || (intptr_t)rc == -ETIMEDOUT);
		busy += (intptr_t)rc == -EBUSY;
	}
	assert_int_equal(busy, 1);
	mailbox_free(box);
	mailbox_free(NULL);
}

/* One step answers no more than it is allowed to. */
static void control_answers_so_many_at_a_time(void **state)
{
	pthread_t a[MAILBOX_SLOTS];
	unsigned n = 0;

	(void)state;
	box = mailbox_new(20000);
	for (unsigned i = 0; i < MAILBOX_SLOTS; i++)
		pthread_create(&a[i], NULL, impatient, (void *)(uintptr_t)i);
	/* All of them have asked by then, or the case shows less. */
	nanosleep(&(struct timespec){0, 100000000}, NULL);
	while (n < MAILBOX_SLOTS) {
		unsigned now = mailbox_answer(box, 2, answer, NULL);
		assert_true(now <= 2);
		n += now;
	}
	for (unsigned i = 0; i < MAILBOX_SLOTS; i++) {
		void *rc;
		pthread_join(a[i], &rc);
		assert_null(rc);
	}
	mailbox_free(box);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_asker_gets_its_answer),
		cmocka_unit_test(nobody_waits_for_a_control_that_hangs),
		cmocka_unit_test(an_answer_too_late_frees_its_slot),
		cmocka_unit_test(who_finds_no_slot_is_told_at_once),
		cmocka_unit_test(control_answers_so_many_at_a_time),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
