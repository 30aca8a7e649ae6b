/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

/*
 * The control core's memory of names, in three tiers of fixed size.
 *
 *   doorkeeper  8 octets a name for seven days: has another address of it been
 *               seen? A name comes in at its second distinct address, or with other glue.
 *   candidate   64 octets: up to four address units, diversity bitmaps of its addresses
 *               and of those of its name servers.
 *   domain      the full record, <= 3 KiB: a bottom-k sample of address units
 *               with their metadata and their activity in time.
 *
 * Owned by control and touched by no other thread. All shards of an epoch are
 * merged in one call, a domain's entries from all shards at once, so the
 * result does not depend on how frames fell on workers while no table is full.
 *
 * Activity in time: an item keeps one bit for each of the last 16 five-minute
 * slots, the last 32 hours and the last 8 days (bit 0 is the current one; all
 * are shifted when the domain is next touched). A domain keeps for each slot,
 * hour and day the sampling threshold in force, so that a window's distinct count
 * is estimated at the lowest threshold within it and expiry does not bias it:
 *     N(window) = items with hash < T active in the window / (T / 2^64)
 * Where room is short, items of which only days are left go first: the week is
 * sampled more coarsely then, the hours are not.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/address.h"
#include "base/hash.h"
#include "dns/dns.h"
#include "shard/shard.h"
#include "sketch/hll.h"

#define STORE_SLOT_SECONDS 300u
#define STORE_SLOTS 16u
#define STORE_HOUR_SECONDS 3600u
#define STORE_HOURS 32u
#define STORE_TICK_SLOTS 2u /* slots to a tick of the name servers' addresses */
#define STORE_TICKS 64u
#define STORE_DAY_SECONDS 86400u
#define STORE_DAYS 8u
#define STORE_SAMPLE 64u /* == SHARD_SAMPLE_MAX: a worker keeps as much as control will */
#define STORE_NS 11u
#define STORE_SETTLED 4u
#define STORE_SETTLED_SECONDS 3600u /* that an address was known before the full record is */
#define STORE_DOOR_DAYS 7u
#define STORE_PAUSE_SECONDS 21600u /* after it, what is new is not known any more */

/* What address databases and the configuration say of a unit. Networks without an ASN are told
 * apart by aggregate. */
struct net_info {
	uint32_t asn;    /* 0: unknown */
	char country[2]; /* ISO 3166; {0, 0}: unknown */
	bool own;        /* of the operator's own subscribers */
};

/* The look-up is an argument: lib/ does not know databases. Must be pure while a merge runs. */
struct net_lookup {
	void (*fn)(void *ctx, uint64_t unit, struct net_info *out);
	void *ctx;
};

/* One address unit of a tracked domain. */
struct domain_item {
	uint64_t unit;
	uint32_t asn;
	char country[2];
	uint8_t server; /* shard_server of the only one that attested it, or _SEVERAL */
	uint8_t host;   /* smallest shard_host of the names that had it */
	uint32_t first; /* seconds since 1970 */
	uint32_t last;
	uint32_t hours; /* activity bits, see above */
	uint16_t slots;
	uint8_t days;
	uint8_t grade : 2;    /* enum evidence_grade, best seen */
	uint8_t ns : 1;       /* it was also the address of one of the domain's name servers */
	uint8_t reversed : 1; /* entered in the reverse view */
	uint8_t brief : 1;    /* it was answered with a TTL of at most SHARD_BRIEF_TTL */
	uint8_t names : 1;    /* more than one host name had it */
	uint8_t early : 1;    /* seen before the full record was, by whom and as what is lost */
	uint8_t own : 1;      /* an address of the operator's own subscribers */
};
_Static_assert(sizeof(struct domain_item) == 32, "two items a cache line");

/* A name server's address. */
struct domain_ns {
	uint64_t unit;
	uint64_t ticks; /* a bit for each of the last 64 ten-minute ticks in which it was seen */
	uint32_t asn;
	uint32_t last; /* seconds since 1970 */
};

/* State of the verdict on a domain; written by lib/detect, kept here. */
struct domain_verdict {
	uint32_t first_flagged; /* seconds since 1970; 0: not flagged */
	uint32_t last_met;      /* when a rule was last met */
	uint8_t class;          /* enum flux_class of detect.h */
	uint8_t streak;         /* evaluations in a row in which a rule was met */
	uint16_t slot;          /* 1-based place among the detector's verdicts; 0: none */
};

/*
 * What merges on every touch stands first. item[] ascends by unit hash and is
 * the bottom-k sample: a unit turned away or dropped for want of room lowers the
 * threshold of each slot, hour and day in which it was active, and of no other. So
 *     every unit active in slot i whose hash is below slot_threshold[i] is in
 *     item[] with bit i set,
 * the same for hours and days, and room that expiry makes serves the new slots at once.
 */
struct domain {
	uint64_t key;   /* 0: free record */
	uint32_t first; /* seconds since 1970: first and last response */
	uint32_t last;
	uint16_t spread;    /* bitmap over hashes of the items' aggregates; 0: to be computed */
	uint16_t ns_spread; /* the same of the name servers' of IPv4 */
	struct domain_verdict verdict;
	uint32_t tracked;    /* since when the full record exists */
	uint32_t ledger;     /* 1-based place of its wide sample (ledger.h); 0: none */
	uint32_t slot;       /* number (time / 300) of bit 0 of the slots */
	uint32_t hour;       /* number (time / 3600) of bit 0 of the hours */
	uint32_t day;        /* number (time / 86400) of bit 0 of the days */
	uint32_t few_until;  /* when its addresses became many; 0: they are few */
	uint32_t ttl_day[2]; /* largest TTL of the current and the previous day */
	uint32_t last_fresh; /* start of the newest fresh TTL epoch */
	uint32_t fresh;  /* fresh TTL epochs in all: responses >= domain_ttl after the one before */
	uint32_t ns_ttl; /* largest NS TTL, seconds; 0: no NS seen */
	uint64_t responses;
	uint64_t server_day[2];   /* bits of who answered, today and yesterday: domain_server_bit */
	uint16_t answered_day[2]; /* epochs with a response, today and yesterday ... */
	uint16_t conflict_day[2]; /* ... and those in which answers to a query disagreed */
	uint16_t ns_changes;      /* epochs that brought a name server not known; halved each day */
	uint8_t items;
	uint8_t ns_items;
	uint8_t ns_names;
	uint8_t answer_max; /* most units in one answer */
	uint8_t grade;      /* best grade of any evidence */
	uint8_t name_len;
	uint8_t settled_n;
	uint8_t settled_host; /* smallest shard_host that had one of settled[]; 255: none yet */
	uint8_t ttl_usual;    /* median of the epochs' TTLs, by steps: domain_ttl_usual */
	/*
	 * What the name was answered with while it had few addresses, as the top of their
	 * hashes: they are known also when they find no room in the sample.
	 */
	uint32_t settled[STORE_SETTLED];
	uint32_t settled_last;           /* when one was last answered; 0: not since */
	uint8_t fresh_slot[STORE_SLOTS]; /* per slot and hour, index 0 is the current one */
	uint8_t fresh_hour[STORE_HOURS];
	uint16_t fresh_day[STORE_DAYS];
	uint16_t slot_threshold[STORE_SLOTS]; /* top 16 bits of the exclusive bound, rounded */
	uint16_t hour_threshold[STORE_HOURS]; /* down, at least 1; 0xffff: complete */
	uint16_t day_threshold[STORE_DAYS];
	struct hll hosts;
	struct hll pairs;
	struct domain_item item[STORE_SAMPLE];
	struct domain_ns ns[STORE_NS]; /* full: what shows in no tick goes, else the largest hash */
	uint32_t ns_name[STORE_NS];    /* low bits of their hashes; last seen first */
	uint8_t ns_server[STORE_NS];   /* of each of ns[]: shard_server, or _SEVERAL */
	uint8_t name[DNS_NAME_MAX];    /* lower-case wire form */
};
_Static_assert(sizeof(struct domain) <= 3072, "a tracked domain takes 3 KiB at most");

/*
 * 10^7 names take 1.4 GiB: door_log2 24 (128 MiB), candidates_log2 24 (1 GiB: room for
 * every name as a candidate at 60 % load), domains 65,536 (3 KiB, lists of 68 octets
 * and 1 KiB of the reverse view each: 260 MiB), and a ledger of 6 KiB for every 32nd of
 * these (13 MiB).
 */
struct store_config {
	unsigned door_log2;       /* doorkeeper entries of 8 octets, 10..30 */
	unsigned candidates_log2; /* candidate entries of 64 octets, 10..28 */
	uint32_t domains;         /* full records, 1..2^22 */
};

/* What became of a domain that shards offered: offered = sum of fate[]. */
#define STORE_FATES(X) \
	X(STORE_WAITING, "waiting") /* one address so far: in the doorkeeper */ \
	X(STORE_INSERTED, "inserted") \
	X(STORE_HIT, "hit") \
	X(STORE_DENIED, "denied") /* nothing but flagged domains where it would stand */

#define STORE_ENUM2(name, text) name,
enum store_fate { STORE_FATES(STORE_ENUM2) STORE_FATE_COUNT };

struct store_account {
	uint64_t offered; /* domains with entries, one per epoch however many shards held it */
	uint64_t entries; /* shard entries consumed */
	uint64_t fate[STORE_FATE_COUNT];
	uint64_t restored; /* candidates and full records that came from a saved state */
	uint64_t live;     /* these now: inserted + restored = live + evicted + expired */
	uint64_t evicted;  /* candidates pushed out by others */
	uint64_t expired;  /* silent for seven days */
	uint64_t promoted;
	uint64_t records_restored; /* of the restored: full records */
	uint64_t tracked;  /* now: promoted + records_restored = tracked + demoted + released */
	uint64_t demoted;  /* full records given up for a more diverse domain */
	uint64_t released; /* full records of domains that were evicted or expired */
	uint64_t promotion_denied; /* no record could be freed; tried again when next seen */
	uint64_t ledger_denied;    /* the same of a ledger */
	uint64_t door_evicted;
};

struct store;

/* Octets that store_init needs; 0 when the configuration is out of range. */
size_t store_size(const struct store_config *config);

/* Lays an empty store out in `mem` (64-octet aligned, owned by the caller). */
struct store *store_init(void *mem, const struct store_config *config, struct hash_key placement,
	struct hash_key sketch);

/* Shards that one merge takes at most. */
#define STORE_SHARDS_MAX 128u

/*
 * Merges all shards of one epoch, STORE_SHARDS_MAX at most, in any order. `now` is the epoch's end in
 * seconds since 1970 and never goes backwards; net->fn is asked once for each
 * address unit that becomes an item or a name server's. The shards are only read.
 * O(slots of the shards / 64 + entries).
 */
void store_merge(struct store *st, struct shard *const shards[], unsigned n, uint32_t now,
	const struct net_lookup *net);

/* Calls fn for each full record that the last merge touched, by ascending key. */
void store_touched(struct store *st, void (*fn)(void *ctx, struct domain *d), void *ctx);

/* Calls fn for each full record, in no order. */
void store_each(struct store *st, void (*fn)(void *ctx, struct domain *d), void *ctx);

/* The key of samples and sketches. */
struct hash_key store_sketch_key(const struct store *st);

/* End of the last epoch merged or restored, seconds since 1970; 0: none yet. */
uint32_t store_now(const struct store *st);

/*
 * Since when the store has watched, seconds since 1970; 0: not yet. A pause of more than
 * STORE_PAUSE_SECONDS, also one between two runs, begins it anew.
 */
uint32_t store_since(const struct store *st);

/* Full record of a registered domain's key, or NULL. */
struct domain *store_find(const struct store *st, uint64_t key);

/* The hash by which samples keep a unit: below a domain's threshold it is in the sample. */
uint64_t store_unit_hash(const struct store *st, uint64_t unit);

/*
 * Domains that share addresses with d, by the reverse view (address unit to the
 * registered domains of full records that own it; aliases do not).
 */
struct siblings {
	uint32_t domains;  /* that share at least min_units in at least min_networks */
	uint32_t units;    /* shared with the one that shares most */
	uint32_t networks; /* that these lie in */
};

/* O(items * STORE_REVERSE_KEYS). */
void store_siblings(const struct store *st, const struct domain *d, unsigned min_units,
	unsigned min_networks, struct siblings *out);

/*
 * Does the server answer for so many of the names seen, today and yesterday, that it is a
 * resolver of this network and no one domain's? As of the last merge. Resolvers that the
 * configuration names are so from the first answer.
 */
bool store_server_established(const struct store *st, uint8_t server);

const struct store_account *store_account(const struct store *st);
/* Sum over the identities above of |left - right|. */
uint64_t store_account_error(const struct store *st);
const char *store_fate_name(enum store_fate f);

/*
 * Looks the networks of d's addresses up again, as after a change of databases: no
 * count may rest on two of them. O(items).
 */
void domain_renew(struct domain *d, const struct net_lookup *net);

/*
 * The same for the full records among the `n` places from `from` on. Returns the
 * place to go on from, 0 when all are done.
 */
uint32_t store_renew(struct store *st, uint32_t from, uint32_t n, const struct net_lookup *net);

/* Brings slots and hours of d up to `now`; lib/detect calls it before it reads a window. */
void domain_advance(struct domain *d, uint32_t now);

/*
 * A TTL as eighths of its logarithm (base 2), and back: 2^19 s are 152, and a step is a tenth
 * of the value or so.
 */
static inline uint8_t ttl_to_steps(uint32_t ttl)
{
	uint64_t x = (uint64_t)ttl + 1;
	unsigned log2 = 63 - (unsigned)__builtin_clzll(x);

	return (uint8_t)(log2 * 8 + ((x << 3 >> log2) & 7));
}

static inline uint32_t ttl_from_steps(uint8_t steps)
{
	return (uint32_t)(((UINT64_C(8) | (steps & 7)) << (steps >> 3) >> 3) - 1);
}

/*
 * Seconds, the median of the TTLs that answers came with: unlike ttl_max a few answers do not
 * move it. Where TTLs have run down in a cache it is half of what they began with.
 */
static inline uint32_t domain_ttl_usual(const struct domain *d)
{
	return ttl_from_steps(d->ttl_usual);
}

/* Is a flagged record, never to be given up? */
static inline bool domain_flagged(const struct domain *d)
{
	return d->verdict.first_flagged != 0;
}

/* Largest TTL in the current and the previous day. */
static inline uint32_t domain_ttl(const struct domain *d)
{
	return d->ttl_day[0] > d->ttl_day[1] ? d->ttl_day[0] : d->ttl_day[1];
}

/* Is the unit of this hash one that d had while it had few? */
static inline bool domain_settled(const struct domain *d, uint64_t hash)
{
	for (unsigned i = 0; i < d->settled_n; i++)
		if (d->settled[i] == (uint32_t)(hash >> 32))
			return true;
	return false;
}

/* Bit of a shard_server in server_day[]; several who agree have one of their own. */
static inline uint64_t domain_server_bit(uint8_t server)
{
	return UINT64_C(1) << (server & 63);
}

/* The network of an item: its ASN, or its aggregate (bit 63 set) where none is known. */
static inline uint64_t domain_network(uint64_t unit, uint32_t asn)
{
	return asn ? asn : UINT64_C(1) << 63 | address_aggregate(unit);
}
