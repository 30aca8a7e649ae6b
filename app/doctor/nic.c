/* SPDX-License-Identifier: BSD-3-Clause */

/* Kernel interfaces that net_af_packet, net_af_xdp or a bifurcated driver listens on. */

#include <inttypes.h>
#include <net/if.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "doctor/doctor.h"
#include "doctor/tree.h"

/* One packet has one page, less the headroom and the kernel's tail (mlx5: 3498). */
#define XDP_MTU_MAX 3498
/* What the driver leaves for a frame in a buffer of 2048 octets. */
#define XDP_FRAME_MAX 1792

/* net_af_packet's own defaults. */
#define FRAME_OCTETS 2048
#define BLOCK_OCTETS 4096
#define BLOCK_WANTED 65536

/* What a frame of the ring holds before the packet, and the packet's link header with two tags. */
#define FRAME_HEADER 66
#define LINK_HEADER 22

#define RING_WANTED 1024u

#define CAP_NET_ADMIN_BIT 12u

struct nic {
	const struct config_port *port;
	enum port_kind kind;
	const char *name;
	int64_t mtu;
	struct nic_facts facts;
};

static unsigned argument_number(const struct nic *n, const char *key, unsigned otherwise)
{
	char text[32];

	if (!device_argument(n->port->device, key, text, sizeof(text)))
		return otherwise;
	return (unsigned)strtoul(text, NULL, 10);
}

static void link_check(struct doctor *d, const struct nic *n)
{
	int64_t flags = 0, carrier = 0;

	tree_number(d->root, &flags, "/sys/class/net/%s/flags", n->name);
	if (!(flags & IFF_UP)) {
		finding_remedy(
			finding_add(d, SEVERITY_ERROR, "nic.up",
				"an interface that is down hears nothing", "%s is down", n->name),
			"ip link set %s up", n->name);
		return;
	}
	/* A dummy or loopback interface tells none. */
	if (tree_number(d->root, &carrier, "/sys/class/net/%s/carrier", n->name) && carrier == 0)
		finding_remedy(
			finding_add(d, SEVERITY_WARNING, "nic.up", "nothing arrives without a link",
				"%s is up, without a link", n->name),
			"check cable, optics and the mirror's far end");
	else
		finding_add(d, SEVERITY_OK, "nic.up", "", "%s is up", n->name);
	if (!n->port->promiscuous)
		return;
	if (flags & IFF_PROMISC)
		finding_add(d, SEVERITY_OK, "nic.promiscuous", "", "is promiscuous already");
	else if (capability_held(d, CAP_NET_ADMIN_BIT))
		finding_add(d, SEVERITY_OK, "nic.promiscuous", "", "may be made promiscuous");
	else
		finding_remedy(
			finding_add(d, SEVERITY_WARNING, "nic.promiscuous",
				"a mirror's frames are addressed to others: the card drops them",
				"this user may not make %s promiscuous", n->name),
			"ip link set %s promisc on, or give the service CAP_NET_ADMIN", n->name);
}

static void mtu_check(struct doctor *d, const struct nic *n)
{
	int64_t frame = argument_number(n, "framesz", FRAME_OCTETS) - FRAME_HEADER;

	if (n->kind == PORT_KIND_AF_XDP && n->mtu > XDP_MTU_MAX)
		finding_remedy(
			finding_add(d, SEVERITY_ERROR, "nic.mtu",
				"AF_XDP puts one packet into one page: drivers refuse the "
				"program at a larger MTU",
				"MTU %" PRId64 ", at most %d for AF_XDP", n->mtu, XDP_MTU_MAX),
			"ip link set %s mtu 1500, or use net_af_packet0,iface=%s", n->name,
			n->name);
	else if (n->kind == PORT_KIND_AF_XDP && n->mtu + LINK_HEADER > XDP_FRAME_MAX)
		finding_remedy(finding_add(d, SEVERITY_WARNING, "nic.mtu",
				       "longer frames are lost, and counted as missed",
				       "MTU %" PRId64 ", a frame has at most %d octets", n->mtu,
				       XDP_FRAME_MAX),
			"use net_af_packet0,iface=%s if large datagrams matter", n->name);
	else if (n->kind == PORT_KIND_AF_PACKET && n->mtu + LINK_HEADER > frame)
		finding_remedy(
			finding_add(d, SEVERITY_WARNING, "nic.mtu", "longer frames arrive cut",
				"MTU %" PRId64 ", a frame of the ring holds %" PRId64 " octets",
				n->mtu, frame),
			"add framesz=%d to the device, and a blocksz that is a multiple of it",
			n->mtu + LINK_HEADER + FRAME_HEADER <= 4096 ? 4096 : 16384);
	else
		finding_add(d, SEVERITY_OK, "nic.mtu", "", "MTU %" PRId64, n->mtu);
}

static void af_packet_check(struct doctor *d, const struct nic *n)
{
	unsigned queues = argument_number(n, "qpairs", 1);
	unsigned block = argument_number(n, "blocksz", BLOCK_OCTETS);

	if (queues < d->config->workers)
		finding_remedy(finding_add(d, SEVERITY_WARNING, "nic.queues",
				       "the port cannot give each worker a queue of its own",
				       "%u queue(s) for %u workers", queues, d->config->workers),
			"add qpairs=%u to the device", d->config->workers);
	else
		finding_add(d, SEVERITY_OK, "nic.queues", "",
			"%u queue(s), fanned out by the kernel", queues);
	if (block < BLOCK_WANTED)
		finding_remedy(
			finding_add(d, SEVERITY_NOTE, "nic.blocks",
				"the kernel's ring is short and in many pieces: bursts are lost",
				"blocksz is %u octets", block),
			"add blocksz=%d,framecnt=16384 to the device", BLOCK_WANTED);
}

/* The spreader deals from any number of queues; without it each worker polls its own. */
static void af_xdp_workers_check(struct doctor *d, unsigned queues)
{
	unsigned workers = d->config->workers;

	if (queues < workers && d->config->spreader == SPREADER_OFF)
		finding_remedy(finding_add(d, SEVERITY_WARNING, "nic.queues",
				       "the port cannot give each worker a queue of its own",
				       "%u queue(s) for %u workers", queues, workers),
			"set \"spreader\" to \"auto\", which deals from any number of queues");
	else
		finding_add(d, SEVERITY_OK, "nic.queues", "", "%u queue(s)%s", queues,
			workers > 1 && d->config->spreader != SPREADER_OFF
				? ", dealt to the workers by the spreader"
				: "");
}

/*
 * Sockets sit on queues: what the card puts into another is not seen. The driver takes as
 * many as there are combined channels, and one where an interface has none of that kind.
 */
static void af_xdp_check(struct doctor *d, const struct nic *n)
{
	const struct nic_facts *f = &n->facts;
	unsigned first = argument_number(n, "start_queue", 0);
	unsigned queues = argument_number(n, "queue_count", 1), has = f->rx_queues;
	unsigned most = f->combined_max ? f->combined : 1;

	af_xdp_workers_check(d, queues);
	if (first + queues > most) {
		struct finding *found =
			finding_add(d, SEVERITY_ERROR, "nic.channels", "run refuses to start",
				"queues %u..%u of %u", first, first + queues - 1, most);

		if (f->combined_max >= first + queues)
			finding_remedy(found, "ethtool -L %s combined %u", n->name, first + queues);
		else if (f->combined_max)
			finding_remedy(found,
				"name fewer: ethtool -L %s combined %u, queue_count=%u", n->name,
				f->combined_max, f->combined_max);
		else
			finding_remedy(found,
				"take queue_count= and start_queue= out of the device: %s has no "
				"combined channels, so one socket, which the spreader deals from",
				n->name);
	} else if (has && (first > 0 || queues < has)) {
		struct finding *found = finding_add(d, SEVERITY_WARNING, "nic.channels",
			"frames in the other queues are never seen", "%u of the card's %u queues",
			queues, has);

		if (f->combined_max)
			finding_remedy(found, "ethtool -L %s combined %u, or queue_count=%u",
				n->name, queues, has);
		else
			finding_remedy(found, "ethtool -L %s rx 1", n->name);
	} else {
		finding_add(d, SEVERITY_OK, "nic.channels", "", "%u queue(s)", queues);
	}
}

static void ring_check(struct doctor *d, const struct nic *n)
{
	const struct nic_facts *f = &n->facts;
	unsigned wanted = f->rx_ring_max < RING_WANTED ? f->rx_ring_max : RING_WANTED;

	if (f->rx_ring_max == 0)
		return;
	if (f->rx_ring < wanted)
		finding_remedy(
			finding_add(d, SEVERITY_NOTE, "nic.ring",
				"a short ring loses bursts before anyone sees them",
				"receive ring of %u, %u at most", f->rx_ring, f->rx_ring_max),
			"ethtool -G %s rx %u", n->name, f->rx_ring_max);
	else
		finding_add(d, SEVERITY_OK, "nic.ring", "", "receive ring of %u, %u at most",
			f->rx_ring, f->rx_ring_max);
}

static void offloads_check(struct doctor *d, const struct nic *n)
{
	const struct nic_facts *f = &n->facts;

	if (f->gro || f->gro_hw || f->lro)
		finding_remedy(
			finding_add(d, SEVERITY_WARNING, "nic.offloads",
				"segments are merged into frames that never were on the wire, and "
				"cut where they are too long",
				"%s merges on receive:%s%s%s", n->name, f->gro ? " GRO" : "",
				f->gro_hw ? " hardware GRO" : "", f->lro ? " LRO" : ""),
			"ethtool -K %s%s%s%s", n->name, f->gro ? " gro off" : "",
			f->gro_hw ? " rx-gro-hw off" : "", f->lro ? " lro off" : "");
	else
		finding_add(d, SEVERITY_OK, "nic.offloads", "", "frames come as on the wire");
}

/* Drivers with XDP of their own (Linux 6.1); the others have the generic path. */
static bool driver_has_xdp(const char *driver)
{
	static const char *const drivers[] = {"atlantic", "bnxt_en", "ena", "fsl_dpaa2_eth",
		"hv_netvsc", "i40e", "ice", "igb", "igc", "ixgbe", "ixgbevf", "mlx4_en",
		"mlx4_core", "mlx5_core", "mvneta", "mvpp2", "nfp", "nicvf", "qede", "sfc",
		"stmmac", "tsnep", "tun", "veth", "virtio_net", "vmxnet3"};

	for (size_t i = 0; i < sizeof(drivers) / sizeof(*drivers); i++)
		if (strcmp(driver, drivers[i]) == 0)
			return true;
	return false;
}

static void xdp_support_check(struct doctor *d, const struct nic *n)
{
	const char *driver = n->facts.driver;

	if (!driver[0])
		return;
	if (driver_has_xdp(driver))
		finding_add(d, SEVERITY_OK, "nic.xdp", "", "driver %s runs XDP programs itself",
			driver);
	else
		finding_remedy(finding_add(d, SEVERITY_NOTE, "nic.xdp",
				       "the generic path copies each frame",
				       "driver %s is not known to run XDP programs itself", driver),
			"net_af_packet costs no more there");
}

/* A sysfs that was mounted in another network namespace shows the interfaces of that one. */
static void interface_missing(struct doctor *d, struct nic *n)
{
	if (d->system->nic && d->system->nic(n->name, &n->facts) == 0)
		finding_remedy(
			finding_add(d, SEVERITY_WARNING, "port.present",
				"state, MTU and node of the interface were not seen",
				"%s is there, but /sys is of another network namespace", n->name),
			"ip netns exec NAME fluxgate doctor, which mounts its own");
	else
		finding_remedy(finding_add(d, SEVERITY_ERROR, "port.present",
				       "run refuses to start", "no interface %s", n->name),
			"ip link says which there are in this network namespace");
}

void doctor_nic(struct doctor *d, const struct config_port *port, const char *name)
{
	struct nic n = {.port = port, .kind = port_kind(port->device), .name = name};

	if (!tree_exists(d->root, "/sys/class/net/%s", name)) {
		interface_missing(d, &n);
		return;
	}
	link_check(d, &n);
	if (tree_number(d->root, &n.mtu, "/sys/class/net/%s/mtu", name))
		mtu_check(d, &n);
	if (n.kind == PORT_KIND_PCI)
		return; /* DPDK sets its queues itself */
	if (n.kind == PORT_KIND_AF_PACKET)
		af_packet_check(d, &n);
	if (!d->system->nic || d->system->nic(name, &n.facts) < 0) {
		finding_add(d, SEVERITY_NOTE, "nic.ethtool", "rings and offloads can lose frames",
			"queues, ring and offloads of %s could not be asked for", name);
		return;
	}
	if (n.kind == PORT_KIND_AF_XDP) {
		af_xdp_check(d, &n);
		xdp_support_check(d, &n);
	}
	ring_check(d, &n);
	offloads_check(d, &n);
}
