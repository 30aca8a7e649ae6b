/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

#include <stdint.h>

#include "options.h"
#include "pool.h"
#include "rng.h"
#include "tap.h"
#include "zipf.h"

/*
 * The benign domains around what is looked for. All about the n-th of them follows from the seed
 * and n, so millions cost one octet each (and eight for their popularity).
 */

#define BACKGROUND_CDNS 4

struct background {
	const struct options *options;
	const struct network_plan *plan;
	uint64_t key;
	struct rng rng;
	struct zipf zipf;
	struct pool cdn_pools[BACKGROUND_CDNS];
	struct zone cdn_zones[BACKGROUND_CDNS];
	uint8_t *seen; /* by domain: a bit for each host name that had an answer; owned */
};

/* 0 or -ENOMEM; on 0 end with background_free(). Must stay where it is. */
int background_init(struct background *background, const struct options *options,
	const struct network_plan *plan);

/* One look-up; returns the time until the next one (ns). */
uint64_t background_lookup(struct background *background, struct tap *tap, uint64_t time);

/* Adds what was seen to the truth. */
void background_count(const struct background *background, struct truth *truth);

void background_free(struct background *background);
