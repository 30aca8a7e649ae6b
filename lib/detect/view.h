/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

/*
 * One window over a domain's sample; internal to lib/detect. A window is looked at in
 * slots, hours or days, whichever tell most of it: an item is a word of bits then, bit 0
 * being the newest. What is asked of times only is asked of the domain's ledger where it
 * has one, which keeps more addresses: the marks.
 */

#include "detect/detect.h"
#include "store/ledger.h"

enum view_grain { VIEW_SLOTS, VIEW_HOURS, VIEW_DAYS };

struct view {
	const struct domain *d;
	enum view_grain grain;
	unsigned units;     /* slots, hours or days from the newest to the oldest with anything */
	uint32_t mask;      /* of these bits */
	uint64_t threshold; /* lowest sampling threshold within the window */
	bool brief;         /* items that were never answered with a short TTL are left out */
	unsigned n;
	const struct domain_item *item[STORE_SAMPLE]; /* active in the window, below threshold */
	unsigned marks;
	double mark_share;           /* of the window's addresses, that marks are */
	uint32_t mark[LEDGER_MARKS]; /* their bits */
};

void view_make(struct view *v, const struct domain *d, const struct store *st, enum flux_window w,
	struct view_filter filter);

/* The same by one grain, over its newest `units`. */
void view_by(struct view *v, const struct domain *d, const struct store *st, enum view_grain grain,
	unsigned units, struct view_filter filter);

static inline uint32_t view_bits(const struct view *v, const struct domain_item *it)
{
	uint32_t bits = v->grain == VIEW_SLOTS   ? it->slots
			: v->grain == VIEW_HOURS ? it->hours
						 : it->days;

	return bits & v->mask;
}

static inline uint32_t low_bits(unsigned n)
{
	return n >= 32 ? UINT32_MAX : (UINT32_C(1) << n) - 1;
}

/*
 * Recapture and what else the marks tell of time: growth, open_*, never_return,
 * coverage. Reads age and ttl_cached.
 */
void view_times(const struct view *v, struct features *f);
