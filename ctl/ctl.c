/* SPDX-License-Identifier: BSD-3-Clause */

#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "ctl.h"
#include "text.h"

#define BIT(option) OPTION_BIT(OPTION_##option)
#define PAGES (BIT(LIMIT) | BIT(CURSOR) | BIT(ALL))
#define FILTERS \
	(BIT(CLASS) | BIT(MIN_SCORE) | BIT(WINDOW) | BIT(SUSPECTED) | BIT(OWN) | BIT(NAME) | \
		BIT(CAMPAIGN) | BIT(SORT))

const struct command commands[] = {
	{"status", "", "is it well? with remedies; the exit code tells", BIT(JSON), 0, 0,
		command_status},
	{"domains", "", "the flagged domains, best score first", BIT(JSON) | FILTERS | PAGES, 0, 0,
		command_domains},
	{"domain", "NAME", "one of them", BIT(JSON), 1, 1, command_domain},
	{"explain", "NAME", "why any name is flagged, or what it lacks", BIT(JSON), 1, 1,
		command_explain},
	{"top", "", "rates, loss, workers and best-scored domains, live", BIT(DELAY) | BIT(ONCE), 0,
		0, command_top},
	{"events", "", "what became of verdicts, as it happens with --follow",
		BIT(JSON) | BIT(SINCE) | BIT(FOLLOW) | BIT(LIMIT), 0, 0, command_events},
	{"history", "", "the same of months, where the sensor keeps it",
		BIT(JSON) | BIT(FROM) | BIT(TO) | BIT(NAME) | PAGES, 0, 0, command_history},
	{"allow", "list | add NAME --reason TEXT | remove NAME", "names that are never blocked",
		BIT(JSON) | BIT(REASON), 1, 2, command_allow},
	{"ack", "NAME --note TEXT", "acknowledge a flagged domain", BIT(JSON) | BIT(NOTE), 1, 1,
		command_ack},
	{"export", "rpz|stix|misp|cof|csv|eve", "for resolvers and other programs", BIT(OUTPUT), 1,
		1, command_export},
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

int ctl_flush(struct ctl *ctl)
{
	errno = EIO; /* where an earlier write failed, whose reason is lost */
	if (fflush(ctl->out.to) == 0 && !ferror(ctl->out.to))
		return CTL_OK;
	return ctl_fail(ctl, CTL_LOCAL, "standard output: %s", strerror(errno));
}
