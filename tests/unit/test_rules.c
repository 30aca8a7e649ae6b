/* SPDX-License-Identifier: BSD-3-Clause */
/* The rules over features that are set by hand: each clause at its edge, and what they add up to.
 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "detect/rules.h"
#include "tests/unit/random.h"

static struct detect_config config;

static int defaults(void **state)
{
	(void)state;
	detect_defaults(&config);
	return 0;
}

/* Each clause of base and movement just holds; no sign does. */
static struct features moving(void)
{
	return (struct features){
		.window = WINDOW_1H,
		.seconds = 3600,
		.addresses = config.min_addresses,
		.networks = config.min_networks,
		.effective_networks = config.min_effective_networks,
		.top_network_share = config.max_top_network_share,
		.aggregates = config.min_aggregates,
		.effective_aggregates = config.min_effective_aggregates,
		.asn_known = 0.5,
		.ttl_max = config.max_ttl,
		.answer_max = config.max_slow_answer + 1,
		.host_networks = config.min_host_networks,
		.host_share = config.min_host_share,
		.fresh_epochs = config.min_fresh_epochs,
		.growth = config.min_growth_1h,
		.novelty = config.min_novelty,
		.new_per_epoch = config.min_new_per_epoch,
		.ns_ttl = config.max_ns_ttl + 1,
		.owned_share = config.min_owned_share,
		.sample_share = 1,
		.paired_share = config.min_paired_share,
	};
}

/* And each sign of the set. OPEN convicts in the long window only. */
static struct features with(struct features f, unsigned signs)
{
	if (signs & SIGN_NS) {
		f.ns_names = 2;
		f.ns_addresses = fmax(config.min_ns_addresses, 2 * config.min_ns_per_name);
		f.ns_networks = config.min_ns_networks;
	}
	if (signs & SIGN_GLUE)
		f.glue_in_pool = config.min_glue_in_pool;
	if (signs & SIGN_SHARE) {
		f.shared_units = config.min_shared_units;
		f.shared_networks = config.min_shared_networks;
		f.siblings = config.min_siblings;
	}
	if (signs & SIGN_OPEN) {
		f.seconds = fmax(f.seconds, config.min_open_seconds);
		f.networks_at_once = config.min_networks_at_once;
		f.open_ratio = config.min_open_ratio;
		f.open_evidence = config.min_open_evidence;
	}
	if (signs & SIGN_NEW) {
		f.history = fmax(f.history, config.min_history);
		f.age = fmin(f.age, config.max_new_age);
		f.fresh_epochs = fmax(f.fresh_epochs, config.min_new_epochs);
	}
	if (signs & SIGN_OWN) {
		f.own_addresses = config.min_own_addresses;
		f.own_share = config.max_own_share;
		f.history = fmax(f.history, config.min_history);
	}
	if (signs & SIGN_EYEBALL) {
		f.eyeball_least = config.min_eyeball_share;
		f.fresh_epochs = fmax(f.fresh_epochs, config.min_new_epochs);
	}
	if (signs & SIGN_PASSING) {
		f.seconds = fmax(f.seconds, config.min_open_seconds);
		f.host_names = fmax(
			config.min_passing_names, ceil(config.min_names_per_address * f.addresses));
		f.names_share = fmax(f.names_share, config.min_passing_share);
		f.never_return = fmax(f.never_return, config.min_passing);
		f.growth = fmax(f.growth, config.min_passing_growth);
		f.fresh_epochs = fmax(f.fresh_epochs, config.min_passing_epochs);
	}
	return f;
}

static struct features long_window(struct features f)
{
	f.window = WINDOW_24H;
	f.growth = config.min_growth_24h;
	return f;
}

static struct ruling rule(struct features f)
{
	struct ruling r;

	rules_apply(&config, &f, &r);
	return r;
}

static void near(double value, double expected)
{
	if (fabs(value - expected) > 1e-9)
		fail_msg("%.12f, and not %.12f", value, expected);
}

/* A clause of the base that fails alone: a step beyond the edge, and the rule is not met. */
static void every_clause_of_the_base_is_needed(void **state)
{
	struct features f;

	(void)state;
	assert_int_equal(rule(with(moving(), SIGN_GLUE)).class, FLUX_SINGLE);
#define WITHOUT(field, value) \
	f = with(moving(), SIGN_GLUE); \
	f.field = (value); \
	assert_int_equal(rule(f).class, FLUX_NONE)
	WITHOUT(addresses, config.min_addresses - 0.01);
	WITHOUT(networks, config.min_networks - 1);
	WITHOUT(effective_networks, config.min_effective_networks - 0.01);
	WITHOUT(top_network_share, config.max_top_network_share + 0.01);
	WITHOUT(ttl_max, config.max_ttl + 1);
	WITHOUT(owned_share, config.min_owned_share - 0.01);
	/* And of the movement, with no second sign. */
	WITHOUT(fresh_epochs, config.min_fresh_epochs - 1);
	WITHOUT(new_per_epoch, config.min_new_per_epoch - 0.01);
	/* Growth or novelty will do. */
	f = with(moving(), SIGN_GLUE);
	f.growth = config.min_growth_1h - 0.01;
	assert_int_equal(rule(f).class, FLUX_SINGLE);
	f.novelty = config.min_novelty - 0.01;
	assert_int_equal(rule(f).class, FLUX_NONE);
	f.growth = config.min_growth_1h;
	assert_int_equal(rule(f).class, FLUX_SINGLE);
	/* A day asks for more of it than an hour. */
	f.window = WINDOW_24H;
	assert_int_equal(rule(f).class, FLUX_NONE);
	f.growth = config.min_growth_24h;
	assert_int_equal(rule(f).class, FLUX_SINGLE);
}

static void without_asns_prefixes_are_counted(void **state)
{
	struct features f = with(moving(), SIGN_GLUE);

	(void)state;
	f.asn_known = 0.49;
	f.networks = f.effective_networks = 1;
	f.top_network_share = 1;
	struct ruling r = rule(f);
	assert_int_equal(r.class, FLUX_SINGLE);
	assert_true(r.clauses >> CLAUSE_AGGREGATES & 1 && !(r.clauses >> CLAUSE_NETWORKS & 1));
	f.aggregates = config.min_aggregates - 1;
	assert_int_equal(rule(f).class, FLUX_NONE);
	f.aggregates = config.min_aggregates;
	f.effective_aggregates = config.min_effective_aggregates - 0.01;
	assert_int_equal(rule(f).class, FLUX_NONE);
	f.asn_known = 0.5;
	f.effective_aggregates = config.min_effective_aggregates;
	assert_int_equal(rule(f).class, FLUX_NONE);
}

/* Movement with one sign, or two without but new and own: nothing less convicts. */
static void movement_needs_a_sign_and_structure_needs_two(void **state)
{
	(void)state;
	for (unsigned signs = 0; signs < 64; signs++) {
		for (unsigned moves = 0; moves < 2; moves++) {
			for (unsigned day = 0; day < 2; day++) {
				struct features f = with(moving(), signs);
				/* Within the hour it may be a list that is made anew. */
				unsigned weak = SIGN_SHARE | (day ? 0 : SIGN_OPEN);
				unsigned lasting = signs & ~(unsigned)(SIGN_NEW | SIGN_OWN);
				unsigned n = (unsigned)__builtin_popcount(lasting);

				if (day)
					f = long_window(f);
				if (!moves)
					f.new_per_epoch = 0;
				struct ruling r = rule(f);
				assert_int_equal(r.signs, signs);
				assert_int_equal(r.moves, moves);
				assert_true(r.base);
				bool flux = (moves && signs) || n >= 2;
				bool twofold = signs & SIGN_NS;
				assert_int_equal(r.class, !flux     ? FLUX_NONE
							  : twofold ? FLUX_DOUBLE
								    : FLUX_SINGLE);
				assert_int_equal(r.suspected, flux && (lasting & ~weak) == 0);
			}
		}
	}
}

/* Whose they are is told of a pool that is as old as the watch, too, and holds nothing against it.
 */
static void own_subscribers_are_named_anyhow(void **state)
{
	struct features f = with(moving(), SIGN_OWN);
	struct reason reason;

	(void)state;
	assert_int_equal(rule(f).class, FLUX_SINGLE);
	assert_true(rule(f).suspected);
	f.history = 0;
	assert_int_equal(rule(f).class, FLUX_NONE);
	f = with(f, SIGN_GLUE);
	struct ruling r = rule(f);
	assert_int_equal(r.signs, SIGN_GLUE);
	assert_false(r.suspected);
	near(r.score, rule(with(moving(), SIGN_GLUE)).score);
	assert_true(r.clauses >> CLAUSE_OWN & 1 && r.clauses >> CLAUSE_OWN_SHARE & 1);
	clause_reason(CLAUSE_OWN, &config, &f, &reason);
	assert_string_equal(
		reason.text, "some 3 of the addresses are own subscribers' (at least 3)");
}

static void glue_is_double_flux_with_enough_servers(void **state)
{
	struct features f = with(moving(), SIGN_GLUE);

	(void)state;
	f.ns_addresses = config.min_ns_addresses - 1;
	assert_int_equal(rule(f).class, FLUX_SINGLE);
	f.ns_addresses = config.min_ns_addresses;
	struct ruling r = rule(f);
	assert_int_equal(r.signs, SIGN_GLUE);
	assert_int_equal(r.class, FLUX_DOUBLE);
}

/* Each clause of a sign at its edge. */
static void every_clause_of_a_sign_is_needed(void **state)
{
	const struct {
		unsigned sign;
		size_t field;
		double step;
	} cases[] = {
#define CASE(sign, field, step) {sign, offsetof(struct features, field), step}
		CASE(SIGN_NS, ns_addresses, -1),
		CASE(SIGN_NS, ns_networks, -1),
		CASE(SIGN_NS, ns_names, 1),
		CASE(SIGN_GLUE, glue_in_pool, -1),
		CASE(SIGN_SHARE, shared_units, -1),
		CASE(SIGN_SHARE, shared_networks, -1),
		CASE(SIGN_SHARE, siblings, -1),
		CASE(SIGN_OPEN, seconds, -1),
		CASE(SIGN_OPEN, open_ratio, -0.01),
		CASE(SIGN_OPEN, open_evidence, -0.01),
		CASE(SIGN_NEW, history, -1),
		CASE(SIGN_NEW, age, config.max_new_age + 1),
		CASE(SIGN_NEW, fresh_epochs, -1),
		CASE(SIGN_OWN, own_addresses, -1),
		CASE(SIGN_OWN, own_share, 0.01),
		CASE(SIGN_OWN, history, -1),
		CASE(SIGN_EYEBALL, eyeball_least, -0.01),
		CASE(SIGN_EYEBALL, fresh_epochs, -1),
		CASE(SIGN_PASSING, seconds, -1),
		CASE(SIGN_PASSING, host_names, -1),
		CASE(SIGN_PASSING, addresses, 32),
		CASE(SIGN_PASSING, names_share, -0.01),
		CASE(SIGN_PASSING, never_return, -0.01),
		CASE(SIGN_PASSING, growth, -0.01),
		CASE(SIGN_PASSING, fresh_epochs, -1),
	};

	(void)state;
	for (unsigned i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct features f = with(long_window(moving()), cases[i].sign);
		double value;

		assert_int_equal(rule(f).signs, cases[i].sign);
		memcpy(&value, (char *)&f + cases[i].field, sizeof(value));
		value += cases[i].step;
		memcpy((char *)&f + cases[i].field, &value, sizeof(value));
		if (rule(f).signs != 0)
			fail_msg("case %u: the sign holds all the same", i);
	}
}

/* Over the hour hosts must come and go in several networks at once. */
static void in_turns_is_not_open_within_the_hour(void **state)
{
	struct features f = with(moving(), SIGN_OPEN);

	(void)state;
	assert_int_equal(rule(f).signs, SIGN_OPEN);
	assert_true(rule(f).suspected);
	f.networks_at_once = config.min_networks_at_once - 0.1;
	assert_int_equal(rule(f).signs, 0);
	assert_int_equal(rule(long_window(f)).signs, SIGN_OPEN);
}

/* Servers whose names change need not have many addresses each, if their records are short. */
static void changing_server_names_stand_in_for_many_addresses(void **state)
{
	struct features f = with(moving(), SIGN_NS);

	(void)state;
	f.ns_names = 10;
	assert_int_equal(rule(f).signs, 0);
	f.ns_changes = config.min_ns_changes;
	assert_int_equal(rule(f).signs, 0);
	f.ns_ttl = config.max_ns_ttl;
	struct ruling r = rule(f);
	assert_int_equal(r.signs, SIGN_NS);
	assert_true(r.clauses >> CLAUSE_NS_CHANGES & 1 && r.clauses >> CLAUSE_NS_TTL & 1);
	assert_false(r.clauses >> CLAUSE_NS_PER_NAME & 1);
	f.ns_changes = config.min_ns_changes - 1;
	assert_int_equal(rule(f).signs, 0);
	f.ns_names = 2;
	r = rule(f);
	assert_int_equal(r.signs, SIGN_NS);
	assert_false(r.clauses >> CLAUSE_NS_CHANGES & 1 || r.clauses >> CLAUSE_NS_TTL & 1);
}

/* What it had goes on beside what moves: no more than a suspicion, and no less. */
static void a_settled_name_is_a_suspect(void **state)
{
	struct features f = with(moving(), SIGN_GLUE | SIGN_NS);

	(void)state;
	f.settled = config.min_settled;
	f.settled_beside = config.min_settled_beside;
	struct ruling r = rule(f);
	assert_int_equal(r.class, FLUX_DOUBLE);
	assert_true(r.suspected);
	assert_true(r.clauses >> CLAUSE_SETTLED & 1);
	assert_false(r.clauses >> CLAUSE_ESTABLISHED & 1);
	f.settled = config.min_settled - 1;
	assert_false(rule(f).suspected);
	/* One host name of a domain may flux, unless the domain is known for long. */
	f.settled = config.min_established - 1;
	f.settled_beside = config.min_settled_beside - 1;
	assert_false(rule(f).suspected);
	f.settled = config.min_established;
	r = rule(f);
	assert_int_equal(r.class, FLUX_DOUBLE);
	assert_true(r.suspected && r.clauses >> CLAUSE_ESTABLISHED & 1);
	/* It makes no verdict, nor a worse one. */
	assert_int_equal(rule(with(moving(), 0)).class, FLUX_NONE);
}

static void unpaired_answers_do_not_convict(void **state)
{
	struct features f = with(moving(), SIGN_GLUE | SIGN_NS);

	(void)state;
	assert_false(rule(f).suspected);
	f.paired_share = config.min_paired_share - 0.01;
	assert_int_equal(rule(f).class, FLUX_DOUBLE);
	assert_true(rule(f).suspected);
}

/* Eight or nine addresses: two signs, of which one is share, and no more than a suspicion. */
static void few_addresses_make_a_suspect(void **state)
{
	(void)state;
	for (double n = config.small_min_addresses - 1; n < config.min_addresses; n++) {
		for (unsigned signs = 0; signs < 64; signs++) {
			struct features f = long_window(with(moving(), signs));

			f.addresses = n;
			struct ruling r = rule(f);
			unsigned lasting = signs & ~(unsigned)(SIGN_NEW | SIGN_OWN);
			bool suspect = n >= config.small_min_addresses && signs & SIGN_SHARE &&
				       __builtin_popcount(lasting) >= 2;
			assert_int_equal(r.class, suspect ? FLUX_SINGLE : FLUX_NONE);
			assert_int_equal(r.suspected, suspect);
			assert_false(r.base);
		}
	}
}

static void the_score_is_its_terms(void **state)
{
	static const struct {
		unsigned signs;
		double points;
	} cases[] = {
		{SIGN_NS, 20},
		{SIGN_SHARE, 20},
		{SIGN_GLUE, 15},
		{SIGN_OPEN, 25},
		{SIGN_NEW, 10},
		{SIGN_OWN, 10},
		{SIGN_NS | SIGN_GLUE, 35},
		{SIGN_NS | SIGN_GLUE | SIGN_SHARE, 55},
	};
	struct features f;

	(void)state;
	for (unsigned i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		f = long_window(with(moving(), cases[i].signs));
		near(rule(f).score, 30 + 10 + cases[i].points);
		f.effective_networks = 8;
		near(rule(f).score, 30 + 10 + cases[i].points + 5);
		f.effective_networks = 12;
		near(rule(f).score, fmin(100, 30 + 10 + cases[i].points + 10));
		f.effective_networks = 1000;
		near(rule(f).score, fmin(100, 30 + 10 + cases[i].points + 10));
	}
	f = with(moving(), SIGN_NS | SIGN_GLUE);
	f.new_per_epoch = 0;
	near(rule(f).score, 30 + 35);
	const double ttls[] = {29, 30, 600, 601};
	for (unsigned i = 0; i < 4; i++) {
		f.ttl_max = ttls[i];
		near(rule(f).score, 30 + 35 + (i == 1 || i == 2 ? 5 : 0));
	}
	f.asn_known = 0;
	f.effective_aggregates = 8;
	f.ttl_max = 601;
	near(rule(f).score, 30 + 35 + 5);
	near(rule(long_window(with(moving(), 15))).score, 100);
	/* Less spread than the term starts at takes nothing away. */
	config.min_effective_networks = 2;
	near(rule(with(moving(), SIGN_GLUE)).score, 30 + 10 + 15);
	detect_defaults(&config);
}

static void confidence_is_scaled_by_what_is_not_known(void **state)
{
	struct features f = with(moving(), SIGN_GLUE);

	(void)state;
	f.paired_share = 1;
	near(rule(f).confidence, 0.55 + 0.15);
	f = with(f, SIGN_NS);
	near(rule(f).confidence, 0.55 + 0.30);
	near(rule(long_window(with(f, 15))).confidence, 0.55 + 0.45);
	f.paired_share = 0.5;
	near(rule(f).confidence, 0.85 * 0.8);
	f.asn_known = 0.4;
	near(rule(f).confidence, 0.85 * 0.8 * 0.9);
	f.asn_known = 1;
	f.paired_share = 0;
	near(rule(f).confidence, 0.85 * 0.6 * 0.6);
}

/* A clause is a reason exactly when it holds and the rule counts it. */
static void reasons_are_the_clauses_that_count(void **state)
{
	(void)state;
	for (unsigned signs = 1; signs < 16; signs++) {
		struct features f = long_window(with(moving(), signs));
		struct ruling r = rule(f);
		uint64_t base = UINT64_C(1) << CLAUSE_ADDRESSES | UINT64_C(1) << CLAUSE_NETWORKS |
				UINT64_C(1) << CLAUSE_EFFECTIVE | UINT64_C(1) << CLAUSE_TOP |
				UINT64_C(1) << CLAUSE_TTL | UINT64_C(1) << CLAUSE_OWNED;
		uint64_t moves = UINT64_C(1) << CLAUSE_FRESH | UINT64_C(1) << CLAUSE_NEW |
				 UINT64_C(1) << CLAUSE_GROWTH | UINT64_C(1) << CLAUSE_NOVELTY;
		uint64_t want = base | moves | UINT64_C(1) << CLAUSE_SERVERS |
				UINT64_C(1) << CLAUSE_CONTESTED;

		if (signs & SIGN_NS)
			want |= UINT64_C(1) << CLAUSE_NS_ADDRESSES |
				UINT64_C(1) << CLAUSE_NS_NETWORKS |
				UINT64_C(1) << CLAUSE_NS_PER_NAME;
		if (signs & SIGN_GLUE)
			want |= UINT64_C(1) << CLAUSE_GLUE;
		if (signs & SIGN_SHARE)
			want |= UINT64_C(1) << CLAUSE_SHARED |
				UINT64_C(1) << CLAUSE_SHARED_NETWORKS |
				UINT64_C(1) << CLAUSE_SIBLINGS;
		if (signs & SIGN_OPEN)
			want |= UINT64_C(1) << CLAUSE_OPEN_SECONDS |
				UINT64_C(1) << CLAUSE_OPEN_RATIO |
				UINT64_C(1) << CLAUSE_OPEN_EVIDENCE;
		assert_int_equal(r.clauses, want);
		/* Movement that is none is no reason, whatever of it holds. */
		f.growth = f.novelty = 0;
		assert_int_equal(rule(f).clauses, want & ~moves);
	}
}

static void a_reason_says_value_and_threshold(void **state)
{
	struct features f = with(moving(), SIGN_NS);
	struct reason reason;

	(void)state;
	f.addresses = 41;
	clause_reason(CLAUSE_ADDRESSES, &config, &f, &reason);
	assert_string_equal(reason.code, "addresses");
	assert_string_equal(reason.text, "41 distinct addresses (at least 10)");
	near(reason.value, 41);
	near(reason.threshold, config.min_addresses);
	f.ns_addresses = 9;
	f.ns_names = 2;
	clause_reason(CLAUSE_NS_PER_NAME, &config, &f, &reason);
	near(reason.value, 4.5);
	f.ns_names = 0;
	clause_reason(CLAUSE_NS_PER_NAME, &config, &f, &reason);
	near(reason.value, 9);
	f.window = WINDOW_24H;
	clause_reason(CLAUSE_GROWTH, &config, &f, &reason);
	near(reason.threshold, config.min_growth_24h);
	/* Codes are told apart, and no sentence is cut. */
	const char *codes[CLAUSE_COUNT];
	static struct reason all[CLAUSE_COUNT];
	f.addresses = f.seconds = f.ttl_max = 1e9;
	for (unsigned k = 0; k < CLAUSE_COUNT; k++) {
		clause_reason((enum clause)k, &config, &f, &all[k]);
		codes[k] = all[k].code;
		assert_true(strlen(all[k].text) > 10 && strlen(all[k].text) < 119);
		assert_non_null(strrchr(all[k].text, ')'));
		for (unsigned j = 0; j < k; j++)
			assert_string_not_equal(codes[j], codes[k]);
	}
}

static double pick(uint64_t *rng, double edge)
{
	static const double factors[] = {0, 0.5, 0.9, 1, 1, 1.1, 3};

	return edge * factors[random_below(rng, 7)];
}

static struct features random_features(uint64_t *rng)
{
	return (struct features){
		.window = (enum flux_window)random_below(rng, FLUX_WINDOW_COUNT),
		.history = pick(rng, config.min_history),
		.age = pick(rng, config.max_new_age),
		.seconds = pick(rng, config.min_open_seconds),
		.addresses = pick(rng, config.min_addresses),
		.networks = pick(rng, config.min_networks),
		.effective_networks = pick(rng, config.min_effective_networks),
		.top_network_share = pick(rng, config.max_top_network_share),
		.aggregates = pick(rng, config.min_aggregates),
		.effective_aggregates = pick(rng, config.min_effective_aggregates),
		.asn_known = pick(rng, 0.5),
		.ttl_max = pick(rng, config.max_ttl),
		.fresh_epochs = pick(rng, config.min_slow_epochs),
		.growth = pick(rng, config.min_slow_growth),
		.novelty = pick(rng, config.min_novelty),
		.per_hour = pick(rng, config.max_slow_per_hour),
		.never_return = pick(rng, config.min_never_return),
		.answer_max = pick(rng, config.max_vps_answer),
		.names_share = pick(rng, config.min_names_share),
		.host_names = pick(rng, config.min_passing_names),
		.host_networks = pick(rng, config.min_host_networks),
		.host_share = pick(rng, config.min_host_share),
		.settled = pick(rng, config.min_settled) *
			   (random_below(rng, 8) ? 1 : config.min_established / config.min_settled),
		.settled_beside = pick(rng, config.min_settled_beside),
		.contested_share = pick(rng, config.max_contested_share),
		.top_server_share = pick(rng, config.max_server_share),
		.new_per_epoch = pick(rng, config.min_new_per_epoch),
		.ns_addresses = pick(rng, config.min_ns_addresses),
		.ns_networks = pick(rng, config.min_ns_networks),
		.ns_names = random_below(rng, 5),
		.ns_changes = pick(rng, config.min_ns_changes),
		.ns_transient = pick(rng, config.min_ns_transient),
		.ns_departures = pick(rng, config.min_ns_departures),
		.ns_server_share = pick(rng, config.max_server_share),
		.ns_ttl = pick(rng, config.max_ns_ttl),
		.glue_in_pool = pick(rng, config.min_glue_in_pool),
		.shared_units = pick(rng, config.min_shared_units),
		.shared_networks = pick(rng, config.min_shared_networks),
		.siblings = pick(rng, config.min_siblings),
		.own_addresses = pick(rng, config.min_own_addresses),
		.own_share = pick(rng, config.max_own_share),
		.eyeball_least = pick(rng, config.min_eyeball_share),
		.networks_at_once = pick(rng, config.min_networks_at_once),
		.open_ratio = pick(rng, config.min_open_ratio),
		.open_evidence = pick(rng, config.min_open_evidence),
		.owned_share = pick(rng, config.min_owned_share),
		.paired_share = fmin(1, pick(rng, config.min_paired_share)),
	};
}

/* How much a class says. */
static unsigned rank(enum flux_class class)
{
	static const unsigned ranks[FLUX_CLASS_COUNT] = {
		[FLUX_VPS] = 1, [FLUX_SINGLE] = 2, [FLUX_LOW_SLOW] = 3, [FLUX_DOUBLE] = 4};

	return ranks[class];
}

/* Whatever else is known: one sign more takes nothing from score, confidence or verdict. */
static void a_sign_more_never_lowers_the_score(void **state)
{
	uint64_t rng = 11;
	unsigned raised = 0, met = 0;

	(void)state;
	for (unsigned n = 0; n < 300000; n++) {
		struct features f = random_features(&rng);
		unsigned sign = 1u << random_below(&rng, 8);
		struct ruling before = rule(f);
		struct features more = with(f, sign);

		/* Better than the edge stays better. */
		more.glue_in_pool = fmax(more.glue_in_pool, f.glue_in_pool);
		more.shared_units = fmax(more.shared_units, f.shared_units);
		more.shared_networks = fmax(more.shared_networks, f.shared_networks);
		more.siblings = fmax(more.siblings, f.siblings);
		more.own_addresses = fmax(more.own_addresses, f.own_addresses);
		more.eyeball_least = fmax(more.eyeball_least, f.eyeball_least);
		more.open_ratio = fmax(more.open_ratio, f.open_ratio);
		more.open_evidence = fmax(more.open_evidence, f.open_evidence);
		more.ns_addresses = fmax(more.ns_addresses, f.ns_addresses);
		more.ns_networks = fmax(more.ns_networks, f.ns_networks);
		more.host_names = fmax(more.host_names, f.host_names);
		struct ruling after = rule(more);
		bool met_before = before.class != FLUX_NONE;

		/* What stood still and grows now is another matter. */
		if (sign == SIGN_PASSING && before.class == FLUX_NS)
			continue;
		if (after.score < before.score ||
			(met_before && (after.confidence < before.confidence ||
					       rank(after.class) < rank(before.class) ||
					       after.suspected > before.suspected)))
			fail_msg("features %u, sign %u: score %f to %f", n, sign, before.score,
				after.score);
		assert_int_equal(before.signs & ~after.signs, 0);
		met += met_before;
		raised += after.score > before.score;
	}
	assert_true(met > 500 && raised > 3000);
}

/* What is listed as a reason holds, and what is not met is not listed. */
static void every_reason_holds(void **state)
{
	uint64_t rng = 13;
	uint64_t seen = 0;

	(void)state;
	for (unsigned n = 0; n < 200000; n++) {
		struct features f = random_features(&rng);
		/* Where the addresses stand still only a rule of its own is left. */
		if (n % 4 == 0)
			f.addresses = config.max_still_addresses;
		/* Seven clauses at once come about by chance too seldom. */
		if (n % 4 == 1)
			f = with(f, SIGN_PASSING);
		struct ruling r = rule(f);

		seen |= r.class == FLUX_NONE ? 0 : r.clauses;
		for (unsigned k = 0; k < CLAUSE_COUNT; k++) {
			if (!(r.clauses >> k & 1))
				continue;
			double value = clause_value((enum clause)k, &f);
			double edge = clause_threshold((enum clause)k, &config, f.window);
			bool most = k == CLAUSE_TOP || k == CLAUSE_TTL || k == CLAUSE_NS_TTL ||
				    k == CLAUSE_SLOW_ANSWER || k == CLAUSE_SLOW_RATE ||
				    k == CLAUSE_VPS_TOP || k == CLAUSE_VPS_ANSWER ||
				    k == CLAUSE_SERVERS || k == CLAUSE_CONTESTED ||
				    k == CLAUSE_AGE || k == CLAUSE_OWN_SHARE ||
				    k == CLAUSE_NS_SERVER || k == CLAUSE_STILL ||
				    k == CLAUSE_STILL_GROWTH;
			assert_true(most ? value <= edge : value >= edge);
		}
		assert_true(r.class == FLUX_NONE || (r.score >= 30 && r.score <= 100));
		assert_true(r.confidence >= 0 && r.confidence <= 1);
	}
	assert_int_equal(seen, (UINT64_C(1) << CLAUSE_COUNT) - 1);
}

/* Name servers alone: each clause at its edge, and none of them does without another. */
static void servers_that_come_and_go_are_ns_flux(void **state)
{
	(void)state;
	const struct features f = {.window = WINDOW_24H,
		.addresses = config.max_still_addresses,
		.growth = config.max_still_growth,
		.ns_addresses = config.min_moving_ns_addresses,
		.ns_networks = config.min_moving_ns_networks,
		.ns_names = 12,
		.ns_transient = config.min_ns_transient,
		.ns_departures = config.min_ns_departures,
		.ns_ttl = config.max_ns_ttl,
		.ns_server_share = config.max_server_share,
		.sample_share = 1,
		.paired_share = 1};
	struct features less[] = {f, f, f, f, f, f, f, f, f};
	struct ruling r;

	rules_apply(&config, &f, &r);
	assert_int_equal(r.class, FLUX_NS);
	assert_false(r.suspected);
	less[0].addresses++;
	less[1].growth += 0.01;
	less[2].ns_addresses--;
	less[3].ns_networks--;
	less[4].ns_transient--;
	less[5].ns_departures--;
	less[6].ns_ttl++;
	less[7].ns_server_share += 0.01;
	less[8].window = WINDOW_1H;
	for (unsigned i = 0; i < sizeof(less) / sizeof(less[0]); i++) {
		rules_apply(&config, &less[i], &r);
		assert_int_equal(r.class, FLUX_NONE);
	}
	less[0] = f;
	less[0].contested_share = config.max_contested_share + 0.01;
	rules_apply(&config, &less[0], &r);
	assert_int_equal(r.class, FLUX_NS);
	assert_true(r.suspected);
	/* Few addresses, known for hours before: somebody else may say where its servers are. */
	less[0] = f;
	less[0].settled = config.min_settled;
	rules_apply(&config, &less[0], &r);
	assert_int_equal(r.class, FLUX_NS);
	assert_true(r.suspected && r.clauses >> CLAUSE_SETTLED & 1);
	less[0].settled--;
	rules_apply(&config, &less[0], &r);
	assert_false(r.suspected);
}

static void classes_and_windows_have_names(void **state)
{
	(void)state;
	assert_string_equal(flux_class_name(FLUX_NONE), "none");
	assert_string_equal(flux_class_name(FLUX_SINGLE), "single_flux");
	assert_string_equal(flux_class_name(FLUX_DOUBLE), "double_flux");
	assert_string_equal(flux_class_name(FLUX_LOW_SLOW), "low_slow");
	assert_string_equal(flux_class_name(FLUX_VPS), "vps_flux");
	assert_string_equal(flux_class_name(FLUX_NS), "ns_flux");
	assert_string_equal(flux_window_name(WINDOW_1H), "1h");
	assert_string_equal(flux_window_name(WINDOW_24H), "24h");
	assert_string_equal(flux_window_name(WINDOW_10M), "10m");
	assert_string_equal(flux_window_name(WINDOW_7D), "7d");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_clause_of_the_base_is_needed),
		cmocka_unit_test(without_asns_prefixes_are_counted),
		cmocka_unit_test(movement_needs_a_sign_and_structure_needs_two),
		cmocka_unit_test(glue_is_double_flux_with_enough_servers),
		cmocka_unit_test(own_subscribers_are_named_anyhow),
		cmocka_unit_test(every_clause_of_a_sign_is_needed),
		cmocka_unit_test(in_turns_is_not_open_within_the_hour),
		cmocka_unit_test(changing_server_names_stand_in_for_many_addresses),
		cmocka_unit_test(a_settled_name_is_a_suspect),
		cmocka_unit_test(unpaired_answers_do_not_convict),
		cmocka_unit_test(few_addresses_make_a_suspect),
		cmocka_unit_test(the_score_is_its_terms),
		cmocka_unit_test(confidence_is_scaled_by_what_is_not_known),
		cmocka_unit_test(reasons_are_the_clauses_that_count),
		cmocka_unit_test(a_reason_says_value_and_threshold),
		cmocka_unit_test(a_sign_more_never_lowers_the_score),
		cmocka_unit_test(every_reason_holds),
		cmocka_unit_test(servers_that_come_and_go_are_ns_flux),
		cmocka_unit_test(classes_and_windows_have_names),
	};
	return cmocka_run_group_tests(tests, defaults, NULL);
}
