/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

/*
 * The evidence of a plain answer (dns/plain.h) that holds but addresses of its question name,
 * and perhaps EDNS; the same as evidence_extract's. In two steps, for two passes over a burst.
 */

#include "base/dns64.h"
#include "dns/lower.h"
#include "dns/plain.h"
#include "sensor/owner.h"

/*
 * Addresses of a response with rcode 0, class IN and answers. Sets all of `out` but its owner,
 * for which there is room, takes the arena's room and counts the records. False, with nothing
 * taken or counted: other records, or not whole.
 */
static inline bool plain_addresses(const struct sensor_config *config, const uint8_t *msg,
	uint32_t len, const struct dns_plain *p, struct evidence_arena *arena,
	struct account *account, struct evidence *out)
{
	/* Owner 0xC00C, type and class, as they stand in memory. */
	const uint64_t head = load_u64("\xff\xff\xff\xff\xff\xff\0");
	const uint64_t a = load_u64("\xc0\x0c\0\1\0\1\0");
	const uint64_t aaaa = load_u64("\xc0\x0c\0\x1c\0\1\0");
	uint64_t *unit = arena->word + arena->words;
	uint32_t at = p->records, used = 0, ttl_max = 0, digest = 0;

	if (unlikely(p->nscount || p->ancount > DNS_PLAIN_RECORDS || p->arcount > 1))
		return false;
	for (unsigned i = 0; i < p->ancount; i++) {
		if (unlikely(at + 16 > len))
			return false;
		uint64_t u, kind = load_u64(msg + at) & head;
		uint32_t ttl = load_be32(msg + at + 6), rdlen = load_be16(msg + at + 10);

		if (likely(kind == a && rdlen == 4))
			u = address_unit_v4(msg + at + 12);
		else if (kind == aaaa && rdlen == 16 && at + 28 <= len)
			u = dns64_unit(&config->dns64, msg + at + 12);
		else
			return false;
		at += 12 + rdlen;
		if (unlikely(u == ADDRESS_NONE))
			continue;
		ttl = ttl >> 31 ? 0 : ttl;
		ttl_max = ttl > ttl_max ? ttl : ttl_max;
		digest += (uint32_t)(hash_u64(u, config->sketch) >> 32);
		unit[used++] = u;
	}
	if (p->arcount && unlikely(at + 1 + DNS_RECORD_FIXED > len || msg[at] != 0 ||
				   load_be16(msg + at + 1) != DNS_TYPE_OPT ||
				   at + 1 + DNS_RECORD_FIXED + load_be16(msg + at + 9) > len))
		return false;
	account->declared += p->ancount + p->arcount;
	account->record[RECORD_USED] += used;
	account->record[RECORD_SPECIAL] += p->ancount - used;
	account->record[RECORD_TYPE] += p->arcount;
	out->owner = arena->owner + arena->owners;
	out->unit = out->ns_name = out->ns_unit = unit;
	out->ttl = ttl_max;
	out->ns_ttl = 0;
	out->digest = digest;
	out->owners = 0;
	out->units = (uint8_t)used;
	out->ns_names = out->ns_units = 0;
	arena->owners++;
	arena->words += used;
	return true;
}

/* Its question name, lower-cased; its labels stand there already. */
static inline void plain_name(
	const uint8_t *msg, uint32_t len, const struct dns_plain *p, struct dns_name *name)
{
	name->len = p->name_len;
	name->labels = p->labels;
	dns_lower_wide(name->wire, msg + DNS_HEADER_LEN, p->name_len, len - DNS_HEADER_LEN);
}

/*
 * Its registered domain, which stays in `name`. Returns what is known of the response's fate
 * then: RESPONSE_PAIRED when there is evidence.
 */
static inline enum response_fate plain_owner(
	const struct sensor_config *config, const struct dns_name *name, struct evidence *out)
{
	if (unlikely(out->units == 0))
		return RESPONSE_SPECIAL;
	int label = psl_registered(config->psl, name);
	if (unlikely(label < 0))
		return RESPONSE_SUFFIX;
	owner_set(out->owner, config, name, label, owner_key(config, name, label),
		name->wire + name->label[label]);
	out->owner->asked = out->owner->owns = 1;
	out->owners = 1;
	return RESPONSE_PAIRED;
}
