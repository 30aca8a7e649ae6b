/* SPDX-License-Identifier: BSD-3-Clause */

/* Server-Sent Events, in whatever pieces they come. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "sse.h"

static char told[512];

static void tell(void *ctx, const char *event, const char *data, size_t len)
{
	(void)ctx;
	assert_int_equal(len, strlen(data));
	snprintf(told + strlen(told), sizeof(told) - strlen(told), "%s=%s;", event, data);
}

static struct sse *begin(void)
{
	struct sse *s = calloc(1, sizeof(*s));

	assert_non_null(s);
	s->take = tell;
	told[0] = '\0';
	return s;
}

static const char stream[] = ": a comment\n"
			     "event: verdict\nid: 7\ndata: {\"a\":1}\n\n"
			     "data:x\ndata: y\nretry: 5\n\r\n"
			     "event: verdict\r\ndata: z\r\n\r\n"
			     "event: empty\n\n"
			     "data: cut";

static void events_are_put_together(void **state)
{
	(void)state;
	size_t len = sizeof(stream) - 1;

	for (size_t at = 0; at <= len; at++) {
		struct sse *s = begin();

		assert_true(sse_feed(s, stream, at));
		assert_true(sse_feed(s, stream + at, len - at));
		assert_string_equal(told, "verdict={\"a\":1};=x\ny;verdict=z;");
		free(s);
	}
}

static void endless_lines_are_refused(void **state)
{
	(void)state;
	char piece[1000];
	struct sse *s = begin();
	size_t n = 0;

	memset(piece, 'x', sizeof(piece));
	while (sse_feed(s, piece, sizeof(piece)))
		assert_true(++n <= SSE_LINE_MAX / sizeof(piece));
	free(s);
}

static void endless_events_are_refused(void **state)
{
	(void)state;
	struct sse *s = begin();
	size_t n = 0;

	while (sse_feed(s, "data: 0123456789\n", 17))
		assert_true(++n <= SSE_LINE_MAX / 10);
	free(s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(events_are_put_together),
		cmocka_unit_test(endless_lines_are_refused),
		cmocka_unit_test(endless_events_are_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
