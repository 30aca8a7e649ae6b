/* SPDX-License-Identifier: BSD-3-Clause */

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

#include "export/eve.h"
#include "export/json.h"
#include "feed/feed.h"
#include "feed/history.h"
#include "feed/output.h"
#include "log.h"

/* How often the board is looked at. */
#define TURN_MS 200

/* At the end: how long outputs may write what waits, and how long the thread is waited for. */
#define DRAIN_MS 1000u
#define STOP_SECONDS 2u

/* A history that could not be written is tried again after so long. */
#define HISTORY_PAUSE_MS 1000u

/* How often the history is looked through for what is too old. */
#define TRIM_MS 5000u

/* Of the outputs the history is not among. */
#define OUTPUTS FEED_OUTPUT_COUNT

/* What a reload may change. */
struct feed_settings {
	char target[OUTPUTS][CONFIG_PATH_MAX];
	struct history_bounds bounds;
};

struct feed {
	/* The thread's. */
	char host[EXPORT_HOST_MAX];
	struct queue queue;
	struct output output[OUTPUTS]; /* that of the history has no target */
	struct history *history;       /* NULL: none is kept */
	struct history_bounds bounds;
	uint64_t history_place;
	uint64_t history_retry;
	uint64_t trim_at;
	uint64_t history_waiting; /* monotonic milliseconds since when; 0: nothing waits */
	uint64_t history_lost_at;
	struct feed_output_report history_report;
	uint64_t persisted[OUTPUTS];
	uint32_t generation; /* of the last snapshot that was looked at */
	uint64_t next;       /* sequence of the next event; 0: none was seen */
	uint64_t missed;
	uint64_t missed_at;
	/* Shared. */
	pthread_t thread;
	bool running;
	int wake; /* eventfd */
	_Atomic bool stop;
	_Atomic bool reopen;
	pthread_mutex_t lock;         /* of what follows; never held over I/O */
	struct snapshot_board *board; /* NULL: nobody waits for the thread, and it may be gone */
	bool changed;
	struct feed_settings settings;
	struct feed_report report;
};

static uint64_t now_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000 + (uint64_t)ts.tv_nsec / 1000000;
}

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
	f->missed_at = now_ms();
}

/* What the ring let go before it was looked at: more events in an epoch than it holds. */
static void events_missed(struct feed *f, uint64_t n)
{
	static struct log_limit lines;

	f->missed += n;
	f->missed_at = now_ms();
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

static void history_failed(struct feed *f, uint64_t now)
{
	struct feed_output_report *r = &f->history_report;

	r->failures++;
	if (!r->error[0])
		log_line(LOG_LEVEL_WARNING, "history: %s: it is tried again",
			history_error(f->history));
	snprintf(r->error, sizeof(r->error), "%s", history_error(f->history));
	r->up = false;
	f->history_retry = now + HISTORY_PAUSE_MS;
}

static void history_works(struct feed *f)
{
	struct feed_output_report *r = &f->history_report;

	if (r->error[0])
		log_line(LOG_LEVEL_NOTICE, "history: works again: %lu events lost since start",
			r->lost);
	r->error[0] = '\0';
	r->up = true;
}

static void history_pump(struct feed *f, uint64_t now)
{
	struct feed_output_report *r = &f->history_report;
	uint64_t lost = r->lost, kept = r->delivered;

	while (now >= f->history_retry && queue_at(&f->queue, &f->history_place, &r->lost)) {
		uint64_t to = f->queue.next - f->history_place < HISTORY_BATCH
				      ? f->queue.next
				      : f->history_place + HISTORY_BATCH;

		if (history_append(f->history, &f->queue, f->history_place, to) < 0) {
			history_failed(f, now);
			break;
		}
		history_works(f);
		r->delivered += to - f->history_place;
		r->sequence = history_newest(f->history);
		f->history_place = to;
	}
	/* The bounds hold without new events, too. */
	if (now >= f->trim_at || r->delivered > kept)
		f->trim_at = history_trim(f->history, &f->bounds, (uint32_t)time(NULL))
				     ? now
				     : now + TRIM_MS;
	if (r->lost > lost)
		f->history_lost_at = now;
	r->waiting = f->queue.next - f->history_place;
	f->history_waiting = !r->waiting ? 0 : f->history_waiting ? f->history_waiting : now;
}

/* An output is written behind the history: then it never has what a restart does not know. */
static void delivered_persist(struct feed *f)
{
	for (unsigned k = 0; k < OUTPUTS; k++) {
		uint64_t sequence = f->output[k].report.sequence;

		if (f->output[k].target[0] && sequence != f->persisted[k] &&
			history_deliver(f->history, (enum feed_output_kind)k, sequence) == 0)
			f->persisted[k] = sequence;
	}
}

static void outputs_pump(struct feed *f, uint64_t now)
{
	uint64_t least = f->history ? f->history_place : f->queue.next;

	for (unsigned k = 0; k < OUTPUTS; k++) {
		output_pump(&f->output[k], &f->queue, now);
		if (output_place(&f->output[k]) < least)
			least = output_place(&f->output[k]);
	}
	queue_trim(&f->queue, least);
}

static bool recently(uint64_t then, uint64_t now, unsigned seconds)
{
	return then && now - then < seconds * UINT64_C(1000);
}

static bool late(uint64_t since, uint64_t now)
{
	return since && now - since > FEED_LAG_SECONDS * UINT64_C(1000);
}

static void report_make(struct feed *f, uint64_t now)
{
	struct feed_report r = {.running = true, .missed = f->missed};

	r.behind = recently(f->missed_at, now, FEED_LOSS_SECONDS) ||
		   late(f->history_waiting, now) ||
		   recently(f->history_lost_at, now, FEED_LOSS_SECONDS);
	for (unsigned k = 0; k < OUTPUTS; k++) {
		const struct output *o = &f->output[k];

		r.output[k] = o->report;
		r.behind |=
			late(o->waiting_since, now) || recently(o->lost_at, now, FEED_LOSS_SECONDS);
	}
	if (f->history) {
		r.output[FEED_HISTORY] = f->history_report;
		history_report(f->history, &r.history);
	}
	pthread_mutex_lock(&f->lock);
	f->report = r;
	pthread_mutex_unlock(&f->lock);
}

static void turn(struct feed *f)
{
	uint64_t now = now_ms();

	if (f->history)
		history_pump(f, now);
	outputs_pump(f, now);
	if (f->history)
		delivered_persist(f);
	report_make(f, now);
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
		turn(f);
		wait_for_more(f, TURN_MS);
	}
	board_look(f);
	uint64_t until = now_ms() + DRAIN_MS;
	turn(f);
	while (!all_written(f) && now_ms() < until) {
		wait_for_more(f, TURN_MS / 10);
		turn(f);
	}
	tell_unwritten(f);
	for (unsigned k = 0; k < OUTPUTS; k++)
		output_close(&f->output[k]);
	history_close(f->history);
	f->history = NULL;
	queue_free(&f->queue);
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
	sigset_t all, before;

	f->board = board;
	/* Signals are for the main thread. */
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	int rc = pthread_create(&f->thread, NULL, feed_run, f);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	f->running = rc == 0;
	return -rc;
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

void feed_stop(struct feed *f)
{
	struct timespec until;

	if (!f)
		return;
	if (f->running) {
		atomic_store_explicit(&f->stop, true, memory_order_release);
		wake(f);
		clock_gettime(CLOCK_REALTIME, &until);
		until.tv_sec += STOP_SECONDS;
		if (pthread_timedjoin_np(f->thread, NULL, &until) != 0) {
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
	pthread_mutex_destroy(&f->lock);
	free(f);
}
