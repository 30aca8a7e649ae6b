/* SPDX-License-Identifier: BSD-3-Clause */

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include <rte_ethdev.h>
#include <rte_mbuf.h>

#include "datapath/port.h"

#define CACHE 256u
#define MBUF_OCTETS (RTE_MBUF_DEFAULT_BUF_SIZE + 128u + 64u)

/* Descriptors, a burst in the worker's hands, and the mempool's own cache. */
static unsigned queue_mbufs(const struct config_port *p)
{
	return p->rx_descriptors + port_xdp_mbufs(p) + SENSOR_BURST + 2 * CACHE;
}

size_t ports_size(const struct config *c)
{
	size_t octets = 0;

	for (unsigned i = 0; i < c->ports_count; i++)
		octets += (size_t)c->workers * queue_mbufs(&c->ports[i]) * MBUF_OCTETS;
	return octets;
}

/* A vdev's port is named after the part before the first comma, a PCI one after its address. */
static int port_find(const char *device, uint16_t *id, char name[64])
{
	size_t n = strcspn(device, ",");

	snprintf(name, 64, "%.*s", (int)(n < 63 ? n : 63), device);
	return rte_eth_dev_get_port_by_name(name, id);
}

static int queue_start(
	uint16_t id, uint16_t queue, const struct config_port *c, char *err, const char *name)
{
	char pool_name[RTE_MEMPOOL_NAMESIZE];
	int socket = rte_eth_dev_socket_id(id);

	snprintf(pool_name, sizeof(pool_name), "fluxgate_rx_%u_%u", id, queue);
	struct rte_mempool *pool = rte_pktmbuf_pool_create(
		pool_name, queue_mbufs(c), CACHE, 0, RTE_MBUF_DEFAULT_BUF_SIZE, socket);
	if (!pool) {
		snprintf(err, ERROR_LINE_MAX, "port %s: no memory for %u mbufs of queue %u", name,
			queue_mbufs(c), queue);
		return -ENOMEM;
	}
	int rc = rte_eth_rx_queue_setup(
		id, queue, (uint16_t)c->rx_descriptors, (unsigned)socket, NULL, pool);
	if (rc < 0)
		snprintf(err, ERROR_LINE_MAX, "port %s: queue %u: %s", name, queue, strerror(-rc));
	return rc;
}

/*
 * Both directions of a flow must reach one queue: addresses only, and a key whose
 * 16-bit halves are equal, which makes a Toeplitz hash symmetric (Woo and Park,
 * 2012). A driver without RSS spreads by other means (net_af_packet's kernel
 * fan-out is symmetric) or not at all.
 */
static void rss_wanted(
	struct rte_eth_conf *conf, const struct rte_eth_dev_info *info, unsigned queues)
{
	static uint8_t key[256];
	uint64_t hash = RTE_ETH_RSS_IP & info->flow_type_rss_offloads;

	if (queues < 2 || hash == 0)
		return;
	for (size_t i = 0; i < sizeof(key); i++)
		key[i] = i % 2 ? 0x5a : 0x6d;
	conf->rxmode.mq_mode = RTE_ETH_MQ_RX_RSS;
	conf->rx_adv_conf.rss_conf.rss_hf = hash;
	conf->rx_adv_conf.rss_conf.rss_key = info->hash_key_size ? key : NULL;
	conf->rx_adv_conf.rss_conf.rss_key_len = info->hash_key_size;
}

static int port_start(
	uint16_t id, const struct config_port *c, unsigned queues, const char *name, char *err)
{
	struct rte_eth_conf conf = {0};
	struct rte_eth_dev_info info;
	uint16_t tx_queues;

	int rc = rte_eth_dev_info_get(id, &info);
	if (rc < 0)
		goto fail;
	if (queues > info.max_rx_queues) {
		snprintf(err, ERROR_LINE_MAX,
			"port %s: %u workers need as many queues, it has %u: lower \"workers\", or "
			"ask the driver for more (net_af_packet: qpairs=)",
			name, queues, info.max_rx_queues);
		return -ENOTSUP;
	}
	rss_wanted(&conf, &info, queues);
	/* Receive only, but some drivers pair the queues and refuse none. */
	tx_queues = (uint16_t)(queues < info.max_tx_queues ? queues : info.max_tx_queues);
	rc = rte_eth_dev_configure(id, (uint16_t)queues, tx_queues, &conf);
	if (rc < 0)
		goto fail;
	for (uint16_t q = 0; q < queues; q++) {
		rc = queue_start(id, q, c, err, name);
		if (rc < 0)
			return rc;
	}
	for (uint16_t q = 0; q < tx_queues; q++) {
		rc = rte_eth_tx_queue_setup(id, q, 64, (unsigned)rte_eth_dev_socket_id(id), NULL);
		if (rc < 0)
			goto fail;
	}
	rc = rte_eth_dev_start(id);
	if (rc < 0)
		goto fail;
	if (c->promiscuous)
		rte_eth_promiscuous_enable(id);
	return 0;
fail:
	snprintf(err, ERROR_LINE_MAX, "port %s: %s", name, strerror(-rc));
	return rc;
}

int ports_start(struct ports *p, const struct config *c, unsigned workers, char err[ERROR_LINE_MAX])
{
	int rc = 0;

	p->n = 0;
	for (unsigned i = 0; i < c->ports_count && rc == 0; i++) {
		uint16_t id;

		port_xdp_init(&p->xdp[i], &c->ports[i]);
		rc = port_find(c->ports[i].device, &id, p->name[i]);
		if (rc < 0) {
			snprintf(err, ERROR_LINE_MAX,
				"port %s: no such port: check the device and its driver binding",
				p->name[i]);
			break;
		}
		rc = port_start(id, &c->ports[i], workers, p->name[i], err);
		if (rc == 0)
			rc = port_xdp_start(&p->xdp[i], &c->dns, err);
		if (rc == 0) {
			p->id[p->n++] = id;
		} else {
			rte_eth_dev_close(id);
			port_xdp_stop(&p->xdp[i]);
		}
	}
	if (rc < 0)
		ports_stop(p);
	return rc;
}

void ports_status(void *ctx, struct snapshot *s)
{
	struct ports *p = ctx;

	s->ports = p->n;
	for (unsigned i = 0; i < p->n; i++) {
		struct port_status *out = &s->port[i];
		struct rte_eth_stats stats;

		snprintf(out->name, sizeof(out->name), "%s", p->name[i]);
		port_xdp_status(&p->xdp[i], out);
		if (rte_eth_stats_get(p->id[i], &stats) < 0)
			continue;
		out->received = stats.ipackets;
		out->missed = stats.imissed;
		out->errors = stats.ierrors;
		out->no_mbuf = stats.rx_nombuf;
		/* What the XDP program could not hand over came by a queue that nobody reads. */
		uint64_t lost =
			stats.imissed + stats.rx_nombuf + out->xdp.cause[STEER_redirect_failed];
		if (lost > p->lost[i])
			s->degraded |= UINT32_C(1) << DEGRADED_NIC_LOSS;
		p->lost[i] = lost;
	}
}

void ports_stop(struct ports *p)
{
	for (unsigned i = 0; i < p->n; i++) {
		rte_eth_dev_stop(p->id[i]);
		rte_eth_dev_close(p->id[i]);
		port_xdp_stop(&p->xdp[i]);
	}
	p->n = 0;
}
