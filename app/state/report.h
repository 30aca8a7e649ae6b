/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

/* What the sensor says of its saved state; plain data, copied into each snapshot. */

#include <stdbool.h>
#include <stdint.h>

#include "cli/exit.h"
#include "store/state.h"

/* X(enumerator, name): what a start found. */
#define STATE_LOADS(X) \
	X(STATE_LOAD_NONE, "none") /* no file: the first start */ \
	X(STATE_LOAD_NEWEST, "newest") \
	X(STATE_LOAD_PREVIOUS, "previous") /* the newest could not be used */ \
	X(STATE_LOAD_REFUSED, "refused")   /* nothing could: it started empty */

enum state_load_result {
#define X(name, text) name,
	STATE_LOADS(X)
#undef X
		STATE_LOAD_COUNT
};

struct state_report {
	const char *path; /* lives as long as the process; NULL: nothing is kept */
	enum state_load_result load;
	uint32_t loaded; /* time of the state that was loaded, seconds since 1970; 0: none */
	struct state_restored restored;
	uint64_t rejected;            /* records that could not be ours */
	char refusal[ERROR_LINE_MAX]; /* why a file was not used; "": none was refused */
	uint32_t saved;               /* time of the newest state on the disk; 0: none */
	uint64_t octets;              /* its size */
	uint64_t write_ns;            /* what it took to write it, from first to last octet */
	uint64_t saves;
	uint64_t failures;
	uint64_t torn;              /* begun anew, for an epoch ended before all was read */
	uint64_t step_ns;           /* longest that control was held up by one step of saving */
	char error[ERROR_LINE_MAX]; /* why the last save failed; "": it did not */
	bool stale;                 /* the newest state is older than it should be */
};

const char *state_load_name(enum state_load_result r);
