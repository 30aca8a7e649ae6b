/* SPDX-License-Identifier: BSD-3-Clause */

/*
 * exact OUT.json REPLAY-ARGUMENTS...: a replay with an exact oracle beside the store.
 *
 * It is `fluxgate replay` itself, linked so that calls of some functions come here first
 * (the linker's --wrap); the real ones are called as well, and see the same:
 *
 *   shard_observe     what the store is going to see is noted, by shard
 *   store_merge       the notes of the shards that are merged go to the oracle, in the
 *                     order of their time: its epochs are those of the store
 *   detect_judge      tells what the store's verdict is
 *   detect_sweep      the end of an epoch: the oracle judges, features are compared
 *   features_*        answered by the oracle while it judges
 *
 * So the oracle has memory and features of its own. The rules, their weighing of windows,
 * servers and pairs, and the hysteresis are the detector's: it is run a second time, as a
 * detector of its own, on a record that holds no item. It reads of that when the domain was
 * first known, who answered, and how many items there are; everything else it asks for is a
 * feature. What is compared is what was ever flagged: clearing is not modelled.
 */

#include <malloc.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/commands.h"
#include "exact.h"

#define SMALL_LEAST 8 /* addresses of a domain that counts among all */
#define VERDICTS 65535u

enum table_fate __real_shard_observe(struct shard *s, const struct shard_observation *o);
enum table_fate __wrap_shard_observe(struct shard *s, const struct shard_observation *o);
void __real_store_merge(struct store *st, struct shard *const shards[], unsigned n, uint32_t now,
	const struct net_lookup *net);
void __wrap_store_merge(struct store *st, struct shard *const shards[], unsigned n, uint32_t now,
	const struct net_lookup *net);
void __real_detect_judge(
	struct detector *t, const struct store *st, struct domain *d, uint32_t now);
void __wrap_detect_judge(
	struct detector *t, const struct store *st, struct domain *d, uint32_t now);
void __real_detect_sweep(struct detector *t, struct store *st, uint32_t now);
void __wrap_detect_sweep(struct detector *t, struct store *st, uint32_t now);
void __real_features_compute(const struct domain *d, const struct store *st,
	enum flux_window window, uint32_t now, struct view_filter filter, struct features *f);
void __wrap_features_compute(const struct domain *d, const struct store *st,
	enum flux_window window, uint32_t now, struct view_filter filter, struct features *f);
void __real_features_siblings(const struct domain *d, const struct store *st,
	const struct detect_config *c, struct features *f);
void __wrap_features_siblings(const struct domain *d, const struct store *st,
	const struct detect_config *c, struct features *f);

/* An observation with what it points at. */
struct note {
	struct note *next;
	struct shard_observation o;
	uint8_t name[DNS_NAME_MAX];
	uint64_t word[];
};

/* Workers write, control reads what was handed over: of a shard only one at a time. */
struct notes {
	const struct shard *shard;
	struct note *first;
	struct note **end;
	size_t n;
};

#define SHARDS 256u

static struct notes notes[SHARDS];
static pthread_mutex_t notes_lock = PTHREAD_MUTEX_INITIALIZER;

static struct detector *oracle;
static const struct exact_domain *judged; /* whose features the oracle answers now */
static uint32_t judged_at;
static struct features judged_siblings; /* one look serves all windows */
static bool judged_known;

static struct notes *notes_of(const struct shard *s)
{
	unsigned i = 0;

	pthread_mutex_lock(&notes_lock);
	while (i < SHARDS && notes[i].shard && notes[i].shard != s)
		i++;
	if (i == SHARDS)
		abort();
	if (!notes[i].shard)
		notes[i] = (struct notes){.shard = s, .end = &notes[i].first};
	pthread_mutex_unlock(&notes_lock);
	return &notes[i];
}

static const uint64_t *words_copy(uint64_t **at, const uint64_t *from, unsigned n)
{
	uint64_t *to = *at;

	for (unsigned i = 0; i < n; i++)
		to[i] = from[i];
	*at += n;
	return to;
}

enum table_fate __wrap_shard_observe(struct shard *s, const struct shard_observation *o)
{
	struct notes *list = notes_of(s);
	struct note *note = array_grow(
		NULL, 1, sizeof(*note) + 8 * ((size_t)o->units + o->ns_names + o->ns_units));
	uint64_t *at = note->word;

	note->next = NULL;
	note->o = *o;
	memcpy(note->name, o->name, o->name_len);
	note->o.name = note->name;
	note->o.unit = words_copy(&at, o->unit, o->units);
	note->o.ns_name = words_copy(&at, o->ns_name, o->ns_names);
	note->o.ns_unit = words_copy(&at, o->ns_unit, o->ns_units);
	*list->end = note;
	list->end = &note->next;
	list->n++;
	return __real_shard_observe(s, o);
}

/* By time; of the same second in the order of the shards, which does not depend on threads. */
struct ordered {
	struct note *note;
	size_t place;
};

static int by_time(const void *a, const void *b)
{
	const struct ordered *x = a, *y = b;

	if (x->note->o.now != y->note->o.now)
		return x->note->o.now < y->note->o.now ? -1 : 1;
	return (x->place > y->place) - (x->place < y->place);
}

static void notes_take(struct notes *list, struct ordered **all, size_t *n)
{
	*all = array_grow(*all, *n + list->n + 1, sizeof(**all));
	for (struct note *note = list->first; note; note = note->next) {
		(*all)[*n] = (struct ordered){note, *n};
		++*n;
	}
	list->first = NULL;
	list->end = &list->first;
	list->n = 0;
}

void __wrap_store_merge(struct store *st, struct shard *const shards[], unsigned n, uint32_t now,
	const struct net_lookup *net)
{
	struct ordered *all = NULL;
	size_t count = 0;

	for (unsigned i = 0; i < n; i++)
		notes_take(notes_of(shards[i]), &all, &count);
	__real_store_merge(st, shards, n, now, net);
	qsort(all, count, sizeof(*all), by_time);
	for (size_t i = 0; i < count; i++) {
		exact_observe(&all[i].note->o, net);
		free(all[i].note);
	}
	free(all);
	exact_epoch(now);
}

/* Keeps what the verdict of a detector is, if there is one. */
static void verdict_note(struct exact_domain *e, unsigned by, const struct detector *t,
	const struct domain_verdict *state)
{
	if (!state->slot)
		return;
	const struct verdict *v = detect_verdict(t, state->slot - 1u);
	if (!e->flagged[by])
		e->flagged[by] = state->first_flagged;
	e->class[by] = (uint8_t)v->class;
	e->suspected[by] = v->suspected;
}

void __wrap_detect_judge(struct detector *t, const struct store *st, struct domain *d, uint32_t now)
{
	struct exact_domain *e = exact_find(d->key);

	__real_detect_judge(t, st, d, now);
	if (e)
		verdict_note(e, BY_STORE, t, &d->verdict);
}

static void siblings_copy(struct features *to, const struct features *from)
{
	to->siblings = from->siblings;
	to->shared_units = from->shared_units;
	to->shared_networks = from->shared_networks;
}

static void features_compare(
	struct exact_domain *e, const struct store *st, const struct detect_config *c, uint32_t now)
{
	const struct view_filter none = {EVIDENCE_ALIAS, 0};
	const struct domain *d = store_find(st, e->key);
	struct features shared[2];

	/* The detector brought it up to now. Neighbouring epochs tell the same again. */
	if (!d || e->units.n < SMALL_LEAST || e->compared == now / STORE_SLOT_SECONDS)
		return;
	e->compared = now / STORE_SLOT_SECONDS;
	__real_features_siblings(d, st, c, &shared[BY_STORE]);
	exact_siblings(e, now, c, &shared[BY_ORACLE]);
	for (unsigned w = WINDOW_10M; w < FLUX_WINDOW_COUNT; w++) {
		struct features store, exact;

		exact_features(e, (enum flux_window)w, now, none, &exact);
		if (exact.addresses < SMALL_LEAST)
			continue;
		__real_features_compute(d, st, (enum flux_window)w, now, none, &store);
		siblings_copy(&store, &shared[BY_STORE]);
		siblings_copy(&exact, &shared[BY_ORACLE]);
		errors_add(&store, &exact);
	}
}

static void oracle_judge(struct exact_domain *e, const struct store *st, uint32_t now)
{
	struct domain *d = &e->shadow;
	size_t items = 0;

	for (size_t i = 0; i < e->units.n; i++)
		items += exact_alive(&e->unit[i], now);
	d->key = e->key;
	d->first = e->first;
	d->last = e->last;
	d->tracked = e->tracked;
	d->slot = now / STORE_SLOT_SECONDS;
	d->hour = now / STORE_HOUR_SECONDS;
	d->day = now / STORE_DAY_SECONDS;
	d->server_day[0] = e->day[0].servers;
	d->server_day[1] = e->day[1].servers;
	d->items = (uint8_t)(items < STORE_SAMPLE ? items : STORE_SAMPLE);
	d->ns_items = (uint8_t)(e->ns_units.n < STORE_NS ? e->ns_units.n : STORE_NS);
	judged = e;
	judged_at = now;
	judged_known = false;
	__real_detect_judge(oracle, st, d, now);
	judged = NULL;
	verdict_note(e, BY_ORACLE, oracle, &d->verdict);
}

void __wrap_detect_sweep(struct detector *t, struct store *st, uint32_t now)
{
	struct exact_domain *const *all;
	size_t n = exact_domains(&all);

	if (!oracle) {
		void *mem = aligned_alloc(CACHE_LINE, detector_size(VERDICTS));
		if (!mem)
			abort();
		oracle = detector_init(mem, VERDICTS, detect_thresholds(t));
		detector_score_by(oracle, detect_scorer(t));
	}
	for (size_t i = 0; i < n; i++) {
		if (!all[i]->touched)
			continue;
		all[i]->touched = false;
		oracle_judge(all[i], st, now);
		features_compare(all[i], st, detect_thresholds(t), now);
	}
	__real_detect_sweep(t, st, now);
}

void __wrap_features_compute(const struct domain *d, const struct store *st,
	enum flux_window window, uint32_t now, struct view_filter filter, struct features *f)
{
	if (judged && d == &judged->shadow)
		exact_features(judged, window, now, filter, f);
	else
		__real_features_compute(d, st, window, now, filter, f);
}

void __wrap_features_siblings(const struct domain *d, const struct store *st,
	const struct detect_config *c, struct features *f)
{
	if (!judged || d != &judged->shadow) {
		__real_features_siblings(d, st, c, f);
		return;
	}
	if (!judged_known)
		exact_siblings(judged, judged_at, c, &judged_siblings);
	judged_known = true;
	siblings_copy(f, &judged_siblings);
}

static void domain_print(FILE *to, const struct exact_domain *e)
{
	static const char *const by[] = {[BY_STORE] = "store", [BY_ORACLE] = "oracle"};

	fprintf(to, "{\"domain\": \"%s\", \"addresses\": %zu", e->name, e->units_max);
	for (unsigned i = BY_STORE; i <= BY_ORACLE; i++) {
		fprintf(to, ", \"%s\": ", by[i]);
		if (!e->flagged[i])
			fputs("null", to);
		else
			fprintf(to, "{\"first_flagged\": %u, \"class\": \"%s\", \"suspected\": %s}",
				e->flagged[i], flux_class_name((enum flux_class)e->class[i]),
				e->suspected[i] ? "true" : "false");
	}
	fputs("}", to);
}

/* All domains with enough addresses, and all that anybody flagged. */
static void result_print(FILE *to)
{
	struct exact_domain *const *all;
	size_t n = exact_domains(&all), domains = 0, flagged[4] = {0};

	fputs("{\"domains\": [", to);
	for (size_t i = 0; i < n; i++) {
		const struct exact_domain *e = all[i];
		unsigned who = (e->flagged[BY_STORE] ? 1u : 0) | (e->flagged[BY_ORACLE] ? 2u : 0);

		if (e->units_max < SMALL_LEAST && !who)
			continue;
		flagged[who]++;
		fputs(domains++ ? ",\n" : "\n", to);
		domain_print(to, e);
	}
	double differing = (double)(flagged[1] + flagged[2]), any = differing + (double)flagged[3];
	fprintf(to,
		"],\n\"all\": %zu, \"compared\": %zu, \"both\": %zu, \"store_only\": %zu, "
		"\"oracle_only\": %zu,\n\"differing_of_compared\": %.6f, "
		"\"differing_of_flagged\": %.6f,\n\"errors\": {",
		n, domains, flagged[3], flagged[1], flagged[2],
		domains ? differing / (double)domains : 0, any > 0 ? differing / any : 0);
	errors_print(to);
	fputs("}}\n", to);
}

int main(int argc, char **argv)
{
	if (argc < 3) {
		fputs("usage: exact OUT.json REPLAY-ARGUMENTS...\n", stderr);
		return 2;
	}
	/* Large arrays come and go with each view: not from the kernel and back every time. */
	mallopt(M_MMAP_THRESHOLD, 1 << 28);
	mallopt(M_TRIM_THRESHOLD, 1 << 28);
	int code = replay_main(argc - 1, argv + 1);
	FILE *to = code == 0 ? fopen(argv[1], "w") : NULL;
	if (code != 0 || !to)
		return code ? code : 1;
	result_print(to);
	return fclose(to) != 0;
}
