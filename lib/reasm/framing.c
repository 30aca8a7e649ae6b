/* SPDX-License-Identifier: BSD-3-Clause */

#include "base/bits.h"
#include "dns/dns.h"
#include "reasm/framing.h"

bool framing_is_nonsense(const uint8_t *p, uint32_t n)
{
	if (load_be16(p) < DNS_HEADER_LEN)
		return true;
	if (n < 5)
		return false;
	unsigned opcode = p[4] >> 3 & 0xf;
	return opcode > 6 || opcode == 3;
}

bool framing_starts_message(const uint8_t *p, uint32_t n)
{
	if (n < 2 || framing_is_nonsense(p, n))
		return false;
	if (n >= 8 && load_be16(p + 6) != 1)
		return false;
	if (n < 14)
		return true;
	uint32_t records = (uint32_t)load_be16(p + 8) + load_be16(p + 10) + load_be16(p + 12);
	return DNS_HEADER_LEN + 5 + records * 11 <= load_be16(p);
}

uint32_t framing_whole(bool *unsure, const uint8_t *p, uint32_t n, bool *nonsense)
{
	uint32_t at = 0;

	*nonsense = false;
	while (n - at >= 2) {
		if (*unsure ? !framing_starts_message(p, n) : framing_is_nonsense(p + at, n - at)) {
			*nonsense = true;
			break;
		}
		uint32_t len = 2u + load_be16(p + at);
		if (len > n - at)
			break;
		*unsure = false;
		at += len;
	}
	return at;
}
