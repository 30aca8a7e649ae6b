/* SPDX-License-Identifier: BSD-3-Clause */

#include <net/if.h>
#include <stdio.h>
#include <string.h>

#include "cli/preflight.h"
#include "config/device.h"
#include "doctor/cpulist.h"

#define LIST_MAX 128u

/* Processors that lcores may be placed on, as the EAL finds them; false when nobody tells. */
static bool processors_online(cpu_set_t *out)
{
	char list[LIST_MAX] = "";
	FILE *f = fopen("/sys/devices/system/cpu/online", "re");

	if (f) {
		if (!fgets(list, sizeof(list), f))
			list[0] = '\0';
		fclose(f);
	}
	list[strcspn(list, "\n")] = '\0';
	return cpulist_parse(list, out) && CPU_COUNT(out) > 0;
}

/* Every processor that "lcores" names is there. A text of another form is the EAL's to refuse. */
static int lcores_check(const struct config *c, char err[ERROR_LINE_MAX])
{
	static struct placement placement;
	cpu_set_t online, both;
	char list[LIST_MAX];

	if (!c->lcores[0] || !processors_online(&online) || !placement_parse(c->lcores, &placement))
		return EXIT_CODE_OK;
	for (unsigned i = 0; i < placement.n; i++) {
		CPU_AND(&both, &placement.cpus[i], &online);
		if (CPU_EQUAL(&both, &placement.cpus[i]))
			continue;
		snprintf(err, ERROR_LINE_MAX,
			"configuration: lcores: \"%s\": this machine has processors %s: name those",
			c->lcores, cpulist_text(&online, list, sizeof(list)));
		return EXIT_CODE_CONFIG;
	}
	return EXIT_CODE_OK;
}

static int port_check(unsigned i, const char *device, char err[ERROR_LINE_MAX])
{
	char name[CONFIG_TEXT_MAX];

	switch (port_kind(device)) {
	case PORT_KIND_AF_PACKET:
	case PORT_KIND_AF_XDP:
		if (!device_argument(device, "iface", name, sizeof(name)))
			snprintf(err, ERROR_LINE_MAX,
				"configuration: ports[%u].device: %.100s: names no interface: add "
				"iface=NAME",
				i, device);
		else if (if_nametoindex(name) == 0)
			snprintf(err, ERROR_LINE_MAX,
				"configuration: ports[%u].device: no interface %.100s: `ip link` "
				"lists them",
				i, name);
		else
			return EXIT_CODE_OK;
		return EXIT_CODE_PORT;
	case PORT_KIND_PCI:
		if (if_nametoindex(device) == 0)
			return EXIT_CODE_OK;
		snprintf(err, ERROR_LINE_MAX,
			"configuration: ports[%u].device: %.100s is a kernel interface: write "
			"net_af_packet%u,iface=%.100s",
			i, device, i, device);
		return EXIT_CODE_PORT;
	case PORT_KIND_OTHER:
		break;
	}
	return EXIT_CODE_OK;
}

int preflight(const struct config *c, char err[ERROR_LINE_MAX])
{
	int code = lcores_check(c, err);

	for (unsigned i = 0; i < c->ports_count && code == EXIT_CODE_OK; i++)
		code = port_check(i, c->ports[i].device, err);
	return code;
}
