/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

/*
 * Reassembly of IPv4 and IPv6 fragments in fixed memory, one table per worker.
 *
 * A datagram is told by its addresses, identification and, in IPv4, protocol. Both legs
 * of a tap may bring each fragment twice, in any order: octets that are there already must
 * be the same ones, or the whole datagram is refused (RFC 5722; whoever overlaps with other
 * octets wants two readers to read two things). Datagrams whose first fragment shows ports
 * that are none of ours are not kept.
 *
 * Each fragment is counted once, by its fate, or is held; time is the packets' own.
 */

#include "base/hash.h"
#include "shard/account.h"
#include "wire/wire.h"

#define FRAGMENT_DATAGRAM_MAX 16384u /* octets behind the IP header; larger ones are refused */
#define FRAGMENT_PARTS_MAX 64u       /* fragments of one datagram */

struct fragment_table;

/* Octets for `datagrams` (1..SLOTS_MAX) at a time, 16.4 KiB each. */
size_t fragment_size(uint32_t datagrams);

/* `mem` is 64-octet aligned and owned by the caller. */
struct fragment_table *fragment_init(
	void *mem, uint32_t datagrams, uint32_t timeout_ms, struct hash_key key);

/*
 * Takes the fragment `p` (verdict WIRE_FRAGMENT_*), whose data is copied. True when its datagram
 * is whole: *whole is then ready for wire_decode_whole, and its pointers are valid until
 * the next fragment_release.
 */
bool fragment_add(struct fragment_table *t, const struct wire_config *wire,
	const struct wire_packet *p, uint64_t now_ms, struct account *a, struct wire_packet *whole);

/* Gives the memory of whole datagrams back. Before the next frame's first fragment_add. */
void fragment_release(struct fragment_table *t);

/* Lets datagrams go that are older than the timeout. After fragment_release. */
void fragment_expire(struct fragment_table *t, uint64_t now_ms, struct account *a);

/* Fragments that wait for others now. */
uint64_t fragment_held(const struct fragment_table *t);
