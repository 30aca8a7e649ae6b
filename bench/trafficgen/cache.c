/* SPDX-License-Identifier: BSD-3-Clause */
#include "cache.h"

#include <errno.h>
#include <stdlib.h>

static struct cache_entry *cache_seek(const struct cache *cache, uint64_t key)
{
	size_t at = key & (cache->room - 1);

	while (cache->entries[at].key != 0 && cache->entries[at].key != key)
		at = (at + 1) & (cache->room - 1);
	return &cache->entries[at];
}

/* Twice the room, or the same when half of the entries have expired. */
static int cache_grow(struct cache *cache, uint64_t now)
{
	struct cache next = {0};
	size_t live = 0;

	for (size_t i = 0; i < cache->room; i++)
		live += cache->entries[i].key != 0 && cache->entries[i].expires > now;
	next.room = cache->room == 0 ? 1024 : cache->room;
	if (live > cache->room / 4)
		next.room *= 2;
	next.entries = calloc(next.room, sizeof(*next.entries));
	if (next.entries == NULL)
		return -ENOMEM;
	for (size_t i = 0; i < cache->room; i++) {
		if (cache->entries[i].key == 0 || cache->entries[i].expires <= now)
			continue;
		*cache_seek(&next, cache->entries[i].key) = cache->entries[i];
		next.count++;
	}
	free(cache->entries);
	*cache = next;
	return 0;
}

uint64_t cache_find(const struct cache *cache, uint64_t key, uint64_t now)
{
	const struct cache_entry *entry;

	if (cache->room == 0)
		return 0;
	entry = cache_seek(cache, key);
	return entry->key == key && entry->expires > now ? entry->asked : 0;
}

int cache_put(struct cache *cache, uint64_t key, uint64_t asked, uint64_t expires)
{
	struct cache_entry *entry;

	if (2 * (cache->count + 1) > cache->room) {
		int ret = cache_grow(cache, asked);

		if (ret != 0)
			return ret;
	}
	entry = cache_seek(cache, key);
	cache->count += entry->key == 0;
	*entry = (struct cache_entry){.key = key, .asked = asked, .expires = expires};
	return 0;
}

void cache_free(struct cache *cache)
{
	free(cache->entries);
	*cache = (struct cache){0};
}
