/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

/*
 * The files of a state, in one folder:
 *
 *   NAME          the newest
 *   NAME.1        the one before
 *   NAME.tmp      being written
 *   NAME.lock     held by the sensor that writes here
 *   *.refused     could not be used; kept for whoever wants to look, never read
 *
 * A state is whole before it gets its name, and the one before keeps another
 * meanwhile: whenever the machine stops, one of the two is there.
 */

#include <limits.h>
#include <stddef.h>

#include "cli/exit.h"

enum state_file { STATE_FILE_NEWEST, STATE_FILE_BEFORE, STATE_FILES };

struct state_files {
	char path[PATH_MAX];
	char name[STATE_FILES][NAME_MAX + 1];
	char refused[STATE_FILES][NAME_MAX + 1];
	char temporary[NAME_MAX + 1];
	int folder; /* descriptors; -1: none */
	int lock;
};

/*
 * Opens the folder, which is made when only it is missing, and takes the lock. 0; or
 * -errno and one line in err, -EWOULDBLOCK when another sensor has it.
 */
int state_files_open(struct state_files *f, const char *path, char err[ERROR_LINE_MAX]);
void state_files_close(struct state_files *f); /* also after a failure */

/* Opens a state for reading: a descriptor, or -errno. */
int state_files_read(const struct state_files *f, enum state_file which);

/* Makes the temporary file anew: a descriptor, or -errno. */
int state_files_create(const struct state_files *f);

/* Makes the temporary file, written to fd, the newest. 0 or -errno. */
int state_files_commit(const struct state_files *f, int fd);

/* Removes the temporary file: it may be what fills the disk. */
void state_files_discard(const struct state_files *f);

/* Renames a state that cannot be used, so that no other takes its place for good. 0 or -errno. */
int state_files_set_aside(const struct state_files *f, enum state_file which);
