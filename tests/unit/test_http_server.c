/* SPDX-License-Identifier: BSD-3-Clause */

/* The server's limits, its refusals, and its life beside control. */

#include <errno.h>
#include <pthread.h>
#include <time.h>

#include "http_client.h"

static void long_header_is_refused(void **state)
{
	(void)state;
	size_t size = 40000;
	char *request = malloc(size + 64);

	assert_non_null(request);
	int n = sprintf(request, "GET /livez HTTP/1.1\r\nHost: localhost\r\nX: ");
	memset(request + n, 'a', size);
	strcpy(request + size, "\r\n\r\n");
	struct reply r = ask_raw(request);
	assert_in_range(r.status, 400, 499);
	free(r.head);
	free(request);
	expect(ask("/livez"), 200);
}

static void rubbish_is_refused(void **state)
{
	(void)state;
	static const char *const rubbish[] = {"\r\n\r\n\r\n", "GET\r\n\r\n", "\x16\x03\x01\x02",
		"GET / HTTP/9.9\r\n\r\n", "GET /%%%s%n HTTP/1.1\r\nHost: localhost\r\n\r\n"};

	for (unsigned i = 0; i < sizeof(rubbish) / sizeof(*rubbish); i++) {
		int fd = open_connection();
		send_text(fd, rubbish[i]);
		close(fd);
	}
	expect(ask("/livez"), 200);
}

/* More than may be connected, and from the same address: those who wait for longest go. */
static void slow_clients_block_nobody(void **state)
{
	(void)state;
	struct timespec begin, end;
	static int slow[3 * HTTP_CONNECTIONS_DEFAULT];
	const unsigned count = sizeof(slow) / sizeof(*slow);

	clock_gettime(CLOCK_MONOTONIC, &begin);
	for (unsigned i = 0; i < count; i++) {
		slow[i] = open_connection();
		send_text(slow[i], "GET /livez HTTP/1.1\r\nHo");
	}
	for (unsigned i = 0; i < 10; i++)
		expect(ask("/api/v1/stats"), 200);
	clock_gettime(CLOCK_MONOTONIC, &end);
	assert_true(end.tv_sec - begin.tv_sec < 9); /* sooner than the first slow one is dropped */
	for (unsigned i = 0; i < count; i++)
		close(slow[i]);
}

static void bad_places_are_refused(void **state)
{
	(void)state;
	static const struct {
		const char *listen;
		int rc;
	} bad[] = {
		{"0.0.0.0:8953", -EPERM},
		{"192.0.2.1:8953", -EPERM},
		{"[::]:8953", -EPERM},
		{"[2001:db8::1]:8953", -EPERM},
		{"[::ffff:127.0.0.1]:8953", -EPERM},
		{"localhost:8953", -EINVAL},
		{"127.0.0.1", -EINVAL},
		{"127.0.0.1:99999", -EINVAL},
		{"", -EINVAL},
	};
	struct http_config config = {.board = board, .about = &about};
	struct http_server *none = NULL;
	char err[200], taken[64];

	for (unsigned i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		config.listen = bad[i].listen;
		assert_int_equal(http_start(&none, &config, err, sizeof(err)), bad[i].rc);
		assert_int_equal(strncmp(err, bad[i].listen, strlen(bad[i].listen)), 0);
		assert_null(strchr(err, '\n'));
	}
	snprintf(taken, sizeof(taken), "127.0.0.1:%u", http_port(server));
	config.listen = taken;
	assert_int_equal(http_start(&none, &config, err, sizeof(err)), -EADDRINUSE);
	assert_non_null(strstr(err, "is taken"));
	config.max_connections = HTTP_CONNECTIONS_MAX + 1;
	assert_int_equal(http_start(&none, &config, err, sizeof(err)), -EINVAL);
	assert_null(none);
	http_stop(NULL);
}

static void before_the_first_snapshot(void **state)
{
	(void)state;
	expect(ask("/livez"), 200);
	expect(ask("/metrics"), 200);
	expect(ask("/api/v1/status"), 200);
	expect(ask("/readyz"), 503);
	expect(ask("/api/v1/stats"), 503);
	expect(ask("/api/v1/domains"), 503);
	expect(ask("/api/v1/domains/a.example"), 503);
	expect(ask("/api/v1/domains?limit=0"), 400);
	snapshot_publish(board, sample_snapshot(1));
	expect(ask("/readyz"), 200);
}

static void publish_generation(struct snapshot_board *b, uint32_t generation)
{
	struct snapshot *s = sample_snapshot(VERDICTS);

	s->generation = generation;
	snapshot_publish(b, s);
}

static void *publish_often(void *arg)
{
	for (uint32_t i = 1; i <= 300; i++) {
		publish_generation(arg, i);
		nanosleep(&(struct timespec){0, 1000000}, NULL);
	}
	return NULL;
}

/* An answer is made from one snapshot, however often another is hung up meanwhile. */
static void snapshots_change_meanwhile(void **state)
{
	(void)state;
	pthread_t control;
	uint64_t before = 0;

	publish_generation(board, 0);
	assert_int_equal(pthread_create(&control, NULL, publish_often, board), 0);
	for (unsigned i = 0; i < 40; i++) {
		struct reply r = ask("/api/v1/domains");
		json_t *t = body_json(&r);
		assert_int_equal(json_array_size(at(t, "domains")), VERDICTS);
		assert_true(count_at(t, "generation") >= before);
		before = count_at(t, "generation");
		json_decref(t);
		expect(r, 200);
	}
	pthread_join(control, NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(long_header_is_refused, setup_board, teardown),
		cmocka_unit_test_setup_teardown(rubbish_is_refused, setup_board, teardown),
		cmocka_unit_test_setup_teardown(slow_clients_block_nobody, setup_board, teardown),
		cmocka_unit_test_setup_teardown(bad_places_are_refused, setup_board, teardown),
		cmocka_unit_test_setup_teardown(snapshots_change_meanwhile, setup_board, teardown),
		cmocka_unit_test_setup_teardown(before_the_first_snapshot, setup_empty, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
