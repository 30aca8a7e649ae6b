/* SPDX-License-Identifier: BSD-3-Clause */

/* Text on a terminal: what is shown as it is, what is not, and how wide it is. */

#include <locale.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "screen.h"
#include "table.h"
#include "text.h"

static void check_clean(const char *text, size_t len, const char *expected)
{
	char *clean = text_clean(text, len);

	assert_non_null(clean);
	assert_string_equal(clean, expected);
	assert_true(text_is_plain(clean, strlen(clean)));
	free(clean);
}

#define CHECK_CLEAN(text, expected) check_clean(text, sizeof(text) - 1, expected)

static void shows_plain_text(void **state)
{
	(void)state;
	CHECK_CLEAN("", "");
	CHECK_CLEAN("a\\034b.example", "a\\034b.example");
	CHECK_CLEAN("in 43 networks (at least 5)", "in 43 networks (at least 5)");
	CHECK_CLEAN("Zürich 東京", "Zürich 東京");
}

static void shows_no_controls(void **state)
{
	(void)state;
	CHECK_CLEAN("\033[2J", "\\027[2J");
	CHECK_CLEAN("\033]0;title\a", "\\027]0;title\\007");
	CHECK_CLEAN("a\rb\nc\td", "a\\013b\\010c\\009d");
	CHECK_CLEAN("a\0b", "a\\000b");
	CHECK_CLEAN("\177", "\\127");
	CHECK_CLEAN("\xc2\x9b[31m", "\\194\\155[31m"); /* U+009B, a CSI in one */
	CHECK_CLEAN("\x9b[31m", "\\155[31m");          /* the same, no UTF-8 */
	CHECK_CLEAN("abc\xe2\x80\xae"
		    "cba",
		"abc\\226\\128\\174cba");               /* U+202E turns text */
	CHECK_CLEAN("\xe2\x80\x8b", "\\226\\128\\139"); /* U+200B has no width */
	CHECK_CLEAN("\xc3", "\\195");                   /* cut */
	CHECK_CLEAN("\xc0\xaf", "\\192\\175");          /* overlong */
	CHECK_CLEAN("\xed\xa0\x80", "\\237\\160\\128"); /* a surrogate */
}

/* Whatever comes, nothing that acts upon a terminal is left, and cleaning is done once. */
static void cleans_anything(void **state)
{
	(void)state;
	uint32_t random = 1;

	for (unsigned round = 0; round < 20000; round++) {
		char text[24];

		for (size_t i = 0; i < sizeof(text); i++) {
			random = random * 1664525u + 1013904223u;
			text[i] = (char)(random >> 24);
		}
		char *clean = text_clean(text, sizeof(text));
		assert_non_null(clean);
		assert_true(text_is_plain(clean, strlen(clean)));
		assert_null(strpbrk(clean, "\033\a\b\r\n\t\177"));
		char *again = text_clean(clean, strlen(clean));
		assert_string_equal(again, clean);
		free(again);
		free(clean);
	}
}

static size_t width(const char *text)
{
	return text_width(text, strlen(text));
}

static size_t cut(const char *text, size_t columns)
{
	return text_cut(text, strlen(text), columns);
}

static void measures_columns(void **state)
{
	(void)state;
	assert_int_equal(width(""), 0);
	assert_int_equal(width("abc"), 3);
	assert_int_equal(width("Zürich"), 6);
	assert_int_equal(width("東京"), 4);
	assert_int_equal(width("\033[1;31mabc\033[0m"), 3);
	assert_int_equal(text_width("abcdef", 2), 2);
	assert_int_equal(text_width("\033[1mabc", 3), 2); /* no whole sequence */
}

static void cuts_at_columns(void **state)
{
	(void)state;
	assert_int_equal(cut("abc", 0), 0);
	assert_int_equal(cut("abc", 2), 2);
	assert_int_equal(cut("abc", 3), 3);
	assert_int_equal(cut("abc", 80), 3);
	assert_int_equal(cut("東京", 3), 3); /* one of three octets; half of the other won't do */
	assert_int_equal(text_cut("abcdef", 2, 80), 2);
	assert_int_equal(cut("\033[31mabc\033[0m", 2), 7);
}

static char *printed(struct table *t, bool color)
{
	char *text = NULL;
	size_t len;
	struct out o = {.to = open_memstream(&text, &len), .color = color, .columns = 80};

	assert_int_equal(table_end(t, &o), 0);
	fclose(o.to);
	return text;
}

static void aligns_by_columns(void **state)
{
	(void)state;
	static const struct column columns[] = {{"NAME", false}, {"N", true}, {"", false}};
	struct table *t = table_new(columns, 3);
	const char *names[] = {"東京", "a"};

	for (int i = 0; i < 2; i++) {
		table_cell(t, STYLE_BAD, "%s", names[i]);
		table_cell(t, STYLE_PLAIN, "%d", 5 + 95 * i);
		table_cell(t, STYLE_PLAIN, "%s", i ? "" : "x");
	}
	char *text = printed(t, false);
	assert_string_equal(text, "NAME    N\n"
				  "東京    5  x\n"
				  "a     100\n");
	free(text);
}

static void colours_do_not_shift(void **state)
{
	(void)state;
	static const struct column columns[] = {{"A", false}, {"B", false}};
	struct table *t = table_new(columns, 2);

	table_cell(t, STYLE_BAD, "x");
	table_cell(t, STYLE_PLAIN, "y");
	char *text = printed(t, true);
	assert_string_equal(text, "\033[1mA\033[0m  \033[1mB\033[0m\n\033[31mx\033[0m  y\n");
	free(text);
}

static void wraps_paragraphs(void **state)
{
	(void)state;
	char *text = NULL;
	size_t len;
	struct out o = {.to = open_memstream(&text, &len), .columns = 12};

	out_paragraph(&o, STYLE_PLAIN, "  - ", "aaa bbb ccc averylongword d");
	fclose(o.to);
	assert_string_equal(text, "  - aaa bbb\n    ccc\n    averylongword\n    d\n");
	free(text);
}

/* A word or line that a stack would not hold comes out, on a terminal cut to its columns. */
static void bears_long_words(void **state)
{
	(void)state;
	size_t word = 30u << 20, len;
	char *text = malloc(word + 1), *out = NULL;
	struct out o = {.to = open_memstream(&out, &len), .columns = 80};

	assert_non_null(text);
	memset(text, 'x', word);
	text[word] = '\0';
	out_paragraph(&o, STYLE_PLAIN, "- ", text);
	fclose(o.to);
	assert_int_equal(len, word + 3);
	free(out);

	FILE *screen = tmpfile();
	int before = dup(STDOUT_FILENO);
	fflush(stdout);
	assert_int_equal(dup2(fileno(screen), STDOUT_FILENO), STDOUT_FILENO);
	screen_draw(text);
	dup2(before, STDOUT_FILENO);
	close(before);
	assert_in_range(lseek(fileno(screen), 0, SEEK_END), 80, 100);
	fclose(screen);
	free(text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(shows_plain_text),
		cmocka_unit_test(shows_no_controls),
		cmocka_unit_test(cleans_anything),
		cmocka_unit_test(measures_columns),
		cmocka_unit_test(cuts_at_columns),
		cmocka_unit_test(aligns_by_columns),
		cmocka_unit_test(colours_do_not_shift),
		cmocka_unit_test(wraps_paragraphs),
		cmocka_unit_test(bears_long_words),
	};

	if (!setlocale(LC_CTYPE, "C.UTF-8"))
		return 77;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
