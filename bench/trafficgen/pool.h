/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "networks.h"
#include "zone.h"

/*
 * The hosts behind a domain: a fixed number of slots, each held by one host for a while and then by
 * another one that was never seen before (or by the same for ever, when life is 0).
 */

struct pool_shape {
	uint16_t slots_min, slots_max; /* hosts alive at the same time */
	uint16_t networks;             /* at most NETWORK_EYEBALLS - 1 */
	enum network_kind kind;
	uint8_t home_percent;        /* share of hosts in one country; 0: no such country */
	uint32_t life_min, life_max; /* seconds a host lives; 0: for ever */
	bool stays;                  /* a new host of a slot is in the same network */
	uint16_t turn;               /* seconds that a network is chosen for, where they take turns */
	uint8_t answer_min, answer_max;
	uint32_t ttl_min, ttl_max;
	bool v6;
};

struct pool {
	const struct pool_shape *shape;
	const struct network_plan *plan;
	uint64_t key;
	uint32_t slots;
	uint32_t ttl;
	uint16_t home_count; /* the first networks are those of the home country */
	uint16_t networks[NETWORK_EYEBALLS];
};

void pool_init(struct pool *pool, const struct pool_shape *shape, const struct network_plan *plan,
	uint64_t key);

/* The host that holds a slot at a second since the epoch. */
struct address pool_address(const struct pool *pool, uint32_t slot, uint64_t second);

/* The answers a zone with a pool may give. */

/* Distinct hosts drawn at random from those alive. */
void answer_draw(const struct zone *zone, const struct question *question,
	const struct moment *moment, struct answer *answer);

/* Each host name has one slot of its own. */
void answer_own(const struct zone *zone, const struct question *question,
	const struct moment *moment, struct answer *answer);

/* Addresses that never change, however the pool turns: only its name servers move. */
void answer_fixed(const struct zone *zone, const struct question *question,
	const struct moment *moment, struct answer *answer);

/* The first host name draws from the pool, all others are fixed. */
void answer_one_host(const struct zone *zone, const struct question *question,
	const struct moment *moment, struct answer *answer);

/* One of the pool's networks is chosen for shape->turn seconds, then addresses inside it. */
void answer_by_network(const struct zone *zone, const struct question *question,
	const struct moment *moment, struct answer *answer);

/* Three in four answers come from the first network, the rest from one host in another. */
void answer_offnet(const struct zone *zone, const struct question *question,
	const struct moment *moment, struct answer *answer);

/* The first host name is an alias of a name in zone->target, all others are fixed. */
void answer_alias(const struct zone *zone, const struct question *question,
	const struct moment *moment, struct answer *answer);

/* A blocklist: 127.0.0.x for one question in three, else NXDOMAIN. */
void answer_listed(const struct zone *zone, const struct question *question,
	const struct moment *moment, struct answer *answer);

/* The address that the name spells (see name_dashed()). */
void answer_spelled(const struct zone *zone, const struct question *question,
	const struct moment *moment, struct answer *answer);

/* No such name, whatever is asked. */
void answer_nothing(const struct zone *zone, const struct question *question,
	const struct moment *moment, struct answer *answer);

/* The address a host number stands for in answer_spelled(). */
struct address pool_spelled(const struct pool *pool, uint64_t host);
