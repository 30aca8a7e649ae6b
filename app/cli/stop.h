/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

#include <stdatomic.h>
#include <stdbool.h>

/* Set by the first SIGTERM or SIGINT; the second ends the program at once. Relaxed. */
extern _Atomic bool stop_requested;

/* Takes both signals over, from here on. */
void stop_on_signals(void);

static inline bool stop_asked(void)
{
	return atomic_load_explicit(&stop_requested, memory_order_relaxed);
}
