/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

/*
 * Starting the EAL from the configuration: arguments, lcores and memory.
 *
 * The EAL's own log is kept quiet while it starts; where it fails, its last
 * words become part of the one line that the operator reads.
 */

#include <stdbool.h>
#include <stddef.h>

#include "config/config.h"

/* MiB above tables and pools: the heap's own bookkeeping and what the ethdev layer takes. */
#define EAL_HEADROOM_MB 96u

struct eal_request {
	const struct config *config;
	unsigned lcores; /* main included */
	size_t octets;   /* that tables and pools will take */
	bool replay;     /* lcores share the CPUs; no port, no hugepages */
};

/*
 * 0; -ENOMEM when hugepages or memory are missing; -EINVAL when the EAL refused
 * its arguments; another -errno as it gave it. One line in err.
 */
int eal_start(const struct eal_request *r, char err[ERROR_LINE_MAX]);

/* Always to be called once eal_start has returned 0. */
void eal_stop(void);
