/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

/*
 * The audit log: a line of JSON for each change by HTTP, written before the change is made,
 * and for each attempt that was refused. Appended to, so that a rotation is a rename and a
 * SIGUSR1. Shapes: docs/api.md.
 */

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

#include "cli/exit.h"
#include "config/config.h"

/* Refused attempts that are written in a second: whoever is refused must not fill the disk. */
#define AUDIT_REFUSED_A_SECOND 20u

/* How long a change waits for the lines before its own. */
#define AUDIT_WAIT_SECONDS 2

struct audit {
	char path[CONFIG_PATH_MAX]; /* "": none */
	_Atomic bool reopen;
	pthread_mutex_t lock;   /* never held over a write */
	pthread_cond_t written; /* a line; by CLOCK_MONOTONIC */
	bool writing;           /* whose turn it is has what follows to itself */
	int fd;
	time_t second;             /* of the refused attempts that were counted last */
	unsigned refused;          /* in it */
	bool torn;                 /* the last line may have no end */
	_Atomic uint64_t left_out; /* not written since the line before */
};

/* What a line tells; texts of any octets, NULL for what is not known. */
struct audit_fact {
	const char *who;  /* a token's name */
	const char *from; /* a peer, by http/listen.h */
	const char *method;
	const char *path;
	const char *name;   /* in presentation form */
	const char *text;   /* reason or note */
	const char *result; /* "accepted", "failed" or "refused" */
	const char *why;    /* of the latter two */
	unsigned status;    /* of the answer; 0: none yet */
};

/*
 * "" is no log, and all is written. 0, or -errno and one line in err; -ENXIO: a pipe that
 * nobody reads. Does not wait for a reader.
 */
int audit_open(struct audit *a, const char *path, char err[ERROR_LINE_MAX]);
void audit_close(struct audit *a); /* also after a failure */

/* The file was renamed: the next line opens it anew, or goes on where it was. Any thread, at once.
 */
void audit_reopen(struct audit *a);

/* `a` tells what nobody will write to `before` any more: what was left out of it. */
void audit_inherit(struct audit *a, const struct audit *before);

/*
 * Writes a line; of what was accepted once it is on the disk. Any thread. 0 or -errno, as
 * -EAGAIN when a pipe is full and -ETIMEDOUT when the lines before wait for a disk; of refused
 * attempts, then and beyond their rate, lines are left out and counted in the next.
 */
int audit_write(struct audit *a, const struct audit_fact *fact);
