/* SPDX-License-Identifier: BSD-3-Clause */

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <rte_cycles.h>

#include "control/balance.h"
#include "control/control.h"
#include "control/watch.h"
#include "detect/campaign.h"
#include "log.h"

#define NS_PER_SECOND UINT64_C(1000000000)

/* A replay closes epochs faster than anybody can look at them. */
#define REPLAY_PUBLISH_SHARE 5 /* of a second */

/* How long one step may look networks up again, and in which helpings. */
#define RENEW_NS UINT64_C(5000000)
#define RENEW_RECORDS 64u

/* Responses before their lack of queries says something of the tap. */
#define DIRECTION_RESPONSES 100u

void control_init(struct control *c, const struct control_config *config)
{
	memset(c, 0, sizeof(*c));
	c->config = *config;
}

static void receive(struct control *c)
{
	for (unsigned i = 0; i < c->config.handover->workers; i++) {
		struct shard *s;
		while ((s = handover_receive(c->config.handover, i)))
			c->shard[c->pending++] = s;
	}
}

/* Every worker that does not hang has reached this epoch: those before it are whole. */
static uint64_t reached_by_all(const struct control *c)
{
	uint64_t least = UINT64_MAX;

	for (unsigned i = 0; i < c->config.handover->workers; i++) {
		uint64_t r = control_reached(c, i);
		if (r < least && !watch_hangs(c, i))
			least = r;
	}
	return least;
}

static void count_shard(struct control *c, const struct shard *s)
{
	struct worker_status *w = &c->worker[s->worker];

	account_add(&c->account, &s->account);
	visibility_merge(&c->visibility, &s->visibility);
	w->frames += s->account.received;
	w->responses += account_responses(&s->account);
	if (s->first_ns && (c->first_ns == 0 || s->first_ns < c->first_ns))
		c->first_ns = s->first_ns;
	if (s->last_ns > c->last_ns)
		c->last_ns = s->last_ns;
}

struct judging {
	struct control *c;
	uint32_t now;
};

static void judge(void *ctx, struct domain *d)
{
	struct judging *j = ctx;

	/* No verdict may rest on networks of two databases. */
	if (j->c->renewing)
		domain_renew(d, &j->c->config.networks);
	detect_judge(j->c->config.detector, j->c->config.store, d, j->now);
}

static void degraded_set(struct control *c, enum degraded_reason r, bool on)
{
	if (on)
		c->degraded |= UINT32_C(1) << r;
}

/* Whatever found no room since start: from here on verdicts may depend on who came first. */
static uint64_t turned_away(
	const struct account *a, const struct store_account *store, const struct detector *detector)
{
	uint64_t n = store->evicted + store->demoted + store->promotion_denied +
		     store->ledger_denied + store->door_evicted + store->fate[STORE_DENIED] +
		     a->note[NOTE_DETAIL_DENIED] + detect_account(detector)->denied;

	for (unsigned f = 0; f < TABLE_FATE_COUNT; f++)
		if (table_fate_is_denied((enum table_fate)f))
			n += a->table[f];
	return n;
}

/* Live; partitions of a replay are no queues, and a late worker's frames are not in yet. */
static void balance_assess(struct control *c)
{
	uint64_t frames[WORKERS_MAX];
	bool late = false;

	for (unsigned i = 0; i < c->config.handover->workers; i++) {
		frames[i] = c->worker[i].frames - c->frames_before[i];
		c->frames_before[i] = c->worker[i].frames;
		late |= control_reached(c, i) <= c->closed;
	}
	c->imbalance =
		late || !c->config.live ? 0 : balance_of(frames, c->config.handover->workers);
	degraded_set(c, DEGRADED_QUEUE_IMBALANCE, c->imbalance > BALANCE_BOUND);
}

/* What the tap was like minutes ago says less than what it is like now. */
static void pairing_assess(struct control *c, const struct account *before)
{
	const struct account *now = &c->account;
	struct pairing_status *p = &c->pairing;

	if ((c->closed - c->pairing_halved) * c->config.epoch_ns >=
		PAIRING_SECONDS * NS_PER_SECOND) {
		p->queries /= 2;
		p->responses /= 2;
		p->paired /= 2;
		p->unpaired /= 2;
		c->pairing_halved = c->closed;
	}
	p->queries += account_queries(now) - account_queries(before);
	p->responses += account_responses(now) - account_responses(before);
	p->paired += now->response[RESPONSE_PAIRED] - before->response[RESPONSE_PAIRED];
	p->unpaired += now->response[RESPONSE_UNPAIRED] - before->response[RESPONSE_UNPAIRED];
}

/* What this epoch says of the sensor's own condition; again: it was closed before. */
static void assess(struct control *c, const struct account *before, bool again)
{
	const struct account *now = &c->account;
	const struct store_account *store = store_account(c->config.store);
	uint64_t queries = account_queries(now) - account_queries(before);
	uint64_t responses = account_responses(now) - account_responses(before);
	uint64_t unpaired = now->response[RESPONSE_UNPAIRED] - before->response[RESPONSE_UNPAIRED];
	uint64_t paired = now->response[RESPONSE_PAIRED] - before->response[RESPONSE_PAIRED];

	c->degraded = 0;
	degraded_set(c, DEGRADED_TABLE_PRESSURE,
		turned_away(now, store, c->config.detector) > c->turned_away);
	c->turned_away = turned_away(now, store, c->config.detector);
	degraded_set(c, DEGRADED_ONE_DIRECTION,
		responses > DIRECTION_RESPONSES && queries < responses / 16);
	degraded_set(c, DEGRADED_UNPAIRED, unpaired * 10 > unpaired + paired);
	degraded_set(c, DEGRADED_NO_ASN_DB, !c->config.asn_known);
	degraded_set(c, DEGRADED_CLOCK_STEP, c->clock_steps > c->clock_steps_seen);
	c->clock_steps_seen = c->clock_steps;
	balance_assess(c);
	pairing_assess(c, before);
	for (unsigned i = 0; i < c->config.handover->workers; i++) {
		struct worker_status *w = &c->worker[i];
		uint64_t overruns =
			atomic_load_explicit(&c->config.workers[i].overruns, memory_order_relaxed);
		degraded_set(c, DEGRADED_OVERRUN, overruns > w->overruns);
		degraded_set(c, DEGRADED_LATE_WORKER, control_reached(c, i) <= c->closed);
		w->overruns = overruns;
		w->late += !again && control_reached(c, i) <= c->closed;
	}
}

/* A fixed order, so that also a full table evicts the same on every run of a replay. */
static int by_epoch_and_worker(const void *a, const void *b)
{
	const struct shard *x = *(struct shard *const *)a, *y = *(struct shard *const *)b;

	if (x->epoch_last != y->epoch_last)
		return x->epoch_last < y->epoch_last ? -1 : 1;
	return (int)x->worker - (int)y->worker;
}

uint32_t control_epoch_end(const struct control *c, uint64_t epoch)
{
	uint64_t seconds = (epoch + 1) * (c->config.epoch_ns / NS_PER_SECOND);
	uint32_t end = seconds < UINT32_MAX ? (uint32_t)seconds : UINT32_MAX;
	/* A state that was loaded may be a little ahead of a clock that was set back since. */
	uint32_t reached = store_now(c->config.store);

	return end > reached ? end : reached;
}

static uint64_t difference(uint64_t a, uint64_t b)
{
	return a > b ? a - b : b - a;
}

/* What the store and the verdicts miss. */
static uint64_t tables_error(const struct control *c)
{
	return store_account_error(c->config.store) + detect_account_error(c->config.detector);
}

/* The identities of this epoch alone: what errs the other way in another hides nothing here. */
static void check_epoch(struct control *c, uint64_t epoch, uint64_t error)
{
	static struct log_limit lines;

	if (error == 0)
		return;
	c->epochs_with_error++;
	if (error > c->worst_epoch_error)
		c->worst_epoch_error = error;
	log_limited(&lines, LOG_LEVEL_ERROR,
		"accounting: epoch %lu: the identities miss %lu: this is a defect, please report "
		"it with /api/v1/stats",
		epoch, error);
}

/* Merges every pending shard that ends with `epoch` or before, as one epoch. */
static void close_epoch(struct control *c, uint64_t epoch)
{
	_Static_assert(SHARDS_MAX <= STORE_SHARDS_MAX, "one merge takes them all");
	struct shard *merge[SHARDS_MAX];
	unsigned n = 0, keep = 0;
	uint64_t started = rte_rdtsc(), error = 0, tables = tables_error(c);
	struct account before = c->account;
	struct judging j = {c, control_epoch_end(c, epoch)};

	for (unsigned i = 0; i < c->pending; i++) {
		if (c->shard[i]->epoch_last <= epoch)
			merge[n++] = c->shard[i];
		else
			c->shard[keep++] = c->shard[i];
	}
	c->pending = keep;
	qsort(merge, n, sizeof(merge[0]), by_epoch_and_worker);
	memset(&c->visibility, 0, sizeof(c->visibility));
	for (unsigned i = 0; i < n; i++) {
		error += account_error(&merge[i]->account);
		count_shard(c, merge[i]);
	}
	store_merge(c->config.store, merge, n, j.now, &c->config.networks);
	for (unsigned i = 0; i < n; i++)
		handover_return(c->config.handover, merge[i]);
	store_touched(c->config.store, judge, &j);
	detect_sweep(c->config.detector, c->config.store, j.now);
	detect_campaigns(c->config.detector, c->config.store, j.now);
	/* What a late worker brought of an epoch that is closed makes no new one. */
	bool again = c->epochs && epoch == c->closed;
	c->closed = epoch;
	c->epochs += !again;
	assess(c, &before, again);
	check_epoch(c, epoch, error + difference(tables_error(c), tables));
	c->merge_ns = (uint64_t)((unsigned __int128)(rte_rdtsc() - started) * NS_PER_SECOND /
				 rte_get_tsc_hz());
	histogram_add(&c->merges, c->merge_ns / 1000);
	uint64_t ended = (epoch + 1) * c->config.epoch_ns, merged = c->now_ns + c->merge_ns;
	if (c->config.live && !again && merged > ended)
		histogram_add(&c->lags, (merged - ended) / 1000);
	log_line(LOG_LEVEL_DEBUG, "epoch %lu: %u shards, %lu frames, merged in %lu us", epoch, n,
		c->account.received - before.received, c->merge_ns / 1000);
}

/* What was learned of addresses holds no longer. */
void control_restored(struct control *c)
{
	c->renewing = true;
	c->renew_from = 0;
}

void control_reload(struct control *c, const struct detect_config *detect,
	const struct scorer *scorer, const struct name_lists *lists,
	const struct net_lookup *networks, bool asn_known)
{
	detector_configure(c->config.detector, detect);
	detector_score_by(c->config.detector, scorer);
	detector_lists(c->config.detector, lists);
	c->config.networks = *networks;
	c->config.asn_known = asn_known;
	control_restored(c);
}

/* In small helpings: an epoch's end does not wait for a large store. */
static void renew(struct control *c)
{
	uint64_t started = rte_rdtsc(), most = rte_get_tsc_hz() * RENEW_NS / NS_PER_SECOND;

	while (c->renewing && rte_rdtsc() - started < most) {
		c->renew_from = store_renew(
			c->config.store, c->renew_from, RENEW_RECORDS, &c->config.networks);
		c->renewing = c->renew_from != 0;
	}
}

/* The oldest epoch that a pending shard ends with and that all workers have left. */
static bool next_whole(const struct control *c, uint64_t all, uint64_t *epoch)
{
	bool found = false;

	for (unsigned i = 0; i < c->pending; i++) {
		uint64_t last = c->shard[i]->epoch_last;
		if (last < all && (!found || last < *epoch)) {
			*epoch = last;
			found = true;
		}
	}
	return found;
}

/* Closes what all workers that do not hang have left. */
static bool close_whole(struct control *c)
{
	bool closed = false;
	uint64_t epoch = 0;
	/* Before the rings: a worker gives its shard first and moves on then. */
	uint64_t all = reached_by_all(c);

	receive(c);
	while (next_whole(c, all, &epoch)) {
		close_epoch(c, epoch > c->closed ? epoch : c->closed);
		closed = true;
	}
	return closed;
}

unsigned control_abandon(struct control *c)
{
	unsigned n = 0;

	for (unsigned i = 0; i < c->config.handover->workers; i++) {
		if (control_reached(c, i) == UINT64_MAX)
			continue;
		c->worker[i].state = WORKER_HUNG;
		n++;
	}
	close_whole(c);
	return n;
}

bool control_step(struct control *c, uint64_t now_ns)
{
	c->now_ns = now_ns;
	bool changed = watch_workers(c, now_ns);
	bool closed = close_whole(c);

	if (c->config.live && now_ns > CONTROL_DEADLINE_NS + c->config.epoch_ns) {
		uint64_t due = (now_ns - CONTROL_DEADLINE_NS) / c->config.epoch_ns - 1;
		if (c->closed && due > c->closed) {
			close_epoch(c, due);
			closed = true;
		}
	}
	renew(c);
	/* What was closed without somebody makes him late. */
	if (closed)
		changed |= watch_workers(c, now_ns);
	/* Who hangs is told at once, but not before the first epoch is in. */
	bool publish = closed || (changed && c->generation);
	if (closed && !c->config.live)
		publish = rte_rdtsc() - c->published_at > rte_get_tsc_hz() / REPLAY_PUBLISH_SHARE;
	if (publish)
		control_publish(c);
	control_answer(c);
	return closed;
}

bool control_ended(const struct control *c)
{
	/* A worker gives its last shard before it says that it has ended. */
	for (unsigned i = 0; i < c->config.handover->workers; i++)
		if (control_reached(c, i) != UINT64_MAX || handover_held(c->config.handover, i))
			return false;
	return true;
}

static int by_score(const void *a, const void *b)
{
	const struct verdict *x = a, *y = b;

	if (x->score != y->score)
		return x->score < y->score ? 1 : -1;
	unsigned len = x->name_len < y->name_len ? x->name_len : y->name_len;
	int order = memcmp(x->name, y->name, len);
	return order ? order : (int)x->name_len - (int)y->name_len;
}

static void publish_workers(struct control *c, struct snapshot *s)
{
	s->workers = c->config.handover->workers;
	for (unsigned i = 0; i < s->workers; i++) {
		const struct worker *w = &c->config.workers[i];

		s->worker[i] = c->worker[i];
		s->worker[i].lcore = atomic_load_explicit(&w->lcore, memory_order_relaxed);
		uint64_t taken = settings_taken(&w->settings_slot);
		/* One that has ended worked by the last; a replay has no other. */
		s->worker[i].settings = taken == SETTINGS_LEFT ? c->report.generation : taken;
		if (watch_hangs(c, i))
			s->degraded |= UINT32_C(1) << DEGRADED_HUNG_WORKER;
	}
}

static void publish_degraded(struct control *c, struct snapshot *s)
{
	uint32_t now = c->config.live ? (uint32_t)(c->now_ns / NS_PER_SECOND) : s->time;

	for (unsigned i = 0; i < DEGRADED_COUNT; i++) {
		bool on = s->degraded >> i & 1, was = c->degraded_since[i];

		c->degraded_since[i] = !on ? 0 : was ? c->degraded_since[i] : now;
		if (on != was)
			log_line(LOG_LEVEL_INFO, "%s %s%s%s",
				on ? "degraded:" : "no longer degraded:",
				snapshot_degraded_name((enum degraded_reason)i), on ? ": " : "",
				on ? snapshot_degraded_remedy((enum degraded_reason)i) : "");
	}
	memcpy(s->degraded_since, c->degraded_since, sizeof(s->degraded_since));
}

int control_publish(struct control *c)
{
	unsigned n = detect_verdicts(c->config.detector);
	struct snapshot *s = snapshot_new(n);

	if (!s)
		return -ENOMEM;
	for (unsigned i = 0; i < n; i++)
		s->verdict[i] = *detect_verdict(c->config.detector, i);
	qsort(s->verdict, n, sizeof(s->verdict[0]), by_score);
	events_copy(&s->events, detect_events(c->config.detector));
	s->epoch = c->closed;
	s->epochs = c->epochs;
	s->time = control_epoch_end(c, c->closed);
	s->generation = ++c->generation;
	s->first_ns = c->first_ns;
	s->last_ns = c->last_ns;
	s->merge_ns = c->merge_ns;
	s->merges = c->merges;
	s->lags = c->lags;
	s->published_ns = c->config.live ? c->now_ns : 0;
	s->degraded = c->degraded;
	s->imbalance = c->imbalance;
	s->pairing = c->pairing;
	s->account = c->account;
	s->visibility = c->visibility;
	s->store = *store_account(c->config.store);
	s->verdict_account = *detect_account(c->config.detector);
	uint64_t taken = c->account.received;
	uint64_t read = c->packets_read ? c->packets_read : taken;
	s->accounting_error =
		account_error(&c->account) + difference(read, taken) + tables_error(c);
	s->epochs_with_error = c->epochs_with_error;
	s->worst_epoch_error = c->worst_epoch_error;
	s->config = c->report;
	if (c->config.state)
		s->state = *c->config.state;
	if (s->state.stale)
		s->degraded |= UINT32_C(1) << DEGRADED_STATE_STALE;
	if (c->config.degraded)
		s->degraded |= atomic_load_explicit(c->config.degraded, memory_order_relaxed);
	if (c->config.feed)
		feed_tell(c->config.feed, &c->feed);
	s->feed = c->feed;
	if (s->feed.behind)
		s->degraded |= UINT32_C(1) << DEGRADED_EXPORT_LAG;
	publish_workers(c, s);
	if (c->config.ports)
		c->config.ports(c->config.ports_ctx, s);
	publish_degraded(c, s);
	snapshot_publish(c->config.board, s);
	c->published_at = rte_rdtsc();
	return 0;
}
