/* SPDX-License-Identifier: BSD-3-Clause */

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>

#include "out.h"
#include "text.h"

#define COLUMNS_ELSE 10000u /* nothing is wrapped: who reads a pipe goes by lines */
#define COLUMNS_LEAST 20u

static const char *const sequences[STYLE_COUNT] = {
	[STYLE_HEAD] = "\033[1m",
	[STYLE_GOOD] = "\033[32m",
	[STYLE_WARN] = "\033[33m",
	[STYLE_BAD] = "\033[31m",
	[STYLE_DIM] = "\033[2m",
};

unsigned out_columns(int fd)
{
	struct winsize size;

	if (ioctl(fd, TIOCGWINSZ, &size) < 0 || size.ws_col == 0)
		return COLUMNS_ELSE;
	return size.ws_col < COLUMNS_LEAST ? COLUMNS_LEAST : size.ws_col;
}

void out_print(const struct out *o, enum style style, const char *fmt, ...)
{
	bool color = o->color && style != STYLE_PLAIN;
	va_list ap;

	if (color)
		fputs(sequences[style], o->to);
	va_start(ap, fmt);
	vfprintf(o->to, fmt, ap);
	va_end(ap);
	if (color)
		fputs("\033[0m", o->to);
}

void out_paragraph(const struct out *o, enum style style, const char *lead, const char *text)
{
	size_t indent = text_width(lead, strlen(lead)), at = indent;
	bool first = true;

	fputs(lead, o->to);
	for (text += strspn(text, " "); *text; first = false) {
		size_t n = strcspn(text, " ");
		size_t width = text_width(text, n);

		if (!first && at + 1 + width > o->columns) {
			fprintf(o->to, "\n%*s", (int)indent, "");
			at = indent;
		} else if (!first) {
			fputc(' ', o->to);
			at++;
		}
		out_print(o, style, "%.*s", (int)n, text);
		at += width;
		text += n;
		text += strspn(text, " ");
	}
	fputc('\n', o->to);
}
