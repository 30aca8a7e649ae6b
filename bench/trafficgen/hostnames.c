/* SPDX-License-Identifier: BSD-3-Clause */
#include "hostnames.h"

#include <stdio.h>

#include "pool.h"
#include "rng.h"

#define HOST_TEXT 64

static uint8_t octet(uint64_t value, unsigned int index)
{
	return (uint8_t)(value >> (24 - 8 * index));
}

void name_listed(const struct zone *zone, uint64_t host, struct dns_name *name)
{
	char label[LABEL_TEXT] = "";

	if (host > 1)
		label_make(label, (uint32_t)host, zone->key, LABEL_CORE);
	name_under(name, host == 0 ? "www" : label, &zone->apex);
}

void name_numbered(const struct zone *zone, uint64_t host, struct dns_name *name)
{
	char label[HOST_TEXT];

	snprintf(label, sizeof(label), "%u", (unsigned int)host);
	name_under(name, label, &zone->apex);
}

void name_wildcard(const struct zone *zone, uint64_t host, struct dns_name *name)
{
	uint64_t hash = hash_pair(zone->key, host);
	char label[LABEL_TEXT];

	label_random(label, hash, 6 + (unsigned int)(hash % 7));
	name_under(name, label, &zone->apex);
}

void name_reversed(const struct zone *zone, uint64_t host, struct dns_name *name)
{
	uint64_t hash = hash_pair(zone->key, host);
	char label[HOST_TEXT];

	snprintf(label, sizeof(label), "%u.%u.%u.%u", octet(hash, 0), octet(hash, 1),
		octet(hash, 2), octet(hash, 3));
	name_under(name, label, &zone->apex);
}

void name_dashed(const struct zone *zone, uint64_t host, struct dns_name *name)
{
	uint64_t address = pool_spelled(zone->pool, host).low;
	char label[HOST_TEXT], certificate[LABEL_TEXT];

	label_random(certificate, hash_pair(zone->key, host), 16);
	snprintf(label, sizeof(label), "%u-%u-%u-%u.%s", octet(address, 0), octet(address, 1),
		octet(address, 2), octet(address, 3), certificate);
	name_under(name, label, &zone->apex);
}
