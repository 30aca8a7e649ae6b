/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

/*
 * Small files below a root: what sysfs and proc say, of this machine (root "")
 * or of a tree that a test made up. Paths are printf formats, with a leading "/".
 */

#include <dirent.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define TREE_PATH_MAX 512u

/* Text of a file without its last newline, cut to size - 1 octets. Its length, or -errno. */
int tree_read(const char *root, char *out, size_t size, const char *path, ...)
	__attribute__((format(printf, 4, 5)));

/* A file that begins with a number, decimal or 0x. False when it is not there, or something else.
 */
bool tree_number(const char *root, int64_t *out, const char *path, ...)
	__attribute__((format(printf, 3, 4)));

/* What a symbolic link says, whole. Its length, or -errno. */
int tree_link(const char *root, char *out, size_t size, const char *path, ...)
	__attribute__((format(printf, 4, 5)));

/* The last component of what a symbolic link says, such as a driver's name. False without one. */
bool tree_link_name(const char *root, char *out, size_t size, const char *path, ...)
	__attribute__((format(printf, 4, 5)));

bool tree_exists(const char *root, const char *path, ...) __attribute__((format(printf, 2, 3)));

/* What a folder holds, sorted by version, without "." and ".."; to be freed by tree_free. */
struct tree_names {
	int n; /* -errno when the folder cannot be read */
	struct dirent **entry;
};

struct tree_names tree_list(const char *root, const char *path, ...)
	__attribute__((format(printf, 2, 3)));
void tree_free(struct tree_names *names);
