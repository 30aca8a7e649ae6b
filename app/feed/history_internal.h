/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

/* What the two halves of the history share: opening a file, and what is done with it then. */

#include <limits.h>
#include <time.h>

#include <sqlite3.h>

#include "feed/history.h"

#define HISTORY_PAGE_OCTETS 4096u

/* Rows deleted at a time, and pages given back to the file system. */
#define HISTORY_SLICE_ROWS 128
#define HISTORY_SLICE_PAGES 256

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

/* Notes what SQLite says of `what`: -EIO. */
int history_fail(struct history *h, const char *what);

/* Runs a statement that gives no rows, or whose rows say nothing. An SQLite code. */
int history_run(struct history *h, enum statement which);

/* The one number that a statement gives; 0 also for none. */
uint64_t history_number(struct history *h, enum statement which);

/* Seconds of a clock. */
uint64_t history_clock(clockid_t clock);
