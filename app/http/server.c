/* SPDX-License-Identifier: BSD-3-Clause */

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <time.h>
#include <unistd.h>

#include <microhttpd.h>

#include "config/listen.h"
#include "http/answer.h"
#include "http/guests.h"
#include "http/listen.h"
#include "http/rendered.h"
#include "http/routes.h"
#include "http/server.h"
#include "http/stream.h"
#include "http/tls.h"

#define HTTP_THREADS 2u
#define HTTP_TIMEOUT_SECONDS 10u
#define HTTP_MEMORY ((size_t)32 * 1024) /* of a connection: bounds its header */
/* Of the library's own limit, which counts those too that were told to go. */
#define HTTP_LEAVING 16u

struct http_server {
	struct MHD_Daemon *daemon;
	struct routes routes;
	struct request_counts requests;
	struct streams *streams;
	struct guests *guests;
	struct listener listener;
};

/* What a request brings after its head, where somebody wants it. */
struct upload {
	size_t len;
	char octets[REQUEST_BODY_MAX + 1]; /* one more than may come, so that it shows */
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

/* Fields that may be there once; of several none is known to be meant. */
struct single_fields {
	const char *host, *authorization;
	unsigned hosts, authorizations;
};

static enum MHD_Result fields_seek(
	void *ctx, enum MHD_ValueKind kind, const char *name, const char *value)
{
	struct single_fields *f = ctx;

	(void)kind;
	if (strcasecmp(name, MHD_HTTP_HEADER_HOST) == 0) {
		f->host = value;
		f->hosts++;
	} else if (strcasecmp(name, MHD_HTTP_HEADER_AUTHORIZATION) == 0) {
		f->authorization = value;
		f->authorizations++;
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
		struct MHD_Response *response =
			stream_open(streams, connection, a->stream, a->tokens);
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
	if (a->authenticate)
		MHD_add_response_header(
			response, MHD_HTTP_HEADER_WWW_AUTHENTICATE, a->authenticate);
	guest_answered(server->guests, connection, a->stream != 0);
	rc = MHD_queue_response(connection, a->status, response);
	MHD_destroy_response(response);
	return rc;
}

static const char *field_of(struct MHD_Connection *connection, const char *name)
{
	return MHD_lookup_connection_value(connection, MHD_HEADER_KIND, name);
}

static void request_fill(struct MHD_Connection *connection, struct request *q)
{
	const union MHD_ConnectionInfo *address =
		MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CLIENT_ADDRESS);
	const union MHD_ConnectionInfo *fd =
		MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CONNECTION_FD);
	struct single_fields fields = {0};

	MHD_get_connection_values(connection, MHD_HEADER_KIND, fields_seek, &fields);
	if (fields.hosts == 1)
		q->host = fields.host;
	if (fields.authorizations)
		q->authorization = fields.authorizations == 1 ? fields.authorization : "";
	q->if_none_match = field_of(connection, MHD_HTTP_HEADER_IF_NONE_MATCH);
	q->last_event_id = field_of(connection, "Last-Event-ID");
	q->content_type = field_of(connection, MHD_HTTP_HEADER_CONTENT_TYPE);
	peer_text(address ? address->client_addr : NULL, fd ? fd->connect_fd : -1, q->from);
	MHD_get_connection_values(connection, MHD_GET_ARGUMENT_KIND, param_add, q);
}

/* As much as may come, and one octet; the rest is let go. */
static void upload_add(struct upload *u, const char *octets, size_t len)
{
	size_t room = sizeof(u->octets) - u->len;
	size_t n = len < room ? len : room;

	memcpy(u->octets + u->len, octets, n);
	u->len += n;
}

/* Stands for the body of a request that asks for nothing by it. */
static struct upload unread;

static void request_completed(void *guests, struct MHD_Connection *connection, void **state,
	enum MHD_RequestTerminationCode how)
{
	if (*state != &unread)
		free(*state);
	*state = NULL;
	guest_completed(guests, connection, state, how);
}

static enum MHD_Result request_answer(void *ctx, struct MHD_Connection *connection,
	const char *path, const char *method, const char *version, const char *octets,
	size_t *octets_size, void **state)
{
	const struct http_server *server = ctx;
	struct request q = {.method = method, .path = path};
	struct upload *upload = *state;
	struct answer a;

	(void)version;
	/* The first call comes before a body; without an answer now, the body is read. */
	if (!upload && strcmp(method, MHD_HTTP_METHOD_GET) == 0) {
		*state = &unread;
		return MHD_YES;
	}
	if (*octets_size) {
		if (upload && upload != &unread)
			upload_add(upload, octets, *octets_size);
		*octets_size = 0;
		return MHD_YES;
	}
	request_fill(connection, &q);
	if (!upload && routes_wants_body(&server->routes, &q)) {
		*state = calloc(1, sizeof(*upload));
		return *state ? MHD_YES : MHD_NO;
	}
	if (upload && upload != &unread) {
		q.body = upload->octets;
		q.body_len = upload->len;
	}
	/* Before it is looked who asks. */
	uint32_t tokens = access_generation(server->routes.access);
	routes_answer(&server->routes, &q, &a);
	a.tokens = tokens;
	return answer_send(server, connection, &a);
}

static struct MHD_Daemon *daemon_start(struct http_server *server, unsigned connections)
{
	bool tls = access_is_tls(server->routes.access);
	struct MHD_Daemon *daemon;
	sigset_t all, before;

	/* Signals are for the main thread: those that the library starts block them. */
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	daemon = MHD_start_daemon(MHD_USE_INTERNAL_POLLING_THREAD | MHD_USE_EPOLL |
					  MHD_ALLOW_SUSPEND_RESUME |
					  (tls ? (unsigned)MHD_USE_TLS : 0u),
		0, NULL, NULL, request_answer, server,                                    //
		MHD_OPTION_LISTEN_SOCKET, server->listener.fd,                            //
		MHD_OPTION_THREAD_POOL_SIZE, HTTP_THREADS,                                //
		MHD_OPTION_CONNECTION_LIMIT, (connections + HTTP_LEAVING) * HTTP_THREADS, //
		MHD_OPTION_NOTIFY_CONNECTION, guest_notify, server->guests,               //
		MHD_OPTION_NOTIFY_COMPLETED, request_completed, server->guests,           //
		MHD_OPTION_CONNECTION_TIMEOUT, HTTP_TIMEOUT_SECONDS,                      //
		MHD_OPTION_CONNECTION_MEMORY_LIMIT, HTTP_MEMORY,                          //
		MHD_OPTION_STRICT_FOR_CLIENT, 1,                                          //
		MHD_OPTION_UNESCAPE_CALLBACK, keep_escapes, NULL,                         //
		/* Behind the rest: without TLS nothing is read from here on. */
		tls ? MHD_OPTION_HTTPS_PRIORITIES : MHD_OPTION_END, TLS_PRIORITIES, //
		MHD_OPTION_HTTPS_CERT_CALLBACK2, tls_retrieve,                      //
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
		.history = config->history,
		.host = NULL,
		.access = config->access,
		.allow = config->allow,
		.acks = config->acks,
		.marks = {config->allow, config->acks},
		.psl = config->psl,
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

static const char *listen_problem(int rc)
{
	if (rc == -EADDRINUSE)
		return "is taken: stop what listens there or choose another";
	if (rc == -ENOTSOCK)
		return "a file that is no socket has the path: choose another";
	return strerror(-rc);
}

int http_start(
	struct http_server **out, const struct http_config *config, char *err, size_t err_size)
{
	unsigned connections =
		config->max_connections ? config->max_connections : HTTP_CONNECTIONS_DEFAULT;
	struct sockaddr_storage address;
	struct http_server *server;
	socklen_t len;
	int rc;

	if (connections < HTTP_CONNECTIONS_MIN || connections > HTTP_CONNECTIONS_MAX)
		return refuse(
			-EINVAL, config, "connections out of range: 8 to 4096", err, err_size);
	if (listen_parse(config->listen, &address, &len))
		return refuse(-EINVAL, config,
			"not a listen address: write ADDRESS:PORT or unix:/PATH", err, err_size);
	if (!listen_is_local(&address) && !access_is_guarded(config->access))
		return refuse(-EPERM, config,
			"reached from other machines, which needs a certificate and tokens", err,
			err_size);
	server = calloc(1, sizeof(*server));
	if (!server)
		return refuse(-ENOMEM, config, "out of memory", err, err_size);
	rc = listener_open(&server->listener, &address, len, config->any_port);
	if (rc < 0) {
		server_free(server);
		return refuse(rc, config, listen_problem(rc), err, err_size);
	}
	routes_init(server, config);
	/* Pages that reach it by a name of their own must not; from elsewhere a token is needed. */
	if (listen_is_local(&address) && server->listener.host[0])
		server->routes.host = server->listener.host;
	server->guests = guests_new(connections);
	if (server->guests)
		server->streams = streams_start(
			config->board, config->access, connections / HTTP_STREAMS_SHARE);
	if (!server->streams) {
		listener_remove(&server->listener);
		close(server->listener.fd);
		server_free(server);
		return refuse(-ENOMEM, config, "out of memory", err, err_size);
	}
	server->daemon = daemon_start(server, connections);
	if (!server->daemon) {
		streams_stop(server->streams);
		/* Whether the library closed the socket depends on how far it came: let it be. */
		listener_remove(&server->listener);
		server_free(server);
		return refuse(-EIO, config, "the HTTP library did not start", err, err_size);
	}
	*out = server;
	return 0;
}

unsigned http_port(const struct http_server *server)
{
	return server->listener.port;
}

void http_stop(struct http_server *server)
{
	if (!server)
		return;
	streams_stop(server->streams);
	listener_remove(&server->listener);
	MHD_stop_daemon(server->daemon);
	server_free(server);
}
