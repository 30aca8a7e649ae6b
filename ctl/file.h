/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

#include <stddef.h>

/*
 * Makes a file hold these octets, durably: beside it first and then in its place, so
 * that who reads it sees the old one or the new one, also after a crash. Mode, owner
 * and group of one that is there are kept, or it stays as it is: -EPERM. `file` is no link.
 * 0 or -errno.
 */
int file_replace(const char *file, const char *data, size_t len);
