/* SPDX-License-Identifier: BSD-3-Clause */

/*
 * Twice the capacity for a while, then half of it at once: memory stays what it was, and the loss
 * ends as soon as the queue is through.
 */

#include <stdio.h>
#include <unistd.h>

#include <rte_lcore.h>
#include <rte_malloc.h>

#include "fluxloss/loss.h"

/* What was offered of twice the capacity, at least, parts of it. */
#define OVERLOAD_LEAST 1.5

uint64_t resident_octets(void)
{
	unsigned long size, resident = 0;
	FILE *f = fopen("/proc/self/statm", "re");

	if (f && fscanf(f, "%lu %lu", &size, &resident) != 2)
		resident = 0;
	if (f)
		fclose(f);
	return resident * (uint64_t)sysconf(_SC_PAGESIZE);
}

static uint64_t heap_octets(void)
{
	uint64_t octets = 0;

	for (unsigned i = 0; i < rte_socket_count(); i++) {
		struct rte_malloc_socket_stats s;

		if (rte_malloc_get_socket_stats(rte_socket_id_by_idx(i), &s) == 0)
			octets += s.heap_allocsz_bytes;
	}
	return octets;
}

void overload_run(const struct loss_config *c, struct generator *g, struct overload_round *r,
	_Atomic uint64_t *rss_most)
{
	trial_run(g, 0, c->confirm, &r->capacity);
	generator_settle(g);
	progress(c, "capacity", &r->capacity);

	double capacity = trial_taken(&r->capacity);
	r->heap_start = heap_octets();
	r->rss_start = resident_octets();
	atomic_store_explicit(rss_most, r->rss_start, memory_order_relaxed);
	/* Nothing in between: the recovery begins with a full ring. */
	trial_run(g, 2 * capacity, c->overload_seconds, &r->over);
	trial_run(g, capacity / 2, c->confirm, &r->after);
	generator_settle(g);
	r->rss_end = resident_octets();
	r->heap_end = heap_octets();
	r->rss_most = atomic_load_explicit(rss_most, memory_order_relaxed);
	if (r->rss_end > r->rss_most)
		r->rss_most = r->rss_end;
	progress(c, "overload", &r->over);
	progress(c, "recovery", &r->after);
}

/* No figure without an overload, or without a load to recover under. */
bool overload_recovered(const struct overload_round *r)
{
	return trial_offered(&r->over) >= OVERLOAD_LEAST * trial_taken(&r->capacity) &&
	       r->over.lost > 0 && !trial_short(&r->after) &&
	       r->after.last_loss < LOSS_RECOVERY_SECONDS;
}

bool overload_flat(const struct overload_round *r)
{
	return r->rss_most <= r->rss_start + LOSS_MEMORY_SLACK && r->heap_end == r->heap_start;
}
