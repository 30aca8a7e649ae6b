/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

/*
 * Two workers at once against one: the production loop on two lcores, each at a port of its own,
 * and control on a third that merges the shards of both.
 */

#include "fluxbench/stages.h"

#define SCALE_WORKERS 2u

struct scale_result {
	struct rounds workers[SCALE_WORKERS]; /* of one and of two; Mpps of all together */
	struct rounds ratio; /* of a pair of rounds, one after the other: in mpps */
	unsigned cpus;       /* that the process may use */
	bool control_shares; /* control runs on the CPU of worker 0: there are only two */
	double on_cpu; /* least part of a round that a worker had a CPU, of all rounds of two */
	double steal;  /* part of all CPUs' time that the host took during the rounds */
	struct traffic traffic;
	uint64_t memory;    /* octets of the frames of both ports */
	uint64_t generated; /* accounting as in struct bench_result */
	uint64_t lost;
	uint64_t packets;
	uint64_t counted;
	uint64_t imbalance;
};

/* Starts the EAL, measures, ends it. An exit code, and one line in err when not 0. */
int scale_run(const struct bench_config *config, struct scale_result *r, char err[ERROR_LINE_MAX]);

uint64_t scale_error(const struct scale_result *r);

/* Both to standard output; the JSON is of bench/scale.schema.json. */
void scale_json(const struct bench_config *config, const struct scale_result *r);
void scale_table(const struct scale_result *r);

/* All of it; an exit code. */
int scale_main(const struct bench_config *config, bool json);
