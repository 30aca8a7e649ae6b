/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

/*
 * One place that events are written to: a file, or a socket. Nothing here waits: what
 * cannot be written now is tried again later, whole. An event may so come twice, and then
 * has the same sequence number. One thread.
 */

#include <stdbool.h>
#include <stdint.h>

#include "config/config.h"
#include "export/eve.h"
#include "feed/queue.h"
#include "feed/report.h"
#include "feed/target.h"

struct output {
	enum feed_output_kind kind; /* all but FEED_HISTORY */
	char target[CONFIG_PATH_MAX];
	const char *host; /* this machine's; lives as long as the output */
	struct feed_output_report report;
	uint64_t place;         /* in the queue */
	uint64_t waiting_since; /* monotonic milliseconds; 0: nothing waits */
	uint64_t lost_at;       /* of the last loss; 0: none */
	int fd;                 /* -1: closed */
	bool connecting;
	bool write_failed;
	int type;          /* of the socket; FEED_EVE_SOCKET tries both */
	uint64_t retry_at; /* monotonic milliseconds ... */
	uint32_t pause;    /* ... and what the next pause will be */
	char *message;     /* taken from the queue, not all of it written */
	size_t len;
	size_t sent;
	uint64_t sequence; /* of the message */
};

void output_init(struct output *o, enum feed_output_kind kind, const char *host);

/* Where it goes from now on, "" for nowhere; what waits goes there, too. */
void output_target(struct output *o, const char *target);

/* Writes what waits, as far as it goes. `now` in monotonic milliseconds. */
void output_pump(struct output *o, const struct queue *q, uint64_t now);

/* The file is opened anew with the next line: it may have been renamed. */
void output_reopen(struct output *o);

/* True when there is nothing left to write. */
bool output_idle(const struct output *o, const struct queue *q);

/* The first place of the queue that it has not written. */
uint64_t output_place(const struct output *o);

/* Events of poll() on its fd after which to pump again; 0: none. */
short output_waits_for(const struct output *o);

/* Drops what is in hand, and closes. */
void output_close(struct output *o);
