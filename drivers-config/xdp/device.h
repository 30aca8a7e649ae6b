/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

/* Device texts of AF_XDP ports: "net_af_xdp0,iface=eth1,queue_count=2". */

#include <net/if.h>
#include <stdbool.h>
#include <stddef.h>

#include "cli/exit.h"

/* Whether it is one; its interface then, "" when the text names none. */
bool xdp_device_parse(const char *device, char interface[IF_NAMESIZE]);

/* Whether it names an XDP program of its own, which is none of our business. */
bool xdp_device_has_program(const char *device);

/*
 * Writes the device with xdp_prog= of our program, which is looked for beside the
 * executable as it is built and as it is installed. A device that is no AF_XDP
 * port, or has a program, is copied. 0, -ENOENT or -ENAMETOOLONG and one line in err.
 */
int xdp_device_complete(const char *device, char *out, size_t size, char err[ERROR_LINE_MAX]);
