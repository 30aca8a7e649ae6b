/* SPDX-License-Identifier: BSD-3-Clause */

#include "detect/view.h"

#define DAY_HOURS 24u
#define WEEK_DAYS 7u
#define HOUR_SLOTS (STORE_HOUR_SECONDS / STORE_SLOT_SECONDS)

static uint16_t threshold_of(const struct domain *d, enum view_grain grain, unsigned i)
{
	return grain == VIEW_SLOTS   ? d->slot_threshold[i]
	       : grain == VIEW_HOURS ? d->hour_threshold[i]
				     : d->day_threshold[i];
}

/* Thresholds are kept as their top 16 bits; 0xffff means that nothing was turned away. */
static uint64_t window_threshold(const struct domain *d, enum view_grain grain, unsigned units)
{
	uint16_t lowest = 0xffff;

	for (unsigned i = 0; i < units; i++) {
		uint16_t t = threshold_of(d, grain, i);
		if (t < lowest)
			lowest = t;
	}
	return lowest == 0xffff ? UINT64_MAX : (uint64_t)lowest << 48;
}

void view_by(struct view *v, const struct domain *d, const struct store *st, enum view_grain grain,
	unsigned units, struct view_filter filter)
{
	uint32_t seen = 0;

	/* Answers that live long beside ones that do not are another's, or a blind. */
	v->brief = false;
	for (unsigned i = 0; i < d->items; i++)
		v->brief |= d->item[i].brief;
	v->d = d;
	v->grain = grain;
	v->units = units;
	v->mask = low_bits(units);
	v->threshold = window_threshold(d, grain, units);
	v->n = 0;
	for (unsigned i = 0; i < d->items; i++) {
		const struct domain_item *it = &d->item[i];
		uint32_t bits = view_bits(v, it);
		if (bits == 0 || it->grade < filter.least)
			continue;
		if (v->brief && !it->brief)
			continue;
		if (filter.server && (it->early || it->server == filter.server))
			continue;
		if (v->threshold != UINT64_MAX && store_unit_hash(st, it->unit) >= v->threshold)
			continue;
		seen |= bits;
		v->item[v->n++] = it;
	}
	/* The window is as long as there is anything in it. */
	v->units = seen ? 32 - (unsigned)__builtin_clz(seen) : 1;
}

/* While a domain is young, finer bits tell all that coarser ones do. */
void view_make(struct view *v, const struct domain *d, const struct store *st, enum flux_window w,
	struct view_filter filter)
{
	unsigned slots = d->slot - d->first / STORE_SLOT_SECONDS + 1;
	unsigned hours = d->hour - d->first / STORE_HOUR_SECONDS + 1;

	if (w == WINDOW_10M)
		view_by(v, d, st, VIEW_SLOTS, 2, filter);
	else if (w == WINDOW_1H)
		view_by(v, d, st, VIEW_SLOTS, HOUR_SLOTS, filter);
	else if (slots <= STORE_SLOTS)
		view_by(v, d, st, VIEW_SLOTS, STORE_SLOTS, filter);
	else if (w == WINDOW_24H)
		view_by(v, d, st, VIEW_HOURS, DAY_HOURS, filter);
	else if (hours <= STORE_HOURS)
		view_by(v, d, st, VIEW_HOURS, STORE_HOURS, filter);
	else
		view_by(v, d, st, VIEW_DAYS, WEEK_DAYS, filter);
}
