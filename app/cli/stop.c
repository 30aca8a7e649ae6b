/* SPDX-License-Identifier: BSD-3-Clause */

#include <signal.h>
#include <stddef.h>

#include "cli/stop.h"

_Atomic bool stop_requested;

static void on_signal(int sig)
{
	if (atomic_exchange_explicit(&stop_requested, true, memory_order_relaxed)) {
		signal(sig, SIG_DFL);
		raise(sig);
	}
}

void stop_on_signals(void)
{
	const struct sigaction action = {.sa_handler = on_signal};

	sigaction(SIGTERM, &action, NULL);
	sigaction(SIGINT, &action, NULL);
}
