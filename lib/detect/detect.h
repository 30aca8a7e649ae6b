/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

/*
 * From a tracked domain to a verdict that explains itself.
 *
 *   features_compute   numbers over one window, from the domain's sample
 *   detect_judge       rules over the windows, hysteresis, the score
 *
 * Every rule is a conjunction of clauses; a clause compares one feature with
 * one threshold of the configuration. A verdict lists each clause of the rule
 * that raised it with value, threshold and words, so "why" needs no second
 * computation. Sources of features and thresholds: docs/detection.md.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "store/store.h"

/* X(enumerator, name in JSON and metrics) */
#define FLUX_CLASSES(X)                                                                            \
	X(FLUX_NONE, "none")                                                                       \
	X(FLUX_SINGLE, "single_flux")                                                              \
	X(FLUX_DOUBLE, "double_flux")                                                              \
	X(FLUX_LOW_SLOW, "low_slow")                                                               \
	X(FLUX_VPS, "vps_flux")                                                                    \
	X(FLUX_NS, "ns_flux")

enum flux_class {
#define X(name, text) name,
	FLUX_CLASSES(X)
#undef X
	FLUX_CLASS_COUNT
};

/* X(enumerator, name) */
#define FLUX_WINDOWS(X)                                                                            \
	X(WINDOW_1H, "1h")                                                                         \
	X(WINDOW_24H, "24h")

enum flux_window {
#define X(name, text) name,
	FLUX_WINDOWS(X)
#undef X
	FLUX_WINDOW_COUNT
};

/* What is known of a domain over one window. Counts are estimates where the sample is not complete. */
struct features {
	enum flux_window window;
	double seconds;		/* min(window, time since the domain's first response) */
	double addresses;	/* distinct address units */
	double networks;	/* distinct networks in the sample (ASN, or aggregate without one) */
	double effective_networks; /* 1 / sum p^2 over distinct units by network */
	double top_network_share;  /* largest p */
	double aggregates;	/* distinct /16 (IPv6: /32) in the sample */
	double countries;	/* distinct known countries in the sample */
	double ttl_max;		/* seconds */
	double fresh_epochs;	/* TTL epochs with an answer of their own */
	double growth;		/* beta = ln(N_T / mean N_T/4) / ln 4, 0..1 */
	double novelty;		/* share of the window's addresses that were new in its second half */
	double new_per_epoch;	/* new addresses a fresh epoch after the first */
	double coverage;	/* Good-Turing 1 - f1 / draws; draws are epochs of an address */
	double host_names;
	double pairs;		/* (host name, address) */
	double answer_max;
	double ns_addresses;
	double ns_networks;
	double ns_changes;
	double glue_in_pool;	/* addresses that also serve as the domain's name servers' */
	double sample_share;	/* share of the addresses that the sample holds, 0..1 */
	double paired_share;	/* share of sampled addresses attested by a paired response */
};

/* All thresholds are configuration; detect_defaults gives docs/detection.md's. */
struct detect_config;

#define VERDICT_REASONS_MAX 16u
#define VERDICT_SAMPLE_MAX 32u

/* One clause of the rule that raised the verdict, or a term of the score. */
struct reason {
	const char *code; /* stable, lower-case, static */
	double value;
	double threshold;
	char text[120]; /* a sentence for a person */
};

/* A flagged domain as of one epoch: plain data, copied into the snapshot. */
struct verdict {
	uint64_t key;
	enum flux_class class;
	enum flux_window window; /* the window whose rule spoke */
	bool suspected;
	double score;	   /* 0..100 */
	double confidence; /* 0..1 */
	uint32_t first_flagged; /* seconds since 1970 */
	uint32_t first_seen;
	uint32_t last_seen;
	struct features features;
	unsigned reasons;
	unsigned samples;
	uint8_t name_len;
	uint8_t name[DNS_NAME_MAX]; /* registered domain, lower-case wire form */
	struct reason reason[VERDICT_REASONS_MAX];
	struct domain_item sample[VERDICT_SAMPLE_MAX]; /* newest last_seen first */
};

const char *flux_class_name(enum flux_class c);
const char *flux_window_name(enum flux_window w);
