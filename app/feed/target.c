/* SPDX-License-Identifier: BSD-3-Clause */

#include <errno.h>
#include <stddef.h>
#include <string.h>
#include <sys/un.h>
#include <unistd.h>

#include "config/listen.h"
#include "feed/target.h"

int target_unix(const char *path, int type, struct target *out)
{
	struct sockaddr_un *sa = (struct sockaddr_un *)&out->address;
	size_t n = strlen(path);

	memset(out, 0, sizeof(*out));
	if (path[0] != '/' || n >= sizeof(sa->sun_path))
		return -EINVAL;
	sa->sun_family = AF_UNIX;
	memcpy(sa->sun_path, path, n + 1);
	out->len = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + n + 1);
	out->type = type;
	return 0;
}

int target_parse(const char *text, struct target *out)
{
	if (strncmp(text, "unix:", 5) == 0)
		return target_unix(text + 5, SOCK_DGRAM, out);
	if (strncmp(text, "udp:", 4) == 0)
		out->type = SOCK_DGRAM;
	else if (strncmp(text, "tcp:", 4) == 0)
		out->type = SOCK_STREAM;
	else
		return -EINVAL;
	return listen_parse(text + 4, &out->address, &out->len);
}

int target_connect(const struct target *t)
{
	int fd = socket(t->address.ss_family, t->type | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

	if (fd < 0)
		return -errno;
	if (connect(fd, (const struct sockaddr *)&t->address, t->len) < 0 && errno != EINPROGRESS) {
		int rc = -errno;

		close(fd);
		return rc;
	}
	return fd;
}
