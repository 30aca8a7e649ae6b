/* SPDX-License-Identifier: BSD-3-Clause */

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "config/file.h"

char *file_read(const char *path, size_t max, size_t *len)
{
	FILE *f = fopen(path, "rb");
	char *text = f ? malloc(max) : NULL;
	int why = errno;

	if (text) {
		*len = fread(text, 1, max, f);
		why = ferror(f) ? errno : *len == max ? EFBIG : 0;
		if (why) {
			free(text);
			text = NULL;
		}
	}
	if (f)
		fclose(f);
	errno = why;
	return text;
}

/* All octets to the disk; closes fd. */
static int octets_write(int fd, const char *octets, size_t len)
{
	int rc = 0;

	while (len > 0 && rc == 0) {
		ssize_t n = write(fd, octets, len);

		if (n > 0) {
			octets += n;
			len -= (size_t)n;
		} else if (n == 0 || errno != EINTR) {
			rc = n == 0 ? -EIO : -errno;
		}
	}
	if (rc == 0 && fsync(fd) < 0)
		rc = -errno;
	/* Some file systems say only here that there was no room. */
	if (close(fd) < 0 && rc == 0)
		rc = -errno;
	return rc;
}

/* The folder's own record of the new name. */
static int folder_sync(const char *path)
{
	char folder[PATH_MAX];
	const char *slash = strrchr(path, '/');
	int fd, rc;

	snprintf(folder, sizeof(folder), "%.*s", slash ? (int)(slash - path) + 1 : 1,
		slash ? path : ".");
	fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	rc = fsync(fd) < 0 ? -errno : 0;
	close(fd);
	return rc;
}

int file_replace(const char *path, const void *octets, size_t len, mode_t mode)
{
	char temporary[PATH_MAX];
	int fd, rc;

	if (strlen(path) + sizeof(".tmp") > sizeof(temporary))
		return -ENAMETOOLONG;
	snprintf(temporary, sizeof(temporary), "%s.tmp", path);
	/* What a killed run left, or a link that somebody laid there, is not written through. */
	unlink(temporary);
	fd = open(temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, mode);
	if (fd < 0)
		return -errno;
	/* The umask is for files whose mode nobody chose. */
	rc = fchmod(fd, mode) < 0 ? -errno : 0;
	if (rc < 0)
		close(fd);
	else
		rc = octets_write(fd, octets, len);
	if (rc == 0 && rename(temporary, path) < 0)
		rc = -errno;
	if (rc < 0)
		unlink(temporary);
	return rc < 0 ? rc : folder_sync(path) < 0;
}

int file_lock(const char *path)
{
	char lock[PATH_MAX];
	int fd, rc;

	if (snprintf(lock, sizeof(lock), "%s.lock", path) >= (int)sizeof(lock))
		return -ENAMETOOLONG;
	fd = open(lock, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (fd < 0)
		return -errno;
	if (flock(fd, LOCK_EX | LOCK_NB) == 0)
		return fd;
	rc = -errno;
	close(fd);
	return rc;
}
