/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * Reads a generated capture back by the letter of the RFCs and shares nothing with the generator,
 * so that a mistake there does not excuse itself here.
 */

struct reader_packet {
	uint64_t time;   /* ns */
	size_t wire_len; /* without FCS */
	bool v6, response, checksums_valid, tunnelled;
	uint16_t id, source_port, target_port;
	uint8_t source[16], target[16];
	char question[256]; /* lower case, dotted */
	uint16_t question_type;
	uint8_t rcode;
	uint32_t answer_count;
	struct {
		uint16_t type;
		uint32_t ttl;
		char owner[256];
		uint8_t address[16]; /* of A and AAAA */
	} answers[40];
};

/* Called for each packet in the order of the file. */
typedef void (*reader_fn)(const struct reader_packet *packet, void *context);

/* Number of packets read, or -1 when one is not what a generated packet must be. */
long reader_run(const char *path, reader_fn each, void *context);
