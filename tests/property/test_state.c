/* SPDX-License-Identifier: BSD-3-Clause */

/*
 * A state that is saved and restored against the store that was never interrupted.
 * The same random answers go on into both: features, verdicts, candidates and the
 * doorkeeper's decisions must be the same, under another placement key and in tables
 * of other sizes. And no damaged state is taken.
 */

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>

#include "detect/campaign.h"
#include "detect/rules.h"
#include "store/store_internal.h"
#include "tests/unit/random.h"
#include "tests/unit/state_fixture.h"

#define NAMES 400u
#define EPOCH 10u
#define START (20000u * 86400u)

static uint64_t seed;
static uint32_t now;
static struct shard *shard;
static const struct net_lookup net = {test_network, NULL};
static const struct hash_key other_placement = {0x3c6ef372fe94f82b, 0xa54ff53a5f1d36f1};

static uint32_t below(uint32_t n)
{
	return random_below(&seed, n);
}

/* Thresholds that some of the random names meet and lose again. */
static struct detect_config thresholds(void)
{
	struct detect_config c;

	detect_defaults(&c);
	c.min_fresh_epochs = 1;
	c.min_growth_1h = c.min_growth_24h = 0.05;
	c.min_novelty = 0.02;
	c.min_new_per_epoch = 0;
	c.clear_after = 7200;
	return c;
}

static void restored_like(struct restored *r, unsigned door, unsigned candidates, uint32_t domains)
{
	*r = (struct restored){
		.config = {.door_log2 = door, .candidates_log2 = candidates, .domains = domains},
		.verdicts = 256,
		.placement = other_placement,
		.detect = thresholds()};
}

/* A name's pool, networks, hosts and name servers hang on its number; siblings share pools. */
static void answer(uint32_t id)
{
	static const uint32_t pools[] = {1, 1, 2, 4, 5, 12, 70, 200, 500, 60};
	uint32_t pool = pools[id % 10], nets = 1 + id % 7 * 4, n = 1 + below(id % 5 * 3 + 1);
	uint64_t unit[16], ns[8];
	uint8_t name[6];
	struct shard_observation o = {.key = test_key(id),
		.name = name,
		.name_len = (uint8_t)test_name(id, name),
		.unit = unit,
		.units = (uint8_t)n,
		.ns_name = ns,
		.ns_unit = ns,
		.now = now + below(EPOCH),
		.ttl = id % 17 ? 30 + below(200) : 1700 + below(200),
		/* A few of a name's own: none becomes established, which the state does not keep.
		 */
		.server = (uint8_t)(1 + id % 80 * 3 + below(3)),
		.conflict = below(12) == 0,
		.grade = id % 11 ? EVIDENCE_PAIRED : (enum evidence_grade)below(4)};

	for (uint32_t i = 0; i < n; i++) {
		uint32_t member = below(pool);
		unit[i] = (uint64_t)(0x0800 + id / 40 * 64 + member % nets) << 16 | (member + 1);
		if (id % 13 == 0)
			unit[i] = unit[i] << 32 | UINT64_C(0x2a00) << 48;
	}
	o.host = hash_u64(id * 1000 + below(id % 5 ? 1 : 40), test_sketch);
	for (uint32_t i = 0; i < 8; i++)
		ns[i] = (uint64_t)(0x0900 + id * 8 + below(14)) << 16 | 5;
	ns[2] = unit[0];
	o.ns_names = o.ns_units = id % 3 == 1 && !below(3) ? (uint8_t)(1 + below(8)) : 0;
	o.ns_ttl = o.ns_names ? 100 + below(4000) : 0;
	assert_false(table_fate_is_denied(shard_observe(shard, &o)));
}

/* One epoch of answers into the shard; its time goes on, by days too. */
static void epoch_draw(void)
{
	static const uint32_t steps[] = {10, 10, 10, 20, 60, 300, 3600, 40000};

	now += steps[below(8)] / EPOCH * EPOCH;
	shard_clear(shard);
	for (uint32_t i = 0, n = below(150); i < n; i++)
		answer(below(4) ? below(NAMES) : below(NAMES) / 20 * 20 + 8);
}

struct judging {
	struct detector *detector;
	struct store *store;
};

static void judge(void *ctx, struct domain *d)
{
	struct judging *j = ctx;

	detect_judge(j->detector, j->store, d, now + EPOCH);
}

static void epoch_merge(struct store *st, struct detector *t)
{
	struct judging j = {t, st};

	store_merge(st, &shard, 1, now + EPOCH, &net);
	store_touched(st, judge, &j);
	detect_sweep(t, st, now + EPOCH);
	detect_campaigns(t, st, now + EPOCH);
	assert_int_equal(store_account_error(st), 0);
	assert_int_equal(detect_account_error(t), 0);
}

static unsigned candidates_compared, domains_compared, ledgers_compared, verdicts_compared,
	campaigns_compared;

static void ledgers_equal(const struct ledger *a, const struct ledger *b)
{
	assert_int_equal(a == NULL, b == NULL);
	if (!a)
		return;
	assert_memory_equal(a, b, offsetof(struct ledger, mark) + a->marks * sizeof(a->mark[0]));
	ledgers_compared++;
}

static void domains_equal(const struct domain *a, const struct domain *b)
{
	struct domain x = *a, y = *b;

	assert_int_equal(a->verdict.slot != 0, b->verdict.slot != 0);
	x.verdict.slot = y.verdict.slot = 0;
	x.ledger = y.ledger = 0;
	assert_memory_equal(&x, &y, offsetof(struct domain, item));
	assert_memory_equal(a->item, b->item, a->items * sizeof(a->item[0]));
	for (unsigned i = 0; i < a->ns_items; i++)
		assert_memory_equal(&a->ns[i], &b->ns[i], sizeof(a->ns[i]));
	assert_memory_equal(a->ns_name, b->ns_name, a->ns_names * sizeof(a->ns_name[0]));
	assert_int_equal(a->settled_n, b->settled_n);
	assert_memory_equal(a->settled, b->settled, a->settled_n * sizeof(a->settled[0]));
	assert_int_equal(a->settled_last, b->settled_last);
	assert_int_equal(a->settled_host, b->settled_host);
	assert_memory_equal(a->name, b->name, a->name_len);
}

static void verdicts_equal(const struct verdict *a, const struct verdict *b)
{
	assert_int_equal(a->key, b->key);
	assert_int_equal(a->class, b->class);
	assert_int_equal(a->window, b->window);
	assert_int_equal(a->suspected, b->suspected);
	assert_true(a->score == b->score && a->confidence == b->confidence);
	assert_int_equal(a->first_flagged, b->first_flagged);
	assert_int_equal(a->evaluated, b->evaluated);
	assert_int_equal(a->first_seen, b->first_seen);
	assert_int_equal(a->last_seen, b->last_seen);
	assert_int_equal(a->campaign.id, b->campaign.id);
	assert_int_equal(a->campaign.since, b->campaign.since);
	assert_int_equal(a->campaign.linked, b->campaign.linked);
	campaigns_compared += a->campaign.id != 0;
	assert_memory_equal(&a->features, &b->features, sizeof(a->features));
	assert_int_equal(a->reasons, b->reasons);
	for (unsigned i = 0; i < a->reasons; i++) {
		assert_string_equal(a->reason[i].code, b->reason[i].code);
		assert_string_equal(a->reason[i].text, b->reason[i].text);
		assert_true(a->reason[i].value == b->reason[i].value);
		assert_true(a->reason[i].threshold == b->reason[i].threshold);
	}
	assert_int_equal(a->samples, b->samples);
	for (unsigned i = 0; i < a->samples; i++) {
		assert_int_equal(a->sample[i].unit, b->sample[i].unit);
		assert_int_equal(a->sample[i].asn, b->sample[i].asn);
		assert_memory_equal(a->sample[i].country, b->sample[i].country, 2);
		assert_int_equal(a->sample[i].own, b->sample[i].own);
		assert_int_equal(a->sample[i].first, b->sample[i].first);
		assert_int_equal(a->sample[i].last, b->sample[i].last);
	}
	assert_memory_equal(a->name, b->name, a->name_len);
}

static void features_equal(const struct domain *a, const struct store *sa, const struct domain *b,
	const struct store *sb, const struct detect_config *c)
{
	const struct view_filter all = {EVIDENCE_ALIAS, 0};

	for (unsigned w = 0; w < FLUX_WINDOW_COUNT; w++) {
		struct features x, y;

		memset(&x, 0, sizeof(x));
		memset(&y, 0, sizeof(y));
		features_compute(a, sa, (enum flux_window)w, now + EPOCH, all, &x);
		features_compute(b, sb, (enum flux_window)w, now + EPOCH, all, &y);
		features_siblings(a, sa, c, &x);
		features_siblings(b, sb, c, &y);
		assert_memory_equal(
			&x.seconds, &y.seconds, sizeof(x) - offsetof(struct features, seconds));
	}
}

static void sides_equal(const struct restored *a, const struct restored *b)
{
	for (uint32_t id = 0; id < NAMES; id++) {
		const struct candidate *x = candidate_find(a->store, test_key(id));
		const struct candidate *y = candidate_find(b->store, test_key(id));

		assert_int_equal(x == NULL, y == NULL);
		if (!x)
			continue;
		assert_int_equal(x->tracked, y->tracked);
		assert_int_equal(x->last, y->last);
		if (!x->tracked) {
			assert_memory_equal(x, y, sizeof(*x));
			candidates_compared++;
			continue;
		}
		const struct domain *d = store_find(a->store, test_key(id));
		const struct domain *e = store_find(b->store, test_key(id));
		domains_equal(d, e);
		ledgers_equal(store_ledger(a->store, d), store_ledger(b->store, e));
		features_equal(d, a->store, e, b->store, &a->detect);
		domains_compared++;
		if (!d->verdict.slot)
			continue;
		verdicts_equal(detect_verdict(a->detector, d->verdict.slot - 1u),
			detect_verdict(b->detector, e->verdict.slot - 1u));
		verdicts_compared++;
	}
	assert_int_equal(detect_verdicts(a->detector), detect_verdicts(b->detector));
}

/* What became of the names offered since then: the door's decisions are in it. */
static void fates_equal(
	const struct restored *a, const struct store_account *then, const struct restored *b)
{
	for (unsigned f = 0; f < STORE_FATE_COUNT; f++)
		assert_int_equal(store_account(a->store)->fate[f] - then->fate[f],
			store_account(b->store)->fate[f]);
}

static void take(const struct image *i, struct restored *r)
{
	assert_string_equal(state_fault_text(image_load(i->octets, i->len, r, NULL, state_readers,
				    state_readers_count, 1 + below(200000))),
		"whole");
	assert_int_equal(r->load.rejected, 0);
	assert_int_equal(store_account_error(r->store), 0);
	assert_int_equal(detect_account_error(r->detector), 0);
}

static void lost_nothing(const struct state_restored *r)
{
	assert_int_equal(r->reduced + r->domains_lost + r->candidates_lost + r->door_lost +
				 r->reverse_lost + r->verdicts_lost + r->renamed,
		0);
}

static void goes_on_as_before(void **state)
{
	static const struct {
		unsigned door, candidates;
		uint32_t domains;
	} sizes[] = {{14, 12, 4096}, {13, 11, 3000}, {17, 14, 9000}};
	struct restored a, b;
	(void)state;

	shard = test_shard(10);
	for (unsigned round = 0; round < 12; round++) {
		restored_like(&a, 14, 12, 4096);
		restored_like(&b, sizes[round % 3].door, sizes[round % 3].candidates,
			sizes[round % 3].domains);
		a.placement = test_placement;
		seed = round + 1;
		now = START + below(86400) / EPOCH * EPOCH;
		restored_empty(&a, test_sketch);
		for (unsigned cut = 0; cut < 6; cut++) {
			for (unsigned n = 5 + below(30); n > 0; n--) {
				epoch_draw();
				epoch_merge(a.store, a.detector);
			}
			struct image i = image_save(a.store, a.detector, 7, 70000 + below(90000));
			struct store_account then = *store_account(a.store);
			take(&i, &b);
			lost_nothing(&b.load.restored);
			sides_equal(&a, &b);
			for (unsigned n = below(30); n > 0; n--) {
				epoch_draw();
				epoch_merge(a.store, a.detector);
				epoch_merge(b.store, b.detector);
				sides_equal(&a, &b);
			}
			fates_equal(&a, &then, &b);
			free(i.octets);
		}
		restored_free(&a);
		restored_free(&b);
	}
	free(shard);
	print_message("%u candidates, %u domains, %u verdicts, %u in campaigns were the same\n",
		candidates_compared, domains_compared, verdicts_compared, campaigns_compared);
	assert_true(candidates_compared > 1000 && domains_compared > 1000);
	assert_true(ledgers_compared > 100 && verdicts_compared > 1000 && campaigns_compared > 100);
}

/* A store after `epochs` of traffic. */
static void grow(struct restored *r, uint64_t from, unsigned epochs)
{
	shard = test_shard(10);
	seed = from;
	now = START;
	restored_like(r, 14, 12, 512);
	r->placement = test_placement;
	restored_empty(r, test_sketch);
	for (; epochs > 0; epochs--) {
		epoch_draw();
		epoch_merge(r->store, r->detector);
	}
	free(shard);
}

static void count_flagged(void *ctx, struct domain *d)
{
	*(unsigned *)ctx += domain_flagged(d);
}

/* Flagged ones first, then the diverse ones, then candidates; and everything is counted. */
static void smaller_tables_keep_the_evidence(void **state)
{
	struct restored a, b;
	unsigned reduced = 0;
	(void)state;

	for (uint64_t s = 1; s < 20; s++) {
		grow(&a, s, 60);
		struct image i = image_save(a.store, a.detector, 7, 70000);
		const struct store_account *was = store_account(a.store);
		unsigned flagged = detect_verdicts(a.detector), kept = 0;

		restored_like(&b, 10, 10, 64);
		take(&i, &b);
		const struct state_restored *r = &b.load.restored;
		const struct store_account *is = store_account(b.store);
		unsigned room = flagged < 64 ? flagged : 64;
		assert_int_equal(r->verdicts + r->verdicts_lost, flagged);
		assert_int_equal(r->verdicts, room);
		store_each(b.store, count_flagged, &kept);
		assert_int_equal(kept, room);
		assert_int_equal(is->tracked, was->tracked < 64 ? was->tracked : 64);
		assert_int_equal(is->live, was->live - r->domains_lost - r->candidates_lost);
		assert_int_equal(is->tracked + r->reduced + r->domains_lost, was->tracked);
		reduced += r->reduced != 0;
		free(i.octets);
		restored_free(&a);
		restored_free(&b);
	}
	assert_true(reduced > 0);
}

/* None of the octets changed, none missing, none too many. */
static void refuse(const uint8_t *octets, size_t len, struct restored *r)
{
	assert_int_not_equal(
		image_load(octets, len, r, NULL, state_readers, state_readers_count, len),
		STATE_OK);
}

static void no_damage_is_taken(void **state)
{
	struct restored a, b;
	(void)state;

	restored_like(&b, 10, 10, 64);
	grow(&a, 5, 1);
	struct image i = image_save(a.store, a.detector, 7, 70000);
	assert_in_range(i.len, 1000, 60000);
	for (size_t at = 0; at < i.len; at++) {
		refuse(i.octets, at, &b);
		for (unsigned bit = (unsigned)(at % 3); bit < 8; bit += i.len < 6000 ? 1 : 3) {
			i.octets[at] ^= (uint8_t)(1u << bit);
			refuse(i.octets, i.len, &b);
			i.octets[at] ^= (uint8_t)(1u << bit);
		}
	}
	restored_free(&a);
	free(i.octets);

	grow(&a, 6, 100);
	i = image_save(a.store, a.detector, 7, 70000);
	for (unsigned n = 0; n < 1500; n++) {
		size_t at = below((uint32_t)i.len);
		uint8_t was = i.octets[at];
		i.octets[at] ^= (uint8_t)(1 + below(255));
		refuse(i.octets, i.len, &b);
		i.octets[at] = was;
		refuse(i.octets, below((uint32_t)i.len), &b);
	}
	take(&i, &b);
	i.octets = realloc(i.octets, i.len + 1);
	i.octets[i.len] = 0;
	refuse(i.octets, i.len + 1, &b);
	restored_free(&a);
	restored_free(&b);
	free(i.octets);
}

/* Changed with a right checksum: it may be taken, but the tables stay whole and work on. */
static void lies_do_no_harm(void **state)
{
	struct restored a, b;
	unsigned taken = 0, rejected = 0;
	(void)state;

	restored_like(&b, 12, 11, 300);
	grow(&a, 7, 60);
	struct image i = image_save(a.store, a.detector, 7, 70000), lie;
	for (unsigned n = 0; n < 300; n++) {
		lie = (struct image){i.len, malloc(i.len)};
		memcpy(lie.octets, i.octets, i.len);
		for (unsigned k = 0; k < 1 + n % 30; k++)
			lie.octets[STATE_HEADER + below((uint32_t)i.len - STATE_HEADER)] =
				(uint8_t)below(256);
		image_seal(&lie);
		if (image_load(lie.octets, lie.len, &b, NULL, state_readers, state_readers_count,
			    50000) == STATE_OK) {
			taken++;
			rejected += b.load.rejected != 0;
			assert_int_equal(store_account_error(b.store), 0);
			assert_int_equal(detect_account_error(b.detector), 0);
			shard = test_shard(10);
			now = store_now(b.store) / EPOCH * EPOCH;
			for (unsigned e = 0; e < 5; e++) {
				epoch_draw();
				epoch_merge(b.store, b.detector);
			}
			free(shard);
		}
		free(lie.octets);
	}
	assert_true(taken > 50 && rejected > 50);
	restored_free(&a);
	restored_free(&b);
	free(i.octets);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(goes_on_as_before),
		cmocka_unit_test(smaller_tables_keep_the_evidence),
		cmocka_unit_test(no_damage_is_taken),
		cmocka_unit_test(lies_do_no_harm),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
