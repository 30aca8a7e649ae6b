/* SPDX-License-Identifier: BSD-3-Clause */

/* What is kept of each domain, and how an observation changes it. */

#include <stdlib.h>
#include <string.h>

#include "exact.h"

#define SILENT_SECONDS (7u * STORE_DAY_SECONDS)

static struct words keys;
static struct exact_domain **domain; /* by place in keys */

/* Which domains owned each unit. */
static struct words owned;
static struct words *owner; /* by place in owned */

/* Names that each server answered for, and the day when last; index 0 is all servers. */
static struct {
	struct words names;
	uint32_t *day;
	size_t now; /* names of today and yesterday */
} server[256];
static uint32_t servers_day;

size_t exact_domains(struct exact_domain *const **all)
{
	*all = domain;
	return keys.n;
}

struct exact_domain *exact_find(uint64_t key)
{
	size_t at = words_find(&keys, key);

	return at == WORDS_NONE ? NULL : domain[at];
}

bool exact_alive(const struct exact_unit *u, uint32_t now)
{
	return u->last / STORE_DAY_SECONDS + STORE_DAYS > now / STORE_DAY_SECONDS;
}

const struct words *exact_owners(uint64_t unit)
{
	size_t at = words_find(&owned, unit);

	return at == WORDS_NONE ? NULL : &owner[at];
}

static void owner_add(uint64_t unit, uint64_t key)
{
	bool new;
	size_t at = words_add(&owned, unit, &new);

	if (new) {
		owner = array_grow(owner, owned.n, sizeof(*owner));
		owner[at] = (struct words){0};
	}
	words_add(&owner[at], key, NULL);
}

bool exact_owns(uint64_t key, uint64_t unit, uint32_t now)
{
	const struct exact_domain *d = exact_find(key);
	size_t at = words_find(&d->units, unit);

	return at != WORDS_NONE && exact_alive(&d->unit[at], now) &&
	       d->unit[at].grade != EVIDENCE_ALIAS;
}

/* A person's form of a wire-form name; what is no printable octet is shown as '?'. */
static void name_print(char *out, const uint8_t *wire, unsigned len)
{
	for (unsigned at = 0; at < len && wire[at]; at += wire[at] + 1u) {
		if (at > 0)
			*out++ = '.';
		for (unsigned i = 1; i <= wire[at] && at + i < len; i++) {
			uint8_t c = wire[at + i];
			*out++ = c > ' ' && c < 127 && c != '"' && c != '\\' ? (char)c : '?';
		}
	}
	*out = '\0';
}

static void unit_forget(struct exact_unit *u)
{
	free(u->slot);
	words_free(&u->hosts);
	*u = (struct exact_unit){.unit = u->unit};
}

/* A name that was silent for a week is a new one; what became of it stays. */
static void domain_forget(struct exact_domain *d)
{
	for (size_t i = 0; i < d->units.n; i++)
		unit_forget(&d->unit[i]);
	words_free(&d->units);
	words_free(&d->hosts);
	words_free(&d->pairs);
	for (size_t i = 0; i < d->ns_units.n; i++)
		free(d->ns[i].tick);
	words_free(&d->ns_units);
	words_free(&d->ns_names);
	free(d->fresh);
	d->fresh = NULL;
	d->fresh_n = 0;
	d->first = d->last = d->tracked = 0;
	d->answer_max = d->ns_changes = 0;
	memset(d->day, 0, sizeof(d->day));
	memset(d->ttl, 0, sizeof(d->ttl));
	memset(&d->shadow.verdict, 0, sizeof(d->shadow.verdict));
}

static struct exact_domain *domain_of(const struct shard_observation *o)
{
	bool new;
	size_t at = words_add(&keys, o->key, &new);

	if (new) {
		domain = array_grow(domain, keys.n, sizeof(*domain));
		domain[at] = calloc(1, sizeof(**domain));
		if (!domain[at])
			abort();
		domain[at]->key = o->key;
		name_print(domain[at]->name, o->name, o->name_len);
	}
	struct exact_domain *d = domain[at];
	if (d->last && o->now > d->last && o->now - d->last > SILENT_SECONDS)
		domain_forget(d);
	return d;
}

static void day_enter(struct exact_domain *d, uint32_t number)
{
	if (d->day[0].number >= number)
		return;
	d->day[1] = d->day[0].number + 1 == number ? d->day[0] : (struct exact_day){0};
	d->day[0] = (struct exact_day){.number = number};
	d->ns_changes /= 2;
}

static struct exact_unit *unit_of(
	struct exact_domain *d, uint64_t unit, uint32_t now, const struct net_lookup *net)
{
	bool new;
	size_t at = words_add(&d->units, unit, &new);

	if (new) {
		d->unit = array_grow(d->unit, d->units.n, sizeof(*d->unit));
		d->unit[at] = (struct exact_unit){.unit = unit};
	}
	struct exact_unit *u = &d->unit[at];
	if (!new && !exact_alive(u, now))
		unit_forget(u);
	if (u->slots == 0) {
		u->first = now;
		net->fn(net->ctx, unit, &u->net);
	}
	return u;
}

static void unit_observe(struct exact_domain *d, uint64_t unit, const struct shard_observation *o,
	const struct net_lookup *net)
{
	struct exact_unit *u = unit_of(d, unit, o->now, net);
	uint32_t slot = o->now / STORE_SLOT_SECONDS;

	if (u->slots == 0)
		u->server = o->server;
	else if (u->server != o->server)
		u->several = true;
	if (u->slots == 0 || u->slot[u->slots - 1] < slot) {
		u->slot = array_grow(u->slot, u->slots + 1, sizeof(*u->slot));
		u->slot[u->slots++] = slot;
	}
	u->last = o->now;
	u->brief |= o->ttl <= SHARD_BRIEF_TTL;
	if (o->grade > u->grade)
		u->grade = o->grade;
	if (o->grade != EVIDENCE_ALIAS)
		owner_add(unit, d->key);
	words_add(&u->hosts, o->host, NULL);
	/* Pairs are counted only: that two meet in 64 bits is not to be expected. */
	words_add(&d->pairs,
		o->host * UINT64_C(0x9e3779b97f4a7c15) ^ unit * UINT64_C(0xc2b2ae3d27d4eb4f), NULL);
}

/* A new TTL epoch begins when all records of the one before have run out. */
static void fresh_observe(struct exact_domain *d, uint32_t now)
{
	uint32_t ttl = d->day[0].ttl > d->day[1].ttl ? d->day[0].ttl : d->day[1].ttl;

	ttl = ttl > SHARD_BRIEF_TTL ? SHARD_BRIEF_TTL : ttl ? ttl : 1;
	if (d->fresh_n > 0 && now < d->fresh[d->fresh_n - 1] + ttl)
		return;
	d->fresh = array_grow(d->fresh, d->fresh_n + 1, sizeof(*d->fresh));
	d->fresh[d->fresh_n++] = now;
}

static void ns_observe(
	struct exact_domain *d, const struct shard_observation *o, const struct net_lookup *net)
{
	size_t known = d->ns_names.n;

	for (unsigned i = 0; i < o->ns_names; i++) {
		size_t at = words_add(&d->ns_names, o->ns_name[i], NULL);
		d->ns_named = array_grow(d->ns_named, d->ns_names.n, sizeof(*d->ns_named));
		d->ns_named[at] = o->now;
	}
	/* The first names are no change. */
	d->renamed |= known > 0 && d->ns_names.n > known;
	for (unsigned i = 0; i < o->ns_units; i++) {
		bool new;
		size_t at = words_add(&d->ns_units, o->ns_unit[i], &new);
		d->ns = array_grow(d->ns, d->ns_units.n, sizeof(*d->ns));
		if (new) {
			d->ns[at] = (struct exact_ns){0};
			net->fn(net->ctx, o->ns_unit[i], &d->ns[at].net);
		}
		struct exact_ns *ns = &d->ns[at];
		uint32_t tick = o->now / (STORE_TICK_SLOTS * STORE_SLOT_SECONDS);
		ns->last = o->now;
		ns->server = new || ns->server == o->server ? o->server : SHARD_SERVER_SEVERAL;
		if (ns->ticks == 0 || ns->tick[ns->ticks - 1] != tick) {
			ns->tick = array_grow(ns->tick, ns->ticks + 1, sizeof(*ns->tick));
			ns->tick[ns->ticks++] = tick;
		}
	}
}

static void server_observe(unsigned label, uint64_t key, uint32_t day)
{
	bool new;
	size_t at = words_add(&server[label].names, key, &new);

	if (new)
		server[label].day = array_grow(
			server[label].day, server[label].names.n, sizeof(*server[label].day));
	server[label].now += new || server[label].day[at] + 1 < day;
	server[label].day[at] = day;
}

/* Names of the day before yesterday count no longer. */
static void servers_enter(uint32_t day)
{
	if (day == servers_day)
		return;
	servers_day = day;
	for (unsigned s = 0; s < 256; s++) {
		server[s].now = 0;
		for (size_t i = 0; i < server[s].names.n; i++)
			server[s].now += server[s].day[i] + 1 >= day;
	}
}

bool exact_established(uint8_t label)
{
	/* An authority of so many names is a large provider's, or a resolver. */
	return server[label].now >= 64 && (double)server[label].now >= 0.05 * (double)server[0].now;
}

void exact_observe(const struct shard_observation *o, const struct net_lookup *net)
{
	struct exact_domain *d = domain_of(o);
	uint32_t day = o->now / STORE_DAY_SECONDS;

	servers_enter(day);
	server_observe(0, o->key, day);
	server_observe(o->server, o->key, day);
	day_enter(d, day);
	d->touched = true;
	d->conflict |= o->conflict;
	d->last = o->now;
	words_add(&d->hosts, o->host, NULL);
	if (o->ttl > d->day[0].ttl)
		d->day[0].ttl = o->ttl;
	if (o->ns_ttl > d->day[0].ns_ttl)
		d->day[0].ns_ttl = o->ns_ttl;
	ns_observe(d, o, net);
	if (o->units == 0)
		return;
	if (!d->first)
		d->first = o->now;
	d->ttl[o->ttl <= SHARD_BRIEF_TTL ? o->ttl : SHARD_BRIEF_TTL + 1]++;
	d->day[0].servers |= domain_server_bit(o->server);
	if (o->units > d->answer_max)
		d->answer_max = o->units;
	fresh_observe(d, o->now);
	for (unsigned i = 0; i < o->units; i++)
		unit_observe(d, o->unit[i], o, net);
}

static uint32_t since, ended;

uint32_t exact_since(void)
{
	return since;
}

void exact_epoch(uint32_t now)
{
	if (since == 0 || now > ended + STORE_PAUSE_SECONDS)
		since = now;
	ended = now;
	for (size_t k = 0; k < keys.n; k++) {
		struct exact_domain *d = domain[k];
		size_t alive = 0;

		if (!d->touched)
			continue;
		if (!d->tracked && d->first)
			d->tracked = now;
		d->day[0].answered++;
		d->day[0].conflict += d->conflict;
		d->ns_changes += d->renamed;
		d->conflict = d->renamed = false;
		/* An epoch may end with its day: what is judged then is the next one's. */
		day_enter(d, now / STORE_DAY_SECONDS);
		for (size_t i = 0; i < d->units.n; i++)
			alive += exact_alive(&d->unit[i], now);
		if (alive > d->units_max)
			d->units_max = alive;
	}
}
