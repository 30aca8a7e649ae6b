/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

/*
 * What a response says: which registered domains, by which host names, have
 * which addresses and name servers. No judgement whether it is to be believed.
 *
 *   chain   the question name and the CNAME targets behind it, in order; the
 *	     addresses at its end are evidence for each registered domain on it
 *   units   A, AAAA and SVCB/HTTPS address hints owned by a name on the chain
 *   ns	     name servers of the question's registered domain and their glue; never
 *	     of a domain on the chain behind it, nor evidence for the registered
 *	     domain of the name server: their owners have no say in this answer
 */

#include "base/hash.h"
#include "dns/dns.h"
#include "psl/psl.h"
#include "shard/account.h"
#include "sensor/sensor.h"
#include "shard/shard.h"

#define EVIDENCE_CHAIN_MAX 8u
#define EVIDENCE_UNITS_MAX 128u
#define EVIDENCE_NS_MAX 16u

struct evidence_owner {
	uint64_t key;        /* hash of the registered domain */
	uint64_t host;       /* hash of the name itself */
	const uint8_t *name; /* registered domain in the arena */
	uint8_t name_len;
	uint8_t ns;    /* the name servers are this one's */
	uint8_t asked; /* the question was for a name of it */
	uint8_t owns;  /* the address records are its names' own, not reached by an alias */
};

/* One response's evidence; pointers lie in the arena until it is reset, or in the sensor. */
struct evidence {
	struct evidence_owner *owner;
	uint64_t *unit;
	uint64_t *ns_name;
	uint64_t *ns_unit;
	uint32_t ttl;    /* largest of the address records */
	uint32_t ns_ttl; /* largest of the NS records */
	uint32_t digest; /* the same for the same set of addresses in any order */
	uint8_t owners;  /* with a registered domain, each registered domain once */
	uint8_t units;
	uint8_t ns_names;
	uint8_t ns_units;
};

/* Room for the evidence of a whole burst, used front to back and reset between bursts. */
struct evidence_arena {
	uint32_t owners, words, octets;
	struct evidence_owner owner[SENSOR_BURST * EVIDENCE_CHAIN_MAX];
	uint64_t word[SENSOR_BURST * (EVIDENCE_UNITS_MAX + 2 * EVIDENCE_NS_MAX)];
	uint8_t octet[SENSOR_BURST * EVIDENCE_CHAIN_MAX *
		      256]; /* 255 used of each: copies overrun */
};

static inline void evidence_reset(struct evidence_arena *a)
{
	a->owners = a->words = a->octets = 0;
}

/*
 * Extracts the evidence of a parsed response. `verdict` is dns_parse's. Counts
 * declared and every record in account. Returns RESPONSE_PAIRED when there is
 * evidence (whether it pairs is not known here), else the reason why not.
 */
enum response_fate evidence_extract(const struct sensor_config *config, const uint8_t *msg,
	uint32_t len, enum dns_verdict verdict, const struct dns_message *m,
	const struct dns_record *rec, struct evidence_arena *arena, struct account *account,
	struct evidence *out);
