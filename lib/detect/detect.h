/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

/*
 * From a tracked domain to a verdict that explains itself.
 *
 *   features_compute   numbers over one window, from the domain's sample
 *   detect_judge       rules over the windows, hysteresis, the score
 *
 * Every rule is a conjunction of clauses; a clause compares one feature with
 * one threshold of the configuration. A verdict lists each clause of the rule
 * that raised it with value, threshold and words, so "why" needs no second
 * computation. Sources of features and thresholds: docs/detection.md.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "store/store.h"

/* X(enumerator, name in JSON and metrics) */
#define FLUX_CLASSES(X) \
	X(FLUX_NONE, "none") \
	X(FLUX_SINGLE, "single_flux") \
	X(FLUX_DOUBLE, "double_flux") \
	X(FLUX_LOW_SLOW, "low_slow") \
	X(FLUX_VPS, "vps_flux") \
	X(FLUX_NS, "ns_flux")

enum flux_class {
#define X(name, text) name,
	FLUX_CLASSES(X)
#undef X
		FLUX_CLASS_COUNT
};

/* X(enumerator, name) */
#define FLUX_WINDOWS(X) \
	X(WINDOW_10M, "10m") \
	X(WINDOW_1H, "1h") \
	X(WINDOW_24H, "24h") \
	X(WINDOW_7D, "7d")

enum flux_window {
#define X(name, text) name,
	FLUX_WINDOWS(X)
#undef X
		FLUX_WINDOW_COUNT
};

/*
 * What is known of a domain over one window. Counts are estimates where the
 * sample is not complete (sample_share < 1). A network is an ASN, or the /16
 * (IPv6: /32) of an address that no database knows.
 */
struct features {
	enum flux_window window;
	double history; /* seconds that the sensor had watched when the domain was first answered */
	double age;     /* seconds since then */
	double seconds; /* min(window, time since the domain's first response) */
	double addresses;          /* distinct address units */
	double networks;           /* distinct networks in the sample */
	double effective_networks; /* 1 / sum p^2, p the share of distinct units by network */
	double top_network_share;  /* largest p */
	double networks_at_once; /* in one slot, mean of those with answers; 0 where hours are read
				  */
	double aggregates;       /* distinct /16 (IPv6: /32) in the sample */
	double effective_aggregates;
	double asn_known;     /* share of the sampled units whose ASN is known */
	double countries;     /* distinct known countries in the sample */
	double own_addresses; /* of the operator's own subscribers */
	double own_share;     /* of the sample */
	double eyeball_share; /* of the sample, in networks of the list name_lists.eyeballs */
	double eyeball_least; /* the lower end of what that share may be of the population */
	double ttl_max;       /* seconds */
	double ttl_cached; /* seconds for which caches repeat an answer: at most twice the median */
	double fresh_epochs; /* TTL epochs with an answer of their own */
	double growth; /* beta = ln(N_T / mean N_q) / ln k over the k quarters with answers; 0..1 */
	double novelty; /* share of the sampled units first seen in the window's second half */
	double new_per_epoch; /* new addresses a fresh epoch after the first */
	double per_hour;      /* addresses an hour of `seconds` */
	double never_return;  /* share of the sampled units that did not come back */
	double coverage;      /* Good-Turing: share of the population that was seen, 0..1 */
	double host_names;
	double pairs;         /* distinct (host name, address), since the record exists */
	double host_share;    /* host_networks as a share of `networks` */
	double names_share;   /* of the sample, units that more than one host name had */
	double host_networks; /* networks of the units of the one host name that has most */
	double answer_max;    /* most addresses in one answer */
	double ns_addresses;  /* of the address family that has more of them */
	double ns_networks;
	double ns_names;
	double glue_in_pool;    /* addresses that are also those of the domain's name servers */
	double shared_units;    /* addresses shared with the closest sibling domain ... */
	double shared_networks; /* ... and the networks that these lie in */
	double siblings;        /* unrelated registered domains that share as widely */
	double open_ratio;      /* recapture rate at short lags over that at long ones; 1: closed */
	double open_evidence;   /* nats by which the recaptures speak against a closed population */
	double ns_changes;      /* epochs that brought a name server's name not known before */
	double ns_ttl;          /* seconds, largest */
	double ns_transient;    /* name-server addresses that came and went for good ... */
	double ns_departures;   /* ... at so many different times */
	double ns_server_share; /* of these, each attested by one server alone, not established */
	double owned_share;  /* share of the sample that the domain's own names own, no alias's */
	double sample_share; /* share of the addresses that the sample holds, 0..1 */
	double paired_share; /* share of the sample attested by a paired response */
	double contested_share; /* of the epochs with answers, those in which they disagreed */
	double servers; /* distinct servers that attested units alone, 2 where several did */
	double settled; /* seconds that it had few addresses before, of which one is still answered
			 */
	double settled_beside;   /* of the sample, others that a host name of theirs had, too */
	double top_server_share; /* of the sample, attested by one server alone that is not ... */
	uint8_t top_server;      /* ... established; which (struct domain_item); 0: none */
};

/* Thresholds: all of them configuration, "detect.*". Units as in struct features. */
struct detect_config {
	/* base: enough addresses over enough networks, with short lives */
	double min_addresses;
	double min_networks;
	double min_effective_networks;
	double max_top_network_share;
	double max_ttl;
	double min_owned_share;
	double min_aggregates; /* in place of networks where the ASN of most is unknown */
	double min_effective_aggregates;
	/* movement */
	double min_fresh_epochs;
	double min_new_per_epoch;
	double min_growth_1h;
	double min_growth_24h;
	double min_novelty;
	/* structure that legitimate pools lack */
	double min_ns_addresses;
	double min_ns_networks;
	double min_ns_per_name;
	double min_ns_changes; /* in place of min_ns_per_name, at an NS TTL of at most ... */
	double max_ns_ttl;     /* ... so many seconds */
	/* name servers alone move */
	double min_moving_ns_addresses;
	double min_moving_ns_networks;
	double min_ns_transient;
	double min_ns_departures;
	double max_still_addresses; /* of the domain itself, and how they may grow */
	double max_still_growth;
	double min_glue_in_pool;
	double min_shared_units;
	double min_shared_networks;
	double min_siblings;
	double min_own_addresses;    /* of own subscribers, foreign ones besides: ... */
	double max_own_share;        /* ... a domain with more is the operator's */
	double min_eyeball_share;    /* in networks of households */
	double min_networks_at_once; /* over the hour: pools that take turns are one at a time */
	double min_brief_seconds;    /* over the hour; min_open_seconds over the day and the week */
	double min_open_seconds;
	double min_open_ratio;
	double min_open_evidence;
	/* hosts in passing, over the day: never more than `suspected` */
	double min_passing_names;
	double min_names_per_address;
	double min_passing_share; /* of addresses that served several names */
	double min_passing;       /* of addresses that did not come back */
	double min_passing_growth;
	double min_passing_epochs;
	double min_history; /* a name is new that comes after so many seconds of watching ... */
	double max_new_age; /* ... and was first answered no more than so many ago */
	double min_new_epochs;
	/* slow: one host after the other */
	double max_slow_answer;   /* addresses in an answer */
	double max_slow_per_hour; /* new addresses an hour */
	double min_slow_epochs;
	double min_slow_growth;
	double min_never_return;
	/* few hosting networks: never more than `suspected` */
	double min_vps_addresses;
	double min_vps_networks;
	double max_vps_top_share;
	double max_vps_answer;
	/* one name's addresses are spread, not only the zone's */
	double min_host_networks;
	double min_host_share;  /* of all networks; what is left of chance where names are many */
	double min_names_share; /* in place of both: a wildcard */
	/* verdict */
	double max_contested_share; /* above it no more than `suspected` */
	double min_settled; /* few addresses so long, and still answered: no more either ... */
	double min_settled_beside;  /* ... where the same name has so many others ... */
	double min_established;     /* ... or whatever name it is, after so long */
	double max_server_share;    /* above it what only that server says must show elsewhere */
	double min_paired_share;    /* below it no more than `suspected` */
	double small_min_addresses; /* for `suspected` */
	double raise_evaluations;   /* evaluations in a row before a verdict is raised */
	double clear_after;         /* seconds without a rule met; 0: never */
};

/* The values that docs/detection.md explains. */
void detect_defaults(struct detect_config *c);

#define VERDICT_REASONS_MAX 24u
#define VERDICT_SAMPLE_MAX 32u

/* One clause of the rule that raised the verdict, or a term of the score. */
struct reason {
	const char *code; /* stable, lower-case, static */
	double value;
	double threshold;
	char text[120]; /* a sentence for a person */
};

/* The flagged domains on the same hosts that one belongs to (detect/campaign.h). */
struct verdict_campaign {
	uint64_t id;      /* 0: none */
	uint32_t since;   /* when its first member was flagged, seconds since 1970 */
	uint32_t domains; /* flagged now, this one included */
	uint32_t linked;  /* when links were last looked for; 0: not yet */
};

#define VERDICT_ACTIVITY 24u

/* Distinct addresses in each unit of time, the newest first (detect/activity.h). */
struct verdict_activity {
	uint32_t unit_seconds;
	uint32_t end; /* of the newest unit, seconds since 1970 */
	unsigned units;
	uint32_t addresses[VERDICT_ACTIVITY];
};

/* A flagged domain: plain data, copied into the snapshot. */
struct verdict {
	uint64_t key;
	enum flux_class class;
	enum flux_window window; /* the window whose rule spoke */
	bool suspected;
	double score;           /* 0..100 */
	double confidence;      /* 0..1 */
	double probability;     /* by the model (detect/model.h); below 0: there is none */
	uint32_t first_flagged; /* seconds since 1970 */
	uint32_t evaluated;     /* when the features below were computed */
	uint32_t first_seen;
	uint32_t last_seen;
	struct verdict_campaign campaign;
	struct verdict_activity activity; /* as of the last judgement */
	struct features features;
	unsigned reasons;
	unsigned samples;
	uint8_t name_len;
	uint8_t name[DNS_NAME_MAX]; /* registered domain, lower-case wire form */
	struct reason reason[VERDICT_REASONS_MAX];
	struct domain_item sample[VERDICT_SAMPLE_MAX]; /* newest last_seen first */
};

/* verdicts raised + restored = active + cleared + expired */
struct verdict_account {
	uint64_t raised;
	uint64_t restored; /* came from a saved state */
	uint64_t active;
	uint64_t cleared; /* no rule met for clear_after */
	uint64_t expired; /* the record went from the store */
	uint64_t denied;  /* would have been raised, but no place was left */
	/* Judgements in which a domain of detect.infrastructure met a rule. */
	uint64_t held_back;
};

/* Which addresses are left out. */
struct view_filter {
	enum evidence_grade least; /* those attested worse */
	uint8_t server; /* those that only this server attests, or nobody knows who; 0: none */
};

/*
 * Features of a domain over one window, as of `now` (seconds since 1970; the
 * domain must be advanced to it). O(items * (items + hours)).
 */
void features_compute(const struct domain *d, const struct store *st, enum flux_window window,
	uint32_t now, struct view_filter filter, struct features *f);

/* The sibling features, which cost a look-up an address: for domains that are worth it. */
void features_siblings(const struct domain *d, const struct store *st,
	const struct detect_config *c, struct features *f);

/*
 * Those of the networks that serve households, where a list of them is given. The least share
 * is the end of Wilson's interval (1927), which one population in a hundred is below.
 */
struct asn_list;
void features_eyeballs(const struct domain *d, const struct store *st, struct view_filter filter,
	const struct asn_list *eyeballs, struct features *f);

struct detector;

/* Octets for a detector with room for `verdicts` (1..65535) flagged domains at a time. */
size_t detector_size(unsigned verdicts);

/* Lays a detector out in `mem` (64-octet aligned, owned by the caller). One thread: control. */
struct detector *detector_init(void *mem, unsigned verdicts, const struct detect_config *config);

/*
 * Other thresholds, from the next judgement on. Verdicts in force stay until their
 * domain is judged again or has met no rule for clear_after.
 */
void detector_configure(struct detector *t, const struct detect_config *config);

/*
 * Who decides from the next judgement on, and by which model; copied. Without this call the
 * rules do, and there is no model. Verdicts in force stay, with their probability anew.
 */
struct scorer;
void detector_score_by(struct detector *t, const struct scorer *scorer);
const struct scorer *detect_scorer(const struct detector *t);

/*
 * Names that are judged otherwise (detect/lists.h), from the next judgement on; verdicts in
 * force follow at the next sweep. Borrowed until others are set; NULL: none.
 */
struct name_lists;
void detector_lists(struct detector *t, const struct name_lists *lists);

/* Those in force. */
const struct detect_config *detect_thresholds(const struct detector *t);

/* Judges one domain that the last merge touched. */
void detect_judge(struct detector *t, const struct store *st, struct domain *d, uint32_t now);

/* Clears verdicts whose rules were not met for long, and those whose record is gone. */
void detect_sweep(struct detector *t, struct store *st, uint32_t now);

/* A place for the saved verdict of d, tied to it, to be filled; NULL when none is left. */
struct verdict *detect_place(struct detector *t, struct domain *d);

/* The flagged domains, in no order; valid until the next call on t. */
unsigned detect_verdicts(const struct detector *t);
const struct verdict *detect_verdict(const struct detector *t, unsigned i);

/*
 * What became of them (detect/events.h). Sequence numbers begin at 1, or at `first`, which
 * a program that runs again chooses above those of its runs before; to be set before the
 * first judgement.
 */
struct event_ring;
const struct event_ring *detect_events(const struct detector *t);
void detect_events_from(struct detector *t, uint64_t first);

const struct verdict_account *detect_account(const struct detector *t);
/* |raised + restored - (active + cleared + expired)| */
uint64_t detect_account_error(const struct detector *t);

const char *flux_class_name(enum flux_class c);
const char *flux_window_name(enum flux_window w);
