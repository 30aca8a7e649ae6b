/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

/*
 * The control core: takes shards from workers, closes epochs in order, merges,
 * judges, publishes. Owns store and detector; one thread.
 *
 * An epoch is closed when every worker has reached a later one, or, live, at a
 * deadline: one hung worker must not blind the rest. What a late worker brings
 * is merged with the next epoch that is closed.
 */

#include <stdbool.h>
#include <stdint.h>

#include "control/snapshot.h"
#include "datapath/handover.h"
#include "datapath/worker.h"
#include "detect/detect.h"
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
	uint64_t epoch_ns;
	bool live;
	bool asn_known; /* an ASN database is loaded */
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
	uint32_t generation;
	uint32_t degraded;     /* of the last epoch; bits of enum degraded_reason */
	uint64_t published_at; /* TSC */
	uint64_t turned_away;  /* as of the last epoch */
	uint64_t clock_steps;  /* live: written by the caller of control_step */
	uint64_t clock_steps_seen;
	uint64_t packets_read; /* at a replay's end: what the reader dealt out; else 0 */
	struct worker_status worker[WORKERS_MAX];
	uint64_t frames_before[WORKERS_MAX]; /* of each worker, as of the last epoch */
	uint32_t imbalance;                  /* in the last epoch */
	unsigned pending;
	struct shard *shard[SHARDS_MAX];
};

void control_init(struct control *c, const struct control_config *config);

/*
 * Takes what workers have given and closes what can be closed. `now_ns` is the
 * live time, ignored in a replay. Returns true when an epoch was closed.
 */
bool control_step(struct control *c, uint64_t now_ns);

/* True when all workers have ended and every shard is merged. */
bool control_ended(const struct control *c);

/* Publishes a snapshot of what is known now. 0 or -ENOMEM. */
int control_publish(struct control *c);
