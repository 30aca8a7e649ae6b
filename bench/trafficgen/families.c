/* SPDX-License-Identifier: BSD-3-Clause */
#include "families.h"

#include <string.h>

#include "hostnames.h"

#define MINUTES(n) ((n)*60u)
#define HOURS(n) ((n)*3600u)
#define DAYS(n) ((n)*86400u)

/* Suffixes of the public suffix list's private section under which subscribers name their lines. */
static const char *const dynamic_suffixes[] = {"duckdns.org", "ddns.net", "dyndns.org", "hopto.org",
	"dynv6.net", "spdns.org", "sytes.net", "zapto.org", NULL};

/* Families that flux first, then the hard negatives. A new family is a new row at the end. */
/* clang-format off */
const struct family families[] = {
	{
		.name = "darkcloud", .flux_class = FLUX_SINGLE,
		.summary = "10 A of many households; every second domain moves its name servers",
		.answer = answer_draw, .host_name = name_listed, .hosts = 3, .interval_ms = 30000,
		.moving_every = 2,
		.shape = {
			.slots_min = 400, .slots_max = 1500, .networks = 150,
			.kind = NETWORK_EYEBALL, .home_percent = 77, .life_min = HOURS(2),
			.life_max = HOURS(10), .answer_min = 10, .answer_max = 10, .ttl_min = 150,
			.ttl_max = 150,
		},
	},
	{
		.name = "srg", .flux_class = FLUX_SINGLE,
		.summary = "1-5 A in 22 access networks, TTL 60",
		.answer = answer_draw, .host_name = name_listed, .hosts = 2, .interval_ms = 25000,
		.shape = {
			.slots_min = 120, .slots_max = 240, .networks = 22,
			.kind = NETWORK_EYEBALL, .life_min = HOURS(1), .life_max = HOURS(4),
			.answer_min = 1, .answer_max = 5, .ttl_min = 60, .ttl_max = 60,
		},
	},
	{
		.name = "slow", .flux_class = FLUX_LOW_SLOW,
		.summary = "one A, replaced every hour",
		.answer = answer_draw, .host_name = name_listed, .hosts = 1,
		.interval_ms = 120000,
		.shape = {
			.slots_min = 1, .slots_max = 1, .networks = 60, .kind = NETWORK_EYEBALL,
			.life_min = HOURS(1), .life_max = HOURS(1), .answer_min = 1,
			.answer_max = 1, .ttl_min = 300, .ttl_max = 300,
		},
	},
	{
		.name = "slow6h", .flux_class = FLUX_LOW_SLOW,
		.summary = "one A, replaced every six hours",
		.answer = answer_draw, .host_name = name_listed, .hosts = 1,
		.interval_ms = 300000,
		.shape = {
			.slots_min = 1, .slots_max = 1, .networks = 60, .kind = NETWORK_EYEBALL,
			.life_min = HOURS(6), .life_max = HOURS(6), .answer_min = 1,
			.answer_max = 1, .ttl_min = 600, .ttl_max = 600,
		},
	},
	{
		.name = "vps", .flux_class = FLUX_VPS,
		.summary = "1-2 A in three hosting networks, replaced within the hour",
		.answer = answer_draw, .host_name = name_wildcard, .interval_ms = 60000,
		.shape = {
			.slots_min = 2, .slots_max = 2, .networks = 3, .kind = NETWORK_HOSTING,
			.life_min = MINUTES(30), .life_max = MINUTES(60), .answer_min = 1,
			.answer_max = 2, .ttl_min = 120, .ttl_max = 300,
		},
	},
	{
		.name = "gamaredon", .flux_class = FLUX_SINGLE,
		.summary = "wildcard: a host name for each victim, one A, hosts live for minutes",
		.answer = answer_draw, .host_name = name_wildcard, .interval_ms = 25000,
		.shape = {
			.slots_min = 12, .slots_max = 16, .networks = 12, .kind = NETWORK_HOSTING,
			.life_min = MINUTES(8), .life_max = MINUTES(20), .answer_min = 1,
			.answer_max = 1, .ttl_min = 120, .ttl_max = 120,
		},
	},
	{
		.name = "v6flux", .flux_class = FLUX_SINGLE,
		.summary = "4 AAAA, each host in its own /64",
		.answer = answer_draw, .host_name = name_listed, .hosts = 2, .interval_ms = 30000,
		.shape = {
			.slots_min = 150, .slots_max = 300, .networks = 60,
			.kind = NETWORK_EYEBALL, .life_min = HOURS(2), .life_max = HOURS(8),
			.answer_min = 4, .answer_max = 4, .ttl_min = 150, .ttl_max = 150,
			.v6 = true,
		},
	},
	{
		.name = "double", .flux_class = FLUX_DOUBLE,
		.summary = "as darkcloud, name servers and glue always out of the pool",
		.answer = answer_draw, .host_name = name_listed, .hosts = 3, .interval_ms = 30000,
		.moving_every = 1,
		.shape = {
			.slots_min = 400, .slots_max = 1500, .networks = 150,
			.kind = NETWORK_EYEBALL, .home_percent = 77, .life_min = HOURS(2),
			.life_max = HOURS(10), .answer_min = 10, .answer_max = 10, .ttl_min = 150,
			.ttl_max = 150,
		},
	},
	{
		.name = "cnameflux", .flux_class = FLUX_SINGLE,
		.summary = "an honest name is an alias into a fluxing domain",
		.answer = answer_alias, .host_name = name_listed, .hosts = 2,
		.interval_ms = 25000,
		.shape = {
			.slots_min = 100, .slots_max = 300, .networks = 40,
			.kind = NETWORK_EYEBALL, .life_min = HOURS(2), .life_max = HOURS(6),
			.answer_min = 4, .answer_max = 6, .ttl_min = 120, .ttl_max = 120,
		},
	},
	{
		.name = "fluxhost", .flux_class = FLUX_SINGLE,
		.summary = "one fluxing host name in a domain that is honest otherwise",
		.answer = answer_one_host, .host_name = name_listed, .hosts = 4,
		.interval_ms = 15000,
		.shape = {
			.slots_min = 100, .slots_max = 300, .networks = 40,
			.kind = NETWORK_EYEBALL, .life_min = HOURS(2), .life_max = HOURS(6),
			.answer_min = 4, .answer_max = 6, .ttl_min = 120, .ttl_max = 120,
		},
	},
	{
		.name = "nsflux", .flux_class = FLUX_SERVERS,
		.summary = "name servers and glue move, addresses stay",
		.answer = answer_fixed, .host_name = name_listed, .hosts = 2,
		.interval_ms = 30000, .moving_every = 1,
		.shape = {
			.slots_min = 150, .slots_max = 300, .networks = 40,
			.kind = NETWORK_EYEBALL, .life_min = HOURS(2), .life_max = HOURS(6),
			.answer_min = 2, .answer_max = 2, .ttl_min = 300, .ttl_max = 300,
		},
	},

	{
		.name = "cdn", .flux_class = FLUX_NONE,
		.summary = "400 addresses in one network, TTL 20-60",
		.answer = answer_draw, .host_name = name_listed, .hosts = 40,
		.interval_ms = 10000,
		.shape = {
			.slots_min = 400, .slots_max = 400, .networks = 1,
			.kind = NETWORK_HOSTING, .answer_min = 2, .answer_max = 4, .ttl_min = 20,
			.ttl_max = 60,
		},
	},
	{
		.name = "cdn_offnet", .flux_class = FLUX_NONE,
		.summary = "a CDN with caches inside 60 access networks",
		.answer = answer_offnet, .host_name = name_listed, .hosts = 40,
		.interval_ms = 5000,
		.shape = {
			.slots_min = 300, .slots_max = 300, .networks = 61, .kind = NETWORK_ANY,
			.answer_min = 2, .answer_max = 2, .ttl_min = 20, .ttl_max = 60,
		},
	},
	{
		.name = "multicdn", .flux_class = FLUX_NONE,
		.summary = "five CDNs take turns",
		.answer = answer_by_network, .host_name = name_listed, .hosts = 8,
		.interval_ms = 5000,
		.shape = {
			.slots_min = 300, .slots_max = 300, .networks = 5,
			.kind = NETWORK_HOSTING, .turn = 60, .answer_min = 3, .answer_max = 3,
			.ttl_min = 60, .ttl_max = 60,
		},
	},
	{
		.name = "cloudlb", .flux_class = FLUX_NONE,
		.summary = "load balancer, its addresses churn inside two networks",
		.answer = answer_draw, .host_name = name_listed, .hosts = 2, .interval_ms = 20000,
		.shape = {
			.slots_min = 6, .slots_max = 12, .networks = 2, .kind = NETWORK_HOSTING,
			.life_min = HOURS(1), .life_max = HOURS(6), .stays = true,
			.answer_min = 2, .answer_max = 3, .ttl_min = 60, .ttl_max = 60,
		},
	},
	{
		.name = "ntppool", .flux_class = FLUX_NONE,
		.summary = "3,400 volunteers in hundreds of networks, 4 A, TTL 150",
		.answer = answer_draw, .host_name = name_numbered, .hosts = 4,
		.interval_ms = 20000,
		.shape = {
			.slots_min = 3400, .slots_max = 3400, .networks = 640,
			.kind = NETWORK_ANY, .answer_min = 4, .answer_max = 4, .ttl_min = 150,
			.ttl_max = 150,
		},
	},
	{
		.name = "btcseed", .flux_class = FLUX_NONE,
		.summary = "25 of 3,000 nodes that come and go over weeks, TTL 60",
		.answer = answer_draw, .host_name = name_listed, .hosts = 1, .interval_ms = 60000,
		.shape = {
			.slots_min = 3000, .slots_max = 3000, .networks = 600,
			.kind = NETWORK_ANY, .life_min = DAYS(7), .life_max = DAYS(30),
			.answer_min = 25, .answer_max = 25, .ttl_min = 60, .ttl_max = 60,
		},
	},
	{
		.name = "mirrors", .flux_class = FLUX_NONE,
		.summary = "40 download mirrors in 40 networks",
		.answer = answer_draw, .host_name = name_listed, .hosts = 2, .interval_ms = 15000,
		.shape = {
			.slots_min = 40, .slots_max = 40, .networks = 40, .kind = NETWORK_HOSTING,
			.answer_min = 2, .answer_max = 2, .ttl_min = 300, .ttl_max = 300,
		},
	},
	{
		.name = "dyndns", .flux_class = FLUX_NONE,
		.summary = "400 host names, each with its subscriber's address",
		.answer = answer_own, .host_name = name_listed, .hosts = 400,
		.interval_ms = 10000,
		.shape = {
			.slots_min = 400, .slots_max = 400, .networks = 120,
			.kind = NETWORK_EYEBALL, .life_min = DAYS(1), .life_max = DAYS(7),
			.stays = true, .answer_min = 1, .answer_max = 1, .ttl_min = 60,
			.ttl_max = 60,
		},
	},
	{
		.name = "dnsbl", .flux_class = FLUX_NONE,
		.summary = "a blocklist: 127.0.0.x or NXDOMAIN",
		.answer = answer_listed, .host_name = name_reversed, .hosts = 5000,
		.interval_ms = 2000,
		.shape = {
			.slots_min = 1, .slots_max = 1, .networks = 1, .kind = NETWORK_HOSTING,
			.answer_min = 1, .answer_max = 1, .ttl_min = 300, .ttl_max = 900,
		},
	},
	{
		.name = "plexlike", .flux_class = FLUX_NONE,
		.summary = "each device's name spells its address",
		.answer = answer_spelled, .host_name = name_dashed, .hosts = 600,
		.interval_ms = 5000,
		.shape = {
			.slots_min = 600, .slots_max = 600, .networks = 200,
			.kind = NETWORK_EYEBALL, .answer_min = 1, .answer_max = 1, .ttl_min = 300,
			.ttl_max = 300,
		},
	},
	{
		.name = "gslb", .flux_class = FLUX_NONE,
		.summary = "one of six sites in three networks, TTL 20",
		.answer = answer_draw, .host_name = name_listed, .hosts = 2, .interval_ms = 10000,
		.shape = {
			.slots_min = 6, .slots_max = 6, .networks = 3, .kind = NETWORK_HOSTING,
			.answer_min = 1, .answer_max = 1, .ttl_min = 20, .ttl_max = 20,
		},
	},
	{
		.name = "anycast", .flux_class = FLUX_NONE,
		.summary = "the same four addresses for ever",
		.answer = answer_draw, .host_name = name_listed, .hosts = 6, .interval_ms = 5000,
		.shape = {
			.slots_min = 4, .slots_max = 4, .networks = 1, .kind = NETWORK_HOSTING,
			.answer_min = 4, .answer_max = 4, .ttl_min = 300, .ttl_max = 300,
		},
	},
	{
		.name = "randsub", .flux_class = FLUX_NONE,
		.summary = "flood of random subdomains, NXDOMAIN",
		.answer = answer_nothing, .host_name = name_wildcard, .interval_ms = 200,
		.shape = {
			.slots_min = 1, .slots_max = 1, .networks = 1, .kind = NETWORK_HOSTING,
			.answer_min = 1, .answer_max = 1, .ttl_min = 300, .ttl_max = 300,
		},
	},
	{
		.name = "wildsaas", .flux_class = FLUX_NONE,
		.summary = "wildcard: a host name for each customer, four addresses",
		.answer = answer_draw, .host_name = name_wildcard, .interval_ms = 5000,
		.shape = {
			.slots_min = 4, .slots_max = 4, .networks = 1, .kind = NETWORK_HOSTING,
			.answer_min = 2, .answer_max = 2, .ttl_min = 300, .ttl_max = 300,
		},
	},
	{
		.name = "dyndns_psl", .flux_class = FLUX_NONE,
		.summary = "as dyndns, under a public suffix: each host name is a domain",
		.answer = answer_own, .host_name = name_listed, .hosts = 400,
		.interval_ms = 10000, .suffixes = dynamic_suffixes,
		.shape = {
			.slots_min = 400, .slots_max = 400, .networks = 120,
			.kind = NETWORK_EYEBALL, .life_min = DAYS(1), .life_max = DAYS(7),
			.stays = true, .answer_min = 1, .answer_max = 1, .ttl_min = 60,
			.ttl_max = 60,
		},
	},
	{
		.name = "cdn_edge", .flux_class = FLUX_NONE,
		.summary = "as cdn_offnet, and its caches are its name servers too",
		.answer = answer_offnet, .host_name = name_listed, .hosts = 40,
		.interval_ms = 5000, .moving_every = 1, .steady_names = true,
		.shape = {
			.slots_min = 300, .slots_max = 300, .networks = 61, .kind = NETWORK_ANY,
			.answer_min = 2, .answer_max = 2, .ttl_min = 20, .ttl_max = 60,
		},
	},
	{
		.name = "nsfleet", .flux_class = FLUX_NONE,
		.summary = "twelve name servers in six networks that stay, NS TTL two days",
		.answer = answer_fixed, .host_name = name_listed, .hosts = 2,
		.interval_ms = 30000, .fleet = FLEET_WHOLE,
		.shape = {
			.slots_min = 2, .slots_max = 2, .networks = 1, .kind = NETWORK_HOSTING,
			.answer_min = 2, .answer_max = 2, .ttl_min = 300, .ttl_max = 300,
		},
	},
	{
		.name = "nsturns", .flux_class = FLUX_NONE,
		.summary = "the same twelve, six in turn in each answer, NS TTL 300",
		.answer = answer_fixed, .host_name = name_listed, .hosts = 2,
		.interval_ms = 30000, .fleet = FLEET_TURNS,
		.shape = {
			.slots_min = 2, .slots_max = 2, .networks = 1, .kind = NETWORK_HOSTING,
			.answer_min = 2, .answer_max = 2, .ttl_min = 300, .ttl_max = 300,
		},
	},
	{
		.name = "cdnturns", .flux_class = FLUX_NONE,
		.summary = "eight CDNs take turns of eleven minutes",
		.answer = answer_by_network, .host_name = name_listed, .hosts = 8,
		.interval_ms = 15000,
		.shape = {
			.slots_min = 160, .slots_max = 160, .networks = 8,
			.kind = NETWORK_HOSTING, .turn = 660, .answer_min = 2, .answer_max = 2,
			.ttl_min = 60, .ttl_max = 60,
		},
	},
};
/* clang-format on */

const size_t family_count = sizeof(families) / sizeof(families[0]);

_Static_assert(sizeof(families) / sizeof(families[0]) <= OPTIONS_FAMILIES, "options have no room");

const struct family *family_find(const char *name)
{
	for (size_t i = 0; i < family_count; i++) {
		if (strcmp(families[i].name, name) == 0)
			return &families[i];
	}
	return NULL;
}

const char *flux_class_text(enum flux_class flux_class)
{
	static const char *const texts[] = {
		[FLUX_NONE] = "none",
		[FLUX_SINGLE] = "single_flux",
		[FLUX_DOUBLE] = "double_flux",
		[FLUX_LOW_SLOW] = "low_slow",
		[FLUX_VPS] = "vps_flux",
		[FLUX_SERVERS] = "ns_flux",
	};

	return texts[flux_class];
}
