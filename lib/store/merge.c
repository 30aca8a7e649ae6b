/* SPDX-License-Identifier: BSD-3-Clause */

/*
 * The merge: the shards' entries come block by block (block.h), and a domain is handled once with
 * all of them. What is needed for it is asked for ahead, in two steps.
 */

#include "store/store_internal.h"

#define GROUP 16u /* domains asked for together */
#define DETAIL_OCTETS (sizeof(struct shard_detail) + SHARD_SAMPLE_SMALL * sizeof(uint64_t))

/* Two lines: at 60 % load every other look-up goes on to the second. */
static void prefetch_far(const struct store *st, uint64_t key)
{
	const struct candidate *c = &st->candidates[candidate_slot(st, key)];

	__builtin_prefetch(c, 1);
	__builtin_prefetch(c + 1, 1);
}

/* What entry and candidate tell: that the details, the door or the full record are needed next. */
static struct candidate *prefetch_near(
	const struct store *st, const struct shard *s, const struct shard_entry *e)
{
	struct candidate *c = candidate_find(st, e->key);
	const uint8_t *detail = e->detail ? (const uint8_t *)shard_entry_detail(s, e) : NULL;

	for (size_t at = 0; detail && at < DETAIL_OCTETS; at += CACHE_LINE)
		__builtin_prefetch(detail + at);
	if (!c) {
		__builtin_prefetch(&st->door[door_slot(st, e->key)], 1);
	} else if (c->tracked) {
		const uint8_t *d = (const uint8_t *)&st->domains[c->record];
		for (size_t at = 0; at < offsetof(struct domain, item) + 8 * CACHE_LINE;
			at += CACHE_LINE)
			__builtin_prefetch(d + at, 1);
	}
	return c;
}

/* Lists a record for store_touched. */
static void touched_add(struct store *st, const struct domain *d)
{
	if (st->touched_n == 2 * st->config.domains) {
		/* Drops those given up since: at most one entry a record holds. */
		uint32_t n = 0;
		for (uint32_t i = 0; i < st->touched_n; i++)
			if (st->domains[st->touched[i].record].key == st->touched[i].key)
				st->touched[n++] = st->touched[i];
		st->touched_n = n;
	}
	st->touched[st->touched_n++] = (struct touched){d->key, (uint32_t)(d - st->domains)};
}

/* By key: keys are hashes, so that one distribution by their top bits all but sorts them. */
static void touched_sort(struct store *st)
{
	const unsigned shift = 64 - TOUCHED_BUCKETS_LOG2;
	uint32_t *start = st->bucket;

	memset(start, 0, (((size_t)1 << TOUCHED_BUCKETS_LOG2) + 1) * sizeof(start[0]));
	for (uint32_t i = 0; i < st->touched_n; i++)
		start[(st->touched[i].key >> shift) + 1]++;
	for (uint32_t i = 0; i < 1u << TOUCHED_BUCKETS_LOG2; i++)
		start[i + 1] += start[i];
	for (uint32_t i = 0; i < st->touched_n; i++)
		st->sorted[start[st->touched[i].key >> shift]++] = st->touched[i];
	for (uint32_t i = 1; i < st->touched_n; i++) {
		struct touched t = st->sorted[i];
		uint32_t at = i;
		for (; at > 0 && st->sorted[at - 1].key > t.key; at--)
			st->sorted[at] = st->sorted[at - 1];
		st->sorted[at] = t;
	}
}

/* Host names and (host, address) pairs: an entry without details has one host name. */
static void sketches_merge(struct domain *d, const struct shard *s, const struct shard_entry *e)
{
	const struct shard_detail *detail = shard_entry_detail(s, e);

	if (detail) {
		hll_merge(&d->hosts, &detail->hosts);
		hll_merge(&d->pairs, &detail->pairs);
		return;
	}
	hll_add(&d->hosts, e->host);
	for (unsigned i = 0; i < e->units; i++)
		hll_add(&d->pairs, shard_pair_hash(e->host, e->unit[i], s->sketch));
}

/* Adds the sighting to the full record c has. */
static void record_merge(struct store *st, struct candidate *c, const struct sighting *g,
	const struct met *m, const struct net_lookup *net)
{
	const struct block *b = &st->block;
	struct domain *d = &st->domains[c->record];

	domain_merge(st, d, g, net);
	ledger_merge(st, d, g);
	ledger_grant(st, d);
	for (; m; m = block_other(b, m))
		sketches_merge(d, b->shards[m->shard], m->entry);
	touched_add(st, d);
}

/*
 * A candidate for a name not known: NULL while it has shown one unit and glue only. The
 * unit that waited in the door is known by its fingerprint, so that the
 * candidate starts with the units of this epoch; what remains of the earlier
 * sighting is its day, at the end of which the name existed.
 */
static struct candidate *admit(struct store *st, const struct sighting *g)
{
	uint32_t day = g->first / DAY_SECONDS, first = g->first;

	if (g->units == 0 || (g->units == 1 && !door_pass(st, g, &day))) {
		st->account.fate[STORE_WAITING]++;
		return NULL;
	}
	struct candidate *c = candidate_insert(st, g->key);
	st->account.fate[c ? STORE_INSERTED : STORE_DENIED]++;
	if (!c)
		return NULL;
	if (day < first / DAY_SECONDS)
		first = day * DAY_SECONDS + DAY_SECONDS - 1;
	c->first = first;
	return c;
}

static void promote(struct store *st, struct candidate *c, const struct candidate *grown,
	const struct sighting *g, const struct shard *s, const struct shard_entry *e,
	const struct net_lookup *net)
{
	struct domain *d = record_take(st, diversity(grown->spread, grown->ns_spread));
	unsigned len;
	const uint8_t *name = shard_entry_name(s, e, &len);

	if (!d) {
		st->account.promotion_denied++;
		return;
	}
	/* From the state before this epoch, whose sighting is merged next. */
	domain_start(st, d, c, candidate_many(grown), g, net);
	memcpy(d->name, name, len);
	d->name_len = (uint8_t)len;
	c->record = (uint32_t)(d - st->domains);
	c->tracked = 1;
	st->account.promoted++;
	st->account.tracked++;
}

/* `c` was the candidate a moment ago, or NULL. */
static void domain_sighted(struct store *st, const struct sighting *g, struct candidate *c,
	const struct met *m, const struct net_lookup *net)
{
	/* Another may have moved into its place since. */
	if (c && c->key != g->key)
		c = candidate_find(st, g->key);
	if (c && candidate_expired(st, c)) {
		candidate_remove(st, c);
		st->account.expired++;
		c = NULL;
	}
	if (c)
		st->account.fate[STORE_HIT]++;
	else
		c = admit(st, g);
	if (!c)
		return;
	if (!c->tracked) {
		struct candidate grown = *c;

		candidate_merge(st, &grown, g);
		if (candidate_qualifies(&grown))
			promote(st, c, &grown, g, st->block.shards[m->shard], m->entry, net);
		if (!c->tracked)
			*c = grown;
	}
	if (g->last > c->last)
		c->last = g->last;
	if (c->tracked)
		record_merge(st, c, g, m, net);
}

static void domain_met(struct store *st, const struct met *first, struct candidate *c,
	const struct net_lookup *net)
{
	const struct block *b = &st->block;
	struct sighting g;

	sighting_start(&g, first->entry->key);
	for (const struct met *m = first; m; m = block_other(b, m))
		sighting_add(&g, b->shards[m->shard], m->entry);
	sighting_clamp(&g, st->now);
	servers_add(&st->servers, (uint8_t)first->entry->server, g.key, st->now);
	st->account.offered++;
	st->account.entries += g.entries;
	domain_sighted(st, &g, c, first, net);
}

/*
 * Group by group, each step in a loop of its own: where a prefetch is dropped because no TLB
 * has the page, look-ups that follow each other closely still wait for memory together.
 */
static void block_merge(struct store *st, const struct net_lookup *net)
{
	const struct block *b = &st->block;
	struct candidate *near[2][GROUP];

	for (uint32_t at = 0; at < b->domains + 2 * GROUP; at += GROUP) {
		struct candidate **c = near[at / GROUP & 1];

		for (uint32_t i = at; i < at + GROUP && i < b->domains; i++)
			prefetch_far(st, block_first(b, i)->entry->key);
		for (uint32_t i = at - GROUP; at >= GROUP && i < at && i < b->domains; i++) {
			const struct met *m = block_first(b, i);
			c[i % GROUP] = prefetch_near(st, b->shards[m->shard], m->entry);
		}
		c = near[(at / GROUP & 1) ^ 1];
		for (uint32_t i = at - 2 * GROUP;
			at >= 2 * GROUP && i < at - GROUP && i < b->domains; i++)
			domain_met(st, block_first(b, i), c[i % GROUP], net);
	}
}

void store_merge(struct store *st, struct shard *const shards[], unsigned n, uint32_t now,
	const struct net_lookup *net)
{
	if (st->since == 0 || (now > st->now && now - st->now > STORE_PAUSE_SECONDS))
		st->since = now;
	if (now > st->now)
		st->now = now;
	st->touched_n = 0;
	block_start(&st->block, shards, n);
	while (block_next(&st->block))
		block_merge(st, net);
	servers_weigh(&st->servers);
	candidate_sweep(st);
	touched_sort(st);
}
