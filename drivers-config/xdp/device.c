/* SPDX-License-Identifier: BSD-3-Clause */

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "drivers-config/xdp/device.h"

#define DRIVER "net_af_xdp"

/* The value of "key=", up to the next comma or the end; NULL when there is none. */
static const char *argument_find(const char *device, const char *key)
{
	size_t n = strlen(key);

	for (const char *p = strchr(device, ','); p; p = strchr(p + 1, ','))
		if (strncmp(p + 1, key, n) == 0 && p[1 + n] == '=')
			return p + 2 + n;
	return NULL;
}

bool xdp_device_parse(const char *device, char interface[IF_NAMESIZE])
{
	if (strncmp(device, DRIVER, sizeof(DRIVER) - 1) != 0)
		return false;

	const char *name = argument_find(device, "iface");
	snprintf(interface, IF_NAMESIZE, "%.*s", name ? (int)strcspn(name, ",") : 0,
		name ? name : "");
	return true;
}

bool xdp_device_has_program(const char *device)
{
	return argument_find(device, "xdp_prog") != NULL;
}

/* 0; -ENOENT where there is none, or why the one that is there can't be read (-EACCES). */
static int program_find(char path[PATH_MAX])
{
	static const char *const places[] = {
		"../drivers-config/xdp/steer.bpf.o",
		"../share/fluxgate/xdp/steer.bpf.o",
	};
	char exe[PATH_MAX];
	ssize_t n = readlink("/proc/self/exe", exe, sizeof(exe) - 1);

	if (n < 0)
		return -errno;
	exe[n] = '\0';
	char *name = strrchr(exe, '/');
	if (!name)
		return -ENOENT;
	*name = '\0';
	for (size_t i = 0; i < sizeof(places) / sizeof(places[0]); i++) {
		if (snprintf(path, PATH_MAX, "%s/%s", exe, places[i]) >= PATH_MAX)
			continue;
		if (access(path, R_OK) == 0)
			return 0;
		if (errno != ENOENT && errno != ENOTDIR)
			return -errno;
	}
	return -ENOENT;
}

int xdp_device_complete(const char *device, char *out, size_t size, char err[ERROR_LINE_MAX])
{
	char interface[IF_NAMESIZE], path[PATH_MAX];
	bool ours = xdp_device_parse(device, interface) && !xdp_device_has_program(device);

	int rc = ours ? program_find(path) : 0;

	if (rc < 0 && rc != -ENOENT) {
		snprintf(err, ERROR_LINE_MAX,
			"port %s: steer.bpf.o beside this program: %s: let the user that runs it "
			"read it and enter its folders",
			interface, strerror(-rc));
		return rc;
	}
	if (rc < 0) {
		snprintf(err, ERROR_LINE_MAX,
			"port %s: steer.bpf.o is not beside this program: build it all (ninja -C "
			"BUILD) or install it whole, or name an XDP program by xdp_prog=",
			interface);
		return -ENOENT;
	}
	int n = ours ? snprintf(out, size, "%s,xdp_prog=%s", device, path)
		     : snprintf(out, size, "%s", device);
	if (n >= 0 && (size_t)n < size)
		return 0;
	snprintf(err, ERROR_LINE_MAX,
		"port %s: the path of steer.bpf.o is too long: install elsewhere", interface);
	return -ENAMETOOLONG;
}
