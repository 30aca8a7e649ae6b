/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

/*
 * What shards are filled with: registered domains by number, each with a key of its own that
 * is a hash, and answers that take a name through the store's tiers.
 */

#include "detect/detect.h"
#include "shard/shard.h"
#include "store/store.h"

/* What a domain is answered with in an epoch. */
enum load_answer {
	LOAD_ONE,   /* one address, the same each time */
	LOAD_OTHER, /* another one, the same each time */
	LOAD_FIVE,  /* addresses of five /16 of one network: enough for a full record */
	LOAD_TEN,   /* of ten */
	LOAD_FORTY, /* of forty networks: as diverse as any domain gets */
	LOAD_FLUX,  /* six new hosts in as many networks, which are its name servers as well */
};

extern const struct hash_key load_placement, load_sketch;
extern const struct net_lookup load_networks;

uint64_t load_key(uint64_t domain);

/*
 * A shard for so many live domains an epoch, of which `details` have several addresses. A
 * production shard is filled up to 7/8 of its slots. NULL: no memory. The caller frees it.
 */
struct shard *load_shard_new(uint64_t live, uint32_t details);

/* One response for each of n domains from `from` on. What finds no room the shard counts. */
void load_shard(struct shard *s, uint64_t from, uint64_t n, enum load_answer answer, uint32_t now);

/* Domains that found no room in the shard. */
uint64_t load_denied(const struct shard *s);
/* Of which it does not tell what became of them. */
uint64_t load_error(const struct shard *s);
