/* SPDX-License-Identifier: BSD-3-Clause */

/* The interfaces that this machine is reached through: those of its default routes. */

#include <net/route.h>
#include <stdio.h>
#include <string.h>

#include "doctor/doctor.h"
#include "doctor/tree.h"

#define INTERFACE_TEXT 64u

/* More than the kernel lets one stand on another. */
#define UPPERS_MAX 8u

#define ADDRESS6_DIGITS 32u

/* A line of /proc/net/route: the interface of a default route, false for another. */
static bool default_of_4(const char *line, char interface[INTERFACE_TEXT])
{
	unsigned destination, mask;

	return sscanf(line, "%63s %x %*x %*x %*u %*u %*u %x", interface, &destination, &mask) ==
		       3 &&
	       destination == 0 && mask == 0;
}

/* Of /proc/net/ipv6_route. A route that rejects is there wherever no other one is. */
static bool default_of_6(const char *line, char interface[INTERFACE_TEXT])
{
	char destination[ADDRESS6_DIGITS + 1];
	unsigned length, flags;

	return sscanf(line, "%32s %x %*s %*x %*s %*x %*x %*x %x %63s", destination, &length, &flags,
		       interface) == 4 &&
	       strspn(destination, "0") == ADDRESS6_DIGITS && length == 0 && !(flags & RTF_REJECT);
}

/* Line by line: a router's table has no bound. */
static bool default_in(const struct doctor *d, const char *file, const char *name,
	bool (*default_of)(const char *, char[INTERFACE_TEXT]))
{
	char path[TREE_PATH_MAX], line[512], interface[INTERFACE_TEXT];
	bool found = false;

	snprintf(path, sizeof(path), "%s/proc/net/%s", d->root, file);
	FILE *f = fopen(path, "re");
	while (f && !found && fgets(line, sizeof(line), f))
		found = default_of(line, interface) && strcmp(interface, name) == 0;
	if (f)
		fclose(f);
	return found;
}

static bool carries(const struct doctor *d, const char *name, unsigned uppers)
{
	if (default_in(d, "route", name, default_of_4) ||
		default_in(d, "ipv6_route", name, default_of_6))
		return true;
	if (uppers == 0)
		return false;

	struct tree_names links = tree_list(d->root, "/sys/class/net/%s", name);
	bool found = false;
	for (int i = 0; i < links.n && !found; i++) {
		const char *link = links.entry[i]->d_name;
		char master[INTERFACE_TEXT];

		if (strncmp(link, "upper_", 6) == 0)
			found = carries(d, link + 6, uppers - 1);
		else if (strcmp(link, "master") == 0 &&
			 tree_link_name(
				 d->root, master, sizeof(master), "/sys/class/net/%s/master", name))
			found = carries(d, master, uppers - 1);
	}
	tree_free(&links);
	return found;
}

bool carries_default_route(const struct doctor *d, const char *name)
{
	return carries(d, name, UPPERS_MAX);
}
