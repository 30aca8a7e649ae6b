/* SPDX-License-Identifier: BSD-3-Clause */

#include "base/bits.h"
#include "sensor/internal.h"

/* The time of what follows. */
static inline void now_set(struct sensor *s, uint64_t time_ns)
{
	if (likely(s->now_ns == time_ns))
		return;
	s->now_ns = time_ns;
	s->now_ms = time_ns / NS_PER_MS;
	s->now_s = (uint32_t)(time_ns / NS_PER_SECOND);
}

/* What the response attests for one of the domains on its chain. */
static enum evidence_grade grade_for(const struct evidence_owner *o, enum evidence_grade response)
{
	if (!o->owns)
		return EVIDENCE_ALIAS;
	if (!o->asked && response > EVIDENCE_CONTESTED)
		return EVIDENCE_CONTESTED;
	return response;
}

static void observe(
	struct sensor *s, const struct answer *a, enum evidence_grade grade, bool conflict)
{
	const struct evidence *e = &a->evidence;

	now_set(s, a->time_ns);
	for (unsigned i = 0; i < e->owners; i++) {
		const struct evidence_owner *o = &e->owner[i];
		/* Name servers have no grade: what a race attests of them would count as firm. */
		bool ns = o->ns && grade != EVIDENCE_CONTESTED;
		shard_observe(s->shard, &(struct shard_observation){
						.key = o->key,
						.host = o->host,
						.name = o->name,
						.name_len = o->name_len,
						.unit = e->unit,
						.units = e->units,
						.ttl = e->ttl,
						.ns_name = e->ns_name,
						.ns_names = ns ? e->ns_names : 0,
						.ns_unit = e->ns_unit,
						.ns_units = ns ? e->ns_units : 0,
						.ns_ttl = ns ? e->ns_ttl : 0,
						.now = s->now_s,
						.grade = grade_for(o, grade),
						.server = a->server,
						.conflict = conflict && o->asked,
					});
	}
}

/* Counts a response whose pairing is decided, and hands its evidence on. */
static void settle_answer(struct sensor *s, const struct answer *a, enum match_result r)
{
	static const enum response_fate fates[MATCH_RESULT_COUNT] = {
		[MATCH_PAIRED] = RESPONSE_PAIRED,
		[MATCH_UNPAIRED] = RESPONSE_UNPAIRED,
		[MATCH_DUPLICATE] = RESPONSE_DUPLICATE,
		[MATCH_CONFLICTING] = RESPONSE_CONFLICTING,
	};

	if (a->fate != RESPONSE_PAIRED) {
		s->shard->account.response[a->fate]++;
		return;
	}
	s->shard->account.response[fates[r]]++;
	if (likely(r == MATCH_PAIRED))
		observe(s, a, EVIDENCE_PAIRED, false);
	else if (r == MATCH_CONFLICTING)
		observe(s, a, EVIDENCE_CONTESTED, true);
}

/* A response's wait ends. One that stays unpaired is no evidence: there were queries on the tap. */
static void early_end(
	struct sensor *s, struct held *held, enum early_fate fate, enum match_result r)
{
	s->shard->account.early[fate]++;
	s->shard->account.early_held--;
	hold_take(&s->hold, held);
	settle_answer(s, &held->answer, r);
}

void sensor_expire(struct sensor *s, uint64_t now_ns)
{
	while (s->hold.due_ns < now_ns)
		early_end(s, hold_oldest(&s->hold), EARLY_EXPIRED, MATCH_UNPAIRED);
}

/*
 * A response without a query on a tap that carries queries: its own may be in the other leg's
 * queue. False: it is not to wait.
 */
static __attribute__((noinline)) bool early_hold(struct sensor *s, const struct pending *p)
{
	struct held *first = hold_find(&s->hold, p->transaction);

	if (first) {
		first->disputed |= first->answer.evidence.digest != p->answer.evidence.digest;
		return false;
	}
	s->shard->account.early_responses++;
	if (!hold_fits(&p->answer)) {
		s->shard->account.early[EARLY_TOO_LARGE]++;
		return false;
	}
	if (hold_is_full(&s->hold))
		early_end(s, hold_oldest(&s->hold), EARLY_EVICTED, MATCH_UNPAIRED);
	s->shard->account.early_held++;
	hold_put(&s->hold, p->transaction, &p->answer);
	return true;
}

/* The query that a response waited for, if one did. It counts as of now: this may be a new epoch.
 */
static __attribute__((noinline)) void early_pair(struct sensor *s, const struct pending *query)
{
	struct held *held = hold_find(&s->hold, query->transaction);

	if (!held)
		return;
	match_response(s->match, held->transaction, held->answer.evidence.digest,
		query->answer.time_ns / NS_PER_MS);
	held->answer.time_ns = query->answer.time_ns;
	early_end(s, held, EARLY_PAIRED, held->disputed ? MATCH_CONFLICTING : MATCH_PAIRED);
}

static inline void settle_response(struct sensor *s, const struct pending *p)
{
	enum match_result r = MATCH_UNPAIRED;

	if (likely(!sensor_lone(s, p->answer.time_ns)))
		r = match_response(s->match, p->transaction, p->answer.evidence.digest, s->now_ms);
	s->responses++;
	bool weak = r == MATCH_UNPAIRED && sensor_one_way(s);
	if (unlikely(r == MATCH_UNPAIRED) && !weak && early_hold(s, p))
		return;
	settle_answer(s, &p->answer, r);
	if (unlikely(weak) && p->answer.fate == RESPONSE_PAIRED)
		observe(s, &p->answer, EVIDENCE_UNPAIRED, false);
}

static void settle_query(struct sensor *s, const struct pending *p)
{
	static const enum query_fate fates[MATCH_STORED_COUNT] = {
		[MATCH_NEW] = QUERY_NEW,
		[MATCH_AGAIN] = QUERY_AGAIN,
		[MATCH_EVICTED] = QUERY_EVICTING,
	};

	s->queries++;
	s->query_ns = p->answer.time_ns;
	enum match_stored r = match_query(s->match, p->transaction, s->now_ms);
	s->shard->account.query[fates[r]]++;
	if (unlikely(!hold_is_empty(&s->hold)))
		early_pair(s, p);
}

/* A burst may hold a query and its response. */
static void settle_one(struct sensor *s, const struct pending *p)
{
	if (unlikely(s->hold.due_ns < p->answer.time_ns))
		sensor_expire(s, p->answer.time_ns);
	now_set(s, p->answer.time_ns);
	if (p->kind == KIND_QUERY)
		settle_query(s, p);
	else if (p->kind == KIND_RESPONSE)
		settle_response(s, p);
}

/*
 * In one piece: calls, and the registers that each saves and restores, are otherwise the
 * dearest part of it.
 */
__attribute__((flatten)) void sensor_settle(struct sensor *s, unsigned n)
{
	for (unsigned i = 0; i < n; i++)
		settle_one(s, &s->pending[i]);
}
