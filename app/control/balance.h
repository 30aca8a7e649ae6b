/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

/*
 * How evenly frames fall on workers: the busiest worker's share over the mean, in
 * thousandths; 1000 is even, n * 1000 is all on one of n.
 */

#include <stdint.h>

/* Fewer frames a worker in an epoch say nothing. */
#define BALANCE_FRAMES_MIN 1000u

/* From here on queue_imbalance: the busiest has half as much again as the mean. */
#define BALANCE_BOUND 1500u

/* Of an epoch's frames; 0 when there were too few, or only one worker. */
static inline uint32_t balance_of(const uint64_t *frames, unsigned workers)
{
	uint64_t sum = 0, most = 0;

	for (unsigned i = 0; i < workers; i++) {
		sum += frames[i];
		most = frames[i] > most ? frames[i] : most;
	}
	if (workers < 2 || sum < (uint64_t)BALANCE_FRAMES_MIN * workers)
		return 0;
	return (uint32_t)(most * workers * 1000 / sum);
}
