/* SPDX-License-Identifier: BSD-3-Clause */

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <time.h>
#include <unistd.h>

#include <sqlite3.h>

#include "export/rfc3339.h"
#include "feed/history.h"
#include "log.h"

#define SCHEMA_VERSION 1
#define APPLICATION_ID 0x464c5558 /* "FLUX" */

/* Rows deleted at a time, and pages given back to the file system. */
#define SLICE_ROWS 128
#define SLICE_PAGES 256
#define PAGE_OCTETS 4096u

/* Damaged files that are kept, and room for the name of one. */
#define REFUSED_MAX 10u
#define ASIDE_MAX (PATH_MAX + 16u)

/* How long after its newest event a history is opened, at most: a later clock is wrong. */
#define STEP_SECONDS 86400u

/* How long somebody else's write is waited for: the other outputs wait as well. */
#define BUSY_MS 100

/* Room for one batch, so that the file stays within its bound also before it is trimmed. */
#define HEADROOM_OCTETS ((uint64_t)2 << 20)

enum statement {
	BEGIN,
	COMMIT,
	ROLLBACK,
	INSERT,
	DELETE_OLDEST,
	DELETE_BEFORE,
	VACUUM,
	PAGES,
	PAGES_FREE,
	COUNT,
	NEWEST,
	NEWEST_TIME,
	OLDEST_TIME,
	DELIVERED,
	DELIVER,
	AFTER,
	STATEMENT_COUNT
};

#define TEXT_OF(n) #n
#define NUMBER(n) TEXT_OF(n)

static const char *const statements[STATEMENT_COUNT] = {
	[BEGIN] = "BEGIN IMMEDIATE",
	[COMMIT] = "COMMIT",
	[ROLLBACK] = "ROLLBACK",
	[INSERT] = "INSERT INTO event (seq, time, name, class, score, suspected, action, json)"
		   " VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8) ON CONFLICT (seq) DO NOTHING",
	[DELETE_OLDEST] = "DELETE FROM event WHERE seq IN"
			  " (SELECT seq FROM event ORDER BY seq LIMIT " NUMBER(SLICE_ROWS) ")",
	[DELETE_BEFORE] = "DELETE FROM event WHERE seq IN (SELECT seq FROM event"
			  " WHERE time < ?1 ORDER BY time LIMIT " NUMBER(SLICE_ROWS) ")",
	[VACUUM] = "PRAGMA incremental_vacuum(" NUMBER(SLICE_PAGES) ")",
	[PAGES] = "PRAGMA page_count",
	[PAGES_FREE] = "PRAGMA freelist_count",
	[COUNT] = "SELECT count(*) FROM event",
	[NEWEST] = "SELECT max(seq) FROM event",
	[NEWEST_TIME] = "SELECT max(time) FROM event",
	[OLDEST_TIME] = "SELECT min(time) FROM event",
	[DELIVERED] = "SELECT seq FROM delivered WHERE output = ?1",
	[DELIVER] = "INSERT INTO delivered (output, seq) VALUES (?1, ?2)"
		    " ON CONFLICT (output) DO UPDATE SET seq = excluded.seq",
	[AFTER] = "SELECT seq, json FROM (SELECT seq, json FROM event WHERE seq > ?1"
		  " ORDER BY seq DESC LIMIT ?2) ORDER BY seq",
};

static const char schema[] =
	"BEGIN;"
	"CREATE TABLE event ("
	" seq INTEGER PRIMARY KEY,"
	" time INTEGER NOT NULL,"
	" name TEXT NOT NULL,"
	" class TEXT NOT NULL,"
	" score REAL NOT NULL,"
	" suspected INTEGER NOT NULL,"
	" action TEXT NOT NULL,"
	" json TEXT NOT NULL);"
	"CREATE INDEX event_time ON event (time);"
	"CREATE INDEX event_name ON event (name, time);"
	"CREATE TABLE delivered (output TEXT PRIMARY KEY, seq INTEGER NOT NULL);"
	"PRAGMA application_id = " NUMBER(APPLICATION_ID) ";"
							  "PRAGMA user_version = " NUMBER(
								  SCHEMA_VERSION) ";"
										  "COMMIT;";

struct history {
	char path[PATH_MAX];
	int lock;
	sqlite3 *db;
	sqlite3_stmt *statement[STATEMENT_COUNT];
	uint64_t newest;
	uint64_t begun;  /* monotonic seconds when it was opened */
	uint64_t latest; /* seconds since 1970: what the time may have been then, at most */
	struct feed_history_report report;
	char error[ERROR_LINE_MAX];
};

static int fail(struct history *h, const char *what)
{
	snprintf(
		h->error, sizeof(h->error), "%.200s: %s: %s", h->path, what, sqlite3_errmsg(h->db));
	return -EIO;
}

/* Runs a statement that gives no rows, or whose rows say nothing. An SQLite code. */
static int run(struct history *h, enum statement which)
{
	sqlite3_stmt *s = h->statement[which];
	int rc;

	while ((rc = sqlite3_step(s)) == SQLITE_ROW)
		;
	sqlite3_reset(s);
	return rc == SQLITE_DONE ? SQLITE_OK : rc;
}

/* The one number that a statement gives; 0 also for none. */
static uint64_t number(struct history *h, enum statement which)
{
	sqlite3_stmt *s = h->statement[which];
	int64_t n = sqlite3_step(s) == SQLITE_ROW ? sqlite3_column_int64(s, 0) : 0;

	sqlite3_reset(s);
	return n > 0 ? (uint64_t)n : 0;
}

static uint64_t pragma(sqlite3 *db, const char *sql, int *rc)
{
	sqlite3_stmt *s = NULL;
	int64_t n = -1;

	*rc = sqlite3_prepare_v2(db, sql, -1, &s, NULL);
	if (*rc == SQLITE_OK && (*rc = sqlite3_step(s)) == SQLITE_ROW) {
		n = sqlite3_column_int64(s, 0);
		*rc = SQLITE_OK;
	}
	sqlite3_finalize(s);
	return (uint64_t)n;
}

/* A file that is empty gets our tables; one of a later version, or of another, is left alone. */
static int version_settle(struct history *h, char err[ERROR_LINE_MAX])
{
	int rc;
	uint64_t version = pragma(h->db, "PRAGMA user_version", &rc);
	uint64_t id = rc == SQLITE_OK ? pragma(h->db, "PRAGMA application_id", &rc) : 0;
	uint64_t tables =
		rc == SQLITE_OK ? pragma(h->db, "SELECT count(*) FROM sqlite_schema", &rc) : 0;

	if (rc != SQLITE_OK)
		return rc;
	if (version == 0 && tables == 0)
		return sqlite3_exec(h->db, schema, NULL, NULL, NULL);
	if (id != APPLICATION_ID)
		snprintf(err, ERROR_LINE_MAX,
			"history: %.200s: a database of another program: name another file in "
			"history.path",
			h->path);
	else if (version != SCHEMA_VERSION)
		snprintf(err, ERROR_LINE_MAX,
			"history: %.200s: of schema version %lu, and this program knows %d: run "
			"the program that made it, or move the file away",
			h->path, version, SCHEMA_VERSION);
	return SQLITE_OK;
}

/* An SQLite code; SQLITE_OK with a line in err when the file is not for us. */
static int database_open(struct history *h, char err[ERROR_LINE_MAX])
{
	int rc = sqlite3_open_v2(h->path, &h->db,
		SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX, NULL);

	if (rc == SQLITE_OK)
		rc = sqlite3_busy_timeout(h->db, BUSY_MS);
	/* Before the first table: the two that a file is made with. */
	if (rc == SQLITE_OK)
		rc = sqlite3_exec(h->db,
			"PRAGMA page_size = 4096; PRAGMA auto_vacuum = INCREMENTAL;", NULL, NULL,
			NULL);
	if (rc == SQLITE_OK)
		rc = version_settle(h, err);
	if (rc == SQLITE_OK && !err[0])
		rc = sqlite3_exec(h->db,
			"PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL;"
			"PRAGMA wal_autocheckpoint = 512; PRAGMA journal_size_limit = 4194304;"
			"PRAGMA trusted_schema = OFF;",
			NULL, NULL, NULL);
	for (unsigned i = 0; i < STATEMENT_COUNT && rc == SQLITE_OK && !err[0]; i++)
		rc = sqlite3_prepare_v3(h->db, statements[i], -1, SQLITE_PREPARE_PERSISTENT,
			&h->statement[i], NULL);
	return rc;
}

static void database_close(struct history *h)
{
	for (unsigned i = 0; i < STATEMENT_COUNT; i++) {
		sqlite3_finalize(h->statement[i]);
		h->statement[i] = NULL;
	}
	sqlite3_close_v2(h->db);
	h->db = NULL;
}

static int path_lock(struct history *h, char err[ERROR_LINE_MAX])
{
	char lock[PATH_MAX];

	if (snprintf(lock, sizeof(lock), "%s.lock", h->path) >= (int)sizeof(lock)) {
		snprintf(err, ERROR_LINE_MAX, "history: the path is too long: shorten it");
		return -ENAMETOOLONG;
	}
	h->lock = open(lock, O_RDWR | O_CREAT | O_CLOEXEC, 0640);
	if (h->lock >= 0 && flock(h->lock, LOCK_EX | LOCK_NB) == 0)
		return 0;
	int rc = -errno;
	snprintf(err, ERROR_LINE_MAX, "history: %.200s: %s", lock,
		rc == -EWOULDBLOCK ? "another sensor writes here: give each a file of its own"
				   : strerror(-rc));
	return rc;
}

/* So that all can read who may read the folder, and no more: SQLite's other files follow it. */
static int file_make(struct history *h, char err[ERROR_LINE_MAX])
{
	int fd = open(h->path, O_RDWR | O_CREAT | O_CLOEXEC, 0640);
	int rc = fd < 0 ? -errno : 0;

	if (rc < 0)
		snprintf(err, ERROR_LINE_MAX,
			"history: %.200s: %s: make its folder, writable for the sensor's user",
			h->path, strerror(-rc));
	else
		close(fd);
	return rc;
}

/*
 * What cannot be used is kept for whoever wants to look, and is not in the way; what was kept
 * before stays.
 */
static int set_aside(struct history *h, char aside[ASIDE_MAX])
{
	static const char *const parts[] = {"", "-wal", "-shm"};
	char from[PATH_MAX + 8], to[ASIDE_MAX + 8];
	int rc = -1;

	for (unsigned i = 0; i < REFUSED_MAX && rc < 0; i++) {
		snprintf(aside, ASIDE_MAX, i ? "%s.refused.%u" : "%s.refused", h->path, i);
		rc = renameat2(AT_FDCWD, h->path, AT_FDCWD, aside, RENAME_NOREPLACE);
		if (rc < 0 && errno != EEXIST)
			return -errno;
	}
	if (rc < 0)
		return -EEXIST;
	for (size_t i = 1; i < sizeof(parts) / sizeof(parts[0]); i++) {
		snprintf(from, sizeof(from), "%s%s", h->path, parts[i]);
		snprintf(to, sizeof(to), "%s%s", aside, parts[i]);
		if (rename(from, to) < 0 && errno != ENOENT)
			return -errno;
	}
	return 0;
}

/* Does the file say that it is a database? One that does not may be anybody's. */
static bool is_database(const char *path)
{
	static const char magic[16] = "SQLite format 3";
	char begin[sizeof(magic)];
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	bool is = fd >= 0 && read(fd, begin, sizeof(begin)) == (ssize_t)sizeof(begin) &&
		  memcmp(begin, magic, sizeof(magic)) == 0;

	if (fd >= 0)
		close(fd);
	return is;
}

static bool damaged(const struct history *h, int rc)
{
	return (rc & 0xff) == SQLITE_CORRUPT ||
	       ((rc & 0xff) == SQLITE_NOTADB && is_database(h->path));
}

/* A new file in the place of the damaged one. As database_open. */
static int database_replace(struct history *h, int why, char err[ERROR_LINE_MAX])
{
	char aside[ASIDE_MAX];

	database_close(h);
	int rc = set_aside(h, aside);
	if (rc < 0) {
		snprintf(err, ERROR_LINE_MAX,
			"history: %.200s: %s, and cannot be kept as .refused: %s: move it away",
			h->path, sqlite3_errstr(why), strerror(-rc));
		return why;
	}
	log_line(LOG_LEVEL_ERROR,
		"history: %.200s: %s: it is kept as %.200s, and a new one begun: see to the disk",
		h->path, sqlite3_errstr(why), aside);
	return file_make(h, err) == 0 ? database_open(h, err) : SQLITE_CANTOPEN;
}

static uint64_t clock_seconds(clockid_t clock)
{
	struct timespec now;

	clock_gettime(clock, &now);
	return (uint64_t)now.tv_sec;
}

/* Where the time is at most from now on, whatever a clock says that was set. */
static void time_bound(struct history *h)
{
	uint64_t newest = number(h, NEWEST_TIME);

	h->begun = clock_seconds(CLOCK_BOOTTIME);
	h->latest = (newest ? newest : clock_seconds(CLOCK_REALTIME)) + STEP_SECONDS;
}

int history_open(struct history **out, const char *path, char err[ERROR_LINE_MAX])
{
	struct history *h = calloc(1, sizeof(*h));
	int rc;

	if (!h) {
		snprintf(err, ERROR_LINE_MAX, "history: out of memory");
		return -ENOMEM;
	}
	h->lock = -1;
	snprintf(h->path, sizeof(h->path), "%s", path);
	err[0] = '\0';
	if ((rc = path_lock(h, err)) < 0 || (rc = file_make(h, err)) < 0)
		goto refuse;
	int code = database_open(h, err);
	if (damaged(h, code))
		code = database_replace(h, code, err);
	if ((code & 0xff) == SQLITE_NOTADB && !err[0])
		snprintf(err, ERROR_LINE_MAX,
			"history: %.200s: no database: name another file in history.path, or move "
			"it away",
			path);
	else if (code != SQLITE_OK && !err[0])
		snprintf(err, ERROR_LINE_MAX, "history: %.200s: %s", path, sqlite3_errstr(code));
	if (err[0]) {
		rc = code == SQLITE_OK || (code & 0xff) == SQLITE_NOTADB ? -EPROTO : -EIO;
		goto refuse;
	}
	time_bound(h);
	h->newest = number(h, NEWEST);
	h->report.events = number(h, COUNT);
	h->report.oldest = (uint32_t)number(h, OLDEST_TIME);
	h->report.octets = number(h, PAGES) * PAGE_OCTETS;
	*out = h;
	return 0;
refuse:
	history_close(h);
	return rc;
}

void history_close(struct history *h)
{
	if (!h)
		return;
	database_close(h);
	if (h->lock >= 0)
		close(h->lock);
	free(h);
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
	int rc = run(h, INSERT);
	sqlite3_clear_bindings(s);
	return rc;
}

int history_append(struct history *h, const struct queue *q, uint64_t from, uint64_t to)
{
	uint64_t added = 0, newest = h->newest;
	int rc = run(h, BEGIN);

	if (rc != SQLITE_OK)
		return fail(h, "begin");
	for (uint64_t i = from; i < to && rc == SQLITE_OK; i++) {
		const struct queue_item *item = &q->item[i % QUEUE_ITEMS_MAX];

		rc = insert(h, item);
		added += (uint64_t)sqlite3_changes(h->db);
		newest = item->sequence > newest ? item->sequence : newest;
	}
	if (rc == SQLITE_OK)
		rc = run(h, COMMIT);
	if (rc != SQLITE_OK) {
		fail(h, "write");
		run(h, ROLLBACK);
		return -EIO;
	}
	h->newest = newest;
	h->report.events += added;
	if (h->report.oldest == 0)
		h->report.oldest = (uint32_t)number(h, OLDEST_TIME);
	h->report.octets = number(h, PAGES) * PAGE_OCTETS;
	h->error[0] = '\0';
	return 0;
}

/* Deletes by one of the two, and gives pages back. False when nothing was. */
static bool slice(struct history *h, enum statement which)
{
	if (run(h, which) != SQLITE_OK) {
		fail(h, "delete");
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
	uint64_t latest = h->latest + clock_seconds(CLOCK_BOOTTIME) - h->begun;
	bool more = false;

	if (now > latest)
		now = (uint32_t)latest;
	if (now > kept) {
		sqlite3_bind_int64(h->statement[DELETE_BEFORE], 1, (sqlite3_int64)(now - kept));
		more = slice(h, DELETE_BEFORE);
	}
	if ((number(h, PAGES) - number(h, PAGES_FREE)) * PAGE_OCTETS > most)
		more |= slice(h, DELETE_OLDEST);
	if (number(h, PAGES_FREE) > SLICE_PAGES || more)
		run(h, VACUUM);
	if (more)
		h->report.oldest = (uint32_t)number(h, OLDEST_TIME);
	h->report.octets = number(h, PAGES) * PAGE_OCTETS;
	return more;
}

uint64_t history_newest(const struct history *h)
{
	return h->newest;
}

uint64_t history_delivered(struct history *h, enum feed_output_kind output)
{
	sqlite3_bind_text(h->statement[DELIVERED], 1, feed_output_name(output), -1, SQLITE_STATIC);
	return number(h, DELIVERED);
}

int history_deliver(struct history *h, enum feed_output_kind output, uint64_t sequence)
{
	sqlite3_stmt *s = h->statement[DELIVER];

	sqlite3_bind_text(s, 1, feed_output_name(output), -1, SQLITE_STATIC);
	sqlite3_bind_int64(s, 2, (sqlite3_int64)sequence);
	return run(h, DELIVER) == SQLITE_OK ? 0 : fail(h, "write");
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
	return rc == SQLITE_DONE ? 0 : fail(h, "read");
}

const char *history_error(const struct history *h)
{
	return h->error;
}

void history_report(const struct history *h, struct feed_history_report *out)
{
	*out = h->report;
}
