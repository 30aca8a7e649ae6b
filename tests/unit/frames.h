/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

/*
 * DNS messages and frames made by hand, for tests of what reads them.
 *
 * A message is written front to back, names compressed against all names before
 * them; a frame wraps a message in UDP, IP and Ethernet, whole and unchecked.
 * Names are text with dots, "" is the root; octets outside host names and
 * faulty messages are made by writing into message.octet afterwards.
 */

#include <arpa/inet.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "dns/dns.h"

#define MESSAGE_QUERY 0x0100u
#define MESSAGE_RESPONSE 0x8180u

struct message {
	unsigned len;
	unsigned names; /* that later ones may point to */
	struct {
		uint16_t at;
		char text[256];
	} name[96];
	uint8_t octet[8192];
};

static inline void message_u16(struct message *m, unsigned v)
{
	m->octet[m->len++] = (uint8_t)(v >> 8);
	m->octet[m->len++] = (uint8_t)v;
}

static inline void message_u32(struct message *m, uint32_t v)
{
	message_u16(m, v >> 16);
	message_u16(m, v & 0xffff);
}

static inline void message_patch(struct message *m, unsigned at, unsigned v)
{
	m->octet[at] = (uint8_t)(v >> 8);
	m->octet[at + 1] = (uint8_t)v;
}

static inline void message_name(struct message *m, const char *text)
{
	while (*text) {
		for (unsigned i = 0; i < m->names; i++) {
			if (strcmp(m->name[i].text, text) == 0) {
				message_u16(m, 0xc000u | m->name[i].at);
				return;
			}
		}
		if (m->names < sizeof(m->name) / sizeof(m->name[0])) {
			m->name[m->names].at = (uint16_t)m->len;
			snprintf(m->name[m->names++].text, sizeof(m->name[0].text), "%s", text);
		}
		size_t n = strcspn(text, ".");
		m->octet[m->len++] = (uint8_t)n;
		memcpy(m->octet + m->len, text, n);
		m->len += (unsigned)n;
		text += n + (text[n] == '.');
	}
	m->octet[m->len++] = 0;
}

/* Header only: no question, no records. */
static inline void message_header(struct message *m, unsigned id, unsigned flags)
{
	m->len = m->names = 0;
	message_u16(m, id);
	message_u16(m, flags);
	message_u32(m, 0);
	message_u32(m, 0);
}

static inline void message_question(
	struct message *m, const char *name, unsigned type, unsigned class)
{
	message_patch(m, 4, m->octet[5] + 1u);
	message_name(m, name);
	message_u16(m, type);
	message_u16(m, class);
}

/* A query or a response for one name of class IN. */
static inline void message_start(
	struct message *m, unsigned id, unsigned flags, const char *name, unsigned type)
{
	message_header(m, id, flags);
	message_question(m, name, type, DNS_CLASS_IN);
}

/* A record up to its RDATA; returns where RDLENGTH stands for message_record_end. */
static inline unsigned message_record(struct message *m, enum dns_section section,
	const char *owner, unsigned type, unsigned class, uint32_t ttl)
{
	message_patch(m, 6 + 2 * section, m->octet[7 + 2 * section] + 1u);
	message_name(m, owner);
	message_u16(m, type);
	message_u16(m, class);
	message_u32(m, ttl);
	m->len += 2;
	return m->len - 2;
}

static inline void message_record_end(struct message *m, unsigned at)
{
	message_patch(m, at, m->len - at - 2);
}

/* A or AAAA, by the form of the address. */
static inline void message_address(struct message *m, enum dns_section section, const char *owner,
	uint32_t ttl, const char *address)
{
	bool v6 = strchr(address, ':');
	unsigned at = message_record(
		m, section, owner, v6 ? DNS_TYPE_AAAA : DNS_TYPE_A, DNS_CLASS_IN, ttl);

	inet_pton(v6 ? AF_INET6 : AF_INET, address, m->octet + m->len);
	m->len += v6 ? 16 : 4;
	message_record_end(m, at);
}

/* A record whose RDATA is a name: CNAME, NS. */
static inline void message_pointing(struct message *m, enum dns_section section, unsigned type,
	const char *owner, uint32_t ttl, const char *target)
{
	unsigned at = message_record(m, section, owner, type, DNS_CLASS_IN, ttl);

	message_name(m, target);
	message_record_end(m, at);
}

static inline void message_cname(
	struct message *m, const char *owner, uint32_t ttl, const char *target)
{
	message_pointing(m, DNS_ANSWER, DNS_TYPE_CNAME, owner, ttl, target);
}

static inline void message_ns(struct message *m, const char *zone, uint32_t ttl, const char *server)
{
	message_pointing(m, DNS_AUTHORITY, DNS_TYPE_NS, zone, ttl, server);
}

/* HTTPS record of priority 1 for the owner itself with n address hints of one family. */
static inline void message_hints(
	struct message *m, const char *owner, uint32_t ttl, const char *const *address, unsigned n)
{
	unsigned at = message_record(m, DNS_ANSWER, owner, DNS_TYPE_HTTPS, DNS_CLASS_IN, ttl);
	bool v6 = strchr(address[0], ':');
	unsigned octets = v6 ? 16 : 4;

	message_u16(m, 1);
	m->octet[m->len++] = 0;
	message_u16(m, v6 ? 6 : 4); /* ipv6hint, ipv4hint: RFC 9460 section 14.3.2 */
	message_u16(m, n * octets);
	for (unsigned i = 0; i < n; i++, m->len += octets)
		inet_pton(v6 ? AF_INET6 : AF_INET, address[i], m->octet + m->len);
	message_record_end(m, at);
}

/* Who talks to whom; text addresses of one family. */
struct flow {
	const char *client;
	const char *server;
	uint16_t port; /* the client's; the server's is 53 */
};

struct packet {
	unsigned len;
	uint8_t octet[8192 + 64];
};

static inline void packet_u16(struct packet *p, unsigned v)
{
	p->octet[p->len++] = (uint8_t)(v >> 8);
	p->octet[p->len++] = (uint8_t)v;
}

static inline void packet_octets(struct packet *p, const void *data, unsigned n)
{
	memcpy(p->octet + p->len, data, n);
	p->len += n;
}

static inline void packet_address(struct packet *p, const char *text, bool v6)
{
	inet_pton(v6 ? AF_INET6 : AF_INET, text, p->octet + p->len);
	p->len += v6 ? 16 : 4;
}

/* The message in a frame: from the server when its QR flag is set. `vlans` tags of 802.1Q. */
static inline void packet_make(
	struct packet *p, const struct flow *f, const struct message *m, unsigned vlans)
{
	static const uint8_t macs[12] = {2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 2};
	static const uint8_t v4[] = {0, 0, 0x40, 0, 64, 17, 0, 0};
	bool v6 = strchr(f->client, ':'), response = m->octet[2] & 0x80;

	p->len = 0;
	packet_octets(p, macs, sizeof(macs));
	for (unsigned i = 0; i < vlans; i++) {
		packet_u16(p, 0x8100);
		packet_u16(p, 7 + i);
	}
	packet_u16(p, v6 ? 0x86dd : 0x0800);
	if (v6) {
		packet_u16(p, 0x6000);
		packet_u16(p, 0);
		packet_u16(p, 8 + m->len);
		packet_u16(p, 17 << 8 | 64);
	} else {
		packet_u16(p, 0x4500);
		packet_u16(p, 28 + m->len);
		packet_octets(p, v4, sizeof(v4));
	}
	packet_address(p, response ? f->server : f->client, v6);
	packet_address(p, response ? f->client : f->server, v6);
	packet_u16(p, response ? 53 : f->port);
	packet_u16(p, response ? f->port : 53);
	packet_u16(p, 8 + m->len);
	packet_u16(p, 0);
	packet_octets(p, m->octet, m->len);
}
