/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "cli/exit.h"
#include "fluxbench/rounds.h"

/* A rx+free, B +decode, C +parse, D everything. */
#define BENCH_STAGES 4u

struct bench_config {
	const char *capture;
	unsigned rounds;
	double seconds;         /* of a round of A, B, C */
	unsigned epoch_seconds; /* and of a round of D */
	bool huge;
};

struct bench_result {
	struct rounds stage[BENCH_STAGES];
	uint64_t capture_packets;
	uint64_t packets; /* taken by D in all */
	uint64_t domains; /* offered to the store in the last epoch */
	uint64_t accounting_error;
	bool huge;
};

/* Starts the EAL, measures, ends it. An exit code, and one line in err when not 0. */
int bench_run(const struct bench_config *config, struct bench_result *r, char err[ERROR_LINE_MAX]);

const char *bench_stage_name(unsigned stage);

/* D - A in TSC cycles a packet, of the medians. */
double bench_cost(const struct bench_result *r);
