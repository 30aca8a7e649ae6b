/* SPDX-License-Identifier: BSD-3-Clause */

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/bits.h"
#include "config/file.h"
#include "networks/suffix.h"

/* The list of 2023 has 246 kB. */
#define FILE_OCTETS_MAX (16u << 20)

struct suffix_list {
	struct psl *psl;
	void *mem;
};

#define MISSING \
	"No such file or directory: apt-get install publicsuffix, or set " \
	"networks.public_suffix_list"

static int refuse(char err[ERROR_LINE_MAX], const char *path, const char *why, int rc)
{
	snprintf(err, ERROR_LINE_MAX, "public suffix list: %.200s: %.200s", path, why);
	return rc;
}

static int list_compile(
	struct suffix_list *s, const char *path, const char *text, size_t len, char *err)
{
	struct psl_error error = {0, NULL};
	char why[160];
	size_t size = align_up(psl_size(text, len), CACHE_LINE);

	s->mem = size ? aligned_alloc(CACHE_LINE, size) : NULL;
	if (size && !s->mem)
		return refuse(err, path, "out of memory", -ENOMEM);
	s->psl = s->mem ? psl_init(s->mem, size, text, len, &error) : NULL;
	if (s->psl)
		return 0;
	if (error.line)
		snprintf(why, sizeof(why), "line %u: %s", error.line, error.what);
	else
		snprintf(why, sizeof(why), "%s", error.what ? error.what : "no rules");
	return refuse(err, path, why, -EINVAL);
}

int suffix_list_load(struct suffix_list **out, const char *path, char err[ERROR_LINE_MAX])
{
	struct suffix_list *s = calloc(1, sizeof(*s));
	size_t len = 0;
	char *text = s ? file_read(path, FILE_OCTETS_MAX, &len) : NULL;
	int rc;

	*out = NULL;
	if (text)
		rc = list_compile(s, path, text, len, err);
	else if (errno == ENOENT)
		rc = refuse(err, path, MISSING, -ENOENT);
	else
		rc = refuse(err, path, strerror(errno), -errno);
	free(text);
	if (rc < 0)
		suffix_list_free(s);
	else
		*out = s;
	return rc;
}

void suffix_list_free(struct suffix_list *s)
{
	if (!s)
		return;
	free(s->mem);
	free(s);
}

const struct psl *suffix_list_psl(const struct suffix_list *s)
{
	return s ? s->psl : NULL;
}
