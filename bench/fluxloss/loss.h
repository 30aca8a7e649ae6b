/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

/*
 * What is measured, and what came out.
 *
 * Three threads: control on the main lcore, which merges for real; the worker, which runs
 * worker_lcore as in production; the generator, which conducts the trials. On two CPUs control
 * shares that of the generator.
 */

#include <stdbool.h>
#include <stdint.h>

#include "cli/exit.h"
#include "fluxbench/rounds.h"
#include "fluxloss/generator.h"

#define LOSS_TRIALS_MAX 64u
#define LOSS_LCORES_MAX 256u

/* A recovery must be over by then. */
#define LOSS_RECOVERY_SECONDS 1.0

/* What the C library may keep of the snapshots; a leak at this rate of frames is far more. */
#define LOSS_MEMORY_SLACK (UINT64_C(4) << 20)

enum loss_mode {
	LOSS_FIND,
	LOSS_OVERLOAD,
};

struct loss_config {
	enum loss_mode mode;
	const char *capture;
	const char *lcores; /* EAL --lcores: control, worker, generator; NULL: chosen */
	unsigned rounds;
	double seconds; /* of a trial */
	double confirm; /* of one that confirms an end, and of a recovery */
	double low;     /* Mpps; 0: an eighth of the capacity */
	double high;    /* Mpps; 0: a quarter above it */
	double resolution;
	unsigned trials; /* of --find, in a round at most */
	double overload_seconds;
	unsigned epoch_seconds;
	uint32_t ring; /* descriptors */
	bool huge;
	bool realtime; /* the worker runs before all else that wants its CPU */
	bool progress; /* a line a trial on standard error */
};

struct find_round {
	struct trial capacity;
	bool found;                     /* both ends, each confirmed */
	double low;                     /* Mpps that lost nothing ... */
	double high;                    /* ... and that lost something, in ... */
	unsigned low_trial, high_trial; /* ... these trials */
	unsigned repeated;              /* trials run again, for the worker's CPU was another's */
	unsigned trials;
	struct trial trial[LOSS_TRIALS_MAX];
};

struct overload_round {
	struct trial capacity;
	struct trial over;                     /* twice the capacity is offered */
	struct trial after;                    /* half of it */
	uint64_t rss_start, rss_most, rss_end; /* octets */
	uint64_t heap_start, heap_end;         /* DPDK's, allocated */
};

struct loss_result {
	struct traffic traffic;
	char lcores[LOSS_LCORES_MAX];
	const char *control_shares; /* whose CPU control runs on: "generator", "worker", ... */
	struct find_round *find;    /* of each round; one of both is NULL */
	struct overload_round *overload;
	uint64_t generated;
	uint64_t lost;      /* that the ring did not take */
	uint64_t port_sent; /* by the port's own counters */
	uint64_t port_received;
	uint64_t received;  /* by the account that control has at the end */
	uint64_t imbalance; /* of the identities of account and store */
};

struct loss;

/* Starts the EAL, measures, ends it. An exit code, and one line in err when not 0. */
int loss_run(const struct loss_config *config, struct loss_result *r, char err[ERROR_LINE_MAX]);
void loss_free(struct loss_result *r);

/* On the generator's lcore, for each round. */
void find_run(const struct loss_config *c, struct generator *g, struct find_round *r);
void overload_run(const struct loss_config *c, struct generator *g, struct overload_round *r,
	_Atomic uint64_t *rss_most);

/* One for the eyes, where config->progress says so. */
void progress(const struct loss_config *c, const char *what, const struct trial *t);

/* Resident memory of the process, octets. */
uint64_t resident_octets(void);

/* Mpps without loss: what was asked for, or offered where the generator fell short of it. */
double find_figure(const struct find_round *r);

bool overload_recovered(const struct overload_round *r);
bool overload_flat(const struct overload_round *r);

/* Frames of which it is not known exactly once what became of them. */
uint64_t loss_error(const struct loss_result *r);
