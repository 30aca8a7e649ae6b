/* SPDX-License-Identifier: BSD-3-Clause */

#include <errno.h>
#include <stdio.h>

#include <rte_common.h>
#include <rte_malloc.h>

#include "base/bits.h"
#include "datapath/handover.h"

static struct rte_ring *ring_make(const char *what, unsigned i, unsigned room, unsigned flags)
{
	char name[RTE_RING_NAMESIZE];

	snprintf(name, sizeof(name), "fluxgate_%s_%u", what, i);
	return rte_ring_create(name, rte_align32pow2(room + 1), SOCKET_ID_ANY, flags);
}

int handover_init(struct handover *h, unsigned workers, const struct shard_config *config,
	struct hash_key placement, struct hash_key sketch)
{
	size_t size = shard_size(config);

	h->workers = workers;
	h->shards = workers * SHARDS_A_WORKER;
	h->clean = ring_make("clean", 0, h->shards, RING_F_SP_ENQ);
	if (!h->clean)
		return -ENOMEM;
	for (unsigned i = 0; i < workers; i++) {
		atomic_init(&h->held[i], 0);
		h->full[i] = ring_make("full", i, h->shards, RING_F_SP_ENQ | RING_F_SC_DEQ);
		if (!h->full[i])
			return -ENOMEM;
	}
	for (unsigned i = 0; i < h->shards; i++) {
		void *mem = rte_malloc("shard", size, CACHE_LINE);
		struct shard *s = mem ? shard_init(mem, config, placement, sketch) : NULL;
		if (!s)
			return -ENOMEM;
		rte_ring_sp_enqueue(h->clean, s);
	}
	return 0;
}
