/* SPDX-License-Identifier: BSD-3-Clause */

#include <getopt.h>
#include <stdio.h>

#include "cli/exit.h"
#include "cli/options.h"

int option_refuse(const char *command, int opt, char *const argv[])
{
	/* Behind the option stands optind, unless it was a letter within a bundle. */
	fprintf(stderr, "fluxgate: %s: %s: %s: see fluxgate %s --help\n", command, argv[optind - 1],
		opt == ':' ? "needs an argument" : "no such option", command);
	return EXIT_CODE_USAGE;
}
