/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

#include <pcap/pcap.h>
#include <stdbool.h>
#include <stdint.h>

#include "frame.h"
#include "heap.h"

/* A capture file whose packets are in the order of time though they are made ahead of it. */

struct capture {
	pcap_t *pcap;
	pcap_dumper_t *dumper;
	char *buffer;        /* of the output stream */
	struct heap waiting; /* packets later than now */
	uint64_t now;        /* ns: everything up to here is written */
	bool nanoseconds;
	int error; /* -errno of the first write that failed; nothing is written after it */
};

/* 0 or -errno; on 0 end with capture_close(). */
int capture_open(struct capture *capture, const char *path, bool nanoseconds);

/* Adds a packet not earlier than the last capture_advance(). 0 or -errno. */
int capture_add(struct capture *capture, uint64_t time, const struct frame *frame);

/* Writes all packets up to a time; none earlier may be added afterwards. */
void capture_advance(struct capture *capture, uint64_t time);

/* Writes what waits and closes the file; 0 or -errno of the first failed write. */
int capture_close(struct capture *capture);
