/* SPDX-License-Identifier: BSD-3-Clause */

/*
 * The merge: all shards of an epoch are walked in slot order, a block of slots
 * at a time, so that the same domain's entries in other shards are in the cache.
 * A domain is handled when it is met in the first shard that holds it.
 */

#include "store/store_internal.h"

#define BLOCK_WORDS_LOG2 2u /* of the occupied bitmap: 256 slots of 64 octets a shard */
#define AHEAD 16u           /* entries between the first prefetch and the merge ... */
#define NEAR 6u             /* ... and between the second, which knows what the first brought */

struct cursor {
	struct shard *const *shards;
	unsigned n;
	uint32_t block;
	uint32_t blocks;
	unsigned shard;
	uint32_t word; /* next of the bitmap */
	uint32_t words;
	uint64_t bits;
};

struct met {
	const struct shard_entry *entry;
	unsigned shard;
};

static void cursor_enter(struct cursor *w)
{
	const struct shard *s = w->shards[w->shard];
	uint64_t words = (s->mask + 1u) / 64;

	w->word = (uint32_t)(words * w->block / w->blocks);
	w->words = (uint32_t)(words * (w->block + 1) / w->blocks);
	/* The slots that probing may overrun into have a word of their own. */
	if (w->block + 1 == w->blocks)
		w->words++;
	w->bits = 0;
}

static void cursor_start(struct cursor *w, struct shard *const *shards, unsigned n)
{
	uint32_t blocks = 1;

	for (unsigned i = 0; i < n; i++) {
		uint32_t wanted = (shards[i]->mask + 1u) / 64 >> BLOCK_WORDS_LOG2;
		blocks = wanted > blocks ? wanted : blocks;
	}
	*w = (struct cursor){.shards = shards, .n = n, .blocks = blocks};
	if (n > 0)
		cursor_enter(w);
}

static bool in_earlier_shard(const struct cursor *w, uint64_t key)
{
	for (unsigned i = 0; i < w->shard; i++)
		if (shard_find(w->shards[i], key))
			return true;
	return false;
}

/* The next domain, by its entry in the first shard that holds it; false at the end. */
static bool cursor_next(struct cursor *w, struct met *out)
{
	while (w->block < w->blocks && w->n > 0) {
		const struct shard *s = w->shards[w->shard];

		while (w->bits == 0 && w->word < w->words)
			w->bits = s->occupied[w->word++];
		if (w->bits == 0) {
			if (++w->shard == w->n) {
				w->shard = 0;
				w->block++;
			}
			cursor_enter(w);
			continue;
		}
		uint32_t slot = (w->word - 1) * 64 + (uint32_t)__builtin_ctzll(w->bits);
		w->bits &= w->bits - 1;
		if (in_earlier_shard(w, s->entries[slot].key))
			continue;
		*out = (struct met){&s->entries[slot], w->shard};
		return true;
	}
	return false;
}

/* Two lines: at 60 % load every other look-up goes on to the second. */
static void prefetch_far(const struct store *st, uint64_t key)
{
	const struct candidate *c = &st->candidates[candidate_slot(st, key)];

	__builtin_prefetch(c, 1);
	__builtin_prefetch(c + 1, 1);
}

/* What the candidate's line tells: that the door or the full record is needed next. */
static void prefetch_near(const struct store *st, uint64_t key)
{
	const struct candidate *c = candidate_find(st, key);

	if (!c) {
		__builtin_prefetch(&st->door[door_slot(st, key)], 1);
	} else if (c->tracked) {
		const uint8_t *d = (const uint8_t *)&st->domains[c->record];
		for (size_t at = 0; at < offsetof(struct domain, item) + 8 * CACHE_LINE;
			at += CACHE_LINE)
			__builtin_prefetch(d + at, 1);
	}
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
	const struct cursor *w, const struct met *m, const struct net_lookup *net)
{
	struct domain *d = &st->domains[c->record];

	domain_merge(st, d, g, net);
	ledger_merge(st, d, g);
	ledger_grant(st, d);
	sketches_merge(d, w->shards[m->shard], m->entry);
	for (unsigned i = m->shard + 1; i < w->n; i++) {
		const struct shard_entry *e = shard_find(w->shards[i], g->key);
		if (e)
			sketches_merge(d, w->shards[i], e);
	}
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

static void domain_sighted(struct store *st, const struct sighting *g, const struct cursor *w,
	const struct met *m, const struct net_lookup *net)
{
	struct candidate *c = candidate_find(st, g->key);

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
			promote(st, c, &grown, g, w->shards[m->shard], m->entry, net);
		if (!c->tracked)
			*c = grown;
	}
	if (g->last > c->last)
		c->last = g->last;
	if (c->tracked)
		record_merge(st, c, g, w, m, net);
}

void store_merge(struct store *st, struct shard *const shards[], unsigned n, uint32_t now,
	const struct net_lookup *net)
{
	struct cursor w;
	struct met ring[AHEAD];
	struct sighting g;
	uint32_t head = 0;

	if (st->since == 0 || (now > st->now && now - st->now > STORE_PAUSE_SECONDS))
		st->since = now;
	if (now > st->now)
		st->now = now;
	st->touched_n = 0;
	cursor_start(&w, shards, n);
	for (uint32_t tail = 0;; tail++) {
		while (head - tail < AHEAD && cursor_next(&w, &ring[head % AHEAD])) {
			uint64_t key = ring[head++ % AHEAD].entry->key;
			prefetch_far(st, key);
		}
		if (head == tail)
			break;
		if (head - tail > NEAR)
			prefetch_near(st, ring[(tail + NEAR) % AHEAD].entry->key);

		const struct met *m = &ring[tail % AHEAD];
		sighting_start(&g, m->entry->key);
		sighting_add(&g, shards[m->shard], m->entry);
		for (unsigned i = m->shard + 1; i < n; i++) {
			const struct shard_entry *e = shard_find(shards[i], g.key);
			if (e)
				sighting_add(&g, shards[i], e);
		}
		sighting_clamp(&g, st->now);
		servers_add(&st->servers, (uint8_t)m->entry->server, g.key, st->now);
		st->account.offered++;
		st->account.entries += g.entries;
		domain_sighted(st, &g, &w, m, net);
	}
	servers_weigh(&st->servers);
	candidate_sweep(st);
	touched_sort(st);
}
