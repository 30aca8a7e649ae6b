/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

/*
 * The blocking feed on the disk: the zone FILE, for resolvers, and beside it FILE.state, which
 * holds what the gate knows and the serial. The state is on the disk before the zone that it
 * belongs to, so that no serial ever stands for two contents. FILE.lock is held meanwhile: two
 * sensors would replace each other's zone. One thread.
 */

#include <stdbool.h>
#include <stdint.h>

#include "cli/exit.h"
#include "config/config.h"
#include "export/gate.h"

struct rpz_files {
	char path[CONFIG_PATH_MAX]; /* of the zone; "": there are no files */
	char *state;                /* as last written */
	char *records;              /* of the zone's file as last written; NULL: not known */
	int owner;                  /* FILE.lock; below 0: not held */
	bool behind;                /* a file could not be written */
	char error[ERROR_LINE_MAX]; /* why; "": all is written */
};

/* A zone: its name, serial, and records as zone_records makes them. */
struct rpz_content {
	const char *zone;
	uint32_t serial;
	const char *records;
};

void rpz_files_init(struct rpz_files *f, const char *path);
void rpz_files_free(struct rpz_files *f);

/*
 * Takes the files for this process, and reads what the last run left: the gate, in *serial the
 * later serial of both files, 0 for none, and in *zone the zone's text, which the caller frees, or
 * NULL: none yet. A state beside a zone of ours that cannot be used is told of; it costs what is
 * listed a new wait, and blocks nobody. 0; or -errno with f->error: another sensor has the files,
 * or one of them is somebody else's, which is not to be written over.
 */
int rpz_files_open(struct rpz_files *f, struct gate *g, uint32_t *serial, char **zone);

/* Is `zone`, as it was read, this content? Then its file need not be written. */
bool rpz_files_hold(struct rpz_files *f, const char *zone, const struct rpz_content *c);

/*
 * Brings both files there: the state, and the zone when it `changed` or is behind. 0; or -errno
 * with f->error, to be tried again. A zone that only loses names does not wait for the state, so
 * that no disk keeps an honest name blocked.
 */
int rpz_files_write(
	struct rpz_files *f, const struct gate *g, const struct rpz_content *c, bool changed);
