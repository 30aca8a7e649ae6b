/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

/*
 * What the files of lib/store share: the layout, the candidate, and the
 * sighting, which is what all shards of one epoch say of one domain.
 */

#include "base/bits.h"
#include "store/block.h"
#include "store/ledger.h"
#include "store/reverse.h"
#include "store/store.h"

#define DAY_SECONDS STORE_DAY_SECONDS
#define SILENT_SECONDS (7u * DAY_SECONDS) /* then a name expires */

#define DOOR_WAYS 8u
/* Wider than a shard's: at 60 % load one in 10^4 names finds no place, not one in 200. */
#define CANDIDATE_PROBE_MAX 32u
#define CANDIDATE_UNITS 4u
_Static_assert(STORE_SETTLED == CANDIDATE_UNITS, "what a candidate keeps");
#define CANDIDATE_MORE (CANDIDATE_UNITS + 1) /* in `units`: there were more */
#define CANDIDATE_STEP_SECONDS 600u
#define CANDIDATE_TTL_MAX UINT16_MAX
#define PROMOTE_SPREAD 3u /* distinct aggregates, as bits of the bitmap */
/*
 * Of name servers alone: they move. What the first epochs with glue bring is the set that the
 * name has; more aggregates than any set has are flux also where they came at once.
 */
#define NS_FIRST 4u           /* epochs with glue */
#define PROMOTE_NS_MOVED 5u   /* aggregates that came after these ... */
#define PROMOTE_NS_SPREAD 11u /* ... or so many in all, as bits of the bitmap */
#define NS_STAGE_MAX 15u
#define TOUCHED_BUCKETS_LOG2 12u

struct door_bucket {
	_Alignas(CACHE_LINE) uint64_t way[DOOR_WAYS];
};

/* A name with two addresses or more. With `tracked` the evidence is in the full record. */
struct candidate {
	uint64_t key; /* 0: free slot */
	union {
		uint64_t unit[CANDIDATE_UNITS]; /* the smallest by unit hash, in no order */
		uint32_t record;
	};
	uint32_t first; /* seconds since 1970 */
	uint32_t last;
	uint16_t spread;                /* bitmap over hashes of the units' aggregates */
	uint16_t ns_spread;             /* and of those of its name servers' IPv4 addresses */
	uint16_t seen[CANDIDATE_UNITS]; /* steps of 10 min from first, saturating */
	uint32_t ttl_max : 16;          /* saturating */
	/* Epochs with glue up to NS_FIRST, then aggregates that came since. */
	uint32_t ns_stage : 4;
	uint32_t units : 3; /* CANDIDATE_MORE: some were turned away */
	uint32_t tracked : 1;
	uint32_t grades : 8; /* 2 bits of enum evidence_grade a unit */
};
_Static_assert(sizeof(struct candidate) == CACHE_LINE, "one cache line a candidate");

struct sighting_unit {
	uint64_t hash;
	uint64_t unit;
	uint8_t grade;
	uint8_t server; /* as in struct shard_detail */
	uint8_t host;
	bool brief;
	bool names; /* more than one */
};

/* Every field is a sum, minimum, maximum or bottom-k: the order of shards leaves no trace. */
struct sighting {
	uint64_t key;
	uint64_t threshold; /* exclusive bound of unit[]; UINT64_MAX: complete */
	uint64_t responses;
	uint32_t first;
	uint32_t last;
	uint32_t ttl_max;
	uint32_t ns_ttl;
	uint32_t entries; /* shards that had the domain */
	bool conflict;
	uint8_t answer_max;
	uint8_t units;
	uint8_t ns_names;
	uint8_t ns_units;
	struct sighting_unit unit[STORE_SAMPLE]; /* ascending by hash */
	struct sighting_unit ns_name[SHARD_NS_MAX];
	struct sighting_unit ns_unit[SHARD_NS_MAX];
};

struct touched {
	uint64_t key;
	uint32_t record;
};

/* How many names each server answers for, by day. */
struct servers {
	uint32_t day;
	bool established[256];
	struct hll all[2]; /* today, yesterday */
	struct hll of[2][256];
};

struct store {
	struct store_config config;
	struct hash_key placement;
	struct hash_key sketch;
	struct store_account account;
	uint32_t now;
	uint32_t since; /* store_since */
	uint32_t sweep; /* next home slot to be swept of expired names */
	uint32_t hand;  /* next record that is looked at for demotion */
	uint32_t free_n;
	uint32_t ledger_free_n;
	uint32_t ledger_hand; /* next ledger that is looked at to be taken away */
	uint32_t touched_n;
	struct door_bucket *door;
	struct candidate *candidates; /* slots + CANDIDATE_PROBE_MAX: probing does not wrap */
	struct domain *domains;
	uint32_t *free;          /* stack of free records */
	struct touched *touched; /* 2 * domains, with records given up since */
	struct touched *sorted;  /* scratch of the same size */
	uint32_t *bucket;        /* 2^TOUCHED_BUCKETS_LOG2 + 1, scratch */
	struct ledger *ledgers;
	uint32_t *ledger_free; /* stack of free ones */
	struct reverse *reverse;
	struct servers servers;
	struct block block; /* scratch of the merge */
};

/* Top 32 bits of the placement hash: all tables but the door take their slots from its top. */
static inline uint32_t store_place(const struct store *st, uint64_t key)
{
	return (uint32_t)(hash_u64(key, st->placement) >> 32);
}

/*
 * By the key itself, a hash under the sketch key: the door keeps no whole key that could
 * be placed anew after a restart (docs/adr/0006).
 */
static inline uint32_t door_slot(const struct store *st, uint64_t key)
{
	return (uint32_t)(key >> (64 - (st->config.door_log2 - 3)));
}

static inline uint32_t candidate_slot(const struct store *st, uint64_t key)
{
	return store_place(st, key) >> (32 - st->config.candidates_log2);
}

/* Bit of a unit's aggregate in a diversity bitmap. */
static inline uint16_t spread_bit(const struct store *st, uint64_t unit)
{
	return (uint16_t)(1u << (hash_u64(address_aggregate(unit), st->sketch) >> 60));
}

/* The same of a name server's. Those of IPv6 are the same servers once more. */
static inline uint16_t ns_spread_bit(const struct store *st, uint64_t unit)
{
	return address_is_v4(unit) ? spread_bit(st, unit) : 0;
}

/*
 * How much a record is worth: name servers count half, so that a domain that merely has many
 * takes no place from one whose addresses are spread as widely.
 */
static inline unsigned diversity(uint16_t spread, uint16_t ns_spread)
{
	unsigned units = (unsigned)__builtin_popcount(spread);
	unsigned servers = (unsigned)__builtin_popcount(ns_spread) / 2;

	return units > servers ? units : servers;
}

/*
 * Has the name shown another unit than the sighting's one within STORE_DOOR_DAYS, or other glue?
 * If so its place is freed, *day is the day (time / 86400) when that was last seen, and true
 * returns. Otherwise the unit waits there, and the glue of the smallest hash. One cache line.
 */
bool door_pass(struct store *st, const struct sighting *g, uint32_t *day);
/* Does a way that is not free still count today? */
bool door_holds(const struct store *st, uint64_t way);
/* Does a unit of `key` wait there? *day is the day of its last sighting. Changes nothing. */
bool door_waits(const struct store *st, uint64_t key, uint32_t *day);

void sighting_start(struct sighting *g, uint64_t key);
void sighting_add(struct sighting *g, const struct shard *s, const struct shard_entry *e);
/* The epoch's end bounds its times: a worker's clock may be a step ahead. */
void sighting_clamp(struct sighting *g, uint32_t now);

struct candidate *candidate_find(const struct store *st, uint64_t key);
/* A slot for a new name, zeroed but for its key; NULL when flagged domains hold them all. */
struct candidate *candidate_insert(struct store *st, uint64_t key);
/*
 * A slot for a saved candidate, which must not be there; NULL where all that could be
 * given up is worth as much. Counts it as restored.
 */
struct candidate *candidate_place(struct store *st, const struct candidate *saved);
/* Frees the slot; entries behind it move up. Invalidates pointers to candidates. */
void candidate_remove(struct store *st, struct candidate *c);
bool candidate_expired(const struct store *st, const struct candidate *c);
void candidate_merge(const struct store *st, struct candidate *c, const struct sighting *g);
/* More addresses than it keeps, over several aggregates? */
bool candidate_many(const struct candidate *c);
/* Enough evidence for a full record? */
bool candidate_qualifies(const struct candidate *c);
/* Frees what a slice of the table holds of expired names. */
void candidate_sweep(struct store *st);

/* Server `server` answered for a name. */
void servers_add(struct servers *v, uint8_t server, uint64_t key, uint32_t now);
/* Who is established now. */
void servers_weigh(struct servers *v);

/* A free record, or that of a domain of less diversity; NULL when there is none. */
struct domain *record_take(struct store *st, unsigned worth);
/* What a candidate keeps of a full record: the four items of the smallest hashes. */
void candidate_from_domain(const struct store *st, struct domain *d, struct candidate *c);
/* Gives a tracked candidate's record back; nothing for another. */
void record_release(struct store *st, struct candidate *c);

/* Where in a record's windows a time lies: one bit each, none when it is too long ago. */
struct moment {
	uint16_t slots;
	uint32_t hours;
	uint8_t days;
};

struct moment moment_at(const struct domain *d, uint32_t t);
/* A unit of that hash, active then, did not find room: lowers the thresholds of these bits. */
void thresholds_lower(struct domain *d, struct moment m, uint64_t hash);

/* First item of d whose hash is not below `hash`, from `from` on. */
unsigned domain_item_search(
	const struct store *st, const struct domain *d, uint64_t hash, unsigned from);
/* The name server's address `unit` of d; NULL: not known. */
struct domain_ns *domain_ns_find(struct domain *d, uint64_t unit);
/* Adds the sighting's name servers; d is advanced to it. */
void domain_ns_merge(const struct store *st, struct domain *d, const struct sighting *g,
	const struct net_lookup *net);

/* Gives d a ledger where one would tell more than its sample, and one can be had. */
void ledger_grant(struct store *st, struct domain *d);
/* One for d, empty; NULL: none can be had. */
struct ledger *ledger_attach(struct store *st, struct domain *d);
/* Adds the sighting to d's ledger, if it has one; d is advanced to it. */
void ledger_merge(struct store *st, const struct domain *d, const struct sighting *g);
/* Takes d's ledger away, if it has one. */
void ledger_release(struct store *st, struct domain *d);

/*
 * Starts an unnamed full record with what the candidate knew; the sighting is merged later.
 * `many`: with it the addresses are.
 */
void domain_start(const struct store *st, struct domain *d, const struct candidate *c, bool many,
	const struct sighting *g, const struct net_lookup *net);
/* Adds a sighting, all but its sketches of host names and pairs. */
void domain_merge(const struct store *st, struct domain *d, const struct sighting *g,
	const struct net_lookup *net);
/* Brings d->spread and d->ns_spread up to date; the diversity. */
unsigned domain_spread(const struct store *st, struct domain *d);
