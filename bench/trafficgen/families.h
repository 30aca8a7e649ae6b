/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "options.h"
#include "pool.h"
#include "rng.h"
#include "zone.h"

#define MAX_FAMILY_DOMAINS 10000u

/* What a sensor is expected to call a domain. */
enum flux_class {
	FLUX_NONE,
	FLUX_SINGLE,
	FLUX_DOUBLE,
	FLUX_LOW_SLOW,
	FLUX_VPS,
	FLUX_SERVERS,
};

/* The class as it is spelled in the truth: "none", "single_flux", ... */
const char *flux_class_text(enum flux_class flux_class);

/* Makes the name of a host of a zone; the same for the same host. */
typedef void (*host_name_fn)(const struct zone *zone, uint64_t host, struct dns_name *name);

/* One row is one kind of domain; everything that sets it apart is here. */
struct family {
	const char *name;
	const char *summary;
	enum flux_class flux_class; /* FLUX_NONE: a hard negative */
	zone_answer_fn answer;
	host_name_fn host_name;
	uint32_t hosts;              /* host names; 0: nearly every look-up asks for a new one */
	uint32_t interval_ms;        /* mean between two look-ups of one domain */
	uint8_t moving_every;        /* every n-th domain has moving name servers; 0: none */
	enum server_fleet fleet;     /* many name servers that stay */
	bool steady_names;           /* their names stay, only the addresses move */
	uint8_t row;                 /* stands for it in names; 0: as it stands in families[] */
	const char *const *suffixes; /* the domains themselves, one each; NULL: made up */
	struct pool_shape shape;
};

extern const struct family families[];
extern const size_t family_count;

/* NULL when there is none of that name. */
const struct family *family_find(const char *name);

/* One domain of a family at work: its zone, its hosts and the look-ups for it. */
struct family_domain {
	const struct family *family;
	struct rng rng;
	uint32_t interval_ms; /* mean between two look-ups */
	struct zone zone;
	struct zone target; /* the fluxing zone behind an alias */
	struct pool pool;
	enum flux_class flux_class;
};

/*
 * The index-th domain of a family; options->campaign domains in a row of a family that fluxes have
 * the same pool. The domain must stay where it is: its zones point into it. zone.truth and
 * target.truth are left to the caller.
 */
void family_domain_init(struct family_domain *domain, const struct family *family, uint32_t index,
	const struct options *options, const struct network_plan *plan);

/* Whether the domain's first host is an alias into domain->target. */
bool family_has_target(const struct family *family);

/* How many domains a family can have. */
uint32_t family_room(const struct family *family);

/* Draws the next question and the time until the one after it (ns). */
uint64_t family_domain_ask(struct family_domain *domain, struct question *question);
