/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

/*
 * Presentation form of record types and RDATA, for people: RFC 1035 section 5.1,
 * RFC 3597 for what is not known here, RFC 9460 for SVCB and HTTPS.
 */

#include <stdint.h>

#include "dns/dns.h"

#define RDATA_TYPE_MAX 16u

/* "AAAA", or "TYPE65280" where the type has no mnemonic here. */
void rdata_type_text(unsigned type, char text[RDATA_TYPE_MAX]);

/*
 * RDATA of a record of `msg` as text, to be freed by the caller; NULL when memory
 * is out. RDATA that does not fit its type takes the form of unknown types,
 * "\# 3 00ff01". Printable ASCII only. Names in it may point back into `msg`.
 */
char *rdata_text(const uint8_t *msg, const struct dns_record *r);
