/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

#include <stddef.h>
#include <stdint.h>

/*
 * What the resolvers remember: when each asked an authority for a name. The answer itself follows
 * from that moment (zone.h). Open addressing; what has expired is dropped when the table grows.
 */

struct cache_entry {
	uint64_t key; /* 0: free */
	uint64_t asked;
	uint64_t expires;
};

struct cache {
	struct cache_entry *entries; /* owned; cache_free() */
	size_t count, room;
};

/* When the answer that is still valid at now was asked for (ns), or 0. */
uint64_t cache_find(const struct cache *cache, uint64_t key, uint64_t now);

/* 0 or -ENOMEM. */
int cache_put(struct cache *cache, uint64_t key, uint64_t asked, uint64_t expires);

void cache_free(struct cache *cache);
