/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

/*
 * What the XDP program and the sensor share: names, causes, and the layout of
 * the map that tells the program what to take. Compiled for BPF as well, so
 * that only the kernel's types are used here.
 */

#include <linux/types.h>

/* By these an XDP program is recognised as ours: 15 octets at most are kept by the kernel. */
#define STEER_PROGRAM "fluxgate_steer"
#define STEER_MAP_SOCKETS "xsks_map" /* net_af_xdp looks for this name */
#define STEER_MAP_COUNTERS "steer_counters"
#define STEER_MAP_CONFIG "steer_config"

/* Kernel queues of an interface that can have a socket. */
#define STEER_QUEUES_MAX 256u

/*
 * Why a frame went where it went; each frame counts once. The first four were
 * handed to the sensor's socket, all others went on to the kernel.
 */
#define STEER_CAUSES_EACH(X) \
	X(redirect_dns_udp) /* a configured DNS port on either side */ \
	X(redirect_dns_tcp) \
	X(redirect_fragment) /* a first one by its ports; a later one, for it has none */ \
	X(redirect_tunnel) \
	X(redirect_failed)   /* meant for the sensor, but the queue has no socket */ \
	X(encrypted)         /* a port of encrypted DNS on either side */ \
	X(pass_other)        /* IP, and none of the above */ \
	X(pass_not_ip)       /* ARP, a tunnel that is switched off, a fifth VLAN tag */ \
	X(pass_malformed)    /* cut before its ports, a header that can't be */ \
	X(pass_unconfigured) /* before the sensor said what to take */

enum steer_cause {
#define STEER_CAUSE_ENUM(name) STEER_##name,
	STEER_CAUSES_EACH(STEER_CAUSE_ENUM)
#undef STEER_CAUSE_ENUM
		STEER_CAUSES
};

/* Bits of steer_config.port. */
enum steer_port_class {
	STEER_PORT_DNS = 1,       /* UDP and TCP: redirected */
	STEER_PORT_TUNNEL = 2,    /* UDP: redirected */
	STEER_PORT_ENCRYPTED = 4, /* UDP and TCP: counted */
};

/* Bits of steer_config.tunnels: those that are known by no UDP port. */
enum steer_tunnel {
	STEER_TUNNEL_MPLS = 1,
	STEER_TUNNEL_PPPOE = 2,
	STEER_TUNNEL_GRE = 4,
	STEER_TUNNEL_IPIP = 8,  /* protocol 4 */
	STEER_TUNNEL_6IN4 = 16, /* protocol 41 */
};

/* The one value of the configuration map. Zeroed, as it starts, it lets everything pass. */
struct steer_config {
	__u8 port[65536]; /* bits of enum steer_port_class, by port in host order */
	__u32 tunnels;    /* bits of enum steer_tunnel */
	__u32 active;     /* last, so that it is copied last */
};
