/* SPDX-License-Identifier: BSD-3-Clause */

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "state/files.h"

/* The longest suffix is ".1.refused". */
#define SUFFIX_MAX 10u

static int refuse(char err[ERROR_LINE_MAX], const char *path, const char *why, int rc)
{
	snprintf(err, ERROR_LINE_MAX, "state: %.200s: %.200s", path, why);
	return rc;
}

static int names_make(struct state_files *f, const char *path, char folder[PATH_MAX], char *err)
{
	const char *slash = strrchr(path, '/'), *name = slash ? slash + 1 : path;
	size_t len = strlen(name);

	if (name[0] == '\0' || len > NAME_MAX - SUFFIX_MAX || strlen(path) >= PATH_MAX)
		return refuse(err, path, "the name of a file is expected", -EINVAL);
	snprintf(f->path, sizeof(f->path), "%s", path);
	snprintf(folder, PATH_MAX, "%.*s", slash ? (int)(slash - path) + 1 : 1, slash ? path : ".");
	snprintf(f->name[STATE_FILE_NEWEST], sizeof(f->name[0]), "%s", name);
	snprintf(f->name[STATE_FILE_BEFORE], sizeof(f->name[0]), "%.200s.1", name);
	snprintf(f->temporary, sizeof(f->temporary), "%.200s.tmp", name);
	for (unsigned i = 0; i < STATE_FILES; i++)
		snprintf(f->refused[i], sizeof(f->refused[i]), "%.210s.refused", f->name[i]);
	return 0;
}

static int lock_take(struct state_files *f, char *err)
{
	char lock[NAME_MAX + 1];

	snprintf(lock, sizeof(lock), "%.200s.lock", f->name[STATE_FILE_NEWEST]);
	f->lock = openat(f->folder, lock, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (f->lock < 0)
		return refuse(err, f->path, strerror(errno), -errno);
	if (flock(f->lock, LOCK_EX | LOCK_NB) == 0)
		return 0;
	if (errno == EWOULDBLOCK)
		return refuse(err, f->path,
			"another sensor keeps its state there: give each a state.path of its own",
			-EWOULDBLOCK);
	return refuse(err, f->path, strerror(errno), -errno);
}

int state_files_open(struct state_files *f, const char *path, char err[ERROR_LINE_MAX])
{
	char folder[PATH_MAX];

	f->folder = f->lock = -1;
	int rc = names_make(f, path, folder, err);
	if (rc < 0)
		return rc;
	f->folder = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (f->folder < 0 && errno == ENOENT && mkdir(folder, 0700) == 0)
		f->folder = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (f->folder < 0)
		return refuse(err, folder, strerror(errno), -errno);
	rc = lock_take(f, err);
	if (rc == 0)
		state_files_discard(f);
	return rc;
}

void state_files_close(struct state_files *f)
{
	if (f->lock >= 0)
		close(f->lock);
	if (f->folder >= 0)
		close(f->folder);
	f->folder = f->lock = -1;
}

int state_files_read(const struct state_files *f, enum state_file which)
{
	int fd = openat(f->folder, f->name[which], O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);

	return fd < 0 ? -errno : fd;
}

void state_files_discard(const struct state_files *f)
{
	unlinkat(f->folder, f->temporary, 0);
}

int state_files_create(const struct state_files *f)
{
	int fd;

	/* Not that of a run that was killed: whatever has the name, a link too, goes. */
	state_files_discard(f);
	fd = openat(f->folder, f->temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	return fd < 0 ? -errno : fd;
}

int state_files_commit(const struct state_files *f, int fd)
{
	const char *newest = f->name[STATE_FILE_NEWEST];

	if (fsync(fd) < 0)
		return -errno;
	if (renameat(f->folder, newest, f->folder, f->name[STATE_FILE_BEFORE]) < 0 &&
		errno != ENOENT)
		return -errno;
	if (renameat(f->folder, f->temporary, f->folder, newest) < 0 || fsync(f->folder) < 0)
		return -errno;
	return 0;
}

int state_files_set_aside(const struct state_files *f, enum state_file which)
{
	if (renameat(f->folder, f->name[which], f->folder, f->refused[which]) < 0)
		return -errno;
	return 0;
}
