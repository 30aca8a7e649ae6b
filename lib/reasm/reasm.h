/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

/*
 * From fragments and segments to DNS messages: what stands between lib/wire and lib/dns
 * for a frame whose verdict is WIRE_FRAGMENT_* or WIRE_TCP_DNS. Datagrams that became
 * whole are decoded again, for there may be a tunnel, a segment or another fragment in them.
 *
 * A worker has one. All memory is taken at the start.
 */

#include "reasm/fragment.h"
#include "reasm/stream.h"

struct reasm_config {
	uint32_t datagrams; /* fragmented ones at a time, 1..2^20 */
	uint32_t fragment_timeout_ms;
	uint32_t streams; /* directions of TCP connections, 1..2^20 */
	uint32_t buffers; /* of these, ones that wait for octets, 1..2^20 */
};

struct reasm;

/* Octets that reasm_init needs; 0 when the configuration is out of range. */
size_t reasm_size(const struct reasm_config *c);

/* `mem` is 64-octet aligned and owned by the caller. */
struct reasm *reasm_init(void *mem, const struct reasm_config *c, struct hash_key key);

static inline bool reasm_wants(enum wire_verdict v)
{
	return v == WIRE_FRAGMENT_V4 || v == WIRE_FRAGMENT_V6 || v == WIRE_TCP_DNS;
}

/* Takes the packet of such a frame; then take its messages by reasm_next. */
void reasm_push(struct reasm *r, const struct wire_config *wire, enum wire_verdict v,
	const struct wire_packet *p, uint64_t now_ms, struct account *a);

/*
 * The next message; false when there is none. It lies in the frame or in reasm's memory and is
 * valid until the next call of reasm_push or reasm_sweep.
 */
bool reasm_next(struct reasm *r, struct account *a, struct wire_packet *out);

/*
 * Lets go what waited too long; with `all` set, whatever waits in streams. Call it now and then,
 * until it is false, taking the messages that come free by reasm_next each time.
 */
bool reasm_sweep(struct reasm *r, uint64_t now_ms, bool all, struct account *a);
