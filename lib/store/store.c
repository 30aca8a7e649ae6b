/* SPDX-License-Identifier: BSD-3-Clause */

/* Layout, look-up and accounts of the store. */

#include "store/state.h"
#include "store/store_internal.h"

#define DOMAINS_MAX (UINT32_C(1) << 22)
#define REVERSE_UNITS 16u /* entries of the reverse view for a full record */

struct layout {
	size_t door, candidates, domains, free, touched, sorted, bucket, ledgers, ledger_free,
		reverse, total;
	unsigned reverse_log2;
};

static size_t candidate_slots(const struct store_config *c)
{
	return ((size_t)1 << c->candidates_log2) + CANDIDATE_PROBE_MAX;
}

static bool layout_of(const struct store_config *c, struct layout *l)
{
	if (c->door_log2 < 10 || c->door_log2 > 30 || c->candidates_log2 < 10 ||
		c->candidates_log2 > 28 || c->domains < 1 || c->domains > DOMAINS_MAX)
		return false;
	l->reverse_log2 = 10;
	while ((uint64_t)1 << l->reverse_log2 < (uint64_t)c->domains * REVERSE_UNITS)
		l->reverse_log2++;

	size_t n = c->domains, at = align_up(sizeof(struct store), CACHE_LINE);
	l->door = at;
	at += sizeof(struct door_bucket) << (c->door_log2 - 3);
	l->candidates = at;
	at += candidate_slots(c) * sizeof(struct candidate);
	l->domains = at;
	at = align_up(at + n * sizeof(struct domain), CACHE_LINE);
	l->free = at;
	at = align_up(at + n * sizeof(uint32_t), CACHE_LINE);
	l->touched = at;
	at += 2 * n * sizeof(struct touched);
	l->sorted = at;
	at = align_up(at + 2 * n * sizeof(struct touched), CACHE_LINE);
	l->bucket = at;
	at += (((size_t)1 << TOUCHED_BUCKETS_LOG2) + 1) * sizeof(uint32_t);
	l->ledgers = align_up(at, CACHE_LINE);
	at = l->ledgers + ledger_count(c->domains) * sizeof(struct ledger);
	l->ledger_free = at;
	at += ledger_count(c->domains) * sizeof(uint32_t);
	l->reverse = align_up(at, CACHE_LINE);
	l->total = l->reverse + reverse_size(l->reverse_log2);
	return true;
}

size_t store_size(const struct store_config *config)
{
	struct layout l;

	return layout_of(config, &l) ? l.total : 0;
}

struct store *store_init(void *mem, const struct store_config *config, struct hash_key placement,
	struct hash_key sketch)
{
	struct layout l;
	struct store *st = mem;
	uint8_t *base = mem;

	if (!layout_of(config, &l))
		return NULL;
	memset(mem, 0, l.domains);
	st->config = *config;
	st->placement = placement;
	st->sketch = sketch;
	st->door = (struct door_bucket *)(base + l.door);
	st->candidates = (struct candidate *)(base + l.candidates);
	st->domains = (struct domain *)(base + l.domains);
	st->free = (uint32_t *)(base + l.free);
	st->touched = (struct touched *)(base + l.touched);
	st->sorted = (struct touched *)(base + l.sorted);
	st->bucket = (uint32_t *)(base + l.bucket);
	st->ledgers = (struct ledger *)(base + l.ledgers);
	st->ledger_free = (uint32_t *)(base + l.ledger_free);
	st->reverse = reverse_init(base + l.reverse, l.reverse_log2, placement);
	for (uint32_t i = 0; i < config->domains; i++) {
		st->domains[i].key = 0;
		st->free[i] = config->domains - 1 - i;
	}
	st->free_n = config->domains;
	st->ledger_free_n = ledger_count(config->domains);
	for (uint32_t i = 0; i < st->ledger_free_n; i++) {
		st->ledgers[i].key = 0;
		st->ledger_free[i] = st->ledger_free_n - 1 - i;
	}
	return st;
}

void store_touched(struct store *st, void (*fn)(void *ctx, struct domain *d), void *ctx)
{
	for (uint32_t i = 0; i < st->touched_n; i++) {
		struct domain *d = &st->domains[st->sorted[i].record];
		/* Another has the record when it was given up after it was touched. */
		if (d->key == st->sorted[i].key)
			fn(ctx, d);
	}
}

void store_each(struct store *st, void (*fn)(void *ctx, struct domain *d), void *ctx)
{
	for (uint32_t i = 0; i < st->config.domains; i++)
		if (st->domains[i].key != 0)
			fn(ctx, &st->domains[i]);
}

uint32_t store_renew(struct store *st, uint32_t from, uint32_t n, const struct net_lookup *net)
{
	uint32_t all = st->config.domains, end = from < all && n < all - from ? from + n : all;

	for (uint32_t i = from; i < end; i++)
		if (st->domains[i].key != 0)
			domain_renew(&st->domains[i], net);
	return end < all ? end : 0;
}

struct domain *store_find(const struct store *st, uint64_t key)
{
	const struct candidate *c = candidate_find(st, key);

	return c && c->tracked ? &st->domains[c->record] : NULL;
}

struct hash_key store_sketch_key(const struct store *st)
{
	return st->sketch;
}

uint32_t store_now(const struct store *st)
{
	return st->now;
}

void store_restore_begin(struct store *st, uint32_t now, uint32_t since)
{
	st->now = now;
	st->since = since < now ? since : now;
}

uint32_t store_since(const struct store *st)
{
	return st->since;
}

uint64_t store_unit_hash(const struct store *st, uint64_t unit)
{
	return hash_u64(unit, st->sketch);
}

const struct store_account *store_account(const struct store *st)
{
	return &st->account;
}

static uint64_t difference(uint64_t a, uint64_t b)
{
	return a > b ? a - b : b - a;
}

uint64_t store_account_error(const struct store *st)
{
	const struct store_account *a = &st->account;
	uint64_t fates = 0;

	for (unsigned f = 0; f < STORE_FATE_COUNT; f++)
		fates += a->fate[f];
	return difference(a->offered, fates) +
	       difference(
		       a->fate[STORE_INSERTED] + a->restored, a->live + a->evicted + a->expired) +
	       difference(
		       a->promoted + a->records_restored, a->tracked + a->demoted + a->released) +
	       difference(a->tracked, st->config.domains - st->free_n);
}

const char *store_fate_name(enum store_fate f)
{
	static const char *const names[STORE_FATE_COUNT] = {
#define X(name, text) [name] = text,
		STORE_FATES(X)
#undef X
	};
	return names[f];
}
