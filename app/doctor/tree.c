/* SPDX-License-Identifier: BSD-3-Clause */

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "doctor/tree.h"

static void path_make(char out[TREE_PATH_MAX], const char *root, const char *path, va_list args)
	__attribute__((format(printf, 3, 0)));

static void path_make(char out[TREE_PATH_MAX], const char *root, const char *path, va_list args)
{
	size_t n = (size_t)snprintf(out, TREE_PATH_MAX, "%s", root);

	if (n < TREE_PATH_MAX)
		vsnprintf(out + n, TREE_PATH_MAX - n, path, args);
}

/* Sets `full` from root, path and the arguments behind it. */
#define PATH(full, root, path) \
	do { \
		va_list args_; \
		va_start(args_, path); \
		path_make(full, root, path, args_); \
		va_end(args_); \
	} while (0)

static int file_text(const char *path, char *out, size_t size)
{
	FILE *f = fopen(path, "re");

	out[0] = '\0';
	if (!f)
		return -errno;
	size_t n = fread(out, 1, size - 1, f);
	int rc = ferror(f) ? -errno : 0;
	fclose(f);
	while (n > 0 && out[n - 1] == '\n')
		n--;
	out[n] = '\0';
	return rc < 0 ? rc : (int)n;
}

int tree_read(const char *root, char *out, size_t size, const char *path, ...)
{
	char full[TREE_PATH_MAX];

	PATH(full, root, path);
	return file_text(full, out, size);
}

bool tree_number(const char *root, int64_t *out, const char *path, ...)
{
	char full[TREE_PATH_MAX], text[64], *end;

	PATH(full, root, path);
	if (file_text(full, text, sizeof(text)) <= 0)
		return false;
	errno = 0;
	*out = strtoll(text, &end, 0);
	return end != text && errno == 0;
}

static int link_text(const char *path, char *out, size_t size)
{
	ssize_t n = readlink(path, out, size - 1);

	out[n > 0 ? n : 0] = '\0';
	return n < 0 ? -errno : (int)n;
}

int tree_link(const char *root, char *out, size_t size, const char *path, ...)
{
	char full[TREE_PATH_MAX];

	PATH(full, root, path);
	return link_text(full, out, size);
}

bool tree_link_name(const char *root, char *out, size_t size, const char *path, ...)
{
	char full[TREE_PATH_MAX], text[TREE_PATH_MAX];

	out[0] = '\0';
	PATH(full, root, path);
	if (link_text(full, text, sizeof(text)) <= 0)
		return false;
	const char *slash = strrchr(text, '/');
	snprintf(out, size, "%s", slash ? slash + 1 : text);
	return true;
}

bool tree_exists(const char *root, const char *path, ...)
{
	char full[TREE_PATH_MAX];
	struct stat st;

	PATH(full, root, path);
	return lstat(full, &st) == 0;
}

static int is_named(const struct dirent *e)
{
	return strcmp(e->d_name, ".") != 0 && strcmp(e->d_name, "..") != 0;
}

struct tree_names tree_list(const char *root, const char *path, ...)
{
	struct tree_names names = {0, NULL};
	char full[TREE_PATH_MAX];

	PATH(full, root, path);
	names.n = scandir(full, &names.entry, is_named, versionsort);
	if (names.n < 0)
		names.n = -errno;
	return names;
}

void tree_free(struct tree_names *names)
{
	for (int i = 0; i < names->n; i++)
		free(names->entry[i]);
	free(names->entry);
	*names = (struct tree_names){0, NULL};
}
