/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

/* Small files, read and written whole. */

#include <stddef.h>
#include <sys/types.h>

/*
 * The octets of a file of less than `max`, to be freed by the caller, *len of
 * them; NULL with errno, EFBIG for a larger one. `max` octets are asked for.
 */
char *file_read(const char *path, size_t max, size_t *len);

/*
 * Puts a file in the place of another: whenever the machine stops, one of the two is there,
 * whole, with `mode` whatever the umask. It is written as "PATH.tmp", of which there may be one at
 * a time. Waits for the disk. 0;
 * 1 when it is in place, but its folder could not be synced; or -errno, and what was there
 * still is.
 */
int file_replace(const char *path, const void *octets, size_t len, mode_t mode);

/*
 * Holds "PATH.lock", which is left behind, until the descriptor is closed: of all processes that
 * write PATH one does at a time. The descriptor; -EWOULDBLOCK when it is held; or -errno.
 */
int file_lock(const char *path);
