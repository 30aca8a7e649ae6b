/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

/* A made-up /proc, /sys and /run below a temporary folder, for tests of app/doctor. */

#include <ftw.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

static char machine_root[64];

static inline void machine_path(char out[512], const char *path)
{
	snprintf(out, 512, "%s%s", machine_root, path);
	for (char *slash = strchr(out + strlen(machine_root) + 1, '/'); slash;
		slash = strchr(slash + 1, '/')) {
		*slash = '\0';
		mkdir(out, 0755);
		*slash = '/';
	}
}

static inline int machine_remove_one(
	const char *path, const struct stat *st, int flag, struct FTW *ftw)
{
	(void)st;
	(void)flag;
	(void)ftw;
	return remove(path);
}

/* A file, link or folder with all below it; it need not be there. */
static inline void machine_remove(const char *path)
{
	char full[512];

	machine_path(full, path);
	nftw(full, machine_remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

/* A file of `octets` that may hold NULs. */
static inline void machine_put_octets(const char *path, const char *octets, size_t n)
{
	char full[512];

	machine_path(full, path);
	FILE *f = fopen(full, "w");
	assert_non_null(f);
	assert_int_equal(fwrite(octets, 1, n, f), n);
	assert_int_equal(fclose(f), 0);
}

/* A file with a text, "->TARGET" for a link, "/" for a folder, NULL to have none. */
static inline void machine_put(const char *path, const char *text)
{
	char full[512];

	machine_remove(path);
	machine_path(full, path);
	if (!text)
		return;
	if (strncmp(text, "->", 2) == 0)
		assert_int_equal(symlink(text + 2, full), 0);
	else if (strcmp(text, "/") == 0)
		assert_int_equal(mkdir(full, 0755), 0);
	else
		machine_put_octets(path, text, strlen(text));
}

#define PCI "/sys/bus/pci/devices/0000:3b:00.0"

/*
 * Nothing to find fault with: two nodes with three processors each, hugepages on both, a card at
 * vfio-pci on node 0, eth1 and eth2.
 */
static const struct {
	const char *path, *text;
} machine_sound[] = {
	{"/proc/cmdline", "quiet intel_iommu=on iommu=pt isolcpus=2,4 -- hugepagesz=1G\n"},
	{"/proc/self/status", "Name:\tfluxgate\nUid:\t0\t0\t0\t0\nCapEff:\t000001ffffffffff\n"
			      "Cpus_allowed_list:\t0-5\n"},
	{"/proc/self/limits", "Limit  Soft Hard Units\nMax locked memory         unlimited "
			      "           unlimited            bytes\n"},
	{"/proc/meminfo", "MemTotal:  64000000 kB\nMemAvailable:   60000000 kB\n"},
	{"/proc/mounts", "sysfs /sys sysfs rw 0 0\nnone /dev/hugepages hugetlbfs rw 0 0\n"},
	{"/proc/swaps", "Filename Type Size Used Priority\n"},
	{"/proc/net/tcp", "  sl  local_address rem_address   st\n"},
	{"/proc/net/tcp6", "  sl  local_address rem_address   st\n"},
	{"/proc/net/protocols", "protocol  size sockets\nPACKET 1 0\nXDP       960      0\n"},
	{"/proc/net/route", "Iface Destination Gateway Flags RefCnt Use Metric Mask\n"
			    "eth0 00000000 0101A8C0 0003 0 0 0 00000000\n"},
	{"/proc/sys/net/core/bpf_jit_enable", "1\n"},
	{"/proc/sys/kernel/unprivileged_bpf_disabled", "2\n"},
	{"/sys/kernel/mm/transparent_hugepage/enabled", "always [madvise] never\n"},
	{"/sys/devices/system/node/node0/cpulist", "0,2,4\n"},
	{"/sys/devices/system/node/node1/cpulist", "1,3,5\n"},
	{"/sys/devices/system/node/node0/hugepages/hugepages-2048kB/nr_hugepages", "1024\n"},
	{"/sys/devices/system/node/node0/hugepages/hugepages-2048kB/free_hugepages", "1000\n"},
	{"/sys/devices/system/node/node1/hugepages/hugepages-2048kB/nr_hugepages", "1024\n"},
	{"/sys/devices/system/node/node1/hugepages/hugepages-2048kB/free_hugepages", "1000\n"},
	{"/sys/devices/system/cpu/isolated", "2,4\n"},
	{"/sys/devices/system/cpu/nohz_full", "2,4\n"},
	{"/sys/devices/system/cpu/cpu0/topology/thread_siblings_list", "0\n"},
	{"/sys/devices/system/cpu/cpu2/topology/thread_siblings_list", "2\n"},
	{"/sys/devices/system/cpu/cpu4/topology/thread_siblings_list", "4\n"},
	{"/sys/devices/system/cpu/cpu2/cpufreq/scaling_governor", "performance\n"},
	{"/sys/kernel/iommu_groups/7/devices/0000:3b:00.0", "->x"},
	{"/sys/kernel/iommu_groups/7/devices/0000:3a:00.0", "->x"},
	{"/sys/module/vfio_pci", "/"},
	{PCI "/class", "0x020000\n"},
	{PCI "/driver", "->../../../bus/pci/drivers/vfio-pci"},
	{PCI "/iommu_group", "->../../../kernel/iommu_groups/7"},
	{PCI "/numa_node", "0\n"},
	{"/sys/bus/pci/devices/0000:3a:00.0/driver", "->../../../bus/pci/drivers/pcieport"},
	{"/sys/class/net/eth1/flags", "0x1003\n"},
	{"/sys/class/net/eth1/carrier", "1\n"},
	{"/sys/class/net/eth1/mtu", "1500\n"},
	{"/sys/class/net/eth1/device/numa_node", "0\n"},
	{"/sys/class/net/eth2/flags", "0x1003\n"},
	{"/sys/class/net/eth2/carrier", "1\n"},
	{"/sys/class/net/eth2/mtu", "1500\n"},
};

static inline void machine_make(void)
{
	strcpy(machine_root, "/tmp/fluxgate-machine.XXXXXX");
	assert_non_null(mkdtemp(machine_root));
	for (size_t i = 0; i < sizeof(machine_sound) / sizeof(machine_sound[0]); i++)
		machine_put(machine_sound[i].path, machine_sound[i].text);
}

static inline void machine_end(void)
{
	nftw(machine_root, machine_remove_one, 16, FTW_DEPTH | FTW_PHYS);
}
