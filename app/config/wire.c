/* SPDX-License-Identifier: BSD-3-Clause */

#include <arpa/inet.h>

#include "config/config.h"

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
