/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

/*
 * How much DNS passes by that cannot be read: distinct flows to encrypted resolvers, and
 * distinct clients of these and of plain DNS, in one epoch.
 *
 * Sketches of 64 registers, so estimates with 13 % standard error; merged by maximum.
 * They hold keyed hashes, no address leaves the worker.
 */

#include "base/hash.h"
#include "shard/account.h"
#include "sketch/hll.h"
#include "wire/wire.h"

/* X(enumerator, verdict, name in JSON and metrics) */
#define VISIBILITY_TRANSPORTS(X) \
	X(VISIBILITY_DOT, WIRE_DOT, "dot") \
	X(VISIBILITY_DOQ, WIRE_DOQ, "doq") \
	X(VISIBILITY_DOH, WIRE_DOH, "doh")

enum visibility_transport {
#define X(name, verdict, text) name,
	VISIBILITY_TRANSPORTS(X)
#undef X
		VISIBILITY_TRANSPORT_COUNT
};

struct visibility {
	struct hll flow[VISIBILITY_TRANSPORT_COUNT]; /* addresses and ports, either direction */
	struct hll encrypted_client;
	struct hll plain_client; /* who sent a query that could be read */
};

/* Adds a packet whose verdict is WIRE_DOT, WIRE_DOQ or WIRE_DOH. */
void visibility_add(struct visibility *v, enum wire_verdict verdict, const struct wire_packet *p,
	struct hash_key key);

/* Hash of one side of a packet. */
static inline uint64_t visibility_hash(
	const uint8_t *addr, unsigned ip_version, struct hash_key key)
{
	if (ip_version == 4)
		return hash_u64(load_u32(addr), key);
	return hash_u64(hash_fold(load_u64(addr) ^ key.a, load_u64(addr + 8) ^ key.b), key);
}

/* Frames of a transport in an account. */
uint64_t visibility_frames(const struct account *a, enum visibility_transport t);

/*
 * The estimated share of clients, 0..1, that were seen with an encrypted resolver; 0 when no
 * client was seen. A client may be seen with plain DNS as well: it counts on both sides.
 */
double visibility_encrypted_share(const struct visibility *v);

void visibility_merge(struct visibility *into, const struct visibility *from);

const char *visibility_transport_name(enum visibility_transport t);
