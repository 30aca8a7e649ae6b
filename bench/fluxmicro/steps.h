/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

#include <stdint.h>

#include "fluxmicro/bed.h"

/* One step of the sensor or of control, measured alone. */
struct step {
	const char *name;
	void (*prepare)(struct bed *b);  /* before each pass, not timed; NULL: nothing to do */
	uint64_t (*pass)(struct bed *b); /* over the whole bed; returns how often it was done */
};

extern const struct step steps[];
extern const unsigned steps_count;
