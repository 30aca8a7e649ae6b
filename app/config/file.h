/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

/* Small files, read whole. */

#include <stddef.h>

/*
 * The octets of a file of less than `max`, to be freed by the caller, *len of
 * them; NULL with errno, EFBIG for a larger one. `max` octets are asked for.
 */
char *file_read(const char *path, size_t max, size_t *len);
