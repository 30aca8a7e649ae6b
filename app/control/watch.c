/* SPDX-License-Identifier: BSD-3-Clause */

#include "control/watch.h"
#include "log.h"

#define NS_PER_SECOND UINT64_C(1000000000)

static struct log_limit hangs, returns;

static enum worker_state state_of(const struct control *c, uint64_t reached, uint64_t behind)
{
	if (reached == UINT64_MAX)
		return WORKER_ENDED;
	if (behind >= WATCH_HUNG_EPOCHS)
		return WORKER_HUNG;
	return c->config.live && reached <= c->closed ? WORKER_LATE : WORKER_RUNNING;
}

static void tell(const struct control *c, unsigned i, enum worker_state before, uint64_t behind)
{
	const struct worker_status *w = &c->worker[i];
	uint32_t lcore = atomic_load_explicit(&c->config.workers[i].lcore, memory_order_relaxed);

	if (w->state == WORKER_HUNG)
		log_limited(&hangs, LOG_LEVEL_WARNING,
			"worker %u on lcore %u hangs: no sign of it for %lu epochs; the others go "
			"on, and what comes to its queues is lost when these are full",
			i, lcore, w->behind);
	else if (before == WORKER_HUNG)
		log_limited(&returns, LOG_LEVEL_NOTICE,
			"worker %u on lcore %u is back after %lu epochs: what it held is counted "
			"now",
			i, lcore, behind);
}

bool watch_workers(struct control *c, uint64_t now_ns)
{
	uint64_t epoch = c->config.live ? now_ns / c->config.epoch_ns : 0;
	bool changed = false;

	for (unsigned i = 0; i < c->config.handover->workers; i++) {
		struct worker_status *w = &c->worker[i];
		uint64_t reached = control_reached(c, i), behind = w->behind;
		enum worker_state before = w->state;

		if (c->config.live && reached != w->reached) {
			w->reached = reached;
			w->seen_ns = reached == UINT64_MAX ? 0 : now_ns;
		}
		w->behind = epoch > reached ? epoch - reached : 0;
		w->state = state_of(c, reached, w->behind);
		bool runs = w->state == WORKER_RUNNING || w->state == WORKER_ENDED;
		/* When it should have said that it is in the next epoch, and did not. */
		w->since =
			runs ? 0 : (uint32_t)((reached + 1) * c->config.epoch_ns / NS_PER_SECOND);
		if ((w->state == WORKER_HUNG) != (before == WORKER_HUNG)) {
			tell(c, i, before, behind);
			changed = true;
		}
	}
	return changed;
}
