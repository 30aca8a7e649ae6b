/* SPDX-License-Identifier: BSD-3-Clause */

#include <string.h>

#include "common/memory.h"
#include "fluxmemory/load.h"

#define GROUP 32u /* domains that the shard is asked for ahead, as a burst is */
#define UNITS_MAX 40u
#define FLUX_UNITS 6u
#define NAME_LEN 19u /* octets, below */
#define SERVERS 64u  /* that answer, as a carrier's resolvers do */

const struct hash_key load_placement = {0xa4093822299f31d0u, 0x082efa98ec4e6c89u};
const struct hash_key load_sketch = {0x452821e638d01377u, 0xbe5466cf34e90c6cu};

/* Sixteen neighbouring /16 are one network. */
static void network(void *ctx, uint64_t unit, struct net_info *out)
{
	(void)ctx;
	*out = (struct net_info){.asn = (uint32_t)(unit >> 20) + 1, .country = {'D', 'E'}};
}

const struct net_lookup load_networks = {network, NULL};

uint64_t load_key(uint64_t domain)
{
	return hash_u64(domain, load_sketch) | 1;
}

struct shard *load_shard_new(uint64_t live, uint32_t details)
{
	struct shard_config c = {.entries_log2 = 10,
		.details_small = details,
		.details_large = details,
		.name_octets = (uint32_t)(live * (NAME_LEN + 1) + 4096)};

	while ((UINT64_C(1) << c.entries_log2) / 8 * 7 < live)
		c.entries_log2++;
	void *mem = bench_memory(shard_size(&c));
	return mem ? shard_init(mem, &c, load_placement, load_sketch) : NULL;
}

/* Unit u of the ten of a domain: a host of its own in /16 number u of one network. */
static uint64_t unit_of(uint64_t hash, unsigned u)
{
	uint64_t net = 0x10 + hash % 0xc00;

	return (net << 4 | u) << 16 | (hash >> 32 & 0xffff);
}

static unsigned units_of(
	uint64_t hash, enum load_answer answer, uint32_t now, uint64_t unit[UNITS_MAX])
{
	static const unsigned count[] = {[LOAD_ONE] = 1,
		[LOAD_OTHER] = 1,
		[LOAD_FIVE] = 5,
		[LOAD_TEN] = 10,
		[LOAD_FORTY] = 40,
		[LOAD_FLUX] = FLUX_UNITS};

	for (unsigned u = 0; u < count[answer]; u++) {
		unit[u] = unit_of(hash, u + (answer == LOAD_OTHER));
		if (answer == LOAD_FORTY)
			unit[u] = unit_of(hash_u64(hash + u, load_sketch), 0);
		if (answer == LOAD_FLUX)
			unit[u] = unit_of(hash_u64(hash + now, load_sketch) + u * 37, u);
	}
	return count[answer];
}

static void observe(struct shard *s, uint64_t domain, enum load_answer answer, uint32_t now)
{
	uint64_t key = load_key(domain), unit[UNITS_MAX];
	uint8_t name[NAME_LEN] = {13};
	struct shard_observation o = {.key = key,
		.host = key,
		.name = name,
		.name_len = NAME_LEN,
		.unit = unit,
		.units = (uint8_t)units_of(key, answer, now, unit),
		.ttl = answer == LOAD_FLUX ? 150 : 3600,
		.now = now,
		.server = shard_server(hash_u64(key % SERVERS, load_sketch)),
		.grade = EVIDENCE_PAIRED};
	uint64_t servers[2] = {key + 1, key + 2};

	for (unsigned i = 0; i < 13; i++, domain /= 10)
		name[13 - i] = (uint8_t)('0' + domain % 10);
	memcpy(name + 14, "\3net", 5);
	if (answer == LOAD_FLUX) {
		o.ns_name = servers;
		o.ns_names = 2;
		o.ns_unit = unit;
		o.ns_units = o.units;
		o.ns_ttl = 300;
	}
	shard_observe(s, &o);
}

void load_shard(struct shard *s, uint64_t from, uint64_t n, enum load_answer answer, uint32_t now)
{
	for (uint64_t at = from; at < from + n; at += GROUP) {
		uint64_t end = at + GROUP < from + n ? at + GROUP : from + n;

		for (uint64_t d = at; d < end; d++)
			shard_prefetch(s, load_key(d));
		for (uint64_t d = at; d < end; d++)
			observe(s, d, answer, now);
	}
}

uint64_t load_denied(const struct shard *s)
{
	uint64_t denied = 0;

	for (unsigned f = 0; f < TABLE_FATE_COUNT; f++)
		if (table_fate_is_denied((enum table_fate)f))
			denied += s->account.table[f];
	return denied;
}

uint64_t load_error(const struct shard *s)
{
	uint64_t told = s->used + s->account.table[TABLE_HIT] + load_denied(s);

	return told > s->account.updates ? told - s->account.updates : s->account.updates - told;
}
