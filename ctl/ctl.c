/* SPDX-License-Identifier: BSD-3-Clause */

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "ctl.h"
#include "text.h"

#define FILTERS \
	(OPTION_BIT(OPTION_CLASS) | OPTION_BIT(OPTION_MIN_SCORE) | OPTION_BIT(OPTION_WINDOW) | \
		OPTION_BIT(OPTION_SUSPECTED) | OPTION_BIT(OPTION_OWN) | OPTION_BIT(OPTION_LIMIT) | \
		OPTION_BIT(OPTION_CURSOR) | OPTION_BIT(OPTION_ALL))

const struct command commands[] = {
	{"status", "", "is it well? with remedies; the exit code tells", OPTION_BIT(OPTION_JSON), 0,
		0, command_status},
	{"domains", "", "the flagged domains, best score first", OPTION_BIT(OPTION_JSON) | FILTERS,
		0, 0, command_domains},
	{"domain", "NAME", "one of them", OPTION_BIT(OPTION_JSON), 1, 1, command_domain},
	{"explain", "NAME", "why any name is flagged, or what it lacks", OPTION_BIT(OPTION_JSON), 1,
		1, command_explain},
	{0},
};

int ctl_fail(struct ctl *ctl, enum ctl_exit code, const char *fmt, ...)
{
	va_list ap;
	char *line = NULL, *plain = NULL;

	va_start(ap, fmt);
	if (vasprintf(&line, fmt, ap) >= 0)
		plain = text_clean(line, strlen(line));
	va_end(ap);
	snprintf(ctl->error, sizeof(ctl->error), "%s", plain ? plain : "out of memory");
	free(plain);
	free(line);
	return (int)code;
}

int ctl_no_memory(struct ctl *ctl)
{
	return ctl_fail(ctl, CTL_LOCAL, "out of memory");
}
