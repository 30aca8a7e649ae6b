/* SPDX-License-Identifier: BSD-3-Clause */

/* What an earlier run left behind, and a sensor that runs already. */

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "doctor/doctor.h"
#include "doctor/tree.h"

#define ARGUMENTS_MAX 4096u
#define NAME_TEXT 64u

static bool is_pid(const char *name)
{
	return name[strspn(name, "0123456789")] == '\0';
}

/* Whether one of a process's descriptors leads to a path, or below it. -errno when not to be seen.
 */
static int descriptors_hold(const struct doctor *d, const char *pid, const char *path)
{
	struct tree_names fds = tree_list(d->root, "/proc/%s/fd", pid);
	int held = fds.n < 0 ? fds.n : 0;
	size_t n = strlen(path);

	for (int i = 0; i < fds.n && held == 0; i++) {
		char text[TREE_PATH_MAX];

		tree_link(d->root, text, sizeof(text), "/proc/%s/fd/%s", pid, fds.entry[i]->d_name);
		held = strncmp(text, path, n) == 0 && (text[n] == '\0' || text[n] == '/');
	}
	tree_free(&fds);
	return held;
}

/* Mappings outlive their descriptor. */
static int mappings_hold(const struct doctor *d, const char *pid, const char *path)
{
	char file[TREE_PATH_MAX], line[1024];
	int held = 0;

	snprintf(file, sizeof(file), "%s/proc/%s/maps", d->root, pid);
	FILE *f = fopen(file, "re");
	while (f && !held && fgets(line, sizeof(line), f))
		held = strstr(line, path) != NULL;
	if (f)
		fclose(f);
	return held;
}

/* 1 when a process uses it, 0 when none does, -EACCES when not all could be asked. */
static int path_in_use(const struct doctor *d, const char *path)
{
	struct tree_names all = tree_list(d->root, "/proc");
	int used = 0;

	for (int i = 0; i < all.n && used != 1; i++) {
		const char *pid = all.entry[i]->d_name;

		if (!is_pid(pid))
			continue;
		int held = descriptors_hold(d, pid, path);
		if (held == 1 || mappings_hold(d, pid, path))
			used = 1;
		else if (held == -EACCES)
			used = -EACCES;
	}
	tree_free(&all);
	return used;
}

static void path_found(
	struct doctor *d, enum severity stale, const char *check, const char *why, const char *path)
{
	int used = path_in_use(d, path);

	if (used == 1)
		finding_add(d, SEVERITY_OK, check, "", "%s is in use", path);
	else if (used == 0)
		finding_remedy(finding_add(d, stale, check, why,
				       "%s is of no process that is to be seen", path),
			"rm -r %s", path);
	else
		finding_remedy(finding_add(d, SEVERITY_NOTE, check, why,
				       "%s: not to be seen whether a process uses it", path),
			"run fluxgate doctor as root");
}

/* Run-time folders of EAL; fluxgate itself makes none. */
static void folders_check(struct doctor *d)
{
	struct tree_names names = tree_list(d->root, "/run/dpdk");

	for (int i = 0; i < names.n; i++) {
		char path[TREE_PATH_MAX];

		snprintf(path, sizeof(path), "/run/dpdk/%s", names.entry[i]->d_name);
		path_found(d, SEVERITY_NOTE, "leftovers.folders",
			"a DPDK program was killed; tools that look for it find a dead one", path);
	}
	if (names.n <= 0)
		finding_add(d, SEVERITY_OK, "leftovers.folders", "", "/run/dpdk: none");
	tree_free(&names);
}

/* Hugepages that a file holds are free for nobody until it is gone. */
static void pages_of_mount(struct doctor *d, const char *mount, unsigned *found)
{
	struct tree_names names = tree_list(d->root, "%s", mount);

	for (int i = 0; i < names.n; i++) {
		char path[TREE_PATH_MAX];

		if (!strstr(names.entry[i]->d_name, "map_"))
			continue;
		snprintf(path, sizeof(path), "%.200s/%.255s", mount, names.entry[i]->d_name);
		path_found(d, SEVERITY_WARNING, "leftovers.hugepages",
			"it keeps its hugepages from all others", path);
		++*found;
	}
	tree_free(&names);
}

static void pages_check(struct doctor *d)
{
	char mounts[16384], *rest = NULL;
	unsigned found = 0;

	tree_read(d->root, mounts, sizeof(mounts), "/proc/mounts");
	for (char *l = strtok_r(mounts, "\n", &rest); l; l = strtok_r(NULL, "\n", &rest)) {
		char mount[256], type[32];

		if (sscanf(l, "%*s %255s %31s", mount, type) == 2 && strcmp(type, "hugetlbfs") == 0)
			pages_of_mount(d, mount, &found);
	}
	if (!found)
		finding_add(d, SEVERITY_OK, "leftovers.hugepages", "", "hugepage files: none");
}

/* The configuration file that a running sensor was given, "" when it can't be told. */
static void config_of(const struct doctor *d, const char *pid, const char *arguments, size_t len,
	char out[TREE_PATH_MAX])
{
	const char *file = NULL;

	for (size_t i = 0; i < len; i += strlen(arguments + i) + 1) {
		const char *a = arguments + i, *next = a + strlen(a) + 1;

		if ((strcmp(a, "-c") == 0 || strcmp(a, "--config") == 0) && next < arguments + len)
			file = next;
		else if (strncmp(a, "--config=", 9) == 0)
			file = a + 9;
		else if (strncmp(a, "-c", 2) == 0 && a[2])
			file = a + 2;
	}
	if (!file)
		out[0] = '\0';
	else if (file[0] == '/')
		snprintf(out, TREE_PATH_MAX, "%s", file);
	else
		snprintf(out, TREE_PATH_MAX, "%s/proc/%s/cwd/%s", d->root, pid, file);
}

/* A device or the listen address that both configurations name, NULL without one. */
static const char *config_shared(const struct config *a, const struct config *b)
{
	for (unsigned i = 0; i < a->ports_count; i++)
		for (unsigned j = 0; j < b->ports_count; j++) {
			const char *one = a->ports[i].device, *other = b->ports[j].device;
			char name[NAME_TEXT], same[NAME_TEXT];

			if (port_kind(one) == PORT_KIND_PCI
					? strcmp(one, other) == 0
					: device_argument(one, "iface", name, sizeof(name)) &&
						  device_argument(
							  other, "iface", same, sizeof(same)) &&
						  strcmp(name, same) == 0)
				return one;
		}
	if (a->http.listen[0] && strcmp(a->http.listen, b->http.listen) == 0)
		return a->http.listen;
	return NULL;
}

static void sensor_found(struct doctor *d, const char *pid, const char *arguments, size_t len)
{
	static struct config theirs;
	char file[TREE_PATH_MAX], err[ERROR_LINE_MAX];
	const char *shared = NULL;

	config_of(d, pid, arguments, len, file);
	config_defaults(&theirs);
	if (d->config && file[0] && config_read(&theirs, file, err) == 0)
		shared = config_shared(d->config, &theirs);
	if (shared)
		finding_remedy(finding_add(d, SEVERITY_ERROR, "leftovers.sensor",
				       "two sensors cannot share a port or an address",
				       "fluxgate run, process %s, has %s already", pid, shared),
			"end it: kill %s", pid);
	else
		finding_add(d, SEVERITY_NOTE, "leftovers.sensor",
			"it has processors and memory of its own",
			"another fluxgate run, process %s", pid);
}

static void sensors_check(struct doctor *d)
{
	struct tree_names all = tree_list(d->root, "/proc");
	unsigned found = 0;

	for (int i = 0; i < all.n; i++) {
		const char *pid = all.entry[i]->d_name;
		char arguments[ARGUMENTS_MAX], comm[32];

		if (!is_pid(pid) ||
			tree_read(d->root, comm, sizeof(comm), "/proc/%s/comm", pid) <= 0 ||
			strcmp(comm, "fluxgate") != 0)
			continue;
		int n = tree_read(d->root, arguments, sizeof(arguments), "/proc/%s/cmdline", pid);
		/* argv[1]; a dead process that nobody has waited for has no arguments. */
		if (n <= 0 || strlen(arguments) + 1 >= (size_t)n ||
			strcmp(arguments + strlen(arguments) + 1, "run") != 0)
			continue;
		sensor_found(d, pid, arguments, (size_t)n);
		found++;
	}
	if (!found)
		finding_add(d, SEVERITY_OK, "leftovers.sensor", "", "no fluxgate runs");
	tree_free(&all);
}

static void programs_check(struct doctor *d)
{
	for (unsigned i = 0; d->config && d->system->xdp && i < d->config->ports_count; i++) {
		const char *device = d->config->ports[i].device;
		char name[NAME_TEXT], err[ERROR_LINE_MAX] = "";

		if (port_kind(device) != PORT_KIND_AF_XDP ||
			!device_argument(device, "iface", name, sizeof(name)))
			continue;
		d->subject = device;
		int rc = d->system->xdp(name, err);
		if (rc == 0)
			finding_add(
				d, SEVERITY_OK, "leftovers.xdp", "", "no XDP program on %s", name);
		else if (rc == 1)
			finding_remedy(
				finding_add(d, SEVERITY_NOTE, "leftovers.xdp",
					"its socket is gone: it passes all frames to the kernel, "
					"and keeps "
					"other programs off",
					"%s has the XDP program of a run that was killed", name),
				"run takes it away; or ip link set %s xdp off", name);
		else
			finding_remedy(finding_add(d, rc == -EBUSY ? SEVERITY_ERROR : SEVERITY_NOTE,
					       "leftovers.xdp",
					       "an interface has one XDP program at a time", "%s",
					       err[0] ? err : strerror(-rc)),
				"ip -d link show %s says which it is", name);
	}
	d->subject = "";
}

void doctor_leftovers(struct doctor *d)
{
	folders_check(d);
	pages_check(d);
	sensors_check(d);
	programs_check(d);
}
