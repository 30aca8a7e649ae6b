/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

/* What signals ask for. Handlers set flags; who runs the loop looks at them. */

#include <stdatomic.h>
#include <stdbool.h>

/* Set by the first SIGTERM or SIGINT; the second ends the program at once. Relaxed. */
extern _Atomic bool stop_requested;

/* Takes SIGTERM and SIGINT over, from here on. */
void stop_on_signals(void);

static inline bool stop_asked(void)
{
	return atomic_load_explicit(&stop_requested, memory_order_relaxed);
}

/* Takes SIGHUP over, from here on: before the start's slow parts, which it would end. */
void reload_on_signal(void);

/* Takes SIGUSR1 over, likewise. */
void reopen_on_signal(void);

/* From here on a closed pipe, at standard error or a client, is an error and ends nothing. */
void outlive_readers(void);

/* Was SIGHUP received since the last call? Several in between are one. */
bool reload_asked(void);

/* The same for SIGUSR1, which says that files were renamed. */
bool reopen_asked(void);
