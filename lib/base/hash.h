/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

/*
 * Keyed 64-bit hashing.
 *
 * A multiply-fold hash: two 64-bit words, each whitened by a secret, are
 * multiplied to 128 bits and folded. Not a MAC; the key is secret and outputs
 * never leave the process, which is what the hash-flooding defence rests on.
 *
 * Two keys exist (docs/architecture.md, "Two keys"): the placement key, random
 * per boot, decides where an entry stands in a table; the sketch key, kept with
 * the state, decides what a sketch or a sample holds.
 */

#ifdef __SSSE3__
#include <tmmintrin.h>
#endif

#include "bits.h"

struct hash_key {
	uint64_t a, b;
};

static inline uint64_t hash_fold(uint64_t x, uint64_t y)
{
	unsigned __int128 p = (unsigned __int128)x * y;
	return (uint64_t)p ^ (uint64_t)(p >> 64);
}

/*
 * Hash of one word. Two folds: with one, consecutive inputs (the addresses of a
 * /24, which is every CDN) give a regular sequence, and a HyperLogLog of them
 * errs by 60 % in place of 13 %.
 */
static inline uint64_t hash_u64(uint64_t x, struct hash_key k)
{
	unsigned __int128 p = (unsigned __int128)(x ^ k.a) * (0x9e3779b97f4a7c15u ^ k.b);
	return hash_fold((uint64_t)p ^ 0xe7037ed1a0b428dbu, (uint64_t)(p >> 64) ^ k.b);
}

/* The n low bytes of a word that starts at p, n in 0..8; reads only those. */
static inline uint64_t hash_tail(const uint8_t *p, size_t n)
{
	if (n >= 4)
		return load_u32(p) | (uint64_t)load_u32(p + n - 4) << 32;
	if (n == 0)
		return 0;
	return p[0] | (uint64_t)p[n >> 1] << 8 | (uint64_t)p[n - 1] << 16;
}

/*
 * Hash of len bytes at p. Reads exactly those bytes. O(len / 16) multiplies.
 */
static inline uint64_t hash_bytes(const void *data, size_t len, struct hash_key k)
{
	const uint8_t *p = data;
	uint64_t h = k.a ^ (len * 0xa0761d6478bd642fu);

	while (len > 16) {
		h = hash_fold(load_u64(p) ^ k.b, load_u64(p + 8) ^ h);
		p += 16;
		len -= 16;
	}
	uint64_t x, y;
	if (len >= 8) {
		x = load_u64(p);
		y = load_u64(p + len - 8);
	} else {
		x = hash_tail(p, len);
		y = 0;
	}
	h = hash_fold(x ^ k.b, y ^ h);
	return hash_fold(h ^ 0xe7037ed1a0b428dbu, k.b ^ 0x8ebc6af09c88c6e3u);
}

/* hash_tail of the low n bytes of a word, n in 0..8; of 8 it is the word. */
static inline uint64_t hash_tail_word(uint64_t word, size_t n)
{
#ifdef __SSSE3__
	/* Which byte goes where, as hash_tail has it; 0x80: none. */
	static const uint64_t take[9] = {0x8080808080808080u, 0x8080808080000000u,
		0x8080808080010100u, 0x8080808080020100u, 0x0302010003020100u, 0x0403020103020100u,
		0x0504030203020100u, 0x0605040303020100u, 0x0706050403020100u};

	return (uint64_t)_mm_cvtsi128_si64(_mm_shuffle_epi8(
		_mm_cvtsi64_si128((long long)word), _mm_cvtsi64_si128((long long)take[n])));
#else
	return hash_tail((const uint8_t *)&word, n);
#endif
}

/*
 * hash_bytes of 1..32 bytes without a branch that depends on their number: a predictor does
 * not know the lengths of names. Reads 16 bytes, of more than 16 at most 8 behind their end.
 */
static inline uint64_t hash_padded(const uint8_t *p, size_t len, struct hash_key k)
{
	uint64_t h = k.a ^ (len * 0xa0761d6478bd642fu);
	uint64_t next = hash_fold(load_u64(p) ^ k.b, load_u64(p + 8) ^ h);
	uint64_t more = -(uint64_t)(len > 16);

	h = (h & ~more) | (next & more);
	p += 16 & more;
	len -= 16 & more;

	/* All eight or more, or what hash_tail takes. */
	uint64_t whole = -(uint64_t)(len >= 8);
	size_t word = (len & ~whole) | (8 & whole);
	uint64_t y = load_u64(p + ((len - 8) & whole)) & whole;

	h = hash_fold(hash_tail_word(load_u64(p), word) ^ k.b, y ^ h);
	return hash_fold(h ^ 0xe7037ed1a0b428dbu, k.b ^ 0x8ebc6af09c88c6e3u);
}
