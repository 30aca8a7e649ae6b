/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

/*
 * Which worker a frame belongs to: the same for both directions of an exchange
 * and for all fragments of a datagram. By addresses only.
 */

#include "base/hash.h"
#include "wire/wire.h"

struct spread {
	struct wire_config wire;
	struct hash_key key;
	unsigned workers;
};

static inline void spread_init(
	struct spread *s, const struct wire_config *wire, struct hash_key key, unsigned workers)
{
	*s = (struct spread){*wire, key, workers};
}

/* 0..workers-1; frames without addresses go to worker 0. */
static inline unsigned spread_worker(const struct spread *s, enum wire_link link,
	const uint8_t *data, uint32_t caplen, uint32_t wirelen)
{
	struct wire_packet w;

	if (wire_decode(&s->wire, link, data, caplen, wirelen, &w) != WIRE_DNS)
		return 0;
	size_t n = w.ip_version == 4 ? 4 : 16;
	/* A sum is the same in both directions. */
	uint64_t h = hash_bytes(w.saddr, n, s->key) + hash_bytes(w.daddr, n, s->key);

	return (unsigned)(((hash_u64(h, s->key) >> 32) * s->workers) >> 32);
}
