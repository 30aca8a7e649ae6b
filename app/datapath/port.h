/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

/*
 * Live capture ports: planned by their drivers' profiles, configured, started,
 * receive only.
 *
 * Without a spreader worker i polls queue i of every port; with one it polls all
 * queues and workers take from rings. Each queue has a mempool of its own on the
 * port's NUMA node, sized for whatever can hold its buffers, so that one slow
 * worker cannot starve another.
 */

#include <stdatomic.h>
#include <stddef.h>

#include "config/config.h"
#include "datapath/port_status.h"
#include "datapath/port_xdp.h"
#include "datapath/spreader.h"
#include "datapath/worker.h"
#include "drivers-config/plan.h"

struct port {
	uint16_t id; /* DPDK's */
	char name[64];
	uint32_t vantage; /* enum config_vantage */
	struct port_interface interface;
	struct port_ledger ledger;
	struct port_xdp xdp;
	bool promiscuous; /* and was not before: it is to be left as it was */
	bool lossy;       /* in the last epoch */
	double loss_rate;
};

struct ports {
	unsigned n;
	struct port port[CONFIG_PORTS_MAX];
	struct profiles profiles;
	struct plan plan;
	const struct wire_config *wire; /* set by the caller: what the spreader decodes by */
	struct spreader spreader;
	uint64_t epochs; /* that were over at the last ports_status */
	uint64_t turns;  /* of the spreader, and the TSC when they were seen to grow */
	uint64_t turned_at;
	bool hangs;             /* the spreader */
	struct worker *workers; /* who count what they take; plan.workers of them */
};

/* Reads the drivers' profiles; before EAL starts. 0, or -errno and one line in err. */
int ports_load(struct ports *p, const struct config *c, char err[ERROR_LINE_MAX]);

/* Octets of the mempools of all ports, at most. */
size_t ports_size(const struct ports *p, const struct config *c);

/*
 * Plans and starts every port of the configuration, says how on stderr. 0, or -errno
 * and one line in err; what was started is stopped again then.
 */
int ports_start(
	struct ports *p, const struct config *c, struct worker *workers, char err[ERROR_LINE_MAX]);

/* Waits for the links, as long as the profiles say, or until *stop. */
void ports_wait(const struct ports *p, const _Atomic bool *stop);

/* Where worker i takes frames from. */
void ports_source(const struct ports *p, unsigned i, struct source *source);

/* Fills in a snapshot's ports. ctx is a struct ports. Call it before ports_stop, too. */
void ports_status(void *ctx, struct snapshot *s);

void ports_stop(struct ports *p);

/*
 * Tries the flow rules that a profile asks for; nothing hangs on them, for workers and
 * spreader look at every frame. Says on stderr what the driver refuses.
 */
void port_flow_rules(uint16_t id, const char *name, const struct port_plan *plan,
	const uint8_t key[PLAN_KEY_MAX]);
