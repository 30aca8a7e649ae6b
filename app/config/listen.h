/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

/*
 * Listen addresses as people write them: "127.0.0.1:8953", "[::1]:8953".
 * Literal addresses only: a name server must not decide what a sensor opens.
 */

#include <stdbool.h>
#include <sys/socket.h>

/* 0 and the address with its length, or -EINVAL. Port 0 is refused. */
int listen_parse(const char *text, struct sockaddr_storage *out, socklen_t *len);

/* Of an address by listen_parse: reached from this machine only. */
bool listen_is_loopback(const struct sockaddr_storage *address);
