/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

/*
 * Inputs that are not part of the source tree, for they are other people's. A path
 * "shared:x" is $FLUXGATE_SHARED/x, else ../shared/x beside the source tree, which
 * $FLUXGATE_SOURCE names. A test that finds nothing there is skipped.
 */

#include <errno.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define EXIT_SKIPPED 77
#define SHARED_PREFIX "shared:"

/* The path itself, or where a shared one lies (in `path`). */
static inline const char *shared_path(const char *arg, char path[PATH_MAX])
{
	const char *shared = getenv("FLUXGATE_SHARED");
	const char *source = getenv("FLUXGATE_SOURCE");

	if (strncmp(arg, SHARED_PREFIX, strlen(SHARED_PREFIX)) != 0)
		return arg;
	snprintf(path, PATH_MAX, "%s%s/%s",
		shared   ? shared
		: source ? source
			 : ".",
		shared ? "" : "/../shared", arg + strlen(SHARED_PREFIX));
	return path;
}

/* After a walk over `path` failed: is it that nothing is shared here? Says what it is. */
static inline bool walk_absent(const char *path, const char *arg)
{
	bool absent = errno == ENOENT && path != arg;

	printf("%s: %s\n", path, absent ? "absent, left out" : strerror(errno));
	return absent;
}
