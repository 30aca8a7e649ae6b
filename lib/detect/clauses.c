/* SPDX-License-Identifier: BSD-3-Clause */

/* Clauses: values, thresholds, and the words for them. */

#include <stdio.h>
#include <string.h>

#include "detect/rules.h"

double clause_value(enum clause k, const struct features *f)
{
	switch (k) {
#define X(name, code, feature, least, text) \
	case name: \
		return f->feature;
		CLAUSES(X)
#undef X
	case CLAUSE_COUNT:
		break;
	}
	return 0;
}

double clause_threshold(enum clause k, const struct detect_config *c, enum flux_window w)
{
	switch (k) {
	case CLAUSE_ADDRESSES:
		return c->min_addresses;
	case CLAUSE_NETWORKS:
		return c->min_networks;
	case CLAUSE_EFFECTIVE:
		return c->min_effective_networks;
	case CLAUSE_TOP:
		return c->max_top_network_share;
	case CLAUSE_AGGREGATES:
		return c->min_aggregates;
	case CLAUSE_EFFECTIVE_AGGREGATES:
		return c->min_effective_aggregates;
	case CLAUSE_TTL:
		return c->max_ttl;
	case CLAUSE_OWNED:
		return c->min_owned_share;
	case CLAUSE_FRESH:
		return c->min_fresh_epochs;
	case CLAUSE_NEW:
		return c->min_new_per_epoch;
	case CLAUSE_GROWTH:
		return w == WINDOW_1H ? c->min_growth_1h : c->min_growth_24h;
	case CLAUSE_NOVELTY:
		return c->min_novelty;
	case CLAUSE_NS_ADDRESSES:
		return c->min_ns_addresses;
	case CLAUSE_NS_NETWORKS:
		return c->min_ns_networks;
	case CLAUSE_NS_PER_NAME:
		return c->min_ns_per_name;
	case CLAUSE_NS_CHANGES:
		return c->min_ns_changes;
	case CLAUSE_NS_TTL:
		return c->max_ns_ttl;
	case CLAUSE_MOVING_NS_ADDRESSES:
		return c->min_moving_ns_addresses;
	case CLAUSE_MOVING_NS_NETWORKS:
		return c->min_moving_ns_networks;
	case CLAUSE_NS_TRANSIENT:
		return c->min_ns_transient;
	case CLAUSE_NS_DEPARTURES:
		return c->min_ns_departures;
	case CLAUSE_NS_SERVER:
		return c->max_server_share;
	case CLAUSE_STILL:
		return c->max_still_addresses;
	case CLAUSE_STILL_GROWTH:
		return c->max_still_growth;
	case CLAUSE_GLUE:
		return c->min_glue_in_pool;
	case CLAUSE_SHARED:
		return c->min_shared_units;
	case CLAUSE_SHARED_NETWORKS:
		return c->min_shared_networks;
	case CLAUSE_SIBLINGS:
		return c->min_siblings;
	case CLAUSE_OWN:
		return c->min_own_addresses;
	case CLAUSE_OWN_SHARE:
		return c->max_own_share;
	case CLAUSE_EYEBALL:
		return c->min_eyeball_share;
	case CLAUSE_AT_ONCE:
		return c->min_networks_at_once;
	case CLAUSE_BRIEF_SECONDS:
		return c->min_brief_seconds;
	case CLAUSE_OPEN_SECONDS:
		return c->min_open_seconds;
	case CLAUSE_OPEN_RATIO:
		return c->min_open_ratio;
	case CLAUSE_OPEN_EVIDENCE:
		return c->min_open_evidence;
	case CLAUSE_NAMES:
		return c->min_passing_names;
	case CLAUSE_NAMES_EACH:
		return c->min_names_per_address;
	case CLAUSE_PASSING_SHARE:
		return c->min_passing_share;
	case CLAUSE_PASSING:
		return c->min_passing;
	case CLAUSE_PASSING_GROWTH:
		return c->min_passing_growth;
	case CLAUSE_PASSING_EPOCHS:
		return c->min_passing_epochs;
	case CLAUSE_HISTORY:
		return c->min_history;
	case CLAUSE_AGE:
		return c->max_new_age;
	case CLAUSE_NEW_EPOCHS:
		return c->min_new_epochs;
	case CLAUSE_SMALL:
		return c->small_min_addresses;
	case CLAUSE_SLOW_ANSWER:
		return c->max_slow_answer;
	case CLAUSE_SLOW_RATE:
		return c->max_slow_per_hour;
	case CLAUSE_SLOW_EPOCHS:
		return c->min_slow_epochs;
	case CLAUSE_SLOW_GROWTH:
		return c->min_slow_growth;
	case CLAUSE_NEVER:
		return c->min_never_return;
	case CLAUSE_VPS_ADDRESSES:
		return c->min_vps_addresses;
	case CLAUSE_VPS_NETWORKS:
		return c->min_vps_networks;
	case CLAUSE_VPS_TOP:
		return c->max_vps_top_share;
	case CLAUSE_VPS_ANSWER:
		return c->max_vps_answer;
	case CLAUSE_HOST:
		return c->min_host_networks;
	case CLAUSE_HOST_SHARE:
		return c->min_host_share;
	case CLAUSE_WILDCARD:
		return c->min_names_share;
	case CLAUSE_SETTLED:
		return c->min_settled;
	case CLAUSE_SETTLED_BESIDE:
		return c->min_settled_beside;
	case CLAUSE_ESTABLISHED:
		return c->min_established;
	case CLAUSE_CONTESTED:
		return c->max_contested_share;
	case CLAUSE_SERVERS:
		return c->max_server_share;
	case CLAUSE_COUNT:
		break;
	}
	return 0;
}

bool clause_at_least(enum clause k)
{
	static const bool least[CLAUSE_COUNT] = {
#define X(name, code, feature, least_, text) [name] = least_,
		CLAUSES(X)
#undef X
	};
	return least[k];
}

bool clause_holds(enum clause k, const struct detect_config *c, const struct features *f)
{
	double value = clause_value(k, f), threshold = clause_threshold(k, c, f->window);

	return clause_at_least(k) ? value >= threshold : value <= threshold;
}

void clause_reason(
	enum clause k, const struct detect_config *c, const struct features *f, struct reason *out)
{
	out->value = clause_value(k, f);
	out->threshold = clause_threshold(k, c, f->window);
	switch (k) {
#define X(name, code_, feature, least, text_) \
	case name: \
		out->code = code_; \
		snprintf(out->text, sizeof(out->text), text_, out->value, out->threshold); \
		break;
		CLAUSES(X)
#undef X
	case CLAUSE_COUNT:
		break;
	}
}

const char *clause_spelled(const uint8_t *code, size_t len)
{
	static const char *const codes[CLAUSE_COUNT] = {
#define X(name, code_, feature, least, text) [name] = code_,
		CLAUSES(X)
#undef X
	};
	for (unsigned k = 0; k < CLAUSE_COUNT; k++)
		if (strlen(codes[k]) == len && memcmp(codes[k], code, len) == 0)
			return codes[k];
	return NULL;
}
