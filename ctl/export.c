/* SPDX-License-Identifier: BSD-3-Clause */

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "answer.h"
#include "file.h"
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

static int to_file(struct ctl *ctl, const struct response *r, const char *file)
{
	struct stat st;

	if (stat(file, &st) == 0 && !S_ISREG(st.st_mode))
		return ctl_fail(ctl, CTL_USAGE, "--output: %s: no regular file", file);
	char *real = realpath(file, NULL); /* a link stays one */
	int rc = file_replace(real ? real : file, r->body ? r->body : "", r->len);
	free(real);
	if (rc == -EPERM)
		return ctl_fail(ctl, CTL_LOCAL,
			"--output: %s: its owner and group can't be kept: run as that user or root",
			file);
	return rc ? ctl_fail(ctl, CTL_LOCAL, "--output: %s: %s", file, strerror(-rc)) : CTL_OK;
}

static bool is_format(const char *name)
{
	static const char *const formats[] = {"rpz", "stix", "misp", "cof", "csv", "eve"};

	for (size_t i = 0; i < sizeof(formats) / sizeof(*formats); i++)
		if (strcmp(formats[i], name) == 0)
			return true;
	return false;
}

int command_export(struct ctl *ctl)
{
	const char *file = ctl->options.value[OPTION_OUTPUT], *format = ctl->options.argument[0];
	struct response r;
	struct path p;

	if (!is_format(format))
		return ctl_fail(
			ctl, CTL_USAGE, "export: %.64s: rpz, stix, misp, cof, csv or eve", format);
	path_start(&p, "/api/v1/export");
	path_segment(&p, format);
	int rc = client_ask(ctl, "GET", &p, NULL, &r);
	if (rc == CTL_OK && r.status != 200)
		rc = answer_refused(ctl, &p, &r);
	else if (rc == CTL_OK)
		rc = file ? to_file(ctl, &r, file) : to_stdout(ctl, &r);
	free(r.body);
	return rc;
}
