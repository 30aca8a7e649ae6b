/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

/*
 * Hands verdict events on: to the history, to EVE lines in a file or on a socket, to syslog.
 *
 * One thread takes each new snapshot from the board, renders the events that it has not
 * seen and lets each output write what it can. Neither a slow disk nor a slow socket holds
 * up anybody but this thread; what waits is bounded, and what is lost is counted and said.
 *
 * Where a history is kept it also holds up to which event each output has got them: after
 * a restart the outputs go on there. An event comes at least once, by its sequence number.
 */

#include <stdint.h>

#include "config/config.h"
#include "control/snapshot.h"
#include "feed/report.h"

struct feed;

/*
 * Opens the history where there is to be one. `config` is copied. 0; or -errno and one line
 * in err.
 */
int feed_open(struct feed **out, const struct config *config, char err[ERROR_LINE_MAX]);

/* The first sequence number that no run before has used; 0: not known. */
uint64_t feed_first(const struct feed *f);

/* Starts the thread; the board outlives it. 0 or -errno. */
int feed_start(struct feed *f, struct snapshot_board *board);

/* Other outputs and bounds, from the next turn on. Any thread, waits for nobody's I/O. */
void feed_configure(struct feed *f, const struct config *config);

/* Files are opened anew, for they may have been renamed. Any thread. */
void feed_reopen(struct feed *f);

/* What it says of itself: *out is left as it is while the feed writes it. Waits for nobody. */
void feed_tell(struct feed *f, struct feed_report *out);

/*
 * Takes the events of the board's last snapshot, gives outputs a moment to write what waits, and
 * frees the feed. What hangs in a disk is left to end with the process. NULL is allowed.
 */
void feed_stop(struct feed *f);
