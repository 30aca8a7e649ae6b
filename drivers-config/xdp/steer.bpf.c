/* SPDX-License-Identifier: (BSD-3-Clause OR GPL-2.0-only) */

/*
 * The XDP program in front of an AF_XDP port: hands the sensor what may be DNS,
 * and leaves the kernel the rest, so that an interface in use stays in use.
 *
 * A redirected frame does not reach the kernel. Where in doubt, a frame is
 * redirected only if nothing in it can tell: a later fragment has no ports.
 * What is inside a tunnel is not looked at here; the sensor takes it apart.
 *
 * net_af_xdp loads the first program of this object and puts its sockets, by
 * kernel queue, into xsks_map.
 */

#include <stddef.h>

#include <linux/bpf.h>

#include <bpf/bpf_helpers.h>

#include "steer.h"

#define VLAN_TAGS_MAX 4
#define EXTENSIONS_MAX 8

#define ETHERNET_OCTETS 14
#define VLAN_OCTETS 4
#define IPV4_OCTETS 20
#define IPV6_OCTETS 40
#define PORTS_OCTETS 4

enum ethertype {
	TYPE_IPV4 = 0x0800,
	TYPE_VLAN = 0x8100,
	TYPE_IPV6 = 0x86dd,
	TYPE_MPLS = 0x8847,
	TYPE_MPLS_UPSTREAM = 0x8848,
	TYPE_PPPOE_SESSION = 0x8864,
	TYPE_QINQ = 0x88a8,
	TYPE_QINQ_OLD = 0x9100,
	TYPE_QINQ_OLDER = 0x9200,
};

enum protocol {
	PROTO_HOP_BY_HOP = 0,
	PROTO_IPIP = 4,
	PROTO_TCP = 6,
	PROTO_UDP = 17,
	PROTO_6IN4 = 41,
	PROTO_ROUTING = 43,
	PROTO_FRAGMENT = 44,
	PROTO_GRE = 47,
	PROTO_AH = 51,
	PROTO_DESTINATION = 60,
	PROTO_MOBILITY = 135,
};

enum part {
	PART_WHOLE,
	PART_FIRST,
	PART_LATER,
};

/* More than eight of the longest extension headers take; the verifier wants a bound. */
#define OFFSET_MASK 0x7fffu

/*
 * Where the walk over extension headers stands, in one number: a function that
 * is not static is verified once by itself, and what it returns is to the
 * verifier just a number. In line, it would follow all ways through all eight.
 */
#define WALK(next, part, offset) ((__u32)(next) | (__u32)(part) << 8 | (__u32)(offset) << 16)
#define WALK_NEXT(walk) ((__u8)((walk)&0xff))
#define WALK_PART(walk) ((enum part)((walk) >> 8 & 3))
#define WALK_CUT (1u << 15) /* the frame ends here */
#define WALK_OFFSET(walk) ((walk) >> 16)

struct {
	__uint(type, BPF_MAP_TYPE_XSKMAP);
	__uint(max_entries, STEER_QUEUES_MAX);
	__type(key, __u32);
	__type(value, __u32);
} xsks_map SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, STEER_CAUSES);
	__type(key, __u32);
	__type(value, __u64);
} steer_counters SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct steer_config);
} steer_config SEC(".maps");

static __always_inline __u16 load16(const __u8 *p)
{
	return (__u16)(p[0] << 8 | p[1]);
}

/* n octets of the frame, or NULL where it has not so many. */
static __always_inline const __u8 *octets_at(struct xdp_md *ctx, __u32 offset, __u32 n)
{
	const __u8 *end = (const __u8 *)(long)ctx->data_end;
	const __u8 *p = (const __u8 *)(long)ctx->data;

	p += offset & OFFSET_MASK;
	return p + n > end ? NULL : p;
}

static __always_inline const struct steer_config *config(void)
{
	__u32 zero = 0;

	return bpf_map_lookup_elem(&steer_config, &zero);
}

static __always_inline int is_redirect(enum steer_cause cause)
{
	return cause <= STEER_redirect_tunnel;
}

static __always_inline enum steer_cause ports_cause(
	const struct steer_config *c, const __u8 *p, __u8 protocol)
{
	__u8 class = c->port[load16(p)] | c->port[load16(p + 2)];

	if (class & STEER_PORT_DNS)
		return protocol == PROTO_UDP ? STEER_redirect_dns_udp : STEER_redirect_dns_tcp;
	if (protocol == PROTO_UDP && class & STEER_PORT_TUNNEL)
		return STEER_redirect_tunnel;
	return class & STEER_PORT_ENCRYPTED ? STEER_encrypted : STEER_pass_other;
}

static __always_inline __u32 tunnel_bit(__u8 protocol)
{
	switch (protocol) {
	case PROTO_GRE:
		return STEER_TUNNEL_GRE;
	case PROTO_IPIP:
		return STEER_TUNNEL_IPIP;
	case PROTO_6IN4:
		return STEER_TUNNEL_6IN4;
	default:
		return 0;
	}
}

/* offset: behind the last IP header. */
static __always_inline enum steer_cause transport_cause(
	struct xdp_md *ctx, __u32 offset, __u8 protocol, enum part part)
{
	const struct steer_config *c = config();
	enum steer_cause cause = STEER_pass_other;

	if (!c)
		return STEER_pass_unconfigured;
	if (protocol == PROTO_UDP || protocol == PROTO_TCP) {
		if (part == PART_LATER)
			return STEER_redirect_fragment;
		const __u8 *p = octets_at(ctx, offset, PORTS_OCTETS);
		if (!p)
			return part == PART_FIRST ? STEER_redirect_fragment : STEER_pass_malformed;
		cause = ports_cause(c, p, protocol);
	} else if (c->tunnels & tunnel_bit(protocol)) {
		cause = STEER_redirect_tunnel;
	}
	return is_redirect(cause) && part != PART_WHOLE ? STEER_redirect_fragment : cause;
}

__noinline int ipv4_cause(struct xdp_md *ctx, __u32 offset)
{
	const __u8 *p = octets_at(ctx, offset, IPV4_OCTETS);

	if (!p || p[0] >> 4 != 4)
		return STEER_pass_malformed;

	__u32 octets = (p[0] & 15u) * 4;
	__u16 fragment = load16(p + 6);
	enum part part = fragment & 0x1fff   ? PART_LATER
			 : fragment & 0x2000 ? PART_FIRST
					     : PART_WHOLE;

	if (octets < IPV4_OCTETS)
		return STEER_pass_malformed;
	return transport_cause(ctx, offset + octets, p[9], part);
}

static __always_inline int is_extension(__u8 next)
{
	return next == PROTO_HOP_BY_HOP || next == PROTO_ROUTING || next == PROTO_FRAGMENT ||
	       next == PROTO_AH || next == PROTO_DESTINATION || next == PROTO_MOBILITY;
}

/* One extension header further. */
__noinline __u32 extension_step(struct xdp_md *ctx, __u32 walk)
{
	const __u8 *p = octets_at(ctx, WALK_OFFSET(walk), 8);
	enum part part = WALK_PART(walk);
	__u32 octets = 8;

	if (!p)
		return walk | WALK_CUT;
	if (WALK_NEXT(walk) == PROTO_FRAGMENT) {
		__u16 fragment = load16(p + 2);
		part = fragment & 0xfff8 ? PART_LATER : fragment & 1 ? PART_FIRST : part;
	} else if (WALK_NEXT(walk) == PROTO_AH) {
		octets = (p[1] + 2u) * 4;
	} else {
		octets = (p[1] + 1u) * 8;
	}
	return WALK(p[0], part, WALK_OFFSET(walk) + octets);
}

__noinline int ipv6_cause(struct xdp_md *ctx, __u32 offset)
{
	const __u8 *p = octets_at(ctx, offset, IPV6_OCTETS);

	if (!p || p[0] >> 4 != 6)
		return STEER_pass_malformed;

	__u32 walk = WALK(p[6], PART_WHOLE, offset + IPV6_OCTETS);
	for (int i = 0; i < EXTENSIONS_MAX && is_extension(WALK_NEXT(walk)); i++) {
		/* A later fragment goes on in the middle of something. */
		if (WALK_PART(walk) == PART_LATER)
			return STEER_redirect_fragment;
		walk = extension_step(ctx, walk);
		if (walk & WALK_CUT)
			return WALK_PART(walk) == PART_FIRST ? STEER_redirect_fragment
							     : STEER_pass_malformed;
	}
	return transport_cause(ctx, WALK_OFFSET(walk), WALK_NEXT(walk), WALK_PART(walk));
}

static __always_inline int is_vlan(__u16 type)
{
	return type == TYPE_VLAN || type == TYPE_QINQ || type == TYPE_QINQ_OLD ||
	       type == TYPE_QINQ_OLDER;
}

static __always_inline int frame_cause(struct xdp_md *ctx, __u32 tunnels)
{
	const __u8 *p = octets_at(ctx, 0, ETHERNET_OCTETS);
	__u32 offset = ETHERNET_OCTETS;

	if (!p)
		return STEER_pass_malformed;
	__u16 type = load16(p + 12);
	for (int i = 0; i < VLAN_TAGS_MAX && is_vlan(type); i++) {
		p = octets_at(ctx, offset, VLAN_OCTETS);
		if (!p)
			return STEER_pass_malformed;
		type = load16(p + 2);
		offset += VLAN_OCTETS;
	}
	switch (type) {
	case TYPE_IPV4:
		return ipv4_cause(ctx, offset);
	case TYPE_IPV6:
		return ipv6_cause(ctx, offset);
	case TYPE_MPLS:
	case TYPE_MPLS_UPSTREAM:
		return tunnels & STEER_TUNNEL_MPLS ? STEER_redirect_tunnel : STEER_pass_not_ip;
	case TYPE_PPPOE_SESSION:
		return tunnels & STEER_TUNNEL_PPPOE ? STEER_redirect_tunnel : STEER_pass_not_ip;
	default:
		return STEER_pass_not_ip;
	}
}

/* With "frags" an interface with jumbo frames takes the program too; headers are in the first. */
SEC("xdp.frags")
int fluxgate_steer(struct xdp_md *ctx)
{
	const struct steer_config *c = config();
	__u32 cause = STEER_pass_unconfigured;
	int action = XDP_PASS;

	if (c && c->active)
		cause = (__u32)frame_cause(ctx, c->tunnels);
	if (is_redirect(cause)) {
		/* Where the queue has no socket, the frame is the kernel's again. */
		action = (int)bpf_redirect_map(&xsks_map, ctx->rx_queue_index, XDP_PASS);
		if (action != XDP_REDIRECT)
			cause = STEER_redirect_failed;
	}
	__u64 *count = bpf_map_lookup_elem(&steer_counters, &cause);
	if (count)
		(*count)++;
	return action;
}

char _license[] SEC("license") = "Dual BSD/GPL";
