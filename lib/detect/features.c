/* SPDX-License-Identifier: BSD-3-Clause */

#include <math.h>

#include "detect/detect.h"

#define QUARTERS 4u
#define DAY_HOURS 24u
#define HOUR_SLOTS (STORE_HOUR_SECONDS / STORE_SLOT_SECONDS)

/* One window over the sample: which bits of an item's activity lie in it. */
struct view {
	const struct domain *d;
	bool hourly;        /* bits of `hours`, else of `slots` */
	unsigned units;     /* slots or hours from the newest to the oldest with anything */
	uint32_t mask;      /* of these bits */
	uint64_t threshold; /* lowest sampling threshold within the window */
	uint32_t now;
	unsigned n;
	const struct domain_item *item[STORE_SAMPLE]; /* active in the window, below threshold */
};

static uint32_t item_bits(const struct view *v, const struct domain_item *it)
{
	return (v->hourly ? it->hours : it->slots) & v->mask;
}

static uint32_t low_bits(unsigned n)
{
	return n >= 32 ? UINT32_MAX : (UINT32_C(1) << n) - 1;
}

/* Thresholds are kept as their top 16 bits; 0xffff means that nothing was turned away. */
static uint64_t window_threshold(const struct domain *d, bool hourly, unsigned units)
{
	uint16_t lowest = 0xffff;

	for (unsigned i = 0; i < units; i++) {
		uint16_t t = hourly ? d->hour_threshold[i] : d->slot_threshold[i];
		if (t < lowest)
			lowest = t;
	}
	return lowest == 0xffff ? UINT64_MAX : (uint64_t)lowest << 48;
}

static void view_make(struct view *v, const struct domain *d, const struct store *st,
	enum flux_window w, enum evidence_grade least)
{
	uint32_t seen = 0;

	/* Within its first 80 minutes slots tell of a domain all that hours do, and finer. */
	unsigned age_slots = d->slot - d->first / STORE_SLOT_SECONDS + 1;
	v->hourly = w == WINDOW_24H && age_slots > STORE_SLOTS;
	v->d = d;
	v->units = v->hourly ? DAY_HOURS : w == WINDOW_24H ? STORE_SLOTS : HOUR_SLOTS;
	v->mask = low_bits(v->units);
	v->threshold = window_threshold(d, v->hourly, v->units);
	v->n = 0;
	for (unsigned i = 0; i < d->items; i++) {
		const struct domain_item *it = &d->item[i];
		uint32_t bits = item_bits(v, it);
		if (bits == 0 || it->grade < least)
			continue;
		if (v->threshold != UINT64_MAX && store_unit_hash(st, it->unit) >= v->threshold)
			continue;
		seen |= bits;
		v->item[v->n++] = it;
	}
	/* The window is as long as there is anything in it. */
	v->units = seen ? 32 - (unsigned)__builtin_clz(seen) : 1;
}

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
			n += (item_bits(v, v->item[i]) & mask) != 0;
		sum += n;
		quarters += n != 0;
	}
	if (quarters < 2 || v->n == 0)
		return 0;
	return log(v->n * quarters / sum) / log(quarters);
}

static double novelty(const struct view *v, const struct features *f)
{
	uint32_t half = v->now - (uint32_t)(f->seconds / 2);
	unsigned fresh = 0;

	for (unsigned i = 0; i < v->n; i++)
		fresh += v->item[i]->first >= half;
	return v->n ? (double)fresh / v->n : 0;
}

/* Distinct values of a small array with their counts: n is at most STORE_SAMPLE. */
struct tally {
	unsigned n;
	uint64_t value[STORE_SAMPLE];
	unsigned count[STORE_SAMPLE];
};

static void tally_add(struct tally *t, uint64_t value)
{
	for (unsigned i = 0; i < t->n; i++) {
		if (t->value[i] == value) {
			t->count[i]++;
			return;
		}
	}
	t->value[t->n] = value;
	t->count[t->n++] = 1;
}

/* 1 / sum p^2, the number of equally large groups that would be as spread. */
static double effective(const struct tally *t, unsigned total)
{
	double sum = 0;

	for (unsigned i = 0; i < t->n; i++) {
		double p = (double)t->count[i] / total;
		sum += p * p;
	}
	return sum > 0 ? 1 / sum : 0;
}

static void diversity(const struct view *v, struct features *f)
{
	struct tally networks = {0}, aggregates = {0}, countries = {0};
	unsigned known = 0, paired = 0, glue = 0, owned = 0, top = 0;

	for (unsigned i = 0; i < v->n; i++) {
		const struct domain_item *it = v->item[i];
		tally_add(&networks, domain_network(it->unit, it->asn));
		tally_add(&aggregates, address_aggregate(it->unit));
		if (it->country[0])
			tally_add(&countries,
				(uint64_t)(uint8_t)it->country[0] << 8 | (uint8_t)it->country[1]);
		known += it->asn != 0;
		paired += it->grade == EVIDENCE_PAIRED;
		glue += it->ns != 0;
		owned += it->grade != EVIDENCE_ALIAS;
	}
	for (unsigned i = 0; i < networks.n; i++)
		if (networks.count[i] > top)
			top = networks.count[i];
	f->networks = networks.n;
	f->aggregates = aggregates.n;
	f->countries = countries.n;
	f->glue_in_pool = glue;
	if (v->n == 0)
		return;
	f->effective_networks = effective(&networks, v->n);
	f->effective_aggregates = effective(&aggregates, v->n);
	f->top_network_share = (double)top / v->n;
	f->asn_known = (double)known / v->n;
	f->paired_share = (double)paired / v->n;
	f->owned_share = (double)owned / v->n;
}

/* Of the family that has more: a server's IPv4 and IPv6 addresses are one server. */
static void name_servers(const struct domain *d, uint32_t now, struct features *f)
{
	struct tally networks[2] = {{0}, {0}};
	unsigned n[2] = {0, 0};

	for (unsigned i = 0; i < d->ns_items; i++) {
		const struct domain_ns *ns = &d->ns[i];
		unsigned family = address_is_v4(ns->unit) ? 0 : 1;
		if (now - ns->last > DAY_HOURS * STORE_HOUR_SECONDS)
			continue;
		n[family]++;
		tally_add(&networks[family], domain_network(ns->unit, ns->asn));
	}
	unsigned more = n[1] > n[0];
	f->ns_addresses = n[more];
	f->ns_networks = networks[more].n;
	f->ns_names = d->ns_names;
	f->ns_changes = d->ns_changes;
	f->ns_ttl = d->ns_ttl;
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

	if (!v->hourly || v->units < 4)
		return;
	for (unsigned h = 0; h < v->units; h++)
		for (unsigned i = 0; i < v->n; i++)
			active[h] += item_bits(v, v->item[i]) >> h & 1;
	for (unsigned lag = 1; lag < v->units; lag++) {
		if (lag > near && lag < far)
			continue;
		unsigned side = lag > near;
		for (unsigned h = 0; h + lag < v->units; h++)
			pairs[side] += (double)active[h] * active[h + lag];
		for (unsigned i = 0; i < v->n; i++) {
			uint32_t bits = item_bits(v, v->item[i]);
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

static double fresh_epochs(const struct view *v)
{
	double sum = 0;

	for (unsigned i = 0; i < v->units; i++)
		sum += v->hourly ? v->d->fresh_hour[i] : v->d->fresh_slot[i];
	return sum;
}

void features_compute(const struct domain *d, const struct store *st, enum flux_window window,
	uint32_t now, enum evidence_grade least, struct features *f)
{
	struct view v = {.now = now};
	double length = window == WINDOW_1H ? STORE_HOUR_SECONDS : DAY_HOURS * STORE_HOUR_SECONDS;
	double age = now > d->first ? now - d->first : 0;

	view_make(&v, d, st, window, least);
	*f = (struct features){.window = window, .seconds = age < length ? age : length};
	f->sample_share = v.threshold == UINT64_MAX ? 1 : (double)v.threshold / 0x1p64;
	f->addresses = v.n / f->sample_share;
	f->ttl_max = d->ttl_max;
	f->fresh_epochs = fresh_epochs(&v);
	f->growth = growth(&v);
	f->novelty = novelty(&v, f);
	f->host_names = round(hll_estimate(&d->hosts));
	f->answer_max = d->answer_max;
	if (f->fresh_epochs > 1 && f->addresses > f->answer_max)
		f->new_per_epoch = (f->addresses - f->answer_max) / (f->fresh_epochs - 1);
	diversity(&v, f);
	name_servers(d, now, f);
	openness(&v, f);
}

void features_siblings(const struct domain *d, const struct store *st,
	const struct detect_config *c, struct features *f)
{
	struct siblings s;

	store_siblings(st, d, (unsigned)c->min_shared_units, (unsigned)c->min_shared_networks, &s);
	f->siblings = s.domains;
	f->shared_units = s.units;
	f->shared_networks = s.networks;
}
