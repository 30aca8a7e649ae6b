/* SPDX-License-Identifier: BSD-3-Clause */

/*
 * The section "detect": one row for each threshold, in the order of struct detect_config, then
 * who decides.
 */

#include <string.h>

#include "config/table.h"
#include "psl/list.h"

#define DETECT(name, lowest, highest, unit_, what_) \
	{ \
		.path = "detect." #name, .kind = CONFIG_KIND(struct config, detect.name), \
		.offset = offsetof(struct config, detect.name), .min = (lowest), .max = (highest), \
		.unit = (unit_), .what = (what_) \
	}

#define COUNT_MAX 1000000
#define DAYS_7 604800

static const char *const scorers[SCORER_COUNT] = {
	[SCORER_RULES] = "rules",
	[SCORER_MODEL] = "model",
};

static const char *domain_wrong(const char *text)
{
	struct dns_name name;
	const char *wrong = psl_list_name(text, strlen(text), &name);

	return !wrong && name.labels < 2 ? "expected a domain such as \"ntp.org\"" : wrong;
}

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
	DETECT(min_moving_ns_addresses, 0, COUNT_MAX, "",
		"Name servers alone in flux: their distinct addresses."),
	DETECT(min_moving_ns_networks, 0, COUNT_MAX, "",
		"Name servers alone in flux: distinct networks of these."),
	DETECT(min_ns_transient, 0, COUNT_MAX, "",
		"Name servers alone in flux: addresses that came and went for good."),
	DETECT(min_ns_departures, 0, COUNT_MAX, "",
		"Name servers alone in flux: different times at which these went."),
	DETECT(max_still_addresses, 0, COUNT_MAX, "",
		"Name servers alone in flux: the domain's own addresses, at most."),
	DETECT(max_still_growth, 0, 1, "",
		"Name servers alone in flux: growth exponent of its own addresses, at most."),
	DETECT(min_glue_in_pool, 0, COUNT_MAX, "",
		"Glue: addresses that serve the domain and its name servers."),
	DETECT(min_shared_units, 0, COUNT_MAX, "",
		"Sharing: addresses in common with an unrelated domain."),
	DETECT(min_shared_networks, 0, COUNT_MAX, "", "Sharing: networks that these lie in."),
	DETECT(min_siblings, 0, COUNT_MAX, "", "Sharing: unrelated domains that share as widely."),
	DETECT(min_own_addresses, 0, COUNT_MAX, "",
		"Own subscribers: addresses of theirs, by networks.own."),
	DETECT(max_own_share, 0, 1, "",
		"Own subscribers: share of the addresses, at most; above it the name is the "
		"operator's."),
	DETECT(min_eyeball_share, 0, 1, "",
		"Households: share of the addresses in networks of theirs, by networks.eyeballs; "
		"the "
		"lower end of what it may be."),
	DETECT(min_networks_at_once, 0, COUNT_MAX, "",
		"Open population: networks in the same five minutes, over an hour."),
	DETECT(min_brief_seconds, 0, DAYS_7, "s",
		"Open population: observed at least so long before it counts over an hour."),
	DETECT(min_open_seconds, 0, DAYS_7, "s",
		"Open population: observed at least so long before it counts over a day."),
	DETECT(min_open_ratio, 0, COUNT_MAX, "",
		"Open population: how much oftener an address returns soon than late."),
	DETECT(min_open_evidence, 0, COUNT_MAX, "nats",
		"Open population: evidence against a fixed pool."),
	DETECT(min_passing_names, 0, COUNT_MAX, "", "Hosts in passing: host names."),
	DETECT(min_names_per_address, 0, COUNT_MAX, "",
		"Hosts in passing: host names for each address."),
	DETECT(min_passing_share, 0, 1, "",
		"Hosts in passing: share of the addresses that served several names."),
	DETECT(min_passing, 0, 1, "",
		"Hosts in passing: share of the addresses that did not come back."),
	DETECT(min_passing_growth, 0, 1, "", "Hosts in passing: growth exponent."),
	DETECT(min_passing_epochs, 0, COUNT_MAX, "", "Hosts in passing: answers a TTL apart."),
	DETECT(min_history, 0, DAYS_7, "s",
		"New name: the sensor had watched at least so long when it was first answered."),
	DETECT(max_new_age, 0, DAYS_7, "s", "New name: first answered so long ago, at most."),
	DETECT(min_new_epochs, 0, COUNT_MAX, "", "New name: answers a time to live apart."),
	DETECT(max_slow_answer, 1, 63, "", "Slow flux: addresses in an answer, at most."),
	DETECT(max_slow_per_hour, 0, COUNT_MAX, "", "Slow flux: addresses an hour, at most."),
	DETECT(min_slow_epochs, 0, COUNT_MAX, "", "Slow flux: answers a time to live apart."),
	DETECT(min_slow_growth, 0, 1, "", "Slow flux: growth exponent over the window."),
	DETECT(min_never_return, 0, 1, "", "Slow flux: share of addresses that did not come back."),
	DETECT(min_vps_addresses, 2, COUNT_MAX, "", "Few networks: distinct addresses."),
	DETECT(min_vps_networks, 1, COUNT_MAX, "", "Few networks: distinct ones."),
	DETECT(max_vps_top_share, 0, 1, "", "Few networks: share of the largest, at most."),
	DETECT(max_vps_answer, 1, 63, "", "Few networks: addresses in an answer, at most."),
	DETECT(min_host_networks, 1, COUNT_MAX, "",
		"Networks that one host name alone was in: not as many names as addresses."),
	DETECT(min_host_share, 0, 1, "",
		"Share of all its networks that these are, where a domain has many host names."),
	DETECT(min_names_share, 0, 1, "",
		"Share of the addresses that served more than one host name, in place of "
		"min_host_networks: a wildcard."),
	DETECT(max_contested_share, 0, 1, "",
		"Share of the epochs in which answers to a query disagreed, at most; above it a "
		"domain is suspected only."),
	DETECT(min_settled, 0, DAYS_7, "s",
		"Few addresses for so long, and still answered: whatever else is answered for the "
		"same name is suspected only."),
	DETECT(min_settled_beside, 0, COUNT_MAX, "",
		"Other addresses of that name, for min_settled to count."),
	DETECT(min_established, 0, 31536000, "s",
		"Few addresses for so long, and still answered: whatever else is answered below "
		"the domain is suspected only."),
	DETECT(max_server_share, 0, 1, "",
		"Share of the addresses that one server alone attests, at most, unless it serves "
		"many names."),
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
	{.path = "detect.scorer",
		.kind = CONFIG_CHOICE,
		.choices = scorers,
		.choice_count = SCORER_COUNT,
		.offset = offsetof(struct config, scorer.by),
		.unit = "",
		.what = "Who decides over a window; the model needs a file."},
	{.path = "detect.model",
		.kind = CONFIG_TEXT,
		.offset = offsetof(struct config, model_path),
		.size = CONFIG_PATH_MAX,
		.unit = "",
		.what = "Model file whose probability stands beside the score of the rules; empty: "
			"none."},
	{.path = "detect.popular",
		.kind = CONFIG_TEXT,
		.offset = offsetof(struct config, popular_path),
		.size = CONFIG_PATH_MAX,
		.unit = "",
		.what = "File with a list of popular domains, which are suspected at most; empty: "
			"none."},
	{.path = "detect.infrastructure",
		.kind = CONFIG_TEXTS,
		.offset = offsetof(struct config, infrastructure),
		.size = CONFIG_DOMAIN_MAX,
		.count = offsetof(struct config, infrastructure_count),
		.max = CONFIG_INFRASTRUCTURE_MAX,
		.unit = "",
		.what = "Domains whose pools rotate by design; they are never flagged.",
		.wrong = domain_wrong},
};

const struct config_table config_detect_table = {
	.rows = rows,
	.count = sizeof(rows) / sizeof(rows[0]),
};
