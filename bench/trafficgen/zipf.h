/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "rng.h"

/* Ranks 0 .. count-1 drawn with weight 1/(rank+1)^exponent in O(1), 8 octets a rank (alias method).
 */

struct zipf_cell {
	uint32_t threshold; /* of 2^32: below it the cell's own rank, else the alias */
	uint32_t alias;
};

struct zipf {
	uint32_t count;
	struct zipf_cell *cells; /* owned; NULL when uniform */
};

/* count >= 1, exponent >= 0 (0 is uniform). Returns 0 or -ENOMEM; on 0 end with zipf_free(). */
int zipf_init(struct zipf *zipf, uint32_t count, double exponent);

void zipf_free(struct zipf *zipf);

static inline uint32_t zipf_draw(const struct zipf *zipf, struct rng *rng)
{
	uint64_t random = rng_next(rng);
	uint32_t rank = hash_below(random, zipf->count);

	if (zipf->cells == NULL || (uint32_t)random < zipf->cells[rank].threshold)
		return rank;
	return zipf->cells[rank].alias;
}
