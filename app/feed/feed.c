/* SPDX-License-Identifier: BSD-3-Clause */

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

#include "export/eve.h"
#include "export/json.h"
#include "feed/feed_internal.h"
#include "log.h"
#include "thread.h"

/* How often the board is looked at. */
#define TURN_MS 200

/* At the end: how long outputs may write what waits, and how long the thread is waited for. */
#define DRAIN_MS 1000u
#define STOP_SECONDS 2u

static void settings_of(const struct config *c, struct feed_settings *s)
{
	memset(s, 0, sizeof(*s));
	snprintf(s->target[FEED_EVE_FILE], CONFIG_PATH_MAX, "%s", c->feed.eve_file);
	snprintf(s->target[FEED_EVE_SOCKET], CONFIG_PATH_MAX, "%s", c->feed.eve_socket);
	snprintf(s->target[FEED_SYSLOG], CONFIG_PATH_MAX, "%s", c->feed.syslog);
	s->bounds = (struct history_bounds){c->history.max_days, c->history.max_mib};
}

/* Where an output stands from now on: its first event may come long after. */
static void position_begin(struct feed *f, enum feed_output_kind k)
{
	uint64_t newest = history_newest(f->history);

	f->persisted[k] = newest ? newest : 1;
	f->output[k].report.sequence = f->persisted[k];
	history_deliver(f->history, k, f->persisted[k]);
}

/* One that is no more is not to get all that came meanwhile when it is back. */
static void position_end(struct feed *f, enum feed_output_kind k)
{
	f->persisted[k] = f->output[k].report.sequence = 0;
	history_deliver(f->history, k, 0);
}

static void settings_take(struct feed *f)
{
	struct feed_settings s;

	pthread_mutex_lock(&f->lock);
	bool changed = f->changed;
	f->changed = false;
	s = f->settings;
	pthread_mutex_unlock(&f->lock);
	if (!changed)
		return;
	f->bounds = s.bounds;
	for (unsigned k = 0; k < OUTPUTS; k++) {
		output_target(&f->output[k], s.target[k]);
		if (f->history && s.target[k][0] && !f->persisted[k])
			position_begin(f, (enum feed_output_kind)k);
		else if (f->history && !s.target[k][0] && f->persisted[k])
			position_end(f, (enum feed_output_kind)k);
	}
}

/* Renders one event into the queue. */
static void event_take(struct feed *f, const struct verdict_event *e, const struct verdict *v)
{
	size_t len = 0;
	char *text = export_line(export_event_detail(e, v), "", &len);

	if (text) {
		queue_push(&f->queue, e->sequence, text, len);
		return;
	}
	f->missed++;
	f->missed_at = feed_now_ms();
}

/* What the ring let go before it was looked at: more events in an epoch than it holds. */
static void events_missed(struct feed *f, uint64_t n)
{
	static struct log_limit lines;

	f->missed += n;
	f->missed_at = feed_now_ms();
	log_limited(&lines, LOG_LEVEL_WARNING,
		"export: %lu events came faster than they could be handed on, and are lost", n);
}

static void events_take(struct feed *f, const struct snapshot *s)
{
	const struct event_ring *r = &s->events;
	uint64_t at = f->next > r->first ? f->next : r->first, oldest = events_oldest(r);
	struct verdict_index x;

	if (at < oldest) {
		events_missed(f, oldest - at);
		at = oldest;
	}
	if (at < r->next && verdict_index_make(&x, s) == 0) {
		for (; at < r->next; at++) {
			const struct verdict_event *e = events_at(r, at);
			event_take(f, e, verdict_index_find(&x, e));
		}
		verdict_index_free(&x);
	}
	f->next = at;
}

static void board_look(struct feed *f)
{
	pthread_mutex_lock(&f->lock);
	const struct snapshot *s = f->board ? snapshot_get(f->board) : NULL;
	pthread_mutex_unlock(&f->lock);

	if (s && s->generation != f->generation) {
		events_take(f, s);
		f->generation = s->generation;
	}
	snapshot_put(s);
}

static void requests_take(struct feed *f)
{
	settings_take(f);
	if (atomic_exchange_explicit(&f->reopen, false, memory_order_relaxed))
		for (unsigned k = 0; k < OUTPUTS; k++)
			output_reopen(&f->output[k]);
}

static void wait_for_more(struct feed *f, int milliseconds)
{
	struct pollfd fds[1 + OUTPUTS] = {{.fd = f->wake, .events = POLLIN}};
	uint64_t count;

	for (unsigned k = 0; k < OUTPUTS; k++)
		fds[1 + k] = (struct pollfd){
			.fd = output_waits_for(&f->output[k]) ? f->output[k].fd : -1,
			.events = output_waits_for(&f->output[k]),
		};
	if (poll(fds, 1 + OUTPUTS, milliseconds) > 0 && fds[0].revents)
		(void)!read(f->wake, &count, sizeof(count));
}

static bool all_written(const struct feed *f)
{
	bool all = !f->history || f->history_place >= f->queue.next;

	for (unsigned k = 0; k < OUTPUTS; k++)
		all &= output_idle(&f->output[k], &f->queue);
	return all;
}

static void tell_unwritten(const struct feed *f)
{
	for (unsigned k = 0; k < OUTPUTS; k++)
		if (f->output[k].report.waiting)
			log_line(LOG_LEVEL_WARNING, "export: %s: %lu events not delivered%s",
				feed_output_name((enum feed_output_kind)k),
				f->output[k].report.waiting,
				f->history ? ": they will be after the next start" : "");
	if (f->history_report.waiting)
		log_line(LOG_LEVEL_WARNING, "history: %lu events not kept",
			f->history_report.waiting);
}

static void *feed_run(void *arg)
{
	struct feed *f = arg;

	while (!atomic_load_explicit(&f->stop, memory_order_acquire)) {
		requests_take(f);
		board_look(f);
		feed_turn(f);
		wait_for_more(f, TURN_MS);
	}
	board_look(f);
	uint64_t until = feed_now_ms() + DRAIN_MS;
	feed_turn(f);
	while (!all_written(f) && feed_now_ms() < until) {
		wait_for_more(f, TURN_MS / 10);
		feed_turn(f);
	}
	tell_unwritten(f);
	for (unsigned k = 0; k < OUTPUTS; k++)
		output_close(&f->output[k]);
	history_close(f->history);
	f->history = NULL;
	queue_free(&f->queue);
	sem_post(&f->ended);
	return NULL;
}

/* Where an output goes on: behind what it got before, of what the history has since. */
static void outputs_resume(struct feed *f)
{
	uint64_t least = UINT64_MAX;

	for (unsigned k = 0; k < OUTPUTS; k++) {
		f->persisted[k] = history_delivered(f->history, (enum feed_output_kind)k);
		if (f->settings.target[k][0] && f->persisted[k] && f->persisted[k] < least)
			least = f->persisted[k];
	}
	if (least < history_newest(f->history))
		history_resume(f->history, least, &f->queue);
	for (unsigned k = 0; k < OUTPUTS; k++) {
		struct output *o = &f->output[k];

		o->place = f->persisted[k] ? f->queue.first : f->queue.next;
		o->report.sequence = f->persisted[k];
		while (o->place < f->queue.next &&
			f->queue.item[o->place % QUEUE_ITEMS_MAX].sequence <= f->persisted[k])
			o->place++;
	}
	f->history_place = f->queue.next;
}

int feed_open(struct feed **out, const struct config *config, char err[ERROR_LINE_MAX])
{
	struct feed *f = calloc(1, sizeof(*f));

	if (!f) {
		snprintf(err, ERROR_LINE_MAX, "memory: out of memory at start");
		return -ENOMEM;
	}
	export_host(f->host);
	pthread_mutex_init(&f->lock, NULL);
	sem_init(&f->ended, 0, 0);
	for (unsigned k = 0; k < OUTPUTS; k++)
		output_init(&f->output[k], (enum feed_output_kind)k, f->host);
	settings_of(config, &f->settings);
	f->changed = true;
	f->wake = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	int rc = f->wake < 0 ? -errno : 0;
	if (rc < 0)
		snprintf(err, ERROR_LINE_MAX, "eventfd: %s", strerror(-rc));
	if (rc == 0 && config->history.path[0]) {
		rc = history_open(&f->history, config->history.path, err);
		f->history_report.configured = f->history_report.up = true;
	}
	if (rc == 0 && f->history)
		outputs_resume(f);
	if (rc < 0)
		feed_stop(f);
	else
		*out = f;
	return rc;
}

uint64_t feed_first(const struct feed *f)
{
	return f->history ? history_newest(f->history) + 1 : 0;
}

int feed_start(struct feed *f, struct snapshot_board *board)
{
	f->board = board;
	int rc = thread_start(&f->thread, feed_run, f);
	f->running = rc == 0;
	return rc;
}

static void wake(struct feed *f)
{
	const uint64_t one = 1;

	(void)!write(f->wake, &one, sizeof(one));
}

void feed_configure(struct feed *f, const struct config *config)
{
	pthread_mutex_lock(&f->lock);
	settings_of(config, &f->settings);
	f->changed = true;
	pthread_mutex_unlock(&f->lock);
	wake(f);
}

void feed_reopen(struct feed *f)
{
	atomic_store_explicit(&f->reopen, true, memory_order_relaxed);
	wake(f);
}

void feed_tell(struct feed *f, struct feed_report *out)
{
	if (pthread_mutex_trylock(&f->lock) != 0)
		return;
	*out = f->report;
	pthread_mutex_unlock(&f->lock);
}

/* Does the thread end in time? The thread sanitizer of clang 14 knows no pthread_clockjoin_np. */
static bool ends(struct feed *f)
{
	struct timespec until;
	int rc;

	clock_gettime(CLOCK_MONOTONIC, &until);
	until.tv_sec += STOP_SECONDS;
	do
		rc = sem_clockwait(&f->ended, CLOCK_MONOTONIC, &until);
	while (rc < 0 && errno == EINTR);
	return rc == 0 && pthread_join(f->thread, NULL) == 0;
}

void feed_stop(struct feed *f)
{
	if (!f)
		return;
	if (f->running) {
		atomic_store_explicit(&f->stop, true, memory_order_release);
		wake(f);
		if (!ends(f)) {
			log_line(LOG_LEVEL_ERROR,
				"export: a disk did not take the last events within %u s",
				STOP_SECONDS);
			/* The board may go before the disk lets the thread go on. */
			pthread_mutex_lock(&f->lock);
			f->board = NULL;
			pthread_mutex_unlock(&f->lock);
			return;
		}
	}
	history_close(f->history);
	queue_free(&f->queue);
	if (f->wake >= 0)
		close(f->wake);
	sem_destroy(&f->ended);
	pthread_mutex_destroy(&f->lock);
	free(f);
}
