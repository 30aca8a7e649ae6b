/* SPDX-License-Identifier: BSD-3-Clause */

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <time.h>

#include "control/snapshot.h"

/* The reference count stands before the snapshot, out of readers' sight. */
struct counted {
	_Atomic unsigned refs;
	_Alignas(16) struct snapshot snapshot;
};

struct snapshot_board {
	pthread_mutex_t lock; /* between "read the pointer" and "take a reference" */
	pthread_cond_t changed;
	uint32_t published; /* counts snapshots and wakes */
	struct snapshot *current;
};

static struct counted *counted_of(const struct snapshot *s)
{
	return (struct counted *)((uintptr_t)s - offsetof(struct counted, snapshot));
}

struct snapshot_board *snapshot_board_new(void)
{
	struct snapshot_board *b = calloc(1, sizeof(*b));
	pthread_condattr_t monotonic;

	if (!b)
		return NULL;
	pthread_mutex_init(&b->lock, NULL);
	pthread_condattr_init(&monotonic);
	pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
	pthread_cond_init(&b->changed, &monotonic);
	pthread_condattr_destroy(&monotonic);
	return b;
}

void snapshot_board_free(struct snapshot_board *b)
{
	if (!b)
		return;
	snapshot_put(b->current);
	pthread_cond_destroy(&b->changed);
	pthread_mutex_destroy(&b->lock);
	free(b);
}

struct snapshot *snapshot_new(unsigned verdicts)
{
	struct counted *c = calloc(1, sizeof(*c) + verdicts * sizeof(struct verdict));

	if (!c)
		return NULL;
	atomic_init(&c->refs, 1);
	c->snapshot.verdicts = verdicts;
	return &c->snapshot;
}

void snapshot_publish(struct snapshot_board *b, struct snapshot *s)
{
	pthread_mutex_lock(&b->lock);
	struct snapshot *before = b->current;
	b->current = s;
	b->published++;
	pthread_cond_broadcast(&b->changed);
	pthread_mutex_unlock(&b->lock);
	snapshot_put(before);
}

const struct snapshot *snapshot_get(struct snapshot_board *b)
{
	pthread_mutex_lock(&b->lock);
	struct snapshot *s = b->current;
	if (s)
		atomic_fetch_add_explicit(&counted_of(s)->refs, 1, memory_order_relaxed);
	pthread_mutex_unlock(&b->lock);
	return s;
}

void snapshot_put(const struct snapshot *s)
{
	/* acq_rel: the freeing thread sees every other reader's last access. */
	if (s && atomic_fetch_sub_explicit(&counted_of(s)->refs, 1, memory_order_acq_rel) == 1)
		free(counted_of(s));
}

uint32_t snapshot_wait(struct snapshot_board *b, uint32_t published, uint64_t until_ms)
{
	struct timespec limit = {(time_t)(until_ms / 1000), (long)(until_ms % 1000) * 1000000};
	int rc = 0;

	pthread_mutex_lock(&b->lock);
	while (b->published == published && rc == 0)
		rc = pthread_cond_timedwait(&b->changed, &b->lock, &limit);
	published = b->published;
	pthread_mutex_unlock(&b->lock);
	return published;
}

void snapshot_wake(struct snapshot_board *b)
{
	pthread_mutex_lock(&b->lock);
	b->published++;
	pthread_cond_broadcast(&b->changed);
	pthread_mutex_unlock(&b->lock);
}

/* The one list of what may restrict a sensor. */
static const struct degraded {
	const char *name;
	const char *remedy;
} degraded[DEGRADED_COUNT] = {
	[DEGRADED_NIC_LOSS] = {"nic_loss", "Raise workers or ports[].rx_descriptors "
					   "(net_af_packet: framecnt= of its device), or "
					   "give this sensor less traffic."},
	[DEGRADED_TABLE_PRESSURE] = {"table_pressure",
		"See which table denies or evicts in /api/v1/stats, raise its size and restart."},
	[DEGRADED_ONE_DIRECTION] = {"one_direction",
		"Let the mirror port send queries too, or name the port that has them."},
	[DEGRADED_UNPAIRED] = {"unpaired_ratio",
		"Look for loss on the tap; raise pairing.entries if queries are evicted."},
	[DEGRADED_LATE_WORKER] = {"late_worker",
		"Give each worker a processor of its own: see lcores, and isolcpus of the kernel."},
	[DEGRADED_HUNG_WORKER] = {"hung_worker",
		"Look what holds the lcore named under workers, or in the log if the spreader "
		"hangs; restart when it does not return."},
	[DEGRADED_OVERRUN] = {"overrun",
		"Give control a processor of its own, or raise epoch_seconds."},
	[DEGRADED_NO_ASN_DB] = {"no_asn_db",
		"Name a database in networks.asn_db and send SIGHUP; to a replay, by --asn-db."},
	[DEGRADED_CLOCK_STEP] = {"clock_step",
		"Let the time service slew the clock instead of stepping it."},
	[DEGRADED_QUEUE_IMBALANCE] = {"queue_imbalance",
		"Set spreader to \"on\", or spread the mirrored traffic over more addresses."},
	[DEGRADED_LINK_DOWN] = {"link_down",
		"Look at the cable, the tap and the mirror session of the port named under ports."},
	[DEGRADED_STATE_STALE] = {"state_stale",
		"See state.last_error: make room on the disk of state.path, or raise "
		"epoch_seconds."},
	[DEGRADED_RPZ_FROZEN] = {"rpz_frozen",
		"Look at /api/v1/blocking; if these are right, raise "
		"export.rpz.additions_per_hour and send SIGHUP."},
	[DEGRADED_EXPORT_LAG] = {"export_lag",
		"See the log, and export in the status: make room on the disk of the file they "
		"name, let this user write there, or start what listens there."},
};

const char *snapshot_degraded_name(enum degraded_reason r)
{
	return degraded[r].name;
}

const char *snapshot_degraded_remedy(enum degraded_reason r)
{
	return degraded[r].remedy;
}

/* Sixteen of one kind to one of the other are one way; of fewer messages nothing can be said. */
#define DIRECTION_RATIO 16u

enum direction pairing_direction(const struct pairing_status *p)
{
	if (p->queries + p->responses < DIRECTION_RATIO)
		return DIRECTION_UNKNOWN;
	if (p->queries < p->responses / DIRECTION_RATIO)
		return DIRECTION_RESPONSES_ONLY;
	if (p->responses < p->queries / DIRECTION_RATIO)
		return DIRECTION_QUERIES_ONLY;
	return DIRECTION_BOTH;
}

const char *direction_name(enum direction d)
{
	static const char *const names[] = {
		[DIRECTION_UNKNOWN] = "unknown",
		[DIRECTION_BOTH] = "both",
		[DIRECTION_RESPONSES_ONLY] = "responses_only",
		[DIRECTION_QUERIES_ONLY] = "queries_only",
	};
	return names[d];
}

const char *worker_state_name(enum worker_state s)
{
	static const char *const names[] = {
		[WORKER_RUNNING] = "running",
		[WORKER_LATE] = "late",
		[WORKER_HUNG] = "hung",
		[WORKER_ENDED] = "ended",
	};
	return names[s];
}
