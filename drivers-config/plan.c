/* SPDX-License-Identifier: BSD-3-Clause */

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <rte_ethdev.h>

#include "drivers-config/plan.h"
#include "sensor/sensor.h"

/* An lcore's cache of a pool holds up to one and a half times this; see port.c. */
#define CACHE_MOST (2 * 256u)

/* A ring takes what comes while its worker is held up for some milliseconds. */
#define RING_ROOM_MIN 1024u
#define RING_ROOM_MAX 16384u

/* Before its driver is known, a card may have a profile of so many descriptors. */
#define DESCRIPTORS_GUESS 4096u

const char *const plan_rules[] = {
	"symmetric_ipv4", "symmetric_ipv6", "inner_vxlan", "inner_gre", "inner_gtpu", NULL};

bool plan_rule_known(const char *name)
{
	for (unsigned i = 0; plan_rules[i]; i++)
		if (strcmp(plan_rules[i], name) == 0)
			return true;
	return false;
}

uint64_t plan_rss_type(const char *name)
{
	static const struct {
		const char *name;
		uint64_t bits;
	} types[] = {
		{"ipv4", RTE_ETH_RSS_IPV4},
		{"frag-ipv4", RTE_ETH_RSS_FRAG_IPV4},
		{"ipv4-tcp", RTE_ETH_RSS_NONFRAG_IPV4_TCP},
		{"ipv4-udp", RTE_ETH_RSS_NONFRAG_IPV4_UDP},
		{"ipv4-other", RTE_ETH_RSS_NONFRAG_IPV4_OTHER},
		{"ipv6", RTE_ETH_RSS_IPV6},
		{"frag-ipv6", RTE_ETH_RSS_FRAG_IPV6},
		{"ipv6-tcp", RTE_ETH_RSS_NONFRAG_IPV6_TCP},
		{"ipv6-udp", RTE_ETH_RSS_NONFRAG_IPV6_UDP},
		{"ipv6-other", RTE_ETH_RSS_NONFRAG_IPV6_OTHER},
		{"ipv6-ex", RTE_ETH_RSS_IPV6_EX},
	};

	for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++)
		if (strcmp(types[i].name, name) == 0)
			return types[i].bits;
	return 0;
}

void plan_key(uint16_t random, uint8_t key[PLAN_KEY_MAX])
{
	/* Neither nearly all zeros nor nearly all ones. */
	unsigned pattern = (random & 0x3fffu) | 0x4000u;
	unsigned ones = (unsigned)__builtin_popcount(pattern);

	if (ones < 5 || ones > 11)
		pattern ^= 0x0db6u;
	if (__builtin_popcount(pattern) % 2 == 0)
		pattern ^= 0x8000u;
	for (unsigned i = 0; i < PLAN_KEY_MAX; i++)
		key[i] = (uint8_t)(i % 2 ? pattern & 0xff : pattern >> 8);
}

/* RSS types that the profile wants and the driver has. */
static uint64_t types_usable(const struct profile *p, const struct port_facts *f)
{
	uint64_t bits = 0;

	for (uint32_t i = 0; i < p->rss_types_count; i++)
		bits |= plan_rss_type(p->rss_types[i]);
	return bits & f->rss_types;
}

static bool is_symmetric(const struct profile *p, const struct port_facts *f)
{
	switch ((enum profile_symmetric)p->rss_symmetric) {
	case PROFILE_SYMMETRIC_KEY:
		return f->key_octets && f->key_octets <= PLAN_KEY_MAX && types_usable(p, f);
	case PROFILE_SYMMETRIC_KERNEL:
		return true;
	default:
		return false;
	}
}

static unsigned queues_direct(const struct profile *p, const struct port_facts *f, unsigned workers)
{
	unsigned most = f->rx_queues_max < p->queues_max ? f->rx_queues_max : p->queues_max;

	if (p->queues_all)
		return f->rx_queues_max;
	return most < workers ? most : workers;
}

/* Why a spreader is needed, into why; false when it is not. */
static bool spreader_needed(const struct config *c, const struct port_facts *f,
	const struct profile *const *p, char *why, size_t size)
{
	for (unsigned i = 0; i < c->ports_count; i++) {
		unsigned queues = queues_direct(p[i], &f[i], c->workers);

		if (queues < c->workers)
			snprintf(why, size, "port %s has %u queue%s for %u workers", f[i].name,
				queues, queues == 1 ? "" : "s", c->workers);
		else if (!is_symmetric(p[i], &f[i]))
			snprintf(why, size,
				"port %s cannot keep both directions in one queue (profile %s)",
				f[i].name, p[i]->name);
		else if (c->ports[i].tunnels && !p[i]->rss_inner)
			snprintf(why, size, "port %s cannot hash inside tunnels (profile %s)",
				f[i].name, p[i]->name);
		else if (p[i]->rss_symmetric != p[0]->rss_symmetric ||
			 p[i]->rss_ports != p[0]->rss_ports ||
			 queues != queues_direct(p[0], &f[0], c->workers))
			snprintf(why, size,
				"ports %.48s and %.48s choose their queues in different ways",
				f[0].name, f[i].name);
		else
			continue;
		return true;
	}
	return false;
}

static int spreader_decide(struct plan *plan, const struct config *c, const struct port_facts *f,
	const struct profile *const *p, char err[ERROR_LINE_MAX])
{
	char why[160] = "";

	plan->spreader = c->spreader == SPREADER_ON;
	if (plan->spreader) {
		snprintf(plan->why, sizeof(plan->why), "spreader: asked for");
		return 0;
	}
	if (c->workers == 1) {
		snprintf(plan->why, sizeof(plan->why), "no spreader: one worker");
		return 0;
	}
	bool needed = spreader_needed(c, f, p, why, sizeof(why));
	if (c->spreader == SPREADER_AUTO) {
		plan->spreader = needed;
		snprintf(plan->why, sizeof(plan->why), "%s",
			needed ? "spreader: " : "no spreader: the ports spread symmetrically");
		if (needed)
			strncat(plan->why, why, sizeof(plan->why) - strlen(plan->why) - 1);
		return 0;
	}
	for (unsigned i = 0; i < c->ports_count; i++) {
		unsigned queues = queues_direct(p[i], &f[i], c->workers);
		if (queues >= c->workers)
			continue;
		snprintf(err, ERROR_LINE_MAX,
			"port %s: %u workers need as many queues, it has %u: lower \"workers\", "
			"ask the driver for more (net_af_packet: qpairs=), or set \"spreader\" "
			"to \"auto\"",
			f[i].name, c->workers, queues);
		return -ENOTSUP;
	}
	snprintf(plan->why, sizeof(plan->why), "no spreader: switched off%s%s",
		needed ? ", though " : "", why);
	return 0;
}

static uint32_t descriptors(
	const struct config_port *c, const struct profile *p, const struct port_facts *f)
{
	uint32_t n = c->rx_descriptors ? c->rx_descriptors : p->descriptors;
	uint32_t least = p->descriptors_min, most = p->descriptors_max;
	uint32_t align = f->descriptors_align ? f->descriptors_align : 1;

	if (f->descriptors_min > least)
		least = f->descriptors_min;
	if (f->descriptors_max && f->descriptors_max < most)
		most = f->descriptors_max;
	n = (n + align - 1) / align * align;
	if (n < least)
		n = (least + align - 1) / align * align;
	return n > most ? most / align * align : n;
}

static uint32_t ring_room(uint32_t most_descriptors)
{
	uint32_t room = RING_ROOM_MIN;

	while (room < 2 * most_descriptors && room < RING_ROOM_MAX)
		room *= 2;
	return room;
}

/*
 * Whatever can hold a buffer of one queue at a time; a worker has two bursts in hand. With a
 * spreader its worst case is that all rings are full of this one queue's frames: then the rings
 * drop and say so, and the port still has its descriptors.
 */
static uint32_t buffers(
	uint32_t descriptor_count, uint32_t driver, bool spreader, unsigned workers, uint32_t room)
{
	descriptor_count += driver;
	if (!spreader)
		return descriptor_count + 2 * SENSOR_BURST + CACHE_MOST;
	return descriptor_count + SENSOR_BURST + workers * (room + 3 * SENSOR_BURST) +
	       (workers + 1) * CACHE_MOST;
}

static void arithmetic(struct port_plan *p, const struct plan *plan)
{
	double mib = (double)p->queues * p->buffers * PLAN_MBUF_OCTETS / (1 << 20);
	char where[32] = "any node";

	if (p->node >= 0)
		snprintf(where, sizeof(where), "node %d", p->node);
	if (plan->spreader)
		snprintf(p->arithmetic, sizeof(p->arithmetic),
			"%u x (%u descriptors + %u of the driver + %u + %u x (%u in a ring + %u) + "
			"%u x %u cached) = "
			"%u buffers, %.1f MiB on %s",
			p->queues, p->descriptors, p->profile->driver_buffers, SENSOR_BURST,
			plan->workers, plan->ring_room, 3 * SENSOR_BURST, plan->workers + 1,
			CACHE_MOST, p->queues * p->buffers, mib, where);
	else
		snprintf(p->arithmetic, sizeof(p->arithmetic),
			"%u x (%u descriptors + %u of the driver + %u in hand + %u cached) = %u "
			"buffers, %.1f MiB "
			"on %s",
			p->queues, p->descriptors, p->profile->driver_buffers, 2 * SENSOR_BURST,
			CACHE_MOST, p->queues * p->buffers, mib, where);
}

static void port_plan(struct port_plan *out, const struct plan *plan, const struct config_port *c,
	const struct port_facts *f)
{
	const struct profile *p = out->profile;

	out->queues = (uint16_t)queues_direct(p, f, plan->workers);
	if (plan->spreader && !p->queues_all)
		out->queues = 1;
	out->tx_queues = out->queues < f->tx_queues_max ? out->queues : f->tx_queues_max;
	out->descriptors = (uint16_t)descriptors(c, p, f);
	if (p->frame_octets) {
		uint32_t mtu = p->frame_octets - RTE_ETHER_HDR_LEN - RTE_ETHER_CRC_LEN -
			       2 * (uint32_t)RTE_VLAN_HLEN;
		out->mtu = (uint16_t)(f->mtu_max && mtu > f->mtu_max ? f->mtu_max : mtu);
	}
	if (out->queues > 1 && p->rss_symmetric == PROFILE_SYMMETRIC_KEY && is_symmetric(p, f)) {
		out->rss_types = types_usable(p, f);
		out->key_octets = f->key_octets;
		out->reta_size = f->reta_size;
	}
	out->node = f->node;
	out->link_wait = p->link_wait;
}

int plan_make(struct plan *plan, const struct config *c, const struct port_facts *facts,
	const struct profile *const *profiles, char err[ERROR_LINE_MAX])
{
	uint32_t most = 0;
	uint16_t period = UINT16_MAX;

	memset(plan, 0, sizeof(*plan));
	plan->ports = c->ports_count;
	plan->workers = c->workers;
	int rc = spreader_decide(plan, c, facts, profiles, err);
	if (rc < 0)
		return rc;
	for (unsigned i = 0; i < plan->ports; i++) {
		struct port_plan *p = &plan->port[i];

		p->profile = profiles[i];
		port_plan(p, plan, &c->ports[i], &facts[i]);
		most = p->descriptors > most ? p->descriptors : most;
		if (p->reta_size && p->reta_size < period)
			period = p->reta_size;
	}
	plan->ring_room = plan->spreader ? ring_room(most) : 0;
	for (unsigned i = 0; i < plan->ports; i++) {
		struct port_plan *p = &plan->port[i];

		/* Tables of different sizes would lead one hash to different queues. */
		p->reta_period = p->reta_size ? period : 0;
		p->buffers = buffers(p->descriptors, p->profile->driver_buffers, plan->spreader,
			plan->workers, plan->ring_room);
		arithmetic(p, plan);
	}
	return 0;
}

bool plan_spreader_possible(const struct config *c)
{
	return c->spreader == SPREADER_ON || (c->spreader == SPREADER_AUTO && c->workers > 1);
}

/* Queues that the arguments of a virtual device ask for; 1 when they do not say. */
static unsigned device_queues(const char *device)
{
	static const char *const keys[] = {",qpairs=", ",queue_count="};
	unsigned files = 0;

	for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++) {
		const char *at = strstr(device, keys[i]);
		if (at)
			return (unsigned)strtoul(at + strlen(keys[i]), NULL, 10);
	}
	for (const char *at = device; (at = strstr(at, ",rx_pcap=")); at++)
		files++;
	return files ? files : 1;
}

size_t plan_octets_max(const struct config *c, const struct profiles *all)
{
	size_t octets = 0;

	for (unsigned i = 0; i < c->ports_count; i++) {
		const struct config_port *port = &c->ports[i];
		const struct profile *p = profile_of_device(all, port->device);
		uint32_t n = port->rx_descriptors;

		if (!n)
			n = p ? p->descriptors : DESCRIPTORS_GUESS;
		uint32_t driver = p ? p->driver_buffers : 0;
		n = p && n > p->descriptors_max ? p->descriptors_max : n;
		unsigned asked = device_queues(port->device);
		unsigned direct = asked > c->workers ? asked : c->workers;
		size_t without = (size_t)direct * buffers(n, driver, false, c->workers, 0),
		       with = 0;
		if (plan_spreader_possible(c))
			with = (size_t)asked * buffers(n, driver, true, c->workers, ring_room(n));
		octets += (with > without ? with : without) * PLAN_MBUF_OCTETS;
	}
	return octets;
}
