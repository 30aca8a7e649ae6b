/* SPDX-License-Identifier: BSD-3-Clause */

/*
 * Prints what docs/generate-configuration writes: {"schema": the JSON Schema, "lines":
 * [["store.domains", its line of docs/configuration.md], ...]}.
 */

#include <stdio.h>
#include <stdlib.h>

#include "config_reference.h"

static void lines_add(
	json_t *lines, const struct config_table *table, const char *prefix, const json_t *defaults)
{
	const struct config_row *row;
	char line[1024];

	for (size_t i = 0; (row = config_row_at(table, i)); i++) {
		reference_line(row, prefix, defaults, line, sizeof(line));
		json_array_append_new(
			lines, json_pack("[o, s]", json_sprintf("%s%s", prefix, row->path), line));
	}
}

int main(void)
{
	static struct config c;
	const struct config_table *port = config_row_find(&config_table, "ports")->element;

	config_defaults(&c);
	json_t *defaults = config_json(&c), *initial = config_object_json(port, port->initial);
	json_t *lines = json_array();

	lines_add(lines, &config_table, "", defaults);
	lines_add(lines, port, "ports[].", initial);
	json_t *all = json_pack(
		"{s:o, s:o}", "schema", schema_object(&config_table, defaults), "lines", lines);
	int rc = json_dumpf(all, stdout, JSON_REAL_PRECISION(15));

	json_decref(all);
	json_decref(initial);
	json_decref(defaults);
	return rc ? EXIT_FAILURE : EXIT_SUCCESS;
}
