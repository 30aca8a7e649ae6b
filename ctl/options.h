/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Every option of the command line, in the order in which the help names them. */
enum option_id {
	OPTION_URL,
	OPTION_SOCKET,
	OPTION_TOKEN_FILE,
	OPTION_CACERT,
	OPTION_COLOR,
	OPTION_JSON,
	OPTION_HELP,
	OPTION_VERSION,
	OPTION_CLASS,
	OPTION_MIN_SCORE,
	OPTION_WINDOW,
	OPTION_SUSPECTED,
	OPTION_OWN,
	OPTION_NAME,
	OPTION_CAMPAIGN,
	OPTION_SORT,
	OPTION_LIMIT,
	OPTION_CURSOR,
	OPTION_ALL,
	OPTION_SINCE,
	OPTION_FOLLOW,
	OPTION_FROM,
	OPTION_TO,
	OPTION_REASON,
	OPTION_NOTE,
	OPTION_OUTPUT,
	OPTION_DELAY,
	OPTION_ONCE,
	OPTION_COUNT
};

#define OPTION_BIT(id) (1u << (id))

/* Those that every command takes; --json only some. */
#define OPTIONS_GLOBAL \
	(OPTION_BIT(OPTION_URL) | OPTION_BIT(OPTION_SOCKET) | OPTION_BIT(OPTION_TOKEN_FILE) | \
		OPTION_BIT(OPTION_CACERT) | OPTION_BIT(OPTION_COLOR) | OPTION_BIT(OPTION_HELP) | \
		OPTION_BIT(OPTION_VERSION))

struct ctl;

struct command {
	const char *name;
	const char *arguments; /* as the help shows them */
	const char *summary;
	uint32_t options;            /* besides the global ones */
	int least, most;             /* arguments */
	int (*run)(struct ctl *ctl); /* enum ctl_exit */
};

/* The commands; the one without a name is last. */
extern const struct command commands[];

struct options {
	const char *value[OPTION_COUNT]; /* NULL: not given; "true" where it takes none */
	const struct command *command;
	char **argument; /* behind the command's name; NULL at their end */
	int arguments;
};

/* The parameter of the API that an option is, or NULL. */
const char *option_parameter(enum option_id id);

/*
 * Reads the command line, then the environment: FLUXGATECTL_URL, _SOCKET,
 * _TOKEN_FILE and _CACERT stand for options that are not given. Returns an exit
 * code with one line in `error` when it is not CTL_OK. `argv` is put in order, and
 * outlives the options. Without a command, `command` is NULL: help or version.
 */
int options_parse(struct options *o, int argc, char **argv, char *error, size_t size);

/* What --help says: of one command, or of all with NULL. */
void options_help(const struct command *c);
