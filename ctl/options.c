/* SPDX-License-Identifier: BSD-3-Clause */

#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "exit.h"
#include "options.h"

static const struct {
	const char *name;
	char letter;
	const char *argument; /* NULL: it takes none */
	const char *parameter;
	const char *environment;
	const char *help;
} table[OPTION_COUNT] = {
	[OPTION_URL] = {"url", 0, "URL", NULL, "FLUXGATECTL_URL",
		"the sensor's address (http://127.0.0.1:8953)"},
	[OPTION_SOCKET] = {"socket", 0, "PATH", NULL, "FLUXGATECTL_SOCKET",
		"its unix socket, such as /run/fluxgate/api.sock"},
	[OPTION_TOKEN_FILE] = {"token-file", 0, "FILE", NULL, "FLUXGATECTL_TOKEN_FILE",
		"a file whose first line is the token"},
	[OPTION_CACERT] = {"cacert", 0, "FILE", NULL, "FLUXGATECTL_CACERT",
		"the authority that https is held against"},
	[OPTION_COLOR] = {"color", 0, "WHEN", NULL, NULL, "auto, always or never; NO_COLOR counts"},
	[OPTION_JSON] = {"json", 'j', NULL, NULL, NULL, "the sensor's own JSON"},
	[OPTION_HELP] = {"help", 'h', NULL, NULL, NULL, "this text, or that of a command"},
	[OPTION_VERSION] = {"version", 'V', NULL, NULL, NULL, "the version"},
	[OPTION_CLASS] = {"class", 0, "CLASS", "class", NULL,
		"single_flux, double_flux, low_slow, vps_flux or ns_flux"},
	[OPTION_MIN_SCORE] = {"min-score", 0, "N", "min_score", NULL, "at least this score, 0-100"},
	[OPTION_WINDOW] = {"window", 0, "WINDOW", "window", NULL, "10m, 1h, 24h or 7d"},
	[OPTION_SUSPECTED] = {"suspected", 0, "BOOL", "suspected", NULL, "true or false"},
	[OPTION_OWN] = {"own", 0, "BOOL", "own", NULL,
		"true: own subscribers' addresses are among theirs; false"},
	[OPTION_NAME] = {"name", 0, "NAME", "name", NULL,
		"domains: a part of the name, or *.END; history: the name"},
	[OPTION_CAMPAIGN] = {"campaign", 0, "ID", "campaign", NULL, "those of one campaign"},
	[OPTION_SORT] = {"sort", 0, "BY", "sort", NULL,
		"score, first_seen, last_seen or addresses"},
	[OPTION_LIMIT] = {"limit", 'n', "N", "limit", NULL, "so many at most"},
	[OPTION_CURSOR] = {"cursor", 0, "CURSOR", "cursor", NULL, "the page after that one"},
	[OPTION_ALL] = {"all", 'a', NULL, NULL, NULL, "all pages, of one snapshot"},
	[OPTION_SINCE] = {"since", 0, "SEQ", "since", NULL,
		"what came after this sequence number; 0: from the first"},
	[OPTION_FOLLOW] = {"follow", 'f', NULL, NULL, NULL,
		"go on until interrupted; without --limit"},
	[OPTION_FROM] = {"from", 0, "TIME", "from", NULL, "not before (2026-01-12T06:00:00Z)"},
	[OPTION_TO] = {"to", 0, "TIME", "to", NULL, "not after"},
	[OPTION_REASON] = {"reason", 0, "TEXT", NULL, NULL, "of add: why, for the audit log"},
	[OPTION_NOTE] = {"note", 0, "TEXT", NULL, NULL, "what was found, for the audit log"},
	[OPTION_OUTPUT] = {"output", 'o', "FILE", NULL, NULL, "write it here, whole or not at all"},
	[OPTION_DELAY] = {"delay", 'd', "SECONDS", NULL, NULL,
		"look each so many seconds (0.1-3600) rather than each epoch"},
	[OPTION_ONCE] = {"once", '1', NULL, NULL, NULL, "once, as plain text"},
};

const char *option_parameter(enum option_id id)
{
	return table[id].parameter;
}

static const struct command *command_find(const char *name)
{
	const struct command *c = commands;

	while (c->name && strcmp(c->name, name) != 0)
		c++;
	return c->name ? c : NULL;
}

static int find_letter(int letter)
{
	for (int i = 0; i < OPTION_COUNT; i++)
		if (table[i].letter == letter)
			return i;
	return -1;
}

/* Options wherever they stand; the number of options as getopt_long gives it is their id + 256. */
static int options_read(struct options *o, int argc, char **argv, char *error, size_t size)
{
	struct option long_options[OPTION_COUNT + 1] = {0};
	char letters[2 * OPTION_COUNT + 2] = ":";
	int opt;

	for (int i = 0; i < OPTION_COUNT; i++) {
		long_options[i] = (struct option){table[i].name,
			table[i].argument ? required_argument : no_argument, NULL, 256 + i};
		if (table[i].letter)
			sprintf(letters + strlen(letters), "%c%s", table[i].letter,
				table[i].argument ? ":" : "");
	}
	opterr = 0;
	optind = 0; /* glibc: from the beginning, also in a test that parses twice */
	while ((opt = getopt_long(argc, argv, letters, long_options, NULL)) != -1) {
		int id = opt >= 256 ? opt - 256 : find_letter(opt);

		if (opt == ':' || opt == '?' || id < 0) {
			snprintf(error, size, "%s: %s: see fluxgatectl --help", argv[optind - 1],
				opt == ':' ? "needs an argument" : "no such option");
			return CTL_USAGE;
		}
		o->value[id] = table[id].argument ? optarg : "true";
	}
	return CTL_OK;
}

static void environment_read(struct options *o)
{
	/* An address of the command line is the whole address. */
	bool addressed = o->value[OPTION_URL] || o->value[OPTION_SOCKET];

	for (int i = 0; i < OPTION_COUNT; i++) {
		bool address = i == OPTION_URL || i == OPTION_SOCKET;
		const char *value = table[i].environment ? getenv(table[i].environment) : NULL;

		if (!o->value[i] && value && *value && !(address && addressed))
			o->value[i] = value;
	}
}

static int options_check(const struct options *o, char *error, size_t size)
{
	const struct command *c = o->command;

	for (int i = 0; i < OPTION_COUNT; i++) {
		if (o->value[i] && !((OPTIONS_GLOBAL | c->options) >> i & 1)) {
			snprintf(error, size,
				"%s: --%s: no option of it: see fluxgatectl %s --help", c->name,
				table[i].name, c->name);
			return CTL_USAGE;
		}
	}
	if (o->arguments >= c->least && o->arguments <= c->most)
		return CTL_OK;
	snprintf(error, size, "%s: %s: see fluxgatectl %s --help", c->name,
		o->arguments < c->least ? "an argument is missing" : "too many arguments", c->name);
	return CTL_USAGE;
}

int options_parse(struct options *o, int argc, char **argv, char *error, size_t size)
{
	*o = (struct options){0};
	int rc = options_read(o, argc, argv, error, size);
	if (rc)
		return rc;
	if (o->value[OPTION_URL] && o->value[OPTION_SOCKET]) {
		snprintf(error, size, "--url, --socket: name one of them");
		return CTL_USAGE;
	}
	environment_read(o);
	if (o->value[OPTION_VERSION])
		return CTL_OK;
	if (optind < argc && strcmp(argv[optind], "help") == 0) {
		o->value[OPTION_HELP] = "true";
		optind++;
	}
	if (optind == argc) {
		snprintf(error, size, "no command: see fluxgatectl --help");
		return o->value[OPTION_HELP] ? CTL_OK : CTL_USAGE;
	}
	o->command = command_find(argv[optind]);
	if (!o->command) {
		snprintf(error, size, "%.64s: no such command: see fluxgatectl --help",
			argv[optind]);
		return CTL_USAGE;
	}
	o->argument = argv + optind + 1;
	o->arguments = argc - optind - 1;
	return o->value[OPTION_HELP] ? CTL_OK : options_check(o, error, size);
}

static void option_help(int i)
{
	char left[40];
	char letter[] = {'-', table[i].letter, ',', ' ', '\0'};

	snprintf(left, sizeof(left), "%s--%s%s%s", table[i].letter ? letter : "    ", table[i].name,
		table[i].argument ? " " : "", table[i].argument ? table[i].argument : "");
	printf("  %-24s %s", left, table[i].help);
	if (table[i].environment)
		printf("%s [$%s]", strlen(table[i].help) > 30 ? "\n                          " : "",
			table[i].environment);
	putchar('\n');
}

void options_help(const struct command *c)
{
	uint32_t shown = c ? c->options : OPTIONS_GLOBAL | OPTION_BIT(OPTION_JSON);

	printf("usage: fluxgatectl %s%s%s\n", c ? c->name : "[OPTIONS] COMMAND",
		c && *c->arguments ? " " : "", c ? c->arguments : "");
	if (c)
		printf("%s.\n", c->summary);
	for (const struct command *k = c ? NULL : commands; k && k->name; k++)
		printf("  %s%s%s\n                 %s\n", k->name, *k->arguments ? " " : "",
			k->arguments, k->summary);
	for (int i = 0; i < OPTION_COUNT; i++)
		if (shown >> i & 1)
			option_help(i);
	puts(c ? "Options of all commands: see fluxgatectl --help."
	       : "Options of a command: fluxgatectl COMMAND --help. Exit codes: fluxgatectl(1).");
}
