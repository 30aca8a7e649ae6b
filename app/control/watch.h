/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

/*
 * Control's eye on its workers: who is behind, and since when. A worker says
 * itself which epoch it has reached, once an epoch; one that does not for two is
 * hung, control waits for it no longer, and one line says so.
 */

#include "control/control.h"

/* Epochs behind live time at which a worker is hung: so it is named within two of its last sign. */
#define WATCH_HUNG_EPOCHS 2u

/*
 * Live: brings the state of every worker up to `now_ns`. True when one hangs that
 * did not, or is back. In a replay workers wait for one another: they run or have ended.
 */
bool watch_workers(struct control *c, uint64_t now_ns);

/* Is this one worth waiting for? */
static inline bool watch_hangs(const struct control *c, unsigned worker)
{
	return c->worker[worker].state == WORKER_HUNG;
}
