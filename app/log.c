/* SPDX-License-Identifier: BSD-3-Clause */

#include <pthread.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <time.h>
#include <unistd.h>

#include "log.h"

static _Atomic int least = LOG_LEVEL_NOTICE;

/* Guards every struct log_limit and the list of those in use. */
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct log_limit *limits;

void log_level_set(enum log_level level)
{
	atomic_store_explicit(&least, (int)level, memory_order_relaxed);
}

static bool wanted(enum log_level level)
{
	return (int)level <= atomic_load_explicit(&least, memory_order_relaxed);
}

/* One write, so that lines of two threads do not mix; one line, whatever a file's name held. */
static void line_write(const char *text)
{
	char line[LOG_LINE_MAX + 64];
	int n = snprintf(line, sizeof(line) - 1, "fluxgate: %s", text);

	if (n < 0)
		return;
	if ((size_t)n > sizeof(line) - 2)
		n = (int)sizeof(line) - 2;
	for (int i = 0; i < n; i++)
		if ((unsigned char)line[i] < 0x20 || line[i] == 0x7f)
			line[i] = '?';
	line[n++] = '\n';
	/* Where standard error is gone there is nobody to tell. */
	if (write(STDERR_FILENO, line, (size_t)n) < 0)
		return;
}

void log_line(enum log_level level, const char *format, ...)
{
	char text[LOG_LINE_MAX];
	va_list args;

	if (!wanted(level))
		return;
	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	line_write(text);
}

static uint64_t seconds_now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec;
}

/* Begins a new window where the old one is over, and tells what that one held back. */
static void limit_settle(struct log_limit *l, uint64_t now)
{
	char text[LOG_LINE_MAX + 40];

	if (now - l->since < LOG_LIMIT_SECONDS)
		return;
	if (l->suppressed && wanted(l->level)) {
		snprintf(text, sizeof(text), "%s (%lu such lines held back)", l->last,
			l->suppressed);
		line_write(text);
	}
	l->since = now;
	l->lines = 0;
	l->suppressed = 0;
}

void log_limited(struct log_limit *limit, enum log_level level, const char *format, ...)
{
	char text[LOG_LINE_MAX];
	va_list args;

	if (!wanted(level))
		return;
	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	pthread_mutex_lock(&lock);
	if (!limit->listed) {
		limit->since = seconds_now();
		limit->next = limits;
		limits = limit;
		limit->listed = true;
	}
	limit_settle(limit, seconds_now());
	if (limit->lines < LOG_LIMIT_LINES) {
		limit->lines++;
		line_write(text);
	} else {
		limit->suppressed++;
		limit->level = level;
		snprintf(limit->last, sizeof(limit->last), "%s", text);
	}
	pthread_mutex_unlock(&lock);
}

void log_settle(void)
{
	uint64_t now = seconds_now();

	pthread_mutex_lock(&lock);
	for (struct log_limit *l = limits; l; l = l->next)
		limit_settle(l, now);
	pthread_mutex_unlock(&lock);
}
