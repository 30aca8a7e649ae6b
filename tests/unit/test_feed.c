/* SPDX-License-Identifier: BSD-3-Clause */

/* The queue, and the outputs that read it: files, streams, datagrams, what fails; the thread. */

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "export/json.h"
#include "export/rfc3339.h"
#include "feed/feed_internal.h"
#include "json_helpers.h"
#include "sample_snapshot.h"

static struct queue queue;
static struct output output;
static char folder[64];
static uint64_t now;

/* What CLOCK_REALTIME shows is so far ahead of what the kernel waits by: it is set back then. */
static _Atomic time_t ahead;
/* The feed's thread hangs, as at a disk, where it would wait. */
static _Atomic bool hangs, is_hung;

int clock_gettime(clockid_t clock, struct timespec *out)
{
	int rc = (int)syscall(SYS_clock_gettime, clock, out);

	out->tv_sec += clock == CLOCK_REALTIME ? ahead : 0;
	return rc;
}

int poll(struct pollfd *fds, nfds_t n, int milliseconds)
{
	const struct timespec limit = {milliseconds / 1000, milliseconds % 1000 * 1000000L};

	while (hangs) {
		is_hung = true;
		usleep(1000);
	}
	return ppoll(fds, n, milliseconds < 0 ? NULL : &limit, NULL);
}

static int begin(void **state)
{
	(void)state;
	memset(&queue, 0, sizeof(queue));
	snprintf(folder, sizeof(folder), "/tmp/fluxgate-feed.XXXXXX");
	now = 1000;
	return mkdtemp(folder) ? 0 : -1;
}

static int end(void **state)
{
	char command[96];

	(void)state;
	output_close(&output);
	queue_free(&queue);
	snprintf(command, sizeof(command), "rm -r %s", folder);
	return system(command);
}

static const char *path(const char *name)
{
	static char text[128];

	snprintf(text, sizeof(text), "%s/%s", folder, name);
	return text;
}

static void push(uint64_t sequence)
{
	struct verdict v;
	struct verdict_event e = {.sequence = sequence, .time = SAMPLE_TIME, .kind = EVENT_RAISED};
	size_t len;

	sample_verdict(&v, (unsigned)(sequence % 1000));
	e.score = v.score;
	e.class = (uint8_t)v.class;
	e.window = (uint8_t)v.window;
	e.name_len = v.name_len;
	memcpy(e.name, v.name, v.name_len);
	char *text = export_line(export_event_detail(&e, &v), "", &len);
	assert_non_null(text);
	queue_push(&queue, sequence, text, len);
}

static void push_plain(uint64_t sequence, size_t len)
{
	queue_push(&queue, sequence, calloc(1, len), len);
}

static void the_oldest_go_whole(void **state)
{
	uint64_t place = 0, lost = 0;

	(void)state;
	for (uint64_t i = 0; i < QUEUE_ITEMS_MAX + 3; i++)
		push_plain(100 + i, 8);
	assert_int_equal(queue_at(&queue, &place, &lost)->sequence, 103);
	assert_int_equal(lost, 3);
	queue_trim(&queue, queue.next);
	assert_int_equal(queue.octets, 0);
	assert_null(queue_at(&queue, &place, &lost));
	/* Those that were let go on purpose before a reader came count for it too. */
	assert_int_equal(lost, QUEUE_ITEMS_MAX + 3);

	for (uint64_t i = 0; i < 20; i++)
		push_plain(i, (size_t)1 << 20);
	assert_true(queue.octets <= QUEUE_OCTETS_MAX);
	assert_int_equal(queue.next - queue.first, 8);
}

/* Lines of a file, whole, with the sequences `from` and on; returns how many there are. */
static unsigned lines_of(const char *file, uint64_t from)
{
	static char line[16384];
	unsigned n = 0;
	FILE *f = fopen(file, "r");

	if (!f)
		return 0;
	while (fgets(line, sizeof(line), f)) {
		json_t *t = json_loads(line, 0, NULL);

		assert_non_null(t);
		assert_int_equal(count_at(t, "fastflux/sequence"), from + n++);
		json_decref(t);
	}
	fclose(f);
	return n;
}

static void a_file_is_appended_to_and_reopened(void **state)
{
	char renamed[160];

	(void)state;
	output_init(&output, FEED_EVE_FILE, "h");
	output_target(&output, path("eve.json"));
	push(1);
	push(2);
	output_pump(&output, &queue, now);
	assert_int_equal(lines_of(path("eve.json"), 1), 2);
	assert_int_equal(output.report.delivered, 2);
	assert_int_equal(output.report.sequence, 2);

	/* Renamed: it goes on there until it is told. */
	snprintf(renamed, sizeof(renamed), "%s/eve.json.1", folder);
	assert_int_equal(rename(path("eve.json"), renamed), 0);
	push(3);
	output_pump(&output, &queue, now);
	assert_int_equal(lines_of(renamed, 1), 3);
	output_reopen(&output);
	push(4);
	output_pump(&output, &queue, now);
	assert_int_equal(lines_of(path("eve.json"), 4), 1);
	assert_int_equal(output.report.failures, 0);
}

/* /dev/full takes nothing: what waits is kept, said, and goes elsewhere when it can. */
static void a_full_disk_is_told_of_and_survived(void **state)
{
	(void)state;
	output_init(&output, FEED_EVE_FILE, "h");
	output_target(&output, "/dev/full");
	push(1);
	output_pump(&output, &queue, now);
	assert_int_equal(output.report.failures, 1);
	assert_int_equal(output.report.waiting, 1);
	assert_false(output.report.up);
	assert_non_null(strstr(output.report.error, "No space left"));
	/* Not before its pause is over, which grows. */
	output_pump(&output, &queue, now + 10);
	assert_int_equal(output.report.failures, 1);
	output_pump(&output, &queue, now + 300);
	assert_int_equal(output.report.failures, 2);
	assert_int_equal(output.waiting_since, now);
	push(2);
	output_target(&output, path("eve.json"));
	output_pump(&output, &queue, now + 301);
	assert_int_equal(lines_of(path("eve.json"), 1), 2);
	assert_string_equal(output.report.error, "");
	assert_int_equal(output.report.lost, 0);
	assert_int_equal(output.waiting_since, 0);
}

static int unix_socket(const char *at_path, int type)
{
	struct sockaddr_un sa = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, type | SOCK_NONBLOCK, 0);

	assert_true(strlen(at_path) < sizeof(sa.sun_path));
	memcpy(sa.sun_path, at_path, strlen(at_path) + 1);
	assert_int_equal(bind(fd, (struct sockaddr *)&sa, sizeof(sa)), 0);
	if (type == SOCK_STREAM)
		assert_int_equal(listen(fd, 4), 0);
	return fd;
}

static void a_stream_that_breaks_gets_its_line_again(void **state)
{
	static char octets[65536];
	uint64_t seen = 0;

	(void)state;
	output_init(&output, FEED_EVE_SOCKET, "h");
	output_target(&output, path("eve.sock"));
	push(1);
	output_pump(&output, &queue, now);
	assert_int_equal(output.report.failures, 1);
	int server = unix_socket(path("eve.sock"), SOCK_STREAM);
	output_pump(&output, &queue, now += 10000);
	int peer = accept(server, NULL, NULL);
	assert_true(peer >= 0);
	ssize_t n = recv(peer, octets, sizeof(octets), 0);
	assert_true(n > 0 && octets[n - 1] == '\n');
	assert_true(output.report.up);

	/* It reads nothing: what fits no buffer waits, and the last line is cut. */
	for (uint64_t i = 2; i < 600; i++)
		push(i);
	output_pump(&output, &queue, now);
	output_pump(&output, &queue, now);
	assert_true(output.report.waiting > 0);
	assert_non_null(output.message);
	uint64_t cut = output.sequence;
	close(peer);
	output_pump(&output, &queue, now);
	assert_false(output.report.up);
	output_pump(&output, &queue, now += 10000);
	peer = accept(server, NULL, NULL);
	assert_true(peer >= 0);
	n = recv(peer, octets, sizeof(octets) - 1, 0);
	assert_true(n > 0);
	octets[n] = '\0';
	json_t *t = json_loads(octets, JSON_DISABLE_EOF_CHECK, NULL);
	seen = count_at(t, "fastflux/sequence");
	json_decref(t);
	assert_int_equal(seen, cut);
	close(peer);
	close(server);
}

/* TCP takes parts of a message: after a break it comes from its start, with its length. */
static void a_message_that_was_cut_comes_whole(void **state)
{
	static char octets[65536];
	struct sockaddr_in sa = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t len = sizeof(sa);
	char target[64];
	int server = socket(AF_INET, SOCK_STREAM, 0);

	(void)state;
	assert_int_equal(bind(server, (struct sockaddr *)&sa, len), 0);
	assert_int_equal(listen(server, 4), 0);
	assert_int_equal(getsockname(server, (struct sockaddr *)&sa, &len), 0);
	snprintf(target, sizeof(target), "tcp:127.0.0.1:%u", ntohs(sa.sin_port));
	output_init(&output, FEED_SYSLOG, "h");
	output_target(&output, target);
	for (uint64_t i = 1; output.sent == 0 && i < 1000000; i++) {
		push(i);
		output_pump(&output, &queue, now);
	}
	assert_true(output.sent > 0 && output.sent < output.len);
	close(accept(server, NULL, NULL));
	output_pump(&output, &queue, now);
	assert_false(output.report.up);
	output_pump(&output, &queue, now += 10000);
	int peer = accept(server, NULL, NULL);
	output_pump(&output, &queue, now);
	ssize_t n = recv(peer, octets, sizeof(octets) - 1, 0);
	assert_true(n > 0);
	octets[n] = '\0';
	char *message;
	unsigned long length = strtoul(octets, &message, 10);
	assert_memory_equal(message, " <2", 3);
	assert_in_range(length, 200, 4096);
	close(peer);
	close(server);
}

static void datagrams_are_tried_where_no_stream_is(void **state)
{
	static char octets[16384];

	(void)state;
	output_init(&output, FEED_EVE_SOCKET, "h");
	output_target(&output, path("eve.sock"));
	int server = unix_socket(path("eve.sock"), SOCK_DGRAM);
	push(1);
	push(2);
	output_pump(&output, &queue, now);
	for (uint64_t i = 1; i <= 2; i++) {
		ssize_t n = recv(server, octets, sizeof(octets) - 1, 0);
		assert_true(n > 0 && octets[n - 1] == '\n');
	}
	assert_int_equal(output.report.delivered, 2);
	close(server);
}

/* An output that nobody reads loses the oldest, and counts them. */
static void what_is_lost_is_counted(void **state)
{
	(void)state;
	output_init(&output, FEED_SYSLOG, "h");
	output_target(&output, "unix:/nonexistent/log");
	for (uint64_t i = 0; i < QUEUE_ITEMS_MAX + 5; i++)
		push_plain(i, 8);
	output_pump(&output, &queue, now);
	assert_int_equal(output.report.lost, 5);
	assert_int_equal(output.lost_at, now);
	assert_int_equal(output.report.waiting, QUEUE_ITEMS_MAX);
}

/* Its thread, and those that ask it: for the thread sanitizer. */
static void a_thread_starts_and_ends(void **state)
{
	static struct config config;
	struct snapshot_board *board = snapshot_board_new();
	struct feed_report report = {0};
	char err[ERROR_LINE_MAX];
	struct feed *feed;

	(void)state;
	snprintf(config.feed.eve_file, sizeof(config.feed.eve_file), "%s", path("eve.json"));
	assert_int_equal(feed_open(&feed, &config, err), 0);
	assert_int_equal(feed_start(feed, board), 0);
	for (unsigned i = 0; i < 1000 && !report.running; i++) {
		feed_configure(feed, &config);
		feed_reopen(feed);
		feed_tell(feed, &report);
		usleep(10000);
	}
	assert_true(report.running && report.output[FEED_EVE_FILE].configured);
	feed_stop(feed);
	snapshot_board_free(board);
	assert_int_equal(access(path("eve.json"), F_OK), 0);
}

/* A disk that hangs does not hold the end, and neither does a clock that is set back. */
static void a_thread_that_hangs_is_left(void **state)
{
	static struct config config;
	struct snapshot_board *board = snapshot_board_new();
	char err[ERROR_LINE_MAX];
	struct feed *feed;

	(void)state;
	alarm(30);
	assert_int_equal(feed_open(&feed, &config, err), 0);
	hangs = true;
	assert_int_equal(feed_start(feed, board), 0);
	while (!is_hung)
		usleep(1000);
	ahead = 3600;
	feed_stop(feed);
	ahead = 0;
	snapshot_board_free(board);
	hangs = false;
	pthread_join(feed->thread, NULL);
	feed->running = false;
	feed_stop(feed);
	alarm(0);
}

static void targets_are_literal(void **state)
{
	struct target t;

	(void)state;
	assert_int_equal(target_parse("unix:/dev/log", &t), 0);
	assert_int_equal(t.type, SOCK_DGRAM);
	assert_int_equal(target_parse("udp:192.0.2.5:514", &t), 0);
	assert_int_equal(target_parse("tcp:[2001:db8::5]:601", &t), 0);
	assert_int_equal(t.type, SOCK_STREAM);
	assert_int_equal(target_parse("udp:logs.example:514", &t), -EINVAL);
	assert_int_equal(target_parse("192.0.2.5:514", &t), -EINVAL);
	assert_int_equal(target_parse("unix:log", &t), -EINVAL);
	assert_int_equal(target_parse("tcp:192.0.2.5", &t), -EINVAL);
	char deep[256];
	memset(deep, 'a', sizeof(deep));
	memcpy(deep, "unix:/", 6);
	deep[5 + 107] = '\0';
	assert_int_equal(target_parse(deep, &t), 0);
	deep[5 + 107] = 'a';
	deep[5 + 108] = '\0';
	assert_int_equal(target_parse(deep, &t), -EINVAL);
}

static void times_are_read(void **state)
{
	static const struct {
		const char *text;
		int64_t seconds; /* -1: refused */
	} cases[] = {
		{"2009-03-12T15:05:00Z", SAMPLE_TIME},
		{"2009-03-12t15:05:00z", SAMPLE_TIME},
		{"2009-03-12T15:05:00.999Z", SAMPLE_TIME},
		{"2009-03-12T17:05:00+02:00", SAMPLE_TIME},
		{"2009-03-12T09:35:00-05:30", SAMPLE_TIME},
		{"2024-02-29T00:00:00Z", 1709164800},
		{"1970-01-01T00:00:00Z", 0},
		{"2106-02-07T06:28:15Z", UINT32_MAX},
		{"2106-02-07T06:28:16Z", -1},
		{"1969-12-31T23:59:59Z", -1},
		{"2023-02-29T00:00:00Z", -1},
		{"2009-13-12T15:05:00Z", -1},
		{"2009-03-12T24:05:00Z", -1},
		{"2009-03-12T15:05:00", -1},
		{"2009-03-12T15:05:00.Z", -1},
		{"2009-03-12T15:05:00+2:00", -1},
		{"2009-03-12T15:05:00Z ", -1},
		{"2009-03-12", -1},
		{"", -1},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		uint32_t seconds = 0;
		int rc = rfc3339_parse(cases[i].text, &seconds);

		if ((rc == 0) != (cases[i].seconds >= 0) ||
			(rc == 0 && seconds != cases[i].seconds))
			fail_msg("%s: %d, %u", cases[i].text, rc, seconds);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(the_oldest_go_whole, begin, end),
		cmocka_unit_test_setup_teardown(a_file_is_appended_to_and_reopened, begin, end),
		cmocka_unit_test_setup_teardown(a_full_disk_is_told_of_and_survived, begin, end),
		cmocka_unit_test_setup_teardown(
			a_stream_that_breaks_gets_its_line_again, begin, end),
		cmocka_unit_test_setup_teardown(a_message_that_was_cut_comes_whole, begin, end),
		cmocka_unit_test_setup_teardown(datagrams_are_tried_where_no_stream_is, begin, end),
		cmocka_unit_test_setup_teardown(what_is_lost_is_counted, begin, end),
		cmocka_unit_test_setup_teardown(a_thread_starts_and_ends, begin, end),
		cmocka_unit_test_setup_teardown(a_thread_that_hangs_is_left, begin, end),
		cmocka_unit_test(targets_are_literal),
		cmocka_unit_test(times_are_read),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
