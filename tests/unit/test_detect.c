/* SPDX-License-Identifier: BSD-3-Clause */

/*
 * Who can have whom convicted: frames go through the sensor, the store and the
 * detector, as they do in an appliance. Traffic that convicts when a domain says it
 * of itself must not when somebody else says it.
 */

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>

#include "detect/rules.h"
#include "sensor/sensor.h"
#include "tests/unit/frames.h"
#include "tests/unit/random.h"
#include "tests/unit/store_fixture.h"

#define START 1700000000u
#define STEP 300u  /* seconds from one round of questions to the next */
#define STEPS 120u /* ten hours: long enough for the recapture test */
#define TTL 60u
#define ANSWER 6u
#define POOL 60u
#define SHOPS 4u
#define COPIES 3u
#define OPINIONS_MAX 16u
#define ADDRESS_TEXT 24u

static const char suffixes[] = "com\nnet\n";
/* Four authorities answer in turn, each in a network of its own. */
#define SERVERS 4u
static const struct net_lookup net = {test_network, NULL};

/* The most that was ever held against a domain. */
enum opinion { UNFLAGGED, SUSPECTED, CONVICTED };

struct world {
	struct psl *psl;
	struct sensor *sensor;
	struct shard *shard;
	struct store *store;
	struct detector *detector;
	uint64_t now_ns;
	uint64_t rng;
	uint16_t id;
	unsigned server; /* the only one that answers; 0: all in turn */
	unsigned opinions;
	struct {
		uint64_t key;
		enum opinion worst;
	} opinion[OPINIONS_MAX];
	struct message m;
	struct packet p;
};

static int world_make(void **state, const struct resolvers *resolvers)
{
	static struct world w;
	static const uint16_t ports[] = {53};
	static struct wire_config wire;
	struct sensor_config c = {
		.wire = &wire,
		.placement = test_placement,
		.sketch = test_sketch,
		.match_log2 = 12,
		.resolvers = *resolvers,
		.reasm = {16, 5000, 64, 8},
	};
	struct detect_config detect;
	struct psl_error err;
	size_t size = psl_size(suffixes, strlen(suffixes));

	w = (struct world){.now_ns = START * UINT64_C(1000000000), .rng = 7};
	w.psl = psl_init(test_memory(size), size, suffixes, strlen(suffixes), &err);
	assert_non_null(w.psl);
	c.psl = w.psl;
	assert_int_equal(wire_config_init(&wire, ports, 1), 0);
	w.sensor = sensor_init(test_memory(sensor_size(&c)), &c);
	assert_non_null(w.sensor);
	w.shard = test_shard(10);
	sensor_shard(w.sensor, w.shard);
	w.store = test_store(12, 12, 64);
	detect_defaults(&detect);
	w.detector = detector_init(test_memory(detector_size(OPINIONS_MAX)), OPINIONS_MAX, &detect);
	assert_non_null(w.detector);
	*state = &w;
	return 0;
}

static int world_start(void **state)
{
	return world_make(state, &(struct resolvers){0});
}

/* 9.9.200.8/29 are the operator's own resolvers. */
static int world_start_resolvers(void **state)
{
	struct resolvers resolvers = {0};

	assert_int_equal(resolvers_add(&resolvers, (const uint8_t[]){9, 9, 200, 8}, 4, 29), 0);
	return world_make(state, &resolvers);
}

static int world_end(void **state)
{
	struct world *w = *state;
	uint64_t error = store_account_error(w->store) + detect_account_error(w->detector);

	free(w->detector);
	free(w->store);
	free(w->shard);
	free(w->sensor);
	free(w->psl);
	return error ? -1 : 0;
}

static uint64_t key_of(const char *domain)
{
	struct dns_name n;

	assert_int_equal(dns_name_parse(domain, &n), 0);
	return hash_bytes(n.wire, n.len, test_sketch) | 1;
}

static void deliver(struct world *w)
{
	w->now_ns += 1000000;
	char server[ADDRESS_TEXT];
	const struct flow flow = {"10.0.0.1", server, 4321};

	snprintf(server, sizeof(server), "9.9.%u.9", w->server ? w->server : w->id % SERVERS);
	packet_make(&w->p, &flow, &w->m, 0);
	sensor_burst(w->sensor,
		&(struct frame){
			.data = w->p.octet,
			.caplen = w->p.len,
			.wirelen = w->p.len,
			.time_ns = w->now_ns,
			.link = WIRE_LINK_ETHERNET,
		},
		1);
}

static void query(struct world *w, const char *name)
{
	message_start(&w->m, ++w->id, MESSAGE_QUERY, name, DNS_TYPE_A);
	deliver(w);
}

/* The response to the last query, to be filled and delivered. */
static struct message *respond(struct world *w, const char *name)
{
	message_start(&w->m, w->id, MESSAGE_RESPONSE, name, DNS_TYPE_A);
	return &w->m;
}

/* Host number n: forty networks, one host after the other in the next one. */
static const char *host_address(unsigned n, char text[ADDRESS_TEXT])
{
	snprintf(text, ADDRESS_TEXT, "%u.%u.%u.%u", 20 + n % 40, n % 40, n / 40 / 200,
		1 + n / 40 % 200);
	return text;
}

static void judge(void *ctx, struct domain *d)
{
	struct world *w = ctx;

	detect_judge(w->detector, w->store, d, (uint32_t)(w->now_ns / 1000000000));
}

static void opinion_note(struct world *w, const struct verdict *v)
{
	enum opinion now = v->suspected ? SUSPECTED : CONVICTED;
	unsigned i = 0;

	while (i < w->opinions && w->opinion[i].key != v->key)
		i++;
	assert_true(i < OPINIONS_MAX);
	if (i == w->opinions)
		w->opinion[w->opinions++].key = v->key;
	if (w->opinion[i].worst < now)
		w->opinion[i].worst = now;
}

/* Ends the epoch: merge and judge; then time goes on. */
static void step_end(struct world *w)
{
	store_merge(w->store, &w->shard, 1, (uint32_t)(w->now_ns / 1000000000), &net);
	store_touched(w->store, judge, w);
	detect_sweep(w->detector, w->store, (uint32_t)(w->now_ns / 1000000000));
	assert_int_equal(account_error(&w->shard->account), 0);
	shard_clear(w->shard);
	for (unsigned i = 0; i < detect_verdicts(w->detector); i++)
		opinion_note(w, detect_verdict(w->detector, i));
	w->now_ns += STEP * UINT64_C(1000000000);
}

static enum opinion worst(const struct world *w, const char *domain)
{
	for (unsigned i = 0; i < w->opinions; i++)
		if (w->opinion[i].key == key_of(domain))
			return w->opinion[i].worst;
	return UNFLAGGED;
}

/*
 * Flux as it is: each step one host joins and one goes, six of two dozen are
 * answered, and two of these serve the zone as well.
 */
static void flux_answer(
	struct world *w, const char *question, const char *owner, const char *domain, unsigned step)
{
	struct message *m = respond(w, question);
	char text[ADDRESS_TEXT], server[2][32];
	unsigned host[ANSWER];

	if (strcmp(question, owner) != 0)
		message_cname(m, question, TTL, owner);
	for (unsigned i = 0; i < ANSWER; i++) {
		host[i] = step + i * 4 + random_below(&w->rng, 4);
		message_address(m, DNS_ANSWER, owner, TTL, host_address(host[i], text));
	}
	for (unsigned i = 0; i < 2; i++) {
		snprintf(server[i], sizeof(server[i]), "ns%u.%s", i, domain);
		message_ns(m, domain, TTL, server[i]);
	}
	for (unsigned i = 0; i < 2; i++)
		message_address(m, DNS_ADDITIONAL, server[i], TTL, host_address(host[i], text));
	deliver(w);
}

/* Some of a pool that never changes. */
static void pool_answer(
	struct world *w, const char *question, const char *owner, unsigned from, unsigned pool)
{
	struct message *m = respond(w, question);
	char text[ADDRESS_TEXT];

	if (strcmp(question, owner) != 0)
		message_cname(m, question, TTL, owner);
	for (unsigned i = 0; i < ANSWER; i++)
		message_address(m, DNS_ANSWER, owner, TTL,
			host_address(from + random_below(&w->rng, pool), text));
	deliver(w);
}

static void one_answer(struct world *w, const char *name, unsigned host)
{
	char text[ADDRESS_TEXT];

	query(w, name);
	message_address(respond(w, name), DNS_ANSWER, name, TTL, host_address(host, text));
	deliver(w);
}

/* That the traffic of the tests below does convict, where it is a domain's own. */
static void flux_by_its_own_word_is_convicted(void **state)
{
	struct world *w = *state;

	for (unsigned step = 0; step < STEPS; step++) {
		query(w, "www.flux.com");
		flux_answer(w, "www.flux.com", "www.flux.com", "flux.com", step);
		step_end(w);
	}
	assert_int_equal(worst(w, "flux.com"), CONVICTED);
	const struct verdict *v = detect_verdict(w->detector, 0);
	assert_int_equal(detect_verdicts(w->detector), 1);
	assert_int_equal(v->class, FLUX_DOUBLE);
	assert_true(v->features.paired_share == 1 && v->features.owned_share == 1);
}

/* The same from one server, which no other bears out. */
static void one_server_makes_a_suspect(void **state)
{
	struct world *w = *state;

	w->server = 200;
	for (unsigned step = 0; step < STEPS; step++) {
		query(w, "www.flux.com");
		flux_answer(w, "www.flux.com", "www.flux.com", "flux.com", step);
		step_end(w);
	}
	assert_int_equal(worst(w, "flux.com"), SUSPECTED);
}

/* And from the operator's own resolver, which has not answered for any other name. */
static void a_named_resolver_convicts_alone(void **state)
{
	struct world *w = *state;

	w->server = 200;
	for (unsigned step = 0; step < STEPS; step++) {
		query(w, "www.flux.com");
		flux_answer(w, "www.flux.com", "www.flux.com", "flux.com", step);
		step_end(w);
	}
	assert_int_equal(worst(w, "flux.com"), CONVICTED);
	assert_true(detect_verdict(w->detector, 0)->features.top_server_share == 0);
}

/* A domain for which one server answers steadily, and another with flux, to its own queries. */
static enum opinion framed_by(struct world *w, unsigned honest, unsigned attacker)
{
	for (unsigned step = 0; step < STEPS; step++) {
		w->server = honest;
		one_answer(w, "www.honest.com", 4000);
		w->server = attacker;
		query(w, "www.honest.com");
		flux_answer(w, "www.honest.com", "www.honest.com", "honest.com", step);
		step_end(w);
	}
	return worst(w, "honest.com");
}

/*
 * A site with three addresses, and after `quiet` steps somebody with a server in each of many
 * networks answers his own queries for it with flux; `goes_on`: the site's own are answered still.
 */
static enum opinion framed_by_many(struct world *w, unsigned quiet, bool goes_on)
{
	for (unsigned step = 0; step < STEPS; step++) {
		w->server = 0;
		for (unsigned i = 0; i < 3 && (step < quiet || goes_on); i++)
			one_answer(w, "www.honest.com", 4000 + i);
		for (unsigned i = 0; i < 3 && step >= quiet; i++) {
			w->server = 100 + (step * 3 + i) % 50;
			query(w, "www.honest.com");
			flux_answer(w, "www.honest.com", "www.honest.com", "honest.com", step);
		}
		step_end(w);
	}
	return worst(w, "honest.com");
}

static void many_servers_frame_no_settled_name(void **state)
{
	assert_int_equal(framed_by_many(*state, 40, true), SUSPECTED);
}

/* A name that was parked, and moves then, stands no more where it stood: flux. */
static void a_name_that_leaves_its_addresses_is_convicted(void **state)
{
	assert_int_equal(framed_by_many(*state, 40, false), CONVICTED);
}

/* And one that had its steady addresses from the start of its flux on is no settled name. */
static void a_steady_address_does_not_hide_flux(void **state)
{
	assert_int_equal(framed_by_many(*state, 0, true), CONVICTED);
}

/* Another server stays one alone, and a resolver's word about the domain bears it out not. */
static void beside_a_named_resolver_one_server_frames_nobody(void **state)
{
	assert_int_equal(framed_by(*state, 200, 201), UNFLAGGED);
}

/* The same about a domain that others answer for, too: whoever owns both ends frames nobody. */
static void one_server_frames_nobody(void **state)
{
	assert_int_equal(framed_by(*state, 0, 200), UNFLAGGED);
}

/* Whoever is faster than the server: the first answer pairs, and the second tells of it. */
static void a_race_makes_a_suspect(void **state)
{
	struct world *w = *state;
	char text[ADDRESS_TEXT];

	for (unsigned step = 0; step < STEPS; step++) {
		query(w, "www.honest.com");
		flux_answer(w, "www.honest.com", "www.honest.com", "honest.com", step);
		message_address(respond(w, "www.honest.com"), DNS_ANSWER, "www.honest.com", TTL,
			host_address(4000, text));
		deliver(w);
		step_end(w);
	}
	assert_int_equal(worst(w, "honest.com"), SUSPECTED);
}

/* Flux whose operator also answers as the dullest of names does, and for a day: still flux. */
static void a_blind_does_not_hide_flux(void **state)
{
	struct world *w = *state;
	char text[ADDRESS_TEXT];

	for (unsigned step = 0; step < STEPS; step++) {
		query(w, "www.flux.com");
		message_address(respond(w, "www.flux.com"), DNS_ANSWER, "www.flux.com", 86400,
			host_address(4000, text));
		deliver(w);
		query(w, "www.flux.com");
		flux_answer(w, "www.flux.com", "www.flux.com", "flux.com", step);
		step_end(w);
	}
	assert_int_equal(worst(w, "flux.com"), CONVICTED);
}

/* The same on a tap that carries no queries. */
static void unpaired_answers_make_a_suspect(void **state)
{
	struct world *w = *state;

	for (unsigned step = 0; step < STEPS; step++) {
		w->id++;
		flux_answer(w, "www.flux.com", "www.flux.com", "flux.com", step);
		step_end(w);
	}
	assert_int_equal(worst(w, "flux.com"), SUSPECTED);
	assert_true(detect_verdict(w->detector, 0)->features.paired_share == 0);
}

/* The same, each behind another answer to the same query: somebody off the path may race. */
static void contested_answers_make_a_suspect(void **state)
{
	struct world *w = *state;
	char text[ADDRESS_TEXT];

	for (unsigned step = 0; step < STEPS; step++) {
		query(w, "www.flux.com");
		message_address(respond(w, "www.flux.com"), DNS_ANSWER, "www.flux.com", TTL,
			host_address(4000, text));
		deliver(w);
		flux_answer(w, "www.flux.com", "www.flux.com", "flux.com", step);
		step_end(w);
	}
	assert_int_equal(worst(w, "flux.com"), SUSPECTED);
}

/* A second answer to each query, which says something else, makes a doubt and clears nothing. */
static void contested_answers_beside_paired_ones_make_a_suspect(void **state)
{
	struct world *w = *state;

	for (unsigned step = 0; step < STEPS; step++) {
		query(w, "www.flux.com");
		flux_answer(w, "www.flux.com", "www.flux.com", "flux.com", step);
		flux_answer(w, "www.flux.com", "www.flux.com", "flux.com", step);
		step_end(w);
	}
	assert_int_equal(worst(w, "flux.com"), SUSPECTED);
}

/*
 * x.evil.com is an alias of www.innocent.com, and evil's server adds addresses, name
 * servers and glue for it that move as those of flux do.
 */
static void an_alias_into_a_domain_does_not_convict_it(void **state)
{
	struct world *w = *state;

	for (unsigned step = 0; step < STEPS; step++) {
		query(w, "x.evil.com");
		flux_answer(w, "x.evil.com", "www.innocent.com", "innocent.com", step);
		one_answer(w, "www.innocent.com", 4000);
		step_end(w);
	}
	assert_int_not_equal(worst(w, "innocent.com"), CONVICTED);
	assert_int_equal(worst(w, "evil.com"), UNFLAGGED);

	const struct domain *d = store_find(w->store, key_of("innocent.com"));
	unsigned paired = 0;
	assert_non_null(d);
	assert_true(d->items > 20);
	for (unsigned i = 0; i < d->items; i++)
		paired += d->item[i].grade == EVIDENCE_PAIRED;
	/* Its own address, where the sample holds that. */
	assert_in_range(paired, 0, 1);
	assert_int_equal(d->ns_names, 0);
	assert_int_equal(d->ns_items, 0);
	assert_int_equal(d->ns_ttl, 0);
	/* Nor do its servers become those of the alias. */
	d = store_find(w->store, key_of("evil.com"));
	assert_non_null(d);
	assert_int_equal(d->ns_names + d->ns_items, 0);
}

/* Shops on a CDN of many networks, each with an address of its own at its apex. */
static void shops_behind_a_cdn_are_nothing_nor_is_the_cdn(void **state)
{
	struct world *w = *state;
	char shop[24], www[32];

	for (unsigned step = 0; step < STEPS; step++) {
		for (unsigned i = 0; i < SHOPS; i++) {
			snprintf(shop, sizeof(shop), "shop%u.com", i);
			snprintf(www, sizeof(www), "www.%s", shop);
			query(w, www);
			pool_answer(w, www, "edge.multicdn.net", 0, POOL);
			one_answer(w, shop, 4000 + i);
		}
		/* Asked for by its own name, too, so that its addresses are paired. */
		query(w, "edge.multicdn.net");
		pool_answer(w, "edge.multicdn.net", "edge.multicdn.net", 0, POOL);
		step_end(w);
	}
	assert_int_equal(w->opinions, 0);

	const struct domain *cdn = store_find(w->store, key_of("multicdn.net"));
	struct siblings s;
	assert_non_null(cdn);
	assert_int_equal(cdn->items, POOL);
	store_siblings(w->store, cdn, 1, 1, &s);
	assert_int_equal(s.units, 0);
	for (unsigned i = 0; i < SHOPS; i++) {
		snprintf(shop, sizeof(shop), "shop%u.com", i);
		const struct domain *d = store_find(w->store, key_of(shop));
		unsigned owned = 0;

		assert_non_null(d);
		for (unsigned k = 0; k < d->items; k++)
			owned += d->item[k].grade != EVIDENCE_ALIAS;
		assert_int_equal(owned, 1);
	}
}

/* Whoever wants a large pool convicted can answer with its addresses, under any names. */
static void copies_of_a_pool_make_it_a_suspect_at_most(void **state)
{
	struct world *w = *state;
	char copy[24];

	for (unsigned step = 0; step < STEPS; step++) {
		query(w, "www.pool.com");
		pool_answer(w, "www.pool.com", "www.pool.com", 0, POOL);
		for (unsigned i = 0; i < COPIES; i++) {
			snprintf(copy, sizeof(copy), "copy%u.com", i);
			query(w, copy);
			pool_answer(w, copy, copy, 0, POOL);
		}
		step_end(w);
	}
	assert_int_equal(worst(w, "pool.com"), SUSPECTED);
	const struct verdict *v = detect_verdict(w->detector, 0);
	assert_int_equal(v->features.siblings, COPIES);
	assert_true(v->features.paired_share == 1);
}

/* What the base asks for, movement, and nothing else. */
static struct features moving(void)
{
	return (struct features){
		.window = WINDOW_24H,
		.seconds = 80000,
		.addresses = 40,
		.networks = 20,
		.effective_networks = 12,
		.top_network_share = 0.1,
		.asn_known = 1,
		.ttl_max = TTL,
		.owned_share = 1,
		.answer_max = 10,
		.host_networks = 20,
		.host_share = 1,
		.fresh_epochs = 20,
		.new_per_epoch = 2,
		.growth = 0.8,
		.novelty = 0.5,
		.sample_share = 1,
		.paired_share = 1,
	};
}

static void rule_equal(const struct features *f, enum flux_class class, bool suspected)
{
	struct detect_config c;
	struct ruling r;

	detect_defaults(&c);
	rules_apply(&c, f, &r);
	assert_int_equal(r.class, class);
	assert_int_equal(r.suspected, suspected);
}

static void share_alone_makes_a_suspect(void **state)
{
	struct features f = moving();

	(void)state;
	rule_equal(&f, FLUX_NONE, false);
	f.shared_units = 5;
	f.shared_networks = 4;
	f.siblings = 3;
	rule_equal(&f, FLUX_SINGLE, true);
	f.glue_in_pool = 2;
	rule_equal(&f, FLUX_SINGLE, false);
	f.siblings = 2;
	rule_equal(&f, FLUX_SINGLE, false);
}

static void half_of_the_addresses_must_be_paired(void **state)
{
	struct features f = moving();

	(void)state;
	f.glue_in_pool = 2;
	f.open_ratio = 3;
	f.open_evidence = 20;
	f.paired_share = 0.5;
	rule_equal(&f, FLUX_SINGLE, false);
	f.paired_share = 0.499;
	rule_equal(&f, FLUX_SINGLE, true);
	f.ns_addresses = 5;
	rule_equal(&f, FLUX_DOUBLE, true);
	/* And half must be owned, or it is nothing. */
	f.owned_share = 0.499;
	rule_equal(&f, FLUX_NONE, false);
}

int main(void)
{
#define WORLD_TEST(f) cmocka_unit_test_setup_teardown(f, world_start, world_end)
#define RESOLVERS_TEST(f) cmocka_unit_test_setup_teardown(f, world_start_resolvers, world_end)
	const struct CMUnitTest tests[] = {
		WORLD_TEST(flux_by_its_own_word_is_convicted),
		WORLD_TEST(a_race_makes_a_suspect),
		WORLD_TEST(a_blind_does_not_hide_flux),
		WORLD_TEST(one_server_makes_a_suspect),
		WORLD_TEST(one_server_frames_nobody),
		WORLD_TEST(many_servers_frame_no_settled_name),
		WORLD_TEST(a_name_that_leaves_its_addresses_is_convicted),
		WORLD_TEST(a_steady_address_does_not_hide_flux),
		RESOLVERS_TEST(a_named_resolver_convicts_alone),
		RESOLVERS_TEST(beside_a_named_resolver_one_server_frames_nobody),
		WORLD_TEST(unpaired_answers_make_a_suspect),
		WORLD_TEST(contested_answers_make_a_suspect),
		WORLD_TEST(contested_answers_beside_paired_ones_make_a_suspect),
		WORLD_TEST(an_alias_into_a_domain_does_not_convict_it),
		WORLD_TEST(shops_behind_a_cdn_are_nothing_nor_is_the_cdn),
		WORLD_TEST(copies_of_a_pool_make_it_a_suspect_at_most),
		cmocka_unit_test(share_alone_makes_a_suspect),
		cmocka_unit_test(half_of_the_addresses_must_be_paired),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
