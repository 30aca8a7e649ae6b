/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

/* A verdict's distinct addresses over time, for a person to see. */

#include "detect/detect.h"

/*
 * In five-minute slots for the windows of up to an hour, in hours for a day, in days for the week;
 * as of the time that d was last advanced to. Estimates where the sample is not complete.
 * O(items * VERDICT_ACTIVITY).
 */
void activity_tell(const struct domain *d, const struct store *st, enum flux_window window,
	struct verdict_activity *out);
