/* SPDX-License-Identifier: BSD-3-Clause */

#include <time.h>

#include <rte_cycles.h>

#include "datapath/clock.h"

#define NS UINT64_C(1000000000)

/* An offset is worked off over this time, so slewing stays below 50 %. */
#define SLEW_NS (4 * NS)
#define STEP_NS NS

static uint64_t realtime_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_REALTIME, &ts);
	return (uint64_t)ts.tv_sec * NS + (uint64_t)ts.tv_nsec;
}

static uint64_t plain_rate(const struct sensor_clock *c)
{
	return (uint64_t)(((unsigned __int128)NS << 32) / c->hz);
}

void clock_init(struct sensor_clock *c)
{
	c->hz = rte_get_tsc_hz();
	c->steps = 0;
	c->anchor[0] = (struct clock_anchor){rte_rdtsc(), realtime_ns(), plain_rate(c)};
	atomic_init(&c->current, 0);
}

void clock_update(struct sensor_clock *c)
{
	uint32_t i = atomic_load_explicit(&c->current, memory_order_relaxed);
	struct clock_anchor *next = &c->anchor[(i + 1) & 1];
	uint64_t tsc = rte_rdtsc();
	uint64_t real = realtime_ns();
	uint64_t ours = clock_at(c, tsc);
	int64_t behind = (int64_t)(real - ours);

	*next = (struct clock_anchor){tsc, ours, plain_rate(c)};
	if (behind > (int64_t)STEP_NS) {
		/* Stepped forwards: follow at once, time may jump but not return. */
		next->ns = real;
		c->steps++;
	} else if (behind < -(int64_t)STEP_NS) {
		/* Stepped back: run at half speed until real time has caught up. */
		next->rate /= 2;
		c->steps++;
	} else {
		next->rate += (uint64_t)(((__int128)next->rate * behind) / (__int128)SLEW_NS);
	}
	atomic_store_explicit(&c->current, i + 1, memory_order_release);
}
