/* SPDX-License-Identifier: BSD-3-Clause */

/* Hugepages and ordinary memory against the budget; what slows memory down. */

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "doctor/doctor.h"
#include "doctor/tree.h"

#define MIB ((size_t)1 << 20)
#define CAP_IPC_LOCK_BIT 14u
#define GIGABYTE_KIB 1048576

static size_t budget_octets(const struct doctor *d)
{
	return d->budget.tables + d->budget.buffers + d->budget.headroom;
}

static void budget_check(struct doctor *d)
{
	const struct doctor_budget *b = &d->budget;
	size_t need = budget_octets(d) / MIB;

	if (!d->config)
		return;
	finding_add(d, SEVERITY_OK, "memory.budget", "",
		"run takes %zu MiB = %zu of tables + %zu of packet buffers + %zu for the EAL", need,
		b->tables / MIB, b->buffers / MIB, b->headroom / MIB);
	if (d->config->eal.memory_mb && d->config->eal.memory_mb < need)
		finding_remedy(
			finding_add(d, SEVERITY_ERROR, "memory.eal_memory", "run refuses to start",
				"eal.memory_mb is %u, %zu are needed", d->config->eal.memory_mb,
				need),
			"set eal.memory_mb to %zu or more, or to 0 to have it computed", need);
}

/* Free hugepages of one node, or of the machine where there are no nodes, in octets. */
static size_t pages_look(struct doctor *d, const char *folder, const char *where)
{
	struct tree_names sizes = tree_list(d->root, "%s", folder);
	size_t octets = 0;

	for (int i = 0; i < sizes.n; i++) {
		int64_t kib, all = 0, free_pages = 0;
		const char *name = sizes.entry[i]->d_name;

		if (sscanf(name, "hugepages-%" SCNd64 "kB", &kib) != 1)
			continue;
		tree_number(d->root, &all, "%s/%s/nr_hugepages", folder, name);
		tree_number(d->root, &free_pages, "%s/%s/free_hugepages", folder, name);
		octets += (size_t)free_pages * (size_t)kib * 1024;
		if (all == 0)
			continue;
		finding_add(d, SEVERITY_OK, "memory.hugepages", "",
			"%s: %" PRId64 " of %" PRId64 " pages of %" PRId64 " %s free", where,
			free_pages, all, kib >= GIGABYTE_KIB ? kib / GIGABYTE_KIB : kib / 1024,
			kib >= GIGABYTE_KIB ? "GiB" : "MiB");
	}
	tree_free(&sizes);
	return octets;
}

/* Of all nodes; *main of the node that control runs on. */
static size_t hugepages_look(struct doctor *d, int main_node, size_t *main_free)
{
	struct tree_names nodes = tree_list(d->root, "/sys/devices/system/node");
	size_t octets = 0;
	bool any = false;
	int node;

	*main_free = 0;
	for (int i = 0; i < nodes.n; i++) {
		char folder[TREE_PATH_MAX], where[32];

		if (sscanf(nodes.entry[i]->d_name, "node%d", &node) != 1)
			continue;
		snprintf(folder, sizeof(folder), "/sys/devices/system/node/node%d/hugepages", node);
		if (!tree_exists(d->root, "%s", folder))
			continue;
		any = true;
		snprintf(where, sizeof(where), "node %d", node);
		size_t n = pages_look(d, folder, where);
		octets += n;
		if (node == main_node)
			*main_free = n;
	}
	tree_free(&nodes);
	if (!any)
		*main_free = octets = pages_look(d, "/sys/kernel/mm/hugepages", "no NUMA nodes");
	return octets;
}

/* The kernel gave less than its command line asked for. */
static void gigabyte_pages_check(struct doctor *d)
{
	char line[sizeof(d->command_line)], *rest = NULL;
	bool gigabyte = false;
	int64_t asked = 0, have = 0;

	snprintf(line, sizeof(line), "%s", d->command_line);
	for (char *w = strtok_r(line, " ", &rest); w; w = strtok_r(NULL, " ", &rest)) {
		if (strncmp(w, "default_hugepagesz=", 19) == 0)
			gigabyte = strcmp(w + 19, "1G") == 0;
		else if (strncmp(w, "hugepagesz=", 11) == 0)
			gigabyte = strcmp(w + 11, "1G") == 0;
		else if (gigabyte && strncmp(w, "hugepages=", 10) == 0)
			asked = strtoll(w + 10, NULL, 10);
	}
	tree_number(d->root, &have, "/sys/kernel/mm/hugepages/hugepages-%dkB/nr_hugepages",
		GIGABYTE_KIB);
	if (asked > have)
		finding_remedy(finding_add(d, SEVERITY_NOTE, "memory.fragmentation",
				       "a page of 1 GiB needs one whole piece of memory",
				       "the kernel was asked for %" PRId64
				       " pages of 1 GiB and has %" PRId64,
				       asked, have),
			"reboot, for memory is in pieces now; or reserve pages of 2 MiB");
	else if (have > 0 && d->config)
		finding_add(d, SEVERITY_NOTE, "memory.fragmentation",
			"what is left of a page serves nobody else",
			"pages of 1 GiB are taken whole: %zu MiB become %zu GiB at least",
			budget_octets(d) / MIB, budget_octets(d) / (MIB << 10) + 1);
}

static void hugepages_check(struct doctor *d)
{
	int node = 0;
	size_t need = budget_octets(d), main_free;

	if (d->placement.n)
		for (unsigned cpu = 0; cpu < CPU_SETSIZE; cpu++)
			if (CPU_ISSET(cpu, &d->placement.cpus[0])) {
				node = processor_node(d, cpu);
				break;
			}
	size_t octets = hugepages_look(d, node, &main_free);

	if (!d->config) {
		if (octets == 0)
			finding_remedy(finding_add(d, SEVERITY_NOTE, "memory.hugepages",
					       "run uses them unless eal.huge is false",
					       "no free hugepages"),
				"echo 1024 > /proc/sys/vm/nr_hugepages");
	} else if (!d->config->eal.huge) {
		finding_add(d, SEVERITY_NOTE, "memory.pages",
			"each table look-up costs more with pages of 4 KiB",
			"eal.huge is false: ordinary pages");
	} else if (octets < need) {
		finding_remedy(
			finding_add(d, SEVERITY_ERROR, "memory.hugepages", "run refuses to start",
				"%zu MiB of hugepages free, %zu MiB needed", octets / MIB,
				need / MIB),
			"echo %zu > /proc/sys/vm/nr_hugepages; or set \"eal\": {\"huge\": false}",
			need / (2 * MIB) + 1);
	} else if (main_free < need) {
		finding_remedy(finding_add(d, SEVERITY_WARNING, "memory.node",
				       "what lies on another node is slower to reach",
				       "node %d, where control runs, has %zu of %zu MiB free", node,
				       main_free / MIB, need / MIB),
			"echo %zu > /sys/devices/system/node/node%d/hugepages/hugepages-2048kB/"
			"nr_hugepages",
			need / (2 * MIB) + 1, node);
	} else {
		finding_add(d, SEVERITY_OK, "memory.hugepages", "", "%zu MiB free, %zu MiB needed",
			octets / MIB, need / MIB);
	}
}

static void hugetlbfs_check(struct doctor *d)
{
	char mounts[16384];

	if (tree_read(d->root, mounts, sizeof(mounts), "/proc/mounts") <= 0)
		return;
	bool mounted = strstr(mounts, " hugetlbfs ") != NULL;
	finding_add(d, SEVERITY_OK, "memory.hugetlbfs", "",
		"hugetlbfs is %smounted; not needed, run takes pages in memory (--in-memory)",
		mounted ? "" : "not ");
}

/* A value of /proc/meminfo, in octets. */
static size_t meminfo(const struct doctor *d, const char *name)
{
	char text[8192];
	size_t kib = 0;

	tree_read(d->root, text, sizeof(text), "/proc/meminfo");
	const char *at = strstr(text, name);
	return at && sscanf(at + strlen(name), ": %zu", &kib) == 1 ? kib * 1024 : 0;
}

static void free_check(struct doctor *d)
{
	size_t available = meminfo(d, "MemAvailable"), need = budget_octets(d);

	if (!d->config || d->config->eal.huge)
		finding_add(d, SEVERITY_OK, "memory.free", "", "%zu MiB of ordinary memory free",
			available / MIB);
	else if (available < need)
		finding_remedy(finding_add(d, SEVERITY_ERROR, "memory.free",
				       "run would be ended by the kernel, or would swap",
				       "%zu MiB of memory free, %zu MiB needed", available / MIB,
				       need / MIB),
			"make the tables smaller (\"shard\", \"store\"), or add memory");
	else
		finding_add(d, SEVERITY_OK, "memory.free", "", "%zu MiB free, %zu MiB needed",
			available / MIB, need / MIB);
}

static void habits_check(struct doctor *d)
{
	char text[4096];

	if (tree_read(d->root, text, sizeof(text), "/sys/kernel/mm/transparent_hugepage/enabled") >
		0) {
		if (strstr(text, "[always]"))
			finding_remedy(
				finding_add(d, SEVERITY_NOTE, "memory.transparent_hugepages",
					"the kernel stops a worker while it moves pages together",
					"transparent hugepages: always"),
				"echo madvise > /sys/kernel/mm/transparent_hugepage/enabled");
		else
			finding_add(d, SEVERITY_OK, "memory.transparent_hugepages", "",
				"transparent hugepages: not always");
	}
	if (tree_read(d->root, text, sizeof(text), "/proc/swaps") < 0)
		return;
	if (!strchr(text, '\n')) {
		finding_add(d, SEVERITY_OK, "memory.swap", "", "no swap");
		return;
	}
	bool pages = d->config && !d->config->eal.huge;
	finding_remedy(
		finding_add(d, pages ? SEVERITY_WARNING : SEVERITY_NOTE, "memory.swap",
			pages ? "tables on ordinary pages can be swapped out; workers stand "
				"still and lose packets until they are back"
			      : "hugepages are never swapped, the program's own memory can be",
			"swap is on"),
		"swapoff -a");
}

static void memlock_check(struct doctor *d)
{
	char text[4096], limit[32] = "";

	if (!d->config || !ports_have(d->config, PORT_KIND_AF_XDP))
		return;
	tree_read(d->root, text, sizeof(text), "/proc/self/limits");
	const char *at = strstr(text, "Max locked memory");
	if (!at || sscanf(at, "Max locked memory %31s", limit) != 1)
		return;
	bool enough =
		strcmp(limit, "unlimited") == 0 || strtoull(limit, NULL, 10) >= d->budget.buffers;
	if (enough || capability_held(d, CAP_IPC_LOCK_BIT))
		finding_add(d, SEVERITY_OK, "memory.locked", "", "locked memory: %s octets%s",
			limit, enough ? "" : ", which CAP_IPC_LOCK lifts");
	else
		finding_remedy(
			finding_add(d, SEVERITY_ERROR, "memory.locked",
				"AF_XDP locks its packet buffers and is refused beyond the limit",
				"locked memory: %s octets, packet buffers take %zu", limit,
				d->budget.buffers),
			"ulimit -l unlimited; of a service: LimitMEMLOCK=infinity");
}

void doctor_memory(struct doctor *d)
{
	budget_check(d);
	hugepages_check(d);
	gigabyte_pages_check(d);
	hugetlbfs_check(d);
	free_check(d);
	habits_check(d);
	memlock_check(d);
}
