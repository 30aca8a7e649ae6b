/* SPDX-License-Identifier: BSD-3-Clause */
#include "base/dns64.h"

#define OCTET_8 0xff000000u /* of octets 8 to 11 */

bool dns64_length_known(unsigned len)
{
	return len == 96 || (len >= 32 && len <= 64 && len % 8 == 0);
}

int dns64_add(struct dns64 *t, const uint8_t *addr, unsigned len)
{
	unsigned at = t->count;

	if (!dns64_length_known(len) || t->count == DNS64_PREFIXES_MAX)
		return -1;
	struct dns64_prefix p = {
		.upper_mask = ~UINT64_C(0) << (len < 64 ? 64 - len : 0),
		/* Octet 8 is zero in every address that DNS64 made: one where it is not is a
		   host's. */
		.lower_mask = len == 96 ? UINT32_MAX : OCTET_8,
		.len = (uint8_t)len,
	};
	p.upper = load_be64(addr) & p.upper_mask;
	p.lower = len == 96 ? load_be32(addr + 8) : 0;
	if (p.lower & OCTET_8)
		return -1;
	for (; at > 0 && t->prefix[at - 1].len < p.len; at--)
		t->prefix[at] = t->prefix[at - 1];
	t->prefix[at] = p;
	t->count++;
	return 0;
}

bool dns64_inside(const struct dns64 *t, const uint8_t *addr, uint8_t v4[4])
{
	uint64_t upper = load_be64(addr);
	uint32_t lower = load_be32(addr + 8);

	for (unsigned i = 0; i < t->count; i++) {
		const struct dns64_prefix *p = &t->prefix[i];

		if ((upper & p->upper_mask) != p->upper || (lower & p->lower_mask) != p->lower)
			continue;
		for (unsigned k = 0, at = p->len / 8u; k < 4; k++) {
			at += at == 8;
			v4[k] = addr[at++];
		}
		return true;
	}
	return false;
}
