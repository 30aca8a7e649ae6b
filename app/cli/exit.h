/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

/*
 * How the program ends. The codes are part of the interface (docs/configuration.md,
 * "Exit codes"): service managers and scripts tell by them what to repair.
 *
 * A part of the program that fails returns -errno and leaves one line, without
 * "fluxgate: " and newline, in a buffer of ERROR_LINE_MAX octets; whoever called
 * it from main prints the line once and picks the code.
 */

#define ERROR_LINE_MAX 512u

enum exit_code {
	EXIT_CODE_OK = 0,
	EXIT_CODE_RUNTIME = 1,  /* failed while it ran: out of memory, a write that failed */
	EXIT_CODE_USAGE = 2,    /* command line */
	EXIT_CODE_CONFIG = 3,   /* configuration file or environment */
	EXIT_CODE_INPUT = 4,    /* capture missing, empty, of an unknown format or link type */
	EXIT_CODE_DATABASE = 5, /* address database or public suffix list */
	EXIT_CODE_PORT = 6,     /* DPDK port, EAL, hugepages */
	EXIT_CODE_LISTEN = 7,   /* HTTP listen address taken or not ours */
	EXIT_CODE_WARNINGS = 8, /* doctor: warnings, and no error */
	EXIT_CODE_ERRORS = 9,   /* doctor: errors */
	EXIT_CODE_HUNG = 10,    /* stopped, but a worker did not end: its last epoch is lost */
	EXIT_CODE_STATE = 11, /* saved state, allow-list, history, zone: not usable, or another's */
};
