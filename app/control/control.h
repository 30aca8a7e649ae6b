/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

/*
 * The control core: takes shards from workers, closes epochs in order, merges,
 * judges, publishes. Owns store and detector; one thread.
 *
 * An epoch is closed when every worker has reached a later one, or, live, at a
 * deadline: one hung worker must not blind the rest, and is not waited for once
 * it is known (control/watch.h). What a late worker brings is merged with the
 * next epoch that is closed.
 */

#include <stdbool.h>
#include <stdint.h>

#include "base/histogram.h"
#include "control/mailbox.h"
#include "control/snapshot.h"
#include "datapath/handover.h"
#include "datapath/worker.h"
#include "detect/detect.h"
#include "feed/feed.h"
#include "store/store.h"

/* How long after an epoch's end a live control waits for its workers. */
#define CONTROL_DEADLINE_NS UINT64_C(2000000000)

struct control_config {
	struct handover *handover;
	struct worker *workers; /* handover->workers of them */
	struct store *store;
	struct detector *detector;
	struct net_lookup networks;
	struct snapshot_board *board;
	struct mailbox *mailbox; /* NULL: nobody asks */
	const struct psl *psl;   /* for questions */
	uint64_t epoch_ns;
	bool live;
	bool asn_known;                   /* an ASN database is loaded */
	const struct state_report *state; /* live, where a state is kept; else NULL */
	/* Bits of enum degraded_reason that management threads set; relaxed. May be NULL. */
	const _Atomic uint32_t *degraded;
	struct feed *feed; /* live; else NULL */
	/* Live: fills in a snapshot's ports. May be NULL. */
	void (*ports)(void *ctx, struct snapshot *s);
	void *ports_ctx;
};

struct control {
	struct control_config config;
	struct account account;
	struct visibility visibility; /* of the last epoch */
	uint64_t epochs;
	uint64_t closed; /* number of the last closed epoch; 0 none */
	uint64_t first_ns;
	uint64_t last_ns;
	uint64_t merge_ns;
	struct histogram merges; /* microseconds of each since start */
	struct histogram lags;   /* live: microseconds from an epoch's end to its merge's */
	uint32_t generation;
	uint32_t degraded; /* of the last epoch; bits of enum degraded_reason */
	uint32_t degraded_since[DEGRADED_COUNT]; /* as last published */
	uint64_t epochs_with_error;
	uint64_t worst_epoch_error;
	uint64_t now_ns;             /* live: of the last step */
	struct config_report report; /* written by the caller of control_step */
	bool renewing;               /* records' networks are looked up again, ... */
	uint32_t renew_from;         /* ... from this place of the store on */
	uint64_t published_at;       /* TSC */
	uint64_t turned_away;        /* as of the last epoch */
	uint64_t clock_steps;        /* live: written by the caller of control_step */
	uint64_t clock_steps_seen;
	struct feed_report feed; /* as it last told */
	uint64_t packets_read;   /* at a replay's end: what the reader dealt out; else 0 */
	struct worker_status worker[WORKERS_MAX];
	uint64_t frames_before[WORKERS_MAX]; /* of each worker, as of the last epoch */
	uint32_t imbalance;                  /* in the last epoch */
	struct pairing_status pairing;
	uint64_t pairing_halved; /* epoch in which it was halved last */
	unsigned pending;
	struct shard *shard[SHARDS_MAX];
};

void control_init(struct control *c, const struct control_config *config);

/*
 * Takes what workers have given and closes what can be closed. `now_ns` is the
 * live time, ignored in a replay. Returns true when an epoch was closed.
 */
bool control_step(struct control *c, uint64_t now_ns);

/*
 * Other thresholds, lists of names and databases, between epochs. Addresses that the store holds
 * are looked up again, some of them with each step and, until all are through,
 * those of a domain before it is judged. What was used before may go afterwards.
 */
void control_reload(struct control *c, const struct detect_config *detect,
	const struct scorer *scorer, const struct name_lists *lists,
	const struct net_lookup *networks, bool asn_known);

/*
 * The store came from a saved state: its addresses are looked up again as after a
 * change of databases.
 */
void control_restored(struct control *c);

/*
 * Live, at the end: gives up the workers that have not ended, merges what the
 * others gave. Returns how many were given up.
 */
unsigned control_abandon(struct control *c);

/* True when all workers have ended and every shard is merged. */
bool control_ended(const struct control *c);

/* The epoch that a worker is in; UINT64_MAX when it has ended. Its shards before it are given. */
static inline uint64_t control_reached(const struct control *c, unsigned worker)
{
	return atomic_load_explicit(&c->config.workers[worker].reached, memory_order_acquire);
}

/* The end of an epoch in seconds since 1970, which end in 2106. */
uint32_t control_epoch_end(const struct control *c, uint64_t epoch);

/* Answers questions of the mailbox; between two steps, also when there are no more steps. */
void control_answer(struct control *c);

/* The same for one name at once; control's thread. */
void control_explain(const struct control *c, const struct dns_name *name, struct explanation *out);

/* Publishes a snapshot of what is known now. 0 or -ENOMEM. */
int control_publish(struct control *c);
