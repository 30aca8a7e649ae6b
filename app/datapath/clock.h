/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

/*
 * Live time: the TSC anchored to CLOCK_REALTIME.
 *
 * Control writes a fresh anchor each second or so; workers read the newest one
 * once a burst. Two anchors are kept, so that the one a worker reads is not
 * written before the next but one update; a worker that was held up for so long
 * finds `current` moved on and reads again. The rate is slewed towards the real
 * time and a worker never sees time run backwards.
 */

#include <stdatomic.h>
#include <stdint.h>

/* Written by control (release), read by workers (acquire): see clock_at. */
struct clock_anchor {
	_Atomic uint64_t tsc;
	_Atomic uint64_t ns;   /* since 1970, at tsc */
	_Atomic uint64_t rate; /* ns per cycle, scaled by 2^32 */
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
	for (;;) {
		uint32_t i = atomic_load_explicit(&c->current, memory_order_acquire);
		const struct clock_anchor *a = &c->anchor[i & 1];
		uint64_t start = atomic_load_explicit(&a->tsc, memory_order_acquire);
		uint64_t ns = atomic_load_explicit(&a->ns, memory_order_acquire);
		uint64_t rate = atomic_load_explicit(&a->rate, memory_order_acquire);

		/* A newer value of any of these comes with a newer number. */
		if (atomic_load_explicit(&c->current, memory_order_relaxed) != i)
			continue;
		if (tsc < start)
			return ns;
		return ns + (uint64_t)(((unsigned __int128)(tsc - start) * rate) >> 32);
	}
}
