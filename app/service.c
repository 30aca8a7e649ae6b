/* SPDX-License-Identifier: BSD-3-Clause */

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include <systemd/sd-daemon.h>

#include <rte_cycles.h>

#include "log.h"
#include "service.h"

#define US_PER_SECOND UINT64_C(1000000)
#define FEEDINGS 4u /* at most, in a watchdog's time */

/* The watchdog's time in microseconds, long enough for an idle worker; 0 without one. */
static uint64_t watchdog_us(uint64_t epoch_ns)
{
	uint64_t us = 0, least = WATCHDOG_EPOCHS * epoch_ns / 1000;

	if (sd_watchdog_enabled(0, &us) <= 0)
		return 0;
	if (us >= least)
		return us;
	sd_notifyf(0, "WATCHDOG_USEC=%" PRIu64, least);
	log_line(LOG_LEVEL_NOTICE,
		"watchdog: of %" PRIu64 " s, made %" PRIu64
		" s: an idle worker moves once an epoch; WatchdogSec= is to be %u epochs or more",
		us / US_PER_SECOND, least / US_PER_SECOND, WATCHDOG_EPOCHS);
	return least;
}

void service_init(struct service *s, const struct control *control, const _Atomic uint64_t *turns)
{
	memset(s, 0, sizeof(*s));
	s->control = control;
	s->turns = turns;
	s->feed_after = (uint64_t)((unsigned __int128)watchdog_us(control->config.epoch_ns) *
				   rte_get_tsc_hz() / US_PER_SECOND / FEEDINGS);
}

static void tell_status(const struct service *s)
{
	const struct snapshot *snapshot = snapshot_get(s->control->config.board);
	char degraded[512] = "";
	size_t n = 0;

	if (!snapshot)
		return;
	for (unsigned i = 0; i < DEGRADED_COUNT && n < sizeof(degraded); i++)
		if (snapshot->degraded >> i & 1)
			n += (size_t)snprintf(degraded + n, sizeof(degraded) - n, "%s%s",
				n ? ", " : "; degraded: ",
				snapshot_degraded_name((enum degraded_reason)i));
	sd_notifyf(0, "STATUS=%" PRIu64 " frames, %u domains flagged%s", snapshot->account.received,
		snapshot->verdicts, degraded);
	snapshot_put(snapshot);
}

static void feed(struct service *s)
{
	uint64_t now = rte_rdtsc();

	if (s->feed_after == 0 || now - s->fed < s->feed_after)
		return;
	if (!heartbeat_step(&s->heartbeat, s->control, s->turns))
		return;
	s->fed = now;
	sd_notify(0, "WATCHDOG=1");
}

void service_step(struct service *s, bool closed, bool stopping)
{
	if (s->stopping)
		return;
	if (stopping) {
		s->stopping = true;
		sd_notify(0, "STOPPING=1\nSTATUS=Draining");
		return;
	}
	if (!s->ready && heartbeat_begun(s->control)) {
		s->ready = true;
		sd_notify(0, "READY=1\nSTATUS=Waiting for the first epoch");
	}
	if (!s->ready)
		return;
	feed(s);
	if (closed)
		tell_status(s);
}

void service_reloading(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	sd_notifyf(0, "RELOADING=1\nMONOTONIC_USEC=%" PRIu64,
		(uint64_t)now.tv_sec * US_PER_SECOND + (uint64_t)now.tv_nsec / 1000);
}

void service_reloaded(void)
{
	sd_notify(0, "READY=1");
}
