/* SPDX-License-Identifier: BSD-3-Clause */

#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "table.h"
#include "text.h"

struct cell {
	char *text;
	enum style style;
};

struct table {
	const struct column *columns;
	struct cell *cell;
	size_t cells, room;
	unsigned n;
	bool failed;
};

struct table *table_new(const struct column *columns, unsigned n)
{
	struct table *t = calloc(1, sizeof(*t));

	if (t) {
		t->columns = columns;
		t->n = n;
	}
	return t;
}

void table_cell(struct table *t, enum style style, const char *fmt, ...)
{
	va_list ap;
	char *text = NULL;

	if (!t || t->failed)
		return;
	if (t->cells == t->room) {
		size_t room = t->room ? 2 * t->room : 64;
		struct cell *cell = reallocarray(t->cell, room, sizeof(*cell));

		if (!cell) {
			t->failed = true;
			return;
		}
		t->cell = cell;
		t->room = room;
	}
	va_start(ap, fmt);
	t->failed = vasprintf(&text, fmt, ap) < 0;
	va_end(ap);
	if (!t->failed)
		t->cell[t->cells++] = (struct cell){.text = text, .style = style};
}

/* Blanks wait for the next cell that holds something: lines have none at their end. */
static void line_print(
	const struct table *t, const struct out *o, const size_t *widths, const struct cell *line)
{
	int blanks = 0;

	for (unsigned k = 0; k < t->n; k++) {
		const char *text = line ? line[k].text : t->columns[k].head;
		int pad = (int)(widths[k] - text_width(text, strlen(text)));

		blanks += t->columns[k].right ? pad : 0;
		if (*text) {
			fprintf(o->to, "%*s", blanks, "");
			out_print(o, line ? line[k].style : STYLE_HEAD, "%s", text);
			blanks = 0;
		}
		blanks += 2 + (t->columns[k].right ? 0 : pad);
	}
	fputc('\n', o->to);
}

int table_end(struct table *t, const struct out *o)
{
	size_t *widths = t ? calloc(t->n, sizeof(*widths)) : NULL;
	int rc = widths && !t->failed ? 0 : -ENOMEM;

	for (unsigned k = 0; rc == 0 && k < t->n; k++)
		widths[k] = text_width(t->columns[k].head, strlen(t->columns[k].head));
	for (size_t i = 0; rc == 0 && i < t->cells; i++) {
		size_t width = text_width(t->cell[i].text, strlen(t->cell[i].text));

		if (width > widths[i % t->n])
			widths[i % t->n] = width;
	}
	if (rc == 0)
		line_print(t, o, widths, NULL);
	for (size_t i = 0; rc == 0 && i + t->n <= t->cells; i += t->n)
		line_print(t, o, widths, &t->cell[i]);
	free(widths);
	for (size_t i = 0; t && i < t->cells; i++)
		free(t->cell[i].text);
	if (t)
		free(t->cell);
	free(t);
	return rc;
}
