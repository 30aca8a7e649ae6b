/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

/*
 * What a command says when getopt_long refused an option (main sets opterr to 0): one line.
 * Returns EXIT_CODE_USAGE.
 */
int option_refuse(const char *command, char *const argv[]);
