/* SPDX-License-Identifier: BSD-3-Clause */

#include <stdlib.h>
#include <string.h>

#include "base/bits.h"
#include "detect/activity.h"
#include "detect/campaign.h"
#include "detect/detector.h"
#include "detect/rules.h"

/* A verdict keeps the features of its best evaluation for so long, then the newest. */
#define EVALUATION_SECONDS 3600u
#define EXPIRE_SECONDS (7u * 86400u)
#define VERDICTS_MAX 65535u

void detect_defaults(struct detect_config *c)
{
	*c = (struct detect_config){
		.min_addresses = 10,
		.min_networks = 5,
		.min_effective_networks = 4,
		.max_top_network_share = 0.5,
		.max_ttl = 1800,
		.min_owned_share = 0.5,
		.min_aggregates = 8,
		.min_effective_aggregates = 6,
		.min_fresh_epochs = 2,
		.min_new_per_epoch = 0.5,
		.min_growth_1h = 0.30,
		.min_growth_24h = 0.45,
		.min_novelty = 0.20,
		.min_ns_addresses = 5,
		.min_ns_networks = 5,
		.min_ns_per_name = 2,
		.min_ns_changes = 2,
		.max_ns_ttl = 3600,
		.min_moving_ns_addresses = 8,
		.min_moving_ns_networks = 5,
		.min_ns_transient = 4,
		.min_ns_departures = 3,
		.max_still_addresses = 7,
		.max_still_growth = 0.30,
		.min_glue_in_pool = 2,
		.min_shared_units = 5,
		.min_shared_networks = 4,
		.min_siblings = 3,
		.min_own_addresses = 3,
		.max_own_share = 0.5,
		.min_eyeball_share = 0.8,
		.min_networks_at_once = 3,
		.min_brief_seconds = 2700,
		.min_open_seconds = 21600,
		.min_open_ratio = 1.5,
		.min_open_evidence = 6.9,
		.min_passing_names = 50,
		.min_names_per_address = 1.2,
		.min_passing_share = 0.2,
		.min_passing = 0.97,
		.min_passing_growth = 0.95,
		.min_passing_epochs = 100,
		.min_history = 172800,
		.max_new_age = 86400,
		.min_new_epochs = 6,
		.max_slow_answer = 3,
		.max_slow_per_hour = 2,
		.min_slow_epochs = 8,
		.min_slow_growth = 0.6,
		.min_never_return = 0.8,
		.min_vps_addresses = 12,
		.min_vps_networks = 3,
		.max_vps_top_share = 0.7,
		.max_vps_answer = 2,
		.min_host_networks = 3,
		.min_host_share = 0.2,
		.min_names_share = 0.3,
		.max_contested_share = 0.2,
		.min_settled = 10800,
		.min_settled_beside = 3,
		.min_established = 604800,
		.max_server_share = 0.75,
		.min_paired_share = 0.5,
		.small_min_addresses = 8,
		.raise_evaluations = 2,
		.clear_after = 86400,
	};
}

size_t detector_size(unsigned verdicts)
{
	if (verdicts == 0 || verdicts > VERDICTS_MAX)
		return 0;
	return align_up(sizeof(struct detector), CACHE_LINE) +
	       align_up(verdicts * sizeof(struct verdict), CACHE_LINE) + campaigns_size(verdicts);
}

struct detector *detector_init(void *mem, unsigned verdicts, const struct detect_config *config)
{
	struct detector *t = mem;

	if (detector_size(verdicts) == 0)
		return NULL;
	memset(t, 0, sizeof(*t));
	events_init(&t->events, 1);
	t->config = *config;
	t->room = verdicts;
	t->verdict = (struct verdict *)((uint8_t *)mem + align_up(sizeof(*t), CACHE_LINE));
	t->campaigns =
		(uint8_t *)t->verdict + align_up(verdicts * sizeof(struct verdict), CACHE_LINE);
	return t;
}

void detector_configure(struct detector *t, const struct detect_config *config)
{
	t->config = *config;
}

void detector_score_by(struct detector *t, const struct scorer *scorer)
{
	t->scorer = *scorer;
	for (unsigned i = 0; i < t->n; i++)
		t->verdict[i].probability =
			model_probability(&scorer->model, &t->verdict[i].features);
}

void detector_lists(struct detector *t, const struct name_lists *lists)
{
	t->lists = lists;
	t->lists_new = true;
}

const struct scorer *detect_scorer(const struct detector *t)
{
	return &t->scorer;
}

/* All windows; the better ruling wins, the shorter window when they say the same. */
static void rule_windows(struct detector *t, const struct store *st, const struct domain *d,
	uint32_t now, struct features *best, struct ruling *ruling)
{
	*ruling = (struct ruling){.class = FLUX_NONE};
	for (unsigned w = WINDOW_1H; w < FLUX_WINDOW_COUNT; w++) {
		struct features f;
		struct ruling r;

		detect_window(t, st, d, (enum flux_window)w, now, &f, &r);
		if (r.held != FLUX_NONE)
			ruling->held = r.held;
		if (r.class == FLUX_NONE)
			continue;
		bool better = ruling->class == FLUX_NONE || r.suspected < ruling->suspected ||
			      (r.suspected == ruling->suspected && r.score > ruling->score);
		if (better) {
			*ruling = r;
			*best = f;
		}
	}
}

/* Newest first, so that a person sees what is live now; then by address. */
static int by_last_seen(const void *a, const void *b)
{
	const struct domain_item *x = a, *y = b;

	if (x->last != y->last)
		return x->last < y->last ? 1 : -1;
	return (x->unit > y->unit) - (x->unit < y->unit);
}

static void verdict_sample(struct verdict *v, const struct domain *d)
{
	struct domain_item all[STORE_SAMPLE];

	memcpy(all, d->item, d->items * sizeof(all[0]));
	qsort(all, d->items, sizeof(all[0]), by_last_seen);
	v->samples = d->items < VERDICT_SAMPLE_MAX ? d->items : VERDICT_SAMPLE_MAX;
	memcpy(v->sample, all, v->samples * sizeof(all[0]));
}

static void verdict_reasons(struct verdict *v, const struct detector *t, const struct features *f,
	const struct ruling *r)
{
	v->reasons = 0;
	if (t->scorer.by == SCORER_MODEL)
		v->reasons = model_reasons(&t->scorer.model, f, v->reason);
	if (r->popular)
		lists_reason(v);
	if (r->known)
		lists_known_reason(v, 0);
	if (r->known_units)
		lists_known_reason(v, r->known_units);
	for (unsigned k = 0; k < CLAUSE_COUNT && v->reasons < VERDICT_REASONS_MAX; k++)
		if (r->clauses >> k & 1)
			clause_reason((enum clause)k, &t->config, f, &v->reason[v->reasons++]);
}

static void verdict_fill(struct verdict *v, const struct detector *t, const struct domain *d,
	const struct features *f, const struct ruling *r, uint32_t now)
{
	v->class = r->class;
	v->window = f->window;
	v->suspected = r->suspected;
	v->score = r->score;
	v->confidence = r->confidence;
	v->probability = model_probability(&t->scorer.model, f);
	v->evaluated = now;
	v->features = *f;
	verdict_reasons(v, t, f, r);
	verdict_sample(v, d);
}

static void verdict_raise(struct detector *t, struct domain *d, uint32_t now)
{
	if (t->n == t->room) {
		t->account.denied++;
		return;
	}
	struct verdict *v = &t->verdict[t->n++];
	memset(v, 0, sizeof(*v));
	v->key = d->key;
	v->name_len = d->name_len;
	memcpy(v->name, d->name, d->name_len);
	v->first_flagged = now;
	v->first_seen = d->first;
	d->verdict.first_flagged = now;
	d->verdict.slot = (uint16_t)t->n;
	t->account.raised++;
	t->account.active++;
}

struct verdict *detect_place(struct detector *t, struct domain *d)
{
	if (t->n == t->room)
		return NULL;
	struct verdict *v = &t->verdict[t->n++];
	d->verdict.slot = (uint16_t)t->n;
	t->account.restored++;
	t->account.active++;
	return v;
}

/* What a ruling makes of the verdict in force. */
static void verdict_update(struct detector *t, struct verdict *v, struct domain *d,
	const struct features *f, const struct ruling *r, uint32_t now)
{
	bool firmer = v->suspected && !r->suspected;
	bool same = v->suspected == r->suspected && r->score >= v->score;

	if (v->evaluated != 0 && !firmer && !same && now - v->evaluated < EVALUATION_SECONDS)
		return;
	bool changed = v->class != r->class || v->suspected != r->suspected;
	enum event_kind kind = v->evaluated == 0 ? EVENT_RAISED
			       : firmer          ? EVENT_UPGRADED
						 : EVENT_CHANGED;

	verdict_fill(v, t, d, f, r, now);
	d->verdict.class = (uint8_t)r->class;
	if (changed)
		events_add(&t->events, kind, v, now);
}

void detect_judge(struct detector *t, const struct store *st, struct domain *d, uint32_t now)
{
	struct features f;
	struct ruling r;

	domain_advance(d, now);
	if (!domain_flagged(d) && !detect_worth(t, d->items, d)) {
		d->verdict.streak = 0;
		return;
	}
	rule_windows(t, st, d, now, &f, &r);
	t->account.held_back += r.held != FLUX_NONE;
	if (r.class == FLUX_NONE) {
		d->verdict.streak = 0;
	} else {
		if (d->verdict.streak < UINT8_MAX)
			d->verdict.streak++;
		d->verdict.last_met = now;
		if (!domain_flagged(d) && d->verdict.streak >= t->config.raise_evaluations)
			verdict_raise(t, d, now);
	}
	if (!d->verdict.slot)
		return;
	struct verdict *v = &t->verdict[d->verdict.slot - 1];
	v->last_seen = d->last;
	if (r.class != FLUX_NONE)
		verdict_update(t, v, d, &f, &r, now);
	activity_tell(d, st, v->window, &v->activity);
}

/* Takes verdict i away; the last one moves into its place. */
static void verdict_drop(struct detector *t, struct store *st, unsigned i)
{
	struct domain *d = store_find(st, t->verdict[i].key);

	if (d)
		d->verdict = (struct domain_verdict){0};
	t->n--;
	if (i != t->n) {
		t->verdict[i] = t->verdict[t->n];
		struct domain *moved = store_find(st, t->verdict[i].key);
		if (moved)
			moved->verdict.slot = (uint16_t)(i + 1);
	}
	t->account.active--;
}

static bool older(uint32_t then, uint32_t now, double seconds)
{
	return now > then && now - then >= seconds;
}

/* What other lists say of a verdict in force. True: it is to go. */
static bool verdict_relist(struct detector *t, struct verdict *v, uint32_t now)
{
	enum listing listed = lists_find(t->lists, v->name, v->name_len);

	if (listed == LISTED_POPULAR)
		lists_reason(v);
	if (lists_know(t->lists, v->name, v->name_len))
		lists_known_reason(v, 0);
	if (listed == LISTED_POPULAR && !v->suspected) {
		v->suspected = true;
		v->confidence *= SUSPECTED_CONFIDENCE;
		events_add(&t->events, EVENT_CHANGED, v, now);
	}
	return listed == LISTED_INFRASTRUCTURE;
}

void detect_sweep(struct detector *t, struct store *st, uint32_t now)
{
	bool clears = t->config.clear_after > 0;

	for (unsigned i = 0; i < t->n;) {
		struct verdict *v = &t->verdict[i];
		const struct domain *d = store_find(st, v->key);
		bool listed = t->lists_new && verdict_relist(t, v, now);

		if (!d || (clears && older(d->last, now, EXPIRE_SECONDS))) {
			t->account.expired++;
			events_add(&t->events, EVENT_EXPIRED, v, now);
			verdict_drop(t, st, i);
		} else if (listed ||
			   (clears && older(d->verdict.last_met, now, t->config.clear_after))) {
			t->account.cleared++;
			events_add(&t->events, EVENT_CLEARED, v, now);
			verdict_drop(t, st, i);
		} else {
			i++;
		}
	}
	t->lists_new = false;
}

const struct detect_config *detect_thresholds(const struct detector *t)
{
	return &t->config;
}

unsigned detect_verdicts(const struct detector *t)
{
	return t->n;
}

const struct verdict *detect_verdict(const struct detector *t, unsigned i)
{
	return &t->verdict[i];
}

const struct event_ring *detect_events(const struct detector *t)
{
	return &t->events;
}

void detect_events_from(struct detector *t, uint64_t first)
{
	events_init(&t->events, first);
}

const struct verdict_account *detect_account(const struct detector *t)
{
	return &t->account;
}

uint64_t detect_account_error(const struct detector *t)
{
	const struct verdict_account *a = &t->account;
	uint64_t sum = a->active + a->cleared + a->expired, came = a->raised + a->restored;

	return (came > sum ? came - sum : sum - came) +
	       (a->active > t->n ? a->active - t->n : t->n - a->active);
}

const char *flux_class_name(enum flux_class c)
{
	static const char *const names[FLUX_CLASS_COUNT] = {
#define X(name, text) [name] = text,
		FLUX_CLASSES(X)
#undef X
	};
	return names[c];
}

const char *flux_window_name(enum flux_window w)
{
	static const char *const names[FLUX_WINDOW_COUNT] = {
#define X(name, text) [name] = text,
		FLUX_WINDOWS(X)
#undef X
	};
	return names[w];
}
