/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

/* Verdicts as records, and back; see store/state.h. */

#include "detect/detect.h"
#include "store/state.h"

/* Writes verdicts from the i-th on until one finds no room; the number of the next. */
unsigned detect_save(const struct detector *t, unsigned i, struct encoder *e);

/*
 * Takes one record of version 1 in, after the full records: a verdict stands with its
 * record or not at all. `image` is scratch. False: it cannot be one of ours.
 */
bool detect_restore_verdict(struct detector *t, struct store *st, struct decoder *d,
	struct verdict *image, struct state_restored *r);

/* At the end: no record stays flagged without its verdict. */
void detect_restore_end(struct store *st, struct state_restored *r);
