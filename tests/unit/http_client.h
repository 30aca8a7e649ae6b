/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

/* A server on loopback with a snapshot made by hand, and a client over plain sockets. */

#include <arpa/inet.h>
#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "http/server.h"
#include "json_helpers.h"
#include "sample_snapshot.h"

#define ANSWER_MAX (1u << 20)
#define VERDICTS 30u

static const struct about about = {"0.1.0", "DPDK 22.11.11", "live", "mirror of uplink 1", 1};

static struct snapshot_board *board;
static struct http_server *server;
static struct mailbox *mailbox; /* NULL unless a test sets it */

static inline int open_connection(void)
{
	const struct timeval limit = {30, 0};
	struct sockaddr_in to = {
		.sin_family = AF_INET,
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK),
		.sin_port = htons((uint16_t)http_port(server)),
	};
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	assert_true(fd >= 0);
	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit));
	assert_int_equal(connect(fd, (struct sockaddr *)&to, sizeof(to)), 0);
	return fd;
}

static inline void send_text(int fd, const char *text)
{
	size_t len = strlen(text);

	assert_int_equal(send(fd, text, len, MSG_NOSIGNAL), len);
}

/* An answer: the head as it came, and where the body starts. */
struct reply {
	int status;
	char *head;
	char *body;
};

/* Sends a whole request and reads until the server closes. */
static inline struct reply ask_raw(const char *request)
{
	struct reply r = {.head = calloc(1, ANSWER_MAX)};
	int fd = open_connection();
	size_t n = 0;
	ssize_t got;

	assert_non_null(r.head);
	send_text(fd, request);
	while ((got = recv(fd, r.head + n, ANSWER_MAX - 1 - n, 0)) > 0)
		n += (size_t)got;
	assert_int_equal(got, 0);
	close(fd);
	r.body = strstr(r.head, "\r\n\r\n");
	assert_non_null(r.body);
	r.body[2] = '\0';
	r.body += 4;
	assert_int_equal(sscanf(r.head, "HTTP/1.1 %d ", &r.status), 1);
	return r;
}

static inline struct reply ask_with(const char *method, const char *target, const char *fields)
{
	char request[4096];

	snprintf(request, sizeof(request), "%s %s HTTP/1.1\r\n%sConnection: close\r\n\r\n", method,
		target, fields);
	return ask_raw(request);
}

static inline struct reply ask(const char *target)
{
	return ask_with("GET", target, "Host: 127.0.0.1\r\n");
}

/* Value of a header field, or "". */
static inline const char *field(const struct reply *r, const char *name, char value[256])
{
	char start[64];
	const char *at_field;

	snprintf(start, sizeof(start), "\r\n%s: ", name);
	at_field = strstr(r->head, start);
	value[0] = '\0';
	if (at_field)
		sscanf(at_field + strlen(start), "%255[^\r]", value);
	return value;
}

static inline json_t *body_json(const struct reply *r)
{
	json_t *tree = json_loads(r->body, JSON_REJECT_DUPLICATES, NULL);

	if (!tree)
		fail_msg("no JSON: %s", r->body);
	assert_int_equal(count_at(tree, "schema_version"), EXPORT_SCHEMA_VERSION);
	return tree;
}

/* Status, the fields that each answer has, and for errors the problem object. */
static inline void expect(struct reply r, int status)
{
	char value[256];

	assert_int_equal(r.status, status);
	assert_string_equal(field(&r, "Cache-Control", value), "no-store");
	assert_string_equal(field(&r, "X-Content-Type-Options", value), "nosniff");
	assert_null(strstr(r.head, "Access-Control"));
	if (status >= 400) {
		assert_string_equal(field(&r, "Content-Type", value), "application/problem+json");
		json_t *problem = body_json(&r);
		assert_int_equal(count_at(problem, "status"), status);
		assert_true(*text_at(problem, "title") && *text_at(problem, "detail"));
		json_decref(problem);
	}
	free(r.head);
}

static inline int setup(void **state)
{
	const struct http_config config = {.listen = "127.0.0.1:1",
		.any_port = true,
		.board = board,
		.mailbox = mailbox,
		.about = &about};
	char err[200] = "";

	(void)state;
	if (http_start(&server, &config, err, sizeof(err))) {
		print_error("%s\n", err);
		return -1;
	}
	return 0;
}

static inline int setup_board(void **state)
{
	board = snapshot_board_new();
	snapshot_publish(board, sample_snapshot(VERDICTS));
	return setup(state);
}

static inline int setup_empty(void **state)
{
	board = snapshot_board_new();
	return setup(state);
}

static inline int teardown(void **state)
{
	(void)state;
	http_stop(server);
	snapshot_board_free(board);
	return 0;
}
