/* SPDX-License-Identifier: BSD-3-Clause */

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>
#include <time.h>

#include <rte_ethdev.h>
#include <rte_lcore.h>
#include <rte_mbuf.h>

#include "datapath/port.h"

#define CACHE 256u
#define LINK_POLL_NS 100000000L
#define RETA_GROUPS (RTE_ETH_RSS_RETA_SIZE_512 / RTE_ETH_RETA_GROUP_SIZE)

int ports_load(struct ports *p, const struct config *c, char err[ERROR_LINE_MAX])
{
	int rc = profiles_load(&p->profiles, c->drivers.profiles, err);

	if (rc == 0 && p->profiles.count == 0)
		fputs("fluxgate: drivers: no profiles found: every port gets one queue\n", stderr);
	return rc;
}

size_t ports_size(const struct ports *p, const struct config *c)
{
	return plan_octets_max(c, &p->profiles);
}

/* A vdev's port is named after the part before the first comma, a PCI one after its address. */
static int port_find(const char *device, uint16_t *id, char name[64])
{
	size_t n = strcspn(device, ",");

	snprintf(name, 64, "%.*s", (int)(n < 63 ? n : 63), device);
	return rte_eth_dev_get_port_by_name(name, id);
}

static int facts_read(struct port_facts *f, uint16_t id, const char *name)
{
	struct rte_eth_dev_info info;
	int rc = rte_eth_dev_info_get(id, &info);

	if (rc < 0)
		return rc;
	*f = (struct port_facts){
		.rx_queues_max = info.max_rx_queues,
		.tx_queues_max = info.max_tx_queues,
		.reta_size = info.reta_size,
		.key_octets = info.hash_key_size,
		.rss_types = info.flow_type_rss_offloads,
		.descriptors_min = info.rx_desc_lim.nb_min,
		.descriptors_max = info.rx_desc_lim.nb_max,
		.descriptors_align = info.rx_desc_lim.nb_align,
		.mtu_max = info.max_mtu,
		.node = rte_eth_dev_socket_id(id),
	};
	snprintf(f->name, sizeof(f->name), "%s", name);
	snprintf(f->driver, sizeof(f->driver), "%s", info.driver_name);
	return 0;
}

static int queue_start(
	uint16_t id, uint16_t queue, const struct port_plan *plan, const char *name, char *err)
{
	char pool_name[RTE_MEMPOOL_NAMESIZE];

	snprintf(pool_name, sizeof(pool_name), "fluxgate_rx_%u_%u", id, queue);
	struct rte_mempool *pool = rte_pktmbuf_pool_create(
		pool_name, plan->buffers, CACHE, 0, RTE_MBUF_DEFAULT_BUF_SIZE, plan->node);
	if (!pool) {
		snprintf(err, ERROR_LINE_MAX,
			"port %s: queue %u: no memory for %u buffers on node %d: lower "
			"\"rx_descriptors\", or reserve hugepages there",
			name, queue, plan->buffers, plan->node);
		return -ENOMEM;
	}
	int rc = rte_eth_rx_queue_setup(
		id, queue, plan->descriptors, (unsigned)plan->node, NULL, pool);
	if (rc < 0)
		snprintf(err, ERROR_LINE_MAX, "port %s: queue %u: %s", name, queue, strerror(-rc));
	return rc;
}

/*
 * The same hash must lead to the same queue on every port, and the driver must have
 * taken our key: both directions of an exchange hang on it.
 */
static int spread_apply(uint16_t id, const struct port_plan *plan, const char *name,
	const uint8_t *key, bool alone, char *err)
{
	struct rte_eth_rss_reta_entry64 reta[RETA_GROUPS] = {0};
	uint8_t has[PLAN_KEY_MAX] = {0};
	struct rte_eth_rss_conf conf = {.rss_key = has, .rss_key_len = plan->key_octets};

	if (!plan->rss_types)
		return 0;
	if (rte_eth_dev_rss_hash_conf_get(id, &conf) == 0 && conf.rss_key &&
		memcmp(has, key, plan->key_octets) != 0) {
		snprintf(err, ERROR_LINE_MAX,
			"port %s: the driver keeps an RSS key of its own: set \"spreader\" to "
			"\"on\"",
			name);
		return -ENOTSUP;
	}
	if (plan->reta_size == 0 || plan->reta_size > RTE_ETH_RSS_RETA_SIZE_512)
		return 0;
	for (unsigned i = 0; i < plan->reta_size; i++) {
		struct rte_eth_rss_reta_entry64 *group = &reta[i / RTE_ETH_RETA_GROUP_SIZE];

		group->mask |= UINT64_C(1) << i % RTE_ETH_RETA_GROUP_SIZE;
		group->reta[i % RTE_ETH_RETA_GROUP_SIZE] =
			(uint16_t)(i % plan->reta_period % plan->queues);
	}
	int rc = rte_eth_dev_rss_reta_update(id, reta, plan->reta_size);
	/* One port alone may deal as it likes. */
	if (rc == 0 || alone)
		return 0;
	snprintf(err, ERROR_LINE_MAX,
		"port %s: its table from hash to queue cannot be set (%s), and ports would not "
		"agree: set \"spreader\" to \"on\"",
		name, strerror(-rc));
	return rc;
}

static int port_configure(uint16_t id, const struct port_plan *plan, uint8_t *key)
{
	struct rte_eth_conf conf = {.rxmode.mtu = plan->mtu};

	if (plan->rss_types) {
		conf.rxmode.mq_mode = RTE_ETH_MQ_RX_RSS;
		conf.rx_adv_conf.rss_conf.rss_hf = plan->rss_types;
		conf.rx_adv_conf.rss_conf.rss_key = key;
		conf.rx_adv_conf.rss_conf.rss_key_len = plan->key_octets;
	}
	/* Receive only, but some drivers pair the queues and refuse none. */
	return rte_eth_dev_configure(id, plan->queues, plan->tx_queues, &conf);
}

static int port_start(uint16_t id, const struct config_port *c, const struct port_plan *plan,
	const char *name, uint8_t *key, bool alone, char *err)
{
	int rc = port_configure(id, plan, key);

	if (rc < 0)
		goto fail;
	for (uint16_t q = 0; q < plan->queues; q++) {
		rc = queue_start(id, q, plan, name, err);
		if (rc < 0)
			return rc;
	}
	for (uint16_t q = 0; q < plan->tx_queues; q++) {
		rc = rte_eth_tx_queue_setup(id, q, 64, (unsigned)plan->node, NULL);
		if (rc < 0)
			goto fail;
	}
	rc = rte_eth_dev_start(id);
	if (rc < 0)
		goto fail;
	rc = spread_apply(id, plan, name, key, alone, err);
	if (rc < 0)
		return rc;
	port_flow_rules(id, name, plan, key);
	if (c->promiscuous && rte_eth_promiscuous_enable(id) < 0)
		fprintf(stderr,
			"fluxgate: port %s: it refuses to be promiscuous: it sees frames for its "
			"own "
			"address only\n",
			name);
	if (c->promiscuous)
		rte_eth_allmulticast_enable(id); /* most drivers imply it */
	return 0;
fail:
	snprintf(err, ERROR_LINE_MAX, "port %s: %s", name, strerror(-rc));
	return rc;
}

static int plan_ports(struct ports *p, const struct config *c, struct port_facts *facts, char *err)
{
	const struct profile *profile[CONFIG_PORTS_MAX];

	for (unsigned i = 0; i < c->ports_count; i++) {
		struct port *port = &p->port[i];

		port_xdp_init(&port->xdp, &c->ports[i]);
		int rc = port_find(c->ports[i].device, &port->id, port->name);
		if (rc == 0)
			rc = facts_read(&facts[i], port->id, port->name);
		if (rc < 0) {
			snprintf(err, ERROR_LINE_MAX,
				"port %s: the driver did not take \"%.100s\": fluxgate doctor "
				"-c FILE looks closer, and log.level \"debug\" shows what the "
				"driver said",
				port->name, c->ports[i].device);
			return rc;
		}
		profile[i] = profile_of_driver(&p->profiles, facts[i].driver);
		port->vantage = c->ports[i].vantage;
		port->ledger = (struct port_ledger){0};
		/* Where our program runs, its counters say what was offered. */
		if (!port->xdp.interface[0])
			port_interface_init(&port->interface, profile[i], c->ports[i].device);
	}
	return plan_make(&p->plan, c, facts, profile, err);
}

static void plan_print(const struct ports *p, const struct port_facts *facts)
{
	fprintf(stderr, "fluxgate: %s\n", p->plan.why);
	for (unsigned i = 0; i < p->plan.ports; i++) {
		const struct port_plan *port = &p->plan.port[i];

		fprintf(stderr, "fluxgate: port %s: driver %s, profile %s%s, %u queue%s%s\n",
			facts[i].name, facts[i].driver, port->profile->name,
			port->profile->tested[0] ? "" : " (not tested)", port->queues,
			port->queues == 1 ? "" : "s", port->rss_types ? ", symmetric RSS" : "");
		if (!port->profile->counts_missed)
			fprintf(stderr,
				"fluxgate: port %s: its driver does not count what it misses\n",
				facts[i].name);
		fprintf(stderr, "fluxgate: port %s: %s\n", facts[i].name, port->arithmetic);
		for (unsigned lcore = rte_get_next_lcore(-1U, 1, 0);
			port->node >= 0 && lcore < RTE_MAX_LCORE;
			lcore = rte_get_next_lcore(lcore, 1, 0))
			if ((int)rte_lcore_to_socket_id(lcore) != port->node)
				fprintf(stderr,
					"fluxgate: port %s: is on node %d, lcore %u on node %u: "
					"slower than it could be\n",
					facts[i].name, port->node, lcore,
					rte_lcore_to_socket_id(lcore));
	}
}

static int spreader_build(struct ports *p, const struct config *c, char *err)
{
	struct hash_key key;

	if (getrandom(&key, sizeof(key), 0) < 0) {
		snprintf(err, ERROR_LINE_MAX, "getrandom: %s", strerror(errno));
		return -errno;
	}
	int rc = spreader_init(&p->spreader, p->wire, key, c->workers, p->plan.ring_room);
	if (rc < 0)
		snprintf(err, ERROR_LINE_MAX, "spreader: no memory for its rings");
	p->spreader.ports = p->plan.ports;
	for (unsigned i = 0; i < p->plan.ports; i++) {
		p->spreader.port[i] = p->port[i].id;
		p->spreader.queues[i] = p->plan.port[i].queues;
	}
	return rc;
}

int ports_start(
	struct ports *p, const struct config *c, struct worker *workers, char err[ERROR_LINE_MAX])
{
	struct port_facts facts[CONFIG_PORTS_MAX];
	uint8_t key[PLAN_KEY_MAX];
	uint16_t random;

	p->n = 0;
	p->workers = workers;
	int rc = plan_ports(p, c, facts, err);
	if (rc < 0)
		return rc;
	plan_print(p, facts);
	if (getrandom(&random, sizeof(random), 0) < 0) {
		snprintf(err, ERROR_LINE_MAX, "getrandom: %s", strerror(errno));
		return -errno;
	}
	/* One key for all: an exchange's directions may come on different ports. */
	plan_key(random, key);
	for (unsigned i = 0; i < p->plan.ports && rc == 0; i++) {
		p->port[i].promiscuous =
			c->ports[i].promiscuous && !port_promiscuous(c->ports[i].device);
		rc = port_start(p->port[i].id, &c->ports[i], &p->plan.port[i], p->port[i].name, key,
			p->plan.ports == 1, err);
		if (rc == 0)
			rc = port_xdp_start(&p->port[i].xdp, c, err);
		if (rc == 0) {
			p->n++;
		} else {
			rte_eth_dev_close(p->port[i].id);
			port_xdp_stop(&p->port[i].xdp);
		}
	}
	if (rc == 0 && p->plan.spreader)
		rc = spreader_build(p, c, err);
	if (rc < 0)
		ports_stop(p);
	return rc;
}

static bool link_is_up(uint16_t id)
{
	struct rte_eth_link link;

	return rte_eth_link_get_nowait(id, &link) < 0 || link.link_status == RTE_ETH_LINK_UP;
}

void ports_wait(const struct ports *p, const _Atomic bool *stop)
{
	uint64_t waited_ns = 0;

	for (unsigned i = 0; i < p->n; i++) {
		uint64_t most_ns = p->plan.port[i].link_wait * UINT64_C(1000000000);

		while (!link_is_up(p->port[i].id) && waited_ns < most_ns &&
			!atomic_load_explicit(stop, memory_order_relaxed)) {
			nanosleep(&(struct timespec){.tv_nsec = LINK_POLL_NS}, NULL);
			waited_ns += LINK_POLL_NS;
		}
		if (!link_is_up(p->port[i].id))
			fprintf(stderr, "fluxgate: port %s: its link is down\n", p->port[i].name);
	}
}

void ports_source(const struct ports *p, unsigned i, struct source *source)
{
	*source = (struct source){
		.ring = p->plan.spreader ? p->spreader.ring[i] : NULL,
		.dealt = &p->spreader.ended,
		.ports = (uint16_t)p->n,
		.queue = (uint16_t)i,
		.stride = (uint16_t)p->plan.workers,
	};
	for (unsigned k = 0; k < p->n; k++) {
		source->port[k] = p->port[k].id;
		source->queues[k] = p->plan.port[k].queues;
	}
}

void ports_stop(struct ports *p)
{
	for (unsigned i = 0; i < p->n; i++) {
		if (p->port[i].promiscuous)
			rte_eth_promiscuous_disable(p->port[i].id);
		rte_eth_dev_stop(p->port[i].id);
		rte_eth_dev_close(p->port[i].id);
		port_xdp_stop(&p->port[i].xdp);
	}
	p->n = 0;
}
