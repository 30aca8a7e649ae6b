/* SPDX-License-Identifier: BSD-3-Clause */

/* /api/v1/explain/{name}: control's answers, and what is said when it gives none. */

#include <pthread.h>
#include <stdatomic.h>
#include <time.h>

#include "http_client.h"

static atomic_bool stop;
static pthread_t control;

/* "nothing.example" is not known; of others the record is. */
static void answer(void *ctx, const struct dns_name *name, struct explanation *out)
{
	(void)ctx;
	memset(out, 0, sizeof(*out));
	out->time = SAMPLE_TIME;
	out->generation = 90;
	out->tier = memcmp(name->wire, "\7nothing", 8) == 0 ? TIER_NOTHING : TIER_CANDIDATE;
	out->name_len = name->len;
	memcpy(out->name, name->wire, name->len);
	strcpy(out->text, out->tier == TIER_NOTHING ? "Nothing is known of it." : "Known.");
}

static void *control_run(void *ctx)
{
	while (!atomic_load(&stop)) {
		mailbox_answer(ctx, MAILBOX_SLOTS, answer, NULL);
		nanosleep(&(struct timespec){0, 1000000}, NULL);
	}
	return NULL;
}

static int with_control(void **state)
{
	mailbox = mailbox_new(20000);
	atomic_store(&stop, false);
	pthread_create(&control, NULL, control_run, mailbox);
	return setup_board(state);
}

static int without_control(void **state)
{
	mailbox = mailbox_new(100);
	return setup_board(state);
}

static int before_the_first(void **state)
{
	mailbox = mailbox_new(20000);
	return setup_empty(state);
}

static int mailbox_end(void **state)
{
	int rc = teardown(state);

	mailbox_free(mailbox);
	mailbox = NULL;
	return rc;
}

static int control_end(void **state)
{
	atomic_store(&stop, true);
	pthread_join(control, NULL);
	return mailbox_end(state);
}

static void names_are_explained(void **state)
{
	(void)state;
	static const char *const same[] = {"www.a.example", "WWW.a.example.", "%77ww.a%2eexample"};

	for (unsigned i = 0; i < 3; i++) {
		char target[128];

		snprintf(target, sizeof(target), "/api/v1/explain/%s", same[i]);
		struct reply r = ask(target);
		json_t *t = body_json(&r);
		assert_string_equal(text_at(t, "name"), "www.a.example");
		assert_string_equal(text_at(t, "tier"), "candidate");
		json_decref(t);
		char value[256];
		assert_string_equal(field(&r, "ETag", value), "");
		expect(r, 200);
	}
	expect(ask("/api/v1/explain/nothing.example"), 404);
	static const char *const bad[] = {"", "a..b", "a%2", "a%00b", "a%5C999"};
	for (unsigned i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		char target[128];

		snprintf(target, sizeof(target), "/api/v1/explain/%s", bad[i]);
		expect(ask(target), 400);
	}
}

static void a_silent_control_is_told_of(void **state)
{
	(void)state;
	for (unsigned i = 0; i < MAILBOX_SLOTS + 1; i++) {
		struct reply r = ask("/api/v1/explain/a.example");
		json_t *t = body_json(&r);
		assert_non_null(strstr(text_at(t, "detail"), "did not answer in time"));
		json_decref(t);
		expect(r, 503);
	}
	expect(ask("/api/v1/stats"), 200);
}

static void before_the_first_snapshot(void **state)
{
	(void)state;
	expect(ask("/api/v1/explain/a.example"), 503);
	expect(ask("/api/v1/explain/a..example"), 400);
}

static void nobody_may_explain(void **state)
{
	(void)state;
	expect(ask("/api/v1/explain/a.example"), 503);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(names_are_explained, with_control, control_end),
		cmocka_unit_test_setup_teardown(
			a_silent_control_is_told_of, without_control, mailbox_end),
		cmocka_unit_test_setup_teardown(
			before_the_first_snapshot, before_the_first, mailbox_end),
		cmocka_unit_test_setup_teardown(nobody_may_explain, setup_board, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
