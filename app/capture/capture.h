/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

/*
 * Capture files as a source: pcap and pcapng by libpcap, gzip on the fly.
 *
 * Several files are read as one, merged by packet time (two legs of a tap are
 * two files), ties in the order of the arguments. Time as handed out never
 * goes backwards: a packet that is older than the one before it takes that
 * one's time, and is counted. A stamp more than a day ahead is taken for damage until
 * the next packet confirms it, or one bad stamp would end all windows.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "cli/exit.h"
#include "wire/wire.h"

#define CAPTURE_FILES_MAX 256u

struct captures;

/* One packet; data is valid until the next call on the same captures. */
struct capture_packet {
	const uint8_t *data;
	uint32_t caplen;
	uint32_t wirelen;  /* >= caplen */
	uint64_t time_ns;  /* since 1970, made monotone */
	uint64_t stamp_ns; /* since 1970, as it stands in the capture */
	uint32_t file;     /* index of the path */
	uint32_t frame;    /* 1-based number within its file */
	enum wire_link link;
};

struct capture_facts {
	uint32_t files;
	uint64_t packets;
	uint64_t first_ns; /* of the first packet handed out; 0: none */
	uint64_t last_ns;
	uint64_t backwards;    /* packets whose time was moved forwards */
	uint64_t leaps;        /* stamps more than a day ahead that no packet behind confirmed */
	uint64_t octets_total; /* of the files on disk, for a progress bar */
	uint64_t octets_read;
	uint32_t cut; /* files that end within a packet, or are damaged behind a good part */
	char cut_note[ERROR_LINE_MAX]; /* one line about the first such file; "" when none */
};

/*
 * Opens all files (at most CAPTURE_FILES_MAX) before anything is read. 0, or
 * -errno with one line in err naming file and cause: not readable, no capture,
 * a link type that is not supported (by its name), empty file. A capture with
 * a header and no packets is fine.
 */
int captures_open(
	struct captures **out, const char *const paths[], unsigned n, char *err, size_t err_size);

/*
 * Next packet in time order: 1, or 0 at the end. A file that is cut or damaged
 * ends where it does; facts say so.
 */
int captures_next(struct captures *c, struct capture_packet *out);

const struct capture_facts *captures_facts(const struct captures *c);
const char *captures_path(const struct captures *c, uint32_t file);
void captures_close(struct captures *c);
