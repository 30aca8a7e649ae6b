/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

/* Values at a path ("accounting/rx/received") of a tree; a test fails where there is none. */

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>
#include <jansson.h>

static inline json_t *at(const json_t *tree, const char *path)
{
	char key[64];

	while (*path && tree) {
		size_t n = strcspn(path, "/");
		snprintf(key, sizeof(key), "%.*s", (int)n, path);
		tree = json_object_get(tree, key);
		path += n + (path[n] == '/');
	}
	return (json_t *)(uintptr_t)tree;
}

static inline uint64_t count_at(const json_t *tree, const char *path)
{
	const json_t *value = at(tree, path);

	if (!json_is_integer(value))
		fail_msg("no count at %s", path);
	return (uint64_t)json_integer_value(value);
}

static inline const char *text_at(const json_t *tree, const char *path)
{
	const char *text = json_string_value(at(tree, path));

	if (!text)
		fail_msg("no text at %s", path);
	return text ? text : ""; /* the compiler does not know that a failed test ends */
}
