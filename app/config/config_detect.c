/* SPDX-License-Identifier: BSD-3-Clause */

/* The section "detect": one row for each threshold, in the order of struct detect_config. */

#include "config/table.h"

#define DETECT(name, lowest, highest, unit_, what_) \
	{ \
		.path = "detect." #name, .kind = CONFIG_KIND(struct config, detect.name), \
		.offset = offsetof(struct config, detect.name), .min = (lowest), .max = (highest), \
		.unit = (unit_), .what = (what_) \
	}

#define COUNT_MAX 1000000
#define DAYS_7 604800

static const struct config_row rows[] = {
	DETECT(min_addresses, 2, COUNT_MAX, "", "Base: distinct addresses in the window."),
	DETECT(min_networks, 0, COUNT_MAX, "", "Base: distinct networks they lie in."),
	DETECT(min_effective_networks, 0, COUNT_MAX, "",
		"Base: equal networks that would spread them as evenly."),
	DETECT(max_top_network_share, 0, 1, "", "Base: share of the largest network, at most."),
	DETECT(max_ttl, 1, DAYS_7, "s", "Base: time to live of the address records, at most."),
	DETECT(min_owned_share, 0, 1, "",
		"Base: share of the addresses that its own names own, not an alias's target."),
	DETECT(min_aggregates, 0, COUNT_MAX, "",
		"Base: distinct /16 (IPv6: /32), where most networks are unknown."),
	DETECT(min_effective_aggregates, 0, COUNT_MAX, "",
		"Base: equal /16 that would spread them as evenly, where most networks are "
		"unknown."),
	DETECT(min_fresh_epochs, 0, COUNT_MAX, "", "Movement: answers a time to live apart."),
	DETECT(min_new_per_epoch, 0, COUNT_MAX, "",
		"Movement: new addresses with each of them after the first."),
	DETECT(min_growth_1h, 0, 1, "", "Movement: growth exponent over an hour."),
	DETECT(min_growth_24h, 0, 1, "", "Movement: growth exponent over a day."),
	DETECT(min_novelty, 0, 1, "",
		"Movement: share of addresses that are new in the window's second half."),
	DETECT(min_ns_addresses, 0, COUNT_MAX, "", "Name servers: distinct addresses."),
	DETECT(min_ns_networks, 0, COUNT_MAX, "", "Name servers: distinct networks."),
	DETECT(min_ns_per_name, 0, COUNT_MAX, "",
		"Name servers: addresses for each name of a server."),
	DETECT(min_ns_changes, 0, COUNT_MAX, "",
		"Name servers: changes of the set, in place of min_ns_per_name."),
	DETECT(max_ns_ttl, 1, DAYS_7, "s",
		"Name servers: time to live of NS records up to which changes count."),
	DETECT(min_glue_in_pool, 0, COUNT_MAX, "",
		"Glue: addresses that serve the domain and its name servers."),
	DETECT(min_shared_units, 0, COUNT_MAX, "",
		"Sharing: addresses in common with an unrelated domain."),
	DETECT(min_shared_networks, 0, COUNT_MAX, "", "Sharing: networks that these lie in."),
	DETECT(min_siblings, 0, COUNT_MAX, "", "Sharing: unrelated domains that share as widely."),
	DETECT(min_open_seconds, 0, DAYS_7, "s",
		"Open population: observed at least so long before it counts."),
	DETECT(min_open_ratio, 0, COUNT_MAX, "",
		"Open population: how much oftener an address returns soon than late."),
	DETECT(min_open_evidence, 0, COUNT_MAX, "nats",
		"Open population: evidence against a fixed pool."),
	DETECT(min_paired_share, 0, 1, "",
		"Share of the addresses attested by a paired response of its own; below it a "
		"domain "
		"is suspected only."),
	DETECT(small_min_addresses, 2, COUNT_MAX, "",
		"Addresses at which a domain below min_addresses can be suspected."),
	DETECT(raise_evaluations, 1, 255, "",
		"Evaluations in a row that must meet a rule before a verdict is raised."),
	DETECT(clear_after, 0, DAYS_7, "s",
		"Time without a rule met until a verdict is cleared; 0: never."),
};

const struct config_table config_detect_table = {
	.rows = rows,
	.count = sizeof(rows) / sizeof(rows[0]),
};
