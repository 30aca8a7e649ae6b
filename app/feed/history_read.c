/* SPDX-License-Identifier: BSD-3-Clause */

/* Questions to the history, from threads that answer HTTP. */

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <sqlite3.h>

#include "export/json.h"
#include "export/value.h"
#include "feed/history.h"

/* How often the clock is looked at, in instructions of SQLite's machine. */
#define PROGRESS_STEPS 1000

/* A cursor is the last row of its page: time and sequence, in hexadecimal. */
#define CURSOR_TIME_LEN 8u
#define CURSOR_LEN (CURSOR_TIME_LEN + 16u)

/* Both read an index from its end, and no more rows than are answered. */
#define COLUMNS "SELECT seq, time, json FROM event WHERE "
#define RANGE \
	"time BETWEEN ?1 AND ?2 AND (time, seq) < (?3, ?4) ORDER BY time DESC, seq DESC LIMIT ?5"
static const char by_time[] = COLUMNS RANGE;
static const char by_name[] = COLUMNS "name = ?6 AND " RANGE;

struct place {
	int64_t time, sequence;
};

static uint64_t now_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000 + (uint64_t)ts.tv_nsec / 1000000;
}

static int too_late(void *deadline)
{
	return now_ms() > *(const uint64_t *)deadline;
}

static int cursor_parse(const char *text, struct place *p)
{
	char time[CURSOR_TIME_LEN + 1] = "";

	if (strlen(text) != CURSOR_LEN || strspn(text, "0123456789abcdef") != CURSOR_LEN)
		return -EINVAL;
	memcpy(time, text, CURSOR_TIME_LEN);
	uint64_t sequence = strtoull(text + CURSOR_TIME_LEN, NULL, 16);
	if (sequence > INT64_MAX)
		return -EINVAL;
	p->time = (int64_t)strtoull(time, NULL, 16);
	p->sequence = (int64_t)sequence;
	return 0;
}

static json_t *cursor_json(const struct place *p)
{
	return json_sprintf("%08" PRIx64 "%016" PRIx64, (uint64_t)p->time, (uint64_t)p->sequence);
}

static int code_of(int rc)
{
	rc &= 0xff;
	if (rc == SQLITE_INTERRUPT || rc == SQLITE_BUSY || rc == SQLITE_LOCKED)
		return -ETIMEDOUT;
	return rc == SQLITE_NOMEM ? -ENOMEM : -EIO;
}

/* The rows of one page, and whether there is another. 0 or -errno. */
static int rows_read(sqlite3_stmt *s, uint32_t limit, json_t *list, struct place *last, bool *more)
{
	unsigned n = 0;
	int rc;

	while ((rc = sqlite3_step(s)) == SQLITE_ROW && n < limit) {
		json_t *event = json_loadb((const char *)sqlite3_column_text(s, 2),
			(size_t)sqlite3_column_bytes(s, 2), 0, NULL);

		if (json_array_append_new(list, event) < 0)
			return -EIO;
		*last = (struct place){sqlite3_column_int64(s, 1), sqlite3_column_int64(s, 0)};
		n++;
	}
	*more = rc == SQLITE_ROW;
	return *more || rc == SQLITE_DONE ? 0 : code_of(rc);
}

static int page_read(
	sqlite3 *db, const struct history_query *q, struct place *place, json_t *list, bool *more)
{
	sqlite3_stmt *s = NULL;
	int rc = sqlite3_prepare_v2(db, q->name ? by_name : by_time, -1, &s, NULL);

	if (rc != SQLITE_OK)
		return code_of(rc);
	sqlite3_bind_int64(s, 1, q->from);
	/* So that a page deep in the range starts where the one before ended. */
	sqlite3_bind_int64(s, 2, q->to < place->time ? q->to : place->time);
	sqlite3_bind_int64(s, 3, place->time);
	sqlite3_bind_int64(s, 4, place->sequence);
	sqlite3_bind_int64(s, 5, (sqlite3_int64)q->limit + 1);
	if (q->name)
		sqlite3_bind_text(s, 6, q->name, -1, SQLITE_STATIC);
	rc = rows_read(s, q->limit, list, place, more);
	sqlite3_finalize(s);
	return rc;
}

int history_read(const char *path, const struct history_query *q, json_t **out)
{
	struct place place = {INT64_MAX, INT64_MAX};
	uint64_t deadline = now_ms() + HISTORY_READ_MS;
	json_t *list = NULL;
	sqlite3 *db = NULL;
	bool more = false;

	if (q->cursor && cursor_parse(q->cursor, &place) < 0)
		return -EINVAL;
	int rc = sqlite3_open_v2(path, &db, SQLITE_OPEN_READONLY | SQLITE_OPEN_NOMUTEX, NULL);
	rc = rc == SQLITE_OK ? 0 : code_of(rc);
	if (rc == 0) {
		sqlite3_busy_timeout(db, HISTORY_READ_MS / 4);
		sqlite3_progress_handler(db, PROGRESS_STEPS, too_late, &deadline);
		list = json_array();
		rc = list ? page_read(db, q, &place, list, &more) : -ENOMEM;
	}
	sqlite3_close_v2(db);
	if (rc < 0) {
		json_decref(list);
		return rc;
	}
	*out = json_pack("{s:i, s:o, s:o, s:o}",         //
		"schema_version", EXPORT_SCHEMA_VERSION, //
		"limit", value_count(q->limit),          //
		"events", list,                          //
		"next_cursor", more ? cursor_json(&place) : json_null());
	return *out ? 0 : -ENOMEM;
}
