/* SPDX-License-Identifier: BSD-3-Clause */

/*
 * The history: rows as they were given, pages, bounds, versions, damage, and a writer that is
 * killed at any moment: what it said was kept is there, once, and the file is whole.
 */

#include <errno.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>
#include <sqlite3.h>

#include "export/eve.h"
#include "export/json.h"
#include "feed/history.h"
#include "json_helpers.h"
#include "round_trip.h"
#include "sample_snapshot.h"

static struct queue queue;
static struct history *history;
static char folder[64], path[96], err[ERROR_LINE_MAX];

static int begin(void **state)
{
	(void)state;
	memset(&queue, 0, sizeof(queue));
	snprintf(folder, sizeof(folder), "/tmp/fluxgate-history.XXXXXX");
	if (!mkdtemp(folder))
		return -1;
	snprintf(path, sizeof(path), "%s/history.db", folder);
	return 0;
}

static int end(void **state)
{
	char command[96];

	(void)state;
	history_close(history);
	history = NULL;
	queue_free(&queue);
	snprintf(command, sizeof(command), "rm -r %s", folder);
	return system(command);
}

static void open_it(void)
{
	if (history_open(&history, path, err) < 0)
		fail_msg("%s", err);
}

static void push(uint64_t sequence, uint32_t time)
{
	struct verdict v;
	struct verdict_event e = {.sequence = sequence, .time = time, .kind = EVENT_RAISED};
	size_t len;

	sample_verdict(&v, (unsigned)(sequence % 10));
	e.score = v.score;
	e.class = (uint8_t)v.class;
	e.window = (uint8_t)v.window;
	e.suspected = v.suspected;
	e.name_len = v.name_len;
	memcpy(e.name, v.name, v.name_len);
	char *text = export_line(export_event_detail(&e, &v), "", &len);
	queue_push(&queue, sequence, text, len);
}

/* n events from `first` on, one a second from `time` on, kept. */
static void keep(uint64_t first, unsigned n, uint32_t time)
{
	for (unsigned i = 0; i < n; i++)
		push(first + i, time + i);
	assert_int_equal(history_append(history, &queue, queue.next - n, queue.next), 0);
	queue_trim(&queue, queue.next);
}

/* The one number that a question gives, asked from outside. */
static int64_t ask_sql(const char *sql)
{
	sqlite3 *db;
	sqlite3_stmt *s;

	assert_int_equal(sqlite3_open_v2(path, &db, SQLITE_OPEN_READONLY, NULL), SQLITE_OK);
	assert_int_equal(sqlite3_prepare_v2(db, sql, -1, &s, NULL), SQLITE_OK);
	assert_int_equal(sqlite3_step(s), SQLITE_ROW);
	int64_t n = sqlite3_column_int64(s, 0);
	sqlite3_finalize(s);
	sqlite3_close(db);
	return n;
}

static void is_whole(void)
{
	assert_int_equal(
		ask_sql("SELECT integrity_check = 'ok' FROM pragma_integrity_check LIMIT 1"), 1);
}

static void rows_are_as_given(void **state)
{
	(void)state;
	open_it();
	assert_int_equal(history_newest(history), 0);
	keep(7000, 25, SAMPLE_TIME);
	assert_int_equal(history_newest(history), 7024);
	assert_int_equal(ask_sql("SELECT count(*) FROM event"), 25);
	assert_int_equal(
		ask_sql("SELECT count(*) FROM event WHERE name = 'flux-0004.example' AND "
			"class = 'single_flux' AND suspected = 1 AND action = 'raised' AND "
			"abs(score - 99.6) < 1e-6 AND time - 1236870300 = seq - 7000 AND "
			"json ->> 'sequence' = seq"),
		3);
	/* Given again they stay as they are. */
	keep(7020, 10, SAMPLE_TIME + 20);
	assert_int_equal(ask_sql("SELECT count(*) FROM event"), 30);
	struct stat s;
	assert_int_equal(stat(path, &s), 0);
	assert_int_equal(s.st_mode & 0777, 0640);
	is_whole();
}

static json_t *page_of(const struct history_query *q, int expected)
{
	json_t *page = NULL;

	assert_int_equal(history_read(path, q, &page), expected);
	return page;
}

static uint64_t sequence_at(const json_t *page, size_t i)
{
	return count_at(json_array_get(at(page, "events"), i), "sequence");
}

static void pages_go_back_in_time(void **state)
{
	char cursor[64];
	struct history_query q = {.to = UINT32_MAX, .limit = 10};
	uint64_t expected = 7024;

	(void)state;
	open_it();
	keep(7000, 25, SAMPLE_TIME);
	json_t *page = round_trip("history", page_of(&q, 0));
	keys_are(page, "schema_version limit events next_cursor");
	for (unsigned pages = 0; pages < 3; pages++) {
		for (size_t i = 0; i < json_array_size(at(page, "events")); i++)
			assert_int_equal(sequence_at(page, i), expected--);
		if (pages == 2)
			break;
		snprintf(cursor, sizeof(cursor), "%s", text_at(page, "next_cursor"));
		q.cursor = cursor;
		/* What comes meanwhile moves nothing. */
		keep(8000 + pages, 1, SAMPLE_TIME + 1000);
		json_decref(page);
		page = page_of(&q, 0);
	}
	assert_int_equal(expected, 6999);
	assert_true(json_is_null(at(page, "next_cursor")));
	json_decref(page);

	q = (struct history_query){.from = SAMPLE_TIME + 5, .to = SAMPLE_TIME + 9, .limit = 100};
	page = page_of(&q, 0);
	assert_int_equal(json_array_size(at(page, "events")), 5);
	assert_int_equal(sequence_at(page, 0), 7009);
	assert_int_equal(sequence_at(page, 4), 7005);
	json_decref(page);
	q.name = "flux-0006.example";
	page = page_of(&q, 0);
	assert_int_equal(json_array_size(at(page, "events")), 1);
	json_decref(page);
	q.name = "x' OR '1'='1";
	page = round_trip("history-none", page_of(&q, 0));
	assert_int_equal(json_array_size(at(page, "events")), 0);
	json_decref(page);
	q.cursor = "12";
	page_of(&q, -EINVAL);
	q.cursor = "00000000ffffffffffffffff";
	page_of(&q, -EINVAL);
}

/* Neither reads more than its page, wherever that is. */
static void questions_go_by_an_index(void **state)
{
	(void)state;
	open_it();
	assert_int_equal(
		ask_sql("SELECT count(*) FROM sqlite_schema WHERE type = 'index' AND name IN "
			"('event_time', 'event_name')"),
		2);
}

static void what_is_old_goes(void **state)
{
	const struct history_bounds bounds = {.max_days = 1, .max_mib = 64};
	struct feed_history_report r;

	(void)state;
	open_it();
	keep(1, 600, SAMPLE_TIME);
	while (history_trim(history, &bounds, SAMPLE_TIME + 86400 + 590))
		;
	assert_int_equal(ask_sql("SELECT min(seq) FROM event"), 591);
	history_report(history, &r);
	assert_int_equal(r.events, 10);
	assert_int_equal(r.removed, 590);
	assert_int_equal(r.oldest, SAMPLE_TIME + 590);
	is_whole();
}

/* The file, its log and all: never above the bound and 8 MiB, and the newest stay. */
static void the_size_is_bounded(void **state)
{
	const struct history_bounds bounds = {.max_days = 3650, .max_mib = 8};
	struct feed_history_report r;
	char log[128];
	struct stat s;

	(void)state;
	open_it();
	snprintf(log, sizeof(log), "%s-wal", path);
	for (uint64_t i = 0; i < 80; i++) {
		keep(1 + i * HISTORY_BATCH, HISTORY_BATCH, SAMPLE_TIME);
		while (history_trim(history, &bounds, SAMPLE_TIME))
			;
		assert_int_equal(stat(path, &s), 0);
		assert_true(s.st_size <= 8 << 20);
		assert_int_equal(stat(log, &s), 0);
		assert_true(s.st_size <= 8 << 20);
	}
	history_report(history, &r);
	assert_true(r.removed > 0 && r.octets <= 8 << 20);
	assert_int_equal(ask_sql("SELECT count(*) FROM event"), r.events);
	assert_int_equal(ask_sql("SELECT max(seq) FROM event"), 80 * HISTORY_BATCH);
	assert_int_equal(ask_sql("SELECT max(seq) - min(seq) + 1 FROM event"), r.events);
	is_whole();
}

static void positions_outlast(void **state)
{
	(void)state;
	open_it();
	keep(7000, 25, SAMPLE_TIME);
	assert_int_equal(history_delivered(history, FEED_SYSLOG), 0);
	assert_int_equal(history_deliver(history, FEED_SYSLOG, 7010), 0);
	assert_int_equal(history_deliver(history, FEED_SYSLOG, 7014), 0);
	history_close(history);
	open_it();
	assert_int_equal(history_delivered(history, FEED_SYSLOG), 7014);
	assert_int_equal(history_resume(history, 7014, &queue), 0);
	assert_int_equal(queue.next - queue.first, 10);
	assert_int_equal(queue.item[queue.first].sequence, 7015);
	json_t *event = json_loadb(
		queue.item[queue.next - 1].text, queue.item[queue.next - 1].len, 0, NULL);
	assert_int_equal(count_at(event, "sequence"), 7024);
	json_decref(event);
}

static void exec(const char *sql)
{
	sqlite3 *db;

	assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
	assert_int_equal(sqlite3_exec(db, sql, NULL, NULL, NULL), SQLITE_OK);
	sqlite3_close(db);
}

static void refused(int expected, const char *why)
{
	assert_int_equal(history_open(&history, path, err), expected);
	if (!strstr(err, why))
		fail_msg("%s", err);
}

static void what_is_not_ours_is_left_alone(void **state)
{
	(void)state;
	open_it();
	keep(1, 5, SAMPLE_TIME);
	struct history *first = history;
	refused(-EWOULDBLOCK, "another sensor");
	history_close(first);
	history = NULL;
	exec("PRAGMA user_version = 7");
	refused(-EPROTO, "schema version 7");
	assert_int_equal(ask_sql("SELECT count(*) FROM event"), 5);
	unlink(path);
	exec("CREATE TABLE other (x); INSERT INTO other VALUES (1)");
	refused(-EPROTO, "another program");
	assert_int_equal(ask_sql("SELECT count(*) FROM other"), 1);
}

/* A typo in history.path may name anybody's file. */
static void what_is_no_database_is_left_alone(void **state)
{
	struct stat s;

	(void)state;
	FILE *f = fopen(path, "w");
	for (unsigned i = 0; i < 4096; i++)
		fputs("no database ", f);
	fclose(f);
	refused(-EPROTO, "no database");
	assert_int_equal(stat(path, &s), 0);
	assert_int_equal(s.st_size, 4096 * 12);
}

/* Of a database only its first words are left. */
static void damage(void)
{
	history_close(history);
	history = NULL;
	FILE *f = fopen(path, "r+");
	fseek(f, 16, SEEK_SET);
	for (unsigned i = 0; i < 4096; i++)
		fputs("no database ", f);
	fclose(f);
}

static void what_is_damaged_is_set_aside(void **state)
{
	char aside[128];
	struct stat first, s;

	(void)state;
	open_it();
	keep(1, 5, SAMPLE_TIME);
	damage();
	open_it();
	keep(1, 5, SAMPLE_TIME);
	is_whole();
	snprintf(aside, sizeof(aside), "%s.refused", path);
	assert_int_equal(stat(aside, &first), 0);
	/* Again: the first one stays. */
	damage();
	open_it();
	is_whole();
	assert_int_equal(stat(aside, &s), 0);
	assert_int_equal(s.st_ino, first.st_ino);
	snprintf(aside, sizeof(aside), "%s.refused.1", path);
	assert_int_equal(stat(aside, &s), 0);
}

/* A clock that was set ten years ahead, with events of that time and without. */
static void a_clock_ahead_deletes_nothing(void **state)
{
	const struct history_bounds bounds = {.max_days = 30, .max_mib = 64};
	const uint32_t ahead = SAMPLE_TIME + 3650 * 86400u;

	(void)state;
	open_it();
	keep(1, 100, SAMPLE_TIME);
	history_close(history);
	open_it();
	assert_false(history_trim(history, &bounds, ahead));
	keep(101, 5, ahead);
	assert_false(history_trim(history, &bounds, ahead));
	assert_int_equal(ask_sql("SELECT count(*) FROM event"), 105);
}

/* Keeps events, and says of each batch that it did, until it is killed. */
static _Noreturn void write_until_killed(int told)
{
	const struct history_bounds bounds = {.max_days = 3650, .max_mib = 64};

	if (history_open(&history, path, err) < 0)
		_exit(1);
	for (uint64_t next = history_newest(history) + 1;; next++) {
		unsigned n = 1 + (unsigned)(next % 7);
		for (unsigned i = 0; i < n; i++)
			push(next + i, SAMPLE_TIME);
		if (history_append(history, &queue, queue.next - n, queue.next) < 0)
			_exit(2);
		queue_trim(&queue, queue.next);
		next += n - 1;
		history_trim(history, &bounds, SAMPLE_TIME);
		if (write(told, &next, sizeof(next)) != sizeof(next))
			_exit(3);
	}
}

#define KILLS 40u

static void what_was_kept_outlasts_kills(void **state)
{
	uint64_t kept = 0, told;
	unsigned seed = (unsigned)time(NULL);

	(void)state;
	print_message("seed %u\n", seed);
	for (unsigned round = 0; round < KILLS; round++) {
		int pipes[2];
		assert_int_equal(pipe(pipes), 0);
		pid_t child = fork();
		if (child == 0)
			write_until_killed(pipes[1]);
		close(pipes[1]);
		/* It has kept something; then it ends at some moment of the next 20 ms. */
		assert_int_equal(read(pipes[0], &told, sizeof(told)), sizeof(told));
		kept = told;
		usleep((useconds_t)(rand_r(&seed) % 20000));
		kill(child, SIGKILL);
		int status;
		assert_int_equal(waitpid(child, &status, 0), child);
		assert_true(WIFSIGNALED(status));
		while (read(pipes[0], &told, sizeof(told)) == sizeof(told))
			kept = told;
		close(pipes[0]);
		open_it();
		assert_true(history_newest(history) >= kept);
		history_close(history);
		history = NULL;
		is_whole();
		/* None is missing and none is there twice. */
		assert_int_equal(ask_sql("SELECT count(*) - max(seq) FROM event"), 0);
		assert_true((uint64_t)ask_sql("SELECT max(seq) FROM event") >= kept);
	}
	print_message("%u kills, %lu events\n", KILLS, kept);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(rows_are_as_given, begin, end),
		cmocka_unit_test_setup_teardown(pages_go_back_in_time, begin, end),
		cmocka_unit_test_setup_teardown(questions_go_by_an_index, begin, end),
		cmocka_unit_test_setup_teardown(what_is_old_goes, begin, end),
		cmocka_unit_test_setup_teardown(the_size_is_bounded, begin, end),
		cmocka_unit_test_setup_teardown(positions_outlast, begin, end),
		cmocka_unit_test_setup_teardown(what_is_not_ours_is_left_alone, begin, end),
		cmocka_unit_test_setup_teardown(what_is_damaged_is_set_aside, begin, end),
		cmocka_unit_test_setup_teardown(what_is_no_database_is_left_alone, begin, end),
		cmocka_unit_test_setup_teardown(a_clock_ahead_deletes_nothing, begin, end),
		cmocka_unit_test_setup_teardown(what_was_kept_outlasts_kills, begin, end),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
