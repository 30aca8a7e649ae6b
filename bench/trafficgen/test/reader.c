/* SPDX-License-Identifier: BSD-3-Clause */
#include "reader.h"

#include <ctype.h>
#include <pcap/pcap.h>
#include <stdio.h>
#include <string.h>

static uint32_t u16_at(const uint8_t *bytes, size_t at)
{
	return (uint32_t)bytes[at] << 8 | bytes[at + 1];
}

static uint32_t u32_at(const uint8_t *bytes, size_t at)
{
	return u16_at(bytes, at) << 16 | u16_at(bytes, at + 2);
}

/* RFC 1071, word by word; the sum over a range that holds a valid checksum is 0xffff. */
static uint32_t words_sum(uint32_t sum, const uint8_t *bytes, size_t len)
{
	for (size_t i = 0; i < len; i++)
		sum += i % 2 == 0 ? (uint32_t)bytes[i] << 8 : bytes[i];
	while (sum > 0xffff)
		sum = (sum & 0xffff) + (sum >> 16);
	return sum;
}

/* Dotted lower-case text of the name at an offset; returns the offset behind it, or 0. */
static size_t read_name(const uint8_t *message, size_t len, size_t at, char *text)
{
	size_t behind = 0, written = 0, limit = at;

	while (at < len && message[at] != 0) {
		size_t label = message[at];

		if (label >= 0xc0) {
			if (at + 1 >= len)
				return 0;
			if (behind == 0)
				behind = at + 2;
			at = u16_at(message, at) & 0x3fff;
			if (at >= limit)
				return 0;
			limit = at;
			continue;
		}
		if (label > 63 || at + 1 + label >= len || written + label + 2 > 255)
			return 0;
		if (written > 0)
			text[written++] = '.';
		for (size_t i = 1; i <= label; i++)
			text[written++] = (char)tolower(message[at + i]);
		at += 1 + label;
	}
	text[written] = '\0';
	return behind != 0 ? behind : at + 1;
}

static bool read_answers(
	const uint8_t *message, size_t len, size_t at, struct reader_packet *packet)
{
	uint32_t records = u16_at(message, 6) + u16_at(message, 8) + u16_at(message, 10);

	packet->answer_count = u16_at(message, 6);
	if (packet->answer_count > sizeof(packet->answers) / sizeof(packet->answers[0]))
		return false;
	for (uint32_t i = 0; i < records; i++) {
		char owner[256];
		size_t rdlen;

		at = read_name(message, len, at, owner);
		if (at == 0 || at + 10 > len)
			return false;
		rdlen = u16_at(message, at + 8);
		if (at + 10 + rdlen > len)
			return false;
		if (i < packet->answer_count) {
			packet->answers[i].type = (uint16_t)u16_at(message, at);
			packet->answers[i].ttl = u32_at(message, at + 4);
			strcpy(packet->answers[i].owner, owner);
			memset(packet->answers[i].address, 0, 16);
			if (rdlen == 4 || rdlen == 16)
				memcpy(packet->answers[i].address, message + at + 10, rdlen);
		}
		at += 10 + rdlen;
	}
	return at == len; /* nothing behind the last record */
}

static bool read_message(const uint8_t *message, size_t len, struct reader_packet *packet)
{
	size_t at;

	if (len < 12)
		return false;
	packet->id = (uint16_t)u16_at(message, 0);
	packet->response = message[2] >> 7;
	packet->rcode = message[3] & 15;
	if (len == 12) /* a refusal may leave all out that follows */
		return packet->response && u32_at(message, 4) == 0 && u32_at(message, 8) == 0;
	if (u16_at(message, 4) != 1)
		return false;
	at = read_name(message, len, 12, packet->question);
	if (at == 0 || at + 4 > len)
		return false;
	packet->question_type = (uint16_t)u16_at(message, at);
	return read_answers(message, len, at + 4, packet);
}

/*
 * The offset of the IP header that a GTP-U tunnel at an IPv4 header's place holds (3GPP TS 29.281:
 * version 1, G-PDU, no options), or 0.
 */
static size_t tunnel_end(const uint8_t *frame, size_t len, size_t at, struct reader_packet *packet)
{
	size_t udp = at + 20, gtpu = udp + 8, octets = len - udp;
	uint32_t sum = words_sum((uint32_t)octets + 17, frame + at + 12, 8);

	if (len < gtpu + 28 || u16_at(frame, udp) != 2152 || u16_at(frame, udp + 2) != 2152)
		return 0;
	packet->tunnelled = true;
	packet->checksums_valid =
		words_sum(0, frame + at, 20) == 0xffff &&
		words_sum(sum, frame + udp, octets) == 0xffff &&
		u16_at(frame, at + 2) == octets + 20 && u16_at(frame, udp + 4) == octets &&
		u16_at(frame, gtpu) == 0x30ff && u16_at(frame, gtpu + 2) == octets - 16;
	return gtpu + 8;
}

static bool read_frame(const uint8_t *frame, size_t len, struct reader_packet *packet)
{
	size_t at = 12, address = 4, udp_len, inner;
	uint32_t type = u16_at(frame, at), sum;

	if (type == 0x8100)
		type = u16_at(frame, at += 4);
	at += 2;
	packet->checksums_valid = true;
	inner = type == 0x0800 ? tunnel_end(frame, len, at, packet) : 0;
	if (inner != 0)
		at = inner;
	packet->v6 = frame[at] >> 4 == 6;
	if (!packet->checksums_valid || (inner == 0 && packet->v6 != (type == 0x86dd)))
		return false;
	if (packet->v6) {
		address = 16;
		udp_len = u16_at(frame, at + 4);
		at += 8;
	} else {
		packet->checksums_valid = words_sum(0, frame + at, 20) == 0xffff;
		udp_len = u16_at(frame, at + 2) - 20;
		at += 12;
	}
	memcpy(packet->source, frame + at, address);
	memcpy(packet->target, frame + at + address, address);
	sum = words_sum((uint32_t)udp_len + 17, frame + at, 2 * address);
	at += 2 * address;
	/* Only Ethernet's shortest frame ends in padding. */
	if ((at + udp_len != len && (at + udp_len > len || len != 60)) ||
		u16_at(frame, at + 4) != udp_len)
		return false;
	sum = words_sum(sum, frame + at, udp_len);
	packet->checksums_valid =
		packet->checksums_valid && sum == 0xffff && u16_at(frame, at + 6) != 0;
	packet->source_port = (uint16_t)u16_at(frame, at);
	packet->target_port = (uint16_t)u16_at(frame, at + 2);
	return read_message(frame + at + 8, udp_len - 8, packet);
}

long reader_run(const char *path, reader_fn each, void *context)
{
	char error[PCAP_ERRBUF_SIZE];
	pcap_t *pcap =
		pcap_open_offline_with_tstamp_precision(path, PCAP_TSTAMP_PRECISION_NANO, error);
	struct pcap_pkthdr *header;
	const u_char *bytes;
	long count = 0;

	if (pcap == NULL)
		return -1;
	while (pcap_next_ex(pcap, &header, &bytes) == 1) {
		struct reader_packet packet;

		memset(&packet, 0, offsetof(struct reader_packet, answers));
		packet.time =
			(uint64_t)header->ts.tv_sec * 1000000000u + (uint64_t)header->ts.tv_usec;
		packet.wire_len = header->len;
		if (header->caplen != header->len || header->len < 60 ||
			!read_frame(bytes, header->caplen, &packet)) {
			fprintf(stderr, "packet %ld is malformed\n", count + 1);
			count = -1;
			break;
		}
		if (each != NULL)
			each(&packet, context);
		count++;
	}
	pcap_close(pcap);
	return count;
}
