/* SPDX-License-Identifier: BSD-3-Clause */

/* The features of one window, from all units. */

#include <math.h>
#include <stdlib.h>

#include "view.h"

/* The newest slots lead: a unit of the record is looked at no further back than needed. */
static uint32_t when_seen(const struct exact_unit *u, uint32_t now, uint32_t grain, unsigned most)
{
	uint32_t when = 0;

	for (size_t i = u->slots; i-- > 0;) {
		uint32_t ago = now / grain - u->slot[i] / (grain / STORE_SLOT_SECONDS);
		if (ago >= most)
			break;
		when |= UINT32_C(1) << ago;
	}
	return when;
}

static bool left_out(const struct exact_unit *u, const struct exact_view *v, struct view_filter f)
{
	return u->grade < f.least || (v->brief && !u->brief) ||
	       (f.server && !u->several && u->server == f.server);
}

void exact_view_by(struct exact_view *v, const struct exact_domain *d, uint32_t now, uint32_t grain,
	unsigned most, struct view_filter filter)
{
	uint32_t all = 0;

	*v = (struct exact_view){.grain = grain, .most = most, .span = 1};
	v->seen = array_grow(NULL, d->units.n + 1, sizeof(*v->seen));
	for (size_t i = 0; i < d->units.n; i++)
		v->brief |= exact_alive(&d->unit[i], now) && d->unit[i].brief;
	for (size_t i = 0; i < d->units.n; i++) {
		uint32_t when = when_seen(&d->unit[i], now, grain, most);
		if (!when || left_out(&d->unit[i], v, filter))
			continue;
		v->seen[v->n++] = (struct exact_seen){&d->unit[i], when};
		all |= when;
	}
	for (unsigned i = 0; i < 32; i++)
		if (all >> i & 1)
			v->span = i + 1;
}

/* The finest grain that reaches over the window, or over all there is of the domain. */
static void view_of(struct exact_view *v, const struct exact_domain *d, enum flux_window w,
	uint32_t now, struct view_filter filter)
{
	uint32_t slots = now / STORE_SLOT_SECONDS - d->first / STORE_SLOT_SECONDS + 1;
	uint32_t hours = now / STORE_HOUR_SECONDS - d->first / STORE_HOUR_SECONDS + 1;

	if (w == WINDOW_10M)
		exact_view_by(v, d, now, STORE_SLOT_SECONDS, 2, filter);
	else if (w == WINDOW_1H)
		exact_view_by(v, d, now, STORE_SLOT_SECONDS, 12, filter);
	else if (slots <= STORE_SLOTS)
		exact_view_by(v, d, now, STORE_SLOT_SECONDS, STORE_SLOTS, filter);
	else if (w == WINDOW_24H)
		exact_view_by(v, d, now, STORE_HOUR_SECONDS, 24, filter);
	else if (hours <= STORE_HOURS)
		exact_view_by(v, d, now, STORE_HOUR_SECONDS, STORE_HOURS, filter);
	else
		exact_view_by(v, d, now, STORE_DAY_SECONDS, 7, filter);
}

static int by_pair(const void *a, const void *b)
{
	const struct exact_pair *x = a, *y = b;

	if (x->a != y->a)
		return x->a < y->a ? -1 : 1;
	return (x->b > y->b) - (x->b < y->b);
}

size_t exact_groups(struct exact_pair *pair, size_t n, size_t *counts)
{
	size_t groups = 0;

	qsort(pair, n, sizeof(*pair), by_pair);
	for (size_t i = 0; i < n; i++) {
		bool new = i == 0 || pair[i].a != pair[i - 1].a;
		groups += new;
		if (!counts)
			continue;
		if (new)
			counts[groups - 1] = 0;
		counts[groups - 1] += new || pair[i].b != pair[i - 1].b;
	}
	return groups;
}

/* Groups of the view's units by one property; the largest and the effective number, too. */
static double group_by(const struct exact_view *v, uint64_t (*property)(const struct exact_unit *u),
	double *largest, double *effective)
{
	struct exact_pair *pair = array_grow(NULL, v->n + 1, sizeof(*pair));
	size_t *counts = array_grow(NULL, v->n + 1, sizeof(*counts)), n = 0;
	double squares = 0;

	for (size_t i = 0; i < v->n; i++) {
		uint64_t a = property(v->seen[i].unit);
		if (a)
			pair[n++] = (struct exact_pair){a, v->seen[i].unit->unit};
	}
	size_t groups = exact_groups(pair, n, counts);
	*largest = 0;
	for (size_t i = 0; i < groups; i++) {
		double p = (double)counts[i] / (double)v->n;
		*largest = p > *largest ? p : *largest;
		squares += p * p;
	}
	*effective = squares > 0 ? 1 / squares : 0;
	free(pair);
	free(counts);
	return (double)groups;
}

static uint64_t network_of(const struct exact_unit *u)
{
	return domain_network(u->unit, u->net.asn);
}

/* Bit 63: an aggregate may be 0, which means none here. */
static uint64_t aggregate_of(const struct exact_unit *u)
{
	return address_aggregate(u->unit) | UINT64_C(1) << 63;
}

static uint64_t country_of(const struct exact_unit *u)
{
	return u->net.country[0]
		       ? (uint64_t)(uint8_t)u->net.country[0] << 8 | (uint8_t)u->net.country[1]
		       : 0;
}

/* Networks in one slot, the mean of the slots with answers. */
static double networks_at_once(const struct exact_view *v)
{
	struct exact_pair *pair = array_grow(NULL, 32 * v->n + 1, sizeof(*pair));
	size_t counts[32], n = 0, sum = 0;

	if (v->grain != STORE_SLOT_SECONDS) {
		free(pair);
		return 0;
	}
	for (size_t i = 0; i < v->n; i++)
		for (unsigned slot = 0; slot < 32; slot++)
			if (v->seen[i].unit->net.asn && v->seen[i].when >> slot & 1)
				pair[n++] = (struct exact_pair){slot, v->seen[i].unit->net.asn};
	size_t slots = exact_groups(pair, n, counts);
	for (size_t i = 0; i < slots; i++)
		sum += counts[i];
	free(pair);
	return slots ? (double)sum / (double)slots : 0;
}

static void diversity(const struct exact_domain *d, const struct exact_view *v, struct features *f)
{
	double none, n = (double)v->n;

	f->networks = group_by(v, network_of, &f->top_network_share, &f->effective_networks);
	f->networks_at_once = networks_at_once(v);
	f->aggregates = group_by(v, aggregate_of, &none, &f->effective_aggregates);
	f->countries = group_by(v, country_of, &none, &none);
	for (size_t i = 0; i < v->n; i++) {
		const struct exact_unit *u = v->seen[i].unit;
		f->asn_known += u->net.asn != 0;
		f->paired_share += u->grade == EVIDENCE_PAIRED;
		f->owned_share += u->grade != EVIDENCE_ALIAS;
		f->names_share += u->hosts.n > 1;
		f->own_addresses += u->net.own;
		f->glue_in_pool += words_find(&d->ns_units, u->unit) != WORDS_NONE;
	}
	if (v->n == 0)
		return;
	f->asn_known /= n;
	f->paired_share /= n;
	f->owned_share /= n;
	f->names_share /= n;
	f->own_share = f->own_addresses / n;
}

/* Networks of all units that one host name had, of the name that has most. */
static double host_networks(const struct exact_view *v)
{
	size_t pairs = 0, n = 0, most = 0;

	for (size_t i = 0; i < v->n; i++)
		pairs += v->seen[i].unit->hosts.n;
	struct exact_pair *pair = array_grow(NULL, pairs + 1, sizeof(*pair));
	size_t *counts = array_grow(NULL, pairs + 1, sizeof(*counts));
	for (size_t i = 0; i < v->n; i++) {
		const struct exact_unit *u = v->seen[i].unit;
		for (size_t k = 0; k < u->hosts.n; k++)
			pair[n++] = (struct exact_pair){u->hosts.word[k], network_of(u)};
	}
	size_t groups = exact_groups(pair, n, counts);
	for (size_t i = 0; i < groups; i++)
		most = counts[i] > most ? counts[i] : most;
	free(pair);
	free(counts);
	return (double)most;
}

static void servers(const struct exact_view *v, struct features *f)
{
	unsigned only[256] = {0}, most = 0;
	bool several = false;

	for (size_t i = 0; i < v->n; i++) {
		if (v->seen[i].unit->several)
			several = true;
		else
			only[v->seen[i].unit->server]++;
	}
	for (unsigned s = 1; s < 256; s++) {
		f->servers += only[s] > 0;
		if (only[s] > most && !exact_established((uint8_t)s)) {
			most = only[s];
			f->top_server = (uint8_t)s;
		}
	}
	if (several && f->servers < 2)
		f->servers = 2;
	f->top_server_share = v->n ? (double)most / (double)v->n : 0;
}

/* Looks, of those that are marked, in [from, to). */
static double looks_in(const bool *look, int from, int to)
{
	double n = 0;

	for (int t = from; t < to; t++)
		n += look[t];
	return n;
}

/* Did it come and go for good? Of the last 64 ticks, the oldest first. */
static bool came_and_went(const bool *seen, const bool *look, int *last)
{
	int first = -1;

	*last = -1;
	for (int t = 0; t < (int)STORE_TICKS; t++) {
		if (!seen[t])
			continue;
		first = first < 0 ? t : first;
		*last = t;
	}
	if (first == *last)
		return false;
	double there = looks_in(seen, first + 1, *last), of = looks_in(look, first + 1, *last);
	double nats = -log1p(-fmin((there + 1) / (of + 2), 0.95));
	double before = nats * looks_in(look, 0, first);
	double after = nats * looks_in(look, *last + 1, (int)STORE_TICKS);
	return before >= 2.3 && after >= 2.3 && before + after >= 6.9;
}

static void servers_turn(const struct exact_domain *d, uint32_t now, bool v4, struct features *f)
{
	int newest = (int)(now / (STORE_TICK_SLOTS * STORE_SLOT_SECONDS));
	bool(*seen)[STORE_TICKS] = calloc(d->ns_units.n + 1, sizeof(*seen));
	bool look[STORE_TICKS] = {false}, went[STORE_TICKS] = {false};
	unsigned alone = 0;
	int last;

	for (size_t i = 0; i < d->ns_units.n; i++) {
		if (address_is_v4(d->ns_units.word[i]) != v4)
			continue;
		for (size_t k = 0; k < d->ns[i].ticks; k++) {
			int t = (int)STORE_TICKS - 1 - (newest - (int)d->ns[i].tick[k]);
			if (t >= 0 && t < (int)STORE_TICKS)
				seen[i][t] = look[t] = true;
		}
	}
	for (size_t i = 0; i < d->ns_units.n; i++) {
		uint8_t server = d->ns[i].server;
		if (address_is_v4(d->ns_units.word[i]) != v4 ||
			!came_and_went(seen[i], look, &last))
			continue;
		f->ns_transient++;
		went[last] = true;
		alone += server != SHARD_SERVER_SEVERAL && !exact_established(server);
	}
	free(seen);
	f->ns_departures = looks_in(went, 0, (int)STORE_TICKS);
	if (f->ns_transient > 0)
		f->ns_server_share = alone / f->ns_transient;
}

/* Of a day, of the address family that has more. */
static void name_servers(const struct exact_domain *d, uint32_t now, struct features *f)
{
	struct exact_pair *pair = array_grow(NULL, d->ns_units.n + 1, sizeof(*pair));
	bool v4 = true;

	for (unsigned family = 0; family < 2; family++) {
		size_t n = 0;
		for (size_t i = 0; i < d->ns_units.n; i++) {
			uint64_t unit = d->ns_units.word[i];
			if (address_is_v4(unit) == (family == 0) &&
				now - d->ns[i].last <= STORE_DAY_SECONDS)
				pair[n++] = (struct exact_pair){
					domain_network(unit, d->ns[i].net.asn), unit};
		}
		if ((double)n <= f->ns_addresses)
			continue;
		v4 = family == 0;
		f->ns_addresses = (double)n;
		f->ns_networks = (double)exact_groups(pair, n, NULL);
	}
	free(pair);
	for (size_t i = 0; i < d->ns_names.n; i++)
		f->ns_names += now - d->ns_named[i] <= STORE_DAY_SECONDS;
	f->ns_changes = d->ns_changes;
	f->ns_ttl = d->day[0].ns_ttl;
	servers_turn(d, now, v4, f);
}

/* The median of the TTLs that answers came with. */
static double ttl_usual(const struct exact_domain *d)
{
	uint64_t all = 0, below = 0;
	uint32_t ttl = 0;

	for (uint32_t i = 0; i <= SHARD_BRIEF_TTL + 1; i++)
		all += d->ttl[i];
	while (ttl <= SHARD_BRIEF_TTL && 2 * (below + d->ttl[ttl]) < all)
		below += d->ttl[ttl++];
	return ttl;
}

static void answers(
	const struct exact_domain *d, const struct exact_view *v, uint32_t now, struct features *f)
{
	double answered = d->day[0].answered + d->day[1].answered;
	double ttl = d->day[0].ttl > d->day[1].ttl ? d->day[0].ttl : d->day[1].ttl;

	f->ttl_max = v->brief && ttl > SHARD_BRIEF_TTL ? SHARD_BRIEF_TTL : ttl;
	f->ttl_cached = fmin(f->ttl_max, 2 * ttl_usual(d));
	if (answered > 0)
		f->contested_share = (d->day[0].conflict + d->day[1].conflict) / answered;
	for (size_t i = 0; i < d->fresh_n; i++)
		f->fresh_epochs += now / v->grain - d->fresh[i] / v->grain < v->span;
	f->answer_max = d->answer_max;
	f->host_names = (double)d->hosts.n;
	f->pairs = (double)d->pairs.n;
}

/* Of a week the newest hours may tell more than its days do. */
static void openness_by_hours(
	const struct exact_domain *d, uint32_t now, struct view_filter filter, struct features *f)
{
	struct features hours = {.age = f->age, .ttl_cached = f->ttl_cached};
	struct exact_view v;

	exact_view_by(&v, d, now, STORE_HOUR_SECONDS, STORE_HOURS, filter);
	exact_times(&v, &hours);
	free(v.seen);
	if (hours.open_evidence <= f->open_evidence)
		return;
	f->open_evidence = hours.open_evidence;
	f->open_ratio = hours.open_ratio;
}

void exact_features(const struct exact_domain *d, enum flux_window window, uint32_t now,
	struct view_filter filter, struct features *f)
{
	static const double length[FLUX_WINDOW_COUNT] = {600, 3600, 86400, 7 * 86400};
	double age = now > d->first ? now - d->first : 0, fresh = 0;
	struct exact_view v;

	view_of(&v, d, window, now, filter);
	*f = (struct features){.window = window, .sample_share = 1};
	f->age = age;
	f->history = d->first > exact_since() ? d->first - exact_since() : 0;
	f->seconds = age < length[window] ? age : length[window];
	f->addresses = (double)v.n;
	answers(d, &v, now, f);
	exact_times(&v, f);
	if (v.grain == STORE_DAY_SECONDS)
		openness_by_hours(d, now, filter, f);
	for (size_t i = 0; i < v.n; i++)
		fresh += v.seen[i].unit->first >= now - (uint32_t)(f->seconds / 2);
	f->novelty = v.n ? fresh / f->addresses : 0;
	if (f->fresh_epochs > 1 && f->addresses > f->answer_max)
		f->new_per_epoch = (f->addresses - f->answer_max) / (f->fresh_epochs - 1);
	if (f->seconds > 0)
		f->per_hour = f->addresses * 3600 / f->seconds;
	diversity(d, &v, f);
	f->host_networks = host_networks(&v);
	f->host_share = f->networks > 0 ? f->host_networks / f->networks : 0;
	name_servers(d, now, f);
	servers(&v, f);
	free(v.seen);
}

/* A domain that owns units, too: all pairs with it stand together from here on. */
static void sibling_add(
	const struct exact_pair *pair, size_t n, const struct detect_config *c, struct features *f)
{
	double units = (double)n, networks = 1;

	for (size_t i = 1; i < n; i++)
		networks += pair[i].b != pair[i - 1].b;
	f->siblings += units >= c->min_shared_units && networks >= c->min_shared_networks;
	if (units < f->shared_units || (units <= f->shared_units && networks <= f->shared_networks))
		return;
	f->shared_units = units;
	f->shared_networks = networks;
}

/* Who else owns the units: (domain, network) of each, sorted. */
void exact_siblings(const struct exact_domain *d, uint32_t now, const struct detect_config *c,
	struct features *f)
{
	struct exact_pair *pair = NULL;
	size_t n = 0;

	f->siblings = f->shared_units = f->shared_networks = 0;
	for (size_t i = 0; i < d->units.n; i++) {
		const struct exact_unit *u = &d->unit[i];
		const struct words *owners = exact_owners(u->unit);

		if (!owners || !exact_alive(u, now))
			continue;
		pair = array_grow(pair, n + owners->n, sizeof(*pair));
		for (size_t k = 0; k < owners->n; k++)
			if (owners->word[k] != d->key && exact_owns(owners->word[k], u->unit, now))
				pair[n++] = (struct exact_pair){owners->word[k], network_of(u)};
	}
	if (n > 0)
		qsort(pair, n, sizeof(*pair), by_pair);
	for (size_t i = 0, end; i < n; i = end) {
		for (end = i + 1; end < n && pair[end].a == pair[i].a;)
			end++;
		sibling_add(&pair[i], end - i, c, f);
	}
	free(pair);
}
