/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Why a name is flagged and why not, in every tier of the store; and what is lacking for
 * a verdict, of which the rules themselves are asked.
 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <stdio.h>
#include <cmocka.h>

#include "detect/explain.h"
#include "tests/unit/store_fixture.h"

#define START (20000u * 86400u)
#define EPOCH 300u
#define DAY 86400u

static const struct net_lookup net = {test_network, NULL};
static const char suffixes[] = "com\n";

static struct store *st;
static struct shard *shard;
static struct detector *detector;
static struct detect_config config;
static struct psl *psl;
static struct explanation e;
static uint32_t now;
static uint32_t ttl;

static int begin(void **state)
{
	struct psl_error error;
	size_t size = psl_size(suffixes, strlen(suffixes));

	(void)state;
	now = START;
	ttl = 150;
	st = test_store(12, 12, 64);
	shard = test_shard(10);
	detect_defaults(&config);
	detector = detector_init(test_memory(detector_size(16)), 16, &config);
	psl = psl_init(test_memory(size), size, suffixes, strlen(suffixes), &error);
	return psl ? 0 : -1;
}

static int end(void **state)
{
	(void)state;
	free(detector);
	free(shard);
	free(st);
	free(psl);
	return 0;
}

/* "xxxx.com" in wire form. */
static unsigned domain_of(uint32_t id, uint8_t name[10])
{
	test_name(id, name);
	memcpy(name + 5, "\3com", 5);
	return 10;
}

static uint64_t key_of(uint32_t id)
{
	uint8_t name[10];

	return hash_bytes(name, domain_of(id, name), test_sketch) | 1;
}

static uint64_t unit_of(unsigned n)
{
	return (uint64_t)(0x0800 + n % 60) << 16 | (n / 60 + 1);
}

static void answer(uint32_t id, unsigned from, unsigned n, unsigned glue, enum evidence_grade grade)
{
	uint8_t name[10];
	uint64_t unit[32], server[2] = {id * 2 + 1, id * 2 + 2};

	for (unsigned i = 0; i < n; i++)
		unit[i] = unit_of(from + i);
	struct shard_observation o = {
		.key = key_of(id),
		.host = key_of(id),
		.name = name,
		.name_len = (uint8_t)domain_of(id, name),
		.unit = unit,
		.units = (uint8_t)n,
		.ttl = ttl,
		.now = now + 10,
		.grade = grade,
		.ns_name = server,
		.ns_names = glue ? 2 : 0,
		.ns_unit = unit,
		.ns_units = (uint8_t)glue,
		.ns_ttl = glue ? 300 : 0,
	};
	shard_observe(shard, &o);
}

static void judge(void *ctx, struct domain *d)
{
	(void)ctx;
	detect_judge(detector, st, d, now);
}

static void close_epoch(uint32_t seconds)
{
	struct shard *shards[] = {shard};

	now += seconds;
	store_merge(st, shards, 1, now, &net);
	shard_clear(shard);
	store_touched(st, judge, NULL);
	detect_sweep(detector, st, now);
}

static void explain(uint32_t id, const char *host)
{
	struct dns_name name;
	uint8_t wire[10];
	char text[64];

	domain_of(id, wire);
	snprintf(text, sizeof(text), "%s%.4s.com", host, (const char *)wire + 1);
	assert_int_equal(dns_name_parse(text, &name), 0);
	explain_name(detector, st, psl, &net, false, &name, now, &e);
	assert_int_equal(e.time, now);
	assert_int_equal(e.name_len, 10);
	assert_memory_equal(e.name, wire, 10);
	assert_true(e.text[0]);
}

static void a_public_suffix_has_nothing(void **state)
{
	struct dns_name name;

	(void)state;
	assert_int_equal(dns_name_parse("com", &name), 0);
	explain_name(detector, st, psl, &net, false, &name, now, &e);
	assert_int_equal(e.tier, TIER_NOTHING);
	assert_int_equal(e.name_len, 0);
	assert_non_null(strstr(e.text, "public suffix"));
}

static void each_tier_tells_what_it_knows(void **state)
{
	(void)state;
	explain(7, "");
	assert_int_equal(e.tier, TIER_NOTHING);
	assert_int_equal(e.samples, 0);

	answer(7, 0, 1, 0, EVIDENCE_PAIRED);
	close_epoch(EPOCH);
	explain(7, "a.b.");
	assert_int_equal(e.tier, TIER_DOORKEEPER);
	assert_int_equal(e.addresses, 1);
	assert_int_equal(e.last_seen, START);

	answer(7, 1, 1, 0, EVIDENCE_UNPAIRED);
	answer(7, 2, 1, 0, EVIDENCE_ALIAS);
	close_epoch(EPOCH);
	explain(7, "www.");
	assert_int_equal(e.tier, TIER_CANDIDATE);
	assert_int_equal(e.addresses, 2);
	assert_int_equal(e.samples, 2);
	assert_int_equal(e.grade[EVIDENCE_UNPAIRED], 1);
	assert_int_equal(e.grade[EVIDENCE_ALIAS], 1);
	assert_int_equal(e.ttl_max, 150);
	assert_int_equal(e.windows, 0);
	for (unsigned i = 0; i < e.samples; i++)
		assert_int_equal(e.sample[i].asn, address_aggregate(e.sample[i].unit) + 1);

	answer(7, 3, 6, 0, EVIDENCE_PAIRED);
	close_epoch(EPOCH);
	explain(7, "");
	assert_int_equal(e.tier, TIER_RECORD);
	assert_false(e.flagged);
	assert_int_equal(e.addresses, e.samples);
	assert_int_equal(e.grade[EVIDENCE_PAIRED], 6);
	assert_int_equal(e.windows, FLUX_WINDOW_COUNT);
	/* A name that waits in the doorkeeper is forgotten after seven days. */
	answer(8, 0, 1, 0, EVIDENCE_PAIRED);
	close_epoch(EPOCH);
	close_epoch(9 * DAY);
	explain(8, "");
	assert_int_equal(e.tier, TIER_NOTHING);
}

/* What is said of a window is what a judgement finds there, clause by clause. */
static void window_agrees_with_the_rules(const struct explained_window *w)
{
	struct ruling r;

	rules_apply(&config, &w->features, &r);
	if (w->features.addresses >= config.small_min_addresses)
		assert_int_equal(w->ruling.class, r.class);
	for (unsigned k = 0; k < CLAUSE_COUNT; k++) {
		const struct explained_clause *c = &w->clause[k];
		double value = clause_value((enum clause)k, &w->features);
		double threshold = clause_threshold((enum clause)k, &config, w->features.window);

		assert_int_equal(c->clause, k);
		assert_true(c->reason.value == value && c->reason.threshold == threshold);
		assert_true(c->holds == (c->short_by == 0));
		assert_true(c->short_by >= 0);
		if (!c->holds)
			assert_true(c->short_by == (clause_at_least((enum clause)k)
								   ? threshold - value
								   : value - threshold));
		assert_true(!c->counts || c->holds);
	}
}

static void a_flagged_name_tells_its_verdict(void **state)
{
	(void)state;
	for (unsigned epoch = 0; epoch < 12; epoch++) {
		answer(7, epoch * 6, 6, 6, EVIDENCE_PAIRED);
		close_epoch(EPOCH);
		explain(7, "");
		for (unsigned w = 0; w < e.windows; w++)
			window_agrees_with_the_rules(&e.window[w]);
	}
	assert_true(e.flagged);
	assert_int_equal(e.verdict.class, FLUX_DOUBLE);
	assert_int_equal(e.verdict.key, key_of(7));
	assert_true(e.streak >= 2);
	assert_int_equal(e.last_met, now);
	assert_non_null(strstr(e.text, "Flagged as double_flux"));
	unsigned counts = 0, ruled = 0;
	for (unsigned w = 0; w < e.windows; w++) {
		if (e.window[w].ruling.class == FLUX_NONE)
			continue;
		ruled++;
		assert_int_equal(e.window[w].ways, 0);
		for (unsigned k = 0; k < CLAUSE_COUNT; k++)
			counts += e.window[w].clause[k].counts;
	}
	assert_true(ruled > 0 && counts >= 10 * ruled);
	for (unsigned i = 1; i < e.samples; i++)
		assert_true(e.sample[i - 1].last >= e.sample[i].last);

	/* Nothing more comes: it is flagged still, and says that no rule is met. */
	close_epoch(DAY - 1);
	now += EPOCH;
	explain(7, "");
	assert_true(e.flagged);
	assert_non_null(strstr(e.text, "No rule is met now"));
}

/* A name on a list of its own, by hand. */
static void a_list_is_named(void **state)
{
	uint64_t hash;
	uint8_t name[10];
	struct name_lists popular = {.popular = {.n = 1, .room = 1, .hash = &hash}};
	struct name_lists infrastructure = {.infrastructure = {.n = 1, .room = 1, .hash = &hash}};

	(void)state;
	hash = hash_bytes(name, domain_of(7, name), (struct hash_key){0, 0});
	detector_lists(detector, &popular);
	for (unsigned epoch = 0; epoch < 12; epoch++) {
		answer(7, epoch * 6, 6, 6, EVIDENCE_PAIRED);
		answer(8, epoch * 6, 6, 6, EVIDENCE_PAIRED);
		close_epoch(EPOCH);
	}
	explain(7, "www.");
	assert_int_equal(e.listed, LISTED_POPULAR);
	assert_true(e.flagged && e.verdict.suspected);
	assert_non_null(strstr(e.text, "detect.popular: no more than suspected"));
	explain(8, "");
	assert_int_equal(e.listed, LISTED_NOT);
	assert_null(strstr(e.text, "detect.popular"));

	detector_lists(detector, &infrastructure);
	close_epoch(1);
	explain(7, "www.");
	assert_int_equal(e.listed, LISTED_INFRASTRUCTURE);
	assert_false(e.flagged);
	assert_non_null(strstr(e.text, "Not flagged: it is on the list detect.infrastructure"));
	assert_non_null(strstr(e.text, "double_flux over 1h would be met"));
	for (unsigned w = 0; w < e.windows; w++) {
		assert_int_equal(e.window[w].ruling.class, FLUX_NONE);
		if (e.window[w].ruling.held != FLUX_NONE)
			assert_int_equal(e.window[w].ways, 0);
	}
	close_epoch(DAY - 1);
	now += EPOCH;
	explain(7, "");
	assert_non_null(strstr(e.text, "no rule is met besides"));
}

/* What may be no more than so much fails by what is too much. */
static void both_kinds_of_clauses_fail_by_something(void **state)
{
	(void)state;
	ttl = 4000;
	for (unsigned epoch = 0; epoch < 3; epoch++) {
		answer(7, epoch * 3, 3, 0, EVIDENCE_PAIRED);
		close_epoch(EPOCH);
	}
	explain(7, "");
	assert_int_equal(e.tier, TIER_RECORD);
	for (unsigned w = 0; w < e.windows; w++) {
		window_agrees_with_the_rules(&e.window[w]);
		assert_false(e.window[w].clause[CLAUSE_TTL].holds);
		assert_true(e.window[w].clause[CLAUSE_TTL].short_by == 4000 - config.max_ttl);
		assert_false(e.window[w].clause[CLAUSE_SIBLINGS].holds);
	}
}

/* A question leaves no trace: the record is the same to the last bit. */
static void asking_changes_nothing(void **state)
{
	struct domain before;

	(void)state;
	for (unsigned epoch = 0; epoch < 5; epoch++) {
		answer(7, epoch * 3, 3, 0, EVIDENCE_PAIRED);
		close_epoch(EPOCH);
	}
	now += 9 * DAY;
	before = *store_find(st, key_of(7));
	explain(7, "");
	assert_memory_equal(&before, store_find(st, key_of(7)), sizeof(before));
	assert_true(e.addresses < before.items);
}

/* Features of a domain that lacks nothing but structure. */
static struct features plain(enum flux_window w)
{
	return (struct features){
		.window = w,
		.seconds = 3600,
		.addresses = 40,
		.networks = 20,
		.effective_networks = 15,
		.top_network_share = 0.1,
		.aggregates = 20,
		.effective_aggregates = 15,
		.asn_known = 1,
		.ttl_max = 150,
		.fresh_epochs = 10,
		.growth = 0.9,
		.novelty = 0.5,
		.new_per_epoch = 3,
		.answer_max = 5,
		.host_networks = 20,
		.host_share = 1,
		.owned_share = 1,
		.sample_share = 1,
		.paired_share = 1,
	};
}

static bool lacks(const struct way *w, enum clause k)
{
	return w->clauses >> k & 1;
}

static void the_nearest_way_stands_first(void **state)
{
	struct way way[WAYS_MAX];
	struct features f = plain(WINDOW_1H);
	bool glue = false, servers = false, share = false;

	(void)state;
	unsigned n = ways_find(&config, &f, way);
	assert_true(n >= 3);
	for (unsigned i = 0; i < n; i++) {
		if (i > 0)
			assert_true(__builtin_popcountll(way[i - 1].clauses) <=
				    __builtin_popcountll(way[i].clauses));
		glue |= way[i].clauses == 1u << CLAUSE_GLUE;
		servers |=
			lacks(&way[i], CLAUSE_NS_ADDRESSES) && lacks(&way[i], CLAUSE_NS_NETWORKS);
		share |= lacks(&way[i], CLAUSE_SIBLINGS) && way[i].suspected;
	}
	assert_true(glue && servers && share);

	/* What else is lacking is lacking in every way. */
	f.networks = 3;
	n = ways_find(&config, &f, way);
	assert_true(n >= 3);
	for (unsigned i = 0; i < n; i++)
		assert_true(lacks(&way[i], CLAUSE_NETWORKS));
}

/* Each way leads to a ruling, and none that is a part of it does. */
static void ways_are_whole_and_minimal(void **state)
{
	(void)state;
	for (unsigned i = 0; i < 200; i++) {
		struct features f = plain((enum flux_window)(i % FLUX_WINDOW_COUNT));
		struct way way[WAYS_MAX];

		f.addresses = i % 17;
		f.effective_networks = i % 7;
		f.ttl_max = i % 5 * 900;
		f.novelty = f.growth = i % 3 * 0.2;
		f.glue_in_pool = i % 4;
		f.asn_known = i % 2;
		unsigned n = ways_find(&config, &f, way);
		for (unsigned j = 0; j < n; j++) {
			struct ruling r;

			assert_true(way[j].clauses != 0);
			assert_int_not_equal(way[j].class, FLUX_NONE);
			for (uint64_t bits = way[j].clauses; bits; bits &= bits - 1)
				assert_false(clause_holds(
					(enum clause)__builtin_ctzll(bits), &config, &f));
			for (unsigned other = 0; other < n; other++)
				if (other != j)
					assert_false((way[j].clauses & way[other].clauses) ==
						     way[j].clauses);
			rules_apply(&config, &f, &r);
			assert_int_equal(r.class, FLUX_NONE);
		}
	}
}

static void a_rule_that_is_met_lacks_nothing(void **state)
{
	struct way way[WAYS_MAX];
	struct features f = plain(WINDOW_1H);

	(void)state;
	f.glue_in_pool = 5;
	assert_int_equal(ways_find(&config, &f, way), 0);
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, begin, end)
	const struct CMUnitTest tests[] = {
		TEST(a_public_suffix_has_nothing),
		TEST(each_tier_tells_what_it_knows),
		TEST(a_flagged_name_tells_its_verdict),
		TEST(a_list_is_named),
		TEST(both_kinds_of_clauses_fail_by_something),
		TEST(asking_changes_nothing),
		TEST(the_nearest_way_stands_first),
		TEST(ways_are_whole_and_minimal),
		TEST(a_rule_that_is_met_lacks_nothing),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
