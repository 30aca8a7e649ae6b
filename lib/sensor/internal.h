/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

/* What the passes over a burst share; nobody else includes it. */

#include "dns/plain.h"
#include "sensor/evidence.h"
#include "sensor/hold.h"
#include "sensor/sensor.h"

#define NS_PER_SECOND UINT64_C(1000000000)
#define NS_PER_MS UINT64_C(1000000)

/*
 * Responses a query must be seen for before the tap counts as carrying both
 * directions; until then an unpaired response is taken as weak evidence.
 */
#define ONE_WAY_RATIO 16u

enum kind {
	KIND_NONE, /* counted, and done with */
	KIND_QUERY,
	KIND_RESPONSE,
};

/* What a message is waiting for between the passes. */
struct pending {
	uint64_t transaction;
	enum kind kind;
	struct answer answer; /* of a query only the time */
};

struct sensor {
	struct sensor_config config;
	struct shard *shard;
	struct match *match;
	struct hold hold;
	struct reasm *reasm;
	uint64_t queries; /* since start: is this tap one-directional? */
	uint64_t responses;
	uint64_t query_ns; /* time of the last one */
	/* A time in other units; all frames of a live burst have the same. */
	uint64_t now_ns, now_ms;
	uint32_t now_s;
	bool borrowed;                           /* a packet below lies in reassembly's memory */
	struct wire_packet packet[SENSOR_BURST]; /* DNS messages to come */
	uint64_t time_ns[SENSOR_BURST];
	struct pending pending[SENSOR_BURST];
	struct dns_plain plain[SENSOR_BURST];
	struct dns_name name[SENSOR_BURST];
	struct dns_record record[DNS_RECORDS_MAX];
	struct evidence_arena arena;
};

/* A response whose query was not seen says little where queries are seen at all. */
static inline bool sensor_one_way(const struct sensor *s)
{
	return s->queries * ONE_WAY_RATIO < s->responses;
}

/*
 * A response of this time is alone without a look into the pairing table: the tap carries
 * responses alone, and what waited for one is long over.
 */
static inline bool sensor_lone(const struct sensor *s, uint64_t time_ns)
{
	return sensor_one_way(s) && s->query_ns + 2 * MATCH_TIMEOUT_MS * NS_PER_MS < time_ns;
}

/*
 * Pass 2 over the first n packets: each one's `pending`, and the lines of pairing table and
 * shard are on their way. What pairs with nothing is counted here.
 */
void sensor_parse(struct sensor *s, unsigned n);

/* Pass 3, in the order of arrival: pairing, and what pairs goes to the shard. */
void sensor_settle(struct sensor *s, unsigned n);

/* Early responses whose time is over by `now_ns`. */
void sensor_expire(struct sensor *s, uint64_t now_ns);
