/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

/*
 * Text as a terminal shows it. What a server says may hold anything; nothing of
 * it reaches the terminal but through text_clean or after text_is_plain.
 */

#include <stdbool.h>
#include <stddef.h>

/*
 * A copy in which each octet of what is no printable character of the locale
 * with a width of its own stands as \DDD, in decimal: controls, escapes, tabs
 * and line ends, marks of direction, what is no UTF-8. A name of the API has
 * that form already and stays as it is. The caller frees it; NULL: out of memory.
 */
char *text_clean(const char *text, size_t len);

/* Nothing to clean but line ends and tabs? */
bool text_is_plain(const char *text, size_t len);

/* Columns that so many octets take; sequences ESC [ ... m take none. */
size_t text_width(const char *text, size_t len);

/* Octets of their longest beginning that takes at most `columns`. */
size_t text_cut(const char *text, size_t len, size_t columns);
