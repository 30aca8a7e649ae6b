/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

#include <pthread.h>

/*
 * Starts a thread that no signal comes to, for signals are the main thread's. It takes over the
 * caller's CPU affinity. 0 or -errno.
 */
int thread_start(pthread_t *thread, void *(*run)(void *), void *arg);
