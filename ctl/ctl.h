/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

#include <stddef.h>

#include "exit.h"
#include "options.h"
#include "out.h"

#define ERROR_MAX 512u

struct client;

/* One run of the client. */
struct ctl {
	struct options options;
	struct out out;
	struct client *client;
	char error[ERROR_MAX]; /* one line, without "fluxgatectl: " and newline */
};

/*
 * Leaves one line "what: where: remedy", cleaned of what is not to reach a
 * terminal, and returns `code`.
 */
int ctl_fail(struct ctl *ctl, enum ctl_exit code, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

int ctl_no_memory(struct ctl *ctl);

/* Has what was printed so far gone out? CTL_OK, or CTL_LOCAL with an error line. */
int ctl_flush(struct ctl *ctl);

/* Each command of the table, by its file. All return an enum ctl_exit. */
int command_status(struct ctl *ctl);
int command_domains(struct ctl *ctl);
int command_domain(struct ctl *ctl);
int command_top(struct ctl *ctl);
int command_explain(struct ctl *ctl);
int command_events(struct ctl *ctl);
int command_history(struct ctl *ctl);
int command_allow(struct ctl *ctl);
int command_ack(struct ctl *ctl);
int command_export(struct ctl *ctl);
