/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

/*
 * Every counter of a snapshot, declared once. The JSON accounting tree and
 * /metrics are two walks over the same declarations, so that no counter can be
 * in one of them only, or mean two things.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "control/snapshot.h"

#define COUNTER_DEPTH 3u

/*
 * One number, or one for each combination of keys. Keys are the steps in the
 * JSON tree below `path` and the values of the Prometheus labels alike.
 */
struct counter_family {
	const char *metric; /* name without "fluxgate_"; NULL: in JSON only, for it is a sum */
	const char *help;
	bool gauge; /* may fall; else it only grows */
	const char
		*path[COUNTER_DEPTH]; /* place in the accounting tree, NULL-terminated if shorter */
	const char *label[COUNTER_DEPTH]; /* none: a single number */
	size_t offset;                    /* of it in struct snapshot */
};

/* keys: one a label, in their order; a shorter path ends with NULL. */
typedef void counter_fn(void *ctx, const struct counter_family *family,
	const char *const keys[COUNTER_DEPTH], uint64_t value);

/* Calls fn for every counter, one family after the other, always in the same order. */
void counters_each(const struct snapshot *s, counter_fn *fn, void *ctx);

/* A counter that each port or worker has. */
struct port_counter {
	const char *key; /* in JSON */
	const char *metric;
	const char *help;
	size_t offset; /* of a uint64_t in struct port_status, or worker_status */
	bool gauge;    /* may fall; else it only grows */
};

/* A port's may be PORT_UNKNOWN: null in JSON, and no sample. */
#define PORT_COUNTERS 9u
extern const struct port_counter port_counters[PORT_COUNTERS];

#define WORKER_COUNTERS 4u
extern const struct port_counter worker_counters[WORKER_COUNTERS];

/* The uint64_t at `offset` of one of the structures above. */
static inline uint64_t counter_at(const void *base, size_t offset)
{
	return *(const uint64_t *)((const char *)base + offset);
}
