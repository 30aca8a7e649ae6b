/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

/*
 * The rules over one window's features; internal to lib/detect.
 *
 * A rule is built of clauses (one feature against one threshold), grouped as
 * docs/detection.md does: base, movement, and the signs of structure that
 * legitimate address pools lack.
 */

#include "detect/detect.h"

/* X(enumerator, code, feature, at least?, sentence with the value and the threshold) */
#define CLAUSES(X) \
	X(CLAUSE_ADDRESSES, "addresses", addresses, true, \
		"%.0f distinct addresses (at least %.0f)") \
	X(CLAUSE_NETWORKS, "networks", networks, true, \
		"in %.0f networks by origin AS (at least %.0f)") \
	X(CLAUSE_EFFECTIVE, "effective_networks", effective_networks, true, \
		"spread as evenly as over %.1f equal networks (at least %.1f)") \
	X(CLAUSE_TOP, "top_network_share", top_network_share, false, \
		"the largest network holds %.2f of them (at most %.2f)") \
	X(CLAUSE_AGGREGATES, "aggregates", aggregates, true, \
		"in %.0f different /16 prefixes (at least %.0f, for lack of ASNs)") \
	X(CLAUSE_EFFECTIVE_AGGREGATES, "effective_aggregates", effective_aggregates, true, \
		"spread as evenly as over %.1f equal /16 prefixes (at least %.1f)") \
	X(CLAUSE_TTL, "ttl_max", ttl_max, false, "records live %.0f s (at most %.0f s)") \
	X(CLAUSE_OWNED, "owned_share", owned_share, true, \
		"%.2f of them belong to its own names, not to an alias target (at least %.2f)") \
	X(CLAUSE_FRESH, "fresh_epochs", fresh_epochs, true, \
		"%.0f answers a TTL apart (at least %.0f)") \
	X(CLAUSE_NEW, "new_per_epoch", new_per_epoch, true, \
		"%.1f new addresses with each of them (at least %.1f)") \
	X(CLAUSE_GROWTH, "growth", growth, true, \
		"the set keeps growing: exponent %.2f (at least %.2f; a fixed pool tends to 0)") \
	X(CLAUSE_NOVELTY, "novelty", novelty, true, \
		"%.2f of the addresses are new in the second half (at least %.2f)") \
	X(CLAUSE_NS_ADDRESSES, "ns_addresses", ns_addresses, true, \
		"its name servers have %.0f addresses (at least %.0f)") \
	X(CLAUSE_NS_NETWORKS, "ns_networks", ns_networks, true, \
		"name-server addresses lie in %.0f networks (at least %.0f)") \
	X(CLAUSE_NS_PER_NAME, "ns_per_name", ns_addresses / (f->ns_names > 0 ? f->ns_names : 1), \
		true, "%.1f addresses for each name server's name (at least %.1f)") \
	X(CLAUSE_NS_CHANGES, "ns_changes", ns_changes, true, \
		"its set of name servers changed %.0f times (at least %.0f)") \
	X(CLAUSE_NS_TTL, "ns_ttl", ns_ttl, false, "NS records live %.0f s (at most %.0f s)") \
	X(CLAUSE_MOVING_NS_ADDRESSES, "moving_ns_addresses", ns_addresses, true, \
		"its name servers had %.0f addresses (at least %.0f)") \
	X(CLAUSE_MOVING_NS_NETWORKS, "moving_ns_networks", ns_networks, true, \
		"these lie in %.0f networks (at least %.0f)") \
	X(CLAUSE_NS_TRANSIENT, "ns_transient", ns_transient, true, \
		"%.0f of them came and went for good (at least %.0f)") \
	X(CLAUSE_NS_DEPARTURES, "ns_departures", ns_departures, true, \
		"at %.0f different times (at least %.0f)") \
	X(CLAUSE_NS_SERVER, "ns_server_share", ns_server_share, false, \
		"one server alone says so of %.2f of them (at most %.2f)") \
	X(CLAUSE_STILL, "still_addresses", addresses, false, \
		"its own addresses are %.0f (at most %.0f)") \
	X(CLAUSE_STILL_GROWTH, "still_growth", growth, false, \
		"and stay: growth exponent %.2f (at most %.2f)") \
	X(CLAUSE_GLUE, "glue_in_pool", glue_in_pool, true, \
		"%.0f addresses serve both the domain and its name servers (at least %.0f)") \
	X(CLAUSE_SHARED, "shared_units", shared_units, true, \
		"%.0f addresses are shared with one unrelated domain (at least %.0f)") \
	X(CLAUSE_SHARED_NETWORKS, "shared_networks", shared_networks, true, \
		"these lie in %.0f networks (at least %.0f)") \
	X(CLAUSE_SIBLINGS, "siblings", siblings, true, \
		"%.0f unrelated domains share as widely (at least %.0f)") \
	X(CLAUSE_OWN, "own_addresses", own_addresses, true, \
		"some %.0f of the addresses are own subscribers' (at least %.0f)") \
	X(CLAUSE_OWN_SHARE, "own_share", own_share, false, "these are %.2f of all (at most %.2f)") \
	X(CLAUSE_EYEBALL, "eyeball_share", eyeball_least, true, \
		"networks of households hold %.2f of the addresses or more (at least %.2f)") \
	X(CLAUSE_AT_ONCE, "networks_at_once", networks_at_once, true, \
		"%.1f networks in the same five minutes (at least %.1f)") \
	X(CLAUSE_BRIEF_SECONDS, "observed_briefly", seconds, true, \
		"observed for %.0f s (at least %.0f s)") \
	X(CLAUSE_OPEN_SECONDS, "observed", seconds, true, "observed for %.0f s (at least %.0f s)") \
	X(CLAUSE_OPEN_RATIO, "open_ratio", open_ratio, true, \
		"an address returns %.1f times as often soon as late (at least %.1f)") \
	X(CLAUSE_OPEN_EVIDENCE, "open_evidence", open_evidence, true, \
		"a fixed pool is ruled out with %.1f nats (at least %.1f)") \
	X(CLAUSE_NAMES, "host_names", host_names, true, "%.0f host names (at least %.0f)") \
	X(CLAUSE_NAMES_EACH, "names_per_address", \
		host_names / (f->addresses > 0 ? f->addresses : 1), true, \
		"%.1f names for each address (at least %.1f)") \
	X(CLAUSE_PASSING_SHARE, "passing_share", names_share, true, \
		"%.2f of the addresses served several names (at least %.2f) ...") \
	X(CLAUSE_PASSING, "passing", never_return, true, \
		"... and %.2f of them did not come back (at least %.2f)") \
	X(CLAUSE_PASSING_GROWTH, "passing_growth", growth, true, \
		"the set keeps growing: exponent %.2f (at least %.2f)") \
	X(CLAUSE_PASSING_EPOCHS, "passing_epochs", fresh_epochs, true, \
		"%.0f answers a TTL apart (at least %.0f)") \
	X(CLAUSE_HISTORY, "history", history, true, \
		"the sensor had watched for %.0f s when the name first came (at least %.0f s)") \
	X(CLAUSE_AGE, "age", age, false, "it came %.0f s ago (at most %.0f s)") \
	X(CLAUSE_NEW_EPOCHS, "new_epochs", fresh_epochs, true, \
		"%.0f answers a TTL apart since it came (at least %.0f)") \
	X(CLAUSE_SMALL, "few_addresses", addresses, true, \
		"%.0f distinct addresses, one after the other (at least %.0f)") \
	X(CLAUSE_SLOW_ANSWER, "answer_max", answer_max, false, \
		"%.0f addresses in an answer at most (at most %.0f)") \
	X(CLAUSE_SLOW_RATE, "per_hour", per_hour, false, \
		"%.2f new addresses an hour (at most %.1f)") \
	X(CLAUSE_SLOW_EPOCHS, "slow_epochs", fresh_epochs, true, \
		"%.0f answers a TTL apart (at least %.0f)") \
	X(CLAUSE_SLOW_GROWTH, "slow_growth", growth, true, \
		"the set keeps growing: exponent %.2f (at least %.2f)") \
	X(CLAUSE_NEVER, "never_return", never_return, true, \
		"%.2f of the addresses did not come back (at least %.2f)") \
	X(CLAUSE_VPS_ADDRESSES, "vps_addresses", addresses, true, \
		"%.0f distinct addresses in few networks (at least %.0f)") \
	X(CLAUSE_VPS_NETWORKS, "vps_networks", networks, true, \
		"in %.0f networks by origin AS (at least %.0f)") \
	X(CLAUSE_VPS_TOP, "vps_top_share", top_network_share, false, \
		"the largest network holds %.2f of them (at most %.2f)") \
	X(CLAUSE_VPS_ANSWER, "vps_answer_max", answer_max, false, \
		"%.0f addresses in an answer at most (at most %.0f)") \
	X(CLAUSE_HOST, "host_networks", host_networks, true, \
		"one name alone was in %.0f networks (at least %.0f)") \
	X(CLAUSE_HOST_SHARE, "host_share", host_share, true, \
		"these are %.2f of all networks (at least %.2f)") \
	X(CLAUSE_WILDCARD, "names_share", names_share, true, \
		"%.2f of the addresses served more than one name (at least %.2f)") \
	X(CLAUSE_SETTLED, "settled", settled, true, \
		"before, it had few addresses for %.0f s, still answered (at least %.0f s)") \
	X(CLAUSE_SETTLED_BESIDE, "settled_beside", settled_beside, true, \
		"%.0f others are answered for the same name (at least %.0f)") \
	X(CLAUSE_ESTABLISHED, "established", settled, true, \
		"few addresses for %.0f s, still answered: established (at least %.0f s)") \
	X(CLAUSE_CONTESTED, "contested_share", contested_share, false, \
		"answers disagreed in %.2f of the epochs (at most %.2f)") \
	X(CLAUSE_SERVERS, "top_server_share", top_server_share, false, \
		"one server alone says so of %.2f of the addresses (at most %.2f)")

enum clause {
#define X(name, code, feature, least, text) name,
	CLAUSES(X)
#undef X
		CLAUSE_COUNT
};

_Static_assert(CLAUSE_COUNT <= 64, "clauses are bits of a word");

/* Signs of structure; any one makes diversity and movement a verdict. */
enum sign {
	SIGN_NS = 1 << 0,      /* a name server's name has many addresses over many networks */
	SIGN_GLUE = 1 << 1,    /* hosts that are addresses and name servers at once */
	SIGN_SHARE = 1 << 2,   /* the same scattered hosts serve unrelated domains */
	SIGN_OPEN = 1 << 3,    /* the population of hosts is not closed */
	SIGN_NEW = 1 << 4,     /* nobody asked for the name until now; pools are older */
	SIGN_OWN = 1 << 5,     /* own subscribers serve a name that came while the sensor watched */
	SIGN_EYEBALL = 1 << 6, /* nearly all hosts are in networks of households */
	SIGN_PASSING = 1 << 7, /* hosts serve many names for a while, and never again */
};

/* What is left of the confidence of a verdict that is no more than suspected. */
#define SUSPECTED_CONFIDENCE 0.6

/* Outcome over one window. */
struct ruling {
	enum flux_class class; /* FLUX_NONE: no rule met */
	bool suspected;
	bool base;  /* the base clauses hold */
	bool moves; /* and the movement */
	unsigned signs;
	uint64_t clauses; /* bits of enum clause that hold and count for the rule */
	double score;
	double confidence;
	bool popular;         /* on detect.popular: suspected for that */
	bool known;           /* on a list of known domains */
	unsigned known_units; /* sampled addresses on a list of known ones; 0: too few to tell */
	enum flux_class held; /* what a rule said, were the name no infrastructure's */
};

void rules_apply(const struct detect_config *c, const struct features *f, struct ruling *r);

/* Do the addresses lie in enough networks, or /16 where most ASNs are unknown? */
bool rules_spread(const struct detect_config *c, const struct features *f);

/* Value and threshold of a clause. */
double clause_value(enum clause k, const struct features *f);
double clause_threshold(enum clause k, const struct detect_config *c, enum flux_window w);

/* The code of a clause that is spelled so, static; NULL: there is none. */
const char *clause_spelled(const uint8_t *code, size_t len);

/* Is the threshold the least (else the most) that the value may be? And does it keep to it? */
bool clause_at_least(enum clause k);
bool clause_holds(enum clause k, const struct detect_config *c, const struct features *f);

/* Fills a reason from a clause. */
void clause_reason(
	enum clause k, const struct detect_config *c, const struct features *f, struct reason *out);

/* Has d enough addresses, of which `addresses` may count, or name servers, for any rule? */
bool detect_worth(const struct detector *t, double addresses, const struct domain *d);

/*
 * What a judgement finds in one window: features of all evidence, and the ruling on them,
 * suspected where what is paired alone would not carry it. Of weigh.c.
 */
void detect_window(const struct detector *t, const struct store *st, const struct domain *d,
	enum flux_window window, uint32_t now, struct features *f, struct ruling *r);
