/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "names.h"
#include "networks.h"

/*
 * A zone is one registered domain as its authoritative servers see it. What they answer is a pure
 * function of the zone, the question and the moment, so a resolver's cache only has to remember
 * *when* it asked.
 */

#define ANSWER_ADDRESSES 32
#define SERVER_COUNT 12

enum dns_type { DNS_A = 1, DNS_NS = 2, DNS_CNAME = 5, DNS_SOA = 6, DNS_AAAA = 28, DNS_OPT = 41 };
enum dns_rcode { DNS_NOERROR = 0, DNS_NXDOMAIN = 3, DNS_REFUSED = 5 };

struct question {
	struct dns_name name;
	uint64_t host; /* which host of the zone the name stands for */
	uint16_t type;
};

struct moment {
	uint64_t time;  /* ns since the epoch */
	uint64_t nonce; /* tells two looks at the same time apart */
};

struct answer {
	uint8_t rcode;
	uint8_t address_count; /* 0 and no CNAME: an empty answer, with SOA */
	bool cname;            /* the name is an alias of target */
	uint32_t ttl;          /* seconds, of all records; of the SOA where there are none */
	struct question target;
	struct address addresses[ANSWER_ADDRESSES];
};

/* Name servers of large hosters: addresses in many networks, and they stay. */
enum server_fleet {
	FLEET_NONE,
	FLEET_WHOLE, /* twelve in six networks, all of them told, NS TTL two days */
	FLEET_TURNS, /* six of the twelve, others with each answer, NS TTL five minutes */
};

struct server_set {
	uint8_t count;
	uint32_t ttl;
	uint16_t labels[SERVER_COUNT]; /* ns<label>.<registered domain> */
	struct address glue[SERVER_COUNT];
};

struct zone;
typedef void (*zone_answer_fn)(const struct zone *zone, const struct question *question,
	const struct moment *moment, struct answer *answer);

struct pool;

struct zone {
	uint64_t key; /* everything random about the zone comes from it */
	const struct network_plan *plan;
	struct dns_name apex;
	zone_answer_fn answer;
	const struct pool *pool;   /* its hosts; NULL where the answer function needs none */
	const struct zone *target; /* where its CNAME leads; NULL without */
	const struct zone *rival;  /* what an injector answers ahead of its servers; NULL without */
	uint64_t rival_from;       /* ns since the epoch */
	int truth;                 /* row in the truth, -1 for the background */
	bool moving_servers;       /* NS set and glue are drawn from the pool */
	bool steady_names;         /* ... but only the glue changes */
	enum server_fleet fleet;   /* many servers that stay */
	bool shows_servers;        /* its servers add the authority section */
};

/* The NS set at a moment; all servers of a zone agree. */
void zone_servers(const struct zone *zone, uint64_t time, struct server_set *set);

/* Address of the server that is asked at a moment. */
struct address zone_server(const struct zone *zone, const struct moment *moment, bool v6);
