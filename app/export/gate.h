/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

/*
 * Between what is flagged and what is blocked: which flagged domains resolvers refuse, and
 * of each other one why not. A blocked name hurts whoever needs it, so doubt lets it pass.
 *
 * A domain comes in when its verdict has been firm for long enough, the sensor has watched for
 * long enough, nothing protects the name and the hour's additions are not used up. It leaves
 * when it is flagged no more, or protected; a verdict that becomes "suspected" keeps it, for
 * who can cast doubt on an answer shall not unblock a domain by it.
 *
 * Pure: no clock, no file, no log. One thread. Times are seconds since 1970 of the sensor's
 * clock; one that lies ahead of `now`, for the clock was set back, becomes `now`, so that a
 * wait begins anew and an addition counts for a whole hour more. When the clock was set forward,
 * or nothing was judged for long, nobody watched meanwhile: waits are moved along with it and
 * end none the sooner.
 *
 * When protection changed is told to who polls, and so never goes back, not even with the clock:
 * each such time is later than all before, and than the step that brought it, for events of
 * verdicts may have that step's time.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "detect/lists.h"
#include "dns/dns.h"
#include "psl/psl.h"

#define GATE_ADDITIONS_MAX 8192u /* an hour; as many domains as can be flagged */
#define GATE_HOUR 3600u

/*
 * X(enumerator, name in JSON): what becomes of a flagged domain. Up to GATE_LONG the name is
 * protected: such a one leaves when it is in.
 */
#define GATE_REASONS(X) \
	X(GATE_SUFFIX, "public_suffix") /* it is one, or one lies below it */ \
	X(GATE_OWN, "own_zone")         /* export.rpz.own_zones: the same, above or below */ \
	X(GATE_TOP, "top_list")         /* detect.popular or export.rpz.top_list */ \
	X(GATE_ALLOWED, "allowed")      /* the operator's allow-list */ \
	X(GATE_SPECIAL, "special_name") /* a wildcard or a trigger, as an owner in such a zone */ \
	X(GATE_LONG, "too_long")        /* does not fit the zone */ \
	X(GATE_SUSPECTED, "suspected")  /* the verdict is not firm */ \
	X(GATE_MIN_AGE, "min_age")      /* it has not been for long enough */ \
	X(GATE_WARMUP, "warmup")        /* the sensor has not watched for long enough */ \
	X(GATE_FROZEN, "frozen")        /* additions an hour used up: nothing is added */ \
	X(GATE_LISTED, "listed")

enum gate_reason {
#define X(name, text) name,
	GATE_REASONS(X)
#undef X
		GATE_REASON_COUNT
};

struct gate_config {
	bool suspected;              /* a suspected verdict is as good as a firm one */
	uint32_t min_age;            /* seconds */
	uint32_t warmup;             /* seconds */
	uint32_t additions_per_hour; /* 0..GATE_ADDITIONS_MAX */
	uint32_t step_max;           /* seconds from a step to the next that count as watched */
};

/* What is never blocked; borrowed for the call. */
struct gate_guards {
	const struct psl *psl;
	const struct name_lists *top[2]; /* registered domains; NULL: none */
	unsigned own_zones;
	const struct dns_name *own_zone;
	bool (*allowed)(const void *ctx, const struct dns_name *name); /* NULL: nothing is */
	const void *allowed_ctx;
	unsigned zone_octets; /* wire form of the zone's own name, root label included */
};

/* A flagged domain. */
struct gate_candidate {
	const uint8_t *name; /* wire form, lower-case, root label included */
	uint8_t name_len;
	bool suspected;
};

/* One that was among the candidates of the last step. */
struct gate_entry {
	uint32_t firm_since;      /* 0: it is not; while not in, later by what was not watched */
	uint32_t listed_since;    /* 0: it is not in */
	uint32_t protection_time; /* when `protection` became what it is; 0: not known */
	uint8_t protection; /* what protected it as of the last step; GATE_LISTED: nothing did */
	uint8_t reason;     /* enum gate_reason; GATE_LISTED exactly when listed_since */
	uint8_t name_len;
	uint8_t name[DNS_NAME_MAX];
};

struct gate {
	uint32_t time;           /* of the last step; 0: none yet, as after a restart */
	uint32_t watching_since; /* the cold start that the warm-up counts from; 0: long ago */
	uint32_t frozen_since;   /* 0: additions are not frozen */
	uint32_t frozen_at;      /* additions_per_hour when they froze */
	unsigned n;
	struct gate_entry *entry; /* by name (length, then octets) */
	unsigned before_n;
	struct gate_entry *before; /* as of the step before */
	unsigned additions;        /* of the last hour that was watched, oldest first */
	uint32_t addition[GATE_ADDITIONS_MAX];
};

void gate_init(struct gate *g);
void gate_free(struct gate *g);

/* A cold start: what was learned before is gone, and the sensor watches from `now` on. */
void gate_cold(struct gate *g, uint32_t now);

/*
 * Judges all flagged domains, those that matter most first; the rest leave. 0 or -ENOMEM
 * with *g as it was. O(n log n).
 *
 * Additions freeze when one more is due than additions_per_hour allows within the last hour,
 * until an hour has passed since, or additions_per_hour has been raised.
 */
int gate_step(struct gate *g, const struct gate_config *config, const struct gate_guards *guards,
	const struct gate_candidate *candidate, unsigned n, uint32_t now);

/* The entry of a name among n in order, or NULL. O(log n). */
const struct gate_entry *gate_find(
	const struct gate_entry *entry, unsigned n, const uint8_t *name, uint8_t len);

/* What protects a name, or GATE_LISTED: nothing does. */
enum gate_reason gate_protects(const struct gate_guards *guards, const uint8_t *name, uint8_t len);

/* Puts entries in order that were filled in from outside (a saved state). */
void gate_seal(struct gate *g);

const char *gate_reason_name(enum gate_reason r);
