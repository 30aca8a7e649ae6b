/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

#include "zone.h"

/* How a family names its hosts; each gives the same name for the same host number. */

/* www, the registered domain itself, then made-up labels. */
void name_listed(const struct zone *zone, uint64_t host, struct dns_name *name);

/* 0, 1, 2, ... */
void name_numbered(const struct zone *zone, uint64_t host, struct dns_name *name);

/* A random label. */
void name_wildcard(const struct zone *zone, uint64_t host, struct dns_name *name);

/* The four octets of some address, last one first, as blocklists are asked. */
void name_reversed(const struct zone *zone, uint64_t host, struct dns_name *name);

/* 192-0-2-1.<a certificate's label>: the address is in the name, octets joined by hyphens. */
void name_dashed(const struct zone *zone, uint64_t host, struct dns_name *name);
