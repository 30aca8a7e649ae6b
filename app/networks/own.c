/* SPDX-License-Identifier: BSD-3-Clause */

#include <string.h>

#include "base/bits.h"
#include "networks/own.h"

static bool fits(const uint8_t *addr, unsigned version, unsigned len)
{
	if (version == 4)
		return len >= 1 && len <= 32;
	return version == 6 && len >= 3 && len <= 64 && addr[0] >> 5 == 1;
}

/* Ranges that the new one meets become part of it. */
int own_add(struct own_ranges *r, const uint8_t *addr, unsigned version, unsigned len)
{
	if (!fits(addr, version, len))
		return -1;
	unsigned bits = version == 4 ? 32 : 64;
	uint64_t at = version == 4 ? load_be32(addr) : load_be64(addr);
	uint64_t rest = len == bits ? 0 : ~UINT64_C(0) >> (64 - (bits - len));
	struct own_range new = {.first = at & ~rest, .last = at | rest};
	unsigned from = 0, to;

	while (from < r->n && r->range[from].last + 1 < new.first)
		from++;
	for (to = from; to < r->n && r->range[to].first <= new.last + 1; to++) {
		if (r->range[to].first < new.first)
			new.first = r->range[to].first;
		if (r->range[to].last > new.last)
			new.last = r->range[to].last;
	}
	if (to == from && r->n == OWN_PREFIXES_MAX)
		return -1;
	memmove(&r->range[from + 1], &r->range[to], (r->n - to) * sizeof(new));
	r->range[from] = new;
	r->n = r->n - (to - from) + 1;
	return 0;
}

bool own_holds(const struct own_ranges *r, uint64_t unit)
{
	unsigned from = 0, to = r->n;

	while (from < to) {
		unsigned mid = (from + to) / 2;
		if (r->range[mid].last < unit)
			from = mid + 1;
		else
			to = mid;
	}
	return from < r->n && r->range[from].first <= unit;
}
