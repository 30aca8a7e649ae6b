/* SPDX-License-Identifier: BSD-3-Clause */
#include "pool.h"

#include "rng.h"

#define NEGATIVE_TTL 600
#define NS_SECONDS 1000000000u

void pool_init(struct pool *pool, const struct pool_shape *shape, const struct network_plan *plan,
	uint64_t key)
{
	struct rng rng;

	rng_seed(&rng, hash_pair(key, hash_text("pool")));
	pool->shape = shape;
	pool->plan = plan;
	pool->key = key;
	pool->slots = rng_between(&rng, shape->slots_min, shape->slots_max);
	pool->ttl = rng_between(&rng, shape->ttl_min, shape->ttl_max);
	pool->home_count = plan_pick(plan, rng_next(&rng), shape->kind, shape->networks,
		shape->home_percent > 0, pool->networks);
}

/* The network of the host that hash stands for. */
static uint16_t pool_network(const struct pool *pool, uint32_t slot, uint64_t hash)
{
	const struct pool_shape *shape = pool->shape;
	uint32_t rest = (uint32_t)(shape->networks - pool->home_count);

	if (shape->life_max == 0 || shape->stays)
		return pool->networks[slot % shape->networks];
	if (pool->home_count > 0 && hash % 100 < shape->home_percent)
		return pool->networks[hash_below(hash_mix(hash), pool->home_count)];
	return pool->networks[pool->home_count + hash_below(hash_mix(hash), rest)];
}

struct address pool_address(const struct pool *pool, uint32_t slot, uint64_t second)
{
	const struct pool_shape *shape = pool->shape;
	uint64_t hash = hash_pair(pool->key, slot), turn = 0;

	if (shape->life_max > 0) {
		uint64_t life =
			shape->life_min + hash_below(hash, shape->life_max - shape->life_min + 1);

		turn = (second + hash_mix(hash) % life) / life;
	}
	hash = hash_pair(hash, turn);
	return plan_address(
		pool->plan, pool_network(pool, slot, hash), hash_pair(hash, 1), shape->v6);
}

/* Whether the zone has records of the type asked; if not, the answer is empty. */
static bool answer_begin(
	const struct zone *zone, const struct question *question, struct answer *answer)
{
	bool present = question->type == (zone->pool->shape->v6 ? DNS_AAAA : DNS_A);

	answer->rcode = DNS_NOERROR;
	answer->address_count = 0;
	answer->cname = false;
	answer->ttl = present ? zone->pool->ttl : NEGATIVE_TTL;
	return present;
}

static void answer_add(struct answer *answer, struct address address)
{
	answer->addresses[answer->address_count++] = address;
}

static void draw_hosts(const struct zone *zone, const struct moment *moment, struct answer *answer)
{
	const struct pool *pool = zone->pool;
	uint32_t drawn[ANSWER_ADDRESSES], wanted;
	struct rng rng;

	rng_seed(&rng, hash_pair(pool->key, moment->nonce));
	wanted = rng_between(&rng, pool->shape->answer_min, pool->shape->answer_max);
	for (uint32_t i = 0; i < wanted && i < pool->slots; i++) {
		bool fresh;

		do {
			drawn[i] = rng_below(&rng, pool->slots);
			fresh = true;
			for (uint32_t k = 0; k < i; k++)
				fresh = fresh && drawn[k] != drawn[i];
		} while (!fresh);
		answer_add(answer, pool_address(pool, drawn[i], moment->time / NS_SECONDS));
	}
}

void answer_draw(const struct zone *zone, const struct question *question,
	const struct moment *moment, struct answer *answer)
{
	if (answer_begin(zone, question, answer))
		draw_hosts(zone, moment, answer);
}

void answer_own(const struct zone *zone, const struct question *question,
	const struct moment *moment, struct answer *answer)
{
	if (answer_begin(zone, question, answer))
		answer_add(answer, pool_address(zone->pool, (uint32_t)question->host,
					   moment->time / NS_SECONDS));
}

void answer_fixed(const struct zone *zone, const struct question *question,
	const struct moment *moment, struct answer *answer)
{
	(void)moment;
	if (!answer_begin(zone, question, answer))
		return;
	for (uint8_t i = 0; i < 2; i++) {
		uint64_t hash = hash_pair(hash_pair(zone->key, hash_text("fixed")), i);

		answer_add(answer, plan_address(zone->plan, NETWORK_COUNT - 1 - zone->key % 64,
					   hash, zone->pool->shape->v6));
	}
}

void answer_one_host(const struct zone *zone, const struct question *question,
	const struct moment *moment, struct answer *answer)
{
	if (question->host == 0)
		answer_draw(zone, question, moment, answer);
	else
		answer_fixed(zone, question, moment, answer);
}

void answer_by_network(const struct zone *zone, const struct question *question,
	const struct moment *moment, struct answer *answer)
{
	const struct pool *pool = zone->pool;
	uint64_t turn = moment->time / NS_SECONDS / pool->shape->turn;
	uint32_t network = hash_below(hash_pair(zone->key, turn), pool->shape->networks);
	uint32_t group = pool->slots / pool->shape->networks;

	if (!answer_begin(zone, question, answer))
		return;
	for (uint32_t i = 0; i < pool->shape->answer_max; i++) {
		uint32_t member = (hash_below(moment->nonce, group) + i) % group;

		answer_add(answer, pool_address(pool, member * pool->shape->networks + network, 0));
	}
}

void answer_offnet(const struct zone *zone, const struct question *question,
	const struct moment *moment, struct answer *answer)
{
	const struct pool *pool = zone->pool;

	if (!answer_begin(zone, question, answer))
		return;
	if (hash_below(hash_mix(moment->nonce), 4) == 0) {
		uint32_t slot = 1 + hash_below(moment->nonce, pool->shape->networks - 1u);

		answer_add(answer, pool_address(pool, slot, 0));
		return;
	}
	for (uint64_t i = 0; i < pool->shape->answer_max; i++) {
		uint32_t member = hash_below(hash_pair(moment->nonce, i), pool->slots);

		answer_add(answer, plan_address(pool->plan, pool->networks[0],
					   hash_pair(pool->key, member), pool->shape->v6));
	}
}

void answer_alias(const struct zone *zone, const struct question *question,
	const struct moment *moment, struct answer *answer)
{
	if (question->host != 0) {
		answer_fixed(zone, question, moment, answer);
		return;
	}
	answer_begin(zone, question, answer);
	answer->cname = true;
	answer->ttl = zone->pool->ttl;
	answer->target.host = 0;
	answer->target.type = question->type;
	name_under(&answer->target.name, "edge", &zone->target->apex);
}

void answer_listed(const struct zone *zone, const struct question *question,
	const struct moment *moment, struct answer *answer)
{
	uint64_t hash = hash_pair(zone->key, question->host);

	(void)moment;
	if (!answer_begin(zone, question, answer))
		return;
	if (hash_below(hash, 3) == 0) {
		answer_add(answer, (struct address){.low = 0x7f000002u + hash % 10});
	} else {
		answer->rcode = DNS_NXDOMAIN;
		answer->ttl = NEGATIVE_TTL;
	}
}

struct address pool_spelled(const struct pool *pool, uint64_t host)
{
	return pool_address(pool, (uint32_t)host, 0);
}

void answer_spelled(const struct zone *zone, const struct question *question,
	const struct moment *moment, struct answer *answer)
{
	(void)moment;
	if (answer_begin(zone, question, answer))
		answer_add(answer, pool_spelled(zone->pool, question->host));
}

void answer_nothing(const struct zone *zone, const struct question *question,
	const struct moment *moment, struct answer *answer)
{
	(void)moment;
	answer_begin(zone, question, answer);
	answer->rcode = DNS_NXDOMAIN;
	answer->ttl = NEGATIVE_TTL;
}
