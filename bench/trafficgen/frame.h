/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "message.h"
#include "networks.h"

/*
 * Ethernet, at most one 802.1Q tag, at most one GTP-U tunnel (IPv4, UDP, GTP-U), IPv4 or IPv6,
 * UDP, with valid checksums; padded to Ethernet's 60 octets.
 */

#define FRAME_HEADROOM 102 /* 14 Ethernet, 4 tag, 36 tunnel, 40 IPv6, 8 UDP */

struct frame {
	uint16_t start, end; /* the packet is bytes[start .. end) */
	uint8_t bytes[FRAME_HEADROOM + MESSAGE_OCTETS];
};

struct flow {
	struct address source, target; /* both IPv4 or both IPv6 */
	uint16_t source_port, target_port;
	uint16_t ip_id;
	uint8_t hop_limit;
	bool upstream; /* from the asking side: decides the MAC addresses */
	uint16_t vlan; /* 0: untagged */
	bool gtpu;     /* in a tunnel of the asking side's own */
};

/* Where the caller writes the UDP payload before frame_wrap(). */
static inline uint8_t *frame_payload(struct frame *frame)
{
	return frame->bytes + FRAME_HEADROOM;
}

/* Puts the headers in front of len octets of payload and sets start and end. */
void frame_wrap(struct frame *frame, const struct flow *flow, size_t len);
