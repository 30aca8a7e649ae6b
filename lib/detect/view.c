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

/* Lowest threshold of the hours that `units` of the view reach over. */
static uint32_t ledger_threshold(
	const struct ledger *l, const struct domain *d, enum view_grain grain, unsigned units)
{
	unsigned hours = units;
	uint32_t lowest = UINT32_MAX;

	if (grain == VIEW_SLOTS)
		hours = d->hour - (d->slot - (units - 1)) / HOUR_SLOTS + 1;
	/* Of hours that the ledger has not come to yet nothing was turned away. */
	for (unsigned i = d->hour - l->hour; i < hours && i < STORE_HOURS; i++) {
		uint32_t t = l->hour_threshold[i - (d->hour - l->hour)];
		lowest = t < lowest ? t : lowest;
	}
	return lowest;
}

static uint32_t mark_bits(const struct ledger *l, const struct ledger_mark *k, const struct view *v)
{
	uint32_t behind = v->grain == VIEW_SLOTS ? v->d->slot - l->slot : v->d->hour - l->hour;
	uint64_t bits = v->grain == VIEW_SLOTS ? k->slots : k->hours;

	return behind < 32 ? (uint32_t)(bits << behind) & v->mask : 0;
}

static uint32_t marks_from_ledger(struct view *v, const struct ledger *l, struct view_filter filter)
{
	uint32_t threshold = ledger_threshold(l, v->d, v->grain, v->units), seen = 0;

	v->mark_share = threshold == UINT32_MAX ? 1 : threshold / 0x1p32;
	for (unsigned i = 0; i < l->marks; i++) {
		const struct ledger_mark *k = &l->mark[i];
		uint32_t bits = mark_bits(l, k, v);
		if (bits == 0 || k->grade < filter.least || (v->brief && !k->brief))
			continue;
		if (filter.server && (k->early || k->server == filter.server))
			continue;
		if (threshold != UINT32_MAX && k->hash >= threshold)
			break;
		v->mark[v->marks++] = bits;
		seen |= bits;
	}
	return seen;
}

static uint32_t marks_from_items(struct view *v)
{
	uint32_t seen = 0;

	v->mark_share = v->threshold == UINT64_MAX ? 1 : (double)v->threshold / 0x1p64;
	for (unsigned i = 0; i < v->n; i++) {
		v->mark[v->marks++] = view_bits(v, v->item[i]);
		seen |= view_bits(v, v->item[i]);
	}
	return seen;
}

void view_by(struct view *v, const struct domain *d, const struct store *st, enum view_grain grain,
	unsigned units, struct view_filter filter)
{
	const struct ledger *l = grain == VIEW_DAYS ? NULL : store_ledger(st, d);

	/* Answers that live long beside ones that do not are another's, or a blind. */
	v->brief = false;
	for (unsigned i = 0; i < d->items; i++)
		v->brief |= d->item[i].brief;
	v->d = d;
	v->grain = grain;
	v->units = units;
	v->mask = low_bits(units);
	v->threshold = window_threshold(d, grain, units);
	v->n = v->marks = 0;
	for (unsigned i = 0; i < d->items; i++) {
		const struct domain_item *it = &d->item[i];
		if (view_bits(v, it) == 0 || it->grade < filter.least)
			continue;
		if (v->brief && !it->brief)
			continue;
		if (filter.server && (it->early || it->server == filter.server))
			continue;
		if (v->threshold != UINT64_MAX && store_unit_hash(st, it->unit) >= v->threshold)
			continue;
		v->item[v->n++] = it;
	}
	uint32_t seen = l ? marks_from_ledger(v, l, filter) : marks_from_items(v);
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
