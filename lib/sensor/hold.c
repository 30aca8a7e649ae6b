/* SPDX-License-Identifier: BSD-3-Clause */

#include <string.h>

#include "sensor/hold.h"

_Static_assert(sizeof(struct held) == 8 * CACHE_LINE, "what the configuration reckons with");

/* Two places of the index for each slot. */
#define INDEX_PER_SLOT_LOG2 1u

static size_t ring_size(unsigned slots_log2)
{
	return sizeof(struct held) << slots_log2;
}

static size_t index_size(unsigned slots_log2)
{
	return sizeof(uint16_t) << (slots_log2 + INDEX_PER_SLOT_LOG2);
}

size_t hold_size(unsigned slots_log2)
{
	return ring_size(slots_log2) + align_up(index_size(slots_log2), CACHE_LINE);
}

void hold_init(struct hold *h, void *mem, unsigned slots_log2)
{
	*h = (struct hold){
		.due_ns = UINT64_MAX,
		.mask = (1u << slots_log2) - 1,
		.index_mask = (1u << (slots_log2 + INDEX_PER_SLOT_LOG2)) - 1,
		.index = (uint16_t *)((uint8_t *)mem + ring_size(slots_log2)),
		.ring = mem,
	};
	memset(mem, 0, hold_size(slots_log2));
}

static unsigned words(const struct evidence *e)
{
	return (unsigned)e->units + e->ns_names + e->ns_units;
}

bool hold_fits(const struct answer *a)
{
	const struct evidence *e = &a->evidence;
	unsigned octets = 0;

	if (a->fate != RESPONSE_PAIRED)
		return true;
	if (e->owners > HOLD_OWNERS || words(e) > HOLD_WORDS)
		return false;
	for (unsigned i = 0; i < e->owners; i++)
		octets += e->owner[i].name_len;
	return octets <= HOLD_OCTETS;
}

static uint16_t *place_of(const struct hold *h, uint64_t transaction)
{
	return &h->index[(uint32_t)transaction & h->index_mask];
}

struct held *hold_find(const struct hold *h, uint64_t transaction)
{
	for (unsigned i = *place_of(h, transaction); i; i = h->ring[i - 1].next)
		if (h->ring[i - 1].transaction == transaction)
			return &h->ring[i - 1];
	return NULL;
}

struct held *hold_oldest(const struct hold *h)
{
	return hold_is_empty(h) ? NULL : &h->ring[h->tail & h->mask];
}

static uint64_t *words_copy(uint64_t **at, const uint64_t *from, unsigned n)
{
	uint64_t *to = *at;

	memcpy(to, from, n * sizeof(*to));
	*at += n;
	return to;
}

static void evidence_copy(struct held *held, const struct evidence *from)
{
	struct evidence *e = &held->answer.evidence;
	uint64_t *word = held->word;
	uint8_t *octet = held->octet;

	*e = *from;
	e->owner = held->owner;
	for (unsigned i = 0; i < e->owners; i++) {
		held->owner[i] = from->owner[i];
		held->owner[i].name = octet;
		memcpy(octet, from->owner[i].name, from->owner[i].name_len);
		octet += from->owner[i].name_len;
	}
	e->unit = words_copy(&word, from->unit, e->units);
	e->ns_name = words_copy(&word, from->ns_name, e->ns_names);
	e->ns_unit = words_copy(&word, from->ns_unit, e->ns_units);
}

void hold_put(struct hold *h, uint64_t transaction, const struct answer *a)
{
	unsigned slot = h->head++ & h->mask;
	struct held *held = &h->ring[slot];

	held->transaction = transaction;
	held->waits = true;
	held->disputed = false;
	held->answer.time_ns = a->time_ns;
	held->answer.server = a->server;
	held->answer.fate = a->fate;
	if (a->fate == RESPONSE_PAIRED)
		evidence_copy(held, &a->evidence);
	else
		held->answer.evidence.digest = a->evidence.digest;
	uint16_t *place = place_of(h, transaction);
	held->next = *place;
	*place = (uint16_t)(slot + 1);
	if (hold_is_empty(h))
		h->due_ns = a->time_ns + HOLD_NS;
}

static void index_clear(struct hold *h, const struct held *held)
{
	uint16_t *at = place_of(h, held->transaction);

	while (*at != held - h->ring + 1)
		at = &h->ring[*at - 1].next;
	*at = held->next;
}

void hold_take(struct hold *h, struct held *held)
{
	held->waits = false;
	index_clear(h, held);
	/* Those before it that were taken go with the oldest. */
	while (h->tail != h->head && !h->ring[h->tail & h->mask].waits)
		h->tail++;
	h->due_ns = h->tail == h->head ? UINT64_MAX
				       : h->ring[h->tail & h->mask].answer.time_ns + HOLD_NS;
}
