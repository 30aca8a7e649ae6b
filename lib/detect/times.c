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
		for (unsigned i = 0; i < v->marks; i++)
			n += (v->mark[i] & mask) != 0;
		sum += n;
		quarters += n != 0;
	}
	if (quarters < 2 || v->marks == 0)
		return 0;
	return log(v->marks * quarters / sum) / log(quarters);
}

static double unit_seconds(const struct view *v)
{
	return v->grain == VIEW_SLOTS   ? STORE_SLOT_SECONDS
	       : v->grain == VIEW_HOURS ? STORE_HOUR_SECONDS
					: STORE_DAY_SECONDS;
}

/* Share of what is answered in a unit of time that caches may repeat `lag` units later. */
static double repeated_share(const struct view *v, double ttl, unsigned lag)
{
	double share = ttl / unit_seconds(v) - (lag - 1);

	return share < 0 ? 0 : share > 1 ? 1 : share;
}

/*
 * A pool that is tested again and again is found open by chance some day: nats that the
 * number of looks costs (Bonferroni), one for each quarter of the window.
 */
static double looks_cost(const struct view *v, double age)
{
	double window = __builtin_popcount(v->mask) * unit_seconds(v);
	double looks = age * QUARTERS / window;

	return looks > 1 ? log(looks) : 0;
}

/* Of lags 1.. as bits 0..: short ones up to a quarter of the view, long ones from half on. */
struct lags {
	uint32_t near;
	uint32_t far;
};

static struct lags lags_of(const struct view *v)
{
	unsigned near = v->units / 4 ? v->units / 4 : 1, far = (v->units + 1) / 2;

	return (struct lags){low_bits(near), low_bits(v->units - 1) & ~low_bits(far - 1)};
}

/* Draws in each unit, and recaptures at short and at long lags: every mark's pairs of bits. */
static void recaptures(const struct view *v, struct lags l, unsigned active[32], double same[2])
{
	unsigned n[2] = {0, 0};

	for (unsigned i = 0; i < v->marks; i++) {
		for (uint32_t bits = v->mark[i]; bits; bits &= bits - 1) {
			unsigned newer = (unsigned)__builtin_ctz(bits);
			uint32_t older = bits >> newer >> 1;
			active[newer]++;
			n[0] += (unsigned)__builtin_popcount(older & l.near);
			n[1] += (unsigned)__builtin_popcount(older & l.far);
		}
	}
	same[0] = n[0];
	same[1] = n[1];
}

/* Pairs of draws that many units apart, and what caches repeat of them. */
static void lag_count(const struct view *v, const unsigned active[32], double ttl, unsigned lag,
	double *pairs, double *same)
{
	double repeated = repeated_share(v, ttl, lag);

	for (unsigned h = 0; h + lag < v->units; h++) {
		unsigned fewer = active[h] < active[h + lag] ? active[h] : active[h + lag];
		*pairs += (double)active[h] * active[h + lag];
		*same -= repeated * fewer;
	}
}

/*
 * Is the population closed? The share of pairs (address in unit i, address in unit j) that
 * are the same address does not depend on the lag j - i when a fixed pool is drawn from,
 * whatever the size of the draws and of the pool; in flux it falls with the lag, for hosts
 * are seen for a while and then never again. Capture and recapture, tested by a
 * log-likelihood ratio.
 */
static void openness(const struct view *v, struct features *f)
{
	unsigned active[32] = {0};
	double same[2] = {0, 0}, pairs[2] = {0, 0}; /* short lags, long lags */
	struct lags l;

	if (v->units < 4)
		return;
	l = lags_of(v);
	recaptures(v, l, active, same);
	for (unsigned lag = 1; lag < v->units; lag++)
		if ((l.near | l.far) >> (lag - 1) & 1)
			lag_count(v, active, f->ttl_cached, lag, &pairs[l.far >> (lag - 1) & 1],
				&same[l.far >> (lag - 1) & 1]);
	same[0] = same[0] > 0 ? same[0] : 0;
	same[1] = same[1] > 0 ? same[1] : 0;
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
	double evidence = met * kl - looks_cost(v, f->age);
	f->open_evidence = evidence > 0 ? evidence : 0;
}

/*
 * Of the addresses, those that did not come back after a quarter of the window in which
 * others were seen. Where nothing is seen twice all of them are such.
 */
static double never_return(const struct view *v)
{
	unsigned away = v->units / QUARTERS ? v->units / QUARTERS : 1, returned = 0;

	for (unsigned i = 0; i < v->marks; i++) {
		uint32_t bits = v->mark[i], near = bits;
		/* Each bit reaches over the units after it that are no absence yet. */
		for (unsigned done = 1; done < away;) {
			unsigned by = done < away - done ? done : away - done;
			near |= near << by;
			done += by;
		}
		/* From the oldest bit to the newest, is one reached by none? */
		uint32_t span = bits ? low_bits(32 - (unsigned)__builtin_clz(bits)) &
						~low_bits((unsigned)__builtin_ctz(bits))
				     : 0;
		returned += (near & span) != span;
	}
	return v->marks ? 1 - (double)returned / v->marks : 0;
}

/* Good and Turing: what was seen once in so many draws says how much was not seen at all. */
static double coverage(const struct view *v)
{
	unsigned once = 0, draws = 0;

	for (unsigned i = 0; i < v->marks; i++) {
		unsigned n = (unsigned)__builtin_popcount(v->mark[i]);
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
