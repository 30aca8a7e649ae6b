/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

/*
 * The per-core epoch shard: what one worker saw of each registered domain in
 * one epoch, and its counters.
 *
 * Written by one worker; at the epoch's end the whole shard changes owner
 * (docs/architecture.md, "Ownership moves"). Cheap for all, rich for few: a
 * domain is one cache line (key, name reference, counts, up to three
 * addresses). A fourth address, a second host name or name-server data moves
 * it to a detail record, of which there are fewer. Tables are sized at start;
 * what does not fit is denied with a reason and counted.
 *
 * Entries stand in slot order, that of shard_slot(key): linear probing over at
 * most SHARD_PROBE_MAX slots from the home slot. Store and shards use the same
 * bits in the same order, so that a merge walks both sequentially.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/hash.h"
#include "shard/account.h"
#include "shard/visibility.h"
#include "sketch/hll.h"

#define SHARD_PROBE_MAX 16u
#define SHARD_INLINE_UNITS 3u
/*
 * Seconds that records of flux live at most. Told for each address: else whoever injects an
 * answer of a day's TTL takes the name out of suspicion.
 */
#define SHARD_BRIEF_TTL 1800u
#define SHARD_SAMPLE_SMALL 16u /* address units in a small detail record */
#define SHARD_SAMPLE_MAX 64u   /* in a large one: the k of the bottom-k sample */
#define SHARD_NS_MAX 8u        /* k of the name-server samples */

/*
 * How well it is attested that an address is the domain's own; merging keeps the
 * best. What somebody else's domain says of this one is never better than
 * contested: a CNAME into it is in the hands of who writes the CNAME.
 */
enum evidence_grade {
	EVIDENCE_ALIAS,     /* the address of an alias target: the domain does not own it */
	EVIDENCE_UNPAIRED,  /* a response whose query was not seen */
	EVIDENCE_CONTESTED, /* answers that disagree, or reached by another domain's alias */
	EVIDENCE_PAIRED,
};

/*
 * One domain in one epoch. The key is the registered domain's hash under the
 * sketch key and is its identity: two of 10^7 names meet with probability
 * 3 * 10^-6.
 */
#define SHARD_CUT 0x80u /* no detail record was to be had, and inline units were turned away */

/* What merges of the servers of one unit: the same, or several. */
#define SHARD_SERVER_SEVERAL 0u

/* Any of the resolvers that the operator names as his own: no hash is this value. */
#define SHARD_SERVER_RESOLVER 255u

/* Other servers are told apart as far as 8 bits of a hash go; 0 is none yet. */
static inline uint8_t shard_server(uint64_t hash)
{
	uint8_t bits = (uint8_t)(hash >> 56);

	if (bits == SHARD_SERVER_SEVERAL)
		return 1;
	return bits == SHARD_SERVER_RESOLVER ? SHARD_SERVER_RESOLVER - 1 : bits;
}

/* Names of hosts are told apart as far as 8 bits go; of several the smallest counts. */
static inline uint8_t shard_host(uint64_t hash)
{
	return (uint8_t)(hash >> 56);
}

struct shard_entry {
	uint64_t key;            /* 0: free slot */
	uint32_t name;           /* octet offset in the name arena: length octet, then wire form */
	uint32_t detail;         /* 0: none; else 1-based index, bit 31 set in the large pool */
	uint32_t responses : 17; /* saturating */
	uint32_t server : 8;     /* that answered first, and attested all inline units */
	uint32_t several : 3;    /* a bit for each inline unit that another server attested, too */
	uint32_t brief : 3;      /* and for each that was answered with a TTL of SHARD_BRIEF_TTL */
	uint32_t conflict : 1;   /* a query was answered twice, and not the same */
	uint32_t ttl_max;        /* seconds, of the address records */
	uint64_t host;           /* hash of the first host name seen */
	uint32_t first;          /* seconds since 1970 of the first response */
	uint16_t last;           /* seconds from first to the last one, saturating */
	uint8_t units : 2;       /* inline units; 0 when a detail record holds them */
	uint8_t answer_max : 6;  /* most units in one answer, saturating at 63 */
	uint8_t grades;          /* 2 bits of enum evidence_grade an inline unit; flags */
	uint64_t unit[SHARD_INLINE_UNITS];
};
_Static_assert(sizeof(struct shard_entry) == 64, "one cache line a domain");

/*
 * What does not fit a line. unit[] is a bottom-k sample by unit hash: every
 * unit seen whose hash is below `threshold` is there. threshold is UINT64_MAX
 * until a unit was turned away.
 */
struct shard_detail {
	uint64_t threshold;
	uint32_t ns_ttl;  /* largest TTL of NS records, seconds; 0 none seen */
	uint8_t units;    /* in unit[] and grade[] */
	uint8_t ns_names; /* in ns_name[], bottom-k of name hashes */
	uint8_t ns_units; /* in ns_unit[], bottom-k by unit hash */
	uint8_t spare;
	struct hll hosts; /* host names under the registered domain */
	struct hll pairs; /* (host name, address unit) */
	uint64_t brief;   /* a bit for each unit that was answered with a TTL of SHARD_BRIEF_TTL */
	uint64_t several; /* and for each that more than one host name had */
	uint64_t ns_name[SHARD_NS_MAX];
	uint64_t ns_unit[SHARD_NS_MAX];
	uint8_t ns_server[SHARD_NS_MAX]; /* of each ns_unit: shard_server, or _SEVERAL */
	uint8_t grade[SHARD_SAMPLE_MAX];
	uint8_t server[SHARD_SAMPLE_MAX]; /* shard_server of who attested it, or _SEVERAL */
	uint8_t host[SHARD_SAMPLE_MAX];   /* smallest shard_host of the names that had it */
	uint64_t unit[];                  /* SHARD_SAMPLE_SMALL or SHARD_SAMPLE_MAX */
};

struct shard_config {
	unsigned entries_log2;  /* slots, 10..26; used up to 7/8 */
	uint32_t details_small; /* detail records of 16 units */
	uint32_t details_large; /* and of 64 */
	uint32_t name_octets;   /* name arena */
};

/* One response's evidence for one registered domain. Pointers are the caller's. */
struct shard_observation {
	uint64_t key;            /* hash of the registered domain, never 0 */
	uint64_t host;           /* hash of the owner name */
	const uint8_t *name;     /* registered domain, lower-case wire form */
	const uint64_t *unit;    /* address units, duplicates allowed */
	const uint64_t *ns_name; /* hashes of the zone's name servers' names */
	const uint64_t *ns_unit; /* units of their glue */
	uint32_t ttl;            /* largest TTL of the address records, seconds */
	uint32_t ns_ttl;         /* largest TTL of the NS records, seconds */
	uint32_t now;            /* seconds since 1970 */
	/* Those asked about together are no neighbours: one load of two stores waits for both. */
	uint8_t ns_names;
	uint8_t name_len;
	uint8_t ns_units;
	uint8_t units;
	uint8_t server; /* shard_server of the hash of the server's address, or _RESOLVER */
	bool conflict;  /* it disagrees with an answer to the same query */
	enum evidence_grade grade;
};

struct shard {
	/* Written by the worker that owns the shard, read by control afterwards. */
	struct account account;
	struct visibility visibility;
	uint64_t epoch_first; /* epochs that the shard spans, both included */
	uint64_t epoch_last;
	uint64_t first_ns; /* time of the first and last frame; 0 when there was none */
	uint64_t last_ns;
	uint32_t worker; /* who wrote it */
	uint32_t used;   /* entries */
	uint32_t names_used;
	uint32_t small_used;
	uint32_t large_used;
	uint32_t small_free; /* head of the list of given back small records, 0 none */

	/* Set by shard_init, constant afterwards. */
	struct shard_config config;
	uint32_t mask;  /* slots - 1 */
	uint32_t limit; /* entries at most */
	struct hash_key placement;
	struct hash_key sketch;
	struct shard_entry *entries; /* slots + SHARD_PROBE_MAX: probing does not wrap */
	uint64_t *occupied;          /* a bit a slot: walking and clearing cost what was used */
	uint8_t *names;
	uint8_t *small;
	uint8_t *large;
};

/* Octets that shard_init needs; 0 when the configuration is out of range. */
size_t shard_size(const struct shard_config *config);

/*
 * Lays a clean shard out in `mem` (64-octet aligned, shard_size octets, owned by
 * the caller). The same keys for all shards of a process.
 */
struct shard *shard_init(void *mem, const struct shard_config *config, struct hash_key placement,
	struct hash_key sketch);

/*
 * Makes a shard clean again: O(slots / 64 + used). Control does it after the
 * merge, never the worker.
 */
void shard_clear(struct shard *s);

/* Home slot of a key; its top bits, so that slot order is hash order. */
static inline uint32_t shard_slot(const struct shard *s, uint64_t key)
{
	return (uint32_t)(hash_u64(key, s->placement) >> 32) >> (32 - s->config.entries_log2);
}

/* Asks the cache for the line of key's home slot. */
static inline void shard_prefetch(const struct shard *s, uint64_t key)
{
	__builtin_prefetch(&s->entries[shard_slot(s, key)], 1);
}

/*
 * Adds one observation and counts it in account.updates and account.table[].
 * O(probe + units); no more than a few cache lines.
 */
enum table_fate shard_observe(struct shard *s, const struct shard_observation *o);

/* Entry of key, or NULL. */
struct shard_entry *shard_find(const struct shard *s, uint64_t key);

/*
 * First occupied slot at or behind `from`, as an index into entries; UINT32_MAX
 * when there is none. The walk `i = shard_next(s, 0); ...; shard_next(s, i + 1)`
 * visits the entries in slot order and costs O(slots / 64 + used) in all.
 */
uint32_t shard_next(const struct shard *s, uint32_t from);

/* Detail record of an entry, or NULL. */
struct shard_detail *shard_entry_detail(const struct shard *s, const struct shard_entry *e);

/*
 * Exclusive bound of the entry's units, inline or in the detail record: every unit
 * seen whose hash is below it is there. UINT64_MAX: they are complete.
 */
uint64_t shard_entry_threshold(const struct shard *s, const struct shard_entry *e);

/* Wire form of the entry's registered domain; *len octets. */
const uint8_t *shard_entry_name(const struct shard *s, const struct shard_entry *e, unsigned *len);

/*
 * What the pairs sketch counts: a host name's hash with an address unit, under the sketch key;
 * by the unit's hash under that key where it is known.
 */
static inline uint64_t shard_pair_hash_known(uint64_t host, uint64_t unit_hash, struct hash_key k)
{
	return hash_u64(host ^ unit_hash, k);
}

static inline uint64_t shard_pair_hash(uint64_t host, uint64_t unit, struct hash_key k)
{
	return shard_pair_hash_known(host, hash_u64(unit, k), k);
}

/* Who attested inline unit i. */
static inline uint8_t shard_entry_server(const struct shard_entry *e, unsigned i)
{
	return e->several >> i & 1 ? SHARD_SERVER_SEVERAL : (uint8_t)e->server;
}

/* Grade of inline unit i. */
static inline enum evidence_grade shard_entry_grade(const struct shard_entry *e, unsigned i)
{
	return (enum evidence_grade)(e->grades >> (2 * i) & 3);
}
