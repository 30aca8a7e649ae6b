/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

/*
 * What control publishes after each epoch: one immutable, reference-counted
 * picture of counters and verdicts. Control makes it, publishes it and never
 * writes it again; management threads take a reference, read, and put it back.
 * The last one to put it frees it. None of this is on a worker's path.
 */

#include <stdbool.h>
#include <stdint.h>

#include "base/histogram.h"
#include "cli/exit.h"
#include "config/config.h"
#include "detect/detect.h"
#include "detect/events.h"
#include "drivers-config/xdp/xdp.h"
#include "feed/report.h"
#include "shard/account.h"
#include "state/report.h"
#include "store/store.h"

#define SNAPSHOT_WORKERS_MAX 64u
#define SNAPSHOT_PORTS_MAX 16u

/* Bits of snapshot.degraded; names and remedies by snapshot_degraded_name, _remedy. */
enum degraded_reason {
	DEGRADED_NIC_LOSS,        /* a port says it lost frames in the last interval */
	DEGRADED_TABLE_PRESSURE,  /* a table denied or evicted in the last epoch */
	DEGRADED_ONE_DIRECTION,   /* responses without queries: pairing is not possible */
	DEGRADED_UNPAIRED,        /* more than a tenth of the responses had no query */
	DEGRADED_LATE_WORKER,     /* a worker's shard missed the epoch's deadline */
	DEGRADED_HUNG_WORKER,     /* a worker gave no sign for two epochs */
	DEGRADED_OVERRUN,         /* a worker found no clean shard and went on in the old one */
	DEGRADED_NO_ASN_DB,       /* networks are told apart by /16 only */
	DEGRADED_CLOCK_STEP,      /* packet time went backwards by more than an epoch */
	DEGRADED_QUEUE_IMBALANCE, /* one worker gets many more frames than the others */
	DEGRADED_LINK_DOWN,       /* a port's link is down */
	DEGRADED_STATE_STALE,     /* the saved state is older than it should be */
	DEGRADED_RPZ_FROZEN,      /* more domains are to be blocked than an hour's additions allow */
	DEGRADED_EXPORT_LAG,      /* a file or an output could not be written, or lost events */
	DEGRADED_COUNT
};

/* Which directions of DNS the tap shows. */
enum direction {
	DIRECTION_UNKNOWN, /* too little was seen */
	DIRECTION_BOTH,
	DIRECTION_RESPONSES_ONLY, /* nothing can be paired: what is flagged is suspected only */
	DIRECTION_QUERIES_ONLY,   /* nothing can be found */
};

/* What the last minutes say of it: sums that are halved after PAIRING_SECONDS. */
#define PAIRING_SECONDS 120u

struct pairing_status {
	uint64_t queries;
	uint64_t responses;
	uint64_t paired;   /* responses with evidence whose query was seen ... */
	uint64_t unpaired; /* ... and was not */
};

enum worker_state {
	WORKER_RUNNING,
	WORKER_LATE, /* an epoch closed without its shard */
	WORKER_HUNG, /* no sign of it for two epochs: nobody waits for it */
	WORKER_ENDED,
};

struct worker_status {
	uint32_t lcore;
	uint64_t frames; /* since start */
	uint64_t responses;
	uint64_t overruns; /* epochs that ended with no clean shard at hand */
	uint64_t late;     /* epochs closed without this worker's shard */
	uint64_t behind;   /* live: epochs that it is behind the time of the day */
	uint64_t settings; /* generation of the configuration that it works by; 0: of none */
	enum worker_state state;
	uint32_t since;   /* seconds since 1970, when it was due and did not come; 0: it runs */
	uint64_t reached; /* live: epoch that it is in ... */
	uint64_t seen_ns; /* ... and when control saw it enter, since 1970; 0: not, or it ended */
};

/* The configuration in force, and what became of the attempts to change it. */
struct config_report {
	uint32_t generation; /* counts configurations in force, from 1 */
	uint32_t loaded;     /* seconds since 1970 */
	uint64_t refused;    /* reloads that changed nothing */
	unsigned waiting;    /* keys that differ in the file and need a restart ... */
	const char *key[CONFIG_RESTART_MAX]; /* ... their paths, static */
	char error[ERROR_LINE_MAX];          /* why the last reload was refused; "": it was not */
};

/* A number that nobody can tell. */
#define PORT_UNKNOWN UINT64_MAX

/* A port's own account, a reconciliation: see datapath/port_status.h. */
struct port_status {
	char name[64];
	char profile[32];
	const char *vantage; /* static */
	uint32_t queues;
	bool link_up;
	uint64_t received;         /* frames that workers took */
	uint64_t driver_received;  /* the driver's count */
	uint64_t missed;           /* lost for want of a descriptor */
	uint64_t errors;           /* received with an error */
	uint64_t no_mbuf;          /* lost for want of a buffer */
	uint64_t spreader_dropped; /* lost for a full ring from the spreader */
	uint64_t in_flight;        /* received by the driver, not yet by a worker */
	uint64_t offered;          /* counted independently, or PORT_UNKNOWN */
	uint64_t unknown;          /* what is left of it, or PORT_UNKNOWN */
	double loss_rate;          /* lost in the last epoch that ended; NaN when nothing came */
	bool has_xdp;              /* our XDP program is in front of it */
	struct xdp_counters xdp;
};

struct snapshot {
	uint64_t epoch;      /* number of the last epoch that is in */
	uint64_t epochs;     /* epochs merged since start */
	uint32_t time;       /* its end, seconds since 1970 */
	uint32_t generation; /* counts published snapshots from 1 */
	uint64_t first_ns;   /* packet time of the first and last frame; 0: none yet */
	uint64_t last_ns;
	uint64_t merge_ns;                       /* time the last merge took */
	struct histogram merges;                 /* microseconds of each since start */
	struct histogram lags;                   /* live: microseconds from end to merged */
	uint64_t published_ns;                   /* live: time of the day; else 0 */
	uint32_t degraded;                       /* bits of enum degraded_reason ... */
	uint32_t degraded_since[DEGRADED_COUNT]; /* ... and since when, seconds since 1970; or 0 */
	struct config_report config;
	struct state_report state;
	struct feed_report feed;
	unsigned workers;
	unsigned ports;
	unsigned verdicts;
	struct account account;       /* since start, all workers */
	struct visibility visibility; /* of the last epoch, all workers */
	struct store_account store;
	struct verdict_account verdict_account;
	struct pairing_status pairing;
	uint32_t imbalance;         /* of the last epoch, see control/balance.h; 0: not told */
	uint64_t accounting_error;  /* of all identities together; 0 */
	uint64_t epochs_with_error; /* epochs whose own identities missed something; 0 */
	uint64_t worst_epoch_error; /* the most that one of them missed */
	struct worker_status worker[SNAPSHOT_WORKERS_MAX];
	struct port_status port[SNAPSHOT_PORTS_MAX];
	struct event_ring events; /* what became of verdicts */
	struct verdict verdict[]; /* best score first, then name */
};

struct snapshot_board;

/* A place where one snapshot at a time hangs. NULL when out of memory. */
struct snapshot_board *snapshot_board_new(void);
void snapshot_board_free(struct snapshot_board *b);

/* A writable snapshot with room for `verdicts`, zeroed; NULL when out of memory. */
struct snapshot *snapshot_new(unsigned verdicts);

/* Hangs up s (ownership moves to the board) and puts the one before it. */
void snapshot_publish(struct snapshot_board *b, struct snapshot *s);

/* The current snapshot with a reference taken, or NULL before the first. Any thread. */
const struct snapshot *snapshot_get(struct snapshot_board *b);
void snapshot_put(const struct snapshot *s);

/*
 * Waits until more was published than the `published` that this function returned before (at
 * first 0), snapshot_wake was called since, or CLOCK_MONOTONIC shows `until_ms`. Returns what
 * to give next time.
 */
uint32_t snapshot_wait(struct snapshot_board *b, uint32_t published, uint64_t until_ms);
void snapshot_wake(struct snapshot_board *b);

const char *snapshot_degraded_name(enum degraded_reason r);
/* What to do about it, a sentence; docs/api.md says the same. */
const char *snapshot_degraded_remedy(enum degraded_reason r);
enum direction pairing_direction(const struct pairing_status *p);
const char *direction_name(enum direction d);
const char *worker_state_name(enum worker_state s);
