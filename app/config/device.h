/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

/* What a port's device text says, before any driver looks at it: "net_af_packet0,iface=eth1". */

#include <stdbool.h>
#include <stddef.h>

#include "config/config.h"

enum port_kind { PORT_KIND_PCI, PORT_KIND_AF_PACKET, PORT_KIND_AF_XDP, PORT_KIND_OTHER };

/* A virtual device is named after its driver; anything else is a PCI address. */
bool device_is_virtual(const char *device);

/* What a port of the configuration is, by its device. */
enum port_kind port_kind(const char *device);

/* Whether any port is of that kind. */
bool ports_have(const struct config *c, enum port_kind kind);

/* The value of "key=" among a device's arguments, false without it. */
bool device_argument(const char *device, const char *key, char *out, size_t size);

/*
 * Ports that could not live beside each other: one device, or one kernel interface by the
 * same driver, twice. 0, or -EINVAL with the later one's index in *port and what is wrong in
 * why, ERROR_LINE_MAX / 2 octets.
 */
int devices_check(const struct config *c, unsigned *port, char why[ERROR_LINE_MAX / 2]);
