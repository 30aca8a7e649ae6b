/* SPDX-License-Identifier: BSD-3-Clause */

#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/bits.h"
#include "cli/rdata.h"

/* IANA "Domain Name System (DNS) Parameters", resource record types and question types. */
static const struct {
	uint16_t type;
	const char *name;
} mnemonics[] = {
	{1, "A"},
	{2, "NS"},
	{5, "CNAME"},
	{6, "SOA"},
	{10, "NULL"},
	{12, "PTR"},
	{13, "HINFO"},
	{15, "MX"},
	{16, "TXT"},
	{17, "RP"},
	{18, "AFSDB"},
	{24, "SIG"},
	{25, "KEY"},
	{28, "AAAA"},
	{29, "LOC"},
	{33, "SRV"},
	{35, "NAPTR"},
	{36, "KX"},
	{37, "CERT"},
	{39, "DNAME"},
	{41, "OPT"},
	{42, "APL"},
	{43, "DS"},
	{44, "SSHFP"},
	{45, "IPSECKEY"},
	{46, "RRSIG"},
	{47, "NSEC"},
	{48, "DNSKEY"},
	{49, "DHCID"},
	{50, "NSEC3"},
	{51, "NSEC3PARAM"},
	{52, "TLSA"},
	{53, "SMIMEA"},
	{55, "HIP"},
	{59, "CDS"},
	{60, "CDNSKEY"},
	{61, "OPENPGPKEY"},
	{62, "CSYNC"},
	{63, "ZONEMD"},
	{64, "SVCB"},
	{65, "HTTPS"},
	{99, "SPF"},
	{108, "EUI48"},
	{109, "EUI64"},
	{249, "TKEY"},
	{250, "TSIG"},
	{251, "IXFR"},
	{252, "AXFR"},
	{255, "ANY"},
	{256, "URI"},
	{257, "CAA"},
};

enum {
	TYPE_PTR = 12,
	TYPE_MX = 15,
	TYPE_TXT = 16,
	TYPE_SRV = 33,
	TYPE_DNAME = 39,
	TYPE_SPF = 99,
	KEY_PORT = 3,
	KEY_IPV4HINT = 4,
	KEY_IPV6HINT = 6,
};

void rdata_type_text(unsigned type, char text[RDATA_TYPE_MAX])
{
	for (size_t i = 0; i < sizeof(mnemonics) / sizeof(mnemonics[0]); i++) {
		if (mnemonics[i].type == type) {
			snprintf(text, RDATA_TYPE_MAX, "%s", mnemonics[i].name);
			return;
		}
	}
	snprintf(text, RDATA_TYPE_MAX, "TYPE%u", type);
}

/* What is left of an RDATA; names may point back into the message. */
struct field {
	const uint8_t *msg;
	uint32_t pos;
	uint32_t end;
};

static unsigned left(const struct field *f)
{
	return f->end - f->pos;
}

static void put_address(FILE *out, const uint8_t *addr, unsigned len)
{
	char text[INET6_ADDRSTRLEN];

	fputs(inet_ntop(len == 4 ? AF_INET : AF_INET6, addr, text, sizeof(text)), out);
}

/* The next field is a name; the octets before `end` are all that may be read. */
static bool put_name(FILE *out, struct field *f)
{
	struct dns_name name;
	char text[DNS_TEXT_MAX];
	unsigned n = dns_name_decode(f->msg, f->end, f->pos, &name);

	if (n == 0)
		return false;
	dns_name_text(name.wire, name.len, text, sizeof(text));
	fputs(text, out);
	f->pos += n;
	return true;
}

static bool put_u16(FILE *out, struct field *f)
{
	if (left(f) < 2)
		return false;
	fprintf(out, "%u ", load_be16(f->msg + f->pos));
	f->pos += 2;
	return true;
}

static void put_quoted(FILE *out, const uint8_t *p, unsigned n)
{
	putc('"', out);
	for (unsigned i = 0; i < n; i++) {
		if (p[i] == '"' || p[i] == '\\')
			fprintf(out, "\\%c", p[i]);
		else if (p[i] >= ' ' && p[i] <= '~')
			putc(p[i], out);
		else
			fprintf(out, "\\%03u", p[i]);
	}
	putc('"', out);
}

static bool put_strings(FILE *out, struct field *f)
{
	bool first = true;

	if (left(f) == 0)
		return false;
	while (left(f)) {
		unsigned n = f->msg[f->pos++];
		if (n > left(f))
			return false;
		if (!first)
			putc(' ', out);
		put_quoted(out, f->msg + f->pos, n);
		f->pos += n;
		first = false;
	}
	return true;
}

static bool put_soa(FILE *out, struct field *f)
{
	if (!put_name(out, f))
		return false;
	putc(' ', out);
	if (!put_name(out, f) || left(f) != 20)
		return false;
	for (; left(f); f->pos += 4)
		fprintf(out, " %u", load_be32(f->msg + f->pos));
	return true;
}

static bool put_hints(FILE *out, struct field *f, unsigned len, unsigned unit)
{
	if (len == 0 || len % unit)
		return false;
	fputs(unit == 4 ? " ipv4hint=" : " ipv6hint=", out);
	for (unsigned i = 0; i < len; i += unit) {
		if (i)
			putc(',', out);
		put_address(out, f->msg + f->pos + i, unit);
	}
	return true;
}

/* SvcParams (RFC 9460 section 2.1); "keyN" is a valid form for every key. */
static bool put_params(FILE *out, struct field *f)
{
	while (left(f)) {
		if (left(f) < 4)
			return false;
		unsigned key = load_be16(f->msg + f->pos);
		unsigned len = load_be16(f->msg + f->pos + 2);

		f->pos += 4;
		if (len > left(f))
			return false;
		if (key == KEY_IPV4HINT || key == KEY_IPV6HINT) {
			if (!put_hints(out, f, len, key == KEY_IPV4HINT ? 4 : 16))
				return false;
		} else if (key == KEY_PORT && len == 2) {
			fprintf(out, " port=%u", load_be16(f->msg + f->pos));
		} else {
			fprintf(out, " key%u", key);
			if (len) {
				putc('=', out);
				put_quoted(out, f->msg + f->pos, len);
			}
		}
		f->pos += len;
	}
	return true;
}

static bool put_svcb(FILE *out, struct field *f)
{
	return put_u16(out, f) && put_name(out, f) && put_params(out, f);
}

static bool put_srv(FILE *out, struct field *f)
{
	return put_u16(out, f) && put_u16(out, f) && put_u16(out, f) && put_name(out, f);
}

static bool put_bare_address(FILE *out, struct field *f, unsigned len)
{
	if (left(f) != len)
		return false;
	put_address(out, f->msg + f->pos, len);
	f->pos = f->end;
	return true;
}

/* Types that RFC 1035 and others define for class IN only. */
static bool put_internet(FILE *out, struct field *f, unsigned type)
{
	switch (type) {
	case DNS_TYPE_A:
		return put_bare_address(out, f, 4);
	case DNS_TYPE_AAAA:
		return put_bare_address(out, f, 16);
	case TYPE_SRV:
		return put_srv(out, f);
	case DNS_TYPE_SVCB:
	case DNS_TYPE_HTTPS:
		return put_svcb(out, f);
	default:
		return false;
	}
}

static bool put_typed(FILE *out, struct field *f, const struct dns_record *r)
{
	switch (r->type) {
	case DNS_TYPE_NS:
	case DNS_TYPE_CNAME:
	case TYPE_PTR:
	case TYPE_DNAME:
		return put_name(out, f);
	case DNS_TYPE_SOA:
		return put_soa(out, f);
	case TYPE_MX:
		return put_u16(out, f) && put_name(out, f);
	case TYPE_TXT:
	case TYPE_SPF:
		return put_strings(out, f);
	default:
		return r->class == DNS_CLASS_IN && put_internet(out, f, r->type);
	}
}

static void put_unknown(FILE *out, const uint8_t *rdata, unsigned n)
{
	fprintf(out, "\\# %u", n);
	for (unsigned i = 0; i < n; i++)
		fprintf(out, i ? "%02x" : " %02x", rdata[i]);
}

char *rdata_text(const uint8_t *msg, const struct dns_record *r)
{
	struct field f = {msg, r->rdata, (uint32_t)r->rdata + r->rdlen};
	char *text = NULL;
	size_t size;
	FILE *out = open_memstream(&text, &size);

	if (!out)
		return NULL;
	if (!put_typed(out, &f, r) || f.pos != f.end) {
		rewind(out);
		put_unknown(out, msg + r->rdata, r->rdlen);
	}
	if (fclose(out) != 0) {
		free(text);
		return NULL;
	}
	/* A rewound stream may hold more than was written last. */
	text[size] = '\0';
	return text;
}
