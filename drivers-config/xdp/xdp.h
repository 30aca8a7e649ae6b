/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

/*
 * AF_XDP ports: our XDP program on an interface, from the sensor's side.
 *
 *   xdp_prepare        before the port starts: what an earlier run left is taken away
 *   (the driver loads steer.bpf.o, attaches it and puts its sockets into xsks_map)
 *   xdp_configure      tells the program what to redirect; until then all passes
 *   xdp_counters_read  why each frame went where it went
 *   xdp_close          before the port is closed: no more counters
 *   xdp_detach         after it is closed: what the driver left behind
 *
 * The driver keeps the program to itself, so that it is found by way of the
 * interface, and recognised by its name and those of its maps. All of it needs
 * CAP_SYS_ADMIN and CAP_NET_ADMIN but xdp_counters_read, which needs none.
 */

#include <net/if.h>
#include <stdbool.h>
#include <stdint.h>

#include "cli/exit.h"
#include "drivers-config/xdp/steer.h"

#define XDP_PORTS_MAX 32u

/* What the program is to redirect; ports in host order, on either side of a frame. */
struct xdp_steering {
	unsigned dns_count;
	unsigned tunnel_count;
	unsigned encrypted_count;
	uint16_t dns[XDP_PORTS_MAX];
	uint16_t tunnel[XDP_PORTS_MAX];    /* UDP */
	uint16_t encrypted[XDP_PORTS_MAX]; /* counted, not redirected */
	uint32_t tunnels;                  /* bits of enum steer_tunnel */
};

/* An interface with our program; no counters when it runs another. */
struct xdp_port {
	bool active;
	int counters; /* descriptor of the map */
};

struct xdp_counters {
	uint64_t cause[STEER_CAUSES]; /* frames since the program was attached */
};

/*
 * DNS on `count` ports, at most XDP_PORTS_MAX of them are taken; every tunnel that the sensor
 * can take apart, on its usual ports unless the caller puts others; encrypted DNS on 853.
 */
void xdp_steering_init(struct xdp_steering *s, const uint16_t *dns, unsigned count);

/* The same as the program reads it; *c is zeroed by the caller. */
void xdp_steering_config(struct steer_config *c, const struct xdp_steering *s);

/*
 * 0 when no XDP program is on the interface; 1 when one of ours without a living
 * owner is. -EBUSY when another's is, or ours of a process that runs; another
 * -errno; one line in err. A process in another PID namespace is not seen: its
 * program counts as left behind.
 */
int xdp_look(const char *interface, char err[ERROR_LINE_MAX]);

/* The same, and what was left behind is detached. */
int xdp_prepare(const char *interface, char err[ERROR_LINE_MAX]);

/*
 * Fills the maps of our program on the interface and opens its counters: to be
 * closed by xdp_close. 0, or -ENOENT when our program is not there, or another
 * -errno; one line in err, and *p is not active.
 */
int xdp_configure(struct xdp_port *p, const char *interface, const struct xdp_steering *s,
	char err[ERROR_LINE_MAX]);

/* Sums over all CPUs. 0, or -errno: *out is then not to be used. */
int xdp_counters_read(const struct xdp_port *p, struct xdp_counters *out);

/* Frames that were meant for the sensor, whether they found its socket or not. */
uint64_t xdp_counters_redirected(const struct xdp_counters *c);

void xdp_close(struct xdp_port *p);

/*
 * Detaches our program from the interface, if it is there and no other living
 * process owns it. 0 also when there was nothing to do; or -errno.
 */
int xdp_detach(const char *interface);

/* "redirect_dns_udp" and so on. */
const char *steer_cause_name(enum steer_cause cause);
