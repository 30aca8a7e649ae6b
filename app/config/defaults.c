/* SPDX-License-Identifier: BSD-3-Clause */

#include "config/config.h"

static const struct config live = {
	.epoch_seconds = 10,
	.workers = 1,
	.eal = {.huge = true},
	.dns = {.ports_count = 1, .ports = {53}},
	.pairing = {.entries_log2 = 19},
	.shard =
		{
			.entries_log2 = 20,
			.details_small = 131072,
			.details_large = 16384,
			.name_octets = 32u << 20,
		},
	.store = {.door_log2 = 24, .candidates_log2 = 21, .domains = 65536},
	.networks = {.public_suffix_list = "/usr/share/publicsuffix/public_suffix_list.dat"},
	.http = {.listen = "127.0.0.1:8953", .max_connections = 256},
	.log = {.level = LOG_LEVEL_NOTICE},
};

void config_defaults(struct config *c)
{
	*c = live;
	detect_defaults(&c->detect);
}

void config_defaults_replay(struct config *c)
{
	config_defaults(c);
	c->pairing.entries_log2 = 16;
	c->shard = (struct shard_config){
		.entries_log2 = 16,
		.details_small = 16384,
		.details_large = 4096,
		.name_octets = 4u << 20,
	};
	/* It reports what was flagged within the capture, however long that is. */
	c->detect.clear_after = 0;
	c->store = (struct store_config){.door_log2 = 20, .candidates_log2 = 18, .domains = 16384};
}
