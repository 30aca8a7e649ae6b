/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

/*
 * The sensor's memory on disk: read at start, written now and then.
 *
 *   state_open      folder and lock, before anything else is taken
 *   state_restore   store and detector, from the newest file that can be used
 *   state_start     the writer's thread
 *   state_step      control, after each of its own steps: a slice of the work
 *   state_stop      the last state, and the end of the thread
 *
 * All but the writer is control's. A state is of one moment, the end of an epoch: it is
 * read from the store between this epoch's merge and the next, in slices that do
 * not hold control up. When the next merge comes too early it is begun anew with longer
 * slices.
 */

#include "detect/detect.h"
#include "state/files.h"
#include "state/report.h"
#include "saved/save.h"
#include "state/writer.h"
#include "store/store.h"

/* Control is held up by so much at a time, and at most by so much after torn states. */
#define STATE_SLICE_NS UINT64_C(5000000)
#define STATE_SLICE_MAX_NS UINT64_C(40000000)

/* How long the last state may take to reach the disk. */
#define STATE_STOP_SECONDS 20u

/* A state from further ahead than this is of a wrong clock, then or now. */
#define STATE_AHEAD_SECONDS 300u

struct state {
	struct state_files files;
	struct state_writer writer;
	struct state_report report;
	struct state_save save;
	const struct store *store;
	const struct detector *detector;
	uint64_t psl;
	struct writer_buffer *buffer; /* being filled; NULL: none */
	bool saving;                  /* `save` is under way */
	bool committing;              /* all was given, and is not known to be on the disk */
	bool again;                   /* was torn */
	uint64_t slice_ns;
	uint64_t begun;   /* monotonic: when the last one was begun ... */
	uint64_t written; /* ... and when one was known to be on the disk */
	uint32_t done;    /* the writer's count, as of the last one */
	unsigned torn_in_a_row;
};

/* Where store and detector are to be. */
struct state_tables {
	void *store_memory;
	struct store_config store_config;
	void *detector_memory;
	unsigned verdicts;
	struct detect_config detect;
	const struct psl *psl; /* may be NULL: no name is held against it */
	struct hash_key placement;
	struct hash_key sketch;    /* a new one; becomes that of the state */
	struct store *store;       /* out */
	struct detector *detector; /* out */
};

/* 0; or -errno and one line in err. `path` lives as long as the process. */
int state_open(struct state *s, const char *path, char err[ERROR_LINE_MAX]);

/*
 * Makes both tables, with what the newest usable file holds. `now` in seconds since
 * 1970; `buffer` of writer_octets is scratch. Files that cannot be used are told of,
 * and set aside.
 */
void state_restore(struct state *s, struct state_tables *t, uint32_t now, void *buffer);

/* After state_restore, with its tables and buffer. 0; or -errno and one line in err. */
int state_start(
	struct state *s, const struct state_tables *t, void *buffer, char err[ERROR_LINE_MAX]);

/* `closed`: store or detector may have changed since the last call, and an epoch ended. */
void state_step(struct state *s, bool closed, uint32_t interval_seconds);

/* Saves once more and ends the thread. Nothing may change the store meanwhile. */
void state_stop(struct state *s);

/* Gives the lock back. Safe after zeroing and after a failure. */
void state_close(struct state *s);
