/* SPDX-License-Identifier: BSD-3-Clause */

/* Answers that are kept: which, for whom, how many, and until when. */

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "http/rendered.h"

static struct rendered_cache *cache;

static int setup(void **state)
{
	(void)state;
	cache = rendered_cache_new();
	return cache ? 0 : -1;
}

static int teardown(void **state)
{
	(void)state;
	rendered_cache_free(cache);
	return 0;
}

static struct answer answer_of(char fill, size_t len)
{
	struct answer a = {
		.status = 200, .content_type = "text/plain", .etag = "\"e\"", .len = len};
	char *text = malloc(len);

	assert_non_null(text);
	memset(text, fill, len);
	a.body = a.owner = text;
	a.release = free;
	return a;
}

static void keep(const char *question, const char *tag, char fill, size_t len)
{
	struct answer a = answer_of(fill, len);

	rendered_keep(cache, question, tag, &a);
	assert_int_equal(*(const char *)a.body, fill);
	a.release(a.owner);
}

/* The first octet of what is kept, or 0. */
static char kept(const char *question, const char *tag)
{
	struct answer a = {0};

	if (!rendered_find(cache, question, tag, &a))
		return 0;
	char c = *(const char *)a.body;
	assert_int_equal(a.status, 200);
	assert_string_equal(a.content_type, "text/plain");
	assert_string_equal(a.etag, "\"e\"");
	a.release(a.owner);
	return c;
}

static void same_question_and_tag(void **state)
{
	(void)state;
	keep("/a?x=1", "1", 'p', 10);
	keep("/a?x=2", "1", 'q', 10);
	assert_int_equal(kept("/a?x=1", "1"), 'p');
	assert_int_equal(kept("/a?x=2", "1"), 'q');
	assert_int_equal(kept("/a", "1"), 0);
	assert_int_equal(kept("/a?x=1", "2"), 0);
	keep("/a?x=1", "2", 'r', 10);
	assert_int_equal(kept("/a?x=1", "2"), 'r');
	assert_int_equal(kept("/a?x=1", "1"), 0);
}

/* A slow reader of an earlier tag holds no copy of its own. */
static void the_same_content_is_held_once(void **state)
{
	struct answer first = answer_of('p', 10), second = answer_of('p', 10);
	struct answer other = answer_of('q', 10);

	(void)state;
	rendered_keep(cache, "/a", "1", &first);
	rendered_keep(cache, "/a", "2", &second);
	assert_ptr_equal(first.body, second.body);
	assert_int_equal(kept("/a", "2"), 'p');
	assert_int_equal(kept("/a", "1"), 0);
	/* A tag may lie. */
	rendered_keep(cache, "/a", "3", &other);
	assert_int_equal(*(const char *)other.body, 'q');
	assert_int_equal(kept("/a", "3"), 'q');
	first.release(first.owner);
	assert_int_equal(*(const char *)second.body, 'p');
	second.release(second.owner);
	other.release(other.owner);
}

static void errors_and_static_bodies_are_not_kept(void **state)
{
	(void)state;
	struct answer a = answer_of('p', 3);

	a.status = 404;
	rendered_keep(cache, "/a", "1", &a);
	a.release(a.owner);
	a = (struct answer){.status = 200, .body = "static", .len = 6};
	rendered_keep(cache, "/a", "1", &a);
	assert_int_equal(kept("/a", "1"), 0);
}

static void who_waited_longest_goes(void **state)
{
	(void)state;
	char question[16];

	for (unsigned i = 0; i < RENDERED_ENTRIES; i++) {
		snprintf(question, sizeof(question), "/%u", i);
		keep(question, "1", 'p', 10);
	}
	assert_int_equal(kept("/0", "1"), 'p');
	keep("/new", "1", 'n', 10);
	assert_int_equal(kept("/0", "1"), 'p');
	assert_int_equal(kept("/1", "1"), 0);
	assert_int_equal(kept("/2", "1"), 'p');
	assert_int_equal(kept("/new", "1"), 'n');
}

/* What is let go of is still whole for who sends it. */
static void octets_are_bounded_and_outlive_their_entry(void **state)
{
	(void)state;
	const size_t half = RENDERED_OCTETS_MAX / 2;
	struct answer a = {0};

	keep("/huge", "1", 'h', half + 1);
	assert_int_equal(kept("/huge", "1"), 0);
	keep("/0", "1", 'p', half);
	assert_true(rendered_find(cache, "/0", "1", &a));
	keep("/1", "1", 'q', half);
	keep("/2", "1", 'r', half);
	assert_int_equal(kept("/0", "1"), 0);
	assert_int_equal(kept("/1", "1"), 'q');
	assert_int_equal(kept("/2", "1"), 'r');
	assert_int_equal(((const char *)a.body)[half - 1], 'p');
	a.release(a.owner);
}

static void questions_tell_requests_apart(void **state)
{
	(void)state;
	char question[RENDERED_QUESTION_MAX], text[RENDERED_QUESTION_MAX];
	struct request q = {.path = "/a", .params = 2, .param = {{"x", "1"}, {"y", NULL}}};

	assert_true(rendered_question(&q, question));
	assert_string_equal(question, "/a?x=1&y");
	memset(text, 'z', sizeof(text) - 1);
	text[sizeof(text) - 1] = '\0';
	q.param[1].value = text;
	assert_false(rendered_question(&q, question));
	q.params = REQUEST_PARAMS_MAX + 1;
	assert_false(rendered_question(&q, question));
}

static void *ask_often(void *arg)
{
	char question[16], tag[16];

	for (unsigned i = 0; i < 20000; i++) {
		struct answer a = {0};
		snprintf(question, sizeof(question), "/%u", i % 40);
		snprintf(tag, sizeof(tag), "%u", i / 1000);
		if (!rendered_find(cache, question, tag, &a)) {
			a = answer_of((char)('a' + i % 20), 64);
			rendered_keep(cache, question, tag, &a);
		}
		if (((const char *)a.body)[63] != (char)('a' + i % 20))
			*(bool *)arg = true;
		a.release(a.owner);
	}
	return NULL;
}

static void threads_share(void **state)
{
	(void)state;
	pthread_t thread[4];
	bool wrong[4] = {false};

	for (unsigned i = 0; i < 4; i++)
		assert_int_equal(pthread_create(&thread[i], NULL, ask_often, &wrong[i]), 0);
	for (unsigned i = 0; i < 4; i++) {
		pthread_join(thread[i], NULL);
		assert_false(wrong[i]);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(same_question_and_tag, setup, teardown),
		cmocka_unit_test_setup_teardown(the_same_content_is_held_once, setup, teardown),
		cmocka_unit_test_setup_teardown(
			errors_and_static_bodies_are_not_kept, setup, teardown),
		cmocka_unit_test_setup_teardown(who_waited_longest_goes, setup, teardown),
		cmocka_unit_test_setup_teardown(
			octets_are_bounded_and_outlive_their_entry, setup, teardown),
		cmocka_unit_test_setup_teardown(questions_tell_requests_apart, setup, teardown),
		cmocka_unit_test_setup_teardown(threads_share, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
