/* SPDX-License-Identifier: BSD-3-Clause */

/* The ports of the configuration: what they are, whose driver has them, on which node. */

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "doctor/doctor.h"
#include "doctor/tree.h"

#define PCI_TEXT 32u
#define NAME_TEXT 64u
#define PCI_CLASS_NETWORK 0x02

/* "pci:3b:00.0,args" as sysfs has it: "0000:3b:00.0". */
static void pci_address(const char *device, char out[PCI_TEXT])
{
	if (strncmp(device, "pci:", 4) == 0)
		device += 4;
	size_t n = strcspn(device, ",");
	snprintf(out, PCI_TEXT, "%s%.*s", n == strlen("3b:00.0") ? "0000:" : "",
		(int)(n < PCI_TEXT ? n : PCI_TEXT - 1), device);
}

/* Of the interfaces in a listed folder the first one, or rather one that has a default route. */
static void interface_choose(
	const struct doctor *d, struct tree_names names, char out[NAME_TEXT], bool *carries)
{
	for (int i = 0; i < names.n && !*carries; i++) {
		*carries = carries_default_route(d, names.entry[i]->d_name);
		if (*carries || !out[0])
			snprintf(out, NAME_TEXT, "%.63s", names.entry[i]->d_name);
	}
	tree_free(&names);
}

/*
 * The kernel's interface of a PCI device, false without one; whether a default route goes through
 * it. Of several interfaces it is one that has such a route.
 */
static bool pci_interface(
	const struct doctor *d, const char *pci, char out[NAME_TEXT], bool *carries)
{
	out[0] = '\0';
	*carries = false;
	interface_choose(d, tree_list(d->root, "/sys/bus/pci/devices/%s/net", pci), out, carries);
	/* Behind virtio there is a bus between them. */
	struct tree_names names = tree_list(d->root, "/sys/bus/pci/devices/%s", pci);
	for (int i = 0; i < names.n; i++)
		if (strncmp(names.entry[i]->d_name, "virtio", 6) == 0)
			interface_choose(d,
				tree_list(d->root, "/sys/bus/pci/devices/%s/%s/net", pci,
					names.entry[i]->d_name),
				out, carries);
	tree_free(&names);
	return out[0] != '\0';
}

/* Drivers that serve the kernel and DPDK at a time: nothing is to be bound. */
static bool driver_is_bifurcated(const char *driver)
{
	static const char *const drivers[] = {"mlx5_core", "mlx4_core", "mana"};

	for (size_t i = 0; i < sizeof(drivers) / sizeof(*drivers); i++)
		if (strcmp(driver, drivers[i]) == 0)
			return true;
	return false;
}

static bool driver_is_userspace(const char *driver)
{
	return strcmp(driver, "vfio-pci") == 0 || strcmp(driver, "uio_pci_generic") == 0 ||
	       strcmp(driver, "igb_uio") == 0;
}

static void kernel_driver_found(struct doctor *d, const char *pci, const char *driver)
{
	char name[NAME_TEXT];
	bool carries;

	if (!pci_interface(d, pci, name, &carries))
		finding_remedy(finding_add(d, SEVERITY_ERROR, "port.driver",
				       "DPDK cannot take the card from the kernel's driver",
				       "bound to the kernel's driver %s", driver),
			"deploy/prepare-nic --bind %s", pci);
	else if (carries)
		finding_remedy(
			finding_add(d, SEVERITY_ERROR, "port.driver",
				"bound to DPDK, this machine could no longer be reached by it",
				"%s, bound to %s, carries the default route", name, driver),
			"name another port, or use net_af_packet0,iface=%s", name);
	else
		finding_remedy(finding_add(d, SEVERITY_ERROR, "port.driver",
				       "DPDK cannot take the card from the kernel's driver",
				       "bound to the kernel's driver %s as %s", driver, name),
			"deploy/prepare-nic --bind %s (%s is gone from the kernel then)", pci,
			name);
}

/* All devices of an IOMMU group must be free of kernel drivers, or vfio gives none of them. */
static void group_check(struct doctor *d, const char *pci)
{
	char group[NAME_TEXT];
	bool viable = true;

	if (!tree_link_name(
		    d->root, group, sizeof(group), "/sys/bus/pci/devices/%s/iommu_group", pci))
		return;
	struct tree_names others = tree_list(d->root, "/sys/kernel/iommu_groups/%s/devices", group);
	for (int i = 0; i < others.n; i++) {
		const char *other = others.entry[i]->d_name;
		char driver[NAME_TEXT], name[NAME_TEXT];
		bool carries;

		if (strcmp(other, pci) == 0 ||
			!tree_link_name(d->root, driver, sizeof(driver),
				"/sys/bus/pci/devices/%s/driver", other) ||
			driver_is_userspace(driver) || strcmp(driver, "pcieport") == 0 ||
			strcmp(driver, "pci-stub") == 0)
			continue;
		viable = false;
		struct finding *f = finding_add(d, SEVERITY_ERROR, "port.iommu_group",
			"vfio gives a group as a whole, or not at all",
			"%s of the same IOMMU group %s is bound to %s", other, group, driver);
		if (pci_interface(d, other, name, &carries) && carries)
			finding_remedy(f,
				"put the card into another slot: %s, %s, carries the default route",
				other, name);
		else
			finding_remedy(f,
				"put the card into another slot, or deploy/prepare-nic --bind %s",
				other);
	}
	tree_free(&others);
	if (viable)
		finding_add(
			d, SEVERITY_OK, "port.iommu_group", "", "IOMMU group %s is free", group);
}

static void pci_driver_check(struct doctor *d, const struct config_port *port, const char *pci)
{
	char driver[NAME_TEXT], name[NAME_TEXT];
	bool carries;

	if (!tree_link_name(
		    d->root, driver, sizeof(driver), "/sys/bus/pci/devices/%s/driver", pci)) {
		finding_remedy(
			finding_add(d, SEVERITY_ERROR, "port.driver",
				"DPDK reaches a card through vfio-pci", "bound to no driver"),
			"deploy/prepare-nic --bind %s", pci);
	} else if (driver_is_bifurcated(driver)) {
		finding_add(d, SEVERITY_OK, "port.driver", "",
			"%s serves the kernel and DPDK at a time: nothing to bind", driver);
		if (pci_interface(d, pci, name, &carries))
			doctor_nic(d, port, name);
	} else if (driver_is_userspace(driver)) {
		finding_add(d, SEVERITY_OK, "port.driver", "", "bound to %s", driver);
		finding_add(d, SEVERITY_OK, "port.queues", "",
			"queues and RSS: its driver tells them at start");
		if (strcmp(driver, "vfio-pci") == 0)
			group_check(d, pci);
	} else {
		kernel_driver_found(d, pci, driver);
	}
}

/* Frames cross the link between sockets twice where card and worker are apart. */
static void node_check(struct doctor *d, int64_t node)
{
	cpu_set_t far;
	char list[1024];

	CPU_ZERO(&far);
	for (unsigned i = 1; i < d->placement.n && i <= d->config->workers; i++)
		for (unsigned cpu = 0; cpu < CPU_SETSIZE; cpu++)
			if (CPU_ISSET(cpu, &d->placement.cpus[i]) && processor_node(d, cpu) != node)
				CPU_SET(cpu, &far);
	if (node < 0 || CPU_COUNT(&far) == 0)
		finding_add(d, SEVERITY_OK, "port.node", "",
			node < 0 ? "no NUMA node is told" : "NUMA node %" PRId64 ", as the workers",
			node);
	else
		finding_remedy(finding_add(d, SEVERITY_WARNING, "port.node",
				       "each frame crosses the link between the processors",
				       "NUMA node %" PRId64 ", workers run on processors %s of "
				       "another",
				       node, cpulist_text(&far, list, sizeof(list))),
			"set \"lcores\" to processors of node %" PRId64
			" (/sys/devices/system/node/node%" PRId64 "/cpulist)",
			node, node);
}

static void pci_check(struct doctor *d, const struct config_port *port)
{
	char pci[PCI_TEXT];
	int64_t class, node = -1;

	pci_address(port->device, pci);
	if (!tree_exists(d->root, "/sys/bus/pci/devices/%s", pci)) {
		finding_remedy(finding_add(d, SEVERITY_ERROR, "port.present",
				       "run refuses to start", "no PCI device %s", pci),
			"lspci -D | grep -i ethernet says which there are");
		return;
	}
	if (tree_number(d->root, &class, "/sys/bus/pci/devices/%s/class", pci) &&
		class >> 16 != PCI_CLASS_NETWORK) {
		finding_remedy(
			finding_add(d, SEVERITY_ERROR, "port.present", "run refuses to start",
				"PCI device %s is no network card (class %#" PRIx64 ")", pci,
				(uint64_t) class),
			"lspci -D | grep -i ethernet says which there are");
		return;
	}
	pci_driver_check(d, port, pci);
	tree_number(d->root, &node, "/sys/bus/pci/devices/%s/numa_node", pci);
	node_check(d, node);
}

static void interface_check(struct doctor *d, const struct config_port *port)
{
	char name[NAME_TEXT];
	int64_t node = -1;

	if (!device_argument(port->device, "iface", name, sizeof(name)) || strchr(name, '/')) {
		finding_remedy(finding_add(d, SEVERITY_ERROR, "port.present",
				       "run refuses to start", "the device names no interface"),
			"add iface=NAME to the device");
		return;
	}
	doctor_nic(d, port, name);
	if (tree_number(d->root, &node, "/sys/class/net/%s/device/numa_node", name))
		node_check(d, node);
}

void doctor_ports(struct doctor *d)
{
	for (unsigned i = 0; d->config && i < d->config->ports_count; i++) {
		const struct config_port *port = &d->config->ports[i];

		d->subject = port->device;
		switch (port_kind(port->device)) {
		case PORT_KIND_PCI:
			pci_check(d, port);
			break;
		case PORT_KIND_AF_PACKET:
		case PORT_KIND_AF_XDP:
			interface_check(d, port);
			break;
		case PORT_KIND_OTHER:
			finding_add(d, SEVERITY_OK, "port.present", "",
				"a virtual device: nothing to look at before the start");
		}
	}
	d->subject = "";
}
