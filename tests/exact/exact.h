/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

/*
 * The same features as lib/detect computes from the store, without the store: nothing is
 * sampled, estimated, cut to a number of bits or forgotten for want of room. Sets are sets,
 * times are lists of five-minute slots. What is told apart by less than it should be is only
 * what an observation itself carries so: servers, by 8 bits.
 *
 * The windows, their grain and the formulas are those of docs/detection.md and must be
 * changed here as well when they change there; code is not shared, on purpose.
 */

#include <stdio.h>

#include "detect/detect.h"
#include "words.h"

/* One address unit of a domain. */
struct exact_unit {
	uint64_t unit;
	struct net_info net;
	uint32_t first; /* seconds since 1970 */
	uint32_t last;
	uint32_t *slot; /* numbers (time / 300) of the slots it was seen in, ascending */
	size_t slots;
	struct words hosts; /* that had it */
	uint8_t server;
	bool several; /* servers */
	bool brief;
	enum evidence_grade grade;
};

struct exact_ns {
	uint32_t *tick; /* ten-minute ticks in which it was seen, ascending; owned */
	size_t ticks;
	uint8_t server; /* shard_server of the only one that said so, or _SEVERAL */
	struct net_info net;
	uint32_t last;
};

/* A day of a domain: what is known of today and yesterday only. */
struct exact_day {
	uint32_t number; /* time / 86400 */
	uint32_t ttl;
	uint32_t ns_ttl;
	uint32_t answered; /* epochs */
	uint32_t conflict;
	uint64_t servers; /* bits of who answered: domain_server_bit */
};

struct exact_domain {
	uint64_t key;
	uint32_t first;   /* response with an address, seconds since 1970; 0: none yet */
	uint32_t last;    /* response */
	uint32_t tracked; /* end of the epoch of the first one */
	unsigned answer_max;
	unsigned ns_changes; /* halved each day */
	struct words units;
	struct exact_unit *unit; /* by place in units */
	struct words hosts;
	struct words pairs;
	struct words ns_units;
	struct exact_ns *ns; /* by place in ns_units */
	struct words ns_names;
	uint32_t *ns_named; /* by place in ns_names: last seen */
	uint32_t *fresh;    /* begin of each fresh TTL epoch */
	size_t fresh_n;
	uint32_t ttl[SHARD_BRIEF_TTL + 2]; /* answers by their TTL, all longer ones as one */
	struct exact_day day[2];           /* today, yesterday */
	/* In the epoch that is merged now. */
	bool touched;
	bool conflict;
	bool renamed; /* a name server's name not known */
	/* For the detector: verdict, first, tracked, servers; no item of it is looked at. */
	struct domain shadow;
	uint32_t compared; /* slot in which features were compared last */
	/* What became of it. */
	size_t units_max; /* most at a time */
	uint32_t flagged[2];
	uint8_t class[2]; /* of the last verdict */
	bool suspected[2];
	char name[4 * DNS_NAME_MAX];
};

/* Who is compared. */
enum { BY_STORE, BY_ORACLE };

/* Adds one observation; they come in the order of their time. */
void exact_observe(const struct shard_observation *o, const struct net_lookup *net);

/* The epoch that ends at `now` is complete: counts what is counted by epochs. */
void exact_epoch(uint32_t now);

/* End of the first epoch after the last pause, as store_since. */
uint32_t exact_since(void);

/* All domains, in the order they came; their number. */
size_t exact_domains(struct exact_domain *const **all);

struct exact_domain *exact_find(uint64_t key);

/* Units seen within the days that a window may tell of. */
bool exact_alive(const struct exact_unit *u, uint32_t now);

/* Keys of all domains that ever owned a unit; NULL: none. And does one still? */
const struct words *exact_owners(uint64_t unit);
bool exact_owns(uint64_t key, uint64_t unit, uint32_t now);

/* Does a server answer for so many names that it is a resolver? As store_server_established. */
bool exact_established(uint8_t server);

/* As features_compute and features_siblings. */
void exact_features(const struct exact_domain *d, enum flux_window window, uint32_t now,
	struct view_filter filter, struct features *f);
void exact_siblings(const struct exact_domain *d, uint32_t now, const struct detect_config *c,
	struct features *f);

/* Error of the store's features by the oracle's, collected and printed. */
void errors_add(const struct features *store, const struct features *oracle);
void errors_print(FILE *to);
