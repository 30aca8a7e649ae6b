/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

/* What is known of a capture before it is played: size, mix and a mark to tell it by. */

#include <stdint.h>

#include "cli/exit.h"

/* Preamble, start of frame and the gap behind it; octets of the wire that no frame has. */
#define TRAFFIC_GAP_OCTETS 20u
#define TRAFFIC_FCS_OCTETS 4u
#define TRAFFIC_FRAME_LEAST 64u /* with FCS */

struct traffic {
	uint64_t frames;
	uint64_t wire_octets; /* of all, with FCS, preamble and gap */
	uint32_t longest;     /* octets captured, without FCS */
	uint32_t crc32c;      /* of all captured octets in order */
};

/*
 * Reads the whole capture. 0, or -errno with one line in err: as captures_open, or when it is
 * empty, or not of Ethernet frames.
 */
int traffic_scan(struct traffic *t, const char *path, char err[ERROR_LINE_MAX]);

/* Frames of one length without FCS. */
struct traffic traffic_uniform(uint32_t octets);

/* Octets of a frame on the wire, gap included. */
double traffic_wire_mean(const struct traffic *t);

/* Millions of frames of this mix that a link of so many Gb/s carries a second. */
double traffic_line_rate(const struct traffic *t, double gigabits);
