/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

/* What the feed says of itself; plain data, copied into each snapshot. */

#include <stdbool.h>
#include <stdint.h>

#include "cli/exit.h"

/* X(enumerator, name): where events go. */
#define FEED_OUTPUTS(X) \
	X(FEED_HISTORY, "history") /* rows of an SQLite file */ \
	X(FEED_EVE_FILE, "eve_file") \
	X(FEED_EVE_SOCKET, "eve_socket") \
	X(FEED_SYSLOG, "syslog")

enum feed_output_kind {
#define X(name, text) name,
	FEED_OUTPUTS(X)
#undef X
		FEED_OUTPUT_COUNT
};

struct feed_output_report {
	bool configured;
	bool up;                    /* open, or connected */
	uint64_t delivered;         /* events since start */
	uint64_t lost;              /* events that it did not get, since start */
	uint64_t failures;          /* attempts that failed */
	uint64_t waiting;           /* events that are to be delivered */
	uint64_t sequence;          /* of the last one delivered; 0: none */
	char error[ERROR_LINE_MAX]; /* why it does not work now; "": it does */
};

struct feed_history_report {
	uint64_t events;  /* rows */
	uint64_t octets;  /* of the file, without its write-ahead log */
	uint64_t removed; /* rows deleted for their age or for room, since start */
	uint32_t oldest;  /* time of the oldest row, seconds since 1970; 0: none */
};

struct feed_report {
	bool running;
	bool behind;     /* something waits for longer than FEED_LAG_SECONDS, or was just lost */
	uint64_t missed; /* events that were gone before the feed saw them, since start */
	struct feed_output_report output[FEED_OUTPUT_COUNT];
	struct feed_history_report history;
};

/* How long an event may wait, and for how long a loss is told of. */
#define FEED_LAG_SECONDS 30u
#define FEED_LOSS_SECONDS 300u

const char *feed_output_name(enum feed_output_kind k);
