/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

/*
 * What the service manager is told, by the protocol of sd_notify(3); nothing where the
 * environment names no manager.
 *
 *   READY      every worker polls, and HTTP listens where it is configured
 *   WATCHDOG   every worker and the spreader have moved since the one before (control/heartbeat.h),
 *              and control itself, for it is control that says so
 *   STATUS     one line for people, as of the last epoch
 *   RELOADING  SIGHUP was taken up; READY again when the new configuration is in force or refused
 *   STOPPING   workers drain
 *
 * A worker hangs for two epochs before anybody can know, and may be idle for one. So a
 * watchdog of less than WATCHDOG_EPOCHS is made as long, and a line says so.
 *
 * Control's thread only. A manager that does not read its socket holds control up once the
 * kernel keeps no more messages for it; by then its watchdog is over anyway. They are few: four
 * feedings in a watchdog's time, and one line an epoch.
 */

#include <stdbool.h>
#include <stdint.h>

#include "control/heartbeat.h"

#define WATCHDOG_EPOCHS 3u

struct service {
	const struct control *control;
	const _Atomic uint64_t *turns; /* the spreader's; NULL without one */
	uint64_t feed_after;           /* TSC cycles between two feedings; 0: no watchdog */
	uint64_t fed;                  /* TSC */
	struct heartbeat heartbeat;
	bool ready;
	bool stopping;
};

/* Workers are launched. */
void service_init(struct service *s, const struct control *control, const _Atomic uint64_t *turns);

/* After each control_step, with what that returned. */
void service_step(struct service *s, bool closed, bool stopping);

/* Around a reload. */
void service_reloading(void);
void service_reloaded(void);
