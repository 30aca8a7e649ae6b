/* SPDX-License-Identifier: BSD-3-Clause */

#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <gnutls/crypto.h>

#include "dns/dns.h"
#include "export/uuid.h"

#define SHA1_OCTETS 20u

/* 8a3bde9f-8f0b-4c5a-9d53-6d0f7b1c2e44, chosen once; another would make all UUIDs new. */
static const uint8_t space[16] = {0x8a, 0x3b, 0xde, 0x9f, 0x8f, 0x0b, 0x4c, 0x5a, 0x9d, 0x53, 0x6d,
	0x0f, 0x7b, 0x1c, 0x2e, 0x44};

void uuid_of(const char *kind, const char *name, char text[UUID_TEXT_MAX])
{
	char input[sizeof(space) + 32 + DNS_TEXT_MAX];
	uint8_t h[SHA1_OCTETS] = {0};

	memcpy(input, space, sizeof(space));
	snprintf(input + sizeof(space), sizeof(input) - sizeof(space), "%s:%s", kind, name);
	gnutls_hash_fast(GNUTLS_DIG_SHA1, input, sizeof(space) + strlen(input + sizeof(space)), h);
	h[6] = (uint8_t)((h[6] & 0x0f) | 0x50);
	h[8] = (uint8_t)((h[8] & 0x3f) | 0x80);
	snprintf(text, UUID_TEXT_MAX,
		"%02x%02x%02x%02x-%02x%02x-%02x%02x-%02x%02x-%02x%02x%02x%02x%02x%02x", h[0], h[1],
		h[2], h[3], h[4], h[5], h[6], h[7], h[8], h[9], h[10], h[11], h[12], h[13], h[14],
		h[15]);
}
