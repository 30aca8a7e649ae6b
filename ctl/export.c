/* SPDX-License-Identifier: BSD-3-Clause */

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "answer.h"
#include "text.h"

/* A terminal gets it line by line, cleaned; a pipe as it is. */
static int to_stdout(struct ctl *ctl, const struct response *r)
{
	FILE *to = ctl->out.to;

	if (!isatty(fileno(to)) || text_is_plain(r->body, r->len)) {
		fwrite(r->body, 1, r->len, to);
		return CTL_OK;
	}
	for (size_t i = 0; i < r->len;) {
		const char *end = memchr(r->body + i, '\n', r->len - i);
		size_t n = end ? (size_t)(end - (r->body + i)) : r->len - i;
		char *line = text_clean(r->body + i, n);

		if (!line)
			return ctl_no_memory(ctl);
		fprintf(to, "%s\n", line);
		free(line);
		i += n + 1;
	}
	return CTL_OK;
}

static int write_whole(int fd, const char *data, size_t len)
{
	while (len) {
		ssize_t n = write(fd, data, len);

		if (n < 0 && errno != EINTR)
			return -errno;
		if (n > 0) {
			data += n;
			len -= (size_t)n;
		}
	}
	return fsync(fd) < 0 ? -errno : 0;
}

/* Mode of the file that is replaced, else what a new file gets. */
static mode_t mode_of(const char *file)
{
	struct stat st;
	mode_t mask = umask(0);

	umask(mask);
	return stat(file, &st) == 0 ? st.st_mode & 0777 : 0666 & ~mask;
}

/* Beside the file and then in its place: who reads it sees the old one or the new one. */
static int file_replace(const char *file, const char *data, size_t len)
{
	char *temporary;
	int fd, rc = 0;

	if (asprintf(&temporary, "%s.XXXXXX", file) < 0)
		return -ENOMEM;
	fd = mkostemp(temporary, O_CLOEXEC);
	if (fd < 0) {
		rc = -errno;
		goto end;
	}
	rc = write_whole(fd, data, len);
	if (rc == 0 && fchmod(fd, mode_of(file)) < 0)
		rc = -errno;
	if (close(fd) < 0 && rc == 0)
		rc = -errno;
	if (rc == 0 && rename(temporary, file) < 0)
		rc = -errno;
	if (rc)
		unlink(temporary);
end:
	free(temporary);
	return rc;
}

static int to_file(struct ctl *ctl, const struct response *r, const char *file)
{
	struct stat st;
	char *real = realpath(file, NULL); /* a link stays one */
	int rc = -EINVAL;

	if (stat(file, &st) < 0 || S_ISREG(st.st_mode))
		rc = file_replace(real ? real : file, r->body ? r->body : "", r->len);
	free(real);
	if (rc == -EINVAL)
		return ctl_fail(ctl, CTL_USAGE, "--output: %s: no regular file", file);
	return rc ? ctl_fail(ctl, CTL_LOCAL, "--output: %s: %s", file, strerror(-rc)) : CTL_OK;
}

int command_export(struct ctl *ctl)
{
	const char *file = ctl->options.value[OPTION_OUTPUT];
	struct response r;
	struct path p;

	path_start(&p, "/api/v1/export");
	path_segment(&p, ctl->options.argument[0]);
	int rc = client_ask(ctl, "GET", &p, NULL, &r);
	if (rc == CTL_OK && r.status != 200)
		rc = answer_refused(ctl, &p, &r);
	else if (rc == CTL_OK)
		rc = file ? to_file(ctl, &r, file) : to_stdout(ctl, &r);
	free(r.body);
	return rc;
}
