/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

/*
 * The appliance put together: what `run` and `replay` have in common.
 *
 *   appliance_load      databases, suffix list and lists of names, no DPDK yet
 *   appliance_octets    the memory that all tables will take
 *   (eal_start)
 *   appliance_build     tables, rings, sensors, store, control
 *   ... workers run, control_step is called ...
 *   appliance_free
 *
 * Memory of tables is DPDK's, allocated once and never given back before the
 * process ends.
 */

#include "config/config.h"
#include "control/control.h"
#include "datapath/clock.h"
#include "datapath/handover.h"
#include "datapath/settings.h"
#include "datapath/worker.h"
#include "detect/detect.h"
#include "export/acks.h"
#include "export/allow.h"
#include "export/json.h"
#include "export/rpz.h"
#include "feed/feed.h"
#include "http/server.h"
#include "networks/lists.h"
#include "networks/networks.h"
#include "networks/suffix.h"
#include "state/state.h"

/* Flagged domains that can be held at a time. */
#define APPLIANCE_VERDICTS 8192u

struct appliance {
	struct config config;
	bool live;
	unsigned workers;
	struct wire_config wire; /* read by workers; immutable once they run */
	struct networks *networks;
	struct suffix_list *suffixes;
	struct lists *lists; /* read by control */
	struct handover handover;
	struct worker worker[WORKERS_MAX];
	struct settings_board settings;
	struct sensor_clock clock;
	struct control control;
	struct snapshot_board *board;
	struct mailbox *mailbox;
	struct about about;
	struct allow *allow; /* read and changed by management threads */
	struct acks *acks;   /* the same */
	struct access *access; /* of the HTTP server; NULL where there is none */
	struct http_server *http;
	struct rpz *rpz;           /* live */
	_Atomic uint32_t degraded; /* bits of enum degraded_reason that management threads set */
	struct feed *feed;  /* live */
	struct state state; /* live, where state.path says so */
};

/*
 * Each returns an exit code, 0 when it went well, and leaves one line in err
 * when it did not. appliance_free is safe after any of them.
 */
int appliance_load(struct appliance *a, const struct config *config, bool live, unsigned workers,
	char err[ERROR_LINE_MAX]);

/* The databases and the ranges that a configuration names; as networks_open. */
int appliance_networks(
	struct networks **out, const struct config *config, char err[ERROR_LINE_MAX]);

size_t appliance_octets(const struct appliance *a);
int appliance_build(struct appliance *a, char err[ERROR_LINE_MAX]);

/* Is what was learned kept? A replay's never is. */
bool appliance_keeps_state(const struct appliance *a);

/* Lets what is flagged go where it blocks; before appliance_serve. */
int appliance_export(struct appliance *a, char err[ERROR_LINE_MAX]);

/* Serves HTTP where the configuration says so. */
int appliance_serve(struct appliance *a, char err[ERROR_LINE_MAX]);
void appliance_free(struct appliance *a);
