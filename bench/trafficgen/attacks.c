/* SPDX-License-Identifier: BSD-3-Clause */
#include "attacks.h"

#include <string.h>

#include "hostnames.h"

#define HOURS(n) ((n)*3600u)
#define NS_SECONDS 1000000000u

/* Families' rows end their domains' names; those of attacks begin far behind them. */
#define FIRST_ROW (OPTIONS_FAMILIES + 16)

/* clang-format off */

/* A site with its four addresses in one network, much asked for: see `anycast`. */
#define VICTIM(attack, number) \
	{ \
		.name = "victim:" attack, .flux_class = FLUX_NONE, .row = FIRST_ROW + (number), \
		.answer = answer_draw, .host_name = name_listed, .hosts = 3, \
		.interval_ms = 20000, \
		.shape = { \
			.slots_min = 4, .slots_max = 4, .networks = 1, .kind = NETWORK_HOSTING, \
			.answer_min = 2, .answer_max = 4, .ttl_min = 300, .ttl_max = 300, \
		}, \
	}

/* As the family darkcloud, every second domain with moving name servers. */
#define FLUXING(attack, number) \
	{ \
		.name = attack, .flux_class = FLUX_SINGLE, .row = FIRST_ROW + (number), \
		.answer = answer_draw, .host_name = name_listed, .hosts = 3, \
		.interval_ms = 30000, .moving_every = 2, \
		.shape = { \
			.slots_min = 400, .slots_max = 1500, .networks = 150, \
			.kind = NETWORK_EYEBALL, .home_percent = 77, .life_min = HOURS(2), \
			.life_max = HOURS(10), .answer_min = 10, .answer_max = 10, \
			.ttl_min = 150, .ttl_max = 150, \
		}, \
	}

#define LIKE_FLUX \
	{ \
		.slots_min = 400, .slots_max = 1500, .networks = 150, .kind = NETWORK_EYEBALL, \
		.life_min = HOURS(2), .life_max = HOURS(10), .answer_min = 10, .answer_max = 10, \
		.ttl_min = 150, .ttl_max = 150, \
	}

/* One address for a day, as no flux has it. */
#define LIKE_HONEST \
	{ \
		.slots_min = 1, .slots_max = 1, .networks = 1, .kind = NETWORK_HOSTING, \
		.answer_min = 1, .answer_max = 1, .ttl_min = 86400, .ttl_max = 86400, \
	}

const struct attack attacks[] = {
	{
		.name = "unsolicited",
		.summary = "flux-like answers, NS and glue that nobody asked for",
		.target = VICTIM("unsolicited", 0), .forged = LIKE_FLUX, .moving_servers = true,
		.interval_ms = 10000, .begins_percent = 25,
	},
	{
		.name = "racing",
		.summary = "flux-like answers ahead of the true ones",
		.target = VICTIM("racing", 1), .forged = LIKE_FLUX, .moving_servers = true,
		.races = true, .begins_percent = 25,
	},
	{
		.name = "oneserver",
		.summary = "own queries, answered by one server of the attacker's",
		.target = VICTIM("oneserver", 2), .forged = LIKE_FLUX, .moving_servers = true,
		.interval_ms = 10000, .servers = 1, .begins_percent = 25,
	},
	{
		.name = "fiftyservers",
		.summary = "own queries, answered by fifty servers of the attacker's",
		.target = VICTIM("fiftyservers", 3), .forged = LIKE_FLUX, .moving_servers = true,
		.interval_ms = 10000, .servers = 50, .begins_percent = 25,
	},
	{
		.name = "exonerate",
		.summary = "flux whose operator injects honest-looking answers, unasked and racing",
		.target = FLUXING("exonerate", 4), .forged = LIKE_HONEST, .races = true,
		.interval_ms = 10000,
	},
	{
		.name = "whitewash",
		.summary = "flux whose operator asks for himself and has honest-looking answers given",
		.target = FLUXING("whitewash", 5), .forged = LIKE_HONEST, .interval_ms = 30000,
		.servers = 3,
	},
};
/* clang-format on */

const size_t attack_count = sizeof(attacks) / sizeof(attacks[0]);

_Static_assert(sizeof(attacks) / sizeof(attacks[0]) <= OPTIONS_ATTACKS, "options have no room");

const struct attack *attack_find(const char *name)
{
	for (size_t i = 0; i < attack_count; i++) {
		if (strcmp(attacks[i].name, name) == 0)
			return &attacks[i];
	}
	return NULL;
}

void attack_domain_init(struct attack_domain *domain, const struct attack *attack, uint32_t index,
	const struct options *options, const struct network_plan *plan)
{
	uint64_t key = hash_pair(options->seed, hash_text(attack->name));

	memset(domain, 0, sizeof(*domain));
	domain->attack = attack;
	domain->begins =
		(options->start + options->duration * attack->begins_percent / 100) * NS_SECONDS;
	family_domain_init(&domain->target, &attack->target, index, options, plan);
	rng_seed(&domain->rng, hash_pair(hash_pair(key, index), hash_text("forged")));
	pool_init(&domain->pool, &attack->forged, plan, hash_pair(key, hash_text("forged")));
	domain->forged = domain->target.zone;
	domain->forged.key = hash_mix(domain->target.zone.key);
	domain->forged.answer = answer_draw;
	domain->forged.pool = &domain->pool;
	domain->forged.moving_servers = attack->moving_servers;
	if (attack->races) {
		domain->target.zone.rival = &domain->forged;
		domain->target.zone.rival_from = domain->begins;
	}
}

uint64_t attack_fire(struct attack_domain *domain, struct tap *tap, uint64_t time)
{
	struct question question = {.type = DNS_A};

	question.host = rng_below(&domain->rng, domain->attack->target.hosts);
	name_listed(&domain->forged, question.host, &question.name);
	if (domain->attack->servers > 0)
		tap_stage(tap, &domain->rng, &domain->forged, &question, domain->attack->servers,
			time);
	else
		tap_inject(
			tap, &domain->rng, &domain->forged, &domain->target.zone, &question, time);
	return rng_wait(&domain->rng, domain->attack->interval_ms * 1e6);
}
