/* SPDX-License-Identifier: BSD-3-Clause */
#include "networks.h"

#include <stdlib.h>
#include <string.h>

#include "rng.h"

#define V6_TOP 0x24000000u /* 2400::/12 */
#define STEP 40503u        /* odd, so it permutes any power of two */

/* The first ones hold more networks: a pool needs some forty in one country. */
static const char countries[][3] = {"UA", "RU", "BR", "IN", "US", "CN", "DE", "VN", "TR", "ID",
	"FR", "GB", "PL", "RO", "MX", "AR", "IT", "ES", "NL", "JP", "KR", "ZA", "EG", "KZ", "BG",
	"SE", "CA", "AU", "CL", "TH", "PH", "MA"};
#define COUNTRIES (sizeof(countries) / sizeof(countries[0]))
#define BIG_COUNTRIES 6

/* Whole /16 blocks that hold a special-purpose range (IANA registry) or lie next to one. */
static bool block_is_special(uint32_t block)
{
	uint32_t first = block >> 8, second = block & 0xff;

	switch (first) {
	case 0:
	case 10:
	case 127:
	case 192:
		return true;
	case 100:
		return second >= 64 && second < 128;
	case 169:
		return second == 254;
	case 172:
		return second >= 16 && second < 32;
	case 198:
		return second == 18 || second == 19 || second == 51;
	case 203:
		return second == 0;
	default:
		return first >= 224;
	}
}

static void network_init(struct network *network, uint16_t index)
{
	uint64_t hash = hash_pair(hash_text("country"), index);
	uint32_t country = hash_below(hash, 100) < 60 ? hash_below(hash_mix(hash), BIG_COUNTRIES)
						      : hash_below(hash_mix(hash), COUNTRIES);

	network->asn = NETWORK_ASN_BASE + index;
	memcpy(network->country, countries[country], sizeof(network->country));
	network->v6_base = (uint64_t)(V6_TOP | ((index * STEP + 7) & 0xfffff)) << 32;
}

struct network_plan *plan_new(void)
{
	struct network_plan *plan = calloc(1, sizeof(*plan));
	uint32_t step = 0;

	if (plan == NULL)
		return NULL;
	memset(plan->owner_of_block, 0xff, sizeof(plan->owner_of_block));
	memset(plan->owner_of_v6, 0xff, sizeof(plan->owner_of_v6));
	for (uint16_t i = 0; i < NETWORK_COUNT; i++) {
		struct network *network = &plan->networks[i];
		uint64_t hash = hash_pair(hash_text("prefixes"), i);

		network_init(network, i);
		plan->owner_of_v6[(network->v6_base >> 32) & 0xfffff] = i;
		network->prefix_count = (uint8_t)(2 + hash_below(hash, NETWORK_PREFIXES - 1));
		for (uint8_t k = 0; k < network->prefix_count; k++) {
			uint8_t bits = (uint8_t)(16 + hash_below(hash_pair(hash, k), 4));
			uint32_t block;

			do
				block = (step++ * STEP + 12345) & 0xffff;
			while (block_is_special(block));
			plan->owner_of_block[block] = i;
			network->prefixes[k].base = block << 16;
			network->prefixes[k].bits = bits;
		}
	}
	return plan;
}

struct address plan_address(const struct network_plan *plan, uint16_t index, uint64_t hash, bool v6)
{
	const struct network *network = &plan->networks[index];
	uint32_t prefix = hash_below(hash, network->prefix_count);
	uint32_t host = (uint32_t)hash, size;

	if (v6)
		return (struct address){
			.high = network->v6_base | host, .low = hash_mix(hash), .v6 = true};
	size = 1u << (32 - network->prefixes[prefix].bits);
	/* Neither the first nor the last address of a /24. */
	host = (host >> 8) % (size >> 8) * 256 + 1 + host % 254;
	return (struct address){.low = network->prefixes[prefix].base + host};
}

uint16_t plan_owner(const struct network_plan *plan, const struct address *address)
{
	uint16_t owner;

	if (address->v6) {
		if (address->high >> 52 != V6_TOP >> 20)
			return NETWORK_NONE;
		return plan->owner_of_v6[(address->high >> 32) & 0xfffff];
	}
	owner = plan->owner_of_block[(uint32_t)address->low >> 16];
	if (owner == NETWORK_NONE)
		return NETWORK_NONE;
	for (uint8_t k = 0; k < plan->networks[owner].prefix_count; k++) {
		uint32_t difference =
			(uint32_t)address->low ^ plan->networks[owner].prefixes[k].base;

		if (difference >> (32 - plan->networks[owner].prefixes[k].bits) == 0)
			return owner;
	}
	return NETWORK_NONE;
}

/* Networks of a kind, those of the country first, each part shuffled; returns how many are in it.
 */
static uint16_t pick_candidates(const struct network_plan *plan, struct rng *rng, uint16_t first,
	uint16_t end, const char *country, uint16_t *out)
{
	uint16_t total = (uint16_t)(end - first), home = 0;

	for (uint16_t i = 0; i < total; i++)
		out[i] = (uint16_t)(first + i);
	for (uint16_t i = total; i > 1; i--) {
		uint16_t other = (uint16_t)rng_below(rng, i), kept = out[i - 1];

		out[i - 1] = out[other];
		out[other] = kept;
	}
	for (uint16_t i = 0; country != NULL && i < total; i++) {
		uint16_t kept = out[i];

		if (memcmp(plan->networks[kept].country, country, 2) != 0)
			continue;
		out[i] = out[home];
		out[home++] = kept;
	}
	return home;
}

uint16_t plan_pick(const struct network_plan *plan, uint64_t key, enum network_kind kind,
	uint16_t count, bool one_country, uint16_t *out)
{
	uint16_t first = kind == NETWORK_HOSTING ? NETWORK_EYEBALLS : NETWORK_OPERATOR + 1;
	uint16_t end = kind == NETWORK_EYEBALL ? NETWORK_EYEBALLS : NETWORK_COUNT;
	uint16_t candidates[NETWORK_COUNT], home, wanted;
	struct rng rng;

	rng_seed(&rng, key);
	home = pick_candidates(plan, &rng, first, end,
		one_country ? countries[rng_below(&rng, BIG_COUNTRIES)] : NULL, candidates);
	wanted = (uint16_t)(count * 2 / 5);
	if (wanted > home)
		wanted = home;
	memcpy(out, candidates, wanted * sizeof(*out));
	memcpy(out + wanted, candidates + home, (size_t)(count - wanted) * sizeof(*out));
	return one_country ? wanted : 0;
}
