/* SPDX-License-Identifier: BSD-3-Clause */
#include "mix.h"

#include <string.h>

#define WORLD_TLDS "com,net,org,de,io,co.uk,info,fr,nl,com.br"

const struct mix mixes[] = {
	{
		.name = "background",
		.summary = "benign domains, and what --family adds",
		.duration = 3600,
		.domains = 1000,
		.rate = 100,
		.tlds = WORLD_TLDS,
	},
	{
		.name = "demo",
		.summary = "14 hours in 2 MB: seven fluxing domains and five that resemble them",
		.duration = 52000,
		.domains = 300,
		.rate = 0.03,
		.campaign = 4,
		.tlds = "example,test,invalid",
		/* As rarely as still shows that hosts return soon or never, or serve them all. */
		.families = {{"darkcloud", 2, 110}, {"srg", 1, 100}, {"gamaredon", 4, 250},
			{"ntppool", 1, 200}, {"cdn", 1, 200}, {"cloudlb", 1, 250},
			{"mirrors", 1, 200}, {"dyndns", 1, 150}},
	},
	{
		.name = "bench",
		.summary = "pairs only, 98 and 130 octets on the wire in the mean, one A each",
		.duration = 3600,
		.packets = 1000000,
		.domains = 1000000,
		.rate = 500000,
		.plain = PLAIN_PAIRS,
		.tlds = "com,net,org,de,io,uk",
	},
	{
		.name = "bench-ten",
		.summary = "as bench, ten A each",
		.duration = 3600,
		.packets = 1000000,
		.domains = 1000000,
		.rate = 500000,
		.plain = PLAIN_TEN,
		.tlds = "com,net,org,de,io,uk",
	},
	{
		.name = "bench-nxdomain",
		.summary = "as bench, of registered domains that do not exist",
		.duration = 3600,
		.packets = 1000000,
		.domains = 1000000,
		.rate = 500000,
		.plain = PLAIN_NXDOMAIN,
		.tlds = "com,net,org,de,io,uk",
	},
	{
		.name = "bench-random",
		.summary = "as bench, random names that do not exist under ten domains",
		.duration = 3600,
		.packets = 1000000,
		.domains = 10,
		.rate = 500000,
		.plain = PLAIN_RANDOM,
		.tlds = "com,net,org,de,io,uk",
	},
	{
		.name = "bench-header",
		.summary = "refusals of 64 octets with FCS, nothing but a header in them",
		.duration = 3600,
		.packets = 1000000,
		.domains = 1000000,
		.rate = 500000,
		.plain = PLAIN_HEADER,
		.responses_only = true,
		.tlds = "com,net,org,de,io,uk",
	},
	{
		.name = "all",
		.summary = "every family once, or as often as --family says",
		.duration = 3600,
		.domains = 1000,
		.rate = 100,
		.every_family = true,
		.tlds = WORLD_TLDS,
	},
};

const size_t mix_count = sizeof(mixes) / sizeof(mixes[0]);

const struct mix *mix_find(const char *name)
{
	for (size_t i = 0; i < mix_count; i++) {
		if (strcmp(mixes[i].name, name) == 0)
			return &mixes[i];
	}
	return NULL;
}
