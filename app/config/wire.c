/* SPDX-License-Identifier: BSD-3-Clause */

#include <arpa/inet.h>
#include <string.h>

#include "config/config.h"
#include "config/prefix.h"

void config_wire(const struct config *c, struct wire_config *out)
{
	wire_config_init(out, c->dns.ports, c->dns.ports_count);
	for (unsigned kind = 0; kind < WIRE_TUNNEL_COUNT; kind++)
		wire_config_tunnel(out, (enum wire_tunnel)kind, c->tunnel[kind].ports,
			c->tunnel[kind].ports_count);
	for (unsigned i = 0; i < c->visibility.resolvers_count; i++) {
		const char *text = c->visibility.resolvers[i];
		uint8_t addr[16];

		/* The texts were checked when they were read. */
		if (inet_pton(AF_INET, text, addr) == 1)
			wire_config_resolver(out, addr, 4);
		else if (inet_pton(AF_INET6, text, addr) == 1)
			wire_config_resolver(out, addr, 6);
	}
}

void config_dns64(const struct config *c, struct dns64 *out)
{
	memset(out, 0, sizeof(*out));
	for (unsigned i = 0; i < c->dns.dns64_count; i++) {
		struct prefix p;

		/* The texts were checked when they were read. */
		if (!prefix_parse(c->dns.dns64[i], &p))
			dns64_add(out, p.octet, p.len);
	}
}

void config_resolvers(const struct config *c, struct resolvers *out)
{
	memset(out, 0, sizeof(*out));
	for (unsigned i = 0; i < c->dns.resolvers_count; i++) {
		struct prefix p;

		if (!prefix_parse(c->dns.resolvers[i], &p))
			resolvers_add(out, p.octet, p.version, p.len);
	}
}

void config_own(const struct config *c, struct own_ranges *out)
{
	memset(out, 0, sizeof(*out));
	for (unsigned i = 0; i < c->networks.own_count; i++) {
		struct prefix p;

		if (!prefix_parse(c->networks.own[i], &p))
			own_add(out, p.octet, p.version, p.len);
	}
}
