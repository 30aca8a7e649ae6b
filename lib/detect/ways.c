/* SPDX-License-Identifier: BSD-3-Clause */

#include <math.h>

#include "detect/ways.h"

#define THRESHOLDS (sizeof(struct detect_config) / sizeof(double))

_Static_assert(CLAUSE_COUNT <= 64, "a way's clauses are bits of a word");
_Static_assert(sizeof(struct detect_config) == THRESHOLDS * sizeof(double),
	"a threshold is found by its place: all of them are double");

/* The thresholds as an array. */
union thresholds {
	struct detect_config config;
	double at[THRESHOLDS];
};

struct search {
	const struct detect_config *config;
	const struct features *features;
	uint64_t fails;                /* clauses that do, and can be made to hold */
	unsigned member[CLAUSE_COUNT]; /* the threshold of each */
};

/*
 * Which threshold a clause reads over this window: each is given its own place for a
 * value. THRESHOLDS when it reads none as it stands.
 */
static unsigned member_of(enum clause k, enum flux_window w)
{
	union thresholds probe;

	for (unsigned i = 0; i < THRESHOLDS; i++)
		probe.at[i] = i;
	double at = clause_threshold(k, &probe.config, w);
	return at >= 0 && at < THRESHOLDS && at == floor(at) ? (unsigned)at : THRESHOLDS;
}

/* The ruling if the clauses in `held` held as well. */
static bool ruled(const struct search *s, uint64_t held, struct ruling *r)
{
	union thresholds t = {.config = *s->config};

	for (uint64_t bits = held; bits; bits &= bits - 1) {
		unsigned k = (unsigned)__builtin_ctzll(bits);
		t.at[s->member[k]] = clause_value((enum clause)k, s->features);
	}
	rules_apply(&t.config, s->features, r);
	return r->class != FLUX_NONE;
}

static void search_start(struct search *s, const struct detect_config *c, const struct features *f)
{
	*s = (struct search){.config = c, .features = f};
	for (unsigned k = 0; k < CLAUSE_COUNT; k++) {
		s->member[k] = member_of((enum clause)k, f->window);
		if (!clause_holds((enum clause)k, c, f) && s->member[k] < THRESHOLDS &&
			isfinite(clause_value((enum clause)k, f)))
			s->fails |= UINT64_C(1) << k;
	}
}

static void give_up(const struct search *s, uint64_t *set, uint64_t bit)
{
	struct ruling r;

	if (ruled(s, *set & ~bit, &r))
		*set &= ~bit;
}

enum order { ONWARD, BACK, BASE_LAST, ORDERS };

/*
 * A set of failing clauses of which none can be given up. Tried from the one behind `last`
 * on, all round, or from the one before it back, and `last` at the end: clauses of one rule
 * stand together, so that a rule is left whole when its first or last clause is `last`. The
 * base, which stands first, is shared by many: tried behind all others it is left to a sign
 * that another rule's clauses stand before.
 */
static uint64_t reduce(const struct search *s, enum order order, unsigned last)
{
	const uint64_t base = (UINT64_C(1) << CLAUSE_NS_ADDRESSES) - 1;
	uint64_t set = s->fails;

	for (unsigned i = 1; i <= CLAUSE_COUNT; i++) {
		unsigned k = (last + (order == BACK ? CLAUSE_COUNT - i : i)) % CLAUSE_COUNT;
		uint64_t bit = UINT64_C(1) << k;
		if (set & bit && !(order == BASE_LAST && (k == last || base & bit)))
			give_up(s, &set, bit);
	}
	for (uint64_t rest = set & base; order == BASE_LAST && rest; rest &= rest - 1)
		give_up(s, &set, rest & -rest);
	give_up(s, &set, UINT64_C(1) << last);
	return set;
}

static bool lacks_less(const struct way *a, const struct way *b)
{
	int x = __builtin_popcountll(a->clauses), y = __builtin_popcountll(b->clauses);

	return x != y ? x < y : a->clauses < b->clauses;
}

/* Keeps the best few, in order, each once; the new count. */
static unsigned way_add(struct way way[WAYS_MAX], unsigned n, const struct way *new)
{
	unsigned at = n;

	while (at > 0 && lacks_less(new, &way[at - 1]))
		at--;
	if (at == WAYS_MAX || (at > 0 && way[at - 1].clauses == new->clauses))
		return n;
	n = n < WAYS_MAX ? n + 1 : n;
	for (unsigned i = n - 1; i > at; i--)
		way[i] = way[i - 1];
	way[at] = *new;
	return n;
}

unsigned ways_find(
	const struct detect_config *c, const struct features *f, struct way way[WAYS_MAX])
{
	struct search s;
	struct ruling r;
	unsigned n = 0;

	search_start(&s, c, f);
	if (ruled(&s, 0, &r) || !ruled(&s, s.fails, &r))
		return 0;
	for (unsigned i = 0; i < ORDERS * CLAUSE_COUNT; i++) {
		if (!(s.fails >> i / ORDERS & 1))
			continue;
		struct way new = {.clauses = reduce(&s, i % ORDERS, i / ORDERS)};

		ruled(&s, new.clauses, &r);
		new.class = r.class;
		new.suspected = r.suspected;
		n = way_add(way, n, &new);
	}
	return n;
}
