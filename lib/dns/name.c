/* SPDX-License-Identifier: BSD-3-Clause */

#include "base/bits.h"
#include "dns/dns.h"
#include "dns/lower.h"

unsigned dns_name_decode(const uint8_t *msg, uint32_t len, uint32_t at, struct dns_name *out)
{
	uint32_t pos = at, floor = at;
	unsigned taken = 0, octets = 0, labels = 0, hops = 0;

	for (;;) {
		if (unlikely(pos >= len))
			return 0;
		unsigned c = msg[pos];
		if (c == 0)
			break;
		if (c >= 0xc0) {
			if (unlikely(pos + 1 >= len))
				return 0;
			uint32_t target = load_be16(msg + pos) & 0x3fffu;
			if (taken == 0)
				taken = pos + 2 - at;
			if (unlikely(target < DNS_HEADER_LEN || target >= floor ||
				     ++hops > DNS_HOPS_MAX))
				return 0;
			floor = target;
			pos = target;
			continue;
		}
		if (unlikely(c > 63 || octets + c + 1 >= DNS_NAME_MAX || pos + c + 1 > len ||
			     labels == DNS_LABELS_MAX))
			return 0;
		out->label[labels++] = (uint8_t)octets;
		dns_lower_copy(out->wire + octets, msg + pos, c + 1);
		octets += c + 1;
		pos += c + 1;
	}
	out->label[labels] = (uint8_t)octets;
	out->wire[octets] = 0;
	out->labels = (uint8_t)labels;
	out->len = (uint8_t)(octets + 1);
	return taken ? taken : pos + 1 - at;
}

void dns_name_question(const uint8_t *msg, const struct dns_message *m, struct dns_name *out)
{
	dns_lower_copy(out->wire, msg + DNS_HEADER_LEN, m->qname_wire_len);
	/* Sixteen labels at once; names with more are rare. */
	memcpy(out->label, m->label, 16);
	if (unlikely(m->labels >= 16))
		memcpy(out->label, m->label, sizeof(out->label));
	out->labels = m->labels;
	out->len = (uint8_t)m->qname_wire_len;
}

/* RFC 1035 leaves the rest to \DDD; this set needs no quoting in any sink. */
static bool is_plain(uint8_t c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
	       c == '-' || c == '_' || c == '*';
}

size_t dns_name_text(const uint8_t *wire, size_t wire_len, char *text, size_t size)
{
	size_t n = 0;

	if (size == 0)
		return 0;
	for (size_t pos = 0; pos < wire_len && wire[pos];) {
		size_t end = pos + wire[pos] + 1;
		if (end > wire_len)
			break;
		if (pos && n + 1 < size)
			text[n++] = '.';
		for (pos++; pos < end; pos++) {
			uint8_t c = wire[pos];
			if (is_plain(c)) {
				if (n + 1 < size)
					text[n++] = (char)c;
			} else if (n + 4 < size) {
				text[n++] = '\\';
				text[n++] = (char)('0' + c / 100);
				text[n++] = (char)('0' + c / 10 % 10);
				text[n++] = (char)('0' + c % 10);
			}
		}
	}
	if (n == 0 && size > 1)
		text[n++] = '.';
	text[n] = '\0';
	return n;
}

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

/* One octet of text, escapes undone; the characters taken, or 0. */
static unsigned text_octet(const char *t, uint8_t *out)
{
	if (t[0] != '\\') {
		*out = (uint8_t)t[0];
		return 1;
	}
	if (is_digit(t[1]) && is_digit(t[2]) && is_digit(t[3])) {
		int v = (t[1] - '0') * 100 + (t[2] - '0') * 10 + (t[3] - '0');
		*out = (uint8_t)v;
		return v <= 255 ? 4 : 0;
	}
	*out = (uint8_t)t[1];
	return t[1] && !is_digit(t[1]) ? 2 : 0;
}

int dns_name_parse(const char *text, struct dns_name *out)
{
	unsigned at = 0, labels = 0;

	if (text[0] == '\0')
		return -1;
	if (text[0] == '.' && text[1] == '\0')
		text++;
	while (*text) {
		unsigned start = at++;

		while (*text && *text != '.') {
			uint8_t c;
			unsigned n = text_octet(text, &c);
			if (n == 0 || at - start > 63 || at >= DNS_NAME_MAX - 1)
				return -1;
			out->wire[at++] = dns_lower_octet(c);
			text += n;
		}
		if (at == start + 1 || labels == DNS_LABELS_MAX)
			return -1;
		out->wire[start] = (uint8_t)(at - start - 1);
		out->label[labels++] = (uint8_t)start;
		if (*text == '.')
			text++;
	}
	out->wire[at] = 0;
	out->label[labels] = (uint8_t)at;
	out->labels = (uint8_t)labels;
	out->len = (uint8_t)(at + 1);
	return 0;
}

bool dns_svcb_hints(const uint8_t *rdata, uint32_t rdlen,
	void (*fn)(void *ctx, const uint8_t *addr, unsigned len), void *ctx)
{
	uint32_t pos = 2;

	/* TargetName is never compressed (RFC 9460 section 2.2). */
	while (pos < rdlen && rdata[pos]) {
		if (rdata[pos] > 63)
			return false;
		pos += rdata[pos] + 1u;
	}
	pos++;
	while (pos < rdlen) {
		if (pos + 4 > rdlen)
			return false;
		unsigned key = load_be16(rdata + pos);
		unsigned len = load_be16(rdata + pos + 2);
		unsigned unit = key == 4 ? 4 : key == 6 ? 16 : 0;

		pos += 4;
		if (pos + len > rdlen || (unit && (len == 0 || len % unit)))
			return false;
		for (unsigned i = 0; unit && i < len; i += unit)
			fn(ctx, rdata + pos + i, unit);
		pos += len;
	}
	return pos == rdlen;
}
