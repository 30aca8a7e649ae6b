/* SPDX-License-Identifier: BSD-3-Clause */

/* What the bits of a view's items say of time. */

#include <math.h>

#include "detect/view.h"

#define QUARTERS 4u
#define CROWDING_NATS 4.0

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

/* What two units so far apart have in common, over all such pairs of units. */
struct lag {
	double pairs; /* of draws */
	double same;  /* pairs that are one address, less what caches repeat */
};

static void lag_count(
	const struct view *v, const unsigned active[32], double ttl, unsigned lag, struct lag *out)
{
	double repeated = repeated_share(v, ttl, lag);
	unsigned same = 0;

	*out = (struct lag){0, 0};
	for (unsigned h = 0; h + lag < v->units; h++) {
		unsigned fewer = active[h] < active[h + lag] ? active[h] : active[h + lag];
		out->pairs += (double)active[h] * active[h + lag];
		out->same -= repeated * fewer;
	}
	for (unsigned i = 0; i < v->marks; i++)
		same += (unsigned)__builtin_popcount(v->mark[i] & v->mark[i] >> lag);
	out->same += same;
}

static struct lag lags_sum(const struct lag *lag, unsigned from, unsigned to)
{
	struct lag sum = {0, 0};

	for (unsigned i = from; i <= to; i++) {
		sum.pairs += lag[i].pairs;
		sum.same += lag[i].same;
	}
	sum.same = sum.same > 0 ? sum.same : 0;
	return sum;
}

/*
 * Addresses that come together, as those of CDNs that take turns, also return together: so
 * many recaptures are one observation. By how much they scatter over the pairs of units at
 * one lag more than chance has it (the dispersion of a quasi-likelihood: Pearson's sum by its
 * degrees of freedom), at least 1.
 */
static double crowding(const struct view *v, const unsigned active[32], unsigned near, unsigned far)
{
	double sum = 0, free = 0;

	for (unsigned lag = 1; lag < v->units; lag++) {
		unsigned same[32] = {0}, all = 0;
		double pairs = 0;
		if (lag > near && lag < far)
			continue;
		for (unsigned i = 0; i < v->marks; i++)
			for (uint32_t b = v->mark[i] & v->mark[i] >> lag; b; b &= b - 1)
				same[__builtin_ctz(b)]++;
		for (unsigned h = 0; h + lag < v->units; h++) {
			all += same[h];
			pairs += (double)active[h] * active[h + lag];
		}
		for (unsigned h = 0; h + lag < v->units && all > 0; h++) {
			double expected = all / pairs * active[h] * active[h + lag];
			if (expected <= 0)
				continue;
			sum += (same[h] - expected) * (same[h] - expected) / expected;
			free++;
		}
		free -= all > 0;
	}
	return free > 0 && sum > free ? sum / free : 1;
}

/*
 * The same over networks: of those whose addresses take turns some return soon and others late,
 * by chance; hosts of flux return soon whatever their network. By the items, of which the
 * network is known; where the marks are more so is what they scatter by.
 */
static double scatter_of_networks(const struct view *v, unsigned near, unsigned far)
{
	uint64_t network[STORE_SAMPLE];
	double soon[STORE_SAMPLE] = {0}, met[STORE_SAMPLE] = {0}, all[2] = {0, 0}, sum = 0;
	unsigned n = 0, free = 0;

	for (unsigned i = 0; i < v->n; i++) {
		uint64_t of = domain_network(v->item[i]->unit, v->item[i]->asn);
		unsigned k = 0;
		while (k < n && network[k] != of)
			k++;
		network[k] = of;
		n += k == n;
		for (uint32_t bits = view_bits(v, v->item[i]); bits; bits &= bits - 1) {
			uint32_t older = bits >> __builtin_ctz(bits) >> 1;
			unsigned s = (unsigned)__builtin_popcount(older & low_bits(near));
			unsigned l = (unsigned)__builtin_popcount(older & ~low_bits(far - 1));
			soon[k] += s;
			met[k] += s + l;
		}
	}
	for (unsigned k = 0; k < n; k++) {
		all[0] += soon[k];
		all[1] += met[k];
	}
	double share = all[1] > 0 ? all[0] / all[1] : 0;
	for (unsigned k = 0; k < n && share > 0 && share < 1; k++) {
		if (met[k] <= 0)
			continue;
		double off = soon[k] - share * met[k];
		sum += off * off / (met[k] * share * (1 - share));
		free++;
	}
	return free > 1 && sum > free - 1 ? 1 + (sum / (free - 1) - 1) * v->marks / v->n : 1;
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
	unsigned active[32] = {0}, last = v->units - 1;
	unsigned near = v->units / 4 ? v->units / 4 : 1, far = (v->units + 1) / 2;
	struct lag lag[32];

	if (v->units < 4)
		return;
	for (unsigned i = 0; i < v->marks; i++)
		for (uint32_t bits = v->mark[i]; bits; bits &= bits - 1)
			active[__builtin_ctz(bits)]++;
	for (unsigned i = 1; i <= last; i++)
		if (i <= near || i >= far)
			lag_count(v, active, f->ttl_cached, i, &lag[i]);
	struct lag soon = lags_sum(lag, 1, near), late = lags_sum(lag, far, last);
	double met = soon.same + late.same;
	if (met <= 0 || soon.pairs <= 0 || late.pairs <= 0)
		return;
	double expected = soon.pairs / (soon.pairs + late.pairs); /* share if closed */
	double share = soon.same / met;
	/* No long recapture at all counts as half a one. */
	double late_same = late.same > 0 ? late.same : 0.5;
	f->open_ratio = (soon.same / soon.pairs) / (late_same / late.pairs);
	if (share <= expected)
		return;
	double kl = share * log(share / expected);
	if (share < 1)
		kl += (1 - share) * log((1 - share) / (1 - expected));
	double evidence = met * kl - looks_cost(v, f->age);
	/* Asked for where it may matter only: it walks all pairs. */
	if (evidence >= CROWDING_NATS)
		evidence = met * kl /
				   fmax(crowding(v, active, near, far),
					   scatter_of_networks(v, near, far)) -
			   looks_cost(v, f->age);
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
