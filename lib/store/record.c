/* SPDX-License-Identifier: BSD-3-Clause */

/* The pool of full records: who gets one, and who gives one up. */

#include "store/store_internal.h"

#define DEMOTE_PROBE 32u

/* Aggregates among what is still active: a record silent for longer than its windows has none. */
static unsigned spread_now(const struct store *st, struct domain *d)
{
	if (st->now - d->last > STORE_HOURS * STORE_HOUR_SECONDS)
		return 0;
	return domain_spread(st, d);
}

/* The least diverse of the next few under the hand, the one silent for longest among equals. */
static struct domain *victim_find(struct store *st, unsigned less_than)
{
	uint32_t n = st->config.domains < DEMOTE_PROBE ? st->config.domains : DEMOTE_PROBE;
	struct domain *victim = NULL;
	unsigned least = less_than;

	for (uint32_t i = 0; i < n; i++) {
		struct domain *d = &st->domains[st->hand];
		st->hand = st->hand + 1 == st->config.domains ? 0 : st->hand + 1;
		if (d->key == 0 || domain_flagged(d))
			continue;
		unsigned spread = spread_now(st, d);
		if (spread < least || (victim && spread == least && d->last < victim->last)) {
			victim = d;
			least = spread;
		}
	}
	return victim;
}

void candidate_from_domain(const struct store *st, struct domain *d, struct candidate *c)
{
	unsigned n = d->items < CANDIDATE_UNITS ? d->items : CANDIDATE_UNITS;
	unsigned grades = 0;

	domain_spread(st, d);
	*c = (struct candidate){.key = d->key,
		.first = d->first,
		.last = c->last,
		.spread = d->spread,
		.ns_spread = d->ns_spread,
		/* To get a record again they must move again. */
		.ns_stage = d->ns_spread ? NS_FIRST : 0};
	c->units = (d->items > CANDIDATE_UNITS ? CANDIDATE_MORE : n) & 7;
	for (unsigned i = 0; i < n; i++) {
		const struct domain_item *it = &d->item[i];
		uint32_t step =
			it->first > c->first ? (it->first - c->first) / CANDIDATE_STEP_SECONDS : 0;

		c->unit[i] = it->unit;
		c->seen[i] = (uint16_t)(step < UINT16_MAX ? step : UINT16_MAX);
		grades |= (unsigned)it->grade << 2 * i;
	}
	c->grades = grades & 0xff;
	uint32_t ttl = domain_ttl(d) < CANDIDATE_TTL_MAX ? domain_ttl(d) : CANDIDATE_TTL_MAX;
	c->ttl_max = ttl & CANDIDATE_TTL_MAX;
}

/* Back to a candidate. */
static void demote(struct store *st, struct domain *d)
{
	candidate_from_domain(st, d, candidate_find(st, d->key));
	ledger_release(st, d);
	d->key = 0;
	st->account.demoted++;
	st->account.tracked--;
}

struct domain *record_take(struct store *st, unsigned worth)
{
	if (st->free_n > 0)
		return &st->domains[st->free[--st->free_n]];
	struct domain *d = victim_find(st, worth);
	if (d)
		demote(st, d);
	return d;
}

void record_release(struct store *st, struct candidate *c)
{
	if (!c->tracked)
		return;
	ledger_release(st, &st->domains[c->record]);
	st->domains[c->record].key = 0;
	st->free[st->free_n++] = c->record;
	c->tracked = 0;
	st->account.released++;
	st->account.tracked--;
}
