/* SPDX-License-Identifier: BSD-3-Clause */

#include "base/bits.h"
#include "store/reverse.h"

#define PROBE 8u

struct entry {
	uint64_t unit; /* 0: free */
	uint32_t day;  /* last entered */
	uint32_t keys;
	uint64_t key[REVERSE_KEYS];
};
_Static_assert(sizeof(struct entry) == CACHE_LINE, "one cache line a unit");

struct reverse {
	uint32_t mask;
	struct hash_key placement;
	_Alignas(CACHE_LINE) struct entry entry[];
};

size_t reverse_size(unsigned entries_log2)
{
	if (entries_log2 < 10 || entries_log2 > 26)
		return 0;
	return sizeof(struct reverse) +
	       (((size_t)1 << entries_log2) + PROBE) * sizeof(struct entry);
}

struct reverse *reverse_init(void *mem, unsigned entries_log2, struct hash_key placement)
{
	size_t size = reverse_size(entries_log2);

	if (size == 0)
		return NULL;
	memset(mem, 0, size);
	struct reverse *r = mem;
	r->mask = (1u << entries_log2) - 1;
	r->placement = placement;
	return r;
}

static uint32_t home(const struct reverse *r, uint64_t unit)
{
	return (uint32_t)(hash_u64(unit, r->placement) >> 32) & r->mask;
}

/* The entry of unit, or else the one to use for it: free, or the oldest near by. */
static struct entry *entry_for(struct reverse *r, uint64_t unit)
{
	struct entry *e = &r->entry[home(r, unit)], *oldest = e;

	for (unsigned i = 0; i < PROBE; i++, e++) {
		if (e->unit == unit || e->unit == 0)
			return e;
		if (e->day < oldest->day)
			oldest = e;
	}
	return oldest;
}

void reverse_add(struct reverse *r, uint64_t unit, uint64_t key, uint32_t day)
{
	struct entry *e = entry_for(r, unit);
	unsigned largest = 0;

	if (e->unit != unit)
		*e = (struct entry){.unit = unit};
	e->day = day;
	for (unsigned i = 0; i < e->keys; i++) {
		if (e->key[i] == key)
			return;
		if (e->key[i] > e->key[largest])
			largest = i;
	}
	if (e->keys < REVERSE_KEYS)
		e->key[e->keys++] = key;
	else if (key < e->key[largest])
		e->key[largest] = key;
}

unsigned reverse_owners(const struct reverse *r, uint64_t unit, uint64_t out[REVERSE_KEYS])
{
	const struct entry *e = &r->entry[home(r, unit)];

	for (unsigned i = 0; i < PROBE; i++, e++) {
		if (e->unit == unit) {
			memcpy(out, e->key, e->keys * sizeof(out[0]));
			return e->keys;
		}
		if (e->unit == 0)
			return 0;
	}
	return 0;
}

uint64_t reverse_entries(const struct reverse *r)
{
	return (uint64_t)r->mask + 1 + PROBE;
}

bool reverse_at(const struct reverse *r, uint64_t i, struct reverse_unit *out)
{
	const struct entry *e = &r->entry[i];

	*out = (struct reverse_unit){.unit = e->unit, .day = e->day, .keys = e->keys};
	memcpy(out->key, e->key, sizeof(out->key));
	return e->unit != 0;
}

bool reverse_place(struct reverse *r, const struct reverse_unit *u)
{
	struct entry *e = entry_for(r, u->unit);

	if (e->unit == u->unit || (e->unit != 0 && e->day > u->day))
		return false;
	*e = (struct entry){.unit = u->unit, .day = u->day, .keys = u->keys};
	memcpy(e->key, u->key, u->keys * sizeof(u->key[0]));
	return true;
}
