/* SPDX-License-Identifier: BSD-3-Clause */

/* "did you mean": the nearest path of the table to one that is not in it. */

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "config/table.h"

#define SUGGEST_MAX 96u

/* Fewer letters stand for too many words. */
#define SHORT_LEAST 3u

/*
 * Edit distance (Wagner and Fischer 1974, one row kept); SIZE_MAX when either
 * text is longer than any path of the table has reason to be.
 */
static size_t edits(const char *a, const char *b)
{
	size_t row[SUGGEST_MAX + 1], na = strlen(a), nb = strlen(b);

	if (na > SUGGEST_MAX || nb > SUGGEST_MAX)
		return SIZE_MAX;
	for (size_t j = 0; j <= nb; j++)
		row[j] = j;
	for (size_t i = 1; i <= na; i++) {
		size_t diagonal = row[0];

		row[0] = i;
		for (size_t j = 1; j <= nb; j++) {
			size_t best = diagonal + (a[i - 1] != b[j - 1]);

			diagonal = row[j];
			if (row[j] + 1 < best)
				best = row[j] + 1;
			if (row[j - 1] + 1 < best)
				best = row[j - 1] + 1;
			row[j] = best;
		}
	}
	return row[nb];
}

/* Copies the first `depth` components of a path. */
static void path_cut(const char *path, unsigned depth, char *out, size_t size)
{
	size_t n = 0;

	while (path[n] && n + 1 < size) {
		if (path[n] == '.' && --depth == 0)
			break;
		out[n] = path[n];
		n++;
	}
	out[n] = '\0';
}

static const char *path_last(const char *path)
{
	const char *dot = strrchr(path, '.');

	return dot ? dot + 1 : path;
}

/* Whether `path` is the start of `near`, and ends within the same, last component. */
static bool shortens(const char *last, const char *near, const char *path)
{
	size_t n = strlen(path);

	return strlen(last) >= SHORT_LEAST && strncmp(near, path, n) == 0 && near[n] != '.';
}

void config_suggest(const struct config_table *table, const char *path, char *out, size_t size)
{
	const struct config_row *row;
	unsigned depth = 1;
	/* Beyond a third of the letters it is another word. */
	size_t best = strlen(path_last(path)) / 3 + 2;

	out[0] = '\0';
	for (const char *p = path; *p; p++)
		depth += *p == '.';
	for (size_t i = 0; (row = config_row_at(table, i)); i++) {
		char near[SUGGEST_MAX + 1];

		path_cut(row->path, depth, near, sizeof(near));
		size_t d = edits(path, near);
		/* "dev" for "device". */
		if (shortens(path_last(path), near, path))
			d = 1;
		/* The right key in the wrong section is the likeliest slip of all. */
		if (strcmp(path_last(path), path_last(row->path)) == 0) {
			path_cut(row->path, UINT32_MAX, near, sizeof(near));
			d = 1;
		}
		if (d < best) {
			best = d;
			snprintf(out, size, "%s", near);
		}
	}
}
