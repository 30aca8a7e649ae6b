/* SPDX-License-Identifier: BSD-3-Clause */

#include <stdio.h>
#include <time.h>

#include "feed/feed_internal.h"
#include "log.h"

/* A history that could not be written is tried again after so long. */
#define HISTORY_PAUSE_MS 1000u

/* How often the history is looked through for what is too old. */
#define TRIM_MS 5000u

uint64_t feed_now_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000 + (uint64_t)ts.tv_nsec / 1000000;
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

void feed_turn(struct feed *f)
{
	uint64_t now = feed_now_ms();

	if (f->history)
		history_pump(f, now);
	outputs_pump(f, now);
	if (f->history)
		delivered_persist(f);
	report_make(f, now);
}
