/* SPDX-License-Identifier: BSD-3-Clause */

#include "config/config.h"

/* What the large public resolvers publish as their addresses for DNS over HTTPS. */
static const char *const resolvers[] = {
	"1.0.0.1",
	"1.0.0.2",
	"1.0.0.3",
	"1.1.1.1",
	"1.1.1.2",
	"1.1.1.3",
	"2606:4700:4700::1001",
	"2606:4700:4700::1111",
	"8.8.4.4",
	"8.8.8.8",
	"2001:4860:4860::8844",
	"2001:4860:4860::8888",
	"9.9.9.9",
	"9.9.9.10",
	"149.112.112.112",
	"2620:fe::9",
	"2620:fe::fe",
	"94.140.14.14",
	"94.140.15.15",
	"2a10:50c0::ad1:ff",
	"2a10:50c0::ad2:ff",
	"146.112.41.2",
	"208.67.220.220",
	"208.67.222.222",
	"2620:119:fc::2",
};

/* The NTP pool, and the DNS seeds of Bitcoin Core (src/kernel/chainparams.cpp). */
static const char *const infrastructure[] = {
	"ntp.org",
	"achownodes.xyz",
	"bitcoinstats.com",
	"bluematt.me",
	"dashjr-list-of-p2p-nodes.us",
	"dashjr.org",
	"emzy.de",
	"jonasschnelli.ch",
	"petertodd.net",
	"sipa.be",
	"sprovoost.nl",
	"wiz.biz",
};

static const struct config live = {
	.epoch_seconds = 10,
	.workers = 1,
	.eal = {.huge = true},
	.dns = {.ports_count = 1, .ports = {53}},
	.visibility = {.resolvers_count = sizeof(resolvers) / sizeof(resolvers[0])},
	.infrastructure_count = sizeof(infrastructure) / sizeof(infrastructure[0]),
	.pairing = {.entries_log2 = 19},
	.reasm =
		{
			.datagrams = 1024,
			.fragment_timeout_ms = 5000,
			.streams = 16384,
			.buffers = 256,
		},
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
	.state = {.interval_seconds = 60},
	.rpz =
		{
			.zone = "rpz.fluxgate",
			.min_age_seconds = 600,
			.warmup_seconds = 3600,
			.additions_per_hour = 100,
		},
	.history = {.max_days = 90, .max_mib = 256},
	.log = {.level = LOG_LEVEL_NOTICE},
};

void config_defaults(struct config *c)
{
	*c = live;
	for (unsigned kind = 0; kind < WIRE_TUNNEL_COUNT; kind++)
		c->tunnel[kind].ports_count =
			wire_tunnel_ports((enum wire_tunnel)kind, c->tunnel[kind].ports);
	for (unsigned i = 0; i < c->visibility.resolvers_count; i++)
		snprintf(c->visibility.resolvers[i], CONFIG_ADDRESS_MAX, "%s", resolvers[i]);
	for (unsigned i = 0; i < c->infrastructure_count; i++)
		snprintf(c->infrastructure[i], CONFIG_DOMAIN_MAX, "%s", infrastructure[i]);
	detect_defaults(&c->detect);
}

void config_defaults_replay(struct config *c)
{
	config_defaults(c);
	c->pairing.entries_log2 = 16;
	c->reasm.datagrams = 256;
	c->reasm.streams = 4096;
	c->reasm.buffers = 64;
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
