/* SPDX-License-Identifier: BSD-3-Clause */

/* Processors against lcores, and what else may run on those of workers. */

#include <stdio.h>
#include <string.h>

#include "doctor/doctor.h"
#include "doctor/tree.h"

#define LIST_MAX 1024u

/* Processors of the workers: all lcores but the first, as many as the configuration says. */
static void workers_cpus(const struct doctor *d, cpu_set_t *out)
{
	CPU_ZERO(out);
	for (unsigned i = 1; i < d->placement.n && i <= d->config->workers; i++)
		CPU_OR(out, out, &d->placement.cpus[i]);
}

static void count_check(struct doctor *d)
{
	unsigned cpus = (unsigned)CPU_COUNT(&d->allowed);
	char list[LIST_MAX];

	cpulist_text(&d->allowed, list, sizeof(list));
	if (!d->config)
		finding_add(d, SEVERITY_OK, "cpu.count", "", "%u processors: %s", cpus, list);
	else if (cpus < d->config->workers + 1)
		finding_remedy(
			finding_add(d, SEVERITY_WARNING, "cpu.count",
				"a worker that waits for its processor loses packets",
				"%u processors (%s) for control and %u workers: they take turns",
				cpus, list, d->config->workers),
			"lower \"workers\" to %u, or give this process more processors",
			cpus > 1 ? cpus - 1 : 1);
	else
		finding_add(d, SEVERITY_OK, "cpu.count", "",
			"%u processors (%s) for control and %u workers%s", cpus, list,
			d->config->workers,
			cpus == d->config->workers + 1 ? "; none is left for a spreader" : "");
}

static void lcores_check(struct doctor *d)
{
	const struct config *c = d->config;
	cpu_set_t all, outside;
	char list[LIST_MAX];

	if (!c->lcores[0])
		return;
	if (d->placement.n == 0) {
		finding_remedy(finding_add(d, SEVERITY_ERROR, "cpu.lcores", "run refuses to start",
				       "lcores \"%s\" is not of the EAL's form", c->lcores),
			"write lcores with their processors, such as \"0@0,1@2,2@4\"");
		return;
	}
	if (d->placement.n < c->workers + 1)
		finding_remedy(finding_add(d, SEVERITY_ERROR, "cpu.lcores", "run refuses to start",
				       "lcores \"%s\" are %u, control and %u workers need %u",
				       c->lcores, d->placement.n, c->workers, c->workers + 1),
			"name %u lcores, or lower \"workers\"", c->workers + 1);
	CPU_ZERO(&all);
	for (unsigned i = 0; i < d->placement.n; i++)
		CPU_OR(&all, &all, &d->placement.cpus[i]);
	CPU_AND(&outside, &all, &d->allowed);
	CPU_XOR(&outside, &outside, &all);
	if (CPU_COUNT(&outside))
		finding_remedy(finding_add(d, SEVERITY_ERROR, "cpu.lcores", "run refuses to start",
				       "processors %s of lcores \"%s\" are absent, offline, or not "
				       "allowed to this process",
				       cpulist_text(&outside, list, sizeof(list)), c->lcores),
			"name others; /proc/self/status says which are allowed");
	else if (d->placement.n > c->workers)
		finding_add(d, SEVERITY_OK, "cpu.lcores", "", "lcores \"%s\": %u", c->lcores,
			d->placement.n);
}

/* Of `wanted`, those that a list in sysfs does not hold. */
static bool list_misses(
	const struct doctor *d, const char *path, const cpu_set_t *wanted, cpu_set_t *missing)
{
	char text[LIST_MAX];
	cpu_set_t set;

	CPU_ZERO(&set);
	if (tree_read(d->root, text, sizeof(text), "%s", path) > 0 && !cpulist_parse(text, &set))
		CPU_ZERO(&set); /* "(null)" */
	CPU_AND(missing, &set, wanted);
	CPU_XOR(missing, missing, wanted);
	return CPU_COUNT(missing) > 0;
}

static bool callbacks_miss(const struct doctor *d, const cpu_set_t *wanted, cpu_set_t *missing)
{
	char text[LIST_MAX];
	cpu_set_t set;

	CPU_ZERO(&set);
	if (kernel_parameter(d, "rcu_nocbs", text, sizeof(text))) {
		if (strcmp(text, "all") == 0)
			set = *wanted;
		else if (!cpulist_parse(text, &set))
			CPU_ZERO(&set);
	}
	CPU_AND(missing, &set, wanted);
	CPU_XOR(missing, missing, wanted);
	return CPU_COUNT(missing) > 0;
}

static void isolation_check(struct doctor *d)
{
	cpu_set_t cpus, missing;
	char list[LIST_MAX], all[LIST_MAX];

	workers_cpus(d, &cpus);
	cpulist_text(&cpus, all, sizeof(all));
	if (list_misses(d, "/sys/devices/system/cpu/isolated", &cpus, &missing))
		finding_remedy(finding_add(d, SEVERITY_NOTE, "cpu.isolated",
				       "other programs take turns with the workers there",
				       "processors %s of workers are not isolated",
				       cpulist_text(&missing, list, sizeof(list))),
			"kernel command line: isolcpus=%s", all);
	else
		finding_add(d, SEVERITY_OK, "cpu.isolated", "", "processors %s are isolated", all);
	bool ticks = list_misses(d, "/sys/devices/system/cpu/nohz_full", &cpus, &missing);
	if (ticks)
		finding_remedy(finding_add(d, SEVERITY_NOTE, "cpu.nohz_full",
				       "the timer interrupts the worker many times a second",
				       "processors %s of workers have the kernel's tick",
				       cpulist_text(&missing, list, sizeof(list))),
			"kernel command line: nohz_full=%s", all);
	else
		finding_add(d, SEVERITY_OK, "cpu.nohz_full", "", "processors %s have no tick", all);
	/* nohz_full takes the callbacks along. */
	if (ticks && callbacks_miss(d, &cpus, &missing))
		finding_remedy(finding_add(d, SEVERITY_NOTE, "cpu.rcu_nocbs",
				       "the kernel's clean-up runs between a worker's bursts",
				       "processors %s of workers run RCU callbacks",
				       cpulist_text(&missing, list, sizeof(list))),
			"kernel command line: rcu_nocbs=%s", all);
	else
		finding_add(d, SEVERITY_OK, "cpu.rcu_nocbs", "",
			"processors %s run no RCU callbacks", all);
}

/* The one processor that an lcore is pinned to, or -1. */
static int lcore_cpu(const struct doctor *d, unsigned i)
{
	if (CPU_COUNT(&d->placement.cpus[i]) != 1)
		return -1;
	for (int cpu = 0; cpu < CPU_SETSIZE; cpu++)
		if (CPU_ISSET((unsigned)cpu, &d->placement.cpus[i]))
			return cpu;
	return -1;
}

static void siblings_check(struct doctor *d)
{
	bool any = false;

	for (unsigned i = 1; i < d->placement.n && i <= d->config->workers; i++) {
		char text[LIST_MAX];
		cpu_set_t set;
		int cpu = lcore_cpu(d, i);

		if (cpu < 0 ||
			tree_read(d->root, text, sizeof(text),
				"/sys/devices/system/cpu/cpu%d/topology/thread_siblings_list",
				cpu) <= 0 ||
			!cpulist_parse(text, &set))
			continue;
		for (unsigned j = 0; j < i; j++) {
			int other = lcore_cpu(d, j);

			if (other < 0 || !CPU_ISSET((unsigned)other, &set))
				continue;
			any = true;
			finding_remedy(
				finding_add(d, j ? SEVERITY_WARNING : SEVERITY_NOTE, "cpu.siblings",
					"two threads of one core share its caches and units: each "
					"is slower",
					"lcore %u (worker, processor %d) and lcore %u (%s, "
					"processor %d) %s",
					d->placement.id[i], cpu, d->placement.id[j],
					j ? "worker" : "control", other,
					cpu == other ? "share a processor" : "share a core"),
				"set \"lcores\" to processors of different cores (lscpu -e)");
		}
	}
	if (!any)
		finding_add(d, SEVERITY_OK, "cpu.siblings", "", "no two lcores share a core");
}

static void governor_check(struct doctor *d)
{
	cpu_set_t cpus = d->allowed, slow;
	char text[64], list[LIST_MAX];
	bool seen = false;

	if (d->placement.n)
		workers_cpus(d, &cpus);
	CPU_ZERO(&slow);
	for (unsigned cpu = 0; cpu < CPU_SETSIZE; cpu++) {
		if (!CPU_ISSET(cpu, &cpus) ||
			tree_read(d->root, text, sizeof(text),
				"/sys/devices/system/cpu/cpu%u/cpufreq/scaling_governor", cpu) <= 0)
			continue;
		seen = true;
		if (strcmp(text, "performance") != 0)
			CPU_SET(cpu, &slow);
	}
	if (CPU_COUNT(&slow))
		finding_remedy(finding_add(d, SEVERITY_NOTE, "cpu.governor",
				       "a processor that must speed up first misses a burst",
				       "processors %s are not governed for performance",
				       cpulist_text(&slow, list, sizeof(list))),
			"cpupower frequency-set -g performance");
	else
		finding_add(d, SEVERITY_OK, "cpu.governor", "",
			seen ? "governed for performance" : "no frequency control to be seen");
}

void doctor_cpu(struct doctor *d)
{
	count_check(d);
	governor_check(d);
	if (!d->config)
		return;
	lcores_check(d);
	/* Lcores that take turns on all processors leave none to set apart. */
	if (d->placement.n == 0 || lcore_cpu(d, d->placement.n - 1) < 0)
		return;
	isolation_check(d);
	siblings_check(d);
}
