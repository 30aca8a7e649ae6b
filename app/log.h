/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

/*
 * What a running sensor says: one line each on standard error, "fluxgate: " in
 * front. Control and management threads only: a line is a system call, which no
 * worker may make. Any of them, at any time.
 */

#include <stdbool.h>
#include <stdint.h>

enum log_level {
	LOG_LEVEL_ERROR,
	LOG_LEVEL_WARNING,
	LOG_LEVEL_NOTICE,
	LOG_LEVEL_INFO,
	LOG_LEVEL_DEBUG,
	LOG_LEVEL_COUNT
};

/* Lines of one kind in one window; those beyond are counted and told at its end. */
#define LOG_LIMIT_LINES 8u
#define LOG_LIMIT_SECONDS 60u
#define LOG_LINE_MAX 512u

/*
 * A kind of line that may come often. Static storage, zero at first; written
 * under the log's lock.
 */
struct log_limit {
	uint64_t since; /* start of its window, monotonic seconds */
	uint32_t lines; /* in that window */
	uint64_t suppressed;
	enum log_level level;    /* of the last line suppressed ... */
	char last[LOG_LINE_MAX]; /* ... and the line */
	bool listed;
	struct log_limit *next;
};

/* The least weight that is written from now on. Relaxed: the next lines follow it. */
void log_level_set(enum log_level level);

void log_line(enum log_level level, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* The same, for a line that may come often. */
void log_limited(struct log_limit *limit, enum log_level level, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

/* Tells of what was suppressed in windows that are over. Control, now and then. */
void log_settle(void);
