/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

/* The command line of `fluxgate run`, and the configuration that it leads to. */

#include "config/config.h"

/* Texts are the command line's or the environment's: they live as long as the process. */
struct run_options {
	const char *file;   /* NULL: none was named anywhere */
	const char *listen; /* NULL: not on the command line */
};

/* An exit code, and one line in err unless it was printed. --help ends the process. */
int run_options_parse(int argc, char **argv, struct run_options *o, char err[ERROR_LINE_MAX]);

/*
 * Defaults, file, environment, command line, and what a live sensor cannot do
 * without. ctx is a struct run_options. An exit code, and one line in err.
 */
int run_options_read(void *ctx, struct config *c, char err[ERROR_LINE_MAX]);
