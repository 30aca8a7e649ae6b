/* SPDX-License-Identifier: BSD-3-Clause */

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "file.h"

static int write_whole(int fd, const char *data, size_t len)
{
	while (len) {
		ssize_t n = write(fd, data, len);

		if (n < 0 && errno != EINTR)
			return -errno;
		if (n > 0) {
			data += n;
			len -= (size_t)n;
		}
	}
	return fsync(fd) < 0 ? -errno : 0;
}

/* Who may read the file that is replaced; else what a new file gets. The owner first: it clears
 * bits of the mode. */
static int rights_set(int fd, const char *file)
{
	struct stat old, own;
	mode_t mask = umask(0);

	umask(mask);
	if (stat(file, &old) < 0)
		return errno != ENOENT || fchmod(fd, 0666 & ~mask) < 0 ? -errno : 0;
	if (fstat(fd, &own) < 0)
		return -errno;
	if ((own.st_uid != old.st_uid || own.st_gid != old.st_gid) &&
		fchown(fd, old.st_uid, old.st_gid) < 0)
		return -errno;
	return fchmod(fd, old.st_mode & 0777) < 0 ? -errno : 0;
}

static int folder_open(const char *file)
{
	const char *slash = strrchr(file, '/');
	char *folder = slash ? strndup(file, (size_t)(slash - file) + 1) : strdup(".");

	if (!folder)
		return -ENOMEM;
	int fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	int rc = fd < 0 ? -errno : fd;
	free(folder);
	return rc;
}

static int write_beside(
	const char *temporary, int fd, const char *file, const char *data, size_t len)
{
	int rc = rights_set(fd, file);

	if (rc == 0)
		rc = write_whole(fd, data, len);
	if (close(fd) < 0 && rc == 0)
		rc = -errno;
	if (rc == 0 && rename(temporary, file) < 0)
		rc = -errno;
	if (rc)
		unlink(temporary);
	return rc;
}

int file_replace(const char *file, const char *data, size_t len)
{
	int folder = folder_open(file), rc = folder < 0 ? folder : 0;
	char *temporary = NULL;

	if (rc == 0 && asprintf(&temporary, "%s.XXXXXX", file) < 0) {
		temporary = NULL;
		rc = -ENOMEM;
	}
	if (rc == 0) {
		int fd = mkostemp(temporary, O_CLOEXEC);

		rc = fd < 0 ? -errno : write_beside(temporary, fd, file, data, len);
	}
	if (rc == 0 && fsync(folder) < 0)
		rc = -errno;
	free(temporary);
	if (folder >= 0)
		close(folder);
	return rc;
}
