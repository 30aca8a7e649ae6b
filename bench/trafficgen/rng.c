/* SPDX-License-Identifier: BSD-3-Clause */
#include "rng.h"

#include <math.h>

#define GOLDEN_GAMMA 0x9e3779b97f4a7c15u

uint64_t hash_mix(uint64_t value)
{
	value = (value ^ (value >> 30)) * 0xbf58476d1ce4e5b9u;
	value = (value ^ (value >> 27)) * 0x94d049bb133111ebu;
	return value ^ (value >> 31);
}

uint64_t hash_pair(uint64_t a, uint64_t b)
{
	return hash_mix(hash_mix(a + GOLDEN_GAMMA) + b * 0xd1342543de82ef95u + 1);
}

uint64_t hash_text(const char *text)
{
	uint64_t hash = 0xcbf29ce484222325u; /* FNV-1a */

	for (; *text != '\0'; text++)
		hash = (hash ^ (uint8_t)*text) * 0x100000001b3u;
	return hash_mix(hash);
}

void rng_seed(struct rng *rng, uint64_t seed)
{
	for (int i = 0; i < 4; i++) {
		seed += GOLDEN_GAMMA;
		rng->s[i] = hash_mix(seed);
	}
}

uint32_t rng_between(struct rng *rng, uint32_t low, uint32_t high)
{
	return low + rng_below(rng, high - low + 1);
}

bool rng_percent(struct rng *rng, uint32_t percent)
{
	return rng_below(rng, 100) < percent;
}

uint64_t rng_wait(struct rng *rng, double mean)
{
	double uniform = ((double)(rng_next(rng) >> 11) + 1.0) * 0x1p-53; /* (0, 1] */

	return (uint64_t)(-num_ln(uniform) * mean);
}

double num_ln(double x)
{
	static const double ln2 = 0x1.62e42fefa39efp-1;
	int exponent;
	double m = frexp(x, &exponent); /* exact: [0.5, 1) */
	double z, square, sum = 0.0;

	if (m < 0.70710678118654752) {
		m *= 2.0;
		exponent--;
	}
	/* ln m = 2 artanh z with |z| <= 0.172: eleven odd terms reach the last bit. */
	z = (m - 1.0) / (m + 1.0);
	square = z * z;
	for (int k = 21; k >= 1; k -= 2)
		sum = sum * square + 1.0 / k;
	return 2.0 * z * sum + exponent * ln2;
}

double num_exp(double x)
{
	static const double ln2_high = 0x1.62e42feep-1, ln2_low = 0x1.a39ef35793c76p-33;
	double k = floor(x / (ln2_high + ln2_low) + 0.5);
	double r = x - k * ln2_high - k * ln2_low; /* |r| <= 0.347 */
	double sum = 1.0;

	for (int i = 14; i >= 1; i--)
		sum = 1.0 + sum * r / i;
	return ldexp(sum, (int)k);
}
