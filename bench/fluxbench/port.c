/* SPDX-License-Identifier: BSD-3-Clause */

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include <rte_ethdev.h>
#include <rte_mbuf.h>

#include "fluxbench/mem_port.h"
#include "fluxbench/port.h"

#define SPARE_MBUFS 4096u
#define POOL_CACHE 256u
#define NULL_FRAME_OCTETS (TRAFFIC_FRAME_LEAST - TRAFFIC_FCS_OCTETS)

const char *bench_port_name(enum bench_port_kind kind)
{
	static const char *const names[BENCH_PORT_KINDS] = {"mem", "pcap", "null"};

	return names[kind];
}

enum bench_port_kind bench_port_find(const char *name)
{
	enum bench_port_kind kind = 0;

	while (kind < BENCH_PORT_KINDS && strcmp(bench_port_name(kind), name) != 0)
		kind++;
	return kind;
}

int bench_port_plan(struct bench_port *p, struct config_port *device, char err[ERROR_LINE_MAX])
{
	int n = 0;

	if (p->kind == BENCH_PORT_NULL)
		p->traffic = traffic_uniform(NULL_FRAME_OCTETS);
	else
		n = traffic_scan(&p->traffic, p->capture, err);
	if (n < 0)
		return n;
	if (p->kind == BENCH_PORT_PCAP)
		n = snprintf(device->device, sizeof(device->device),
			"net_pcap%u,rx_pcap=%s,infinite_rx=1", p->index, p->capture);
	else
		n = snprintf(device->device, sizeof(device->device), "net_null%u,size=%u", p->index,
			NULL_FRAME_OCTETS);
	if ((size_t)n < sizeof(device->device))
		return 0;
	snprintf(err, ERROR_LINE_MAX, "%s: the path is too long", p->capture);
	return -ENAMETOOLONG;
}

/* net_pcap keeps the whole capture in mbufs and copies each packet out of it. */
static unsigned pool_mbufs(const struct bench_port *p)
{
	return SPARE_MBUFS + BENCH_PORT_DESCRIPTORS +
	       (p->kind == BENCH_PORT_PCAP ? (unsigned)p->traffic.frames : 0);
}

static uint16_t pool_room(const struct bench_port *p)
{
	uint32_t octets =
		p->kind == BENCH_PORT_PCAP ? p->traffic.longest : RTE_MBUF_DEFAULT_DATAROOM;

	return (uint16_t)(RTE_PKTMBUF_HEADROOM + (octets + 63) / 64 * 64);
}

/*
 * An mbuf has a header of the pool's and padding that spreads it over memory channels, and a place
 * in the pool's ring and in net_pcap's, whose sizes are powers of two.
 */
size_t bench_port_octets(const struct bench_port *p)
{
	size_t mbuf = pool_room(p) + sizeof(struct rte_mbuf) + 3 * RTE_CACHE_LINE_SIZE +
		      2 * 2 * sizeof(void *);

	return pool_mbufs(p) * mbuf +
	       (p->kind == BENCH_PORT_MEM ? mem_port_octets(&p->traffic) : 0);
}

static int port_start(uint16_t port, struct rte_mempool *pool)
{
	struct rte_eth_conf conf = {0};
	int rc = rte_eth_dev_configure(port, 1, 1, &conf);

	if (rc == 0)
		rc = rte_eth_rx_queue_setup(port, 0, BENCH_PORT_DESCRIPTORS, 0, NULL, pool);
	if (rc == 0)
		rc = rte_eth_tx_queue_setup(port, 0, 64, 0, NULL);
	return rc == 0 ? rte_eth_dev_start(port) : rc;
}

int bench_port_open(struct bench_port *p, char err[ERROR_LINE_MAX])
{
	char name[16], pool_name[16];

	snprintf(name, sizeof(name), "net_%s%u", p->kind == BENCH_PORT_PCAP ? "pcap" : "null",
		p->index);
	snprintf(pool_name, sizeof(pool_name), "bench_rx%u", p->index);
	struct rte_mempool *pool = rte_pktmbuf_pool_create(
		pool_name, pool_mbufs(p), POOL_CACHE, 0, pool_room(p), SOCKET_ID_ANY);
	int rc = pool ? rte_eth_dev_get_port_by_name(name, &p->number) : -ENOMEM;

	if (rc == 0)
		rc = port_start(p->number, pool);
	if (rc < 0)
		snprintf(err, ERROR_LINE_MAX, "%s: %s", name, strerror(-rc));
	else if (p->kind == BENCH_PORT_MEM)
		rc = mem_port_open(&p->mem, p->capture, &p->traffic, p->number, pool, err);
	return rc;
}

void bench_port_counts(const struct bench_port *p, uint64_t *generated, uint64_t *lost)
{
	struct rte_eth_stats stats = {0};

	rte_eth_stats_get(p->number, &stats);
	*lost = stats.imissed + stats.ierrors + stats.rx_nombuf;
	*generated = *lost + (p->mem ? mem_port_delivered(p->mem) : stats.ipackets);
}

void bench_port_close(struct bench_port *p)
{
	rte_eth_dev_stop(p->number);
	rte_eth_dev_close(p->number);
	mem_port_close(p->mem);
}
