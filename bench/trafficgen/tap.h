/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

#include <stdint.h>

#include "cache.h"
#include "capture.h"
#include "options.h"
#include "rng.h"
#include "truth.h"
#include "zone.h"

/* The place where the capture is taken: turns a look-up into the packets that pass there. */

struct tap {
	const struct options *options;
	const struct network_plan *plan;
	struct capture *capture;
	struct truth *truth;
	struct cache cache; /* of all resolvers, seen from the clients' side only */
	struct rng loss;
	uint64_t left;      /* packets until the limit */
	uint64_t positives; /* responses captured that had an answer */
	int error;          /* the first failure, -errno; nothing is done after it */
};

void tap_init(struct tap *tap, const struct options *options, const struct network_plan *plan,
	struct capture *capture, struct truth *truth);

void tap_free(struct tap *tap);

/*
 * Somebody looks a name of the zone up at a time (ns). Clients get the whole chain of aliases in
 * one response; resolvers ask the authority of the alias target next.
 */
void tap_lookup(struct tap *tap, struct rng *rng, const struct zone *zone,
	const struct question *question, uint64_t time);

/* A response of forged's that nobody asked for, sent as if by the servers of the true zone. */
void tap_inject(struct tap *tap, struct rng *rng, const struct zone *forged,
	const struct zone *zone, const struct question *question, uint64_t time);

/* A subscriber asks one of the attacker's servers (1..), which answers as forged does. */
void tap_stage(struct tap *tap, struct rng *rng, const struct zone *forged,
	const struct question *question, uint32_t servers, uint64_t time);
