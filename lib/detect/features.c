/* SPDX-License-Identifier: BSD-3-Clause */

#include <math.h>

#include "detect/lists.h"
#include "detect/view.h"

#define DAY_HOURS 24u
#define SETTLED_STILL_SECONDS 10800u

static double novelty(const struct view *v, const struct features *f, uint32_t now)
{
	uint32_t half = now - (uint32_t)(f->seconds / 2);
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

/*
 * Several pools that take turns, as of CDNs, also come and go within the hour: all of one
 * network at a time. Hosts of flux do so each on its own. By ASN only: one network may have
 * several prefixes.
 */
static double networks_at_once(const struct view *v)
{
	unsigned sum = 0, slots = 0;

	if (v->grain != VIEW_SLOTS)
		return 0;
	for (unsigned slot = 0; slot < v->units; slot++) {
		struct tally networks;

		networks.n = 0;
		for (unsigned i = 0; i < v->n; i++)
			if (v->item[i]->asn && view_bits(v, v->item[i]) >> slot & 1)
				tally_add(&networks, v->item[i]->asn);
		sum += networks.n;
		slots += networks.n > 0;
	}
	return slots ? (double)sum / slots : 0;
}

static void diversity(const struct view *v, struct features *f)
{
	struct tally networks = {0}, aggregates = {0}, countries = {0};
	unsigned known = 0, paired = 0, glue = 0, owned = 0, names = 0, own = 0, top = 0;

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
		names += it->names;
		own += it->own;
	}
	for (unsigned i = 0; i < networks.n; i++)
		if (networks.count[i] > top)
			top = networks.count[i];
	f->networks = networks.n;
	f->networks_at_once = networks_at_once(v);
	f->aggregates = aggregates.n;
	f->countries = countries.n;
	f->glue_in_pool = glue;
	f->own_addresses = own / f->sample_share;
	if (v->n == 0)
		return;
	f->effective_networks = effective(&networks, v->n);
	f->effective_aggregates = effective(&aggregates, v->n);
	f->top_network_share = (double)top / v->n;
	f->asn_known = (double)known / v->n;
	f->paired_share = (double)paired / v->n;
	f->owned_share = (double)owned / v->n;
	f->names_share = (double)names / v->n;
	f->own_share = (double)own / v->n;
}

/* The larger share of an address's presence that is taken at its word: nothing is always there. */
#define PRESENCE_MAX 0.95
/* Nats against chance on either side, and on both together: one in ten, and in a thousand. */
#define SIDE_NATS 2.3
#define ABSENCE_NATS 6.9

static uint64_t ticks_below(unsigned bit)
{
	return (UINT64_C(1) << bit) - 1;
}

/*
 * Did the address come and go for good? `looks` are the ticks in which any of its family was seen.
 * It was there in k of the n looks between its first and its last, so that with (k + 1) / (n + 2)
 * it is absent from those before and behind by chance as often as that says.
 */
static bool transient(uint64_t ticks, uint64_t looks)
{
	if ((ticks & (ticks - 1)) == 0)
		return false; /* seen once: how often it is there is not known */
	unsigned newest = (unsigned)__builtin_ctzll(ticks);
	unsigned oldest = 63 - (unsigned)__builtin_clzll(ticks);
	uint64_t within = ticks_below(oldest) & ~ticks_below(newest + 1);
	double k = __builtin_popcountll(ticks & within), n = __builtin_popcountll(looks & within);
	double nats = -log(1 - fmin((k + 1) / (n + 2), PRESENCE_MAX));
	double after = nats * __builtin_popcountll(looks & ticks_below(newest));
	double before = nats * __builtin_popcountll(
				       looks & ~ticks_below(oldest) & ~(UINT64_C(1) << oldest));

	return before >= SIDE_NATS && after >= SIDE_NATS && before + after >= ABSENCE_NATS;
}

/* Name servers' addresses of one family that came and went, when, and who says so. */
static void transients(const struct domain *d, const struct store *st, bool v4, struct features *f)
{
	unsigned alone = 0;
	uint64_t looks = 0, departures = 0;

	for (unsigned i = 0; i < d->ns_items; i++)
		looks |= address_is_v4(d->ns[i].unit) == v4 ? d->ns[i].ticks : 0;
	for (unsigned i = 0; i < d->ns_items; i++) {
		uint64_t ticks = d->ns[i].ticks;
		uint8_t server = d->ns_server[i];

		if (address_is_v4(d->ns[i].unit) != v4 || !transient(ticks, looks))
			continue;
		f->ns_transient++;
		departures |= ticks & -ticks;
		alone += server != SHARD_SERVER_SEVERAL && !store_server_established(st, server);
	}
	f->ns_departures = __builtin_popcountll(departures);
	if (f->ns_transient > 0)
		f->ns_server_share = alone / f->ns_transient;
}

/* Of the family that has more: a server's IPv4 and IPv6 addresses are one server. */
static void name_servers(
	const struct domain *d, const struct store *st, uint32_t now, struct features *f)
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
	transients(d, st, more == 0, f);
}

static double fresh_epochs(const struct view *v)
{
	double sum = 0;

	for (unsigned i = 0; i < v->units; i++)
		sum += v->grain == VIEW_SLOTS   ? v->d->fresh_slot[i]
		       : v->grain == VIEW_HOURS ? v->d->fresh_hour[i]
						: v->d->fresh_day[i];
	return sum;
}

/*
 * Networks of the addresses of one host name, of the name that has most: where each name
 * has an address of its own, as with dynamic DNS, the zone is spread and its names are not.
 */
static double host_networks(const struct view *v)
{
	bool done[256] = {false};
	unsigned most = 0;

	for (unsigned i = 0; i < v->n; i++) {
		struct tally networks = {0};

		if (done[v->item[i]->host])
			continue;
		done[v->item[i]->host] = true;
		for (unsigned k = i; k < v->n; k++)
			if (!v->item[k]->early && v->item[k]->host == v->item[i]->host)
				tally_add(&networks,
					domain_network(v->item[k]->unit, v->item[k]->asn));
		most = networks.n > most ? networks.n : most;
	}
	return most;
}

/* Who says so: of the addresses that one server alone attests, those of the busiest such. */
static void servers(const struct view *v, const struct store *st, struct features *f)
{
	unsigned only[256] = {0}, known = 0, most = 0;

	f->servers = 0;
	f->top_server = 0;
	for (unsigned i = 0; i < v->n; i++) {
		if (v->item[i]->early)
			continue;
		known++;
		only[v->item[i]->server]++;
	}
	for (unsigned s = 1; s < 256; s++) {
		f->servers += only[s] != 0;
		if (only[s] > most && !store_server_established(st, (uint8_t)s)) {
			most = only[s];
			f->top_server = (uint8_t)s;
		}
	}
	if (only[SHARD_SERVER_SEVERAL] && f->servers < 2)
		f->servers = 2;
	f->top_server_share = known ? (double)most / known : 0;
}

/*
 * A name that had few addresses for long, and that are answered still, while others come by:
 * its operator did not move it. Somebody else says so, or a host of his fluxes.
 */
static void settled(const struct view *v, const struct store *st, uint32_t now, struct features *f)
{
	const struct domain *d = v->d;

	if (!d->settled_last || now - d->settled_last > SETTLED_STILL_SECONDS)
		return;
	/* While they are few still: before the record is, which its name servers' moves made. */
	uint32_t until = d->few_until ? d->few_until : d->tracked;
	f->settled = until > d->first ? until - d->first : 0;
	for (unsigned i = 0; i < v->n; i++) {
		const struct domain_item *it = v->item[i];

		f->settled_beside += !it->early && it->host == d->settled_host &&
				     !domain_settled(d, store_unit_hash(st, it->unit));
	}
}

static const double window_seconds[FLUX_WINDOW_COUNT] = {
	[WINDOW_10M] = 600,
	[WINDOW_1H] = STORE_HOUR_SECONDS,
	[WINDOW_24H] = STORE_DAY_SECONDS,
	[WINDOW_7D] = 7 * STORE_DAY_SECONDS,
};

/* Of a week the newest hours may tell more than its days do. */
static void openness_by_hours(const struct domain *d, const struct store *st,
	struct view_filter filter, struct features *f)
{
	struct features hours = {.age = f->age, .ttl_cached = f->ttl_cached};
	struct view v;

	view_by(&v, d, st, VIEW_HOURS, STORE_HOURS, filter);
	view_times(&v, &hours);
	if (hours.open_evidence > f->open_evidence) {
		f->open_evidence = hours.open_evidence;
		f->open_ratio = hours.open_ratio;
	}
}

void features_compute(const struct domain *d, const struct store *st, enum flux_window window,
	uint32_t now, struct view_filter filter, struct features *f)
{
	struct view v;
	double length = window_seconds[window];
	double age = now > d->first ? now - d->first : 0;

	view_make(&v, d, st, window, filter);
	*f = (struct features){
		.window = window, .age = age, .seconds = age < length ? age : length};
	uint32_t since = store_since(st);
	if (since && d->first > since)
		f->history = d->first - since;
	f->sample_share = v.threshold == UINT64_MAX ? 1 : (double)v.threshold / 0x1p64;
	f->addresses = v.marks / v.mark_share;
	f->ttl_max = v.brief && domain_ttl(d) > SHARD_BRIEF_TTL ? SHARD_BRIEF_TTL : domain_ttl(d);
	/* Not the maximum: one answer of a long TTL would stand for a cache that repeats all. */
	f->ttl_cached = fmin(f->ttl_max, 2.0 * domain_ttl_usual(d));
	double answered = d->answered_day[0] + d->answered_day[1];
	if (answered > 0)
		f->contested_share = (d->conflict_day[0] + d->conflict_day[1]) / answered;
	f->fresh_epochs = fresh_epochs(&v);
	view_times(&v, f);
	if (v.grain == VIEW_DAYS)
		openness_by_hours(d, st, filter, f);
	f->novelty = novelty(&v, f, now);
	f->host_names = round(hll_estimate(&d->hosts));
	f->pairs = round(hll_estimate(&d->pairs));
	f->host_networks = host_networks(&v);
	f->answer_max = d->answer_max;
	if (f->fresh_epochs > 1 && f->addresses > f->answer_max)
		f->new_per_epoch = (f->addresses - f->answer_max) / (f->fresh_epochs - 1);
	if (f->seconds > 0)
		f->per_hour = f->addresses * STORE_HOUR_SECONDS / f->seconds;
	diversity(&v, f);
	f->host_share = f->networks > 0 ? f->host_networks / f->networks : 0;
	name_servers(d, st, now, f);
	servers(&v, st, f);
	settled(&v, st, now, f);
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

/* Wilson's lower end of the share of which k of n were seen. */
static double wilson_least(double k, double n)
{
	const double z = 2.33; /* one in a hundred */
	double p = k / n, z2 = z * z;

	return (p + z2 / (2 * n) - z * sqrt((p * (1 - p) + z2 / (4 * n)) / n)) / (1 + z2 / n);
}

void features_eyeballs(const struct domain *d, const struct store *st, struct view_filter filter,
	const struct asn_list *eyeballs, struct features *f)
{
	struct view v;
	unsigned n = 0;

	view_make(&v, d, st, f->window, filter);
	for (unsigned i = 0; i < v.n; i++)
		n += v.item[i]->asn && asn_list_holds(eyeballs, v.item[i]->asn);
	if (v.n == 0)
		return;
	f->eyeball_share = (double)n / v.n;
	f->eyeball_least = wilson_least(n, v.n);
}
