/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

/*
 * What single steps are measured on: a number of responses out of a capture and the tables that
 * such a number needs. Frames lie apart in memory as in fluxbench's port, tables are filled in
 * the order of hashes; only the list of items is walked in order.
 */

#include "cli/exit.h"
#include "detect/detect.h"
#include "dns/dns.h"
#include "match/match.h"
#include "networks/suffix.h"
#include "shard/shard.h"
#include "store/store.h"
#include "wire/wire.h"

/* One response; every item has a key of its own, whatever its name is. */
struct item {
	const uint8_t *frame;
	uint64_t key; /* of the registered domain, as it were */
	uint64_t transaction;
	uint64_t unit;
	uint32_t frame_len;
	uint16_t message; /* offset in the frame */
	uint16_t message_len;
	uint8_t question_len; /* of the name, octets */
	uint8_t domain;       /* where the registered domain begins in it */
};

struct bed {
	uint32_t items;   /* a power of two */
	uint32_t tracked; /* domains with a full record */
	struct item *item;
	struct dns_name *name; /* of each item's question, decoded */
	uint8_t *frames;
	uint32_t slot; /* octets of a frame's place */
	struct wire_config wire;
	const struct psl *psl;
	struct match *match;
	struct shard *shard;  /* holds all items */
	struct shard *other;  /* the same, each with another address */
	struct shard *misses; /* of the same size, cleared before each pass */
	struct shard *full;   /* smaller, and filled up by others */
	struct store *fresh;  /* for merges; memory behind it is fresh_memory */
	void *fresh_memory;
	struct store *store; /* holds the tracked domains */
	struct domain **domain;
	struct detector *detector;
	uint32_t now;   /* seconds since 1970 */
	uint64_t sink;  /* keeps what is computed for its time alone */
	uint64_t amiss; /* steps that did not do what they were meant to */
};

extern const struct hash_key bed_placement, bed_sketch;
extern const struct net_lookup bed_networks;

struct store_config bed_store_config(const struct bed *b);

/* Observation of item i with an address that `which` tells apart; points into the item's frame. */
struct shard_observation bed_observation(
	const struct bed *b, const struct item *i, unsigned which, uint64_t *unit);

/* Lays the bed out. 0, or -errno and one line in err: no capture, no response in it, no memory. */
int bed_make(struct bed *b, uint32_t items, const char *capture, const struct psl *psl,
	char err[ERROR_LINE_MAX]);

void bed_free(struct bed *b);
