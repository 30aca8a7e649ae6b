/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

/* Server-Sent Events, put together from the pieces in which they come. */

#include <stdbool.h>
#include <stddef.h>

#define SSE_LINE_MAX 65536u
#define SSE_FIELD_MAX 32u

struct sse {
	char line[SSE_LINE_MAX];
	char data[SSE_LINE_MAX];
	char event[SSE_FIELD_MAX];
	size_t n, data_n;
	bool broken; /* a line or an event that is too long */
	/* One event; `data` ends with a NUL. */
	void (*take)(void *ctx, const char *event, const char *data, size_t len);
	void *ctx;
};

/* Takes what came; false: broken, the stream is to be ended. All but take and ctx begin as 0. */
bool sse_feed(struct sse *s, const char *data, size_t len);
