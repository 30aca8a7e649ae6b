/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

/*
 * JSON over HTTP (docs/api.md). Read only, but for what admins' tokens let change.
 *
 * Listens on a loopback address or a unix socket; on others with TLS and tokens only. On
 * loopback a request whose Host is neither that address nor "localhost" is refused, so
 * that no web page can reach it through a name that resolves to loopback. Connections, header
 * octets and idle time are bounded: see guests.h for who has to go when there are too many.
 * Answers come from the board's current snapshot; one kind of question goes to control by the
 * mailbox, none to a worker.
 */

#include <stdbool.h>
#include <stddef.h>

#include "control/mailbox.h"
#include "control/snapshot.h"
#include "export/acks.h"
#include "export/allow.h"
#include "export/json.h"
#include "export/rpz.h"
#include "http/access.h"

#define HTTP_CONNECTIONS_DEFAULT 256u
#define HTTP_CONNECTIONS_MIN 8u
#define HTTP_CONNECTIONS_MAX 4096u

/* One in so many connections may be a stream of events. */
#define HTTP_STREAMS_SHARE 4u

struct http_server;

struct http_config {
	const char *listen;           /* as config/listen.h has it */
	bool any_port;                /* take a free port rather than the one in `listen` */
	unsigned max_connections;     /* 0: the default */
	struct snapshot_board *board; /* all outlive the server */
	struct mailbox *mailbox;      /* NULL: no name is explained */
	struct rpz *rpz;              /* NULL: nothing blocks; it outlives the server, too */
	const struct about *about;
	struct access *access; /* outlives the server; NULL: everybody reads, nothing changes */
	struct allow *allow;   /* the same; NULL: there is no list */
	struct acks *acks;     /* the same; NULL: nothing is acknowledged */
	const struct psl *psl; /* what allowed names are held against; NULL: nothing */
	const char *history;   /* path of the SQLite file; NULL: none is kept */
};

/*
 * Starts to serve. Its threads take over the caller's CPU affinity, so call it
 * from a thread that is not bound to a worker's core. 0, or -errno and one line
 * in `err` ("<listen>: <what>: <remedy>"):
 *   -EINVAL      `listen` is no address, or the limit is out of range
 *   -EPERM       it is reached from elsewhere, and there is no certificate or no token
 *   -EADDRINUSE  the address is taken
 *   others as socket(), bind() and listen() give them
 */
int http_start(
	struct http_server **out, const struct http_config *config, char *err, size_t err_size);

/* The port that is bound, host order; 0 of a unix socket. */
unsigned http_port(const struct http_server *server);

/* Ends streams, closes all connections and waits for the threads. NULL is allowed. */
void http_stop(struct http_server *server);
