/* SPDX-License-Identifier: BSD-3-Clause */

#include <stddef.h>

#include "shard/account.h"

_Static_assert(sizeof(struct account) % sizeof(uint64_t) == 0, "an account is words only");

void account_add(struct account *into, const struct account *from)
{
	uint64_t *to = (uint64_t *)into;
	const uint64_t *add = (const uint64_t *)from;

	for (size_t i = 0; i < sizeof(*into) / sizeof(uint64_t); i++)
		to[i] += add[i];
}

static uint64_t sum(const uint64_t *v, unsigned n)
{
	uint64_t total = 0;

	for (unsigned i = 0; i < n; i++)
		total += v[i];
	return total;
}

uint64_t account_fragments(const struct account *a)
{
	return a->rx[WIRE_FRAGMENT_V4] + a->rx[WIRE_FRAGMENT_V6] + a->whole[WIRE_FRAGMENT_V4] +
	       a->whole[WIRE_FRAGMENT_V6];
}

uint64_t account_segments(const struct account *a)
{
	return a->rx[WIRE_TCP_DNS] + a->whole[WIRE_TCP_DNS];
}

uint64_t account_messages(const struct account *a)
{
	return a->rx[WIRE_DNS] + a->whole[WIRE_DNS] + a->tcp_messages;
}

uint64_t account_queries(const struct account *a)
{
	return sum(a->query, QUERY_FATE_COUNT);
}

uint64_t account_responses(const struct account *a)
{
	return sum(a->response, RESPONSE_FATE_COUNT);
}

uint64_t account_not_dns(const struct account *a)
{
	return sum(a->not_dns, NOT_DNS_REASON_COUNT);
}

static uint64_t difference(uint64_t a, uint64_t b)
{
	return a > b ? a - b : b - a;
}

uint64_t account_error(const struct account *a)
{
	uint64_t messages =
		account_queries(a) + account_responses(a) + account_not_dns(a) + a->early_held;

	return difference(a->received, sum(a->rx, WIRE_VERDICT_COUNT)) +
	       difference(account_fragments(a),
		       sum(a->fragment, FRAGMENT_FATE_COUNT) + a->fragments_held) +
	       difference(a->datagrams, sum(a->whole, WIRE_VERDICT_COUNT)) +
	       difference(account_segments(a), sum(a->segment, SEGMENT_FATE_COUNT)) +
	       difference(a->tcp_octets, sum(a->tcp_octet, OCTET_FATE_COUNT) + a->tcp_octets_held) +
	       difference(account_messages(a), messages) +
	       difference(a->early_responses, sum(a->early, EARLY_FATE_COUNT) + a->early_held) +
	       difference(a->declared, sum(a->record, RECORD_FATE_COUNT)) +
	       difference(a->updates, sum(a->table, TABLE_FATE_COUNT));
}

#define NAME2(name, text) [name] = text,
#define NAME3(name, text, flag) [name] = text,
#define FLAG3(name, text, flag) [name] = flag,

const char *fragment_fate_name(enum fragment_fate f)
{
	static const char *const names[FRAGMENT_FATE_COUNT] = {FRAGMENT_FATES(NAME2)};
	return names[f];
}

const char *segment_fate_name(enum segment_fate f)
{
	static const char *const names[SEGMENT_FATE_COUNT] = {SEGMENT_FATES(NAME2)};
	return names[f];
}

const char *octet_fate_name(enum octet_fate f)
{
	static const char *const names[OCTET_FATE_COUNT] = {OCTET_FATES(NAME2)};
	return names[f];
}

const char *query_fate_name(enum query_fate f)
{
	static const char *const names[QUERY_FATE_COUNT] = {QUERY_FATES(NAME2)};
	return names[f];
}

const char *response_fate_name(enum response_fate f)
{
	static const char *const names[RESPONSE_FATE_COUNT] = {RESPONSE_FATES(NAME3)};
	return names[f];
}

bool response_fate_is_evidence(enum response_fate f)
{
	static const bool without[RESPONSE_FATE_COUNT] = {RESPONSE_FATES(FLAG3)};
	return !without[f];
}

const char *early_fate_name(enum early_fate f)
{
	static const char *const names[EARLY_FATE_COUNT] = {EARLY_FATES(NAME2)};
	return names[f];
}

const char *not_dns_reason_name(enum not_dns_reason r)
{
	static const char *const names[NOT_DNS_REASON_COUNT] = {NOT_DNS_REASONS(NAME2)};
	return names[r];
}

const char *record_fate_name(enum record_fate f)
{
	static const char *const names[RECORD_FATE_COUNT] = {RECORD_FATES(NAME2)};
	return names[f];
}

const char *table_fate_name(enum table_fate f)
{
	static const char *const names[TABLE_FATE_COUNT] = {TABLE_FATES(NAME3)};
	return names[f];
}

bool table_fate_is_denied(enum table_fate f)
{
	static const bool denied[TABLE_FATE_COUNT] = {TABLE_FATES(FLAG3)};
	return denied[f];
}

const char *account_note_name(enum account_note n)
{
	static const char *const names[ACCOUNT_NOTE_COUNT] = {NOTE_COUNTS(NAME2)};
	return names[n];
}
