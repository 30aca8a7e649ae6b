/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

/* Addresses and prefixes as a configuration writes them: "2001:db8::/32", "192.0.2.0/24". */

#include <stdint.h>

struct prefix {
	uint8_t version;   /* 4 or 6 */
	uint8_t len;       /* bits */
	uint8_t octet[16]; /* network order, 4 of them in IPv4; zero behind len */
};

/* An address, alone or with a length behind it. NULL, or what is wrong with the text. */
const char *prefix_parse(const char *text, struct prefix *out);

/* What is wrong with the text as a prefix of DNS64 (RFC 6052), or NULL. */
const char *dns64_wrong(const char *text);

/* What is wrong with the text as a prefix of the operator's own subscribers, or NULL. */
const char *own_wrong(const char *text);

/* What is wrong with the text as an address or prefix of resolvers, or NULL. */
const char *resolver_wrong(const char *text);
