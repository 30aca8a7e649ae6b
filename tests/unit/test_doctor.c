/* SPDX-License-Identifier: BSD-3-Clause */

/*
 * doctor over a made-up machine: a sound one has nothing but "ok", and each thing that can be wrong
 * with it gives the one finding. With FLUXGATE_ANSWERS set to a directory, its JSON is left there
 * for check_schema.py.
 */

#include <errno.h>

#include "doctor/doctor.h"
#include "doctor/tree.h"
#include "export/json.h"
#include "json_helpers.h"
#include "machine.h"
#include "networks/networks.h"

#define ABSENT (-1)

/* Three ports, of a kind each. */
#define DEVICES \
	"{\"device\":\"3b:00.0\"}," \
	"{\"device\":\"net_af_packet0,iface=eth1,qpairs=2,blocksz=65536\"}," \
	"{\"device\":\"net_af_xdp0,iface=eth2,queue_count=2\"}"
#define TABLES \
	"\"pairing\":{\"entries\":1024},\"shard\":{\"entries\":1024},\"store\":{\"door_entries\":" \
	"1024,\"candidates\":1024,\"domains\":64},"
#define CONFIG(more) "{\"workers\":2," TABLES more "}"
#define LCORES "\"lcores\":\"0@0,1@2,2@4\","
#define SOUND CONFIG(LCORES "\"ports\":[" DEVICES "]")
#define ONE_PORT(device) CONFIG(LCORES "\"ports\":[{\"device\":\"" device "\"}]")

static struct config config;
static struct findings findings;
static struct doctor_system sys;
static struct doctor doctor;
static struct nic_facts nic;
static int nic_rc, xdp_rc;
static bool synchronised;

static int fake_nic(const char *name, struct nic_facts *out)
{
	(void)name;
	*out = nic;
	return nic_rc;
}

static int fake_clock(bool *out)
{
	*out = synchronised;
	return 0;
}

static int fake_xdp(const char *name, char err[ERROR_LINE_MAX])
{
	snprintf(err, ERROR_LINE_MAX, "%s runs the program of another", name);
	return xdp_rc;
}

static const char *source(const char *path)
{
	static char full[2][512];
	static unsigned turn;
	const char *top = getenv("FLUXGATE_SOURCE");

	turn = !turn;
	snprintf(full[turn], sizeof(full[turn]), "%s/%s", top ? top : ".", path);
	return full[turn];
}

static uint64_t demo_built(void)
{
	struct network_description n;
	struct networks *networks;
	char err[ERROR_LINE_MAX];

	assert_int_equal(networks_open(&networks, source("deploy/demo/asn.mmdb"), "", err), 0);
	networks_describe(networks, NETWORK_ASN, &n);
	networks_close(networks);
	return n.built;
}

/* A configuration by its text, with the demonstration's database; NULL for none. */
static void configure(const char *text)
{
	char err[ERROR_LINE_MAX] = "";

	doctor.config = NULL;
	doctor.config_path = NULL;
	doctor.budget = (struct doctor_budget){0};
	if (!text)
		return;
	config_defaults(&config);
	snprintf(config.networks.asn_db, sizeof(config.networks.asn_db), "%s",
		source("deploy/demo/asn.mmdb"));
	if (config_parse(&config, text, strlen(text), "test", err) < 0)
		fail_msg("%s", err);
	doctor.config = &config;
	doctor.config_path = "test.json";
	doctor.budget = (struct doctor_budget){300u << 20, 8u << 20, 96u << 20};
}

static int setup(void **state)
{
	(void)state;
	machine_make();
	nic = (struct nic_facts){.driver = "ice",
		.rx_queues = 2,
		.combined = 2,
		.combined_max = 64,
		.rx_ring = 2048,
		.rx_ring_max = 8160};
	nic_rc = xdp_rc = 0;
	synchronised = true;
	sys = (struct doctor_system){
		.nic = fake_nic, .clock = fake_clock, .xdp = fake_xdp, .now = demo_built()};
	doctor = (struct doctor){.root = machine_root, .system = &sys, .findings = &findings};
	configure(SOUND);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	machine_end();
	return 0;
}

static void look(void)
{
	memset(&findings, 0, sizeof(findings));
	doctor_look(&doctor);
}

/* The worst finding of a check, NULL without one. */
static const struct finding *worst(const char *check)
{
	const struct finding *found = NULL;

	for (unsigned i = 0; i < findings.n; i++) {
		const struct finding *f = &findings.at[i];

		if (strcmp(f->check, check) == 0 && (!found || f->severity > found->severity))
			found = f;
	}
	return found;
}

static void print_all(void)
{
	for (unsigned i = 0; i < findings.n; i++)
		print_message("%s %s [%s] %s\n", severity_name(findings.at[i].severity),
			findings.at[i].check, findings.at[i].subject, findings.at[i].found);
}

/* A check's worst severity, and a word of what was found or of the remedy. */
static void expect(const char *check, int severity, const char *word)
{
	const struct finding *f = worst(check);

	if ((f ? (int)f->severity : ABSENT) != severity ||
		(f && word && !strstr(f->found, word) && !strstr(f->remedy, word))) {
		print_all();
		fail_msg("%s: expected %d with \"%s\", got %d \"%s\" \"%s\"", check, severity,
			word ? word : "", f ? (int)f->severity : ABSENT, f ? f->found : "",
			f ? f->remedy : "");
	}
}

static void sound_machine_has_no_findings(void **state)
{
	(void)state;
	look();
	for (unsigned i = 0; i < findings.n; i++)
		if (findings.at[i].severity != SEVERITY_OK) {
			print_all();
			fail_msg("%s: %s", findings.at[i].check, findings.at[i].found);
		}
	assert_int_equal(findings_exit_code(&findings), EXIT_CODE_OK);
	expect("memory.budget", SEVERITY_OK, "404 MiB = 300 of tables + 8 of packet buffers + 96");
}

#define NODE0 "/sys/devices/system/node/node0/hugepages/hugepages-2048kB/free_hugepages"
#define NODE1 "/sys/devices/system/node/node1/hugepages/hugepages-2048kB/free_hugepages"
#define STATUS(uid, caps, cpus) \
	"Name:\tx\nUid:\t" uid "\nCapEff:\t" caps "\nCpus_allowed_list:\t" cpus "\n"
#define SMALL_PAGES CONFIG("\"eal\":{\"huge\":false}," LCORES "\"ports\":[" DEVICES "]")
#define TCP6(address) "h\n 0: " address ":22F9 0:0 0A 0:0 0:0 0 0 0 77 1\n"

/* One thing is changed, one finding comes of it; without the change it is `otherwise`. */
static const struct one_change {
	const char *config; /* NULL: the sound one */
	const char *path, *text;
	const char *check;
	int otherwise, severity;
	const char *word;
} changes[] = {
	{NULL, "/proc/self/status", STATUS("1000", "1ffffffffff", "0-5"), "process.user", 0, 1,
		"as root"},
	{NULL, "/proc/self/status", NULL, "process.status", ABSENT, 2, NULL},
	{NULL, NODE0, "7\n", "memory.node", ABSENT, 2, "node0/hugepages"},
	{SMALL_PAGES, "/proc/meminfo", "MemAvailable: 1024 kB\n", "memory.free", 0, 3, "404"},
	{SMALL_PAGES, "/proc/swaps", "Filename\n/dev/sda2 partition 1 0 -2\n", "memory.swap", 0, 2,
		"swapoff"},
	{NULL, "/proc/swaps", "Filename\n/dev/sda2 partition 1 0 -2\n", "memory.swap", 0, 1,
		"swapoff"},
	{NULL, "/proc/cmdline", "hugepagesz=1G hugepages=4", "memory.fragmentation", ABSENT, 1,
		"4 pages of 1 GiB and has 0"},
	{NULL, "/sys/kernel/mm/hugepages/hugepages-1048576kB/nr_hugepages", "2\n",
		"memory.fragmentation", ABSENT, 1, "404 MiB become 1 GiB"},
	{NULL, "/sys/kernel/mm/transparent_hugepage/enabled", "[always] madvise never\n",
		"memory.transparent_hugepages", 0, 1, "madvise"},
	{NULL, "/proc/mounts", "sysfs /sys sysfs rw 0 0\n", "memory.hugetlbfs", 0, 0,
		"is not mounted"},
	{CONFIG(LCORES "\"eal\":{\"memory_mb\":100},\"ports\":[" DEVICES "]"), NULL, NULL,
		"memory.eal_memory", ABSENT, 3, "404"},
	{NULL, "/proc/self/status", STATUS("0", "1ffffffffff", "0-1"), "cpu.count", 0, 2,
		"\"workers\" to 1"},
	{NULL, "/proc/self/status", STATUS("0", "1ffffffffff", "0-2"), "cpu.lcores", 0, 3,
		"processors 4"},
	{CONFIG("\"lcores\":\"0@0,1@2\",\"ports\":[" DEVICES "]"), NULL, NULL, "cpu.lcores", 0, 3,
		"need 3"},
	{CONFIG("\"lcores\":\"0@(0\",\"ports\":[" DEVICES "]"), NULL, NULL, "cpu.lcores", 0, 3,
		"0@(0"},
	{NULL, "/sys/devices/system/cpu/isolated", "4\n", "cpu.isolated", 0, 1, "isolcpus=2,4"},
	{NULL, "/sys/devices/system/cpu/nohz_full", "  (null)\n", "cpu.nohz_full", 0, 1,
		"nohz_full=2,4"},
	{NULL, "/sys/devices/system/cpu/nohz_full", NULL, "cpu.rcu_nocbs", 0, 1, "rcu_nocbs=2,4"},
	{NULL, "/sys/devices/system/cpu/cpu4/topology/thread_siblings_list", "2,4\n",
		"cpu.siblings", 0, 2, "share a core"},
	{NULL, "/sys/devices/system/cpu/cpu2/topology/thread_siblings_list", "0,2\n",
		"cpu.siblings", 0, 1, "control"},
	{NULL, "/sys/devices/system/cpu/cpu2/cpufreq/scaling_governor", "powersave\n",
		"cpu.governor", 0, 1, "cpupower"},
	{NULL, "/sys/kernel/iommu_groups", NULL, "iommu.state", 0, 3, "firmware"},
	{NULL, "/sys/module/vfio_pci", NULL, "iommu.vfio", ABSENT, 1, "modprobe"},
	{NULL, PCI, NULL, "port.present", ABSENT, 3, "no PCI device 0000:3b:00.0"},
	{NULL, PCI "/class", "0x010802\n", "port.present", ABSENT, 3, "no network card"},
	{NULL, PCI "/driver", NULL, "port.driver", 0, 3, "deploy/prepare-nic"},
	{NULL, PCI "/driver", "->x/ixgbe", "port.driver", 0, 3, "kernel's driver ixgbe"},
	{NULL, PCI "/driver", "->x/mlx5_core", "port.driver", 0, 0, "nothing to bind"},
	{NULL, PCI "/numa_node", "1\n", "port.node", 0, 2, "2,4"},
	{NULL, PCI "/numa_node", "-1\n", "port.node", 0, 0, NULL},
	{NULL, "/sys/bus/pci/devices/0000:3a:00.0/driver", "->x/e1000e", "port.iommu_group", 0, 3,
		"0000:3a:00.0"},
	{ONE_PORT("net_null0"), NULL, NULL, "port.present", ABSENT, 0, NULL},
	{ONE_PORT("net_af_packet0"), NULL, NULL, "port.present", ABSENT, 3, "iface=NAME"},
	{NULL, "/sys/class/net/eth1/flags", "0x1002\n", "nic.up", 0, 3, "ip link set eth1 up"},
	{NULL, "/sys/class/net/eth1/flags", "0x1103\n", "nic.promiscuous", 0, 0, NULL},
	{NULL, "/sys/class/net/eth1/carrier", "0\n", "nic.up", 0, 2, "cable"},
	{NULL, "/sys/class/net/eth2/mtu", "9000\n", "nic.mtu", 0, 3, "3498"},
	{NULL, "/sys/class/net/eth1/mtu", "9000\n", "nic.mtu", 0, 2, "framesz=16384"},
	{NULL, "/proc/self/status", STATUS("0", "1ffffffefff", "0-5"), "nic.promiscuous", 0, 2,
		"promisc on"},
	{NULL, "/proc/self/status", STATUS("0", "0", "0-5"), "xdp.rights", 0, 2,
		"CAP_NET_RAW CAP_NET_ADMIN CAP_SYS_ADMIN"},
	{ONE_PORT("net_af_packet0,iface=eth1,qpairs=2"), "/proc/self/status",
		STATUS("0", "0", "0-5"), "packet.rights", ABSENT, 2, "CAP_NET_RAW"},
	{ONE_PORT("net_af_packet0,iface=eth1"), NULL, NULL, "nic.queues", 0, 2, "qpairs=2"},
	{ONE_PORT("net_af_packet0,iface=eth1"), NULL, NULL, "nic.blocks", ABSENT, 1, "65536"},
	{ONE_PORT("net_af_xdp0,iface=eth2"), NULL, NULL, "nic.queues", 0, 0, "the spreader"},
	{CONFIG("\"spreader\":\"off\",\"ports\":[{\"device\":\"net_af_xdp0,iface=eth2\"}]"), NULL,
		NULL, "nic.queues", 0, 2, "\"auto\""},
	{ONE_PORT("net_af_xdp0,iface=eth2"), NULL, NULL, "nic.channels", 0, 2, "combined 1"},
	{ONE_PORT("net_af_xdp0,iface=eth2,queue_count=4"), NULL, NULL, "nic.channels", 0, 3,
		"combined 4"},
	{NULL, "/proc/net/protocols", "protocol\nPACKET 1 0\n", "xdp.sockets", 0, 3,
		"net_af_packet"},
	{NULL, "/proc/sys/net/core/bpf_jit_enable", "0\n", "xdp.jit", 0, 2, "sysctl"},
	{NULL, "/proc/sys/kernel/unprivileged_bpf_disabled", "0\n", "xdp.unprivileged", 0, 1,
		"sysctl"},
	{NULL, "/run/dpdk/rte/config", "", "leftovers.folders", 0, 1, "rm -r /run/dpdk/rte"},
	{NULL, "/dev/hugepages/rtemap_0", "", "leftovers.hugepages", 0, 2,
		"/dev/hugepages/rtemap_0"},
	{CONFIG("\"ports\":[]"), NULL, NULL, "config.ports", ABSENT, 3, "device"},
	{CONFIG("\"networks\":{\"asn_db\":\"\"},\"ports\":[" DEVICES "]"), NULL, NULL,
		"config.database", 0, 1, "asn_db"},
	{CONFIG("\"networks\":{\"asn_db\":\"/nowhere/a\"},\"ports\":[" DEVICES "]"), NULL, NULL,
		"config.database", 0, 3, "/nowhere/a"},
	{CONFIG("\"networks\":{\"public_suffix_list\":\"/nowhere/l\"},\"ports\":[" DEVICES "]"),
		NULL, NULL, "config.suffix_list", 0, 3, "/nowhere/l"},
	{CONFIG("\"detect\":{\"popular\":\"/nowhere/p\"},\"ports\":[" DEVICES "]"), NULL, NULL,
		"config.lists", ABSENT, 3, "/nowhere/p"},
	{CONFIG("\"export\":{\"rpz\":{\"top_list\":\"/nowhere/t\"}},\"ports\":[" DEVICES "]"), NULL,
		NULL, "config.lists", ABSENT, 3, "/nowhere/t"},
	{NULL, "/proc/net/tcp", "h\n 0: 0100007F:22F9 00000000:0000 0A 0:0 0:0 0 0 0 77 1\n",
		"config.listen", 0, 3, "is taken"},
	{NULL, "/proc/net/tcp", "h\n 0: 00000000:22F9 00000000:0000 0A 0:0 0:0 0 0 0 77 1\n",
		"config.listen", 0, 3, "is taken"},
	{NULL, "/proc/net/tcp", "h\n 0: 0100007F:22F9 00000000:0000 01 0:0 0:0 0 0 0 77 1\n",
		"config.listen", 0, 0, "free"},
	{NULL, "/proc/net/tcp", "h\n 0: 0200007F:22F9 00000000:0000 0A 0:0 0:0 0 0 0 77 1\n",
		"config.listen", 0, 0, "free"},
	{NULL, "/proc/net/tcp6", TCP6("00000000000000000000000000000000"), "config.listen", 0, 3,
		"by a socket of IPv6"},
	{NULL, "/proc/net/tcp6", TCP6("0000000000000000FFFF00000100007F"), "config.listen", 0, 3,
		"by a socket of IPv6"},
	{NULL, "/proc/net/tcp6", TCP6("00000000000000000000000001000000"), "config.listen", 0, 0,
		"free"},
	{CONFIG("\"http\":{\"listen\":\"[::1]:8953\"},\"ports\":[" DEVICES "]"), "/proc/net/tcp6",
		TCP6("00000000000000000000000001000000"), "config.listen", 0, 3, "is taken"},
};

static void each_change_is_found(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(changes) / sizeof(changes[0]); i++) {
		const struct one_change *c = &changes[i];

		configure(SOUND);
		look();
		expect(c->check, c->otherwise, NULL);
		configure(c->config ? c->config : SOUND);
		if (c->path)
			machine_put(c->path, c->text);
		look();
		expect(c->check, c->severity, c->word);
		teardown(NULL);
		setup(NULL);
	}
}

static void hugepages_are_held_against_the_budget(void **state)
{
	(void)state;
	look();
	expect("memory.hugepages", SEVERITY_OK, NULL);
	machine_put(NODE0, "100\n");
	machine_put(NODE1, "101\n"); /* 402 MiB of 404 */
	look();
	expect("memory.hugepages", SEVERITY_ERROR, "402 MiB of hugepages free, 404 MiB needed");
	expect("memory.hugepages", SEVERITY_ERROR, "echo 203 > /proc/sys/vm/nr_hugepages");
	assert_int_equal(findings_exit_code(&findings), EXIT_CODE_ERRORS);
	machine_put(NODE1, "102\n");
	look();
	expect("memory.hugepages", SEVERITY_OK, NULL);
	expect("memory.node", SEVERITY_WARNING, "node 0, where control runs, has 200 of 404 MiB");
	assert_int_equal(findings_exit_code(&findings), EXIT_CODE_WARNINGS);
}

/* A kernel without NUMA has its pages in one place. */
static void machine_without_nodes(void **state)
{
	(void)state;
	machine_put("/sys/devices/system/node", NULL);
	look();
	expect("memory.hugepages", SEVERITY_ERROR, "0 MiB of hugepages free");
	machine_put("/sys/kernel/mm/hugepages/hugepages-2048kB/nr_hugepages", "300\n");
	machine_put("/sys/kernel/mm/hugepages/hugepages-2048kB/free_hugepages", "202\n");
	look();
	expect("memory.hugepages", SEVERITY_OK, NULL);
}

static void iommu_modes(void **state)
{
	(void)state;
	machine_put("/sys/kernel/iommu_groups", "/");
	machine_put("/sys/module/vfio/parameters/enable_unsafe_noiommu_mode", "Y\n");
	look();
	expect("iommu.state", SEVERITY_WARNING, "no-iommu mode");
	machine_put("/sys/module/vfio/parameters/enable_unsafe_noiommu_mode", "N\n");
	look();
	expect("iommu.state", SEVERITY_ERROR, "though the kernel's command line asks for it");
	configure(ONE_PORT("net_null0"));
	look();
	expect("iommu.state", SEVERITY_OK, NULL);
}

#define ROUTES4(line) "Iface Destination Gateway Flags RefCnt Use Metric Mask\n" line
#define ZERO6 "00000000000000000000000000000000"
#define ROUTE6(destination, length, flags, interface) \
	destination " " length " " ZERO6 " 00 " ZERO6 " 00000400 00000002 00000000 " flags \
		    "     " interface "\n"

/* The card that this machine is reached by is not one to be bound. */
static void default_route_is_spared(void **state)
{
	static const char spared[] = "carries the default route";
	static const char bound[] = "prepare-nic --bind 0000:3b:00.0 (eth0";
	static const struct {
		const char *v4, *v6, *word;
	} routes[] = {
		{ROUTES4("eth7 00000000 0101A8C0 0003 0 0 0 00000000\n"), NULL, bound},
		{ROUTES4("eth0 00000000 0101A8C0 0003 0 0 0 00000080\n"), NULL, bound}, /* /1 */
		{ROUTES4(""), ROUTE6(ZERO6, "00", "00000003", "eth0"), spared},
		{ROUTES4(""), ROUTE6(ZERO6, "01", "00000003", "eth0"), bound},
		{ROUTES4(""), ROUTE6(ZERO6, "00", "00200200", "eth0"), bound}, /* it rejects */
		{ROUTES4(""), ROUTE6(ZERO6, "00", "00000003", "eth7"), bound},
		{ROUTES4(""), ROUTE6("20010db8000000000000000000000000", "20", "00000003", "eth0"),
			bound},
	};

	(void)state;
	machine_put(PCI "/driver", "->x/virtio-pci");
	machine_put(PCI "/virtio0/net/eth0", "/");
	look();
	expect("port.driver", SEVERITY_ERROR, spared);
	for (size_t i = 0; i < sizeof(routes) / sizeof(*routes); i++) {
		machine_put("/proc/net/route", routes[i].v4);
		machine_put("/proc/net/ipv6_route", routes[i].v6);
		look();
		expect("port.driver", SEVERITY_ERROR, routes[i].word);
	}
}

/* Nor is one below a VLAN of a bond that it is reached by, or another one of several interfaces. */
static void default_route_above_the_card(void **state)
{
	(void)state;
	machine_put(PCI "/driver", "->x/ice");
	machine_put(PCI "/net/eth4", "/");
	machine_put("/proc/net/route", ROUTES4("bond0.7 00000000 0101A8C0 0003 0 0 0 00000000\n"));
	look();
	expect("port.driver", SEVERITY_ERROR, "--bind");
	machine_put("/sys/class/net/eth4/master", "->../bond0");
	machine_put("/sys/class/net/bond0/upper_bond0.7", "->../bond0.7");
	look();
	expect("port.driver", SEVERITY_ERROR, "eth4, bound to ice, carries the default route");
	machine_put("/sys/class/net/eth4/master", NULL);
	machine_put("/sys/class/net/eth4/upper_bond0", "->../bond0");
	look();
	expect("port.driver", SEVERITY_ERROR, "carries the default route");
	machine_put(PCI "/net/eth3", "/"); /* the first one, with nothing */
	look();
	expect("port.driver", SEVERITY_ERROR, "eth4, bound to ice, carries the default route");
	machine_put("/sys/class/net/eth4/upper_eth4", "->../eth4"); /* no way to go on for ever */
	machine_put("/sys/class/net/eth4/upper_bond0", NULL);
	look();
	expect("port.driver", SEVERITY_ERROR, "--bind");
}

/* Nor is it to be bound for the sake of another one in its IOMMU group. */
static void default_route_in_the_group(void **state)
{
	(void)state;
	machine_put("/sys/bus/pci/devices/0000:3a:00.0/driver", "->x/e1000e");
	machine_put("/sys/bus/pci/devices/0000:3a:00.0/net/eth4", "/");
	look();
	expect("port.iommu_group", SEVERITY_ERROR, "prepare-nic --bind 0000:3a:00.0");
	machine_put("/proc/net/ipv6_route", ROUTE6(ZERO6, "00", "00000003", "eth4"));
	look();
	expect("port.iommu_group", SEVERITY_ERROR, "0000:3a:00.0, eth4, carries the default");
	assert_null(strstr(worst("port.iommu_group")->remedy, "--bind"));
}

static void bifurcated_card_is_looked_at_as_an_interface(void **state)
{
	(void)state;
	machine_put(PCI "/driver", "->x/mlx5_core");
	machine_put(PCI "/net/eth3", "/");
	machine_put("/sys/class/net/eth3/flags", "0x1002\n");
	look();
	expect("nic.up", SEVERITY_ERROR, "eth3 is down");
	machine_put("/sys/class/net/eth3/flags", "0x1003\n");
	look();
	expect("nic.up", SEVERITY_OK, NULL);
}

static void facts_of_the_card(void **state)
{
	(void)state;
	nic.gro = nic.lro = true;
	look();
	expect("nic.offloads", SEVERITY_WARNING, " gro off lro off");
	nic.gro = nic.lro = false;
	nic.gro_hw = true;
	look();
	expect("nic.offloads", SEVERITY_WARNING, " rx-gro-hw off");
	nic.gro_hw = false;
	nic.rx_ring = 512;
	look();
	expect("nic.offloads", SEVERITY_OK, NULL);
	expect("nic.ring", SEVERITY_NOTE, "rx 8160");
	nic.rx_ring = nic.rx_ring_max = 256; /* it has no more */
	look();
	expect("nic.ring", SEVERITY_OK, NULL);
	strcpy(nic.driver, "e100");
	look();
	expect("nic.xdp", SEVERITY_NOTE, "e100");
	nic_rc = -EOPNOTSUPP;
	look();
	expect("nic.ethtool", SEVERITY_NOTE, NULL);
}

static void interface_that_is_not_in_sysfs(void **state)
{
	(void)state;
	machine_put("/sys/class/net/eth1", NULL);
	look();
	expect("port.present", SEVERITY_WARNING, "another network namespace");
	nic_rc = -ENODEV;
	look();
	expect("port.present", SEVERITY_ERROR, "no interface eth1");
	sys.nic = NULL;
	look();
	expect("port.present", SEVERITY_ERROR, "no interface eth1");
}

static void clock_and_program(void **state)
{
	(void)state;
	synchronised = false;
	xdp_rc = 1;
	look();
	expect("clock.synchronised", SEVERITY_WARNING, "set-ntp");
	expect("leftovers.xdp", SEVERITY_NOTE, "eth2");
	xdp_rc = -EBUSY;
	look();
	expect("leftovers.xdp", SEVERITY_ERROR, "eth2 runs the program of another");
}

static void database_grows_old(void **state)
{
	(void)state;
	sys.now += 90 * 86400;
	look();
	expect("config.stale_asn_db", ABSENT, NULL);
	sys.now += 86400;
	look();
	expect("config.stale_asn_db", SEVERITY_WARNING, "91 days old");
}

static void locked_memory(void **state)
{
	(void)state;
	machine_put("/proc/self/limits", "Max locked memory  8388608  8388608 bytes\n");
	machine_put("/proc/self/status", STATUS("0", "1ffffffbfff", "0-5")); /* no CAP_IPC_LOCK */
	look();
	expect("memory.locked", SEVERITY_OK, NULL); /* 8 MiB are what the buffers take */
	doctor.budget.buffers++;
	look();
	expect("memory.locked", SEVERITY_ERROR, "LimitMEMLOCK");
	machine_put("/proc/self/status", STATUS("0", "1ffffffffff", "0-5"));
	look();
	expect("memory.locked", SEVERITY_OK, "CAP_IPC_LOCK");
}

static void processes_hold_leftovers(void **state)
{
	(void)state;
	machine_put("/run/dpdk/rte/config", "");
	machine_put("/dev/hugepages/rtemap_0", "");
	machine_put("/proc/77/comm", "testpmd\n");
	machine_put("/proc/77/fd/3", "->/run/dpdk/rte/config");
	machine_put(
		"/proc/77/maps", "100000000-100200000 rw-s 0 00:2c 7 /dev/hugepages/rtemap_0\n");
	look();
	expect("leftovers.folders", SEVERITY_OK, "in use");
	expect("leftovers.hugepages", SEVERITY_OK, "in use");
	machine_put("/run/dpdk/rte2/config", ""); /* another name, not a part of it */
	look();
	expect("leftovers.folders", SEVERITY_NOTE, "/run/dpdk/rte2");
}

static void listener_is_named(void **state)
{
	(void)state;
	machine_put("/proc/net/tcp", "h\n 0: 0100007F:22F9 00000000:0000 0A 0:0 0:0 0 0 0 77 1\n");
	machine_put("/proc/4711/comm", "fluxgate\n");
	machine_put("/proc/4711/fd/5", "->socket:[77]");
	look();
	expect("config.listen", SEVERITY_ERROR, "taken by fluxgate, process 4711");
}

/* A process "fluxgate" with these arguments, NUL between them. */
static void sensor_runs(const char *arguments, size_t n)
{
	machine_put("/proc/4711/comm", "fluxgate\n");
	machine_put("/proc/4711/cmdline", "");
	machine_put_octets("/proc/4711/cmdline", arguments, n);
}

static void sensors_that_run(void **state)
{
	(void)state;
	static const char replay[] = "fluxgate\0replay\0a.pcap";
	static const char other[] = "fluxgate\0run\0-c\0other.json";
	static const char same[] = "fluxgate\0run\0--config=same.json";

	machine_put("/proc/4711/cwd/other.json",
		"{\"http\":{\"listen\":\"127.0.0.1:1\"},\"ports\":[{\"device\":\"net_af_packet0,"
		"iface=eth9\"}]}");
	machine_put("/proc/4711/cwd/same.json",
		"{\"http\":{\"listen\":\"127.0.0.1:1\"},\"ports\":[{\"device\":\"net_af_packet7,"
		"iface=eth1\"}]}");
	sensor_runs(replay, sizeof(replay));
	look();
	expect("leftovers.sensor", SEVERITY_OK, NULL);
	sensor_runs("", 0); /* dead, not waited for */
	look();
	expect("leftovers.sensor", SEVERITY_OK, NULL);
	sensor_runs(other, sizeof(other));
	look();
	expect("leftovers.sensor", SEVERITY_NOTE, "4711");
	sensor_runs(same, sizeof(same));
	look();
	expect("leftovers.sensor", SEVERITY_ERROR, "kill 4711");
	machine_put("/proc/4711/cwd/other.json", "{}"); /* the default address is ours */
	sensor_runs(other, sizeof(other));
	look();
	expect("leftovers.sensor", SEVERITY_ERROR, "127.0.0.1:8953");
}

/* Without a configuration only the machine is looked at; without anything it does not fall over. */
static void less_to_see(void **state)
{
	(void)state;
	configure(NULL);
	look();
	assert_int_equal(findings_exit_code(&findings), EXIT_CODE_OK);
	expect("memory.hugepages", SEVERITY_OK, NULL);
	expect("cpu.count", SEVERITY_OK, "6 processors");
	expect("port.driver", ABSENT, NULL);
	machine_put(NODE0, "0\n");
	machine_put(NODE1, "0\n");
	look();
	expect("memory.hugepages", SEVERITY_NOTE, "nr_hugepages");
	doctor.root = "/nowhere";
	look();
	expect("process.status", SEVERITY_WARNING, NULL);
	configure(SOUND);
	look();
	expect("memory.hugepages", SEVERITY_ERROR, NULL);
}

/* Each port can give its findings, and what finds no room is still counted. */
static void findings_are_bounded(void **state)
{
	(void)state;
	memset(&findings, 0, sizeof(findings));
	doctor.subject = "x";
	for (unsigned i = 0; i < FINDINGS_MAX + 10; i++)
		finding_remedy(finding_add(&doctor, SEVERITY_NOTE, "x.y", "why", "%u", i), "do");
	finding_add(&doctor, SEVERITY_ERROR, "x.y", "why", "the last");
	assert_int_equal(findings.n, FINDINGS_MAX);
	assert_int_equal(findings.count[SEVERITY_NOTE], FINDINGS_MAX + 10);
	assert_int_equal(findings_exit_code(&findings), EXIT_CODE_ERRORS);
}

static void lcores_as_the_eal_reads_them(void **state)
{
	(void)state;
	struct placement p;
	char text[64];

	assert_true(placement_parse("1,2@(5-7),(3-5)@(0,2),(0,6),7-8", &p));
	static const char *const wanted[] = {
		"0,6", "1", "5-7", "0,2", "0,2", "0,2", "0,6", "7", "8"};
	assert_int_equal(p.n, 9);
	for (unsigned i = 0; i < p.n; i++) {
		assert_int_equal(p.id[i], i);
		assert_string_equal(cpulist_text(&p.cpus[i], text, sizeof(text)), wanted[i]);
	}
	static const char *const wrong[] = {"", "a", "1@", "1,", "(1", "3-1", "1@2@3", "1 2", "200",
		"99999999999", "1@99999", "-1", "(1,)@2"};
	for (unsigned i = 0; i < sizeof(wrong) / sizeof(*wrong); i++)
		if (placement_parse(wrong[i], &p))
			fail_msg("\"%s\" was taken", wrong[i]);
}

static void json_and_table(void **state)
{
	(void)state;
	const char *dir = getenv("FLUXGATE_ANSWERS");
	char path[512], *table = NULL;
	size_t len = 0;

	machine_put("/proc/swaps", "Filename\n/dev/sda2 partition 1 0 -2\n");
	look();
	json_t *tree = doctor_json(&doctor);
	assert_int_equal(count_at(tree, "count/note"), 1);
	assert_int_equal(count_at(tree, "budget/octets"), 404u << 20);
	assert_int_equal(json_array_size(at(tree, "findings")), findings.n);
	assert_int_equal(count_at(tree, "exit_code"), EXIT_CODE_OK);
	char *text = export_text(tree, &len);
	assert_non_null(text);
	if (dir) {
		snprintf(path, sizeof(path), "%s/doctor.json", dir);
		FILE *f = fopen(path, "w");
		assert_non_null(f);
		assert_int_equal(fwrite(text, 1, len, f), len);
		assert_int_equal(fclose(f), 0);
	}
	free(text);
	for (int coloured = 0; coloured < 2; coloured++) {
		FILE *f = open_memstream(&table, &len);
		assert_non_null(f);
		doctor_print(&doctor, f, coloured);
		assert_int_equal(fclose(f), 0);
		assert_non_null(strstr(table, "do: swapoff -a\n"));
		assert_non_null(strstr(table, "0 error(s), 0 warning(s), 1 note(s)"));
		assert_int_equal(!!strchr(table, '\033'), coloured);
		for (const char *l = table; !coloured && *l; l += strcspn(l, "\n") + 1)
			assert_in_range(strcspn(l, "\n"), 1, 100);
		free(table);
	}
}

#define CASE(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(sound_machine_has_no_findings),
		CASE(each_change_is_found),
		CASE(hugepages_are_held_against_the_budget),
		CASE(machine_without_nodes),
		CASE(iommu_modes),
		CASE(default_route_is_spared),
		CASE(default_route_above_the_card),
		CASE(default_route_in_the_group),
		CASE(bifurcated_card_is_looked_at_as_an_interface),
		CASE(facts_of_the_card),
		CASE(interface_that_is_not_in_sysfs),
		CASE(clock_and_program),
		CASE(database_grows_old),
		CASE(locked_memory),
		CASE(processes_hold_leftovers),
		CASE(listener_is_named),
		CASE(sensors_that_run),
		CASE(less_to_see),
		CASE(findings_are_bounded),
		CASE(lcores_as_the_eal_reads_them),
		CASE(json_and_table),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
