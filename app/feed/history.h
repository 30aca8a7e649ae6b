/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

/*
 * Verdict events kept in an SQLite file, a row each, bounded by age and size: docs/operations.md
 * has the columns. A row is there for good once history_append has returned 0, whatever
 * becomes of the program or the machine. One thread writes; any number of readers
 * open the file on their own (history_read).
 */

#include <stdbool.h>
#include <stdint.h>

#include <jansson.h>

#include "cli/exit.h"
#include "feed/queue.h"
#include "feed/report.h"

/* Rows of one transaction, at most. */
#define HISTORY_BATCH 256u

struct history;

/* How much is kept. */
struct history_bounds {
	uint32_t max_days;
	uint32_t max_mib; /* of the file; its write-ahead log takes up to 8 MiB more */
};

/*
 * Opens or makes the file, for this program alone to write. 0; or -errno and one line in
 * err: -EWOULDBLOCK another sensor has it, -EPROTO it is of a later version or no history.
 * A database that is damaged is set aside as PATH.refused, or PATH.refused.1 to .9 when that is
 * there, told of, and a new one made; a file that is no database stays as it is.
 */
int history_open(struct history **out, const char *path, char err[ERROR_LINE_MAX]);
void history_close(struct history *h); /* NULL is allowed */

/*
 * Keeps the items of places [from, to) in one transaction; one whose sequence is there
 * already stays as it is. 0; or -EIO with none of them kept, see history_error.
 */
int history_append(struct history *h, const struct queue *q, uint64_t from, uint64_t to);

/*
 * Deletes what is too old, and the oldest where there is too much, a slice at a time: call
 * it again and again. `now` in seconds since 1970; it counts up to a day, and the time that has
 * passed, after the newest event of history_open: a clock that was set ahead must not
 * delete all. True when there is more to delete.
 */
bool history_trim(struct history *h, const struct history_bounds *bounds, uint32_t now);

/* Sequence of the newest row; 0: none. */
uint64_t history_newest(const struct history *h);

/* Up to which event an output has got them; 0: not known. */
uint64_t history_delivered(struct history *h, enum feed_output_kind output);
int history_deliver(struct history *h, enum feed_output_kind output, uint64_t sequence);

/* Puts the rows after `sequence` into the queue, the newest QUEUE_ITEMS_MAX of them. */
int history_resume(struct history *h, uint64_t sequence, struct queue *q);

/* Why the last call failed; "" when none did. */
const char *history_error(const struct history *h);

void history_report(const struct history *h, struct feed_history_report *out);

/* Which events are asked for, newest first. */
struct history_query {
	uint32_t from, to;  /* seconds since 1970, both included */
	const char *name;   /* registered domain in presentation form, or NULL */
	uint32_t limit;     /* 1..EXPORT_LIMIT_MAX */
	const char *cursor; /* next_cursor of the page before, or NULL */
};

/* What one question may cost. */
#define HISTORY_READ_MS 500u

/*
 * One page, on a connection of its own; any thread. 0, -EINVAL (no cursor of ours), -ETIMEDOUT
 * (it took too long), -EIO or -ENOMEM; *out is set on 0 only.
 */
int history_read(const char *path, const struct history_query *q, json_t **out);
