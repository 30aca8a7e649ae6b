/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

/*
 * What is lacking for a verdict, found by asking the rules.
 *
 * The rules are taken as they are (rules_apply): clauses that fail are made to hold by
 * moving their thresholds to the value seen, and the rules say whether that is a verdict.
 * So a rule that is new or changed is explained with no line here, and no copy of the
 * rules can fall behind them.
 */

#include "detect/rules.h"

#define WAYS_MAX 6u

/* If these clauses held too there would be a ruling, and without any of them there would not. */
struct way {
	uint64_t clauses; /* bits of enum clause, all of them fail now */
	enum flux_class class;
	bool suspected;
};

/*
 * The ways to a ruling, those that lack least first; 0 when a rule is met, or when no
 * clause stands in its way. O(clauses^2) applications of the rules.
 */
unsigned ways_find(
	const struct detect_config *c, const struct features *f, struct way way[WAYS_MAX]);
