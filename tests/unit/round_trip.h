/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

/* An answer as its reader gets it, also left in $FLUXGATE_ANSWERS for check_schema.py. */

#include <stdlib.h>

#include "export/json.h"
#include "json_helpers.h"

/*
 * The tree as read back from its text, which is kept under `name` for the schema
 * check (NULL: it is not).
 */
static inline json_t *round_trip(const char *name, json_t *tree)
{
	const char *dir = getenv("FLUXGATE_ANSWERS");
	size_t len = 0;
	json_error_t error;

	assert_non_null(tree);
	char *text = export_text(tree, &len);
	assert_non_null(text);
	assert_int_equal(text[len - 1], '\n');
	if (dir && name) {
		char path[512];

		snprintf(path, sizeof(path), "%s/%s.json", dir, name);
		FILE *f = fopen(path, "w");
		assert_non_null(f);
		assert_int_equal(fwrite(text, 1, len, f), len);
		assert_int_equal(fclose(f), 0);
	}
	json_t *back = json_loadb(text, len, JSON_REJECT_DUPLICATES, &error);
	assert_non_null(back);
	free(text);
	return back;
}

/* All keys of an object, in order, joined by spaces. */
static inline void keys_are(const json_t *object, const char *expected)
{
	char keys[1024] = "";
	const char *key;
	json_t *value;

	json_object_foreach((json_t *)(uintptr_t)object, key, value)
	{
		strncat(keys, *keys ? " " : "", sizeof(keys) - strlen(keys) - 1);
		strncat(keys, key, sizeof(keys) - strlen(keys) - 1);
	}
	assert_string_equal(keys, expected);
}
