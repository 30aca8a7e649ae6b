/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

/*
 * The socket that the server listens on. Made here rather than by the HTTP library,
 * which does not tell why it could not.
 */

#include <netinet/in.h>
#include <stdbool.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

struct listener {
	int fd;
	unsigned port;                   /* host order; 0 of a unix socket */
	char host[INET6_ADDRSTRLEN + 2]; /* as a Host field has it: "[::1]"; "" of a unix socket */
	char path[sizeof(((struct sockaddr_un *)0)->sun_path)]; /* of a unix socket, else "" */
	dev_t dev;                                              /* which file is ours */
	ino_t ino;
};

/*
 * Binds and listens. A unix socket gets mode 0660; one that nobody answers at is replaced.
 * 0 or -errno: -EADDRINUSE when somebody has the address, -ENOTSOCK when a file of another
 * kind has the path.
 */
int listener_open(
	struct listener *l, const struct sockaddr_storage *address, socklen_t len, bool any_port);

/* The file of a unix socket goes, unless another has taken its place. The descriptor stays. */
void listener_remove(const struct listener *l);

/* Who asks: "192.0.2.1:4242", "[::1]:4242", or "uid 1000, pid 4242" of a unix socket. */
#define PEER_TEXT_MAX 64u
void peer_text(const struct sockaddr *address, int fd, char out[PEER_TEXT_MAX]);
