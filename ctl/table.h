/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

/*
 * A table whose columns are as wide as what stands in them, by the columns of a
 * terminal and not by octets. Cells come in order, line by line; no line ends with
 * blanks. Memory that runs out is told at the end.
 */

#include "out.h"

struct column {
	const char *head;
	bool right; /* numbers stand at the right */
};

struct table;

/* NULL: out of memory, which all below take. `columns` outlive the table. */
struct table *table_new(const struct column *columns, unsigned n);

void table_cell(struct table *t, enum style style, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

/* Prints and frees it, with its heads even where it has no line; 0 or -ENOMEM. */
int table_end(struct table *t, const struct out *o);
