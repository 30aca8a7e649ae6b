/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

/* What is known of a trial: so long, at such a rate. */

#include <stdbool.h>
#include <stdint.h>

/* The first second of a trial, looked at this finely. */
#define TRIAL_BINS 100u
#define TRIAL_BINS_A_SECOND 100u

/* A trial of which more than this part was withheld proves nothing by losing nothing. */
#define TRIAL_SHORT 0.1

struct bin {
	uint64_t lost;
	uint32_t queued; /* in the ring, at the bin's end */
};

struct trial {
	double asked_mpps; /* 0: as many as the ring takes, and none is lost */
	double asked_seconds;
	double seconds; /* that it took */
	uint64_t generated;
	uint64_t lost;        /* of these */
	uint64_t withheld;    /* frames not made, for the generator was away */
	uint64_t late;        /* bursts sent after the next one's time, and caught up */
	uint64_t away;        /* times that the generator was away ... */
	double away_seconds;  /* ... in all ... */
	double away_longest;  /* ... and the longest */
	double worker_waited; /* seconds in which the worker could run and its CPU was another's */
	uint64_t merges;      /* that control ended meanwhile */
	double last_loss;     /* seconds from the start; 0: none */
	struct bin bin[TRIAL_BINS];
};

/* Millions of frames a second that were made, the generator's absence included. */
double trial_offered(const struct trial *t);

/* Millions a second that were taken while the generator was there: the capacity, when none is
 * asked for. */
double trial_taken(const struct trial *t);

/* Was more than TRIAL_SHORT of what was asked withheld? */
bool trial_short(const struct trial *t);

/* Short, or is the loss no more than what came while the worker's CPU was another's? */
bool trial_disturbed(const struct trial *t);
