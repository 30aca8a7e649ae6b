/* SPDX-License-Identifier: BSD-3-Clause */
#include "zone.h"

#include "pool.h"
#include "rng.h"

#define NS_SECONDS 1000000000u
#define MOVING_SET_SECONDS 14400 /* the NS names are replaced six times a day */
#define MOVING_GLUE_SECONDS 1800
#define MOVING_TTL 900
#define FIXED_TTL 86400
#define FLEET_SERVERS 12
#define FLEET_NETWORKS 6
#define FLEET_TOLD 6 /* of FLEET_TURNS */
#define FLEET_TTL 172800
#define TURNS_TTL 300

static struct address fixed_server(const struct zone *zone, uint8_t index, bool v6)
{
	uint64_t hash = hash_pair(hash_pair(zone->key, hash_text("server")), index);
	uint64_t place = hash;

	if (zone->fleet != FLEET_NONE)
		place = hash_pair(hash_pair(zone->key, hash_text("fleet")), index % FLEET_NETWORKS);
	uint32_t network = NETWORK_EYEBALLS + hash_below(place, NETWORK_COUNT - NETWORK_EYEBALLS);

	return plan_address(zone->plan, (uint16_t)network, hash_mix(hash), v6);
}

static uint8_t server_count(const struct zone *zone)
{
	if (zone->fleet != FLEET_NONE)
		return FLEET_SERVERS;
	return zone->moving_servers ? 5 : (uint8_t)(2 + zone->key % 3);
}

/* The i-th server's host is replaced every half an hour, not all of them at the same time. */
static struct address moving_server(const struct zone *zone, uint8_t index, uint64_t second)
{
	uint64_t hash = hash_pair(hash_pair(zone->key, hash_text("glue")), index);
	uint64_t turn = (second + hash % MOVING_GLUE_SECONDS) / MOVING_GLUE_SECONDS;
	uint32_t slot = hash_below(hash_pair(hash, turn), zone->pool->slots);

	return pool_address(zone->pool, slot, second);
}

/* A fleet's set begins with another server each second; where it turns only some are told. */
static void fleet_servers(const struct zone *zone, uint64_t second, struct server_set *set)
{
	bool turns = zone->fleet == FLEET_TURNS;
	uint32_t first = turns ? hash_below(hash_pair(zone->key, second), FLEET_SERVERS) : 0;

	set->count = turns ? FLEET_TOLD : FLEET_SERVERS;
	set->ttl = turns ? TURNS_TTL : FLEET_TTL;
	for (uint8_t i = 0; i < set->count; i++) {
		uint8_t server = (uint8_t)((first + i) % FLEET_SERVERS);

		set->labels[i] = (uint16_t)(1 + server);
		set->glue[i] = fixed_server(zone, server, false);
	}
}

void zone_servers(const struct zone *zone, uint64_t time, struct server_set *set)
{
	uint64_t second = time / NS_SECONDS, turn = 0;

	if (zone->fleet != FLEET_NONE) {
		fleet_servers(zone, second, set);
		return;
	}
	if (zone->moving_servers && !zone->steady_names)
		turn = (second + zone->key % MOVING_SET_SECONDS) / MOVING_SET_SECONDS;
	set->count = server_count(zone);
	set->ttl = zone->moving_servers ? MOVING_TTL : FIXED_TTL;
	for (uint8_t i = 0; i < set->count; i++) {
		/* Ten labels for each position: no two are ever the same within a set. */
		set->labels[i] = (uint16_t)(1 + i);
		if (zone->moving_servers)
			set->labels[i] = (uint16_t)(10u * (i + 1u) + turn % 10);
		set->glue[i] = zone->moving_servers ? moving_server(zone, i, second)
						    : fixed_server(zone, i, false);
	}
}

struct address zone_server(const struct zone *zone, const struct moment *moment, bool v6)
{
	uint8_t index = (uint8_t)hash_below(hash_mix(moment->nonce), server_count(zone));

	if (zone->moving_servers)
		return moving_server(zone, index, moment->time / NS_SECONDS);
	return fixed_server(zone, index, v6);
}
