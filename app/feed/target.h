/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

/* Where lines are sent: literal addresses and paths only, so that nothing asks DNS. */

#include <stdbool.h>
#include <sys/socket.h>

struct target {
	struct sockaddr_storage address;
	socklen_t len;
	int type; /* SOCK_STREAM or SOCK_DGRAM */
};

/*
 * "unix:PATH" (datagrams), "udp:ADDRESS:PORT" or "tcp:ADDRESS:PORT", IPv6 addresses in
 * brackets. 0 or -EINVAL.
 */
int target_parse(const char *text, struct target *out);

/* The path of a unix socket of that type. 0 or -EINVAL. */
int target_unix(const char *path, int type, struct target *out);

/* A socket that does not block and is connected, or is about to be. Descriptor or -errno. */
int target_connect(const struct target *t);
