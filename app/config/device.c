/* SPDX-License-Identifier: BSD-3-Clause */

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "config/device.h"

#define NAME_TEXT 64u

bool device_is_virtual(const char *device)
{
	return strncmp(device, "net_", 4) == 0 || strncmp(device, "eth_", 4) == 0;
}

enum port_kind port_kind(const char *device)
{
	if (!device_is_virtual(device))
		return PORT_KIND_PCI;
	if (strncmp(device, "net_af_packet", 13) == 0 || strncmp(device, "eth_af_packet", 13) == 0)
		return PORT_KIND_AF_PACKET;
	return strncmp(device, "net_af_xdp", 10) == 0 ? PORT_KIND_AF_XDP : PORT_KIND_OTHER;
}

bool ports_have(const struct config *c, enum port_kind kind)
{
	for (unsigned i = 0; i < c->ports_count; i++)
		if (port_kind(c->ports[i].device) == kind)
			return true;
	return false;
}

bool device_argument(const char *device, const char *key, char *out, size_t size)
{
	size_t n = strlen(key);

	for (const char *at = strchr(device, ','); at; at = strchr(at, ',')) {
		at++;
		if (strncmp(at, key, n) != 0 || at[n] != '=')
			continue;
		at += n + 1;
		snprintf(out, size, "%.*s", (int)strcspn(at, ","), at);
		return true;
	}
	return false;
}

/* The EAL knows a device by what stands before its arguments. */
static bool names_equal(const char *a, const char *b)
{
	size_t n = strcspn(a, ",");

	return n == strcspn(b, ",") && strncmp(a, b, n) == 0;
}

static bool interfaces_equal(const char *a, const char *b, char name[NAME_TEXT])
{
	char other[NAME_TEXT];
	enum port_kind kind = port_kind(a);

	return (kind == PORT_KIND_AF_PACKET || kind == PORT_KIND_AF_XDP) && kind == port_kind(b) &&
	       device_argument(a, "iface", name, NAME_TEXT) &&
	       device_argument(b, "iface", other, NAME_TEXT) && strcmp(name, other) == 0;
}

int devices_check(const struct config *c, unsigned *port, char why[ERROR_LINE_MAX / 2])
{
	for (unsigned i = 0; i < c->ports_count; i++)
		for (unsigned j = 0; j < i; j++) {
			const char *device = c->ports[i].device;
			int n = (int)strcspn(device, ","), letters = n;
			char name[NAME_TEXT];

			*port = i;
			while (letters && strchr("0123456789", device[letters - 1]))
				letters--;
			/* The same interface is the deeper fault: another number would not mend it.
			 */
			if (interfaces_equal(device, c->ports[j].device, name))
				snprintf(why, ERROR_LINE_MAX / 2,
					"interface %s is named twice (ports[%u]): name it once",
					name, j);
			else if (!names_equal(device, c->ports[j].device))
				continue;
			else if (device_is_virtual(device))
				snprintf(why, ERROR_LINE_MAX / 2,
					"%.*s is named twice (ports[%u]): number them: %.*s%u", n,
					device, j, letters, device, i);
			else
				snprintf(why, ERROR_LINE_MAX / 2,
					"%.*s is named twice (ports[%u]): name it once", n, device,
					j);
			return -EINVAL;
		}
	return 0;
}
