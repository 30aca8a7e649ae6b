/* SPDX-License-Identifier: BSD-3-Clause */

/*
 * The highest rate without loss, by bisection (RFC 2544, 26.1): short trials until both ends are
 * within the resolution of each other, then a long one at each. An end that a long trial does not
 * confirm becomes the other end, and from there on all trials are long.
 */

#include <math.h>

#include "fluxloss/loss.h"

#define TRIES 3u
#define LOW_SHARE 0.125
#define HIGH_SHARE 1.25
#define FIRST_STRIDE 0.04

struct bisection {
	const struct loss_config *config;
	struct generator *g;
	struct find_round *r;
	double floor, ceiling;
	double low, high; /* Mpps */
	double stride;    /* how far a refuted end moves, part of it */
	bool low_sure, high_sure;
	bool thorough; /* all trials are long */
};

/* Was all of it sent, and nothing lost? The trial is the last one of the round. */
static bool passes(struct bisection *b, double mpps, bool sure)
{
	struct find_round *r = b->r;
	struct trial *t = NULL;

	for (unsigned i = 0; i < TRIES && r->trials < b->config->trials; i++) {
		t = &r->trial[r->trials++];
		r->repeated += i > 0;
		trial_run(b->g, mpps, sure ? b->config->confirm : b->config->seconds, t);
		generator_settle(b->g);
		progress(b->config, sure ? "confirm" : "trial", t);
		if (!trial_disturbed(t))
			break;
	}
	return t && t->lost == 0 && !trial_short(t);
}

/*
 * False when there is nowhere to go: loss at the floor, or none at the ceiling. An end that was
 * refuted moves away, each time twice as far as before.
 */
static bool step(struct bisection *b, double mpps, bool sure)
{
	struct find_round *r = b->r;

	if (passes(b, mpps, sure)) {
		bool refuted = mpps >= b->high;

		b->low = r->low = mpps;
		b->low_sure = sure;
		r->low_trial = r->trials - 1;
		if (!refuted)
			return true;
		b->thorough = true;
		b->high_sure = false;
		b->high = fmin(mpps * (1 + b->stride), b->ceiling);
	} else {
		bool refuted = mpps <= b->low;

		b->high = r->high = mpps;
		b->high_sure = sure;
		r->high_trial = r->trials - 1;
		if (!refuted)
			return true;
		b->thorough = true;
		b->low_sure = false;
		b->low = fmax(mpps * (1 - b->stride), b->floor);
	}
	b->stride = fmin(2 * b->stride, 0.5);
	return b->high > b->low;
}

void find_run(const struct loss_config *c, struct generator *g, struct find_round *r)
{
	/* The capacity holds a merge, or it is that of a moment. */
	trial_run(g, 0, c->confirm, &r->capacity);
	generator_settle(g);
	progress(c, "capacity", &r->capacity);

	double capacity = trial_taken(&r->capacity);
	struct bisection b = {.config = c,
		.g = g,
		.r = r,
		.floor = c->low > 0 ? c->low : LOW_SHARE * capacity,
		.ceiling = c->high > 0 ? c->high : HIGH_SHARE * capacity,
		.stride = FIRST_STRIDE};
	bool on = true;

	b.low = b.floor;
	b.high = b.ceiling;
	while (on && r->trials < c->trials) {
		bool wide = b.high - b.low > c->resolution * b.high;

		/* An end that has moved is looked at first: it may have to move further. */
		if (wide && (!b.thorough || (b.low_sure && b.high_sure)))
			on = step(&b, (b.low + b.high) / 2, b.thorough);
		else if (!b.low_sure)
			on = step(&b, b.low, true);
		else if (!b.high_sure)
			on = step(&b, b.high, true);
		else
			break;
	}
	r->found = b.low_sure && b.high_sure && b.high - b.low <= c->resolution * b.high &&
		   r->trial[r->high_trial].lost > 0;
}

double find_figure(const struct find_round *r)
{
	return fmin(r->low, trial_offered(&r->trial[r->low_trial]));
}
