/* SPDX-License-Identifier: BSD-3-Clause */

/*
 * The input is the text of a configuration file. What is accepted comes back
 * from its own dump; what is refused says why in one printable line and changes
 * nothing.
 */

#include "config/config.h"
#include "fuzz.h"

static void check_line(const char *err)
{
	size_t n = strlen(err);

	require(n > 0 && n < ERROR_LINE_MAX);
	require(strncmp(err, "configuration: fuzz: ", 21) == 0);
	for (size_t i = 0; i < n; i++)
		require((unsigned char)err[i] >= 0x20 && err[i] != 0x7f);
}

static char *dump(const struct config *c, size_t *len)
{
	char *text = NULL;
	FILE *f = open_memstream(&text, len);

	require(f && config_dump(c, f) == 0 && fclose(f) == 0);
	return text;
}

static void check_accepted(const struct config *c)
{
	static struct config back;
	char err[ERROR_LINE_MAX];
	size_t len, len_back;
	char *text = dump(c, &len);

	config_defaults_replay(&back);
	require(config_parse(&back, text, len, "fuzz", err) == 0);
	char *again = dump(&back, &len_back);
	require(len == len_back && memcmp(text, again, len) == 0);
	free(text);
	free(again);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct config c, before;
	char err[ERROR_LINE_MAX] = "";
	uint8_t *text = exact_copy(data, size);

	config_defaults(&c);
	before = c;
	if (config_parse(&c, (const char *)text, size, "fuzz", err) == 0) {
		check_accepted(&c);
	} else {
		check_line(err);
		require(memcmp(&c, &before, sizeof(c)) == 0);
	}
	free(text);
	return 0;
}
