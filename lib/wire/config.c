/* SPDX-License-Identifier: BSD-3-Clause */

/* What the decoder is told: ports, tunnels, resolvers; and the names of what it tells. */

#include "wire/walk.h"

/* A tunnel is told by the port that it goes to; of these also by the one it comes from. */
static const bool both_ways[WIRE_TUNNEL_COUNT] = {
	[WIRE_TUNNEL_GENEVE] = true,
	[WIRE_TUNNEL_GTP] = true,
	[WIRE_TUNNEL_L2TP] = true,
	[WIRE_TUNNEL_TEREDO] = true,
};

static const uint16_t registered[WIRE_TUNNEL_COUNT][WIRE_TUNNEL_PORTS_MAX] = {
	[WIRE_TUNNEL_VXLAN] = {4789, 8472},
	[WIRE_TUNNEL_GENEVE] = {6081},
	[WIRE_TUNNEL_GTP] = {2152},
	[WIRE_TUNNEL_L2TP] = {1701},
	[WIRE_TUNNEL_TEREDO] = {3544},
	[WIRE_TUNNEL_GRE] = {4754},
};

/* Of DNS over QUIC and over HTTPS: looked at closer, though they carry nothing to read. */
static const uint16_t encrypted[] = {443, 784, 853, 8853};

static void special_add(struct wire_config *cfg, uint16_t be)
{
	cfg->udp_special[be / 64] |= UINT64_C(1) << (be % 64);
}

static void special_collect(struct wire_config *cfg)
{
	memset(cfg->udp_special, 0, sizeof(cfg->udp_special));
	for (size_t i = 0; i < sizeof(encrypted) / sizeof(encrypted[0]); i++)
		special_add(cfg, __builtin_bswap16(encrypted[i]));
	for (unsigned kind = 0; kind < WIRE_TUNNEL_COUNT; kind++)
		for (unsigned i = 0; i < WIRE_TUNNEL_PORTS_MAX; i++)
			if (cfg->tunnel[kind][i])
				special_add(cfg, cfg->tunnel[kind][i]);
}

unsigned wire_tunnel_ports(enum wire_tunnel kind, uint16_t ports[WIRE_TUNNEL_PORTS_MAX])
{
	unsigned n = 0;

	for (unsigned i = 0; i < WIRE_TUNNEL_PORTS_MAX; i++)
		if ((ports[n] = registered[kind][i]))
			n++;
	return n;
}

int wire_config_tunnel(
	struct wire_config *cfg, enum wire_tunnel kind, const uint16_t *ports, unsigned n)
{
	if (n > WIRE_TUNNEL_PORTS_MAX)
		return -1;
	for (unsigned i = 0; i < n; i++)
		if (ports[i] == 0)
			return -1;
	for (unsigned i = 0; i < WIRE_TUNNEL_PORTS_MAX; i++)
		cfg->tunnel[kind][i] = i < n ? __builtin_bswap16(ports[i]) : 0;
	special_collect(cfg);
	return 0;
}

int wire_config_init(struct wire_config *cfg, const uint16_t *ports, unsigned n)
{
	if (n == 0 || n > WIRE_PORTS_MAX)
		return -1;
	memset(cfg, 0, sizeof(*cfg));
	for (unsigned i = 0; i < WIRE_PORTS_MAX; i++) {
		uint16_t port = ports[i < n ? i : 0];
		if (port == 0)
			return -1;
		cfg->ports[i] = __builtin_bswap16(port);
	}
	for (unsigned kind = 0; kind < WIRE_TUNNEL_COUNT; kind++)
		for (unsigned i = 0; i < WIRE_TUNNEL_PORTS_MAX; i++)
			cfg->tunnel[kind][i] = __builtin_bswap16(registered[kind][i]);
	special_collect(cfg);
	return 0;
}

static bool kind_has(const struct wire_config *cfg, unsigned kind, uint16_t be)
{
	for (unsigned i = 0; i < WIRE_TUNNEL_PORTS_MAX; i++)
		if (be && cfg->tunnel[kind][i] == be)
			return true;
	return false;
}

int wire_tunnel_of(const struct wire_config *cfg, uint16_t sport_be, uint16_t dport_be)
{
	for (unsigned kind = 0; kind < WIRE_TUNNEL_COUNT; kind++)
		if (kind_has(cfg, kind, dport_be) ||
			(both_ways[kind] && kind_has(cfg, kind, sport_be)))
			return (int)kind;
	return -1;
}

/* The place of an address, or the empty one where it would stand; addresses are public. */
static unsigned resolver_place(const struct wire_config *cfg, const struct wire_address *a)
{
	uint64_t h = (load_u64(a->octet) ^ load_u64(a->octet + 8)) * 0x9e3779b97f4a7c15u;
	unsigned i = (unsigned)(h >> 56) % (2 * WIRE_RESOLVERS_MAX);

	while (cfg->resolver[i].version && memcmp(&cfg->resolver[i], a, sizeof(*a)) != 0)
		i = (i + 1) % (2 * WIRE_RESOLVERS_MAX);
	return i;
}

static struct wire_address address_make(const uint8_t *addr, unsigned version)
{
	struct wire_address a = {.version = (uint8_t)version};

	memcpy(a.octet, addr, version == 4 ? 4 : 16);
	return a;
}

int wire_config_resolver(struct wire_config *cfg, const uint8_t *addr, unsigned version)
{
	struct wire_address a = address_make(addr, version);
	unsigned used = 0;

	for (unsigned i = 0; i < 2 * WIRE_RESOLVERS_MAX; i++)
		used += cfg->resolver[i].version != 0;
	/* Half of the places stay empty, so that a search ends soon. */
	if (used == WIRE_RESOLVERS_MAX)
		return -1;
	cfg->resolver[resolver_place(cfg, &a)] = a;
	return 0;
}

bool wire_resolver_known(const struct wire_config *cfg, const struct wire_packet *p)
{
	struct wire_address s = address_make(p->saddr, p->ip_version);
	struct wire_address d = address_make(p->daddr, p->ip_version);

	return cfg->resolver[resolver_place(cfg, &s)].version ||
	       cfg->resolver[resolver_place(cfg, &d)].version;
}

enum wire_class wire_verdict_class(enum wire_verdict v)
{
	static const uint8_t classes[WIRE_VERDICT_COUNT] = {
#define X(name, cls, text) [name] = WIRE_CLASS_##cls,
		WIRE_VERDICTS(X)
#undef X
	};
	return (enum wire_class)classes[v];
}

const char *wire_verdict_name(enum wire_verdict v)
{
	static const char *const names[WIRE_VERDICT_COUNT] = {
#define X(name, cls, text) [name] = text,
		WIRE_VERDICTS(X)
#undef X
	};
	return names[v];
}

const char *wire_class_name(enum wire_class c)
{
	static const char *const names[WIRE_CLASS_COUNT] = {
		[WIRE_CLASS_IGNORED] = "ignored",
		[WIRE_CLASS_MALFORMED] = "malformed",
		[WIRE_CLASS_TRUNCATED] = "truncated",
		[WIRE_CLASS_FRAGMENT] = "fragment",
		[WIRE_CLASS_TCP] = "tcp",
		[WIRE_CLASS_DNS] = "dns",
	};
	return names[c];
}

const char *wire_layer_name(enum wire_layer l)
{
	static const char *const names[WIRE_LAYER_COUNT] = {
#define X(name, text) [name] = text,
		WIRE_LAYERS(X)
#undef X
	};
	return names[l];
}
