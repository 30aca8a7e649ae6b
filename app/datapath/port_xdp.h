/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

/*
 * What ports of net_af_xdp need beside the driver; for any other port each of
 * these does nothing. Called by control's thread only.
 */

#include <net/if.h>

#include "config/config.h"
#include "control/snapshot.h"
#include "drivers-config/xdp/xdp.h"

struct port_xdp {
	char interface[IF_NAMESIZE]; /* "": no AF_XDP port, or an XDP program that is not ours */
	struct xdp_port port;
};

/*
 * Before the EAL starts: takes XDP programs of an earlier run off the interfaces
 * of all ports, and says so on stderr. 0, or -errno and one line in err where
 * an interface is in another's hands.
 */
int port_xdp_prepare(const struct config *c, char err[ERROR_LINE_MAX]);

/* Before the port is configured; nothing is touched yet. */
void port_xdp_init(struct port_xdp *x, const struct config_port *p);

/* After the port has started: what to redirect. 0, or -errno and one line in err. */
int port_xdp_start(struct port_xdp *x, const struct config *c, char err[ERROR_LINE_MAX]);

/* Fills in out->xdp. */
void port_xdp_status(const struct port_xdp *x, struct port_status *out);

/* After the port is closed, however far it came. */
void port_xdp_stop(struct port_xdp *x);
