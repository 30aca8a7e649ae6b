/* SPDX-License-Identifier: BSD-3-Clause */

/* What of one configuration can take another's place while the program runs. */

#include <errno.h>

#include "config/table.h"

/* 1 when the field differs, 0 when not, -ENOMEM. */
static int row_differs(const struct config_row *row, const struct config *a, const struct config *b)
{
	json_t *x = config_value_json(row, a), *y = config_value_json(row, b);
	int rc = x && y ? !json_equal(x, y) : -ENOMEM;

	json_decref(x);
	json_decref(y);
	return rc;
}

int config_needs_restart(const struct config *running, const struct config *next,
	const char *paths[CONFIG_RESTART_MAX], unsigned *n)
{
	const struct config_row *row;

	*n = 0;
	for (size_t i = 0; (row = config_row_at(&config_table, i)); i++) {
		int differs = row->restart ? row_differs(row, running, next) : 0;

		if (differs < 0)
			return differs;
		if (differs && *n < CONFIG_RESTART_MAX)
			paths[(*n)++] = row->path;
	}
	return 0;
}

int config_take(struct config *into, const struct config *from)
{
	struct config next = *into;
	char err[ERROR_LINE_MAX];
	struct config_source src = {.name = "reload", .err = err};
	const struct config_row *row;

	for (size_t i = 0; (row = config_row_at(&config_table, i)); i++) {
		json_t *value = row->restart ? NULL : config_value_json(row, from);
		int rc = row->restart ? 0
			 : value      ? config_value_read(row, &next, value, &src)
				      : -ENOMEM;

		json_decref(value);
		if (rc < 0)
			return rc;
	}
	next.scorer.model = from->scorer.model;
	*into = next;
	return 0;
}
