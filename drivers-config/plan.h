/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

/*
 * How the ports will be run, worked out before any of them is touched: queues,
 * descriptors, the hash that spreads frames over queues, or a software spreader,
 * and the buffers. A pure function of profiles, of what the drivers say of
 * themselves and of the configuration, so that it is tested without a card.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "drivers-config/profile.h"

/* Longest RSS key that a card takes. */
#define PLAN_KEY_MAX 64u

/* Octets of one buffer with its headers. */
#define PLAN_MBUF_OCTETS 2432u

/* What rte_eth_dev_info says of a port. */
struct port_facts {
	char name[64];   /* of the port */
	char driver[64]; /* of its driver */
	uint16_t rx_queues_max;
	uint16_t tx_queues_max;
	uint16_t reta_size; /* entries of the table from hash to queue; 0: none */
	uint8_t key_octets; /* 0: no key can be set */
	uint64_t rss_types; /* RTE_ETH_RSS_ bits that it can hash */
	uint16_t descriptors_min;
	uint16_t descriptors_max; /* 0: not said */
	uint16_t descriptors_align;
	uint32_t mtu_max;
	int node; /* NUMA; -1: none */
};

struct port_plan {
	const struct profile *profile;
	uint16_t queues;
	uint16_t tx_queues; /* unused, but some drivers pair them */
	uint16_t descriptors;
	uint16_t mtu;       /* 0: leave it */
	uint64_t rss_types; /* 0: no RSS */
	uint8_t key_octets;
	uint16_t reta_size;
	uint16_t reta_period; /* entry i leads to queue (i mod period) mod queues */
	uint32_t buffers;     /* of each queue's pool */
	int node;
	unsigned link_wait;   /* seconds */
	char arithmetic[160]; /* of the buffers, a sentence */
};

struct plan {
	unsigned ports;
	unsigned workers;
	bool spreader;
	char why[192];      /* there is one, or not */
	uint32_t ring_room; /* frames that a worker's ring from the spreader holds */
	struct port_plan port[CONFIG_PORTS_MAX];
};

/* 0; -ENOTSUP and one line in err when workers would go without frames. */
int plan_make(struct plan *plan, const struct config *c, const struct port_facts *facts,
	const struct profile *const *profiles, char err[ERROR_LINE_MAX]);

/* Can there be a spreader? Asked before EAL starts, which must have an lcore for it. */
bool plan_spreader_possible(const struct config *c);

/* Octets that the buffers of all ports take at most, before their drivers are known. */
size_t plan_octets_max(const struct config *c, const struct profiles *all);

/*
 * A key for which a Toeplitz hash is the same in both directions: 16 bits over and
 * over (Woo and Park, 2012). The number of ones among the 16 is made odd: only then
 * does every change of the address halves' exclusive-or change the hash.
 * `random` is any number; the same for all ports.
 */
void plan_key(uint16_t random, uint8_t key[PLAN_KEY_MAX]);

/* RTE_ETH_RSS_ bits of a type's name ("ipv4", "frag-ipv4", "ipv4-udp", ...); 0: no such type. */
uint64_t plan_rss_type(const char *name);

/* Names of the flow rules that a profile may ask for; NULL at the end. */
extern const char *const plan_rules[];
bool plan_rule_known(const char *name);
