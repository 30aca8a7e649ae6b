/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

/*
 * Live time: the TSC anchored to CLOCK_REALTIME.
 *
 * Control writes a fresh anchor each second or so; workers read the newest one
 * once a burst. Two anchors are kept, so that the one a worker reads is not
 * written before the next but one update. The rate is slewed towards the real
 * time and a worker never sees time run backwards.
 */

#include <stdatomic.h>
#include <stdint.h>

struct clock_anchor {
	uint64_t tsc;
	uint64_t ns;   /* since 1970, at tsc */
	uint64_t rate; /* ns per cycle, scaled by 2^32 */
};

struct sensor_clock {
	struct clock_anchor anchor[2];
	_Atomic uint32_t current; /* written by control (release), read by workers (acquire) */
	uint64_t hz;
	uint64_t steps; /* times that CLOCK_REALTIME was stepped by more than a second */
};

/* Anchors the clock now. Call before workers start. */
void clock_init(struct sensor_clock *c);

/* Takes a new anchor: control, about once a second. */
void clock_update(struct sensor_clock *c);

static inline uint64_t clock_at(const struct sensor_clock *c, uint64_t tsc)
{
	uint32_t i = atomic_load_explicit(&c->current, memory_order_acquire) & 1;
	const struct clock_anchor *a = &c->anchor[i];

	if (tsc < a->tsc)
		return a->ns;
	return a->ns + (uint64_t)(((unsigned __int128)(tsc - a->tsc) * a->rate) >> 32);
}
