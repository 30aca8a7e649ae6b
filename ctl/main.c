/* SPDX-License-Identifier: BSD-3-Clause */

#include <locale.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "client.h"

/* NO_COLOR (no-color.org) and a terminal that has none speak for `auto` only. */
static int color_choose(struct ctl *ctl)
{
	const char *when = ctl->options.value[OPTION_COLOR], *no = getenv("NO_COLOR");
	const char *terminal = getenv("TERM");

	if (!when || strcmp(when, "auto") == 0)
		ctl->out.color = isatty(STDOUT_FILENO) && !(no && *no) && terminal && *terminal &&
				 strcmp(terminal, "dumb") != 0;
	else if (strcmp(when, "always") == 0)
		ctl->out.color = true;
	else if (strcmp(when, "never") != 0)
		return ctl_fail(ctl, CTL_USAGE, "--color: %s: auto, always or never", when);
	return CTL_OK;
}

static int run(struct ctl *ctl)
{
	const struct options *o = &ctl->options;

	if (o->value[OPTION_VERSION]) {
		puts("fluxgatectl " FLUXGATE_VERSION);
		return CTL_OK;
	}
	if (o->value[OPTION_HELP]) {
		options_help(o->command);
		return CTL_OK;
	}
	int rc = color_choose(ctl);
	if (rc == CTL_OK)
		rc = client_open(ctl);
	if (rc == CTL_OK)
		rc = o->command->run(ctl);
	client_close(ctl);
	return rc;
}

int main(int argc, char **argv)
{
	struct ctl ctl = {.out = {.to = stdout}};

	setlocale(LC_CTYPE, "");
	ctl.out.columns = out_columns(STDOUT_FILENO);
	int rc = options_parse(&ctl.options, argc, argv, ctl.error, sizeof(ctl.error));
	if (rc == CTL_OK)
		rc = run(&ctl);
	if (rc != CTL_LOCAL && ctl_flush(&ctl) != CTL_OK)
		rc = CTL_LOCAL;
	if (ctl.error[0] && rc != CTL_OK)
		fprintf(stderr, "fluxgatectl: %s\n", ctl.error);
	return rc;
}
