/* SPDX-License-Identifier: BSD-3-Clause */

/*
 * Flow rules that make a card spread better than its plain RSS. None was tried on a
 * card; a driver that does not take one says so when it is validated.
 */

#include <stdio.h>
#include <string.h>

#include <rte_ethdev.h>
#include <rte_flow.h>

#include "datapath/port.h"

#define ITEMS_MAX 6u

struct flow_rule {
	const char *name; /* of plan_rules */
	enum rte_flow_item_type item[ITEMS_MAX];
	uint64_t types;
	uint32_t level; /* 2: the inner headers */
	enum rte_eth_hash_function function;
};

#define ETH RTE_FLOW_ITEM_TYPE_ETH
#define IPV4 RTE_FLOW_ITEM_TYPE_IPV4
#define IPV6 RTE_FLOW_ITEM_TYPE_IPV6
#define UDP RTE_FLOW_ITEM_TYPE_UDP
#define END RTE_FLOW_ITEM_TYPE_END

static const struct flow_rule rules[] = {
	{"symmetric_ipv4", {ETH, IPV4, UDP, END}, RTE_ETH_RSS_NONFRAG_IPV4_UDP, 0,
		RTE_ETH_HASH_FUNCTION_SYMMETRIC_TOEPLITZ},
	{"symmetric_ipv6", {ETH, IPV6, UDP, END}, RTE_ETH_RSS_NONFRAG_IPV6_UDP, 0,
		RTE_ETH_HASH_FUNCTION_SYMMETRIC_TOEPLITZ},
	{"inner_vxlan", {ETH, IPV4, UDP, RTE_FLOW_ITEM_TYPE_VXLAN, END}, RTE_ETH_RSS_IP, 2,
		RTE_ETH_HASH_FUNCTION_DEFAULT},
	{"inner_gre", {ETH, IPV4, RTE_FLOW_ITEM_TYPE_GRE, END}, RTE_ETH_RSS_IP, 2,
		RTE_ETH_HASH_FUNCTION_DEFAULT},
	{"inner_gtpu", {ETH, IPV4, UDP, RTE_FLOW_ITEM_TYPE_GTPU, IPV4, END}, RTE_ETH_RSS_IPV4, 0,
		RTE_ETH_HASH_FUNCTION_DEFAULT},
};

static int rule_create(uint16_t id, const struct flow_rule *rule, const struct port_plan *plan,
	const uint8_t *key, struct rte_flow_error *error)
{
	const struct rte_flow_attr attr = {.ingress = 1};
	uint16_t queue[RTE_MAX_QUEUES_PER_PORT];
	struct rte_flow_item pattern[ITEMS_MAX] = {{0}};
	const struct rte_flow_action_rss rss = {
		.func = rule->function,
		.level = rule->level,
		.types = rule->types,
		.key_len = plan->key_octets,
		.queue_num = plan->queues,
		.key = key,
		.queue = queue,
	};
	const struct rte_flow_action actions[] = {
		{.type = RTE_FLOW_ACTION_TYPE_RSS, .conf = &rss},
		{.type = RTE_FLOW_ACTION_TYPE_END},
	};

	for (uint16_t i = 0; i < plan->queues; i++)
		queue[i] = i;
	for (unsigned i = 0; i < ITEMS_MAX; i++) {
		pattern[i].type = rule->item[i];
		if (rule->item[i] == END)
			break;
	}
	int rc = rte_flow_validate(id, &attr, pattern, actions, error);
	if (rc == 0 && !rte_flow_create(id, &attr, pattern, actions, error))
		rc = -1;
	return rc;
}

void port_flow_rules(uint16_t id, const char *name, const struct port_plan *plan,
	const uint8_t key[PLAN_KEY_MAX])
{
	for (uint32_t i = 0; plan->queues > 1 && i < plan->profile->rules_count; i++) {
		for (size_t r = 0; r < sizeof(rules) / sizeof(rules[0]); r++) {
			struct rte_flow_error error = {0};

			if (strcmp(rules[r].name, plan->profile->rules[i]) != 0)
				continue;
			if (rule_create(id, &rules[r], plan, key, &error) < 0)
				fprintf(stderr, "fluxgate: port %s: flow rule %s: refused: %s\n",
					name, rules[r].name,
					error.message ? error.message : "no reason given");
		}
	}
}
