/* SPDX-License-Identifier: BSD-3-Clause */

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>
#include <sys/un.h>

#include "config/listen.h"

#define UNIX_PREFIX "unix:"

/* 1..65535 in decimal digits only, or 0. */
static uint16_t port_parse(const char *text)
{
	unsigned port = 0;
	size_t n = strlen(text);

	if (n == 0 || n > 5 || strspn(text, "0123456789") != n)
		return 0;
	for (size_t i = 0; i < n; i++)
		port = port * 10 + (unsigned)(text[i] - '0');
	return port <= UINT16_MAX ? (uint16_t)port : 0;
}

/* A path from the root: what the working folder of a service is, few know. */
static int unix_parse(const char *path, struct sockaddr_storage *out, socklen_t *len)
{
	struct sockaddr_un *sa = (struct sockaddr_un *)out;
	size_t n = strlen(path);

	if (path[0] != '/' || path[n - 1] == '/' || n >= sizeof(sa->sun_path))
		return -EINVAL;
	sa->sun_family = AF_UNIX;
	memcpy(sa->sun_path, path, n + 1);
	*len = sizeof(*sa);
	return 0;
}

int listen_parse(const char *text, struct sockaddr_storage *out, socklen_t *len)
{
	char host[INET6_ADDRSTRLEN];
	const char *colon = strrchr(text, ':');

	memset(out, 0, sizeof(*out));
	if (strncmp(text, UNIX_PREFIX, strlen(UNIX_PREFIX)) == 0)
		return unix_parse(text + strlen(UNIX_PREFIX), out, len);
	if (!colon)
		return -EINVAL;
	size_t n = (size_t)(colon - text);
	bool v6 = n >= 2 && text[0] == '[' && text[n - 1] == ']';
	if (v6) {
		text++;
		n -= 2;
	}
	if (n == 0 || n >= sizeof(host))
		return -EINVAL;
	memcpy(host, text, n);
	host[n] = '\0';

	uint16_t port = port_parse(colon + 1);
	if (port == 0)
		return -EINVAL;
	if (v6) {
		struct sockaddr_in6 *sa = (struct sockaddr_in6 *)out;

		sa->sin6_family = AF_INET6;
		sa->sin6_port = htons(port);
		*len = sizeof(*sa);
		return inet_pton(AF_INET6, host, &sa->sin6_addr) == 1 ? 0 : -EINVAL;
	}
	struct sockaddr_in *sa = (struct sockaddr_in *)out;

	sa->sin_family = AF_INET;
	sa->sin_port = htons(port);
	*len = sizeof(*sa);
	return inet_pton(AF_INET, host, &sa->sin_addr) == 1 ? 0 : -EINVAL;
}

bool listen_is_local(const struct sockaddr_storage *address)
{
	if (address->ss_family == AF_UNIX)
		return true;
	if (address->ss_family == AF_INET) {
		const struct sockaddr_in *sa = (const struct sockaddr_in *)address;
		return ntohl(sa->sin_addr.s_addr) >> 24 == IN_LOOPBACKNET;
	}
	return IN6_IS_ADDR_LOOPBACK(&((const struct sockaddr_in6 *)address)->sin6_addr);
}
