/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

/*
 * DNS over TCP (RFC 7766) in fixed memory, one table per worker: two octets of length,
 * then a message, pipelined, cut into segments anywhere.
 *
 * Each direction of a connection is a stream of its own. A message that lies whole in a
 * segment which is next in order is read from the frame; what is incomplete or ahead of order
 * waits in a buffer, of which there are few: they are taken from the stream that has waited
 * longest. Where no SYN was seen, or octets were lost, a stream starts at a segment whose
 * first octets look like a message's.
 *
 * Each segment is counted once, by its fate; each octet of data, too, or is held.
 */

#include "base/hash.h"
#include "shard/account.h"
#include "wire/wire.h"

/*
 * The longest message with its length, and the rest of a jumbo frame that ends it; also how
 * far ahead of order a segment may be.
 */
#define STREAM_WINDOW (2u + UINT16_MAX + 9216u)

/* Ranges of octets ahead of order, in one stream. */
#define STREAM_RANGES_MAX 16u

/* Starts of segments that are remembered in one stream, as places where to go on. */
#define STREAM_STARTS_MAX 32u

/* A hole is given up after so long: later than a retransmission, ms. */
#define STREAM_GAP_MS 2000u

/* A stream that was silent for so long must show the start of a message again, ms. */
#define STREAM_IDLE_MS 120000u

struct stream_table;

/* Octets for `streams` (1..SLOTS_MAX, 96 octets each) and `buffers` (1..SLOTS_MAX, 89.3 KiB). */
size_t stream_size(uint32_t streams, uint32_t buffers);

/* `mem` is 64-octet aligned and owned by the caller. */
struct stream_table *stream_init(
	void *mem, uint32_t streams, uint32_t buffers, struct hash_key key);

/* Takes the segment `p` (verdict WIRE_TCP_DNS). Messages that it completes: stream_next. */
void stream_push(
	struct stream_table *t, const struct wire_packet *p, uint64_t now_ms, struct account *a);

/*
 * The next message that became whole; false when there is none. It lies in the frame or in
 * the table, and is valid until the next call of push or sweep.
 */
bool stream_next(struct stream_table *t, struct account *a, struct wire_packet *out);

/*
 * Gives up one hole that is older than STREAM_GAP_MS, or any when `all` is set. True while there
 * was one: take the messages behind it, and call again.
 */
bool stream_sweep(struct stream_table *t, uint64_t now_ms, bool all, struct account *a);

/* Octets that wait for others now. */
uint64_t stream_held(const struct stream_table *t);
