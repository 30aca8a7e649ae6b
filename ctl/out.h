/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

/* Where a command writes: a stream, with or without colours, and how wide it is. */

#include <stdbool.h>
#include <stdio.h>

enum style { STYLE_PLAIN, STYLE_HEAD, STYLE_GOOD, STYLE_WARN, STYLE_BAD, STYLE_DIM, STYLE_COUNT };

struct out {
	FILE *to;
	bool color;
	unsigned columns; /* that prose is wrapped to */
};

/* Columns of the terminal behind a descriptor; many where there is none. */
unsigned out_columns(int fd);

/* Formatted text in a style. What comes from a server was cleaned before (answer.h). */
void out_print(const struct out *o, enum style style, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

/*
 * One paragraph: `lead`, then words up to the last column; further lines begin
 * below the first word. A word wider than a line is not broken.
 */
void out_paragraph(const struct out *o, enum style style, const char *lead, const char *text);
