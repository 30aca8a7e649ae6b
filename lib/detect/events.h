/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

/*
 * What became of verdicts, in order: so that who reads the list now and then misses
 * nothing that came and went between, and learns what was cleared.
 *
 * A ring of fixed size; the oldest go. Each event has a sequence number, one more than
 * the one before. Plain data: control copies it into the snapshot.
 */

#include <stdint.h>

#include "detect/detect.h"

#define EVENTS_MAX 2048u

/* X(enumerator, name in JSON) */
#define EVENT_KINDS(X) \
	X(EVENT_RAISED, "raised") \
	X(EVENT_UPGRADED, "upgraded") /* suspected before, and no longer */ \
	X(EVENT_CHANGED, "changed")   /* of another class, or no more than suspected now */ \
	X(EVENT_CLEARED, "cleared")   /* no rule met for clear_after */ \
	X(EVENT_EXPIRED, "expired")   /* its record went from the store */

#define EVENT_KIND_ENUM(name, text) name,
enum event_kind { EVENT_KINDS(EVENT_KIND_ENUM) EVENT_KIND_COUNT };

/* The verdict as it was then; of one that goes, as it was last. */
struct verdict_event {
	uint64_t sequence;
	double score;
	uint32_t time; /* seconds since 1970: end of the epoch that brought it */
	uint8_t kind;  /* enum event_kind */
	uint8_t class; /* enum flux_class */
	uint8_t window;
	uint8_t suspected;
	uint8_t name_len;
	uint8_t name[DNS_NAME_MAX]; /* registered domain, lower-case wire form */
};

struct event_ring {
	uint64_t first; /* sequence of the first event of this run */
	uint64_t next;  /* of the next event; first <= next */
	struct verdict_event event[EVENTS_MAX];
};

/* An empty ring whose first event will be `first`. */
void events_init(struct event_ring *r, uint64_t first);

void events_add(struct event_ring *r, enum event_kind kind, const struct verdict *v, uint32_t now);

/* Sequence of the oldest that is held; `next` when none is. */
static inline uint64_t events_oldest(const struct event_ring *r)
{
	return r->next - r->first > EVENTS_MAX ? r->next - EVENTS_MAX : r->first;
}

/* One that is held: events_oldest <= sequence < next. */
static inline const struct verdict_event *events_at(const struct event_ring *r, uint64_t sequence)
{
	return &r->event[sequence % EVENTS_MAX];
}

/* Copies what is held; `out` need not be initialised. */
void events_copy(struct event_ring *out, const struct event_ring *r);

const char *event_kind_name(enum event_kind k);
