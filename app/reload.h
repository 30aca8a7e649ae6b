/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

/*
 * A new configuration while the sensor runs.
 *
 *   SIGHUP -> reload_step starts a loader   a thread: reads the file, opens databases
 *          -> a later reload_step           control, between epochs: puts it in force
 *
 * Files are read by the loader, so that a slow disk delays no epoch; what changes
 * is changed by control alone, at once and whole, or not at all. Workers take
 * what is theirs at their next tick (datapath/settings.h).
 */

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>

#include "appliance.h"

/*
 * Reads the configuration as the start did: defaults, file, environment, command
 * line. An exit code and one line in err. Runs on the loader.
 */
typedef int reload_read_fn(void *ctx, struct config *c, char err[ERROR_LINE_MAX]);

struct reload {
	struct appliance *appliance;
	reload_read_fn *read;
	void *ctx;
	bool loading;
	pthread_t loader;
	/* The loader's until it says (release) that it is done; then control's (acquire). */
	int code; /* exit code; not 0: refused for what err says */
	struct config next;
	struct networks *networks;
	struct lists *lists;
	struct rpz_guards *guards;
	struct access_files *access; /* tokens and the like, read anew; NULL: no HTTP */
	char err[ERROR_LINE_MAX];
	_Alignas(64) _Atomic bool done;
};

/* The appliance must run, ctx live as long as the process. */
void reload_init(struct reload *r, struct appliance *appliance, reload_read_fn *read, void *ctx);

/*
 * Control, between two steps of control_step: starts a loader when `asked`, puts
 * in force what the last one brought. True when a request was taken up; one that
 * comes while a loader runs is to be asked again.
 */
bool reload_step(struct reload *r, bool asked);

/* Before the appliance goes: waits for the loader, which reads lists by what is the appliance's. */
void reload_end(struct reload *r);
