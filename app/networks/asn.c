/* SPDX-License-Identifier: BSD-3-Clause */

#include "networks/asn.h"

uint32_t asn_parse(const char *text, size_t len)
{
	uint64_t asn = 0;

	if (len > 2 && (text[0] == 'A' || text[0] == 'a') && (text[1] == 'S' || text[1] == 's')) {
		text += 2;
		len -= 2;
	}
	if (len == 0 || len > 10)
		return 0;
	for (size_t i = 0; i < len; i++) {
		if (text[i] < '0' || text[i] > '9')
			return 0;
		asn = asn * 10 + (uint64_t)(text[i] - '0');
	}
	return asn <= UINT32_MAX ? (uint32_t)asn : 0;
}
