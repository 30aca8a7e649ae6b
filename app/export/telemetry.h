/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

/*
 * Commands on DPDK's telemetry socket, for dpdk-telemetry.py and Telegraf:
 *
 *   /fluxgate/status          the program and its restrictions
 *   /fluxgate/stats[,PART]    every counter, or those below one part of the tree
 *   /fluxgate/domains[,FROM]  flagged domains, best first, from the FROM-th on
 *
 * Answered by the EAL's threads from the board's current snapshot. One set a
 * process, as there is one EAL; it cannot be taken back, only emptied.
 */

#include "control/snapshot.h"
#include "export/json.h"

/* Flagged domains in one answer: the socket carries 16 KiB at most. */
#define TELEMETRY_DOMAINS 32u

/* After the EAL's start. Both must live until telemetry_stop. 0 or -errno. */
int telemetry_start(struct snapshot_board *board, const struct about *about);

/* From here on commands answer nothing; waits for those that are being answered. */
void telemetry_stop(void);
