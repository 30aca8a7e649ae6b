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

/* Release: who reads any of it knows that the anchor before is the current one. */
static void anchor_set(struct clock_anchor *a, uint64_t tsc, uint64_t ns, uint64_t rate)
{
	atomic_store_explicit(&a->tsc, tsc, memory_order_release);
	atomic_store_explicit(&a->ns, ns, memory_order_release);
	atomic_store_explicit(&a->rate, rate, memory_order_release);
}

void clock_init(struct sensor_clock *c)
{
	c->hz = rte_get_tsc_hz();
	c->steps = 0;
	anchor_set(&c->anchor[0], rte_rdtsc(), realtime_ns(), plain_rate(c));
	atomic_init(&c->current, 0);
}

void clock_update(struct sensor_clock *c)
{
	uint32_t i = atomic_load_explicit(&c->current, memory_order_relaxed);
	uint64_t tsc = rte_rdtsc();
	uint64_t real = realtime_ns();
	uint64_t ours = clock_at(c, tsc);
	uint64_t ns = ours, rate = plain_rate(c);
	int64_t behind = (int64_t)(real - ours);

	if (behind > (int64_t)STEP_NS) {
		/* Stepped forwards: follow at once, time may jump but not return. */
		ns = real;
		c->steps++;
	} else if (behind < -(int64_t)STEP_NS) {
		/* Stepped back: run at half speed until real time has caught up. */
		rate /= 2;
		c->steps++;
	} else {
		rate += (uint64_t)(((__int128)rate * behind) / (__int128)SLEW_NS);
	}
	anchor_set(&c->anchor[(i + 1) & 1], tsc, ns, rate);
	atomic_store_explicit(&c->current, i + 1, memory_order_release);
}
