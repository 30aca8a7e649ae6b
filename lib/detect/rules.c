/* SPDX-License-Identifier: BSD-3-Clause */

#include "detect/rules.h"

/* Points of the score; docs/detection.md, "Score". */
#define POINTS_BASE 30.0
#define POINTS_SPREAD 10.0 /* from 4 to 12 effective networks */
#define POINTS_MOVE 10.0
#define POINTS_TTL 5.0 /* TTL of 30..600 s speaks for flux */
#define POINTS_NS 20.0
#define POINTS_SHARE 20.0
#define POINTS_GLUE 15.0
#define POINTS_OPEN 25.0
#define POINTS_NEW 10.0
#define POINTS_OWN 10.0
#define POINTS_EYEBALL 10.0
#define POINTS_PASSING 10.0
#define SPREAD_FULL 12.0

/* Does the clause hold? A clause that holds is noted for the reasons. */
static bool holds(
	enum clause k, const struct detect_config *c, const struct features *f, uint64_t *held)
{
	bool met = clause_holds(k, c, f);

	if (met)
		*held |= UINT64_C(1) << k;
	return met;
}

/* All of n clauses; the bits count only when they all hold. */
static bool all_hold(const enum clause *k, unsigned n, const struct detect_config *c,
	const struct features *f, uint64_t *held)
{
	uint64_t bits = 0;

	for (unsigned i = 0; i < n; i++)
		if (!holds(k[i], c, f, &bits))
			return false;
	*held |= bits;
	return true;
}

#define ALL(held, ...) \
	all_hold((const enum clause[]){__VA_ARGS__}, \
		sizeof((const enum clause[]){__VA_ARGS__}) / sizeof(enum clause), c, f, held)

/* Spread over networks, by /16 where most ASNs are unknown. */
static bool spread(const struct detect_config *c, const struct features *f, uint64_t *held)
{
	if (f->asn_known < 0.5)
		return ALL(held, CLAUSE_AGGREGATES, CLAUSE_EFFECTIVE_AGGREGATES);
	return ALL(held, CLAUSE_NETWORKS, CLAUSE_EFFECTIVE, CLAUSE_TOP);
}

bool rules_spread(const struct detect_config *c, const struct features *f)
{
	uint64_t held = 0;

	return spread(c, f, &held);
}

static bool movement(const struct detect_config *c, const struct features *f, uint64_t *held)
{
	uint64_t bits = 0;

	if (!ALL(&bits, CLAUSE_FRESH, CLAUSE_NEW))
		return false;
	bool grows = holds(CLAUSE_GROWTH, c, f, &bits);
	if (!holds(CLAUSE_NOVELTY, c, f, &bits) && !grows)
		return false;
	*held |= bits;
	return true;
}

/* Name servers on many hosts: many addresses to a name, or names that keep changing. */
static bool scattered_servers(
	const struct detect_config *c, const struct features *f, uint64_t *held)
{
	uint64_t bits = 0;

	if (!ALL(&bits, CLAUSE_NS_ADDRESSES, CLAUSE_NS_NETWORKS))
		return false;
	bool many = holds(CLAUSE_NS_PER_NAME, c, f, &bits);
	if (!ALL(&bits, CLAUSE_NS_CHANGES, CLAUSE_NS_TTL) && !many)
		return false;
	*held |= bits;
	return true;
}

static unsigned signs_of(const struct detect_config *c, const struct features *f, uint64_t *held)
{
	unsigned signs = 0;

	if (scattered_servers(c, f, held))
		signs |= SIGN_NS;
	if (ALL(held, CLAUSE_GLUE))
		signs |= SIGN_GLUE;
	if (ALL(held, CLAUSE_SHARED, CLAUSE_SHARED_NETWORKS, CLAUSE_SIBLINGS))
		signs |= SIGN_SHARE;
	if (f->window == WINDOW_1H ? ALL(held, CLAUSE_BRIEF_SECONDS, CLAUSE_AT_ONCE,
					     CLAUSE_OPEN_RATIO, CLAUSE_OPEN_EVIDENCE)
				   : f->window >= WINDOW_24H &&
					     ALL(held, CLAUSE_OPEN_SECONDS, CLAUSE_OPEN_RATIO,
						     CLAUSE_OPEN_EVIDENCE))
		signs |= SIGN_OPEN;
	if ((f->window == WINDOW_1H || f->window == WINDOW_24H) &&
		ALL(held, CLAUSE_HISTORY, CLAUSE_AGE, CLAUSE_NEW_EPOCHS))
		signs |= SIGN_NEW;
	/*
	 * Subscribers also run servers of pools that anybody may join: a sign where the name is
	 * younger than the watch, which those are not. That they are there is told anyhow.
	 */
	if (ALL(held, CLAUSE_OWN, CLAUSE_OWN_SHARE) && holds(CLAUSE_HISTORY, c, f, held))
		signs |= SIGN_OWN;
	/* Pools that anybody may join are served by hosting, too. */
	if ((f->window == WINDOW_1H || f->window == WINDOW_24H) &&
		ALL(held, CLAUSE_EYEBALL, CLAUSE_NEW_EPOCHS))
		signs |= SIGN_EYEBALL;
	/*
	 * What is drawn from a fixed pool returns late as often as soon, whatever its size; and
	 * each name being another, no cache repeats an address.
	 */
	if (f->window == WINDOW_24H &&
		ALL(held, CLAUSE_OPEN_SECONDS, CLAUSE_NAMES, CLAUSE_NAMES_EACH,
			CLAUSE_PASSING_SHARE, CLAUSE_PASSING, CLAUSE_PASSING_GROWTH,
			CLAUSE_PASSING_EPOCHS))
		signs |= SIGN_PASSING;
	return signs;
}

static double points(const struct features *f, const struct ruling *r)
{
	double wide = f->asn_known < 0.5 ? f->effective_aggregates : f->effective_networks;
	double score = POINTS_BASE;

	wide = (wide - 4) / (SPREAD_FULL - 4);
	score += POINTS_SPREAD * (wide < 0 ? 0 : wide > 1 ? 1 : wide);
	score += r->moves ? POINTS_MOVE : 0;
	score += f->ttl_max >= 30 && f->ttl_max <= 600 ? POINTS_TTL : 0;
	score += r->signs & SIGN_NS ? POINTS_NS : 0;
	score += r->signs & SIGN_SHARE ? POINTS_SHARE : 0;
	score += r->signs & SIGN_GLUE ? POINTS_GLUE : 0;
	score += r->signs & SIGN_OPEN ? POINTS_OPEN : 0;
	score += r->signs & SIGN_NEW ? POINTS_NEW : 0;
	score += r->signs & SIGN_OWN ? POINTS_OWN : 0;
	score += r->signs & SIGN_EYEBALL ? POINTS_EYEBALL : 0;
	score += r->signs & SIGN_PASSING ? POINTS_PASSING : 0;
	return score < 100 ? score : 100;
}

/* How much the verdict leans on: signs that agree, paired evidence, known networks. */
static double confidence(const struct features *f, const struct ruling *r)
{
	double signs = __builtin_popcount(r->signs);
	double c = 0.55 + 0.15 * (signs > 3 ? 3 : signs);

	c *= 0.6 + 0.4 * f->paired_share;
	if (f->asn_known < 0.5)
		c *= 0.9;
	if (r->suspected)
		c *= SUSPECTED_CONFIDENCE;
	return c;
}

/* One name's addresses, or those that many names share: not as many names as addresses. */
static bool one_name(const struct detect_config *c, const struct features *f, uint64_t *held)
{
	bool host = ALL(held, CLAUSE_HOST, CLAUSE_HOST_SHARE);

	return holds(CLAUSE_WILDCARD, c, f, held) || host;
}

/* One host after the other, for hours each, and none comes back: a population that is not closed.
 */
static bool succession(
	const struct detect_config *c, const struct features *f, unsigned signs, uint64_t *held)
{
	return signs & SIGN_OPEN &&
	       ALL(held, CLAUSE_SLOW_EPOCHS, CLAUSE_SLOW_GROWTH, CLAUSE_NEVER) &&
	       one_name(c, f, held);
}

/* Few networks, so that only behaviour in time tells, and never for sure. */
static bool few_networks(
	const struct detect_config *c, const struct features *f, unsigned signs, uint64_t *held)
{
	uint64_t bits = 0;

	if (!ALL(&bits, CLAUSE_VPS_ADDRESSES, CLAUSE_VPS_NETWORKS, CLAUSE_VPS_TOP,
		    CLAUSE_VPS_ANSWER, CLAUSE_TTL, CLAUSE_OWNED) ||
		!succession(c, f, signs, &bits))
		return false;
	*held |= bits;
	return true;
}

static bool slow(const struct detect_config *c, const struct features *f, uint64_t *held)
{
	return ALL(held, CLAUSE_SLOW_ANSWER, CLAUSE_SLOW_RATE);
}

/* The name servers move over the hosts, too. */
static bool servers_flux(
	const struct detect_config *c, const struct features *f, const struct ruling *r)
{
	return r->signs & SIGN_NS ||
	       (r->signs & SIGN_GLUE && f->ns_addresses >= c->min_ns_addresses);
}

/* The rules of the hour and the day. */
static void rule_fast(
	const struct detect_config *c, const struct features *f, bool many, struct ruling *r)
{
	/* That a name is new, or whose its hosts are, says nothing where they do not move. */
	unsigned signs = (unsigned)__builtin_popcount(
		r->signs & ~(unsigned)(SIGN_NEW | SIGN_OWN | SIGN_EYEBALL | SIGN_PASSING));
	uint64_t one = 0;

	/* Each name its address: a zone of many owners, unless their hosts serve others, too. */
	if (!one_name(c, f, &one) && !(r->signs & (SIGN_SHARE | SIGN_PASSING)))
		return;
	if (many && ((r->moves && r->signs) || signs >= 2)) {
		r->class = servers_flux(c, f, r) ? FLUX_DOUBLE : FLUX_SINGLE;
		/*
		 * Anybody can answer with somebody else's addresses, or send what nobody
		 * asked for: neither siblings alone nor unpaired answers convict. Nor does it that
		 * a name is new, has own subscribers or households, or that addresses come and go
		 * within the hour: a pool may, too, and be served by a list that is made anew; six
		 * hours tell. Many names on hosts that pass may be a service that starts one for
		 * each.
		 */
		unsigned sure = SIGN_NS | SIGN_GLUE | (f->window > WINDOW_1H ? SIGN_OPEN : 0);
		r->suspected = !(r->signs & sure) || f->paired_share < c->min_paired_share;
	} else if (!many && f->addresses >= c->small_min_addresses && signs >= 2 &&
		   r->signs & SIGN_SHARE) {
		r->class = FLUX_SINGLE;
		r->suspected = true;
	}
}

/*
 * Its name servers move over many hosts, its addresses do not. That there are many name servers
 * says nothing; several must have come and gone, one after the other, as no change of providers
 * does it.
 */
static bool servers_alone(const struct detect_config *c, const struct features *f, uint64_t *held)
{
	return f->window == WINDOW_24H &&
	       ALL(held, CLAUSE_MOVING_NS_ADDRESSES, CLAUSE_MOVING_NS_NETWORKS, CLAUSE_NS_TRANSIENT,
		       CLAUSE_NS_DEPARTURES, CLAUSE_NS_TTL, CLAUSE_NS_SERVER, CLAUSE_STILL,
		       CLAUSE_STILL_GROWTH);
}

void rules_apply(const struct detect_config *c, const struct features *f, struct ruling *r)
{
	uint64_t base = 0, rest = 0;

	*r = (struct ruling){.class = FLUX_NONE};
	bool many = holds(CLAUSE_ADDRESSES, c, f, &base);
	bool wide = spread(c, f, &base) && ALL(&base, CLAUSE_TTL, CLAUSE_OWNED);

	r->moves = movement(c, f, &rest);
	r->signs = signs_of(c, f, &rest);
	if (wide) {
		r->base = many;
		if (f->window == WINDOW_1H || f->window == WINDOW_24H)
			rule_fast(c, f, many, r);
		bool creeps = f->window >= WINDOW_24H && slow(c, f, &rest);
		if (creeps && (r->class == FLUX_NONE || r->suspected) &&
			holds(CLAUSE_SMALL, c, f, &rest) && succession(c, f, r->signs, &rest)) {
			r->class = servers_flux(c, f, r) ? FLUX_DOUBLE : FLUX_LOW_SLOW;
			r->moves = true;
			r->suspected = f->paired_share < c->min_paired_share;
		} else if (creeps && r->class == FLUX_SINGLE) {
			r->class = FLUX_LOW_SLOW;
		}
	}
	if (f->window >= WINDOW_24H && r->class == FLUX_NONE &&
		few_networks(c, f, r->signs, &rest)) {
		r->class = FLUX_VPS;
		r->suspected = true;
	}
	if (r->class == FLUX_NONE && servers_alone(c, f, &rest)) {
		r->class = FLUX_NS;
		r->signs |= SIGN_NS;
		r->suspected = f->paired_share < c->min_paired_share;
	}
	if (!wide && r->class == FLUX_NONE)
		return;
	holds(CLAUSE_SERVERS, c, f, &rest);
	/* Somebody races the servers: which answers are theirs is not known. */
	if (!holds(CLAUSE_CONTESTED, c, f, &rest) && r->class != FLUX_NONE)
		r->suspected = true;
	/* What stood still goes on beside what moves: its operator's word, or somebody else's? */
	bool settled = ALL(&rest, CLAUSE_SETTLED, CLAUSE_SETTLED_BESIDE);
	/* Where the name servers move alone, the addresses are what stands still. */
	if (r->class == FLUX_NS)
		settled = holds(CLAUSE_SETTLED, c, f, &rest);
	if ((holds(CLAUSE_ESTABLISHED, c, f, &rest) || settled) && r->class != FLUX_NONE)
		r->suspected = true;
	r->clauses = (wide ? base : 0) | rest;
	r->score = points(f, r);
	r->confidence = confidence(f, r);
}
