/* SPDX-License-Identifier: BSD-3-Clause */

#include <inttypes.h>
#include <math.h>
#include <net/if.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <rte_cycles.h>
#include <rte_ethdev.h>

#include "datapath/port.h"
#include "datapath/port_status.h"
#include "log.h"

/* Frames in the kernel's ring of one net_af_packet queue, unless its arguments say otherwise. */
#define KERNEL_FRAMES 512u

/* Snapshots in which what was received before the port was open may still show. */
#define EARLY_READINGS 2u

/* The value behind ",key=" in a device's arguments, or NULL. */
static const char *argument(const char *device, const char *key)
{
	size_t n = strlen(key);

	for (const char *at = device; (at = strchr(at, ','));) {
		at++;
		if (strncmp(at, key, n) == 0 && at[n] == '=')
			return at + n + 1;
	}
	return NULL;
}

static uint64_t number(const char *device, const char *key, uint64_t otherwise)
{
	const char *text = argument(device, key);

	return text ? strtoull(text, NULL, 10) : otherwise;
}

/*
 * Frames that went through an interface in either direction: a packet socket hears both.
 * /proc/net knows the interfaces of our network namespace; /sys may be another's.
 */
static uint64_t interface_frames(const char *name)
{
	uint64_t frames = PORT_UNKNOWN;
	char line[512], is[16];
	uint64_t in, out;
	FILE *f = fopen("/proc/self/net/dev", "re");

	while (f && fgets(line, sizeof(line), f))
		/* The name; octets and frames received, six more; octets and frames sent. */
		if (sscanf(line, " %15[^:]: %*u %" SCNu64 " %*u %*u %*u %*u %*u %*u %*u %" SCNu64,
			    is, &in, &out) == 3 &&
			strcmp(is, name) == 0)
			frames = in + out;
	if (f)
		fclose(f);
	return frames;
}

bool port_promiscuous(const char *device)
{
	const char *name = argument(device, "iface");
	struct ifreq request = {0};
	int fd = name ? socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0) : -1;

	if (fd < 0)
		return false;
	snprintf(request.ifr_name, sizeof(request.ifr_name), "%.*s", (int)strcspn(name, ","), name);
	bool is = ioctl(fd, SIOCGIFFLAGS, &request) == 0 && request.ifr_flags & IFF_PROMISC;
	close(fd);
	return is;
}

void port_interface_init(
	struct port_interface *i, const struct profile *profile, const char *device)
{
	const char *name = argument(device, "iface");
	size_t n = name ? strcspn(name, ",") : 0;

	*i = (struct port_interface){0};
	/* A program of its own takes only some of the interface's frames. */
	if (profile->counts_offered != PROFILE_OFFERED_INTERFACE || argument(device, "xdp_prog") ||
		n == 0 || n >= sizeof(i->name) || memchr(name, '/', n))
		return;
	memcpy(i->name, name, n);
	i->start = interface_frames(i->name);
	i->room = number(device, "framecnt", KERNEL_FRAMES) * number(device, "qpairs", 1);
	if (i->start == PORT_UNKNOWN)
		i->name[0] = '\0';
}

uint64_t port_interface_offered(const struct port_interface *i)
{
	uint64_t now = i->name[0] ? interface_frames(i->name) : PORT_UNKNOWN;

	/* An interface that was made anew counts anew. */
	return now == PORT_UNKNOWN || now < i->start ? PORT_UNKNOWN : now - i->start;
}

bool port_reconcile(
	struct port_ledger *ledger, const struct port_reading *now, struct port_status *out)
{
	uint64_t lost = now->missed + now->errors + now->no_mbuf + now->spreader_dropped;
	uint64_t handled = now->taken + now->spreader_dropped;
	struct port_ledger before = *ledger;

	out->received = now->taken;
	out->driver_received = now->driver_received;
	out->missed = now->missed;
	out->errors = now->errors;
	out->no_mbuf = now->no_mbuf;
	out->spreader_dropped = now->spreader_dropped;
	out->in_flight = now->driver_received > handled ? now->driver_received - handled : 0;
	out->offered = out->unknown = PORT_UNKNOWN;
	if (now->offered != PORT_UNKNOWN) {
		uint64_t accounted = now->taken + lost + out->in_flight;

		/* At first: it came while the port was being opened. Later it would hide a loss. */
		if (ledger->readings < EARLY_READINGS && accounted > now->offered + ledger->early)
			ledger->early = accounted - now->offered;
		ledger->readings++;
		uint64_t offered = now->offered + ledger->early;
		out->offered = ledger->offered = offered > accounted ? offered : accounted;
		out->unknown = ledger->unknown = out->offered - accounted;
	}
	ledger->received = now->taken;
	ledger->lost = lost;

	uint64_t gone = lost > before.lost ? lost - before.lost : 0;
	uint64_t of = gone + now->taken - before.received;
	if (out->offered != PORT_UNKNOWN && out->offered - before.offered > of)
		of = out->offered - before.offered;
	out->loss_rate = of ? (double)gone / (double)of : NAN;
	return gone || (out->offered != PORT_UNKNOWN && out->unknown > before.unknown &&
			       out->unknown > now->room);
}

static uint64_t taken_of(const struct ports *p, unsigned port)
{
	uint64_t n = 0;

	for (unsigned i = 0; i < p->plan.workers; i++)
		n += atomic_load_explicit(&p->workers[i].taken[port], memory_order_relaxed);
	return n;
}

/* What workers took is read first: what comes meanwhile shows as unknown, not as too much. */
static void port_read(
	const struct ports *p, unsigned i, struct port_status *out, struct port_reading *r)
{
	struct rte_eth_stats stats = {0};

	r->taken = taken_of(p, i);
	r->spreader_dropped = atomic_load_explicit(&p->spreader.dropped[i], memory_order_relaxed);
	if (rte_eth_stats_get(p->port[i].id, &stats) == 0) {
		r->driver_received = stats.ipackets;
		r->missed = stats.imissed;
		r->errors = stats.ierrors;
		r->no_mbuf = stats.rx_nombuf;
	}
	r->offered = port_interface_offered(&p->port[i].interface);
	r->room = p->port[i].interface.room;
	port_xdp_status(&p->port[i].xdp, out);
	if (out->has_xdp) {
		/* Our program counts what it meant for us; what found no socket is lost to us. */
		r->missed += out->xdp.cause[STEER_redirect_failed];
		r->offered = xdp_counters_redirected(&out->xdp);
		r->room = p->plan.port[i].descriptors;
	}
}

/* It turns many times in a millisecond, or not at all; a processor that it shares may take some. */
static bool spreader_hangs(struct ports *p)
{
	uint64_t now = rte_rdtsc(), hz = rte_get_tsc_hz();
	uint64_t turns = atomic_load_explicit(&p->spreader.turns, memory_order_relaxed);

	if (turns != p->turns || p->turned_at == 0) {
		p->turns = turns;
		p->turned_at = now;
	}
	bool hangs = now - p->turned_at > hz / 2;
	if (hangs && !p->hangs)
		log_line(LOG_LEVEL_ERROR,
			"the spreader hangs: no worker gets frames until it is back");
	p->hangs = hangs;
	return hangs;
}

void ports_status(void *ctx, struct snapshot *s)
{
	struct ports *p = ctx;

	s->ports = p->n;
	for (unsigned i = 0; i < p->n; i++) {
		struct port *port = &p->port[i];
		struct port_status *out = &s->port[i];
		struct port_reading now = {0};
		struct rte_eth_link link;

		snprintf(out->name, sizeof(out->name), "%s", port->name);
		snprintf(out->profile, sizeof(out->profile), "%s", p->plan.port[i].profile->name);
		out->vantage = config_vantage_name((enum config_vantage)port->vantage);
		out->queues = p->plan.port[i].queues;
		out->link_up = rte_eth_link_get_nowait(port->id, &link) == 0 &&
			       link.link_status == RTE_ETH_LINK_UP;
		port_read(p, i, out, &now);
		/* Between two epochs' ends the interval is still that of the last one. */
		struct port_ledger between = port->ledger;
		bool ended = s->epochs != p->epochs;
		bool lossy = port_reconcile(ended ? &port->ledger : &between, &now, out);
		if (ended) {
			port->lossy = lossy;
			port->loss_rate = out->loss_rate;
		} else {
			out->loss_rate = port->loss_rate;
		}
		if (port->lossy)
			s->degraded |= UINT32_C(1) << DEGRADED_NIC_LOSS;
		if (!out->link_up)
			s->degraded |= UINT32_C(1) << DEGRADED_LINK_DOWN;
	}
	p->epochs = s->epochs;
	if (p->plan.spreader && spreader_hangs(p))
		s->degraded |= UINT32_C(1) << DEGRADED_HUNG_WORKER;
}
