/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

/*
 * Responses that came before their query (docs/adr/0010): two legs of a tap are two queues,
 * and which is read first is chance. A ring of fixed size, oldest first, with an index by
 * transaction; each response waits HOLD_NS of packet time at most. One a transaction: the
 * first, and whether a later one said something else.
 *
 * One thread's own.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/bits.h"
#include "sensor/evidence.h"

/* Longest time that a response waits for its query: queues and merged captures differ by less. */
#define HOLD_NS UINT64_C(50000000)

/* What of a response is held at most; a larger one is not. */
#define HOLD_OWNERS 4u
#define HOLD_WORDS 24u
#define HOLD_OCTETS 112u

/* A response, as far as it matters once it was read. */
struct answer {
	uint64_t time_ns;
	uint8_t server;           /* see shard_observation */
	enum response_fate fate;  /* RESPONSE_PAIRED: it has evidence */
	struct evidence evidence; /* of another fate's only the digest is set */
};

struct held {
	uint64_t transaction;
	uint16_t next; /* of the same place in the index: slot + 1; 0 none */
	bool waits;    /* else it was paired */
	bool disputed; /* another one said something else */
	uint8_t octet[HOLD_OCTETS];
	struct answer answer; /* points to what follows, and to octet */
	struct evidence_owner owner[HOLD_OWNERS];
	uint64_t word[HOLD_WORDS];
};

struct hold {
	uint64_t due_ns; /* when the oldest one's time is over; UINT64_MAX: none waits */
	uint32_t head;   /* held in all, modulo 2^32 */
	uint32_t tail;
	uint32_t mask; /* slots - 1 */
	uint32_t index_mask;
	uint16_t *index; /* by transaction: slot + 1 of the newest; 0 none */
	struct held *ring;
};

/* slots_log2 in 0..14; octets that hold_init needs, a multiple of a cache line. */
size_t hold_size(unsigned slots_log2);

/* Lays out an empty one in `mem` (64-octet aligned, hold_size octets, owned by the caller). */
void hold_init(struct hold *h, void *mem, unsigned slots_log2);

static inline bool hold_is_empty(const struct hold *h)
{
	return h->due_ns == UINT64_MAX;
}

/* The one of this transaction, or NULL. */
struct held *hold_find(const struct hold *h, uint64_t transaction);

/* May it be held: is it small enough? */
bool hold_fits(const struct answer *a);

/* The oldest one that waits, or NULL. */
struct held *hold_oldest(const struct hold *h);

static inline bool hold_is_full(const struct hold *h)
{
	return h->head - h->tail > h->mask;
}

/* Copies a response that fits; there must be room, and none of the transaction. */
void hold_put(struct hold *h, uint64_t transaction, const struct answer *a);

/* It waits no longer; what it holds stays readable until the next hold_put. */
void hold_take(struct hold *h, struct held *held);
