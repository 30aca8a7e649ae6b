/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

/*
 * Which worker a frame belongs to, where the network card cannot say: by the innermost
 * addresses, the same for both directions of an exchange and for whatever encapsulation
 * either of them has. All fragments of a datagram go to one worker: that of the
 * exchange inside, where the first fragment to arrive shows it.
 *
 * One writer: a spreader has one of its own.
 */

#include "base/hash.h"
#include "wire/wire.h"

#define SPREAD_DATAGRAMS 4096u /* whose fragments are remembered */

struct spread {
	const struct wire_config *wire;
	struct hash_key key;
	unsigned workers;
	struct {
		uint64_t key; /* of the datagram */
		uint32_t hash;
		bool begun; /* its first fragment was there */
	} datagram[SPREAD_DATAGRAMS];
};

/* workers >= 1; `wire` must outlive its use. The key is fixed in a replay, else random. */
void spread_init(
	struct spread *s, const struct wire_config *wire, struct hash_key key, unsigned workers);

/* 0..workers-1; frames without addresses go to 0. */
unsigned spread_worker(struct spread *s, enum wire_link link, const uint8_t *data, uint32_t caplen,
	uint32_t wirelen);
