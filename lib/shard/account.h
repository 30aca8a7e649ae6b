/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

/*
 * The counters that ride with a shard, and the identities that hold over them.
 *
 *   rx         received = sum of rx[]                    (each frame one verdict)
 *   fragments  fragments in rx[] and whole[] = sum of fragment[] + held
 *   datagrams  reassembled = sum of whole[]              (decoded again)
 *   segments   segments in rx[] and whole[] = sum of segment[]
 *   octets     octets of their data = sum of tcp_octet[] + held
 *   dns        datagrams in rx[] and whole[] + messages over TCP
 *                         = queries + responses + not_dns + held
 *   early      responses before their query = sum of early[] + held
 *   records    declared = sum of records[]
 *   table      updates = hit + inserted + denied{reason}
 *
 * Each side of an identity is counted in a different place, so that a lost or a
 * doubled item shows. Plain words: one writer owns the shard at any time.
 */

#include <stdbool.h>
#include <stdint.h>

#include "wire/wire.h"

/*
 * X(enumerator, name): what became of a fragment. USED: its datagram became whole. The other
 * ones were let go: the datagram waited too long, made room for another, contradicted itself
 * or was none of ours.
 */
#define FRAGMENT_FATES(X) \
	X(FRAGMENT_USED, "used") \
	X(FRAGMENT_DUPLICATE, "duplicate") \
	X(FRAGMENT_OTHER_PORT, "other_port") \
	X(FRAGMENT_TIMED_OUT, "timed_out") \
	X(FRAGMENT_EVICTED, "evicted") \
	X(FRAGMENT_CONFLICTING, "conflicting_overlap") \
	X(FRAGMENT_TOO_MANY, "too_many_parts") \
	X(FRAGMENT_TOO_LARGE, "too_large") \
	X(FRAGMENT_INVALID, "invalid") \
	X(FRAGMENT_CUT, "snap_length")

/* X(enumerator, name): what became of a TCP segment of a DNS port. */
#define SEGMENT_FATES(X) \
	X(SEGMENT_IN_ORDER, "in_order") \
	X(SEGMENT_OUT_OF_ORDER, "out_of_order") \
	X(SEGMENT_EMPTY, "without_data") \
	X(SEGMENT_DUPLICATE, "duplicate") \
	X(SEGMENT_UNSYNCHRONISED, "unsynchronised") \
	X(SEGMENT_OUT_OF_WINDOW, "out_of_window")

/* X(enumerator, name): what became of an octet of their data. */
#define OCTET_FATES(X) \
	X(OCTET_MESSAGE, "message") \
	X(OCTET_DUPLICATE, "duplicate") \
	X(OCTET_UNSYNCHRONISED, "unsynchronised") \
	X(OCTET_OUT_OF_WINDOW, "out_of_window") \
	X(OCTET_FRAMING, "framing") \
	X(OCTET_GAP, "gap") \
	X(OCTET_EVICTED, "evicted")

/* X(enumerator, name): what became of a query. */
#define QUERY_FATES(X) \
	X(QUERY_NEW, "new") \
	X(QUERY_AGAIN, "repeated") \
	X(QUERY_EVICTING, "evicted_older") \
	X(QUERY_UNMATCHED, "not_matchable")

/*
 * X(enumerator, name, without evidence). A response with evidence is paired,
 * unpaired, duplicate or conflicting; one without says why.
 */
#define RESPONSE_FATES(X) \
	X(RESPONSE_PAIRED, "paired", 0) \
	X(RESPONSE_UNPAIRED, "unpaired", 0) \
	X(RESPONSE_DUPLICATE, "duplicate", 0) \
	X(RESPONSE_CONFLICTING, "conflicting", 0) \
	X(RESPONSE_RCODE, "rcode", 1) \
	X(RESPONSE_EMPTY, "empty", 1) \
	X(RESPONSE_SPECIAL, "special_addresses", 1) \
	X(RESPONSE_SUFFIX, "public_suffix", 1) \
	X(RESPONSE_QUESTION, "question", 1) \
	X(RESPONSE_CLASS, "class", 1) \
	X(RESPONSE_OPCODE, "opcode", 1) \
	X(RESPONSE_MALFORMED, "malformed", 1)

/*
 * X(enumerator, name): what became of a response that came before any query of its own. But for
 * a paired one it goes on as unpaired.
 */
#define EARLY_FATES(X) \
	X(EARLY_PAIRED, "paired") \
	X(EARLY_EXPIRED, "expired") \
	X(EARLY_EVICTED, "evicted") \
	X(EARLY_TOO_LARGE, "too_large")

/* X(enumerator, name): what became of a message that is no DNS. */
#define NOT_DNS_REASONS(X) \
	X(NOT_DNS_SHORT, "short_header") \
	X(NOT_DNS_OPCODE, "reserved_opcode")

/* X(enumerator, name): what became of a record of a response. */
#define RECORD_FATES(X) \
	X(RECORD_USED, "used") \
	X(RECORD_TYPE, "unused_type") \
	X(RECORD_CLASS, "unused_class") \
	X(RECORD_SECTION, "unused_section") \
	X(RECORD_SPECIAL, "unused_special_address") \
	X(RECORD_RESPONSE, "unused_response") \
	X(RECORD_OUT_OF_CHAIN, "out_of_chain") \
	X(RECORD_CAPPED, "capped") \
	X(RECORD_UNPARSED, "unparsed")

/* X(enumerator, name, denied). */
#define TABLE_FATES(X) \
	X(TABLE_HIT, "hit", 0) \
	X(TABLE_INSERTED, "inserted", 0) \
	X(TABLE_DENIED_FULL, "table_full", 1) \
	X(TABLE_DENIED_NAMES, "name_arena_full", 1)

/* X(enumerator, name): side counts that belong to no identity. */
#define NOTE_COUNTS(X) \
	X(NOTE_DETAIL_DENIED, "detail_pool_full") \
	X(NOTE_TRUNCATED_FLAG, "truncated_flag") \
	X(NOTE_CUT, "cut_by_snap_length") \
	X(NOTE_IPV6, "ipv6")

#define ACCOUNT_ENUM2(name, text) name,
#define ACCOUNT_ENUM3(name, text, flag) name,
enum fragment_fate { FRAGMENT_FATES(ACCOUNT_ENUM2) FRAGMENT_FATE_COUNT };
enum segment_fate { SEGMENT_FATES(ACCOUNT_ENUM2) SEGMENT_FATE_COUNT };
enum octet_fate { OCTET_FATES(ACCOUNT_ENUM2) OCTET_FATE_COUNT };
enum query_fate { QUERY_FATES(ACCOUNT_ENUM2) QUERY_FATE_COUNT };
enum response_fate { RESPONSE_FATES(ACCOUNT_ENUM3) RESPONSE_FATE_COUNT };
enum early_fate { EARLY_FATES(ACCOUNT_ENUM2) EARLY_FATE_COUNT };
enum not_dns_reason { NOT_DNS_REASONS(ACCOUNT_ENUM2) NOT_DNS_REASON_COUNT };
enum record_fate { RECORD_FATES(ACCOUNT_ENUM2) RECORD_FATE_COUNT };
enum table_fate { TABLE_FATES(ACCOUNT_ENUM3) TABLE_FATE_COUNT };
enum account_note { NOTE_COUNTS(ACCOUNT_ENUM2) ACCOUNT_NOTE_COUNT };

struct account {
	uint64_t received; /* frames taken from the source */
	uint64_t octets;   /* of these, on the wire */
	uint64_t rx[WIRE_VERDICT_COUNT];
	uint64_t layer[WIRE_LAYER_COUNT]; /* frames and datagrams that have it */
	uint64_t datagrams;               /* reassembled from fragments */
	uint64_t whole[WIRE_VERDICT_COUNT];
	uint64_t fragment[FRAGMENT_FATE_COUNT];
	uint64_t fragments_held; /* how the number of waiting ones changed, modulo 2^64 */
	uint64_t segment[SEGMENT_FATE_COUNT];
	uint64_t tcp_octets;
	uint64_t tcp_octet[OCTET_FATE_COUNT];
	uint64_t tcp_octets_held; /* as fragments_held */
	uint64_t tcp_messages;
	uint64_t query[QUERY_FATE_COUNT];
	uint64_t response[RESPONSE_FATE_COUNT];
	uint64_t early_responses; /* that were to wait for their query */
	uint64_t early[EARLY_FATE_COUNT];
	uint64_t early_held; /* as fragments_held */
	uint64_t not_dns[NOT_DNS_REASON_COUNT];
	uint64_t declared; /* records that response headers promise */
	uint64_t record[RECORD_FATE_COUNT];
	uint64_t updates; /* observations offered to the table */
	uint64_t table[TABLE_FATE_COUNT];
	uint64_t note[ACCOUNT_NOTE_COUNT];
};

/* into += from, word by word. */
void account_add(struct account *into, const struct account *from);

/* Fragments and segments, whatever became of them, and DNS messages. */
uint64_t account_fragments(const struct account *a);
uint64_t account_segments(const struct account *a);
uint64_t account_messages(const struct account *a);
uint64_t account_queries(const struct account *a);
uint64_t account_responses(const struct account *a);
uint64_t account_not_dns(const struct account *a);

/* Sum over the identities of |left - right|; 0 when every item was counted once. */
uint64_t account_error(const struct account *a);

/* Names for JSON and metrics; static storage. */
const char *fragment_fate_name(enum fragment_fate f);
const char *segment_fate_name(enum segment_fate f);
const char *octet_fate_name(enum octet_fate f);
const char *query_fate_name(enum query_fate f);
const char *response_fate_name(enum response_fate f);
bool response_fate_is_evidence(enum response_fate f);
const char *early_fate_name(enum early_fate f);
const char *not_dns_reason_name(enum not_dns_reason r);
const char *record_fate_name(enum record_fate f);
const char *table_fate_name(enum table_fate f);
bool table_fate_is_denied(enum table_fate f);
const char *account_note_name(enum account_note n);
