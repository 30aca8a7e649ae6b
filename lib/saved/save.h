/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

/*
 * Writes a state into one buffer after the other, in helpings that the caller can
 * afford. Between the first and the last nothing may change the store or the
 * detector: what comes out is of one moment.
 */

#include "saved/format.h"

struct state_save {
	const struct store *store;
	const struct detector *detector;
	uint64_t psl;
	unsigned phase;
	struct store_walk walk;
	unsigned verdict;
	uint64_t records;
	bool over;
};

void state_save_begin(struct state_save *s, const struct store *store,
	const struct detector *detector, uint64_t psl);

/*
 * Writes a helping, some tens of microseconds' work, and returns its octets, also 0; those
 * behind STATE_HEADER in the file. When a record found no room *full is set: a buffer of
 * STATE_RECORD_MAX octets or more takes it. s->over: that was all.
 */
size_t state_save_fill(struct state_save *s, uint8_t *buffer, size_t room, bool *full);
