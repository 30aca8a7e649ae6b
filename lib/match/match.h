/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

/*
 * Pairing of queries and responses, one table per worker.
 *
 * A transaction is client and server address and port, message id, question
 * name in exact case, type and class, hashed to 64 bits with the placement key.
 * The table is a fixed array of cache lines of 8 slots; a query takes a free,
 * expired or else the oldest slot of its line, so memory is fixed and each call
 * touches one line.
 *
 * A response consumes one query. Another one to the same transaction is a
 * duplicate when it says the same and conflicting when it does not: somebody
 * raced the server, or a fluxing name was asked twice (docs/detection.md).
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/hash.h"
#include "dns/dns.h"
#include "wire/wire.h"

struct match;

enum match_result {
	MATCH_PAIRED,
	MATCH_UNPAIRED,
	MATCH_DUPLICATE,
	MATCH_CONFLICTING,
	MATCH_RESULT_COUNT
};

/* What match_query did; NEW and AGAIN store the query, EVICTED lost an unanswered one for it. */
enum match_stored { MATCH_NEW, MATCH_AGAIN, MATCH_EVICTED, MATCH_STORED_COUNT };

/* Longest time between query and response, in milliseconds. */
#define MATCH_TIMEOUT_MS 8000u

/* entries_log2 in 9..26, slots of 8 octets. */
size_t match_size(unsigned entries_log2);

/* Prepares `mem` (64-octet aligned, match_size octets, owned by the caller). */
struct match *match_init(void *mem, unsigned entries_log2);

/*
 * Hash of a question of 16 to 32 octets by the first and the last 16, which may overlap:
 * whatever its length, there is no branch. The length is added to the key, where no octet of
 * the name can take it back.
 */
static inline uint64_t match_question_hash(const uint8_t *p, unsigned len, struct hash_key key)
{
	if (unlikely(len < 16 || len > 32))
		return hash_bytes(p, len, key);
	const uint8_t *end = p + len - 16;
	uint64_t h = hash_fold(
		load_u64(p) ^ key.b, load_u64(p + 8) ^ (key.a + len * 0xa0761d6478bd642fu));

	return hash_fold(load_u64(end) ^ h, load_u64(end + 8) ^ key.b);
}

/*
 * Hash of the transaction that `msg` belongs to, the same for a query and its
 * response. `msg` is the message as on the wire, `name_len` the octets of its
 * question name, which type and class follow; not 0: without a question nothing
 * tells a response to one query from that to another.
 */
static inline uint64_t match_hash(
	const struct wire_packet *pkt, const uint8_t *msg, unsigned name_len, struct hash_key key)
{
	bool response = msg[2] & 0x80;
	const uint8_t *client = response ? pkt->daddr : pkt->saddr;
	const uint8_t *server = response ? pkt->saddr : pkt->daddr;
	uint32_t ports = (uint32_t)pkt->sport << 16 | pkt->dport;
	uint64_t a, b;

	ports = response ? ports >> 16 | ports << 16 : ports;
	if (likely(pkt->ip_version == 4)) {
		a = (uint64_t)load_u32(client) << 32 | load_u32(server);
		b = 0;
	} else {
		a = hash_fold(load_u64(client) ^ key.a, load_u64(client + 8) ^ key.b);
		b = hash_fold(load_u64(server) ^ key.b, load_u64(server + 8) ^ key.a);
	}
	uint64_t h = hash_fold(
		a ^ key.a, ((uint64_t)ports << 32 | (uint64_t)load_be16(msg) << 16) ^ key.b);

	/* Exact case (a forger must guess 0x20 games), with type and class behind the name. */
	uint64_t name = match_question_hash(msg + DNS_HEADER_LEN, name_len + 4u, key);
	return hash_fold(h ^ b, name ^ key.a);
}

/* Asks the cache for the line of h; call it a burst ahead. */
void match_prefetch(const struct match *t, uint64_t h);

/* now_ms: milliseconds of any monotone clock. One cache line touched. */
enum match_stored match_query(struct match *t, uint64_t h, uint64_t now_ms);

/* `answer` is an order-free digest of the response's content; see match_result. */
enum match_result match_response(struct match *t, uint64_t h, uint32_t answer, uint64_t now_ms);

const char *match_result_name(enum match_result r);
