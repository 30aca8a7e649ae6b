/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

/*
 * Punycode (RFC 3492), the encoding direction only: the public suffix list is
 * written in U-labels, names on the wire carry A-labels.
 */

#include <stddef.h>
#include <stdint.h>

/*
 * Encodes `count` code points into `out` (no "xn--" in front, no terminator).
 * Returns the octets written, 0 when they do not fit in `size` or there is
 * nothing to encode. `count` is at most PUNYCODE_MAX, so nothing can overflow.
 */
#define PUNYCODE_MAX 63u
size_t punycode_encode(const uint32_t *code, size_t count, uint8_t *out, size_t size);
