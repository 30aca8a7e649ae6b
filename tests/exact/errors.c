/* SPDX-License-Identifier: BSD-3-Clause */

/* How far the store's features are from the oracle's. */

#include <math.h>
#include <stdio.h>

#include "exact.h"

#define STEPS 1000u /* a thousandth each; what errs by more counts in the last */

/* Not those of tiers, which the oracle has not: sample_share, settled. */
#define FEATURES(X) \
	X(history) \
	X(age) \
	X(seconds) \
	X(addresses) \
	X(networks) \
	X(effective_networks) \
	X(top_network_share) \
	X(networks_at_once) \
	X(aggregates) \
	X(effective_aggregates) \
	X(asn_known) \
	X(countries) \
	X(own_addresses) \
	X(own_share) \
	X(ttl_max) \
	X(ttl_cached) \
	X(fresh_epochs) \
	X(growth) \
	X(novelty) \
	X(new_per_epoch) \
	X(per_hour) \
	X(never_return) \
	X(coverage) \
	X(host_names) \
	X(pairs) \
	X(host_share) \
	X(names_share) \
	X(host_networks) \
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
	X(ns_transient) \
	X(ns_departures) \
	X(ns_server_share) \
	X(ns_ttl) \
	X(owned_share) \
	X(paired_share) \
	X(contested_share) \
	X(servers) \
	X(top_server_share)

enum {
#define X(name) FEATURE_##name,
	FEATURES(X)
#undef X
		FEATURE_COUNT
};

static const char *const names[FEATURE_COUNT] = {
#define X(name) #name,
	FEATURES(X)
#undef X
};

static struct {
	double sum;
	unsigned long n;
	unsigned long step[STEPS + 1];
} error[FEATURE_COUNT];

/* Relative to the exact value; to the other one where that is 0. */
static void error_add(unsigned feature, double store, double oracle)
{
	double base = fabs(oracle) > 1e-9 ? fabs(oracle) : fabs(store);
	double e = base > 1e-9 ? fabs(store - oracle) / base : 0;

	error[feature].sum += e;
	error[feature].n++;
	error[feature].step[e < 1 ? (unsigned)ceil(e * STEPS - 1e-6) : STEPS]++;
}

void errors_add(const struct features *store, const struct features *oracle)
{
#define X(name) error_add(FEATURE_##name, store->name, oracle->name);
	FEATURES(X)
#undef X
}

static double percentile(unsigned feature, double share)
{
	unsigned long n = 0;

	for (unsigned i = 0; i <= STEPS; i++) {
		n += error[feature].step[i];
		if ((double)n >= share * (double)error[feature].n)
			return (double)i / STEPS;
	}
	return 1;
}

void errors_print(FILE *to)
{
	for (unsigned i = 0; i < FEATURE_COUNT; i++)
		fprintf(to, "%s\"%s\": {\"mean\": %.4f, \"p95\": %.3f, \"compared\": %lu}",
			i ? ", " : "", names[i], error[i].n ? error[i].sum / (double)error[i].n : 0,
			percentile(i, 0.95), error[i].n);
}
