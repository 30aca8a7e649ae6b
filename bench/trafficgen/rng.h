/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

#include <stdbool.h>
#include <stdint.h>

/*
 * Randomness that is the same on every machine: integer hashing (the splitmix64 finaliser), a
 * stream (xoshiro256**, Blackman and Vigna 2018) and the two transcendental functions the generator
 * needs, made of IEEE 754 basic operations only, because libm results differ in the last bit.
 */

struct rng {
	uint64_t s[4];
};

/* splitmix64's finaliser: a bijection on 64 bits. */
uint64_t hash_mix(uint64_t value);

/* Order matters: hash_pair(a, b) != hash_pair(b, a). */
uint64_t hash_pair(uint64_t a, uint64_t b);

uint64_t hash_text(const char *text);

/* Maps the upper half of a hash to 0 .. bound-1 (Lemire's multiply-shift); bound > 0. */
static inline uint32_t hash_below(uint64_t hash, uint32_t bound)
{
	return (uint32_t)(((hash >> 32) * bound) >> 32);
}

void rng_seed(struct rng *rng, uint64_t seed);

static inline uint64_t rng_rotate(uint64_t x, unsigned int k)
{
	return (x << k) | (x >> (64 - k));
}

static inline uint64_t rng_next(struct rng *rng)
{
	uint64_t *s = rng->s;
	uint64_t result = rng_rotate(s[1] * 5, 7) * 9;
	uint64_t t = s[1] << 17;

	s[2] ^= s[0];
	s[3] ^= s[1];
	s[1] ^= s[2];
	s[0] ^= s[3];
	s[2] ^= t;
	s[3] = rng_rotate(s[3], 45);
	return result;
}

/* 0 .. bound-1; bound > 0. */
static inline uint32_t rng_below(struct rng *rng, uint32_t bound)
{
	return hash_below(rng_next(rng), bound);
}

/* low .. high, both included. */
uint32_t rng_between(struct rng *rng, uint32_t low, uint32_t high);

bool rng_percent(struct rng *rng, uint32_t percent);

/* An exponentially distributed wait, in the unit of its mean. */
uint64_t rng_wait(struct rng *rng, double mean);

/* Natural logarithm of x > 0 and exponential, within about 1e-15 relative. */
double num_ln(double x);
double num_exp(double x);
