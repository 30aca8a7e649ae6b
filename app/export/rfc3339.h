/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

/* RFC 3339 times, always UTC: "2009-03-12T14:05:00Z". */

#include <stdint.h>
#include <stdio.h>
#include <time.h>

#define RFC3339_MAX 32u /* room for either form and its NUL */

/* Seconds since 1970. */
static inline void rfc3339_seconds(uint32_t seconds, char text[RFC3339_MAX])
{
	time_t t = seconds;
	struct tm tm;

	gmtime_r(&t, &tm);
	strftime(text, RFC3339_MAX, "%Y-%m-%dT%H:%M:%SZ", &tm);
}

/*
 * Reads a time with "Z" or an offset, of 1970 to 2106; a fraction is cut. 0 or -EINVAL.
 */
int rfc3339_parse(const char *text, uint32_t *seconds);

/* Nanoseconds since 1970, written to the microsecond, cut rather than rounded. */
static inline void rfc3339_nanoseconds(uint64_t ns, char text[RFC3339_MAX])
{
	time_t t = (time_t)(ns / 1000000000u);
	struct tm tm;

	gmtime_r(&t, &tm);
	size_t n = strftime(text, RFC3339_MAX, "%Y-%m-%dT%H:%M:%S", &tm);
	snprintf(text + n, RFC3339_MAX - n, ".%06uZ", (unsigned)(ns / 1000u % 1000000u));
}
