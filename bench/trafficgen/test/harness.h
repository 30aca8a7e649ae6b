/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

/* Runs the generator inside a test program, in a directory of its own. */

/* The path of a file there; good for three calls more. Known names only, see harness.c. */
const char *path_of(const char *name);

/* generate() with space-separated arguments, which must be right. 0 or -errno. */
int run(const char *out, const char *truth, const char *arguments);

/* For cmocka: makes the directory and the address plan, and takes them away. */
int harness_set_up(void **state);
int harness_tear_down(void **state);
