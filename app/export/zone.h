/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

/*
 * A response policy zone as a master file (RFC 1035 section 5): SOA, NS, and for each
 * blocked domain "NAME CNAME ." and "*.NAME CNAME .", by which a resolver says that neither
 * the name nor any below it exists. No rpz-* triggers, which not all resolvers know.
 */

#include <stddef.h>
#include <stdint.h>

#include "export/gate.h"

/* Seconds in which who polls by the SOA (Unbound) learns of a change; of all records the TTL. */
#define ZONE_REFRESH 60u
/* Without a word from us so long, a secondary lets the zone go. */
#define ZONE_EXPIRE 604800u

/* Records of the entries that are in. The caller frees it; NULL when out of memory. */
char *zone_records(const struct gate_entry *entry, unsigned n, size_t *len);

/* The zone `zone` (text, a dot at its end or none), *len octets; as above. */
char *zone_text(const char *zone, uint32_t serial, const char *records, size_t *len);

/*
 * What follows a serial when the content changes: the time, but more than before in any case
 * (RFC 1982). `previous` 0: there was none. Never 0.
 */
uint32_t zone_serial_next(uint32_t previous, uint32_t now);

/* The serial of a text of zone_text, or 0. */
uint32_t zone_serial(const char *text);
