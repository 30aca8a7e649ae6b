/* SPDX-License-Identifier: BSD-3-Clause */

/* Driver profiles and the plans made of them, dry: no card, no EAL. */

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <rte_ethdev.h>
#include <rte_thash.h>

#include "drivers-config/plan.h"
#include "sensor/sensor.h"

#define ALL_IP \
	(RTE_ETH_RSS_IPV4 | RTE_ETH_RSS_FRAG_IPV4 | RTE_ETH_RSS_NONFRAG_IPV4_UDP | \
		RTE_ETH_RSS_IPV6 | RTE_ETH_RSS_FRAG_IPV6 | RTE_ETH_RSS_NONFRAG_IPV6_UDP)

static char err[ERROR_LINE_MAX];
static struct profiles all;

/* What drivers say of themselves, and what comes of it with four workers. */
static const struct {
	const char *profile;
	struct port_facts facts;
	bool spreader;
	unsigned queues;
	unsigned descriptors;
} dry[] = {
	{"ixgbe",
		{.driver = "net_ixgbe",
			.rx_queues_max = 128,
			.tx_queues_max = 64,
			.reta_size = 128,
			.key_octets = 40,
			.rss_types = ALL_IP,
			.descriptors_min = 32,
			.descriptors_max = 4096,
			.descriptors_align = 8,
			.mtu_max = 9710},
		false, 4, 2048},
	{"i40e",
		{.driver = "net_i40e",
			.rx_queues_max = 320,
			.tx_queues_max = 320,
			.reta_size = 512,
			.key_octets = 52,
			.rss_types = RTE_ETH_RSS_FRAG_IPV4 | RTE_ETH_RSS_NONFRAG_IPV4_UDP |
				     RTE_ETH_RSS_FRAG_IPV6 | RTE_ETH_RSS_NONFRAG_IPV6_UDP,
			.descriptors_min = 64,
			.descriptors_max = 4096,
			.descriptors_align = 32},
		false, 4, 2048},
	{"ice",
		{.driver = "net_ice",
			.rx_queues_max = 256,
			.tx_queues_max = 256,
			.reta_size = 512,
			.key_octets = 52,
			.rss_types = ALL_IP,
			.descriptors_min = 64,
			.descriptors_max = 4096,
			.descriptors_align = 32,
			.node = 1},
		false, 4, 2048},
	{"mlx5",
		{.driver = "mlx5_pci",
			.rx_queues_max = 1024,
			.tx_queues_max = 1024,
			.reta_size = 512,
			.key_octets = 40,
			.rss_types = ALL_IP},
		false, 4, 2048},
	{"ena",
		{.driver = "net_ena",
			.rx_queues_max = 8,
			.tx_queues_max = 8,
			.reta_size = 128,
			.key_octets = 40,
			.rss_types = RTE_ETH_RSS_NONFRAG_IPV4_UDP},
		true, 1, 1024},
	{"virtio", {.driver = "net_virtio", .rx_queues_max = 4, .tx_queues_max = 4}, true, 1, 256},
	{"vmxnet3",
		{.driver = "net_vmxnet3",
			.rx_queues_max = 16,
			.tx_queues_max = 8,
			.rss_types = RTE_ETH_RSS_IPV4},
		true, 1, 1024},
	{"af_xdp", {.driver = "net_af_xdp", .rx_queues_max = 4, .tx_queues_max = 4}, true, 4, 2048},
	{"af_packet",
		{.driver = "net_af_packet", .rx_queues_max = 4, .tx_queues_max = 4, .node = -1},
		false, 4, 1024},
	{"pcap", {.driver = "net_pcap", .rx_queues_max = 4, .tx_queues_max = 1}, true, 4, 1024},
	{"ring", {.driver = "net_ring", .rx_queues_max = 4, .tx_queues_max = 4}, true, 4, 1024},
	{"null", {.driver = "net_null", .rx_queues_max = 1024, .tx_queues_max = 1024}, true, 1,
		1024},
	{"generic",
		{.driver = "net_nobody",
			.rx_queues_max = 64,
			.tx_queues_max = 64,
			.key_octets = 40,
			.rss_types = ALL_IP},
		true, 1, 1024},
};

#define DRY (sizeof(dry) / sizeof(dry[0]))

static void config_with(struct config *c, unsigned ports, unsigned workers)
{
	config_defaults(c);
	c->ports_count = ports;
	c->workers = workers;
	for (unsigned i = 0; i < ports; i++)
		snprintf(c->ports[i].device, sizeof(c->ports[i].device), "0000:00:0%u.0", i);
}

static int plan_of(struct plan *plan, const struct config *c, const struct port_facts *facts)
{
	const struct profile *profile[CONFIG_PORTS_MAX];

	for (unsigned i = 0; i < c->ports_count; i++)
		profile[i] = profile_of_driver(&all, facts[i].driver);
	return plan_make(plan, c, facts, profile, err);
}

static int load(void **state)
{
	char folder[512];

	(void)state;
	snprintf(folder, sizeof(folder), "%s/drivers-config/profiles", getenv("FLUXGATE_SOURCE"));
	return profiles_load(&all, folder, err);
}

static void every_profile_is_loaded_and_dry_run(void **state)
{
	(void)state;
	assert_int_equal(all.count, DRY - 1);
	for (unsigned i = 0; i < DRY; i++) {
		struct plan plan;
		struct config c;

		config_with(&c, 1, 4);
		assert_int_equal(plan_of(&plan, &c, &dry[i].facts), 0);
		const struct port_plan *p = &plan.port[0];
		assert_string_equal(p->profile->name, dry[i].profile);
		assert_int_equal(plan.spreader, dry[i].spreader);
		assert_int_equal(p->queues, dry[i].queues);
		assert_int_equal(p->descriptors, dry[i].descriptors);
		assert_true(plan.why[0] && p->arithmetic[0]);
		assert_int_equal(p->node, dry[i].facts.node);
		assert_true(p->buffers >= p->descriptors + 2 * SENSOR_BURST);
		assert_true(plan.ring_room == 0 || plan.ring_room >= p->descriptors);
		assert_int_equal(p->rss_types != 0, p->profile->rss_symmetric == 1);
		if (p->rss_types)
			assert_int_equal(p->rss_types & ~dry[i].facts.rss_types, 0);
		assert_true(p->mtu <= 2048);
	}
}

static void profiles_say_which_device(void **state)
{
	(void)state;
	assert_string_equal(profile_of_device(&all, "net_pcap0,rx_pcap=a")->name, "pcap");
	assert_string_equal(profile_of_device(&all, "net_af_packet12")->name, "af_packet");
	assert_null(profile_of_device(&all, "0000:3b:00.0"));
	assert_null(profile_of_device(&all, "net_nobody0"));
	assert_ptr_equal(profile_of_driver(&all, "net_nobody"), &profile_generic);
}

static void refused(const char *text, const char *why)
{
	struct profile p;

	assert_int_equal(profile_parse(&p, text, strlen(text), "x.json", err), -EINVAL);
	assert_non_null(strstr(err, "x.json"));
	if (!strstr(err, why))
		fail_msg("%s: %s", text, err);
}

static void wrong_profiles_are_refused_with_file_and_path(void **state)
{
	(void)state;
	refused("{\"nam\":\"a\"}", "nam: unknown key");
	refused("{\"rss\":{\"inne\":true}}", "rss.inne: unknown key");
	refused("{\"rss\":{\"symmetric\":\"maybe\"}}", "rss.symmetric: expected one of");
	refused("{\"queues\":{\"max\":0}}", "queues.max: 0 is not within");
	refused("{\"name\":\"a\"}", "title: is missing");
	refused("[]", "expected an object");
	refused("{", "line 1");
}

static void the_spreader_is_chosen_and_explained(void **state)
{
	struct port_facts two[2] = {dry[0].facts, dry[2].facts};
	struct plan plan;
	struct config c;

	(void)state;
	config_with(&c, 2, 4);
	assert_int_equal(plan_of(&plan, &c, two), 0);
	assert_false(plan.spreader);
	/* The smaller table leads on both: the same hash, the same queue. */
	assert_int_equal(plan.port[0].reta_period, 128);
	assert_int_equal(plan.port[1].reta_period, 128);

	c.ports[1].tunnels = true;
	assert_int_equal(plan_of(&plan, &c, two), 0);
	assert_true(plan.spreader);
	assert_non_null(strstr(plan.why, "tunnels"));
	assert_int_equal(plan.port[1].queues, 1);
	c.spreader = SPREADER_OFF;
	assert_int_equal(plan_of(&plan, &c, two), 0);
	assert_false(plan.spreader);

	c.ports[1].tunnels = false;
	c.spreader = SPREADER_AUTO;
	two[1] = dry[1].facts;
	assert_int_equal(plan_of(&plan, &c, two), 0);
	assert_true(plan.spreader);
	assert_non_null(strstr(plan.why, "different ways"));

	two[1].rx_queues_max = 2;
	c.spreader = SPREADER_OFF;
	assert_int_equal(plan_of(&plan, &c, two), -ENOTSUP);
	assert_non_null(strstr(err, "4 workers need as many queues, it has 2"));
	c.workers = 1;
	c.spreader = SPREADER_AUTO;
	assert_int_equal(plan_of(&plan, &c, two), 0);
	assert_false(plan.spreader);
}

/* What is reserved before EAL starts must hold what is planned after. */
static void memory_is_enough_for_every_plan(void **state)
{
	static const char *const devices[] = {"net_af_packet0,iface=x,qpairs=4",
		"net_pcap0,rx_pcap=a,rx_pcap=b,rx_pcap=c,rx_pcap=d", "0000:00:00.0"};
	static const unsigned of[] = {8, 9, 1};

	(void)state;
	for (unsigned i = 0; i < 3; i++)
		for (unsigned s = 0; s < SPREADER_COUNT; s++) {
			struct plan plan;
			struct config c;

			config_with(&c, 1, 4);
			c.spreader = s;
			snprintf(c.ports[0].device, sizeof(c.ports[0].device), "%s", devices[i]);
			assert_int_equal(plan_of(&plan, &c, &dry[of[i]].facts), 0);
			assert_true(plan_octets_max(&c, &all) >= (size_t)plan.port[0].queues *
									 plan.port[0].buffers *
									 PLAN_MBUF_OCTETS);
		}
}

/* By DPDK's own Toeplitz hash. */
static void the_key_hashes_both_directions_alike(void **state)
{
	(void)state;
	for (unsigned r = 0; r < 65536; r += 37) {
		uint8_t key[PLAN_KEY_MAX];
		unsigned queue[4] = {0};

		plan_key((uint16_t)r, key);
		for (uint32_t n = 0; n < 64; n++) {
			uint32_t there[2] = {0x0a000000u + n * 7919u, 0xc0000201u};
			uint32_t back[2] = {there[1], there[0]};
			uint32_t h = rte_softrss(there, 2, key);

			assert_int_equal(h, rte_softrss(back, 2, key));
			queue[h & 3]++;
		}
		/* No key leaves a queue without any of them. */
		for (unsigned q = 0; q < 4; q++)
			assert_true(queue[q] > 0);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_profile_is_loaded_and_dry_run),
		cmocka_unit_test(profiles_say_which_device),
		cmocka_unit_test(wrong_profiles_are_refused_with_file_and_path),
		cmocka_unit_test(the_spreader_is_chosen_and_explained),
		cmocka_unit_test(memory_is_enough_for_every_plan),
		cmocka_unit_test(the_key_hashes_both_directions_alike),
	};

	return cmocka_run_group_tests(tests, load, NULL);
}
