/* SPDX-License-Identifier: BSD-3-Clause */

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "config/file.h"
#include "feed/history_internal.h"
#include "log.h"

#define SCHEMA_VERSION 1
#define APPLICATION_ID 0x464c5558 /* "FLUX" */

/* Damaged files that are kept, and room for the name of one. */
#define REFUSED_MAX 10u
#define ASIDE_MAX (PATH_MAX + 16u)

/* How long after its newest event a history is opened, at most: a later clock is wrong. */
#define STEP_SECONDS 86400u

/* How long somebody else's write is waited for: the other outputs wait as well. */
#define BUSY_MS 100

#define TEXT_OF(n) #n
#define NUMBER(n) TEXT_OF(n)

static const char *const statements[STATEMENT_COUNT] = {
	[BEGIN] = "BEGIN IMMEDIATE",
	[COMMIT] = "COMMIT",
	[ROLLBACK] = "ROLLBACK",
	[INSERT] = "INSERT INTO event (seq, time, name, class, score, suspected, action, json)"
		   " VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8) ON CONFLICT (seq) DO NOTHING",
	[DELETE_OLDEST] =
		"DELETE FROM event WHERE seq IN"
		" (SELECT seq FROM event ORDER BY seq LIMIT " NUMBER(HISTORY_SLICE_ROWS) ")",
	[DELETE_BEFORE] = "DELETE FROM event WHERE seq IN (SELECT seq FROM event"
			  " WHERE time < ?1 ORDER BY time LIMIT " NUMBER(HISTORY_SLICE_ROWS) ")",
	[VACUUM] = "PRAGMA incremental_vacuum(" NUMBER(HISTORY_SLICE_PAGES) ")",
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
	h->lock = file_lock(h->path);
	if (h->lock >= 0)
		return 0;
	snprintf(err, ERROR_LINE_MAX, "history: %.200s.lock: %s", h->path,
		h->lock == -EWOULDBLOCK ? "another sensor writes here: give each a file of its own"
					: strerror(-h->lock));
	return h->lock;
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

/* Where the time is at most from now on, whatever a clock says that was set. */
static void time_bound(struct history *h)
{
	uint64_t newest = history_number(h, NEWEST_TIME);

	h->begun = history_clock(CLOCK_BOOTTIME);
	h->latest = (newest ? newest : history_clock(CLOCK_REALTIME)) + STEP_SECONDS;
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
	h->newest = history_number(h, NEWEST);
	h->report.events = history_number(h, COUNT);
	h->report.oldest = (uint32_t)history_number(h, OLDEST_TIME);
	h->report.octets = history_number(h, PAGES) * HISTORY_PAGE_OCTETS;
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
