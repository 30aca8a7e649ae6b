/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

/*
 * CRC-32C (Castagnoli), which finds every error of up to 32 bits in a row. It is
 * not zlib's crc32, whose polynomial is another.
 */

#include <stddef.h>
#include <stdint.h>

/* Goes on from `crc`, 0 at first. By the processor's instruction where it has one. */
uint32_t crc32c(uint32_t crc, const void *data, size_t len);

/* The same by table, for other processors and to compare with. */
uint32_t crc32c_table(uint32_t crc, const void *data, size_t len);
