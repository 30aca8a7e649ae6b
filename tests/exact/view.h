/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

/* One window over a domain's units; internal to the oracle. */

#include "exact.h"

/* When a unit was seen: bit i is the i-th slot, hour or day before that of now. */
struct exact_seen {
	const struct exact_unit *unit;
	uint32_t when;
};

struct exact_view {
	uint32_t grain; /* seconds of a bit: a slot, an hour or a day */
	unsigned most;  /* bits that there may be */
	unsigned span;  /* bits from the newest to the oldest with anything */
	bool brief;     /* units never answered with a short TTL are left out */
	size_t n;
	struct exact_seen *seen; /* to be freed */
};

/* Of the `most` newest slots, hours or days. */
void exact_view_by(struct exact_view *v, const struct exact_domain *d, uint32_t now, uint32_t grain,
	unsigned most, struct view_filter filter);

/* growth, never_return, coverage, open_*; reads age and ttl_cached. */
void exact_times(const struct exact_view *v, struct features *f);

/*
 * Of pairs (a, b) the number of different a; counts[i] (may be NULL, else of room n) how many
 * different b each of them has. Sorts the pairs.
 */
struct exact_pair {
	uint64_t a, b;
};
size_t exact_groups(struct exact_pair *pair, size_t n, size_t *counts);
