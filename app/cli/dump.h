/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

/*
 * fluxgate dump CAPTURE...: one JSON line on stdout for each DNS response that
 * the sensor's decoder and parser see, in the order of the captures. argv[0] is
 * the command's name. Returns an exit code (cli/exit.h).
 */
int dump_main(int argc, char **argv);
