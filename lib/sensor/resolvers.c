/* SPDX-License-Identifier: BSD-3-Clause */
#include "sensor/resolvers.h"

/* A mask of the first n of 64 bits. */
static uint64_t mask(unsigned n)
{
	return n ? ~UINT64_C(0) << (64 - n) : 0;
}

int resolvers_add(struct resolvers *r, const uint8_t *addr, unsigned version, unsigned len)
{
	if ((version != 4 && version != 6) || len == 0 || len > (version == 4 ? 32 : 128) ||
		r->count == RESOLVERS_MAX)
		return -1;
	struct resolvers_prefix p = {
		.upper_mask = mask(len < 64 ? len : 64),
		.lower_mask = mask(len > 64 ? len - 64 : 0),
		.version = (uint8_t)version,
	};
	p.upper = (version == 4 ? (uint64_t)load_be32(addr) << 32 : load_be64(addr)) & p.upper_mask;
	p.lower = version == 4 ? 0 : load_be64(addr + 8) & p.lower_mask;
	r->prefix[r->count++] = p;
	return 0;
}

bool resolvers_find(const struct resolvers *r, const uint8_t *addr, unsigned version)
{
	uint64_t upper = version == 4 ? (uint64_t)load_be32(addr) << 32 : load_be64(addr);
	uint64_t lower = version == 4 ? 0 : load_be64(addr + 8);

	for (unsigned i = 0; i < r->count; i++) {
		const struct resolvers_prefix *p = &r->prefix[i];

		if (p->version == version && (upper & p->upper_mask) == p->upper &&
			(lower & p->lower_mask) == p->lower)
			return true;
	}
	return false;
}
