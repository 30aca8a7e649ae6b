/* SPDX-License-Identifier: BSD-3-Clause */

#include "control/heartbeat.h"

/* Moves with every burst and every epoch; never back, but for the step to the end. */
static uint64_t sign_of(const struct worker *w)
{
	uint64_t sign = atomic_load_explicit(&w->reached, memory_order_relaxed);

	for (unsigned p = 0; p < w->source.ports; p++)
		sign += atomic_load_explicit(&w->taken[p], memory_order_relaxed);
	return sign;
}

bool heartbeat_begun(const struct control *c)
{
	for (unsigned i = 0; i < c->config.handover->workers; i++)
		if (settings_taken(&c->config.workers[i].settings_slot) == 0)
			return false;
	return true;
}

bool heartbeat_step(struct heartbeat *h, const struct control *c, const _Atomic uint64_t *turns)
{
	unsigned workers = c->config.handover->workers, n = workers + (turns != NULL);
	uint64_t now[WORKERS_MAX + 1];

	for (unsigned i = 0; i < workers; i++)
		now[i] = sign_of(&c->config.workers[i]);
	if (turns)
		now[workers] = atomic_load_explicit(turns, memory_order_relaxed);
	for (unsigned i = 0; i < n; i++)
		if (now[i] == h->seen[i])
			return false;
	for (unsigned i = 0; i < n; i++)
		h->seen[i] = now[i];
	return true;
}
