/* SPDX-License-Identifier: BSD-3-Clause */

/* What the times of all units say: growth, return, recapture. */

#include <math.h>
#include <stdlib.h>

#include "view.h"

static bool at(const struct exact_seen *s, unsigned i)
{
	return i < 32 && s->when >> i & 1;
}

/* ln(all / mean of the quarters that have any) / ln(their number). */
static double growth(const struct exact_view *v)
{
	unsigned quarter = (v->span + 3) / 4;
	double sum = 0, quarters = 0;

	for (unsigned q = 0; q < 4; q++) {
		double n = 0;
		for (size_t k = 0; k < v->n; k++) {
			bool met = false;
			for (unsigned i = q * quarter; i < (q + 1) * quarter; i++)
				met |= at(&v->seen[k], i);
			n += met;
		}
		sum += n;
		quarters += n > 0;
	}
	if (quarters < 2 || sum <= 0)
		return 0;
	return log((double)v->n / (sum / quarters)) / log(quarters);
}

/* Not seen for a quarter of the window between two sightings: the share of all others. */
static double never_return(const struct exact_view *v)
{
	unsigned away = v->span / 4 ? v->span / 4 : 1;
	double returned = 0;

	for (size_t k = 0; k < v->n; k++) {
		int before = -1;
		bool came_back = false;
		for (unsigned i = 0; i < 32; i++) {
			if (!at(&v->seen[k], i))
				continue;
			came_back |= before >= 0 && (int)i - before - 1 >= (int)away;
			before = (int)i;
		}
		returned += came_back;
	}
	return v->n ? 1 - returned / (double)v->n : 0;
}

/* 1 - (seen in one slot only) / (all sightings by slot). */
static double coverage(const struct exact_view *v)
{
	double once = 0, draws = 0;

	for (size_t k = 0; k < v->n; k++) {
		unsigned times = 0;
		for (unsigned i = 0; i < 32; i++)
			times += at(&v->seen[k], i);
		once += times == 1;
		draws += times;
	}
	return draws > 0 ? 1 - once / draws : 0;
}

/* Of `lag` units the share in which a cache may still give what was fetched at the other end. */
static double cached(const struct exact_view *v, double ttl, unsigned lag)
{
	double left = ttl - (lag - 1.0) * v->grain;

	return fmin(fmax(left / v->grain, 0), 1);
}

/* Draws at a lag that could have met, and those that met, but for those out of a cache. */
static void lag_count(const struct exact_view *v, const double *active, double ttl, unsigned lag,
	double *pairs, double *same)
{
	for (unsigned i = 0; i + lag < v->span; i++) {
		*pairs += active[i] * active[i + lag];
		*same -= cached(v, ttl, lag) * fmin(active[i], active[i + lag]);
	}
	for (size_t k = 0; k < v->n; k++)
		*same += __builtin_popcount(v->seen[k].when & v->seen[k].when >> lag);
}

/* How much more than chance what two units have in common varies from pair to pair of one lag. */
static double scatter(const struct exact_view *v, const double *active, unsigned near, unsigned far)
{
	double sum = 0, n = 0;

	for (unsigned lag = 1; lag < v->span; lag++) {
		double both[32] = {0}, all = 0, draws = 0;
		if (lag > near && lag < far)
			continue;
		for (unsigned a = 0; a + lag < v->span; a++) {
			for (size_t k = 0; k < v->n; k++)
				both[a] += at(&v->seen[k], a) && at(&v->seen[k], a + lag);
			all += both[a];
			draws += active[a] * active[a + lag];
		}
		n -= all > 0;
		for (unsigned a = 0; a + lag < v->span && all > 0; a++) {
			double chance = all / draws * active[a] * active[a + lag];
			if (chance > 0) {
				sum += pow(both[a] - chance, 2) / chance;
				n++;
			}
		}
	}
	return n > 0 ? fmax(sum / n, 1) : 1;
}

/* The same over networks: a sum of recaptures for each, those at short lags and all. */
static double scatter_of_networks(const struct exact_view *v, unsigned near, unsigned far)
{
	uint64_t *network = array_grow(NULL, v->n + 1, sizeof(*network));
	double *met = calloc(2 * (v->n + 1), sizeof(*met)), all[2] = {0, 0}, sum = 0, groups = 0;
	size_t n = 0;

	if (!met)
		abort();
	for (size_t i = 0; i < v->n; i++) {
		uint64_t of = domain_network(v->seen[i].unit->unit, v->seen[i].unit->net.asn);
		size_t k = 0;
		while (k < n && network[k] != of)
			k++;
		network[k] = of;
		n += k == n;
		for (unsigned a = 0; a < v->span; a++)
			for (unsigned b = a + 1; b < v->span; b++)
				if ((b - a <= near || b - a >= far) && at(&v->seen[i], a) &&
					at(&v->seen[i], b))
					met[2 * k + (b - a >= far)]++;
	}
	for (size_t k = 0; k < n; k++) {
		all[0] += met[2 * k];
		all[1] += met[2 * k + 1];
	}
	double share = all[0] / (all[0] + all[1]);
	for (size_t k = 0; k < n && all[0] > 0 && all[1] > 0; k++) {
		double of = met[2 * k] + met[2 * k + 1];
		if (of <= 0)
			continue;
		sum += pow(met[2 * k] - share * of, 2) / (of * share * (1 - share));
		groups++;
	}
	free(network);
	free(met);
	return groups > 1 ? fmax(sum / (groups - 1), 1) : 1;
}

/*
 * If the population is closed, the chance that two draws are the same unit does not depend
 * on the time between them. Log-likelihood ratio of short lags (up to a quarter) against long
 * ones (half and more), less the logarithm of how often such a window was looked at anew.
 */
static void openness(const struct exact_view *v, struct features *f)
{
	double active[32] = {0}, pairs[2] = {0}, same[2] = {0};
	unsigned near = v->span / 4, far = (v->span + 1) / 2;
	double quarter = v->most * (double)v->grain / 4;

	if (v->span < 4)
		return;
	for (unsigned i = 0; i < v->span; i++)
		for (size_t k = 0; k < v->n; k++)
			active[i] += at(&v->seen[k], i);
	for (unsigned lag = 1; lag < v->span; lag++) {
		if (lag <= near)
			lag_count(v, active, f->ttl_cached, lag, &pairs[0], &same[0]);
		else if (lag >= far)
			lag_count(v, active, f->ttl_cached, lag, &pairs[1], &same[1]);
	}
	same[0] = fmax(same[0], 0);
	same[1] = fmax(same[1], 0);
	if (same[0] + same[1] <= 0 || pairs[0] <= 0 || pairs[1] <= 0)
		return;
	double met = same[0] + same[1], share = same[0] / met;
	double closed = pairs[0] / (pairs[0] + pairs[1]);
	f->open_ratio = same[0] / pairs[0] / ((same[1] > 0 ? same[1] : 0.5) / pairs[1]);
	if (share <= closed)
		return;
	double nats = same[0] * log(share / closed);
	if (same[1] > 0)
		nats += same[1] * log((1 - share) / (1 - closed));
	double looks = log(fmax(f->age / quarter, 1));
	if (nats - looks >= 4)
		nats /= fmax(scatter(v, active, near, far), scatter_of_networks(v, near, far));
	f->open_evidence = fmax(nats - looks, 0);
}

void exact_times(const struct exact_view *v, struct features *f)
{
	f->growth = growth(v);
	f->never_return = never_return(v);
	f->coverage = coverage(v);
	openness(v, f);
}
