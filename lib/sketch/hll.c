/* SPDX-License-Identifier: BSD-3-Clause */
#include "sketch/hll.h"

#include <math.h>
#include <string.h>

/* Flajolet et al. 2007, figure 3: alpha for 64 registers, and where linear counting ends. */
#define ALPHA 0.709
#define LINEAR_MAX (2.5 * HLL_REGISTERS)

void hll_merge(struct hll *into, const struct hll *from)
{
	for (unsigned i = 0; i < HLL_REGISTERS; i++)
		into->reg[i] = into->reg[i] > from->reg[i] ? into->reg[i] : from->reg[i];
}

/* 2^-rank by its exponent field: no call and no table. */
static double power_of_half(uint8_t rank)
{
	uint64_t bits = (UINT64_C(1023) - rank) << 52;
	double v;

	memcpy(&v, &bits, sizeof(v));
	return v;
}

double hll_estimate(const struct hll *s)
{
	double sum = 0;
	unsigned zeros = 0;

	for (unsigned i = 0; i < HLL_REGISTERS; i++) {
		sum += power_of_half(s->reg[i]);
		zeros += s->reg[i] == 0;
	}
	double raw = ALPHA * HLL_REGISTERS * HLL_REGISTERS / sum;
	if (raw <= LINEAR_MAX && zeros > 0)
		return HLL_REGISTERS * log((double)HLL_REGISTERS / zeros);
	return raw;
}
