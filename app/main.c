/* SPDX-License-Identifier: BSD-3-Clause */

#include <getopt.h>
#include <stdio.h>
#include <string.h>

#include "cli/commands.h"
#include "cli/dump.h"
#include "cli/exit.h"
#include "config/config.h"
#include "version.h"

static const struct command {
	const char *name;
	const char *what;
	int (*main)(int argc, char **argv);
} commands[] = {
	{"run", "watch DPDK ports until SIGTERM", run_main},
	{"replay", "run captures through the same workers and control", replay_main},
	{"dump", "print one JSON line for each DNS response in captures", dump_main},
	{"check-config", "check a configuration and the files it names", config_check_main},
	{"doctor", "check this machine before the first run", doctor_main},
};

#define COMMANDS (sizeof(commands) / sizeof(commands[0]))

static void usage(FILE *to)
{
	fputs("usage: fluxgate COMMAND [options]\n", to);
	for (size_t i = 0; i < COMMANDS; i++)
		fprintf(to, "  %-14s %s\n", commands[i].name, commands[i].what);
	fputs("  --version      print the version\n"
	      "fluxgate COMMAND --help tells more.\n",
		to);
}

int main(int argc, char **argv)
{
	opterr = 0; /* the commands say themselves what was wrong, in one line */
	if (argc >= 2 && strcmp(argv[1], "--version") == 0) {
		puts("fluxgate " FLUXGATE_VERSION);
		return EXIT_CODE_OK;
	}
	if (argc >= 2 && (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0 ||
				 strcmp(argv[1], "help") == 0)) {
		usage(stdout);
		return EXIT_CODE_OK;
	}
	for (size_t i = 0; argc >= 2 && i < COMMANDS; i++)
		if (strcmp(argv[1], commands[i].name) == 0)
			return commands[i].main(argc - 1, argv + 1);
	if (argc >= 2)
		fprintf(stderr, "fluxgate: %s: no such command: see fluxgate --help\n", argv[1]);
	else
		usage(stderr);
	return EXIT_CODE_USAGE;
}
