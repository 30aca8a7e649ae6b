/* SPDX-License-Identifier: BSD-3-Clause */

#include "detect/activity.h"
#include "detect/view.h"

#define SLOTS_SHOWN 12u
#define HOURS_SHOWN 24u
#define DAYS_SHOWN STORE_DAYS

_Static_assert(VERDICT_ACTIVITY >= HOURS_SHOWN, "hours are the most that is shown");

/* As store.h has it: items below the unit's threshold that were active in it, over the threshold.
 */
static uint32_t distinct(
	const struct view *v, uint16_t threshold, unsigned unit, const uint64_t hash[STORE_SAMPLE])
{
	unsigned n = 0;

	if (!threshold) /* nothing was sampled: a record that is not the store's */
		return 0;
	for (unsigned i = 0; i < v->d->items; i++)
		n += (view_bits(v, &v->d->item[i]) >> unit & 1) &&
		     (threshold == UINT16_MAX || hash[i] < (uint64_t)threshold << 48);
	return threshold == UINT16_MAX ? n : (uint32_t)((n * UINT64_C(65536)) / threshold);
}

void activity_tell(const struct domain *d, const struct store *st, enum flux_window window,
	struct verdict_activity *out)
{
	uint64_t hash[STORE_SAMPLE];
	struct view v = {.d = d, .grain = VIEW_HOURS, .mask = UINT32_MAX};
	const uint16_t *threshold = d->hour_threshold;
	uint32_t newest = d->hour;

	*out = (struct verdict_activity){.unit_seconds = STORE_HOUR_SECONDS, .units = HOURS_SHOWN};
	if (window == WINDOW_7D) {
		v.grain = VIEW_DAYS;
		threshold = d->day_threshold;
		newest = d->day;
		out->unit_seconds = STORE_DAY_SECONDS;
		out->units = DAYS_SHOWN;
	} else if (window != WINDOW_24H) {
		v.grain = VIEW_SLOTS;
		threshold = d->slot_threshold;
		newest = d->slot;
		out->unit_seconds = STORE_SLOT_SECONDS;
		out->units = SLOTS_SHOWN;
	}
	uint32_t known = newest - d->first / out->unit_seconds + 1;
	if (out->units > known)
		out->units = known;
	out->end = (newest + 1) * out->unit_seconds;
	for (unsigned i = 0; i < d->items; i++)
		hash[i] = store_unit_hash(st, d->item[i].unit);
	for (unsigned i = 0; i < out->units; i++)
		out->addresses[i] = distinct(&v, threshold[i], i, hash);
}
