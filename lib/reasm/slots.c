/* SPDX-License-Identifier: BSD-3-Clause */

#include "base/bits.h"
#include "reasm/slots.h"

static uint32_t buckets(uint32_t n)
{
	uint32_t b = 1;

	while (b < n)
		b *= 2;
	return b;
}

size_t slots_size(uint32_t n)
{
	return align_up(buckets(n) * sizeof(uint32_t), CACHE_LINE) +
	       align_up(n * sizeof(struct slot), CACHE_LINE);
}

void slots_init(struct slots *s, void *mem, uint32_t n)
{
	uint32_t b = buckets(n);

	*s = (struct slots){
		.n = n,
		.mask = b - 1,
		.oldest = SLOT_NONE,
		.newest = SLOT_NONE,
		.bucket = mem,
		.slot = (struct slot *)((uint8_t *)mem +
					align_up(b * sizeof(uint32_t), CACHE_LINE)),
	};
	memset(s->bucket, 0xff, b * sizeof(uint32_t)); /* SLOT_NONE */
	for (uint32_t i = 0; i < n; i++)
		s->slot[i].chain = i + 1 < n ? i + 1 : SLOT_NONE;
}

uint32_t slots_find(const struct slots *s, uint64_t key)
{
	uint32_t i = s->bucket[key & s->mask];

	while (i != SLOT_NONE && s->slot[i].key != key)
		i = s->slot[i].chain;
	return i;
}

static void order_append(struct slots *s, uint32_t i)
{
	s->slot[i].older = s->newest;
	s->slot[i].newer = SLOT_NONE;
	if (s->newest != SLOT_NONE)
		s->slot[s->newest].newer = i;
	else
		s->oldest = i;
	s->newest = i;
}

static void order_remove(struct slots *s, uint32_t i)
{
	struct slot *e = &s->slot[i];

	if (e->older != SLOT_NONE)
		s->slot[e->older].newer = e->newer;
	else
		s->oldest = e->newer;
	if (e->newer != SLOT_NONE)
		s->slot[e->newer].older = e->older;
	else
		s->newest = e->older;
}

uint32_t slots_add(struct slots *s, uint64_t key)
{
	uint32_t i = s->free;

	if (i == SLOT_NONE)
		return i;
	s->free = s->slot[i].chain;
	s->slot[i].key = key;
	s->slot[i].chain = s->bucket[key & s->mask];
	s->bucket[key & s->mask] = i;
	order_append(s, i);
	s->used++;
	return i;
}

void slots_touch(struct slots *s, uint32_t i)
{
	if (s->newest == i)
		return;
	order_remove(s, i);
	order_append(s, i);
}

void slots_age(struct slots *s, uint32_t i)
{
	if (s->oldest == i)
		return;
	order_remove(s, i);
	s->slot[i].older = SLOT_NONE;
	s->slot[i].newer = s->oldest;
	s->slot[s->oldest].older = i;
	s->oldest = i;
}

void slots_remove(struct slots *s, uint32_t i)
{
	uint32_t *at = &s->bucket[s->slot[i].key & s->mask];

	while (*at != i)
		at = &s->slot[*at].chain;
	*at = s->slot[i].chain;
	order_remove(s, i);
	s->slot[i].chain = s->free;
	s->free = i;
	s->used--;
}
