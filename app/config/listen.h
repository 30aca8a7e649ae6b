/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

/*
 * Listen addresses as people write them: "127.0.0.1:8953", "[::1]:8953",
 * "unix:/run/fluxgate/api.sock". Literal addresses only: a name server must not
 * decide what a sensor opens.
 */

#include <stdbool.h>
#include <sys/socket.h>

/* 0 and the address with its length, or -EINVAL. Port 0 and relative paths are refused. */
int listen_parse(const char *text, struct sockaddr_storage *out, socklen_t *len);

/* Of an address by listen_parse: reached from this machine only, by loopback or a file. */
bool listen_is_local(const struct sockaddr_storage *address);
