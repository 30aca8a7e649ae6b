/* SPDX-License-Identifier: BSD-3-Clause */

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "export/rfc3339.h"
#include "feed/history_internal.h"

/* Room for one batch, so that the file stays within its bound also before it is trimmed. */
#define HEADROOM_OCTETS ((uint64_t)2 << 20)

int history_fail(struct history *h, const char *what)
{
	snprintf(
		h->error, sizeof(h->error), "%.200s: %s: %s", h->path, what, sqlite3_errmsg(h->db));
	return -EIO;
}

int history_run(struct history *h, enum statement which)
{
	sqlite3_stmt *s = h->statement[which];
	int rc;

	while ((rc = sqlite3_step(s)) == SQLITE_ROW)
		;
	sqlite3_reset(s);
	return rc == SQLITE_DONE ? SQLITE_OK : rc;
}

uint64_t history_number(struct history *h, enum statement which)
{
	sqlite3_stmt *s = h->statement[which];
	int64_t n = sqlite3_step(s) == SQLITE_ROW ? sqlite3_column_int64(s, 0) : 0;

	sqlite3_reset(s);
	return n > 0 ? (uint64_t)n : 0;
}

uint64_t history_clock(clockid_t clock)
{
	struct timespec now;

	clock_gettime(clock, &now);
	return (uint64_t)now.tv_sec;
}

static int bind_text(sqlite3_stmt *s, int at, const json_t *event, const char *key)
{
	const char *text = json_string_value(json_object_get(event, key));

	return sqlite3_bind_text(s, at, text ? text : "", -1, SQLITE_TRANSIENT);
}

/* Seconds since 1970 of a time that value_seconds wrote. */
static int64_t seconds_of(const json_t *time)
{
	const char *text = json_string_value(time);
	uint32_t seconds = 0;

	if (text)
		rfc3339_parse(text, &seconds);
	return seconds;
}

static int insert(struct history *h, const struct queue_item *item)
{
	sqlite3_stmt *s = h->statement[INSERT];
	json_t *event = json_loadb(item->text, item->len, 0, NULL);

	sqlite3_bind_int64(s, 1, (sqlite3_int64)item->sequence);
	sqlite3_bind_int64(s, 2, seconds_of(json_object_get(event, "time")));
	bind_text(s, 3, event, "domain");
	bind_text(s, 4, event, "class");
	sqlite3_bind_double(s, 5, json_number_value(json_object_get(event, "score")));
	sqlite3_bind_int(s, 6, json_is_true(json_object_get(event, "suspected")));
	bind_text(s, 7, event, "event");
	sqlite3_bind_text(s, 8, item->text, (int)item->len, SQLITE_STATIC);
	json_decref(event);
	int rc = history_run(h, INSERT);
	sqlite3_clear_bindings(s);
	return rc;
}

int history_append(struct history *h, const struct queue *q, uint64_t from, uint64_t to)
{
	uint64_t added = 0, newest = h->newest;
	int rc = history_run(h, BEGIN);

	if (rc != SQLITE_OK)
		return history_fail(h, "begin");
	for (uint64_t i = from; i < to && rc == SQLITE_OK; i++) {
		const struct queue_item *item = &q->item[i % QUEUE_ITEMS_MAX];

		rc = insert(h, item);
		added += (uint64_t)sqlite3_changes(h->db);
		newest = item->sequence > newest ? item->sequence : newest;
	}
	if (rc == SQLITE_OK)
		rc = history_run(h, COMMIT);
	if (rc != SQLITE_OK) {
		history_fail(h, "write");
		history_run(h, ROLLBACK);
		return -EIO;
	}
	h->newest = newest;
	h->report.events += added;
	if (h->report.oldest == 0)
		h->report.oldest = (uint32_t)history_number(h, OLDEST_TIME);
	h->report.octets = history_number(h, PAGES) * HISTORY_PAGE_OCTETS;
	h->error[0] = '\0';
	return 0;
}

/* Deletes by one of the two, and gives pages back. False when nothing was. */
static bool slice(struct history *h, enum statement which)
{
	if (history_run(h, which) != SQLITE_OK) {
		history_fail(h, "delete");
		return false;
	}
	uint64_t gone = (uint64_t)sqlite3_changes(h->db);
	h->report.removed += gone;
	h->report.events -= gone < h->report.events ? gone : h->report.events;
	return gone > 0;
}

bool history_trim(struct history *h, const struct history_bounds *bounds, uint32_t now)
{
	uint64_t kept = (uint64_t)bounds->max_days * 86400;
	uint64_t most = ((uint64_t)bounds->max_mib << 20) - HEADROOM_OCTETS;
	uint64_t latest = h->latest + history_clock(CLOCK_BOOTTIME) - h->begun;
	bool more = false;

	if (now > latest)
		now = (uint32_t)latest;
	if (now > kept) {
		sqlite3_bind_int64(h->statement[DELETE_BEFORE], 1, (sqlite3_int64)(now - kept));
		more = slice(h, DELETE_BEFORE);
	}
	if ((history_number(h, PAGES) - history_number(h, PAGES_FREE)) * HISTORY_PAGE_OCTETS > most)
		more |= slice(h, DELETE_OLDEST);
	if (history_number(h, PAGES_FREE) > HISTORY_SLICE_PAGES || more)
		history_run(h, VACUUM);
	if (more)
		h->report.oldest = (uint32_t)history_number(h, OLDEST_TIME);
	h->report.octets = history_number(h, PAGES) * HISTORY_PAGE_OCTETS;
	return more;
}

uint64_t history_newest(const struct history *h)
{
	return h->newest;
}

uint64_t history_delivered(struct history *h, enum feed_output_kind output)
{
	sqlite3_bind_text(h->statement[DELIVERED], 1, feed_output_name(output), -1, SQLITE_STATIC);
	return history_number(h, DELIVERED);
}

int history_deliver(struct history *h, enum feed_output_kind output, uint64_t sequence)
{
	sqlite3_stmt *s = h->statement[DELIVER];

	sqlite3_bind_text(s, 1, feed_output_name(output), -1, SQLITE_STATIC);
	sqlite3_bind_int64(s, 2, (sqlite3_int64)sequence);
	return history_run(h, DELIVER) == SQLITE_OK ? 0 : history_fail(h, "write");
}

int history_resume(struct history *h, uint64_t sequence, struct queue *q)
{
	sqlite3_stmt *s = h->statement[AFTER];
	int rc;

	sqlite3_bind_int64(s, 1, (sqlite3_int64)sequence);
	sqlite3_bind_int(s, 2, (int)QUEUE_ITEMS_MAX);
	while ((rc = sqlite3_step(s)) == SQLITE_ROW) {
		size_t len = (size_t)sqlite3_column_bytes(s, 1);
		char *text = malloc(len + 1);

		if (!text)
			break;
		memcpy(text, sqlite3_column_text(s, 1), len);
		queue_push(q, (uint64_t)sqlite3_column_int64(s, 0), text, len);
	}
	sqlite3_reset(s);
	return rc == SQLITE_DONE ? 0 : history_fail(h, "read");
}

const char *history_error(const struct history *h)
{
	return h->error;
}

void history_report(const struct history *h, struct feed_history_report *out)
{
	*out = h->report;
}
