/* SPDX-License-Identifier: BSD-3-Clause */

#include <signal.h>
#include <stddef.h>

#include "cli/stop.h"

_Atomic bool stop_requested;
static _Atomic bool reload_requested;
static _Atomic bool reopen_requested;

static void on_signal(int sig)
{
	if (atomic_exchange_explicit(&stop_requested, true, memory_order_relaxed)) {
		signal(sig, SIG_DFL);
		raise(sig);
	}
}

static void on_hang_up(int sig)
{
	(void)sig;
	atomic_store_explicit(&reload_requested, true, memory_order_relaxed);
}

static void on_user_signal(int sig)
{
	(void)sig;
	atomic_store_explicit(&reopen_requested, true, memory_order_relaxed);
}

void stop_on_signals(void)
{
	const struct sigaction action = {.sa_handler = on_signal};

	sigaction(SIGTERM, &action, NULL);
	sigaction(SIGINT, &action, NULL);
}

void reload_on_signal(void)
{
	/* Restarts what it interrupts: a start must not fail for it. */
	const struct sigaction action = {.sa_handler = on_hang_up, .sa_flags = SA_RESTART};

	sigaction(SIGHUP, &action, NULL);
}

void reopen_on_signal(void)
{
	const struct sigaction action = {.sa_handler = on_user_signal, .sa_flags = SA_RESTART};

	sigaction(SIGUSR1, &action, NULL);
}

void outlive_readers(void)
{
	const struct sigaction action = {.sa_handler = SIG_IGN};

	sigaction(SIGPIPE, &action, NULL);
}

static bool asked(_Atomic bool *flag)
{
	return atomic_load_explicit(flag, memory_order_relaxed) &&
	       atomic_exchange_explicit(flag, false, memory_order_relaxed);
}

bool reload_asked(void)
{
	return asked(&reload_requested);
}

bool reopen_asked(void)
{
	return asked(&reopen_requested);
}
