/* SPDX-License-Identifier: BSD-3-Clause */
#include "base/histogram.h"

/* Octave 0 holds the values below HISTOGRAM_STEPS, octave k those with k more bits. */
static unsigned place_of(uint64_t value)
{
	if (value < HISTOGRAM_STEPS)
		return (unsigned)value;
	if (value >> HISTOGRAM_VALUE_LOG2)
		return HISTOGRAM_PLACES - 1;
	unsigned octave = 64u - (unsigned)__builtin_clzll(value) - HISTOGRAM_STEPS_LOG2;

	return octave * HISTOGRAM_STEPS + ((unsigned)(value >> (octave - 1)) - HISTOGRAM_STEPS);
}

/* The largest value of a place. */
static uint64_t place_end(unsigned place)
{
	unsigned octave = place / HISTOGRAM_STEPS;
	uint64_t step = place % HISTOGRAM_STEPS;

	return octave == 0 ? step : ((HISTOGRAM_STEPS + step + 1) << (octave - 1)) - 1;
}

void histogram_add(struct histogram *h, uint64_t value)
{
	h->count++;
	h->sum += value;
	if (value > h->max)
		h->max = value;
	h->place[place_of(value)]++;
}

uint64_t histogram_quantile(const struct histogram *h, double part)
{
	uint64_t rank = (uint64_t)(part * (double)h->count), seen = 0;

	/* Rank 1 is the least; a part between two values is the upper one's. */
	if ((double)rank < part * (double)h->count || rank == 0)
		rank++;
	for (unsigned i = 0; i < HISTOGRAM_PLACES - 1; i++) {
		seen += h->place[i];
		if (seen >= rank)
			return place_end(i) < h->max ? place_end(i) : h->max;
	}
	return h->max;
}

uint64_t histogram_below(const struct histogram *h, unsigned log2)
{
	unsigned end = place_of(UINT64_C(1) << log2);
	uint64_t n = 0;

	for (unsigned i = 0; i < end; i++)
		n += h->place[i];
	return n;
}
