/* SPDX-License-Identifier: BSD-3-Clause */
#include "tap.h"

#define NS_SECONDS 1000000000u
#define NS_MILLIS 1000000u
#define CLIENT_BASE 0x64400000u /* 100.64.0.0/10 */
#define V6_PERCENT 10
#define DNS_PORT 53
#define CHAIN 2

/* One look-up on its way. */
struct exchange {
	const struct zone *zone;
	const struct question *question;
	struct flow flow; /* of the query */
	struct message_head head;
	struct answer answers[CHAIN];
	const struct zone *owners[CHAIN];
	uint32_t answer_count;
	uint64_t time, delay; /* ns: of the query, until the response */
};

void tap_init(struct tap *tap, const struct options *options, const struct network_plan *plan,
	struct capture *capture, struct truth *truth)
{
	*tap = (struct tap){
		.options = options,
		.plan = plan,
		.capture = capture,
		.truth = truth,
		.left = options->packets > 0 ? options->packets : UINT64_MAX,
	};
	rng_seed(&tap->loss, hash_pair(options->seed, hash_text("loss")));
}

void tap_free(struct tap *tap)
{
	cache_free(&tap->cache);
}

static bool tap_emit(struct tap *tap, uint64_t time, const struct frame *frame)
{
	if (tap->left == 0 || tap->error != 0)
		return false;
	if (tap->options->loss_percent > 0 && rng_percent(&tap->loss, tap->options->loss_percent))
		return false;
	tap->error = capture_add(tap->capture, time, frame);
	tap->left--;
	return tap->error == 0;
}

static void send_query(struct tap *tap, const struct exchange *exchange)
{
	struct frame frame;
	size_t len;

	if (tap->options->responses_only)
		return;
	len = message_query(frame_payload(&frame), &exchange->head, exchange->question);
	frame_wrap(&frame, &exchange->flow, len);
	tap->truth->queries += tap_emit(tap, exchange->time, &frame);
}

static void send_response(struct tap *tap, const struct exchange *exchange)
{
	const struct answer *last = &exchange->answers[exchange->answer_count - 1];
	const struct flow *asked = &exchange->flow;
	uint64_t time = exchange->time + exchange->delay;
	struct flow flow = {
		.source = asked->target,
		.target = asked->source,
		.source_port = asked->target_port,
		.target_port = asked->source_port,
		.ip_id = (uint16_t)hash_mix(asked->ip_id),
		.hop_limit = (uint8_t)(44 + asked->target.low % 16),
		.vlan = asked->vlan,
		.gtpu = asked->gtpu,
	};
	struct server_set servers;
	struct frame frame;
	bool shown = exchange->zone->shows_servers && exchange->head.authoritative;
	size_t len;

	if (shown)
		zone_servers(exchange->zone, exchange->time, &servers);
	len = message_response(frame_payload(&frame), &exchange->head, exchange->question,
		exchange->answers, exchange->answer_count, shown ? &servers : NULL);
	frame_wrap(&frame, &flow, len);
	if (!tap_emit(tap, time, &frame))
		return;
	tap->truth->responses++;
	tap->positives += last->address_count > 0 || last->cname;
	for (uint32_t i = 0; i < exchange->answer_count && tap->error == 0; i++) {
		if (exchange->owners[i]->truth >= 0)
			tap->error = truth_observe(tap->truth, exchange->owners[i]->truth,
				tap->plan, time, &exchange->answers[i]);
	}
}

static void exchange_begin(struct exchange *exchange, const struct tap *tap, struct rng *rng)
{
	uint64_t random = rng_next(rng);

	exchange->head = (struct message_head){
		.id = (uint16_t)random,
		.authoritative = tap->options->vantage == VANTAGE_RESOLVER,
		.nsid = tap->options->plain != PLAIN_NONE,
		.bare = tap->options->plain == PLAIN_HEADER,
		.case_bits = tap->options->mixed_case ? random | 1 : 0,
	};
	exchange->flow = (struct flow){
		.source_port = (uint16_t)(1024 + hash_below(random, 65536 - 1024)),
		.target_port = DNS_PORT,
		.ip_id = (uint16_t)(random >> 16),
		.hop_limit = 64,
		.upstream = true,
		.vlan = tap->options->vlan,
		.gtpu = tap->options->gtpu,
	};
}

static struct address resolver_address(const struct tap *tap, uint32_t resolver, bool v6)
{
	return plan_address(
		tap->plan, NETWORK_OPERATOR, hash_pair(hash_text("resolver"), resolver), v6);
}

static struct address client_address(const struct tap *tap, uint32_t client, bool v6)
{
	if (v6)
		return plan_address(
			tap->plan, NETWORK_OPERATOR, hash_pair(hash_text("client"), client), true);
	return (struct address){.low = CLIENT_BASE + 1 + client};
}

/* What an attacker answers: with NS and glue even where resolvers give none. */
static void forge(struct exchange *exchange, const struct zone *forged, uint64_t nonce)
{
	struct moment moment = {.time = exchange->time, .nonce = nonce};

	exchange->zone = forged;
	exchange->head.authoritative = true;
	forged->answer(forged, exchange->question, &moment, &exchange->answers[0]);
	exchange->owners[0] = forged;
	exchange->answer_count = 1;
}

/* An injector is nearer than the server and has seen the query. */
static void send_rival(struct tap *tap, const struct exchange *honest)
{
	const struct zone *rival = honest->zone->rival;
	struct exchange forged = *honest;

	if (rival == NULL || honest->time < honest->zone->rival_from)
		return;
	forge(&forged, rival, hash_mix(honest->time));
	forged.delay = honest->delay / 4;
	send_response(tap, &forged);
}

/* The answer a resolver has or fetches; returns whether it had it. */
static bool resolver_answer(struct tap *tap, uint32_t resolver, const struct zone *zone,
	const struct question *question, uint64_t time, struct answer *answer)
{
	uint64_t name = hash_pair(hash_pair(zone->key, question->host), question->type);
	uint64_t key = hash_pair(name, resolver) | 1; /* never the free slot's 0 */
	uint64_t asked = cache_find(&tap->cache, key, time);
	struct moment moment = {.time = asked != 0 ? asked : time};

	moment.nonce = hash_pair(key, moment.time);
	zone->answer(zone, question, &moment, answer);
	if (asked != 0)
		answer->ttl -= (uint32_t)((time - asked) / NS_SECONDS);
	else if (answer->rcode == DNS_NOERROR) /* made-up names would fill the cache */
		tap->error = cache_put(
			&tap->cache, key, time, time + answer->ttl * (uint64_t)NS_SECONDS);
	return asked != 0;
}

static void lookup_by_client(struct tap *tap, struct rng *rng, const struct zone *zone,
	const struct question *question, uint64_t time)
{
	uint32_t client = rng_below(rng, tap->options->clients);
	uint32_t resolver = client % tap->options->resolvers;
	bool v6 = tap->options->plain == PLAIN_NONE && hash_mix(client) % 100 < V6_PERCENT;
	struct exchange exchange = {.zone = zone, .question = question, .time = time};
	bool known = true;

	exchange_begin(&exchange, tap, rng);
	exchange.flow.source = client_address(tap, client, v6);
	exchange.flow.target = resolver_address(tap, resolver, v6);
	while (zone != NULL && exchange.answer_count < CHAIN) {
		struct answer *answer = &exchange.answers[exchange.answer_count];

		known = resolver_answer(tap, resolver, zone, question, time, answer) && known;
		exchange.owners[exchange.answer_count++] = zone;
		zone = answer->cname ? zone->target : NULL;
		question = &answer->target;
	}
	exchange.delay = known ? NS_MILLIS + rng_below(rng, 3 * NS_MILLIS)
			       : 10 * NS_MILLIS + rng_below(rng, 70 * NS_MILLIS);
	send_query(tap, &exchange);
	send_rival(tap, &exchange);
	send_response(tap, &exchange);
}

/* Asks the zone's authority; returns when the response is back. */
static uint64_t ask_authority(struct tap *tap, struct rng *rng, uint32_t resolver,
	const struct zone *zone, const struct question *question, uint64_t time,
	struct answer *answer)
{
	struct exchange exchange = {.zone = zone, .question = question, .time = time};
	struct moment moment = {.time = time, .nonce = rng_next(rng)};
	bool v6 = tap->options->plain == PLAIN_NONE && !zone->moving_servers &&
		  rng_percent(rng, V6_PERCENT);

	exchange_begin(&exchange, tap, rng);
	exchange.flow.source = resolver_address(tap, resolver, v6);
	exchange.flow.target = zone_server(zone, &moment, v6);
	/* The same server is always about as far away. */
	exchange.delay = NS_MILLIS +
			 hash_below(hash_mix(exchange.flow.target.low), 60 * NS_MILLIS) +
			 rng_below(rng, 19 * NS_MILLIS);
	zone->answer(zone, question, &moment, &exchange.answers[0]);
	exchange.owners[exchange.answer_count++] = zone;
	send_query(tap, &exchange);
	send_rival(tap, &exchange);
	send_response(tap, &exchange);
	*answer = exchange.answers[0];
	return time + exchange.delay;
}

static void lookup_by_resolver(struct tap *tap, struct rng *rng, const struct zone *zone,
	const struct question *question, uint64_t time)
{
	uint32_t resolver = rng_below(rng, tap->options->resolvers);
	struct answer answer;
	struct question target;

	for (int i = 0; i < CHAIN && zone != NULL; i++) {
		time = ask_authority(tap, rng, resolver, zone, question, time, &answer);
		time += NS_MILLIS / 10; /* the resolver's own time */
		zone = answer.cname ? zone->target : NULL;
		target = answer.target;
		question = &target;
	}
}

void tap_lookup(struct tap *tap, struct rng *rng, const struct zone *zone,
	const struct question *question, uint64_t time)
{
	if (tap->options->vantage == VANTAGE_CLIENT)
		lookup_by_client(tap, rng, zone, question, time);
	else
		lookup_by_resolver(tap, rng, zone, question, time);
}

void tap_inject(struct tap *tap, struct rng *rng, const struct zone *forged,
	const struct zone *zone, const struct question *question, uint64_t time)
{
	struct exchange exchange = {.question = question, .time = time};
	uint32_t resolver = rng_below(rng, tap->options->resolvers);
	struct moment moment = {.time = time, .nonce = rng_next(rng)};

	exchange_begin(&exchange, tap, rng);
	exchange.flow.source = resolver_address(tap, resolver, false);
	exchange.flow.target = zone_server(zone, &moment, false);
	if (tap->options->vantage == VANTAGE_CLIENT) {
		exchange.flow.target = exchange.flow.source;
		exchange.flow.source =
			client_address(tap, rng_below(rng, tap->options->clients), false);
	}
	forge(&exchange, forged, moment.nonce);
	send_response(tap, &exchange);
}

void tap_stage(struct tap *tap, struct rng *rng, const struct zone *forged,
	const struct question *question, uint32_t servers, uint64_t time)
{
	struct exchange exchange = {.question = question, .time = time};
	uint64_t server = hash_pair(forged->key, rng_below(rng, servers));
	uint32_t network = NETWORK_EYEBALLS + hash_below(server, NETWORK_COUNT - NETWORK_EYEBALLS);

	exchange_begin(&exchange, tap, rng);
	exchange.flow.source =
		client_address(tap, hash_below(hash_mix(server), tap->options->clients), false);
	exchange.flow.target =
		plan_address(tap->plan, (uint16_t)network, hash_pair(server, 1), false);
	exchange.delay = 5 * NS_MILLIS + rng_below(rng, 40 * NS_MILLIS);
	forge(&exchange, forged, rng_next(rng));
	send_query(tap, &exchange);
	send_response(tap, &exchange);
}
