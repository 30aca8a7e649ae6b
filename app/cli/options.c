/* SPDX-License-Identifier: BSD-3-Clause */

#include <getopt.h>
#include <stdio.h>

#include "cli/exit.h"
#include "cli/options.h"

int option_refuse(const char *command, char *const argv[])
{
	/* optind stands behind the option, unless it was a letter within a bundle. */
	fprintf(stderr,
		"fluxgate: %s: %s: no such option, or its argument is missing: see fluxgate %s "
		"--help\n",
		command, argv[optind - 1], command);
	return EXIT_CODE_USAGE;
}
