/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

/*
 * The port line of the accounting, a reconciliation:
 *
 *   offered = received + lost{missed, errors, no_mbuf, spreader_dropped}
 *             + in flight + unknown
 *
 * Drivers count differently, and each term is read at its own moment. So nothing here
 * is claimed to be exact; what nobody counts is `unknown`, and where nothing counts
 * independently what was offered, both are not known.
 */

#include <stdbool.h>
#include <stdint.h>

#include "control/snapshot.h"
#include "drivers-config/profile.h"

/* The kernel's interface below a port, whose counter says what was offered. */
struct port_interface {
	char name[16];  /* "": none that counts */
	uint64_t start; /* its counter then */
	uint64_t room;  /* frames that the kernel may hold for us */
};

/* By the device's arguments ("iface=", "framecnt=", "qpairs="), where the profile counts by it. */
void port_interface_init(
	struct port_interface *i, const struct profile *profile, const char *device);

/* Frames that came since then; PORT_UNKNOWN where nobody counts. */
uint64_t port_interface_offered(const struct port_interface *i);

/* What was read of a port, the terms nearer to the workers first. */
/* Is the kernel's interface behind a device promiscuous? False where there is none. */
bool port_promiscuous(const char *device);

struct port_reading {
	uint64_t taken; /* by workers */
	uint64_t spreader_dropped;
	uint64_t driver_received;
	uint64_t missed;
	uint64_t errors;
	uint64_t no_mbuf;
	uint64_t offered; /* or PORT_UNKNOWN */
	uint64_t room;    /* frames that the kernel may hold for us */
};

/* As of the reading before. */
struct port_ledger {
	uint64_t early;    /* frames received that came before `offered` counted */
	unsigned readings; /* of the counters, so far */
	uint64_t received;
	uint64_t lost;
	uint64_t offered;
	uint64_t unknown;
};

/*
 * Fills in the counters of *out. True when frames were lost since the reading before:
 * by somebody's count, or because more are unknown than can be on their way.
 */
bool port_reconcile(
	struct port_ledger *ledger, const struct port_reading *now, struct port_status *out);
