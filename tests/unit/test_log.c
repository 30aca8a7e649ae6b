/* SPDX-License-Identifier: BSD-3-Clause */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "log.h"

static char said[16384];
static int pipe_end[2], real_stderr;

/* What follows goes into a pipe, until heard(). */
static void listen_begin(void)
{
	assert_int_equal(pipe(pipe_end), 0);
	real_stderr = dup(STDERR_FILENO);
	dup2(pipe_end[1], STDERR_FILENO);
}

static const char *heard(void)
{
	dup2(real_stderr, STDERR_FILENO);
	close(real_stderr);
	close(pipe_end[1]);
	ssize_t n = read(pipe_end[0], said, sizeof(said) - 1);
	close(pipe_end[0]);
	said[n > 0 ? n : 0] = '\0';
	return said;
}

static unsigned lines(const char *text)
{
	unsigned n = 0;

	for (; *text; text++)
		n += *text == '\n';
	return n;
}

static void the_level_decides(void **state)
{
	(void)state;
	for (int least = 0; least < LOG_LEVEL_COUNT; least++) {
		log_level_set((enum log_level)least);
		listen_begin();
		for (int level = 0; level < LOG_LEVEL_COUNT; level++)
			log_line((enum log_level)level, "level %d", level);
		assert_int_equal(lines(heard()), least + 1);
	}
	assert_non_null(strstr(said, "fluxgate: level 4\n"));
	log_level_set(LOG_LEVEL_NOTICE);
}

static void a_line_is_one_line(void **state)
{
	char text[2000];

	(void)state;
	listen_begin();
	log_line(LOG_LEVEL_ERROR, "%s", "a\nb\x1b[31m\x7f");
	assert_string_equal(heard(), "fluxgate: a?b?[31m?\n");
	memset(text, 'x', sizeof(text) - 1);
	text[sizeof(text) - 1] = '\0';
	listen_begin();
	log_line(LOG_LEVEL_ERROR, "%s", text);
	assert_int_equal(strlen(heard()), strlen("fluxgate: ") + LOG_LINE_MAX - 1 + 1);
	assert_int_equal(lines(said), 1);
}

static void what_comes_often_is_counted(void **state)
{
	static struct log_limit often, other;

	(void)state;
	listen_begin();
	for (unsigned i = 0; i < 20; i++)
		log_limited(&often, LOG_LEVEL_WARNING, "often %u", i);
	log_limited(&other, LOG_LEVEL_WARNING, "other");
	log_settle();
	assert_int_equal(lines(heard()), LOG_LIMIT_LINES + 1);
	assert_null(strstr(said, "held back"));
	/* The window is over: what was held back is told once, without a new line. */
	often.since -= LOG_LIMIT_SECONDS;
	listen_begin();
	log_settle();
	log_settle();
	assert_string_equal(heard(), "fluxgate: often 19 (12 such lines held back)\n");
	listen_begin();
	log_limited(&often, LOG_LEVEL_WARNING, "again");
	assert_string_equal(heard(), "fluxgate: again\n");
	/* What is below the level neither shows nor counts. */
	listen_begin();
	for (unsigned i = 0; i < 20; i++)
		log_limited(&other, LOG_LEVEL_DEBUG, "hidden");
	assert_string_equal(heard(), "");
	assert_int_equal(other.suppressed, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_level_decides),
		cmocka_unit_test(a_line_is_one_line),
		cmocka_unit_test(what_comes_often_is_counted),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
