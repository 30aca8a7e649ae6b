/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "cli/exit.h"
#include "fluxbench/port.h"
#include "fluxbench/rounds.h"

/* A rx+free, B +decode, C +parse, D everything. */
#define BENCH_STAGES 4u

struct bench_config {
	enum bench_port_kind port;
	const char *capture; /* NULL for net_null */
	unsigned rounds;
	double seconds;         /* of a round of A, B, C */
	unsigned epoch_seconds; /* and of a round of D */
	bool huge;
};

struct bench_result {
	struct rounds stage[BENCH_STAGES];
	struct traffic traffic;
	uint64_t memory;    /* octets of the frames of the port in memory; 0: another port */
	uint64_t generated; /* frames that the port made: handed out, or lost there */
	uint64_t lost;      /* by the port */
	uint64_t partial;   /* taken by A, B and C */
	uint64_t packets;   /* taken by D, warming up included */
	uint64_t counted;   /* received, by the account that control has at the end */
	uint64_t domains;   /* offered to the store in the last epoch */
	uint64_t imbalance; /* of the identities of account and store */
};

/* Starts the EAL, measures, ends it. An exit code, and one line in err when not 0. */
int bench_run(const struct bench_config *config, struct bench_result *r, char err[ERROR_LINE_MAX]);

const char *bench_stage_name(unsigned stage);

/* Has any round of each stage been kept? There are no figures otherwise. */
bool bench_measured(const struct bench_result *r);

/* D - A in TSC cycles a packet, of the medians. */
double bench_cost(const struct bench_result *r);

/* Frames of which it is not known exactly once what became of them; 0 or the code is wrong. */
uint64_t bench_error(const struct bench_result *r);
