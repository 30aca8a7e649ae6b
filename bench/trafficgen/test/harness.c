/* SPDX-License-Identifier: BSD-3-Clause */
#include "harness.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "generator.h"
#include "networks.h"
#include "options.h"

#define ARGUMENTS_MAX 24

static struct network_plan *plan;
static char directory[] = "/tmp/trafficgen-test-XXXXXX";

const char *path_of(const char *name)
{
	static char paths[4][64];
	static unsigned int next;
	char *path = paths[next++ % 4];

	snprintf(path, sizeof(paths[0]), "%s/%s", directory, name);
	return path;
}

int run(const char *out, const char *truth, const char *arguments)
{
	char text[256], *argv[ARGUMENTS_MAX] = {"trafficgen"};
	struct options options;
	const char *where;
	int argc = 1;

	snprintf(text, sizeof(text), "--out %s --truth %s %s", out, truth, arguments);
	for (char *word = strtok(text, " "); word != NULL; word = strtok(NULL, " ")) {
		assert_true(argc < ARGUMENTS_MAX - 1);
		argv[argc++] = word;
	}
	assert_int_equal(options_parse(&options, argc, argv), OPTIONS_RUN);
	return generate(&options, plan, &where);
}

int harness_set_up(void **state)
{
	(void)state;
	plan = plan_new();
	return plan != NULL && mkdtemp(directory) != NULL ? 0 : -1;
}

int harness_tear_down(void **state)
{
	static const char *const names[] = {"a", "b", "truth", "capture"};

	(void)state;
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		unlink(path_of(names[i]));
	free(plan);
	return rmdir(directory);
}
