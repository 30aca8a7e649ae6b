/* SPDX-License-Identifier: BSD-3-Clause */

/* What the bits of a view's items say of time. */

#include <math.h>

#include "detect/view.h"

#define QUARTERS 4u

/*
 * Growth: with k the quarters that have answers, ln(N_T / mean N_q) / ln k. A
 * pool asked for to the end gives 0, addresses never seen again give 1. The same
 * as ln(N_T / N_{T/4}) / ln 4 where all quarters have answers, and defined
 * where some have none.
 */
static double growth(const struct view *v)
{
	unsigned span = (v->units + QUARTERS - 1) / QUARTERS;
	double sum = 0, quarters = 0;

	for (unsigned q = 0; q < QUARTERS; q++) {
		uint32_t mask = (uint32_t)((uint64_t)low_bits(span) << (q * span));
		unsigned n = 0;
		for (unsigned i = 0; i < v->n; i++)
			n += (view_bits(v, v->item[i]) & mask) != 0;
		sum += n;
		quarters += n != 0;
	}
	if (quarters < 2 || v->n == 0)
		return 0;
	return log(v->n * quarters / sum) / log(quarters);
}

/*
 * Is the population closed? By hours: the share of pairs (address in hour i,
 * address in hour j) that are the same address does not depend on the lag
 * j - i when a fixed pool is drawn from, whatever the size of the draws and of
 * the pool; in flux it falls with the lag, for hosts are seen for hours and
 * then never again. Capture and recapture, tested by a log-likelihood ratio.
 */
static void openness(const struct view *v, struct features *f)
{
	unsigned active[32] = {0};
	double same[2] = {0, 0}, pairs[2] = {0, 0}; /* short lags, long lags */
	unsigned near = v->units / 4 ? v->units / 4 : 1, far = (v->units + 1) / 2;

	if (v->grain == VIEW_SLOTS || v->units < 4)
		return;
	for (unsigned h = 0; h < v->units; h++)
		for (unsigned i = 0; i < v->n; i++)
			active[h] += view_bits(v, v->item[i]) >> h & 1;
	for (unsigned lag = 1; lag < v->units; lag++) {
		if (lag > near && lag < far)
			continue;
		unsigned side = lag > near;
		for (unsigned h = 0; h + lag < v->units; h++)
			pairs[side] += (double)active[h] * active[h + lag];
		for (unsigned i = 0; i < v->n; i++) {
			uint32_t bits = view_bits(v, v->item[i]);
			same[side] += __builtin_popcount(bits & bits >> lag);
		}
	}
	double met = same[0] + same[1];
	if (met <= 0 || pairs[0] <= 0 || pairs[1] <= 0)
		return;
	double expected = pairs[0] / (pairs[0] + pairs[1]); /* share of short lags if closed */
	double share = same[0] / met;
	/* No long recapture at all counts as half a one. */
	double far_same = same[1] > 0 ? same[1] : 0.5;
	f->open_ratio = (same[0] / pairs[0]) / (far_same / pairs[1]);
	if (share <= expected)
		return;
	double kl = share * log(share / expected);
	if (share < 1)
		kl += (1 - share) * log((1 - share) / (1 - expected));
	f->open_evidence = met * kl;
}

/*
 * Of the addresses, those that did not come back after a quarter of the window in which
 * others were seen. Where nothing is seen twice all of them are such.
 */
static double never_return(const struct view *v)
{
	unsigned away = v->units / QUARTERS ? v->units / QUARTERS : 1, returned = 0;

	for (unsigned i = 0; i < v->n; i++) {
		uint32_t bits = view_bits(v, v->item[i]);
		unsigned gap = 0, widest = 0;

		for (bits >>= bits ? __builtin_ctz(bits) : 0; bits; bits >>= 1) {
			gap = bits & 1 ? 0 : gap + 1;
			widest = gap > widest ? gap : widest;
		}
		returned += widest >= away;
	}
	return v->n ? 1 - (double)returned / v->n : 0;
}

/* Good and Turing: what was seen once in so many draws says how much was not seen at all. */
static double coverage(const struct view *v)
{
	unsigned once = 0, draws = 0;

	for (unsigned i = 0; i < v->n; i++) {
		unsigned n = (unsigned)__builtin_popcount(view_bits(v, v->item[i]));
		once += n == 1;
		draws += n;
	}
	return draws ? 1 - (double)once / draws : 0;
}

void view_times(const struct view *v, struct features *f)
{
	f->growth = growth(v);
	f->never_return = never_return(v);
	f->coverage = coverage(v);
	openness(v, f);
}
