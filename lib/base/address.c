/* SPDX-License-Identifier: BSD-3-Clause */
#include "base/address.h"

#include <arpa/inet.h>
#include <string.h>

#include "base/bits.h"

/* IANA IPv4 Special-Purpose Address Registry, with multicast (RFC 5771) behind it. */
static const struct {
	uint32_t prefix;
	uint8_t len;
} special_v4[] = {
	{0x00000000, 8},  /* 0.0.0.0/8, this network */
	{0x0a000000, 8},  /* 10.0.0.0/8, private use */
	{0x64400000, 10}, /* 100.64.0.0/10, shared address space */
	{0x7f000000, 8},  /* 127.0.0.0/8, loopback */
	{0xa9fe0000, 16}, /* 169.254.0.0/16, link-local */
	{0xac100000, 12}, /* 172.16.0.0/12, private use */
	{0xc0000000, 24}, /* 192.0.0.0/24, protocol assignments */
	{0xc0000200, 24}, /* 192.0.2.0/24, documentation */
	{0xc01fc400, 24}, /* 192.31.196.0/24, AS112 */
	{0xc034c100, 24}, /* 192.52.193.0/24, AMT */
	{0xc0586300, 24}, /* 192.88.99.0/24, 6to4 relay anycast */
	{0xc0a80000, 16}, /* 192.168.0.0/16, private use */
	{0xc0af3000, 24}, /* 192.175.48.0/24, AS112 */
	{0xc6120000, 15}, /* 198.18.0.0/15, benchmarking */
	{0xc6336400, 24}, /* 198.51.100.0/24, documentation */
	{0xcb007100, 24}, /* 203.0.113.0/24, documentation */
	{0xe0000000, 4},  /* 224.0.0.0/4, multicast */
	{0xf0000000, 4},  /* 240.0.0.0/4, reserved, and limited broadcast */
};

/* One bit for each first octet that occurs in special_v4: all others need no look at it. */
static const uint64_t suspect_v4[4] = {
	UINT64_C(1) << 0 | UINT64_C(1) << 10,
	UINT64_C(1) << (100 - 64) | UINT64_C(1) << (127 - 64),
	UINT64_C(1) << (169 - 128) | UINT64_C(1) << (172 - 128),
	UINT64_C(1) << (192 - 192) | UINT64_C(1) << (198 - 192) | UINT64_C(1) << (203 - 192) |
		~UINT64_C(0) << (224 - 192),
};

/*
 * IANA IPv6 Special-Purpose Address Registry as far as it lies in 2000::/3; all
 * outside 2000::/3 is no global unicast. Upper halves of the addresses.
 */
static const struct {
	uint64_t prefix;
	uint8_t len;
} special_v6[] = {
	{0x2001000000000000, 23}, /* 2001::/23, protocol assignments: Teredo, ORCHID, AMT ... */
	{0x20010db800000000, 32}, /* 2001:db8::/32, documentation */
	{0x2002000000000000, 16}, /* 2002::/16, 6to4 */
	{0x2620004f80000000, 48}, /* 2620:4f:8000::/48, AS112 */
	{0x3fff000000000000, 20}, /* 3fff::/20, documentation */
};

#define DNS64_UPPER UINT64_C(0x0064ff9b00000000) /* 64:ff9b::/96 */

static bool v4_is_special(uint32_t addr)
{
	for (unsigned i = 0; i < sizeof(special_v4) / sizeof(special_v4[0]); i++)
		if ((addr ^ special_v4[i].prefix) >> (32 - special_v4[i].len) == 0)
			return true;
	return false;
}

static bool v6_is_special(uint64_t upper)
{
	for (unsigned i = 0; i < sizeof(special_v6) / sizeof(special_v6[0]); i++)
		if ((upper ^ special_v6[i].prefix) >> (64 - special_v6[i].len) == 0)
			return true;
	return false;
}

uint64_t address_unit_v4(const uint8_t *addr)
{
	uint32_t a = load_be32(addr);

	if (unlikely(suspect_v4[addr[0] >> 6] >> (addr[0] & 63) & 1) && v4_is_special(a))
		return ADDRESS_NONE;
	return a;
}

uint64_t address_unit_v6(const uint8_t *addr)
{
	uint64_t upper = load_be64(addr);

	if (unlikely(upper == DNS64_UPPER && load_be32(addr + 8) == 0))
		return address_unit_v4(addr + 12);
	if (upper >> 61 != 1 || v6_is_special(upper))
		return ADDRESS_NONE;
	return upper;
}

void address_octets(uint64_t unit, uint8_t out[16])
{
	uint64_t be = __builtin_bswap64(unit);

	memset(out, 0, 16);
	memcpy(out + (address_is_v4(unit) ? 8 : 0), &be, sizeof(be));
}

void address_text(uint64_t unit, char *text)
{
	uint8_t addr[16];

	address_octets(unit, addr);
	if (address_is_v4(unit)) {
		inet_ntop(AF_INET, addr + 12, text, ADDRESS_TEXT_MAX);
		return;
	}
	inet_ntop(AF_INET6, addr, text, ADDRESS_TEXT_MAX - 3);
	strcat(text, "/64");
}
