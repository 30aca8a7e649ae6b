/* SPDX-License-Identifier: BSD-3-Clause */

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include <microhttpd.h>

#include "config/listen.h"
#include "http/routes.h"
#include "http/answer.h"
#include "http/guests.h"
#include "http/rendered.h"
#include "http/server.h"
#include "http/stream.h"

#define HTTP_THREADS 2u
#define HTTP_TIMEOUT_SECONDS 10u
#define HTTP_MEMORY ((size_t)32 * 1024) /* of a connection: bounds its header */
/* Of the library's own limit, which counts those too that were told to go. */
#define HTTP_LEAVING 16u
#define HTTP_BACKLOG 64

struct http_server {
	struct MHD_Daemon *daemon;
	struct routes routes;
	struct request_counts requests;
	struct streams *streams;
	struct guests *guests;
	unsigned port;
	char host[INET6_ADDRSTRLEN + 2];
};

/* Paths and values are decoded where they are used: %00 and %2F are octets of theirs. */
static size_t keep_escapes(void *ctx, struct MHD_Connection *connection, char *text)
{
	(void)ctx, (void)connection;
	return strlen(text);
}

static enum MHD_Result param_add(
	void *ctx, enum MHD_ValueKind kind, const char *name, const char *value)
{
	struct request *q = ctx;

	(void)kind;
	if (q->params >= REQUEST_PARAMS_MAX) {
		q->params = REQUEST_PARAMS_MAX + 1;
		return MHD_NO;
	}
	q->param[q->params++] = (struct param){name, value};
	return MHD_YES;
}

struct host_field {
	const char *value;
	unsigned count;
};

static enum MHD_Result host_seek(
	void *ctx, enum MHD_ValueKind kind, const char *name, const char *value)
{
	struct host_field *host = ctx;

	(void)kind;
	if (strcasecmp(name, MHD_HTTP_HEADER_HOST) == 0) {
		host->value = value;
		host->count++;
	}
	return MHD_YES;
}

static void body_static(void *owner)
{
	(void)owner;
}

/* The response to answer by, or NULL: out of memory. */
static struct MHD_Response *response_make(
	struct streams *streams, struct MHD_Connection *connection, struct answer *a)
{
	if (a->stream) {
		struct MHD_Response *response = stream_open(streams, connection, a->stream);
		if (response)
			return response;
		a->stream = 0;
		answer_later(a, STREAM_RETRY_SECONDS, "There are as many streams as may be.");
	}
	return MHD_create_response_from_buffer_with_free_callback_cls(
		a->len, (void *)a->body, a->release ? a->release : body_static, a->owner);
}

static enum MHD_Result answer_send(
	const struct http_server *server, struct MHD_Connection *connection, struct answer *a)
{
	struct MHD_Response *response = response_make(server->streams, connection, a);
	char seconds[16];
	enum MHD_Result rc;

	if (!response) {
		if (a->release)
			a->release(a->owner);
		return MHD_NO;
	}
	MHD_add_response_header(response, MHD_HTTP_HEADER_CONTENT_TYPE, a->content_type);
	MHD_add_response_header(response, MHD_HTTP_HEADER_CACHE_CONTROL, "no-store");
	MHD_add_response_header(response, "X-Content-Type-Options", "nosniff");
	if (a->etag[0])
		MHD_add_response_header(response, MHD_HTTP_HEADER_ETAG, a->etag);
	if (a->policy)
		MHD_add_response_header(response, "Content-Security-Policy", a->policy);
	if (a->allow)
		MHD_add_response_header(response, MHD_HTTP_HEADER_ALLOW, a->allow);
	if (a->retry_after) {
		snprintf(seconds, sizeof(seconds), "%u", a->retry_after);
		MHD_add_response_header(response, MHD_HTTP_HEADER_RETRY_AFTER, seconds);
	}
	guest_answered(server->guests, connection, a->stream != 0);
	rc = MHD_queue_response(connection, a->status, response);
	MHD_destroy_response(response);
	return rc;
}

static enum MHD_Result request_answer(void *ctx, struct MHD_Connection *connection,
	const char *path, const char *method, const char *version, const char *upload,
	size_t *upload_size, void **state)
{
	static char started;
	const struct http_server *server = ctx;
	struct request q = {.method = method, .path = path};
	struct host_field host = {0};
	struct answer a;

	(void)version, (void)upload;
	/* The first call comes before a body; without an answer now, the body would be read. */
	if (!*state && strcmp(method, "GET") == 0) {
		*state = &started;
		return MHD_YES;
	}
	if (*upload_size) {
		*upload_size = 0;
		return MHD_YES;
	}
	MHD_get_connection_values(connection, MHD_HEADER_KIND, host_seek, &host);
	if (host.count == 1)
		q.host = host.value;
	q.if_none_match = MHD_lookup_connection_value(
		connection, MHD_HEADER_KIND, MHD_HTTP_HEADER_IF_NONE_MATCH);
	q.last_event_id = MHD_lookup_connection_value(connection, MHD_HEADER_KIND, "Last-Event-ID");
	MHD_get_connection_values(connection, MHD_GET_ARGUMENT_KIND, param_add, &q);
	routes_answer(&server->routes, &q, &a);
	return answer_send(server, connection, &a);
}

/* The address as a Host field has it, and its port set to 0 when any will do. */
static void address_host(struct sockaddr_storage *address, bool any_port, char *host, size_t size)
{
	char text[INET6_ADDRSTRLEN];

	if (address->ss_family == AF_INET) {
		struct sockaddr_in *sa = (struct sockaddr_in *)address;
		inet_ntop(AF_INET, &sa->sin_addr, text, sizeof(text));
		snprintf(host, size, "%s", text);
		if (any_port)
			sa->sin_port = 0;
	} else {
		struct sockaddr_in6 *sa = (struct sockaddr_in6 *)address;
		inet_ntop(AF_INET6, &sa->sin6_addr, text, sizeof(text));
		snprintf(host, size, "[%s]", text);
		if (any_port)
			sa->sin6_port = 0;
	}
}

/*
 * Bound and listening, with *port set; or -errno. Made here rather than by the
 * library, which does not tell why it could not.
 */
static int socket_listen(const struct sockaddr_storage *address, socklen_t len, unsigned *port)
{
	struct sockaddr_storage bound = {0};
	int on = 1, rc;
	int fd = socket(address->ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

	if (fd < 0)
		return -errno;
	/* A restart must not wait for the last run's connections to time out. */
	if (setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)) ||
		bind(fd, (const struct sockaddr *)address, len) || listen(fd, HTTP_BACKLOG) ||
		getsockname(fd, (struct sockaddr *)&bound, &len)) {
		rc = -errno;
		close(fd);
		return rc;
	}
	*port = ntohs(bound.ss_family == AF_INET ? ((struct sockaddr_in *)&bound)->sin_port
						 : ((struct sockaddr_in6 *)&bound)->sin6_port);
	return fd;
}

static struct MHD_Daemon *daemon_start(struct http_server *server, int fd, unsigned connections)
{
	struct MHD_Daemon *daemon;
	sigset_t all, before;

	/* Signals are for the main thread: those that the library starts block them. */
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	daemon = MHD_start_daemon(
		MHD_USE_INTERNAL_POLLING_THREAD | MHD_USE_EPOLL | MHD_ALLOW_SUSPEND_RESUME, 0, NULL,
		NULL, request_answer, server,                                             //
		MHD_OPTION_LISTEN_SOCKET, fd,                                             //
		MHD_OPTION_THREAD_POOL_SIZE, HTTP_THREADS,                                //
		MHD_OPTION_CONNECTION_LIMIT, (connections + HTTP_LEAVING) * HTTP_THREADS, //
		MHD_OPTION_NOTIFY_CONNECTION, guest_notify, server->guests,               //
		MHD_OPTION_NOTIFY_COMPLETED, guest_completed, server->guests,             //
		MHD_OPTION_CONNECTION_TIMEOUT, HTTP_TIMEOUT_SECONDS,                      //
		MHD_OPTION_CONNECTION_MEMORY_LIMIT, HTTP_MEMORY,                          //
		MHD_OPTION_STRICT_FOR_CLIENT, 1,                                          //
		MHD_OPTION_UNESCAPE_CALLBACK, keep_escapes, NULL,                         //
		MHD_OPTION_END);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	return daemon;
}

static void routes_init(struct http_server *server, const struct http_config *config)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	routes_count(&server->requests);
	server->routes = (struct routes){
		.board = config->board,
		.mailbox = config->mailbox,
		.rpz = config->rpz,
		.about = config->about,
		.requests = &server->requests,
		.rendered = rendered_cache_new(),
		.host = server->host,
		.started = (uint32_t)time(NULL),
		.started_ms = (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000,
	};
}

static void server_free(struct http_server *server)
{
	streams_free(server->streams);
	guests_free(server->guests);
	rendered_cache_free(server->routes.rendered);
	free(server);
}

/* The line for a failed start. */
static int refuse(int rc, const struct http_config *config, const char *why, char *err, size_t size)
{
	snprintf(err, size, "%s: %s", config->listen, why);
	return rc;
}

int http_start(
	struct http_server **out, const struct http_config *config, char *err, size_t err_size)
{
	unsigned connections =
		config->max_connections ? config->max_connections : HTTP_CONNECTIONS_DEFAULT;
	struct sockaddr_storage address;
	struct http_server *server;
	socklen_t len;
	int fd;

	if (connections < HTTP_CONNECTIONS_MIN || connections > HTTP_CONNECTIONS_MAX)
		return refuse(
			-EINVAL, config, "connections out of range: 8 to 4096", err, err_size);
	if (listen_parse(config->listen, &address, &len))
		return refuse(-EINVAL, config,
			"not a listen address: write 127.0.0.1:PORT or [::1]:PORT", err, err_size);
	if (!listen_is_loopback(&address))
		return refuse(-EPERM, config,
			"not a loopback address: TLS and tokens are not available in this version",
			err, err_size);
	server = calloc(1, sizeof(*server));
	if (!server)
		return refuse(-ENOMEM, config, "out of memory", err, err_size);
	address_host(&address, config->any_port, server->host, sizeof(server->host));
	routes_init(server, config);
	fd = socket_listen(&address, len, &server->port);
	if (fd < 0) {
		server_free(server);
		return refuse(fd, config,
			fd == -EADDRINUSE
				? "port is taken: stop what listens there or choose another"
				: strerror(-fd),
			err, err_size);
	}
	server->guests = guests_new(connections);
	if (server->guests)
		server->streams = streams_start(config->board, connections / HTTP_STREAMS_SHARE);
	if (!server->streams) {
		close(fd);
		server_free(server);
		return refuse(-ENOMEM, config, "out of memory", err, err_size);
	}
	server->daemon = daemon_start(server, fd, connections);
	if (!server->daemon) {
		streams_stop(server->streams);
		/* Whether the library closed the socket depends on how far it came: let it be. */
		server_free(server);
		return refuse(-EIO, config, "the HTTP library did not start", err, err_size);
	}
	*out = server;
	return 0;
}

unsigned http_port(const struct http_server *server)
{
	return server->port;
}

void http_stop(struct http_server *server)
{
	if (!server)
		return;
	streams_stop(server->streams);
	MHD_stop_daemon(server->daemon);
	server_free(server);
}
