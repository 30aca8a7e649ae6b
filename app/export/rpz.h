/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

/*
 * The blocking feed: a thread that takes each new snapshot, lets the gate decide, and keeps
 * the zone (zone.h) as a file and for HTTP. A slow disk holds up nothing but this thread.
 *
 * Beside the zone's file FILE lies FILE.state, which outlives the process: the serial, what is
 * listed since when, the hour's additions. It is on the disk before the zone that it belongs
 * to, so that no serial ever stands for two contents; but where it cannot be written, a zone that
 * only loses names goes ahead of it, and a start takes the later serial of both. FILE.lock is held
 * while it runs.
 */

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "cli/exit.h"
#include "config/config.h"
#include "control/snapshot.h"
#include "export/allow.h"
#include "export/gate.h"
#include "export/rpz_guards.h"

struct rpz;

/* What the feed is made of at one moment; immutable. */
struct rpz_picture {
	_Atomic unsigned refs;
	uint32_t number; /* counts pictures: the same number, the same picture */
	uint32_t mode;   /* enum config_rpz_mode */
	struct gate_config gate;
	uint32_t serial;
	uint32_t time; /* of the snapshot that the zone is of, seconds since 1970; 0: none yet */
	uint32_t watching_since;
	uint32_t frozen_since; /* 0: additions are not frozen */
	unsigned additions;    /* within the last hour that was watched */
	unsigned listed;
	unsigned waiting; /* for the freeze to end */
	unsigned n;
	struct gate_entry *entry; /* by gate_find's order; may be ahead of the zone */
	char *zone;               /* what is served */
	size_t zone_octets;
	char name[CONFIG_DOMAIN_MAX]; /* of the zone */
	char error[ERROR_LINE_MAX];   /* why the files are behind; "": they are not */
};

struct rpz_options {
	const struct config *config;
	const struct psl *psl; /* these outlive the feed */
	struct snapshot_board *board;
	const struct allow *allow;  /* NULL: nothing is on the allow-list */
	_Atomic uint32_t *degraded; /* bits of enum degraded_reason that it sets and clears */
};

/* What blocks and what does not, and why: /api/v1/blocking. NULL when out of memory. */
json_t *export_blocking(const struct rpz_picture *p);

/*
 * Reads the state, writes the zone and starts the thread, which takes over the caller's CPU
 * affinity. An exit code, and one line in err when it is not 0.
 */
int rpz_start(struct rpz **out, const struct rpz_options *options, char err[ERROR_LINE_MAX]);
void rpz_stop(struct rpz *r); /* waits for the thread; NULL is allowed */

/* Other limits and guards, which it takes over, from the next turn on. Control; does not wait. */
void rpz_reload(struct rpz *r, const struct config *config, struct rpz_guards *guards);

/* The newest picture, with a reference taken. Any thread. */
const struct rpz_picture *rpz_get(struct rpz *r);
void rpz_put(const struct rpz_picture *p);
