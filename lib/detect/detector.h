/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

/* The detector's memory; internal to lib/detect. */

#include "detect/events.h"
#include "detect/lists.h"
#include "detect/model.h"

struct detector {
	struct detect_config config;
	struct scorer scorer;
	const struct name_lists *lists; /* NULL: none */
	bool lists_new;                 /* verdicts in force were not held against them yet */
	struct verdict_account account;
	unsigned room;
	unsigned n; /* verdict[0..n) are flagged; domain.verdict.slot is 1-based */
	struct verdict *verdict;
	void *campaigns; /* scratch of campaign.c */
	struct event_ring events;
};
