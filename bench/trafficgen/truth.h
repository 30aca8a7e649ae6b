/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "families.h"
#include "options.h"

/* What is in the capture, counted while it is made: only what was really written counts. */

struct truth_domain {
	char name[NAME_OCTETS];
	const struct family *family;
	const char *attack; /* not the domain, but what somebody forges about it; NULL else */
	enum flux_class flux_class;
	uint32_t campaign; /* 1..; the domains of one have the same hosts; 0: does not flux */
	uint64_t responses;
	uint64_t first_response; /* seconds since the epoch; 0: none */
	uint64_t *addresses;     /* open-addressing set of /32 and /64, 0 is free; owned */
	size_t address_count, address_room;
	uint64_t networks[NETWORK_COUNT / 64];
};

struct truth {
	struct truth_domain *domains; /* owned */
	size_t domain_count, domain_room;
	uint64_t queries, responses;
	uint64_t background_domains, background_names; /* that had an answer in the capture */
};

/* Adds a family's domain and returns its row, or -ENOMEM. */
int truth_add(struct truth *truth, const struct zone *zone, const struct family *family,
	enum flux_class flux_class, uint32_t campaign);

/* Adds what an attack forges about a zone's domain and returns its row, or -ENOMEM. */
int truth_add_forged(struct truth *truth, const struct zone *zone, const char *attack);

/* An answer of the row's domain was seen at a time (ns). 0 or -ENOMEM. */
int truth_observe(struct truth *truth, int row, const struct network_plan *plan, uint64_t time,
	const struct answer *answer);

/* 0 or -errno. */
int truth_write(const struct truth *truth, const struct options *options, const char *path);

void truth_free(struct truth *truth);
