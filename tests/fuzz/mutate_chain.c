/* SPDX-License-Identifier: BSD-3-Clause */

/*
 * Datagrams that complete each other: the last fragment of each is what the next one carries, so
 * that one frame decides over all of them.
 */

#include "mutate.h"

#define PROTOCOL_IPIP 4u
#define MORE 0x2000u

/* An IPv4 header. */
static void put_ip(uint8_t *h, uint32_t len, unsigned id, unsigned fragment)
{
	memset(h, 0, 20);
	h[0] = 0x45;
	store_be16(h + 2, len);
	store_be16(h + 4, id);
	store_be16(h + 6, fragment);
	h[8] = 64;
	h[9] = PROTOCOL_IPIP;
	h[12] = h[16] = 10;
	h[15] = 1;
	h[19] = 9;
}

void batch_chain(struct batch *b, uint64_t *rng)
{
	static const uint8_t ethernet[ETHERNET_HEADER] = {2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 2, 8};
	uint8_t frame[ETHERNET_HEADER + 64], end[64];
	unsigned links = 2 + random_below(rng, BATCH_MAX - 2), id = random_below(rng, 65536);
	uint32_t len = 24;

	memcpy(frame, ethernet, sizeof(ethernet));
	for (uint32_t i = 0; i < len; i++)
		end[i] = (uint8_t)random_u64(rng);
	b->n = 0;
	for (unsigned k = 0; k < links; k++, id++) {
		uint32_t first = len > 24 ? 24 : 16, rest = len - first;

		put_ip(frame + ETHERNET_HEADER, 20 + first, id, MORE);
		memcpy(frame + ETHERNET_HEADER + 20, end, first);
		packet_set(batch_insert(b, b->n), frame, ETHERNET_HEADER + 20 + first);
		memmove(end + 20, end + first, rest);
		put_ip(end, 20 + rest, id, first / 8);
		len = 20 + rest;
	}
	memcpy(frame + ETHERNET_HEADER, end, len);
	packet_set(batch_insert(b, b->n), frame, ETHERNET_HEADER + len);
}
