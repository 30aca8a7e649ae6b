/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

/* What the two halves of the feed share: its thread, and what that does in each turn. */

#include <pthread.h>
#include <semaphore.h>
#include <stdatomic.h>

#include "export/eve.h"
#include "export/json.h"
#include "feed/feed.h"
#include "feed/history.h"
#include "feed/output.h"

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
	sem_t ended; /* posted by the thread, last of all */
	int wake;    /* eventfd */
	_Atomic bool stop;
	_Atomic bool reopen;
	pthread_mutex_t lock;         /* of what follows; never held over I/O */
	struct snapshot_board *board; /* NULL: nobody waits for the thread, and it may be gone */
	bool changed;
	struct feed_settings settings;
	struct feed_report report;
};

/* CLOCK_MONOTONIC. */
uint64_t feed_now_ms(void);

/* Writes what waits to the history and to the outputs, as far as they take it, and tells. */
void feed_turn(struct feed *f);
