/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

/*
 * The subcommands. argv[0] is the command's name; each returns an exit code
 * (cli/exit.h) and has printed its one line when that is not 0.
 */

int replay_main(int argc, char **argv);
int run_main(int argc, char **argv);
int doctor_main(int argc, char **argv);
