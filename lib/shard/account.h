/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

/*
 * The counters that ride with a shard, and the identities that hold over them.
 *
 *   rx       received = sum of rx[]                      (each frame one verdict)
 *   dns      rx[WIRE_DNS] = queries + responses + not_dns
 *   records  declared = sum of records[]
 *   table    updates = hit + inserted + denied{reason}
 *
 * Each side of an identity is counted in a different place, so that a lost or a
 * doubled item shows. Plain words: one writer owns the shard at any time.
 */

#include <stdbool.h>
#include <stdint.h>

#include "wire/wire.h"

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
	X(NOTE_VLAN, "vlan") \
	X(NOTE_IPV6, "ipv6")

#define ACCOUNT_ENUM2(name, text) name,
#define ACCOUNT_ENUM3(name, text, flag) name,
enum query_fate { QUERY_FATES(ACCOUNT_ENUM2) QUERY_FATE_COUNT };
enum response_fate { RESPONSE_FATES(ACCOUNT_ENUM3) RESPONSE_FATE_COUNT };
enum not_dns_reason { NOT_DNS_REASONS(ACCOUNT_ENUM2) NOT_DNS_REASON_COUNT };
enum record_fate { RECORD_FATES(ACCOUNT_ENUM2) RECORD_FATE_COUNT };
enum table_fate { TABLE_FATES(ACCOUNT_ENUM3) TABLE_FATE_COUNT };
enum account_note { NOTE_COUNTS(ACCOUNT_ENUM2) ACCOUNT_NOTE_COUNT };

struct account {
	uint64_t received; /* frames taken from the source */
	uint64_t octets;   /* of these, on the wire */
	uint64_t rx[WIRE_VERDICT_COUNT];
	uint64_t query[QUERY_FATE_COUNT];
	uint64_t response[RESPONSE_FATE_COUNT];
	uint64_t not_dns[NOT_DNS_REASON_COUNT];
	uint64_t declared; /* records that response headers promise */
	uint64_t record[RECORD_FATE_COUNT];
	uint64_t updates; /* observations offered to the table */
	uint64_t table[TABLE_FATE_COUNT];
	uint64_t note[ACCOUNT_NOTE_COUNT];
};

/* into += from, word by word. */
void account_add(struct account *into, const struct account *from);

uint64_t account_queries(const struct account *a);
uint64_t account_responses(const struct account *a);
uint64_t account_not_dns(const struct account *a);

/* Sum over the identities of |left - right|; 0 when every item was counted once. */
uint64_t account_error(const struct account *a);

/* Names for JSON and metrics; static storage. */
const char *query_fate_name(enum query_fate f);
const char *response_fate_name(enum response_fate f);
bool response_fate_is_evidence(enum response_fate f);
const char *not_dns_reason_name(enum not_dns_reason r);
const char *record_fate_name(enum record_fate f);
const char *table_fate_name(enum table_fate f);
bool table_fate_is_denied(enum table_fate f);
const char *account_note_name(enum account_note n);
