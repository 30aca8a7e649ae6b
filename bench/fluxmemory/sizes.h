/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

/* Stores for different numbers of domains: what each takes, and what a merge's entry costs. */

#include "fluxbench/rounds.h"
#include "fluxmemory/keeper.h"

/* Octets of a store, by what they grow with. */
struct octets {
	size_t door;
	size_t candidates;
	size_t records; /* full records, their lists, ledgers and their part of the reverse view */
	size_t fixed;
	size_t total; /* what the store asks for */
};

/*
 * Found from outside: by how much the store's demand changes with each number of the
 * configuration. So nothing that grows with the number of domains can be left out.
 */
struct octets octets_of(const struct store_config *c);

/* X(enumerator, name in JSON); in the order in which they are run */
#define PHASES(X) \
	X(PHASE_NEW, "new, first address") \
	X(PHASE_WAITING, "known, one address") \
	X(PHASE_INSERTED, "new, second address") \
	X(PHASE_CANDIDATE, "known, candidate") \
	X(PHASE_PROMOTED, "promoted") \
	X(PHASE_RECORD, "known, full record")

#define PHASE_ENUM(name, text) name,
enum phase { PHASES(PHASE_ENUM) PHASE_COUNT };

const char *phase_name(enum phase p);

struct size_result {
	uint64_t domains;
	struct store_config config;
	struct octets octets;
	uint64_t entries[PHASE_COUNT];       /* of a round */
	struct rounds merge_ns[PHASE_COUNT]; /* an entry; `cycles` holds ns */
	struct rounds judge_ns;              /* a full record touched, as above */
	struct store_account account;        /* of the last round, at its end */
	uint64_t strayed; /* entries of all rounds that met another fate than their phase's */
	uint64_t denied;  /* domains of all rounds that the shard had no room for */
	uint64_t error;   /* of identities */
};

/*
 * One round: an empty store, then all phases, `live` domains an epoch at most. 0, or -ENOMEM;
 * -EINVAL when so many entries strayed that the figures would be of something else.
 */
int size_round(struct size_result *r, uint64_t domains, uint64_t live);
