/* SPDX-License-Identifier: BSD-3-Clause */

/* A full record's windows in time: slots and hours, their thresholds, their passing. */

#include "store/store_internal.h"

#define COMPLETE UINT16_MAX

struct moment moment_at(const struct domain *d, uint32_t t)
{
	uint32_t slot = t / STORE_SLOT_SECONDS, hour = t / STORE_HOUR_SECONDS;
	uint32_t slots_ago = slot < d->slot ? d->slot - slot : 0;
	uint32_t hours_ago = hour < d->hour ? d->hour - hour : 0;
	uint32_t day = t / STORE_DAY_SECONDS;
	uint32_t days_ago = day < d->day ? d->day - day : 0;

	return (struct moment){
		.slots = (uint16_t)(slots_ago < STORE_SLOTS ? 1u << slots_ago : 0),
		.hours = hours_ago < STORE_HOURS ? UINT32_C(1) << hours_ago : 0,
		.days = (uint8_t)(days_ago < STORE_DAYS ? 1u << days_ago : 0),
	};
}

void thresholds_lower(struct domain *d, struct moment m, uint64_t hash)
{
	uint16_t bound = (uint16_t)(hash >> 48);

	/* 0 would leave nothing to estimate from, and a bound is not "complete". */
	bound = bound == 0 ? 1 : bound == COMPLETE ? COMPLETE - 1 : bound;
	for (uint32_t bits = m.slots; bits; bits &= bits - 1) {
		uint16_t *t = &d->slot_threshold[__builtin_ctz(bits)];
		*t = bound < *t ? bound : *t;
	}
	for (uint32_t bits = m.hours; bits; bits &= bits - 1) {
		uint16_t *t = &d->hour_threshold[__builtin_ctz(bits)];
		*t = bound < *t ? bound : *t;
	}
	for (uint32_t bits = m.days; bits; bits &= bits - 1) {
		uint16_t *t = &d->day_threshold[__builtin_ctz(bits)];
		*t = bound < *t ? bound : *t;
	}
}

static void items_expire(struct domain *d)
{
	unsigned n = 0;

	for (unsigned i = 0; i < d->items; i++)
		if (d->item[i].hours || d->item[i].slots || d->item[i].days)
			d->item[n++] = d->item[i];
	if (n != d->items)
		d->spread = 0;
	d->items = (uint8_t)n;
}

static void slots_advance(struct domain *d, uint32_t slot)
{
	uint32_t by = slot - d->slot;

	if (by > STORE_SLOTS)
		by = STORE_SLOTS;
	memmove(d->fresh_slot + by, d->fresh_slot, STORE_SLOTS - by);
	memset(d->fresh_slot, 0, by);
	memmove(d->slot_threshold + by, d->slot_threshold, (STORE_SLOTS - by) * sizeof(uint16_t));
	memset(d->slot_threshold, 0xff, by * sizeof(uint16_t));
	for (unsigned i = 0; i < d->items; i++)
		d->item[i].slots = (uint16_t)((uint32_t)d->item[i].slots << by);
	uint32_t ticks = slot / STORE_TICK_SLOTS - d->slot / STORE_TICK_SLOTS;
	for (unsigned i = 0; i < d->ns_items; i++)
		d->ns[i].ticks = ticks < STORE_TICKS ? d->ns[i].ticks << ticks : 0;
	d->slot = slot;
}

static void hours_advance(struct domain *d, uint32_t hour)
{
	uint32_t by = hour - d->hour;

	if (by > STORE_HOURS)
		by = STORE_HOURS;
	memmove(d->fresh_hour + by, d->fresh_hour, STORE_HOURS - by);
	memset(d->fresh_hour, 0, by);
	memmove(d->hour_threshold + by, d->hour_threshold, (STORE_HOURS - by) * sizeof(uint16_t));
	memset(d->hour_threshold, 0xff, by * sizeof(uint16_t));
	for (unsigned i = 0; i < d->items; i++)
		d->item[i].hours = (uint32_t)((uint64_t)d->item[i].hours << by);
	d->hour = hour;
}

static void days_advance(struct domain *d, uint32_t day)
{
	uint32_t by = day - d->day;

	d->ttl_day[1] = by == 1 ? d->ttl_day[0] : 0;
	d->ttl_day[0] = 0;
	d->server_day[1] = by == 1 ? d->server_day[0] : 0;
	d->server_day[0] = 0;
	d->answered_day[1] = by == 1 ? d->answered_day[0] : 0;
	d->conflict_day[1] = by == 1 ? d->conflict_day[0] : 0;
	d->answered_day[0] = d->conflict_day[0] = 0;
	/* What name servers did is forgotten by halves, their TTL at once. */
	d->ns_changes /= 2;
	d->ns_ttl = 0;
	if (by > STORE_DAYS)
		by = STORE_DAYS;
	memmove(d->fresh_day + by, d->fresh_day, (STORE_DAYS - by) * sizeof(uint16_t));
	memset(d->fresh_day, 0, by * sizeof(uint16_t));
	memmove(d->day_threshold + by, d->day_threshold, (STORE_DAYS - by) * sizeof(uint16_t));
	memset(d->day_threshold, 0xff, by * sizeof(uint16_t));
	for (unsigned i = 0; i < d->items; i++)
		d->item[i].days = (uint8_t)((uint32_t)d->item[i].days << by);
	d->day = day;
	items_expire(d);
}

void domain_advance(struct domain *d, uint32_t now)
{
	uint32_t day = now / STORE_DAY_SECONDS;

	if (now / STORE_SLOT_SECONDS > d->slot)
		slots_advance(d, now / STORE_SLOT_SECONDS);
	if (now / STORE_HOUR_SECONDS > d->hour)
		hours_advance(d, now / STORE_HOUR_SECONDS);
	if (day > d->day)
		days_advance(d, day);
}
