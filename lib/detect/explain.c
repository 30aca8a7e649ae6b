/* SPDX-License-Identifier: BSD-3-Clause */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "detect/detector.h"
#include "detect/explain.h"

const char *clause_code(enum clause k)
{
	static const char *const codes[CLAUSE_COUNT] = {
#define X(name, code, feature, least, text) [name] = code,
		CLAUSES(X)
#undef X
	};
	return codes[k];
}

const char *evidence_grade_name(enum evidence_grade g)
{
	static const char *const names[EVIDENCE_GRADES] = {
		[EVIDENCE_ALIAS] = "alias",
		[EVIDENCE_UNPAIRED] = "unpaired",
		[EVIDENCE_CONTESTED] = "contested",
		[EVIDENCE_PAIRED] = "paired",
	};
	return names[g];
}

void way_text(const struct way *w, char *text, size_t size)
{
	size_t n = 0;

	text[0] = '\0';
	for (uint64_t bits = w->clauses; bits && n < size; bits &= bits - 1)
		n += (size_t)snprintf(text + n, size - n, "%s%s", n ? ", " : "",
			clause_code((enum clause)__builtin_ctzll(bits)));
}

static void explain_clause(enum clause k, const struct detect_config *c, const struct features *f,
	const struct ruling *r, struct explained_clause *out)
{
	out->clause = k;
	clause_reason(k, c, f, &out->reason);
	out->holds = clause_holds(k, c, f);
	out->counts = r->class != FLUX_NONE && (r->clauses >> k & 1);
	double by = out->reason.threshold - out->reason.value;
	out->short_by = out->holds ? 0 : clause_at_least(k) ? by : -by;
}

static void explain_window(const struct detector *t, const struct store *st, const struct domain *d,
	enum flux_window w, uint32_t now, struct explained_window *out)
{
	const struct detect_config *c = detect_thresholds(t);

	detect_window(t, st, d, w, now, &out->features, &out->ruling);
	/* A judgement does not look for the siblings of a domain with few addresses. */
	features_siblings(d, st, c, &out->features);
	out->probability = model_probability(&t->scorer.model, &out->features);
	for (unsigned k = 0; k < CLAUSE_COUNT; k++)
		explain_clause((enum clause)k, c, &out->features, &out->ruling, &out->clause[k]);
	out->ways = ways_find(c, &out->features, out->way);
}

static int by_last_seen(const void *a, const void *b)
{
	const struct domain_item *x = a, *y = b;

	if (x->last != y->last)
		return x->last < y->last ? 1 : -1;
	return (x->unit > y->unit) - (x->unit < y->unit);
}

static int server_by_last_seen(const void *a, const void *b)
{
	const struct domain_ns *x = a, *y = b;

	if (x->last != y->last)
		return x->last < y->last ? 1 : -1;
	return (x->unit > y->unit) - (x->unit < y->unit);
}

static void explain_servers(struct explanation *e, const struct domain *d)
{
	e->servers = d->ns_items;
	memcpy(e->server, d->ns, d->ns_items * sizeof(d->ns[0]));
	qsort(e->server, e->servers, sizeof(e->server[0]), server_by_last_seen);
}

static void explain_sample(struct explanation *e)
{
	qsort(e->sample, e->samples, sizeof(e->sample[0]), by_last_seen);
	for (unsigned i = 0; i < e->samples; i++)
		if (e->sample[i].grade < EVIDENCE_GRADES)
			e->grade[e->sample[i].grade]++;
}

static void explain_candidate(
	const struct store_look *look, const struct net_lookup *net, struct explanation *e)
{
	e->addresses = look->units;
	e->more = look->more;
	e->samples = look->units;
	for (unsigned i = 0; i < look->units; i++) {
		struct net_info info = {0};

		net->fn(net->ctx, look->unit[i], &info);
		/* When it was seen last only the full record would know. */
		e->sample[i] = (struct domain_item){
			.unit = look->unit[i],
			.asn = info.asn,
			.country = {info.country[0], info.country[1]},
			.first = look->unit_first[i],
			.grade = (unsigned)look->grade[i] & 3,
			.own = info.own,
		};
	}
	snprintf(e->text, sizeof(e->text),
		"Not flagged: a candidate with %u%s addresses in %u prefixes; it is watched in "
		"full from %u addresses in %u prefixes (/16; IPv6 /32) on, or when its name "
		"servers move to %u more.",
		look->units, look->more ? " and more" : "", look->spread, STORE_LOOK_UNITS + 1,
		store_promotion_spread(), store_promotion_ns_moved());
}

/* The window that lacks least, of those that lack anything. */
static const struct explained_window *nearest(const struct explanation *e)
{
	const struct explained_window *best = NULL;

	for (unsigned w = 0; w < e->windows; w++) {
		const struct explained_window *x = &e->window[w];

		if (x->ways && (!best || __builtin_popcountll(x->way[0].clauses) <
						 __builtin_popcountll(best->way[0].clauses)))
			best = x;
	}
	return best;
}

/* A name of detect.infrastructure is flagged at no time. */
static void infrastructure_text(struct explanation *e)
{
	unsigned w = 0;

	while (w < e->windows && e->window[w].ruling.held == FLUX_NONE)
		w++;
	if (w < e->windows)
		snprintf(e->text, sizeof(e->text),
			"Not flagged: it is on the list detect.infrastructure, of pools that "
			"rotate by design; off the list %s over %s would be met.",
			flux_class_name(e->window[w].ruling.held),
			flux_window_name(e->window[w].features.window));
	else
		snprintf(e->text, sizeof(e->text),
			"Not flagged: it is on the list detect.infrastructure, of pools that "
			"rotate by design; no rule is met besides.");
}

static bool rule_met(const struct explanation *e)
{
	for (unsigned w = 0; w < e->windows; w++)
		if (e->window[w].ruling.class != FLUX_NONE)
			return true;
	return false;
}

/* The largest over the windows that are judged. */
static double probability(const struct explanation *e)
{
	double most = 0;

	for (unsigned w = WINDOW_1H; w < e->windows; w++)
		if (e->window[w].probability > most)
			most = e->window[w].probability;
	return most;
}

static void record_text(struct explanation *e)
{
	const struct explained_window *near = nearest(e);
	const struct verdict *v = &e->verdict;
	bool met = rule_met(e);
	char lacks[160];

	if (e->flagged) {
		snprintf(e->text, sizeof(e->text), "Flagged as %s%s, by the window of %s.%s%s",
			flux_class_name(v->class), v->suspected ? ", suspected" : "",
			flux_window_name(v->window),
			e->listed == LISTED_POPULAR
				? " It is on the list detect.popular: no more than suspected."
				: "",
			met ? "" : " No rule is met now: it will be cleared if that lasts.");
	} else if (e->listed == LISTED_INFRASTRUCTURE) {
		infrastructure_text(e);
	} else if (met) {
		snprintf(e->text, sizeof(e->text),
			"Not flagged: a rule is met now, and has been in %u evaluation(s) in a "
			"row; a verdict is raised at %.0f.",
			e->streak, e->raise_evaluations);
	} else if (e->model_threshold > 0) {
		snprintf(e->text, sizeof(e->text),
			"Not flagged: the model's probability of flux is %.3f at most, %.3f is "
			"asked for.",
			probability(e), e->model_threshold);
	} else if (near) {
		way_text(&near->way[0], lacks, sizeof(lacks));
		snprintf(e->text, sizeof(e->text),
			"Not flagged: nearest is %s%s over %s, which lacks: %s.",
			flux_class_name(near->way[0].class),
			near->way[0].suspected ? " (suspected)" : "",
			flux_window_name(near->features.window), lacks);
	} else {
		snprintf(e->text, sizeof(e->text), "Not flagged: no rule is met in any window.");
	}
}

static void explain_record(const struct detector *t, const struct store *st,
	const struct net_lookup *net, bool renew, const struct domain *record,
	struct explanation *e)
{
	/* A copy is brought up to date, so that asking changes nothing. */
	struct domain d = *record;

	domain_advance(&d, e->time);
	if (renew)
		domain_renew(&d, net);
	e->addresses = e->samples = d.items;
	e->responses = d.responses;
	memcpy(e->sample, d.item, d.items * sizeof(d.item[0]));
	explain_servers(e, &d);
	e->streak = d.verdict.streak;
	e->last_met = d.verdict.last_met;
	e->flagged = d.verdict.slot != 0;
	if (e->flagged)
		e->verdict = *detect_verdict(t, d.verdict.slot - 1u);
	e->windows = FLUX_WINDOW_COUNT;
	for (unsigned w = 0; w < FLUX_WINDOW_COUNT; w++) {
		struct explained_window *x = &e->window[w];

		explain_window(t, st, &d, (enum flux_window)w, e->time, x);
		e->more |= x->features.sample_share < 1;
	}
	record_text(e);
}

static void name_set(struct explanation *e, const struct psl *psl, const struct dns_name *name)
{
	int label = psl_registered(psl, name);

	if (label < 0)
		return;
	e->name_len = (uint8_t)(name->len - name->label[label]);
	memcpy(e->name, name->wire + name->label[label], e->name_len);
}

void explain_name(const struct detector *t, const struct store *st, const struct psl *psl,
	const struct net_lookup *net, bool renew, const struct dns_name *name, uint32_t now,
	struct explanation *out)
{
	struct store_look look;

	memset(out, 0, sizeof(*out));
	out->time = now;
	out->raise_evaluations = detect_thresholds(t)->raise_evaluations;
	out->clear_after = detect_thresholds(t)->clear_after;
	if (t->scorer.by == SCORER_MODEL)
		out->model_threshold = t->scorer.model.threshold;
	name_set(out, psl, name);
	if (out->name_len == 0) {
		snprintf(out->text, sizeof(out->text),
			"A public suffix: nobody registered it, so nothing is counted for it.");
		return;
	}
	out->listed = lists_find(t->lists, out->name, out->name_len);
	out->known = lists_know(t->lists, out->name, out->name_len);
	store_look(st, store_key(st, out->name, out->name_len), &look);
	out->tier = look.tier;
	out->first_seen = look.first;
	out->last_seen = look.last;
	out->ttl_max = look.ttl_max;
	out->prefixes = look.spread;
	switch (look.tier) {
	case TIER_DOORKEEPER:
		out->addresses = out->prefixes = 1;
		snprintf(out->text, sizeof(out->text),
			"Not flagged: one address so far; a name is looked at from its second on.");
		break;
	case TIER_CANDIDATE:
		explain_candidate(&look, net, out);
		break;
	case TIER_RECORD:
		explain_record(t, st, net, renew, look.record, out);
		break;
	default:
		snprintf(out->text, sizeof(out->text),
			"Nothing is known of it: no response with a public address of it was "
			"counted within seven days.");
		break;
	}
	explain_sample(out);
}
