/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

/*
 * What a command says when getopt_long refused an option: one line. `opt` is what that returned,
 * of options that begin with ":", so that it tells the two cases apart and prints nothing.
 * Returns EXIT_CODE_USAGE.
 */
int option_refuse(const char *command, int opt, char *const argv[]);
