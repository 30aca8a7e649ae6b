/* SPDX-License-Identifier: BSD-3-Clause */

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "config/file.h"

char *file_read(const char *path, size_t max, size_t *len)
{
	FILE *f = fopen(path, "rb");
	char *text = f ? malloc(max) : NULL;
	int why = errno;

	if (text) {
		*len = fread(text, 1, max, f);
		why = ferror(f) ? errno : *len == max ? EFBIG : 0;
		if (why) {
			free(text);
			text = NULL;
		}
	}
	if (f)
		fclose(f);
	errno = why;
	return text;
}
