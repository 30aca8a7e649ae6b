/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

/* Lower case of wire forms: A-Z alone; length octets lie below 'A' and stay what they are. */

#include "base/bits.h"

#define DNS_LOWER_BLOCK 32u

typedef uint8_t dns_lower_block __attribute__((vector_size(DNS_LOWER_BLOCK)));

/* Eight octets at once. Those with the top bit set are left alone. */
static inline uint64_t dns_lower_word(uint64_t x)
{
	const uint64_t ones = 0x0101010101010101u;
	uint64_t low7 = x & (0x7f * ones);
	uint64_t above_z = low7 + (0x7f - 'Z') * ones;
	uint64_t from_a = low7 + (0x80 - 'A') * ones;
	uint64_t upper = (from_a ^ above_z) & ~x & (0x80 * ones);

	return x | upper >> 2;
}

static inline uint8_t dns_lower_octet(uint8_t c)
{
	return (uint8_t)(c - 'A') < 26 ? c | 0x20 : c;
}

/* Copies n octets lower-cased; reads exactly n, writes up to 7 more. */
static inline void dns_lower_copy(uint8_t *dst, const uint8_t *src, unsigned n)
{
	unsigned i = 0;
	uint64_t w;

	for (; i + 8 <= n; i += 8) {
		w = dns_lower_word(load_u64(src + i));
		memcpy(dst + i, &w, sizeof(w));
	}
	if (i == n)
		return;
	if (n >= 8) {
		w = dns_lower_word(load_u64(src + n - 8));
		memcpy(dst + n - 8, &w, sizeof(w));
		return;
	}
	for (; i < n; i++)
		dst[i] = dns_lower_octet(src[i]);
}

/* Copies a block lower-cased. */
static inline void dns_lower_one(uint8_t *dst, const uint8_t *src)
{
	dns_lower_block x;

	memcpy(&x, src, sizeof(x));
	x |= (dns_lower_block)((dns_lower_block)(x - 'A') < 26) & 0x20;
	memcpy(dst, &x, sizeof(x));
}

/*
 * The same for n <= 64 octets of which `room` >= n can be read, in whole blocks where they
 * can: their number is what a branch predictor cannot know. Writes up to 64.
 */
static inline void dns_lower_wide(uint8_t *dst, const uint8_t *src, unsigned n, size_t room)
{
	if (likely(n <= DNS_LOWER_BLOCK && room >= DNS_LOWER_BLOCK)) {
		dns_lower_one(dst, src);
	} else if (room >= 2 * DNS_LOWER_BLOCK) {
		dns_lower_one(dst, src);
		dns_lower_one(dst + DNS_LOWER_BLOCK, src + DNS_LOWER_BLOCK);
	} else {
		dns_lower_copy(dst, src, n);
	}
}
