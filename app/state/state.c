/* SPDX-License-Identifier: BSD-3-Clause */

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "log.h"
#include "psl/psl.h"
#include "state/state.h"

#define NS_PER_SECOND UINT64_C(1000000000)

/* Torn so often in a row it is not the moment but the machine. */
#define TORN_MAX 5u
#define STALE_INTERVALS 3u

static uint64_t now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * NS_PER_SECOND + (uint64_t)ts.tv_nsec;
}

const char *state_load_name(enum state_load_result r)
{
	static const char *const names[STATE_LOAD_COUNT] = {
#define X(name, text) [name] = text,
		STATE_LOADS(X)
#undef X
	};
	return names[r];
}

int state_open(struct state *s, const char *path, char err[ERROR_LINE_MAX])
{
	memset(s, 0, sizeof(*s));
	s->files.folder = s->files.lock = -1;
	int rc = state_files_open(&s->files, path, err);
	if (rc < 0)
		state_files_close(&s->files);
	else
		s->report.path = path;
	return rc;
}

int state_start(
	struct state *s, const struct state_tables *t, void *buffer, char err[ERROR_LINE_MAX])
{
	s->store = t->store;
	s->detector = t->detector;
	s->psl = t->psl ? psl_fingerprint(t->psl) : 0;
	s->slice_ns = STATE_SLICE_NS;
	s->begun = s->written = now_ns();
	int rc = writer_start(&s->writer, buffer, &s->files);
	if (rc < 0)
		snprintf(err, ERROR_LINE_MAX, "state: no thread could be started: %s",
			strerror(-rc));
	return rc;
}

/* What became of the one that was given last. */
static void result_take(struct state *s)
{
	static struct log_limit lines;
	struct state_report *r = &s->report;
	const struct writer_result *w = &s->writer.result;
	uint32_t done = atomic_load_explicit(&s->writer.done, memory_order_acquire);

	if (!s->committing || done == s->done)
		return;
	s->done = done;
	s->committing = false;
	snprintf(r->error, sizeof(r->error), "%s", w->error);
	if (w->error[0]) {
		r->failures++;
		log_limited(&lines, LOG_LEVEL_ERROR, "%s", w->error);
		return;
	}
	r->saves++;
	r->saved = w->time;
	r->octets = w->octets;
	r->write_ns = w->ns;
	s->written = now_ns();
	log_line(LOG_LEVEL_DEBUG, "state: %lu octets saved in %lu ms", w->octets, w->ns / 1000000);
}

static void begin(struct state *s)
{
	state_save_begin(&s->save, s->store, s->detector, s->psl);
	s->saving = true;
	s->again = false;
	s->begun = now_ns();
	/* A buffer of one that was torn is used again. */
	if (s->buffer)
		s->buffer->used = 0;
}

/* The store went on before all of it was read. */
static void torn(struct state *s)
{
	static struct log_limit lines;

	s->saving = false;
	s->again = true;
	s->report.torn++;
	if (s->slice_ns < STATE_SLICE_MAX_NS)
		s->slice_ns *= 2;
	if (++s->torn_in_a_row == TORN_MAX) {
		s->torn_in_a_row = 0;
		log_limited(&lines, LOG_LEVEL_WARNING,
			"state: %.200s: no epoch is long enough to save in: raise epoch_seconds, "
			"or name a faster disk in state.path",
			s->report.path);
	}
}

/* One helping. False: all is given, or the disk is behind. */
static bool fill(struct state *s)
{
	bool full, first = s->save.records == 0;

	if (!s->buffer) {
		s->buffer = writer_next(&s->writer);
		if (!s->buffer)
			return false;
		s->buffer->used = 0;
	}
	struct writer_buffer *b = s->buffer;
	b->first = b->used == 0 ? first : b->first;
	b->used += state_save_fill(
		&s->save, b->octets + b->used, WRITER_BUFFER_OCTETS - b->used, &full);
	b->last = s->save.over;
	b->time = store_now(s->store);
	if (!full && !b->last)
		return true;
	writer_give(&s->writer);
	s->buffer = NULL;
	if (!s->save.over)
		return true;
	s->saving = false;
	s->committing = true;
	s->torn_in_a_row = 0;
	return false;
}

static void slice(struct state *s)
{
	uint64_t started = now_ns(), took;

	while (fill(s) && now_ns() - started < s->slice_ns)
		;
	took = now_ns() - started;
	if (took > s->report.step_ns)
		s->report.step_ns = took;
}

void state_step(struct state *s, bool closed, uint32_t interval_seconds)
{
	uint64_t interval = interval_seconds * NS_PER_SECOND, now = now_ns();

	result_take(s);
	if (closed && s->saving)
		torn(s);
	/* Right after a merge, so that as much time as can be is left until the next. */
	if (closed && !s->saving && !s->committing && (s->again || now - s->begun >= interval))
		begin(s);
	if (s->saving)
		slice(s);
	s->report.stale = s->report.error[0] || now - s->written > STALE_INTERVALS * interval;
}

static bool wait_until(uint64_t deadline)
{
	nanosleep(&(struct timespec){.tv_nsec = 1000000}, NULL);
	return now_ns() < deadline;
}

void state_stop(struct state *s)
{
	uint64_t deadline = now_ns() + STATE_STOP_SECONDS * NS_PER_SECOND;
	bool in_time = true;

	if (!s->writer.running)
		return;
	for (result_take(s); s->committing && in_time; result_take(s))
		in_time = wait_until(deadline);
	if (in_time)
		begin(s);
	while (s->saving && in_time)
		if (!fill(s) && s->saving)
			in_time = wait_until(deadline);
	for (; s->committing && in_time; result_take(s))
		in_time = wait_until(deadline);
	if (in_time) {
		writer_stop(&s->writer);
		return;
	}
	/* It hangs in the kernel, and ends with the process. */
	log_line(LOG_LEVEL_ERROR,
		"state: %.200s: the disk did not take the last state within %u s: that of %lu s "
		"before stays",
		s->report.path, STATE_STOP_SECONDS, (now_ns() - s->written) / NS_PER_SECOND);
}

void state_close(struct state *s)
{
	if (s->report.path)
		state_files_close(&s->files);
	s->report.path = NULL;
}
