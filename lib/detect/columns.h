/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

/*
 * The features by name: the one list that the export, the saved state and the model
 * follow. Saved verdicts hold features by their place here: new ones go to the end.
 */

#include <string.h>

#include "detect/detect.h"

#define FEATURE_COLUMNS(X) \
	X(seconds) \
	X(addresses) \
	X(networks) \
	X(effective_networks) \
	X(top_network_share) \
	X(aggregates) \
	X(effective_aggregates) \
	X(asn_known) \
	X(countries) \
	X(ttl_max) \
	X(fresh_epochs) \
	X(growth) \
	X(novelty) \
	X(new_per_epoch) \
	X(per_hour) \
	X(never_return) \
	X(coverage) \
	X(host_names) \
	X(pairs) \
	X(names_share) \
	X(host_networks) \
	X(host_share) \
	X(answer_max) \
	X(ns_addresses) \
	X(ns_networks) \
	X(ns_names) \
	X(glue_in_pool) \
	X(shared_units) \
	X(shared_networks) \
	X(siblings) \
	X(open_ratio) \
	X(open_evidence) \
	X(ns_changes) \
	X(ns_ttl) \
	X(owned_share) \
	X(sample_share) \
	X(paired_share) \
	X(contested_share) \
	X(servers) \
	X(top_server_share) \
	X(history) \
	X(age) \
	X(own_addresses) \
	X(own_share) \
	X(settled) \
	X(settled_beside) \
	X(ns_transient) \
	X(ns_departures) \
	X(ns_server_share) \
	X(ttl_cached) \
	X(networks_at_once) \
	X(eyeball_share) \
	X(eyeball_least)

enum feature_column {
#define X(name) FEATURE_##name,
	FEATURE_COLUMNS(X)
#undef X
		FEATURE_COUNT
};

/* The two members that are no doubles, first and last, are padded to one each. */
_Static_assert(sizeof(struct features) == (FEATURE_COUNT + 2) * sizeof(double),
	"a feature is not in the list");

/* Names of the members, by enum feature_column. */
extern const char *const feature_names[FEATURE_COUNT];
extern const size_t feature_offsets[FEATURE_COUNT];

static inline double feature_get(const struct features *f, unsigned column)
{
	double v;

	memcpy(&v, (const char *)f + feature_offsets[column], sizeof(v));
	return v;
}

static inline void feature_set(struct features *f, unsigned column, double v)
{
	memcpy((char *)f + feature_offsets[column], &v, sizeof(v));
}
