/* SPDX-License-Identifier: BSD-3-Clause */

#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "export/json.h"
#include "export/value.h"
#include "http/audit.h"
#include "log.h"

#define FILE_MODE 0640
#define PATH_TEXT_MAX 1024u /* of a request: a path may be as long as a header */

/* A pipe that nobody reads, or that is full, must not hold the threads of HTTP. */
static int file_open(const char *path)
{
	int fd = open(
		path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NOCTTY | O_NONBLOCK, FILE_MODE);

	return fd < 0 ? -errno : fd;
}

int audit_open(struct audit *a, const char *path, char err[ERROR_LINE_MAX])
{
	pthread_condattr_t monotonic;

	*a = (struct audit){.fd = -1};
	pthread_mutex_init(&a->lock, NULL);
	pthread_condattr_init(&monotonic);
	pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
	pthread_cond_init(&a->written, &monotonic);
	pthread_condattr_destroy(&monotonic);
	if (path[0] == '\0')
		return 0;
	snprintf(a->path, sizeof(a->path), "%s", path);
	int rc = file_open(path);
	if (rc >= 0) {
		a->fd = rc;
		return 0;
	}
	snprintf(err, ERROR_LINE_MAX, "configuration: http.audit_log: %.200s: %s", path,
		rc == -ENXIO ? "a pipe that nobody reads: start its reader first" : strerror(-rc));
	return rc;
}

void audit_close(struct audit *a)
{
	if (a->fd >= 0)
		close(a->fd);
	pthread_cond_destroy(&a->written);
	pthread_mutex_destroy(&a->lock);
}

void audit_reopen(struct audit *a)
{
	atomic_store_explicit(&a->reopen, true, memory_order_relaxed);
}

void audit_inherit(struct audit *a, const struct audit *before)
{
	atomic_fetch_add_explicit(&a->left_out,
		atomic_load_explicit(&before->left_out, memory_order_relaxed),
		memory_order_relaxed);
}

/* Loses no line: what can't be opened is tried again, and the renamed file taken meanwhile. */
static void reopen(struct audit *a)
{
	static struct log_limit lines;

	if (!atomic_exchange_explicit(&a->reopen, false, memory_order_relaxed))
		return;
	int fd = file_open(a->path);
	if (fd < 0) {
		audit_reopen(a);
		log_limited(&lines, LOG_LEVEL_ERROR,
			"http.audit_log: %.200s: %s: the file that was renamed takes its lines",
			a->path, strerror(-fd));
		return;
	}
	close(a->fd);
	a->fd = fd;
	a->torn = false;
}

static json_t *text_json(const char *text)
{
	char cut[PATH_TEXT_MAX];

	if (!text)
		return json_null();
	snprintf(cut, sizeof(cut), "%s", text);
	return export_octets(cut);
}

/* The line with an end of line before and behind it; *at is where it starts. */
static char *line_make(const struct audit_fact *f, uint64_t left_out)
{
	struct timespec now;

	clock_gettime(CLOCK_REALTIME, &now);
	json_t *line = json_pack("{s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o}", //
		"time",
		value_nanoseconds((uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec), //
		"who", text_json(f->who),                                                      //
		"from", text_json(f->from),                                                    //
		"method", text_json(f->method),                                                //
		"path", text_json(f->path),                                                    //
		"name", text_json(f->name),                                                    //
		"text", text_json(f->text),                                                    //
		"result", text_json(f->result),                                                //
		"status", f->status ? value_count(f->status) : json_null(),                    //
		"why", text_json(f->why),                                                      //
		"left_out", value_count(left_out));
	char *text = line ? json_dumps(line, JSON_COMPACT) : NULL;
	char *whole = NULL;

	if (!text || asprintf(&whole, "\n%s\n", text) < 0)
		whole = NULL;
	free(text);
	json_decref(line);
	return whole;
}

/* Is there room for another refused attempt in this second? */
static bool refused_fits(struct audit *a)
{
	time_t now = time(NULL);

	if (now != a->second) {
		a->second = now;
		a->refused = 0;
	}
	return a->refused++ < AUDIT_REFUSED_A_SECOND;
}

static int line_write(struct audit *a, const char *whole, bool sync)
{
	const char *line = a->torn ? whole : whole + 1;
	size_t len = strlen(line);
	ssize_t n = write(a->fd, line, len);

	a->torn = n >= 0 ? (size_t)n < len : a->torn;
	if (n < 0)
		return -errno;
	if (a->torn)
		return -ENOSPC;
	/* What can't be synced, as a pipe, is written all the same. */
	return sync && fdatasync(a->fd) < 0 && errno != EINVAL ? -errno : 0;
}

/*
 * Who was refused waits for nobody's disk. Who is told that a change is made waits a while; not at
 * a mutex, for the thread sanitizer of clang 14 knows no pthread_mutex_clocklock.
 */
static int turn_take(struct audit *a, bool refused)
{
	struct timespec until;
	int rc = 0;

	clock_gettime(CLOCK_MONOTONIC, &until);
	until.tv_sec += AUDIT_WAIT_SECONDS;
	pthread_mutex_lock(&a->lock);
	while (a->writing && rc == 0)
		rc = refused ? EBUSY : pthread_cond_timedwait(&a->written, &a->lock, &until);
	bool mine = !a->writing;
	a->writing = true;
	pthread_mutex_unlock(&a->lock);
	return mine ? 0 : -rc;
}

static void turn_end(struct audit *a)
{
	pthread_mutex_lock(&a->lock);
	a->writing = false;
	pthread_cond_signal(&a->written);
	pthread_mutex_unlock(&a->lock);
}

int audit_write(struct audit *a, const struct audit_fact *fact)
{
	bool refused = strcmp(fact->result, "refused") == 0;
	uint64_t left_out;
	int rc;

	if (a->path[0] == '\0')
		return 0;
	rc = turn_take(a, refused);
	if (rc == 0) {
		reopen(a);
		left_out = atomic_load_explicit(&a->left_out, memory_order_relaxed);
		char *line = refused && !refused_fits(a) ? NULL : line_make(fact, left_out);

		rc = line ? line_write(a, line, !refused) : refused ? -EAGAIN : -ENOMEM;
		free(line);
		if (rc == 0)
			atomic_fetch_sub_explicit(&a->left_out, left_out, memory_order_relaxed);
		turn_end(a);
	}
	if (!refused || (rc != -EAGAIN && rc != -EBUSY))
		return rc;
	atomic_fetch_add_explicit(&a->left_out, 1, memory_order_relaxed);
	return 0;
}
