/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "families.h"
#include "tap.h"

/*
 * Somebody who can send packets across the tap: has an honest domain look as if it fluxed, or a
 * fluxing one as if it did not. The domain itself is asked and answers as families do.
 */

/* One row is one way to go about it. */
struct attack {
	const char *name;
	const char *summary;
	struct family target; /* the domain attacked, or whose operator attacks, as it is */
	struct pool_shape forged;
	bool moving_servers;  /* forged name servers are hosts of the forged pool */
	bool races;           /* answers the domain's queries before its server does */
	uint32_t interval_ms; /* mean between two exchanges of the attacker's own; 0: none */
	uint32_t servers;     /* of his own that he asks and has answer; 0: answers come unasked */
	uint8_t begins_percent; /* of the capture pass before */
};

extern const struct attack attacks[];
extern const size_t attack_count;

/* NULL when there is none of that name. */
const struct attack *attack_find(const char *name);

/* One attacked domain. Must stay where it is: its zones point into it. */
struct attack_domain {
	const struct attack *attack;
	struct family_domain target;
	struct zone forged; /* what the attacker wants to be believed */
	struct pool pool;
	struct rng rng;
	uint64_t begins; /* ns since the epoch */
};

/* The index-th domain of an attack; all forged answers of an attack are out of one pool. */
void attack_domain_init(struct attack_domain *domain, const struct attack *attack, uint32_t index,
	const struct options *options, const struct network_plan *plan);

/* The attacker's next exchange; returns the time until the one after it (ns). */
uint64_t attack_fire(struct attack_domain *domain, struct tap *tap, uint64_t time);
