/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

/*
 * Takes finished buffers from control and brings them to the disk, in an ordinary
 * thread: a disk that stalls for seconds stalls nobody else.
 *
 * Buffers are few and fixed, handed over in order: control fills the next free one,
 * gives it, and never waits. A state whose first buffer is followed by the first one of
 * another was given up; only the last buffer makes one count.
 */

#include <pthread.h>
#include <semaphore.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "state/files.h"
#include "saved/format.h"

#define WRITER_BUFFERS 32u
#define WRITER_BUFFER_OCTETS ((size_t)1 << 20)

/* What became of a state. */
struct writer_result {
	uint32_t time;              /* that of the state, seconds since 1970 */
	uint64_t octets;            /* of the file */
	uint64_t ns;                /* from its first buffer to its name */
	char error[ERROR_LINE_MAX]; /* why it is not there; "": it is */
};

struct writer_buffer {
	uint8_t *octets;
	size_t used;
	uint32_t time;
	bool first, last;
};

/* The one being written. */
struct writer_file {
	int fd;
	bool failed;
	uint32_t crc;
	uint64_t octets;
	uint64_t started;
};

struct state_writer {
	const struct state_files *files;
	struct writer_buffer buffer[WRITER_BUFFERS];
	struct writer_file file; /* the thread's */
	pthread_t thread;
	bool running;
	sem_t given; /* buffers, and one for the end */
	/* Written by the thread before `done` (release), read by control after it (acquire). */
	struct writer_result result;
	_Alignas(64) _Atomic uint32_t filled;  /* control's: buffers given since start */
	_Alignas(64) _Atomic uint32_t emptied; /* the thread's */
	_Atomic uint32_t done;                 /* states that got their last buffer */
	_Atomic bool stop;
};

/* Octets of all buffers. */
size_t writer_octets(void);

/* `memory` of writer_octets and `files` live as long as the writer. 0 or -errno. */
int writer_start(struct state_writer *w, void *memory, const struct state_files *files);

/* The next free buffer, WRITER_BUFFER_OCTETS; NULL while the disk is behind. Control. */
struct writer_buffer *writer_next(struct state_writer *w);

/* Gives it; it is not to be touched any more. */
void writer_give(struct state_writer *w);

/* Ends the thread, after what was given; not when it hangs in the disk: see state_stop. */
void writer_stop(struct state_writer *w);
