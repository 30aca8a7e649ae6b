/* SPDX-License-Identifier: BSD-3-Clause */
#include "message.h"

#include <stdio.h>
#include <string.h>

#include "rng.h"

#define HEADER_OCTETS 12
#define CLASS_IN 1
#define EDNS_OCTETS_OFFERED 1232
#define EDNS_NSID 3
#define FLAG_QR 0x8000
#define FLAG_AA 0x0400
#define FLAG_RD 0x0100
#define FLAG_RA 0x0080

static const char server_identifier[] = "ns-07.fra.dns-01"; /* 16 octets on the wire */

struct writer {
	uint8_t *out;
	uint16_t len;
};

static void put_u16(struct writer *writer, uint32_t value)
{
	writer->out[writer->len++] = (uint8_t)(value >> 8);
	writer->out[writer->len++] = (uint8_t)value;
}

static void put_u32(struct writer *writer, uint32_t value)
{
	put_u16(writer, value >> 16);
	put_u16(writer, value & 0xffff);
}

static void put_bytes(struct writer *writer, const void *bytes, size_t len)
{
	memcpy(writer->out + writer->len, bytes, len);
	writer->len = (uint16_t)(writer->len + len);
}

/* A name is written as a pointer to an offset where it stands already. */
static void put_pointer(struct writer *writer, uint16_t offset)
{
	put_u16(writer, 0xc000u | offset);
}

static void put_label(struct writer *writer, const char *text)
{
	size_t len = strlen(text);

	writer->out[writer->len++] = (uint8_t)len;
	put_bytes(writer, text, len);
}

static void put_record(
	struct writer *writer, uint16_t owner, enum dns_type type, uint32_t ttl, uint16_t rdlen)
{
	put_pointer(writer, owner);
	put_u16(writer, type);
	put_u16(writer, CLASS_IN);
	put_u32(writer, ttl);
	put_u16(writer, rdlen);
}

static void put_address(
	struct writer *writer, uint16_t owner, uint32_t ttl, const struct address *address)
{
	put_record(writer, owner, address->v6 ? DNS_AAAA : DNS_A, ttl, address->v6 ? 16 : 4);
	if (address->v6) {
		put_u32(writer, (uint32_t)(address->high >> 32));
		put_u32(writer, (uint32_t)address->high);
		put_u32(writer, (uint32_t)(address->low >> 32));
	}
	put_u32(writer, (uint32_t)address->low);
}

static void put_soa(struct writer *writer, uint16_t apex, uint32_t ttl)
{
	put_record(writer, apex, DNS_SOA, ttl, 6 + 13 + 20);
	put_label(writer, "ns1");
	put_pointer(writer, apex);
	put_label(writer, "hostmaster");
	put_pointer(writer, apex);
	put_u32(writer, 2023111401);
	put_u32(writer, 7200);
	put_u32(writer, 900);
	put_u32(writer, 1209600);
	put_u32(writer, ttl);
}

static void put_edns(struct writer *writer, bool nsid, const char *identifier)
{
	size_t len = strlen(identifier);

	writer->out[writer->len++] = 0; /* the root owns it */
	put_u16(writer, DNS_OPT);
	put_u16(writer, EDNS_OCTETS_OFFERED);
	put_u32(writer, 0);
	put_u16(writer, nsid ? (uint32_t)(4 + len) : 0);
	if (!nsid)
		return;
	put_u16(writer, EDNS_NSID);
	put_u16(writer, (uint32_t)len);
	put_bytes(writer, identifier, len);
}

static void put_question(
	struct writer *writer, const struct message_head *head, const struct question *question)
{
	uint8_t *name = writer->out + writer->len;

	put_bytes(writer, question->name.wire, question->name.len);
	put_u16(writer, question->type);
	put_u16(writer, CLASS_IN);
	/* Length octets are below 'a': only letters are touched. */
	for (uint8_t i = 0; head->case_bits != 0 && i < question->name.len; i++) {
		bool upper = hash_mix(head->case_bits + i) & 1;

		if (name[i] >= 'a' && name[i] <= 'z' && upper)
			name[i] = (uint8_t)(name[i] - 'a' + 'A');
	}
}

static void put_header(struct writer *writer, uint16_t id, uint32_t flags)
{
	put_u16(writer, id);
	put_u16(writer, flags);
	put_u16(writer, 1);
	put_u16(writer, 0);
	put_u16(writer, 0);
	put_u16(writer, 0);
}

static void set_count(struct writer *writer, unsigned int section, uint32_t count)
{
	writer->out[4 + 2 * section] = (uint8_t)(count >> 8);
	writer->out[5 + 2 * section] = (uint8_t)count;
}

static uint32_t put_answers(struct writer *writer, const struct answer *answers, uint32_t count)
{
	uint16_t owner = HEADER_OCTETS;
	uint32_t records = 0;

	for (uint32_t i = 0; i < count; i++) {
		const struct answer *answer = &answers[i];

		if (answer->cname) {
			const struct dns_name *target = &answer->target.name;

			put_record(writer, owner, DNS_CNAME, answer->ttl, target->len);
			owner = writer->len;
			put_bytes(writer, target->wire, target->len);
			records++;
		}
		for (uint8_t k = 0; k < answer->address_count; k++, records++)
			put_address(writer, owner, answer->ttl, &answer->addresses[k]);
	}
	return records;
}

static void put_servers(struct writer *writer, uint16_t apex, const struct server_set *servers)
{
	uint16_t owners[SERVER_COUNT];

	for (uint8_t i = 0; i < servers->count; i++) {
		char label[8];

		snprintf(label, sizeof(label), "ns%u", servers->labels[i]);
		put_record(writer, apex, DNS_NS, servers->ttl, (uint16_t)(1 + strlen(label) + 2));
		owners[i] = writer->len;
		put_label(writer, label);
		put_pointer(writer, apex);
	}
	for (uint8_t i = 0; i < servers->count; i++)
		put_address(writer, owners[i], servers->ttl, &servers->glue[i]);
}

size_t message_query(uint8_t *out, const struct message_head *head, const struct question *question)
{
	struct writer writer = {.out = out};

	put_header(&writer, head->id, head->authoritative ? 0 : FLAG_RD);
	put_question(&writer, head, question);
	put_edns(&writer, head->nsid, "");
	set_count(&writer, 3, 1);
	return writer.len;
}

size_t message_response(uint8_t *out, const struct message_head *head,
	const struct question *question, const struct answer *answers, uint32_t count,
	const struct server_set *servers)
{
	uint32_t flags = FLAG_QR | (head->authoritative ? FLAG_AA : FLAG_RD | FLAG_RA);
	uint32_t records, authority = 0, additional = 1;
	uint16_t apex = (uint16_t)(HEADER_OCTETS + question->name.apex_at);
	const struct answer *last = &answers[count - 1];
	struct writer writer = {.out = out};

	put_header(&writer, head->id, flags | last->rcode);
	if (head->bare) {
		set_count(&writer, 0, 0);
		return writer.len;
	}
	put_question(&writer, head, question);
	records = put_answers(&writer, answers, count);
	if (records == 0) {
		put_soa(&writer, apex, last->ttl);
		authority = 1;
	} else if (servers != NULL) {
		put_servers(&writer, apex, servers);
		authority = servers->count;
		additional += servers->count;
	}
	put_edns(&writer, head->nsid, server_identifier);
	set_count(&writer, 1, records);
	set_count(&writer, 2, authority);
	set_count(&writer, 3, additional);
	return writer.len;
}
