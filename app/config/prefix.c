/* SPDX-License-Identifier: BSD-3-Clause */

#include <arpa/inet.h>
#include <stdbool.h>
#include <string.h>

#include "base/dns64.h"
#include "config/prefix.h"

/* Decimal digits only, at most `max`; -1: they are not. */
static int length_parse(const char *text, int max)
{
	size_t n = strlen(text);
	int len = 0;

	if (n == 0 || n > 3 || strspn(text, "0123456789") != n || (n > 1 && text[0] == '0'))
		return -1;
	for (size_t i = 0; i < n; i++)
		len = len * 10 + (text[i] - '0');
	return len <= max ? len : -1;
}

/* Is a bit set behind the prefix? Then one of the two is not what was meant. */
static bool has_rest(const struct prefix *p)
{
	unsigned octets = p->version == 4 ? 4 : 16;

	for (unsigned bit = p->len; bit < octets * 8; bit++)
		if (p->octet[bit / 8] >> (7 - bit % 8) & 1)
			return true;
	return false;
}

const char *prefix_parse(const char *text, struct prefix *out)
{
	char address[INET6_ADDRSTRLEN];
	const char *slash = strchr(text, '/');
	size_t n = slash ? (size_t)(slash - text) : strlen(text);
	static const char expected[] = "expected an IPv4 or IPv6 address or prefix";

	memset(out, 0, sizeof(*out));
	if (n >= sizeof(address))
		return expected;
	memcpy(address, text, n);
	address[n] = '\0';
	if (inet_pton(AF_INET, address, out->octet) == 1)
		out->version = 4;
	else if (inet_pton(AF_INET6, address, out->octet) == 1)
		out->version = 6;
	else
		return expected;
	int max = out->version == 4 ? 32 : 128, len = slash ? length_parse(slash + 1, max) : max;
	if (len < 0)
		return out->version == 4 ? "the length of an IPv4 prefix is 0 to 32"
					 : "the length of an IPv6 prefix is 0 to 128";
	out->len = (uint8_t)len;
	return has_rest(out) ? "bits are set behind the prefix's length" : NULL;
}

const char *dns64_wrong(const char *text)
{
	struct dns64 table = {0};
	struct prefix p;
	const char *wrong = prefix_parse(text, &p);

	if (p.version != 6)
		return "expected an IPv6 prefix such as \"2001:db8:64::/96\"";
	if (wrong)
		return wrong;
	if (!dns64_length_known(p.len))
		return "the length of a DNS64 prefix is 32, 40, 48, 56, 64 or 96 (RFC 6052)";
	return dns64_add(&table, p.octet, p.len) < 0
		       ? "bits 64 to 71 of a DNS64 prefix are zero (RFC 6052)"
		       : NULL;
}

const char *resolver_wrong(const char *text)
{
	struct prefix p;
	const char *wrong = prefix_parse(text, &p);

	if (wrong)
		return wrong;
	return p.len == 0 ? "a prefix of length 0 holds every server there is" : NULL;
}

const char *own_wrong(const char *text)
{
	struct prefix p;
	const char *wrong = prefix_parse(text, &p);

	if (wrong)
		return wrong;
	if (p.len == 0)
		return "a prefix of length 0 holds everybody's addresses";
	if (p.version == 6 && (p.len < 3 || p.octet[0] >> 5 != 1))
		return "global unicast IPv6 lies in 2000::/3";
	return p.version == 6 && p.len > 64 ? "IPv6 addresses count by /64: at most 64 bits" : NULL;
}
