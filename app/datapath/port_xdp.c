/* SPDX-License-Identifier: BSD-3-Clause */

#include <stdio.h>
#include <string.h>

#include "datapath/port_xdp.h"
#include "drivers-config/xdp/device.h"

_Static_assert(WIRE_TUNNEL_COUNT *WIRE_TUNNEL_PORTS_MAX <= XDP_PORTS_MAX, "all tunnels fit");

int port_xdp_prepare(const struct config *c, char err[ERROR_LINE_MAX])
{
	char interface[IF_NAMESIZE];

	for (unsigned i = 0; i < c->ports_count; i++) {
		if (!xdp_device_parse(c->ports[i].device, interface) || !interface[0])
			continue;
		int rc = xdp_prepare(interface, err);
		if (rc < 0)
			return rc;
		if (rc > 0)
			fprintf(stderr,
				"fluxgate: port %s: the XDP program of an earlier run was still on "
				"it: detached\n",
				interface);
	}
	return 0;
}

void port_xdp_init(struct port_xdp *x, const struct config_port *p)
{
	*x = (struct port_xdp){.port = {false, -1}};
	if (!xdp_device_parse(p->device, x->interface) || xdp_device_has_program(p->device))
		x->interface[0] = '\0';
}

int port_xdp_start(struct port_xdp *x, const struct config *c, char err[ERROR_LINE_MAX])
{
	struct xdp_steering s;

	if (!x->interface[0])
		return 0;
	xdp_steering_init(&s, c->dns.ports, c->dns.ports_count);
	s.tunnel_count = 0;
	for (unsigned kind = 0; kind < WIRE_TUNNEL_COUNT; kind++)
		for (unsigned i = 0; i < c->tunnel[kind].ports_count; i++)
			s.tunnel[s.tunnel_count++] = c->tunnel[kind].ports[i];
	return xdp_configure(&x->port, x->interface, &s, err);
}

void port_xdp_status(const struct port_xdp *x, struct port_status *out)
{
	out->has_xdp = x->port.active && xdp_counters_read(&x->port, &out->xdp) == 0;
}

void port_xdp_stop(struct port_xdp *x)
{
	xdp_close(&x->port);
	if (x->interface[0])
		xdp_detach(x->interface);
}
