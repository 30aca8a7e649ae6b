/* SPDX-License-Identifier: BSD-3-Clause */
#include "frame.h"

#include <string.h>

#include "rng.h"

#define UDP_OCTETS 8
#define IPV4_OCTETS 20
#define IPV6_OCTETS 40
#define PROTOCOL_UDP 17
#define FRAME_LEAST 60 /* without FCS */
#define GTPU_OCTETS 8
#define GTPU_PORT 2152
#define STATION_BASE 0xac100000u /* 172.16.0.0/16 */
#define GATEWAY 0xac1f0001u

static void store_u16(uint8_t *at, uint32_t value)
{
	at[0] = (uint8_t)(value >> 8);
	at[1] = (uint8_t)value;
}

static void store_u32(uint8_t *at, uint32_t value)
{
	store_u16(at, value >> 16);
	store_u16(at + 2, value & 0xffff);
}

/*
 * RFC 1071: the sum of 16-bit words in ones' complement does not depend on the byte order, so whole
 * words are added as they lie in memory, and folded at the end.
 */
static uint64_t sum_add(uint64_t sum, const uint8_t *bytes, size_t len)
{
	uint32_t word = 0;

	for (; len >= sizeof(word); len -= sizeof(word), bytes += sizeof(word)) {
		memcpy(&word, bytes, sizeof(word));
		sum += word;
	}
	word = 0;
	memcpy(&word, bytes, len);
	return sum + word;
}

static uint16_t sum_fold(uint64_t sum)
{
	while (sum >> 16 != 0)
		sum = (sum & 0xffff) + (sum >> 16);
	return (uint16_t)~sum;
}

static void store_sum(uint8_t *at, uint64_t sum)
{
	uint16_t folded = sum_fold(sum);

	memcpy(at, &folded, sizeof(folded));
}

static uint8_t *wrap_udp(uint8_t *payload, const struct flow *flow, size_t len)
{
	uint8_t *udp = payload - UDP_OCTETS;

	store_u16(udp, flow->source_port);
	store_u16(udp + 2, flow->target_port);
	store_u16(udp + 4, (uint32_t)(len + UDP_OCTETS));
	store_u16(udp + 6, 0);
	return udp;
}

/* The pseudo header's addresses stand at the end of the IP header in both versions. */
static void sum_udp(uint8_t *udp, const uint8_t *addresses, size_t addresses_len, size_t udp_len)
{
	uint8_t pseudo[4] = {0, PROTOCOL_UDP, (uint8_t)(udp_len >> 8), (uint8_t)udp_len};
	uint64_t sum = sum_add(0, pseudo, sizeof(pseudo));

	sum = sum_add(sum, addresses, addresses_len);
	store_sum(udp + 6, sum_add(sum, udp, udp_len));
	if (udp[6] == 0 && udp[7] == 0) /* zero would mean "none" */
		store_u16(udp + 6, 0xffff);
}

static uint8_t *wrap_ipv4(uint8_t *udp, const struct flow *flow, size_t udp_len)
{
	uint8_t *ip = udp - IPV4_OCTETS;

	ip[0] = 0x45;
	ip[1] = 0;
	store_u16(ip + 2, (uint32_t)(IPV4_OCTETS + udp_len));
	store_u16(ip + 4, flow->ip_id);
	store_u16(ip + 6, 0);
	ip[8] = flow->hop_limit;
	ip[9] = PROTOCOL_UDP;
	store_u16(ip + 10, 0);
	store_u32(ip + 12, (uint32_t)flow->source.low);
	store_u32(ip + 16, (uint32_t)flow->target.low);
	store_sum(ip + 10, sum_add(0, ip, IPV4_OCTETS));
	sum_udp(udp, ip + 12, 8, udp_len);
	return ip;
}

static void store_ipv6(uint8_t *at, const struct address *address)
{
	store_u32(at, (uint32_t)(address->high >> 32));
	store_u32(at + 4, (uint32_t)address->high);
	store_u32(at + 8, (uint32_t)(address->low >> 32));
	store_u32(at + 12, (uint32_t)address->low);
}

static uint8_t *wrap_ipv6(uint8_t *udp, const struct flow *flow, size_t udp_len)
{
	uint8_t *ip = udp - IPV6_OCTETS;

	store_u32(ip, 0x60000000u | flow->ip_id); /* the flow label */
	store_u16(ip + 4, (uint32_t)udp_len);
	ip[6] = PROTOCOL_UDP;
	ip[7] = flow->hop_limit;
	store_ipv6(ip + 8, &flow->source);
	store_ipv6(ip + 24, &flow->target);
	sum_udp(udp, ip + 8, 32, udp_len);
	return ip;
}

/* 3GPP TS 29.281: a G-PDU without options; each subscriber has one tunnel a direction. */
static uint8_t *wrap_gtpu(uint8_t *inner, const struct flow *flow, size_t len)
{
	const struct address *subscriber = flow->upstream ? &flow->source : &flow->target;
	uint64_t tunnel = hash_pair(subscriber->high, subscriber->low);
	struct address station = {.low = STATION_BASE + (uint32_t)(tunnel & 0xffff)};
	struct address gateway = {.low = GATEWAY};
	struct flow outer = {
		.source = flow->upstream ? station : gateway,
		.target = flow->upstream ? gateway : station,
		.source_port = GTPU_PORT,
		.target_port = GTPU_PORT,
		.ip_id = (uint16_t)hash_pair(tunnel, flow->ip_id),
		.hop_limit = 64,
	};
	uint8_t *gtpu = inner - GTPU_OCTETS;
	size_t outer_len = UDP_OCTETS + GTPU_OCTETS + len;

	gtpu[0] = 0x30;
	gtpu[1] = 0xff;
	store_u16(gtpu + 2, (uint32_t)len);
	store_u32(gtpu + 4, (uint32_t)(tunnel >> 32) ^ flow->upstream);
	return wrap_ipv4(wrap_udp(gtpu, &outer, GTPU_OCTETS + len), &outer, outer_len);
}

void frame_wrap(struct frame *frame, const struct flow *flow, size_t len)
{
	static const uint8_t asking[6] = {0x02, 0, 0, 0, 0, 1},
			     answering[6] = {0x02, 0, 0, 0, 0, 2};
	size_t udp_len = UDP_OCTETS + len;
	uint8_t *udp = wrap_udp(frame_payload(frame), flow, len);
	uint8_t *at =
		flow->source.v6 ? wrap_ipv6(udp, flow, udp_len) : wrap_ipv4(udp, flow, udp_len);
	bool v6 = flow->source.v6 && !flow->gtpu;

	if (flow->gtpu)
		at = wrap_gtpu(at, flow, (size_t)(udp + udp_len - at));
	at -= 2;
	store_u16(at, v6 ? 0x86dd : 0x0800);
	if (flow->vlan != 0) {
		at -= 4;
		store_u16(at, 0x8100);
		store_u16(at + 2, flow->vlan);
	}
	at -= 12;
	memcpy(at, flow->upstream ? answering : asking, 6);
	memcpy(at + 6, flow->upstream ? asking : answering, 6);
	frame->start = (uint16_t)(at - frame->bytes);
	frame->end = (uint16_t)(FRAME_HEADROOM + len);
	if (frame->end - frame->start < FRAME_LEAST) {
		memset(frame->bytes + frame->end, 0,
			(size_t)(FRAME_LEAST - (frame->end - frame->start)));
		frame->end = (uint16_t)(frame->start + FRAME_LEAST);
	}
}
