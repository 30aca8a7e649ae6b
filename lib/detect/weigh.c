/* SPDX-License-Identifier: BSD-3-Clause */

/* A window's ruling, and what takes its word back (docs/detection.md, "Rules"). */

#include "detect/detector.h"
#include "detect/rules.h"

bool detect_worth(const struct detector *t, double addresses, const struct domain *d)
{
	return addresses >= t->config.small_min_addresses ||
	       d->ns_items >= t->config.min_moving_ns_addresses;
}

static void rule_window(const struct detector *t, const struct store *st, const struct domain *d,
	enum flux_window window, uint32_t now, struct view_filter filter, struct features *f,
	struct ruling *r)
{
	*r = (struct ruling){.class = FLUX_NONE};
	features_compute(d, st, window, now, filter, f);
	if (!detect_worth(t, f->addresses, d))
		return;
	if (f->addresses >= t->config.small_min_addresses)
		features_siblings(d, st, &t->config, f);
	if (t->lists && t->lists->eyeballs.n)
		features_eyeballs(d, st, filter, &t->lists->eyeballs, f);
	rules_apply(&t->config, f, r);
	if (t->scorer.by == SCORER_MODEL)
		model_rule(&t->scorer.model, f, r);
}

/*
 * What one server alone says: where others answer for the domain and what they say stands
 * still, that server is not the domain's. Where there is no other, it stays a suspicion.
 */
static void weigh_server(const struct detector *t, const struct store *st, const struct domain *d,
	uint32_t now, const struct features *f, struct ruling *r)
{
	struct features others;
	struct ruling alone;

	if (f->top_server_share <= t->config.max_server_share)
		return;
	rule_window(t, st, d, f->window, now,
		(struct view_filter){EVIDENCE_UNPAIRED, f->top_server}, &others, &alone);
	if (alone.class != FLUX_NONE)
		return;
	/* What others say may be too little for the sample; were it much, it would be there. */
	uint64_t servers = d->server_day[0] | d->server_day[1];
	double growth = f->window == WINDOW_1H ? t->config.min_growth_1h : t->config.min_growth_24h;
	if (servers & ~domain_server_bit(f->top_server) && others.growth < growth)
		r->class = FLUX_NONE;
	r->suspected = true;
}

/*
 * What others say of the domain may not complete what it says of itself: a firm verdict
 * stands on its own paired answers too.
 */
static void weigh_pairs(const struct detector *t, const struct store *st, const struct domain *d,
	uint32_t now, const struct features *f, struct ruling *r)
{
	struct features own;
	struct ruling alone;

	rule_window(
		t, st, d, f->window, now, (struct view_filter){EVIDENCE_PAIRED, 0}, &own, &alone);
	r->suspected = alone.class == FLUX_NONE || alone.suspected;
}

/*
 * Of a pool that is large and closed an hour shows little but new addresses. Where the domain
 * is known for longer, the longer window tells: what does not move there does not move, and
 * few of a CDN's caches may lie wide by chance, which all of a day's do not.
 */
static void weigh_past(const struct detector *t, const struct store *st, const struct domain *d,
	uint32_t now, const struct features *f, struct ruling *r)
{
	struct features past;
	enum flux_window longer = f->window == WINDOW_1H ? WINDOW_24H : WINDOW_7D;
	double least =
		f->window == WINDOW_1H ? t->config.min_open_seconds : 3.0 * STORE_DAY_SECONDS;

	if (f->window == WINDOW_7D || now - d->tracked < least)
		return;
	features_compute(d, st, longer, now, (struct view_filter){EVIDENCE_ALIAS, 0}, &past);
	if (past.growth < t->config.min_growth_24h && past.novelty < t->config.min_novelty)
		r->class = FLUX_NONE;
	if (r->base && !rules_spread(&t->config, &past))
		r->class = FLUX_NONE;
}

static void weigh(const struct detector *t, const struct store *st, const struct domain *d,
	uint32_t now, const struct features *f, struct ruling *r)
{
	/* Its addresses stand still: this rule weighs all by itself. */
	if (r->class == FLUX_NS)
		return;
	bool doubtful = r->suspected;
	if (r->class != FLUX_NONE)
		weigh_past(t, st, d, now, f, r);
	if (r->class != FLUX_NONE)
		weigh_server(t, st, d, now, f, r);
	if (r->class != FLUX_NONE && !r->suspected)
		weigh_pairs(t, st, d, now, f, r);
	if (r->class != FLUX_NONE && r->suspected && !doubtful)
		r->confidence *= SUSPECTED_CONFIDENCE;
}

void detect_window(const struct detector *t, const struct store *st, const struct domain *d,
	enum flux_window window, uint32_t now, struct features *f, struct ruling *r)
{
	rule_window(t, st, d, window, now, (struct view_filter){EVIDENCE_ALIAS, 0}, f, r);
	weigh(t, st, d, now, f, r);
	lists_rule(t->lists, d, r);
}
