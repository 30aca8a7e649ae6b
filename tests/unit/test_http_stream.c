/* SPDX-License-Identifier: BSD-3-Clause */

/* Events as they come, over plain sockets. */

#include <poll.h>
#include <time.h>

#include "config/file.h"
#include "http/stream.h"
#include "http_client.h"

#define STREAMS_MAX (HTTP_CONNECTIONS_DEFAULT / HTTP_STREAMS_SHARE)

/* What a reader has of its stream. */
struct reader {
	int fd;
	size_t len;
	char text[1u << 16];
};

/* By HTTP/1.0 the body comes as it is, and ends with the connection. */
static void stream_ask(int fd, const char *query, const char *fields)
{
	char request[512];

	snprintf(request, sizeof(request),
		"GET /api/v1/events/stream%s HTTP/1.0\r\nHost: localhost\r\n%s\r\n", query, fields);
	send_text(fd, request);
}

static struct reader *stream_begin(const char *query, const char *fields)
{
	struct reader *r = calloc(1, sizeof(*r));

	assert_non_null(r);
	r->fd = open_connection();
	stream_ask(r->fd, query, fields);
	return r;
}

static void stream_end(struct reader *r)
{
	close(r->fd);
	free(r);
}

static uint64_t now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

/* Reads until `text` was read, and forgets all up to its end. False: the stream ended, or time is
 * up. */
static bool stream_expect(struct reader *r, const char *text, uint64_t ms)
{
	uint64_t until = now_ms() + ms;
	char *found;

	while (!(found = strstr(r->text, text))) {
		struct pollfd p = {.fd = r->fd, .events = POLLIN};
		uint64_t now = now_ms();
		if (now >= until || poll(&p, 1, (int)(until - now)) <= 0)
			return false;
		ssize_t n = recv(r->fd, r->text + r->len, sizeof(r->text) - 1 - r->len, 0);
		if (n <= 0)
			return false;
		r->len += (size_t)n;
		r->text[r->len] = '\0';
	}
	found += strlen(text);
	r->len -= (size_t)(found - r->text);
	memmove(r->text, found, r->len + 1);
	return true;
}

static void ids_expect(struct reader *r, unsigned from, unsigned to)
{
	char id[64];

	for (unsigned i = from; i <= to; i++) {
		snprintf(id, sizeof(id), "event: verdict\nid: %u\ndata: {\"sequence\":%u,", i, i);
		assert_true(stream_expect(r, id, 5000));
	}
}

/* A snapshot whose ring's newest event is `last`. */
static void publish_events(uint32_t generation, unsigned last)
{
	struct snapshot *s = sample_snapshot(VERDICTS);

	s->generation = generation;
	sample_events(&s->events, 1, last);
	snapshot_publish(board, s);
}

static void events_come_in_order(void **state)
{
	(void)state;
	struct reader *r = stream_begin("", "");

	assert_true(stream_expect(r, "HTTP/1.1 200 ", 5000));
	assert_true(stream_expect(r, "Content-Type: text/event-stream\r\n", 5000));
	ids_expect(r, 1, 10);
	assert_true(
		stream_expect(r, "event: snapshot\nid: 10\ndata: {\"schema_version\":1,", 5000));
	publish_events(1000, 13);
	ids_expect(r, 11, 13);
	assert_true(stream_expect(r, "event: snapshot\nid: 13\n", 5000));
	publish_events(1001, 13);
	assert_true(stream_expect(r, "event: snapshot\nid: 13\n", 5000));
	stream_end(r);
}

/* As in all other answers; 71.304 is no sum of powers of two. */
static void numbers_have_three_decimals(void **state)
{
	struct snapshot *s = sample_snapshot(0);
	struct verdict v;

	(void)state;
	assert_non_null(s);
	s->generation = 1010;
	sample_verdict(&v, 0);
	v.score = 71.304;
	events_init(&s->events, 1);
	events_add(&s->events, (enum event_kind)0, &v, SAMPLE_TIME);
	snapshot_publish(board, s);
	struct reader *r = stream_begin("", "");

	assert_true(stream_expect(r, "\"score\":71.304,", 5000));
	stream_end(r);
}

static void stream_goes_on_where_it_was(void **state)
{
	(void)state;
	struct reader *r = stream_begin("?since=7", "");

	assert_true(stream_expect(r, "\r\n\r\n", 5000));
	assert_null(strstr(r->text, "id: 7\n"));
	ids_expect(r, 8, 10);
	stream_end(r);
	r = stream_begin("?since=2", "Last-Event-ID: 9\r\n");
	assert_true(stream_expect(r, "\r\n\r\n", 5000));
	ids_expect(r, 10, 10);
	stream_end(r);
	r = stream_begin("?since=10", "");
	assert_true(stream_expect(r, "event: snapshot\nid: 10\n", 5000));
	stream_end(r);

	expect(ask("/api/v1/events/stream?since=11"), 410);
	expect(ask_with("GET", "/api/v1/events/stream", "Host: localhost\r\nLast-Event-ID: 11\r\n"),
		410);
	expect(ask_with("GET", "/api/v1/events/stream", "Host: localhost\r\nLast-Event-ID: x\r\n"),
		400);
	expect(ask("/api/v1/events/stream?limit=3"), 400);
	struct reply head = ask_with("HEAD", "/api/v1/events/stream", "Host: localhost\r\n");
	assert_string_equal(head.body, "");
	expect(head, 200);
}

/* Those beyond the bound are told so, and one that ends makes room at the next epoch. */
static void streams_are_bounded(void **state)
{
	(void)state;
	struct reader *r[STREAMS_MAX];
	char value[256];

	for (unsigned i = 0; i < STREAMS_MAX; i++) {
		r[i] = stream_begin("", "");
		assert_true(stream_expect(r[i], "event: snapshot\n", 5000));
	}
	struct reply full = ask("/api/v1/events/stream");
	assert_true(atoi(field(&full, "Retry-After", value)) > 0);
	expect(full, 503);
	expect(ask("/api/v1/domains"), 200);
	stream_end(r[0]);
	bool admitted = false;
	for (uint32_t i = 2000; !admitted && i < 2100; i++) {
		publish_events(i, 10);
		r[0] = stream_begin("", "");
		admitted = stream_expect(r[0], "HTTP/1.1 200 ", 5000);
		if (!admitted)
			stream_end(r[0]);
		else
			break;
		nanosleep(&(struct timespec){0, 50000000}, NULL);
	}
	assert_true(admitted);
	for (unsigned i = 0; i < STREAMS_MAX; i++)
		stream_end(r[i]);
}

/* Who does not read is cut off, others go on; and a stream with nothing to say gives a sign. */
static void slow_reader_and_heartbeat(void **state)
{
	(void)state;
	struct reader *quiet = stream_begin("", "");
	int slow = open_connection(), small = 4096;
	char octets[4096];
	size_t taken = 0;
	ssize_t n;

	setsockopt(slow, SOL_SOCKET, SO_RCVBUF, &small, sizeof(small));
	stream_ask(slow, "", "");
	for (unsigned i = 1; i <= 20; i++) {
		char id[64];
		publish_events(3000 + i, 200 * i);
		snprintf(id, sizeof(id), "event: snapshot\nid: %u\n", 200 * i);
		assert_true(stream_expect(quiet, id, 5000));
	}
	uint64_t begin = now_ms();
	assert_true(stream_expect(quiet, "\n:\n\n", 1000 * STREAM_HEARTBEAT_SECONDS + 2000));
	assert_true(now_ms() - begin > 500); /* that it is no record which came before */
	while ((n = recv(slow, octets, sizeof(octets), 0)) > 0)
		taken += (size_t)n;
	assert_true(taken < 400000); /* of the 800,000 octets that there were */
	close(slow);
	stream_end(quiet);
}

static void stop_ends_streams(void **state)
{
	struct reader *r[3];

	for (unsigned i = 0; i < 3; i++) {
		r[i] = calloc(1, sizeof(*r[i]));
		r[i]->fd = open_connection();
		send_text(
			r[i]->fd, "GET /api/v1/events/stream HTTP/1.1\r\nHost: localhost\r\n\r\n");
		assert_true(stream_expect(r[i], "event: snapshot\n", 5000));
	}
	uint64_t begin = now_ms();
	http_stop(server);
	server = NULL;
	assert_true(now_ms() - begin < 3000);
	for (unsigned i = 0; i < 3; i++) {
		assert_true(stream_expect(r[i], "\r\n0\r\n\r\n", 1000));
		stream_end(r[i]);
	}
	assert_int_equal(setup(state), 0);
}

/* sha256("reader"), sha256("admin") */
#define READER "3d0941964aa3ebdcb00ccef58b1bb399f9f898465e9886d5aec7f31090a0fb30"
#define ADMIN "8c6976e5b5410415bde908bd4dee15dfb167a9c873fc4bb8a81f6f2ab448a918"

static struct access_files *tokens_of(const struct config_http *c, const char *text)
{
	struct access_files *files;
	char why[ERROR_LINE_MAX];

	assert_int_equal(file_replace(c->token_file, text, strlen(text), 0600), 0);
	assert_int_equal(access_files_read(&files, c, why), 0);
	return files;
}

/* A token that was taken back reads no further; a reload that leaves the tokens changes nothing. */
static void streams_end_with_their_tokens(void **state)
{
	(void)state;
	struct config_http c = {0};
	snprintf(c.token_file, sizeof(c.token_file), "/tmp/fluxgate-stream.%d", (int)getpid());
	struct access *access = access_new(tokens_of(&c, "one:" READER "\n"));
	const struct http_config config = {.listen = "127.0.0.1:1",
		.any_port = true,
		.board = board,
		.about = &about,
		.access = access};
	char err[200] = "";

	http_stop(server);
	assert_int_equal(http_start(&server, &config, err, sizeof(err)), 0);
	struct reader *r = stream_begin("", "Authorization: Bearer reader\r\n");
	assert_true(stream_expect(r, "event: snapshot\n", 5000));
	access_take(access, tokens_of(&c, "one:" READER "\n"));
	publish_events(4000, 11);
	assert_true(stream_expect(r, "event: snapshot\nid: 11\n", 5000));
	access_take(access, tokens_of(&c, "one:" ADMIN "\n"));
	publish_events(4001, 12);
	uint64_t begin = now_ms();
	assert_false(stream_expect(r, "id: 12\n", 5000));
	assert_true(now_ms() - begin < 4000); /* it ended */
	stream_end(r);
	expect(ask_with("GET", "/api/v1/events/stream",
		       "Host: localhost\r\nAuthorization: Bearer reader\r\n"),
		401);
	r = stream_begin("?since=11", "Authorization: Bearer admin\r\n");
	assert_true(stream_expect(r, "id: 12\n", 5000));
	stream_end(r);
	http_stop(server);
	server = NULL;
	access_free(access);
	unlink(c.token_file);
}

static void no_stream_before_the_first_snapshot(void **state)
{
	(void)state;
	expect(ask("/api/v1/events/stream"), 503);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(events_come_in_order, setup_board, teardown),
		cmocka_unit_test_setup_teardown(numbers_have_three_decimals, setup_board, teardown),
		cmocka_unit_test_setup_teardown(stream_goes_on_where_it_was, setup_board, teardown),
		cmocka_unit_test_setup_teardown(streams_are_bounded, setup_board, teardown),
		cmocka_unit_test_setup_teardown(slow_reader_and_heartbeat, setup_board, teardown),
		cmocka_unit_test_setup_teardown(stop_ends_streams, setup_board, teardown),
		cmocka_unit_test_setup_teardown(
			streams_end_with_their_tokens, setup_board, teardown),
		cmocka_unit_test_setup_teardown(
			no_stream_before_the_first_snapshot, setup_empty, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
