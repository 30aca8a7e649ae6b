/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

#include <stdint.h>

#include "networks.h"

/*
 * The address plan as a MaxMind DB (format 2.0, https://maxmind.github.io/MaxMind-DB/): records of
 * 24 bits, IPv4 under ::/96.
 */

enum mmdb_content {
	MMDB_ASN,     /* autonomous_system_number, autonomous_system_organization */
	MMDB_COUNTRY, /* country_code */
};

/* build_epoch is what the metadata says (seconds). 0 or -errno. */
int mmdb_write(const char *path, const struct network_plan *plan, enum mmdb_content content,
	uint64_t build_epoch);
