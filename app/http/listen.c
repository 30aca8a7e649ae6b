/* SPDX-License-Identifier: BSD-3-Clause */

#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "http/listen.h"

#define BACKLOG 1024 /* who finds it full comes again a second later, or three */
#define SOCKET_MODE 0660

/* An address of the internet as text, "[::1]" or "127.0.0.1"; returns its port. */
static unsigned address_text_of(const struct sockaddr *address, char *out, size_t size)
{
	char text[INET6_ADDRSTRLEN] = "";

	if (address->sa_family == AF_INET) {
		const struct sockaddr_in *sa = (const struct sockaddr_in *)(const void *)address;

		inet_ntop(AF_INET, &sa->sin_addr, text, sizeof(text));
		snprintf(out, size, "%s", text);
		return ntohs(sa->sin_port);
	}
	const struct sockaddr_in6 *sa6 = (const struct sockaddr_in6 *)(const void *)address;

	inet_ntop(AF_INET6, &sa6->sin6_addr, text, sizeof(text));
	snprintf(out, size, "[%s]", text);
	return ntohs(sa6->sin6_port);
}

void peer_text(const struct sockaddr *address, int fd, char out[PEER_TEXT_MAX])
{
	struct ucred peer;
	socklen_t len = sizeof(peer);
	char host[INET6_ADDRSTRLEN + 2];

	snprintf(out, PEER_TEXT_MAX, "unknown");
	if (address && (address->sa_family == AF_INET || address->sa_family == AF_INET6)) {
		unsigned port = address_text_of(address, host, sizeof(host));

		snprintf(out, PEER_TEXT_MAX, "%s:%u", host, port);
	} else if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &len) == 0) {
		snprintf(out, PEER_TEXT_MAX, "uid %u, pid %d", peer.uid, peer.pid);
	}
}

static void port_clear(struct sockaddr_storage *address)
{
	if (address->ss_family == AF_INET)
		((struct sockaddr_in *)address)->sin_port = 0;
	else
		((struct sockaddr_in6 *)address)->sin6_port = 0;
}

/* 0 when a socket that nobody answers at was taken away, or there was none. */
static int stale_remove(const struct sockaddr_un *address)
{
	struct stat st;
	int fd, rc;

	if (lstat(address->sun_path, &st) < 0)
		return errno == ENOENT ? 0 : -errno;
	if (!S_ISSOCK(st.st_mode))
		return -ENOTSOCK;
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return -errno;
	/* What answers, or whose queue is full, lives. */
	rc = connect(fd, (const struct sockaddr *)address, sizeof(*address)) == 0 ? EADDRINUSE
										  : errno;
	close(fd);
	if (rc != ECONNREFUSED)
		return rc == EAGAIN ? -EADDRINUSE : -rc;
	return unlink(address->sun_path) < 0 && errno != ENOENT ? -errno : 0;
}

static int unix_bind(struct listener *l, const struct sockaddr_storage *address)
{
	const struct sockaddr_un *sa = (const struct sockaddr_un *)address;
	struct stat st;
	int rc = stale_remove(sa);

	if (rc < 0)
		return rc;
	if (bind(l->fd, (const struct sockaddr *)sa, sizeof(*sa)) < 0)
		return -errno;
	snprintf(l->path, sizeof(l->path), "%s", sa->sun_path);
	/* Nobody can connect before listen(). */
	if (chmod(l->path, SOCKET_MODE) < 0 || lstat(l->path, &st) < 0)
		return -errno;
	l->dev = st.st_dev;
	l->ino = st.st_ino;
	return 0;
}

static int address_bind(struct listener *l, const struct sockaddr_storage *address, socklen_t len)
{
	struct sockaddr_storage bound = {0};
	int on = 1;

	/* A restart must not wait for the last run's connections to time out. */
	if (setsockopt(l->fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)) ||
		bind(l->fd, (const struct sockaddr *)address, len) ||
		getsockname(l->fd, (struct sockaddr *)&bound, &len))
		return -errno;
	l->port = address_text_of((const struct sockaddr *)&bound, l->host, sizeof(l->host));
	return 0;
}

int listener_open(
	struct listener *l, const struct sockaddr_storage *address, socklen_t len, bool any_port)
{
	struct sockaddr_storage at = *address;
	int rc;

	*l = (struct listener){
		.fd = socket(at.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0)};
	if (l->fd < 0)
		return -errno;
	if (any_port && at.ss_family != AF_UNIX)
		port_clear(&at);
	rc = at.ss_family == AF_UNIX ? unix_bind(l, &at) : address_bind(l, &at, len);
	if (rc == 0 && listen(l->fd, BACKLOG) < 0)
		rc = -errno;
	if (rc < 0) {
		listener_remove(l);
		close(l->fd);
	}
	return rc;
}

void listener_remove(const struct listener *l)
{
	struct stat st;

	if (l->path[0] && lstat(l->path, &st) == 0 && st.st_dev == l->dev && st.st_ino == l->ino)
		unlink(l->path);
}
