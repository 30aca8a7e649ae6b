/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

/*
 * Whether all lcores have been alive since somebody asked last. A worker that polls moves `taken`
 * with each burst, and `reached` with each epoch also while its queues are silent; the spreader
 * counts its turns. So an idle sensor beats once an epoch, a busy one with each look.
 *
 * Control's thread only. Nothing is written that a worker reads.
 */

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "control/control.h"

struct heartbeat {
	uint64_t seen[WORKERS_MAX + 1]; /* of each worker, and of the spreader, at the last beat */
};

/* Has every worker begun to poll? */
bool heartbeat_begun(const struct control *c);

/*
 * True when all of them have moved since it was last true; then the next beat counts from
 * here. One that has ended moves no more. turns: the spreader's; NULL without one. *h is zero at
 * first.
 */
bool heartbeat_step(struct heartbeat *h, const struct control *c, const _Atomic uint64_t *turns);
