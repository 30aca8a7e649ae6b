/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

/*
 * The state of a sensor as one run of octets: what it takes to go on after a restart
 * as if nothing had been (docs/adr/0006). No address of a client is in it, for none
 * leaves a worker.
 *
 *   header   32 octets: magic, version, length of all, CRC-32C of what follows it,
 *            CRC-32C of the header itself
 *   records  as base/codec.h says; the first is the head, the last the end
 *
 * The version says how records are to be read, and rises when one changes its
 * meaning; fields and kinds of record may be added without. A reader knows all
 * versions up to its own.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/hash.h"
#include "detect/detect.h"
#include "store/state.h"

#define STATE_VERSION 1u
#define STATE_HEADER 32u
/* Header and head record are within so many octets. */
#define STATE_START 256u

/* Why a state is refused; X(enumerator, what is said of it). */
#define STATE_FAULTS(X) \
	X(STATE_OK, "whole") \
	X(STATE_EMPTY, "it is empty") \
	X(STATE_MAGIC, "it is no state of fluxgate") \
	X(STATE_HEADER_DAMAGED, "its header is damaged") \
	X(STATE_TOO_NEW, "it was written by a later version") \
	X(STATE_LENGTH, "it is cut, or longer than it says") \
	X(STATE_CHECKSUM, "its checksum is wrong") \
	X(STATE_RECORD, "a record in it is damaged") \
	X(STATE_INCOMPLETE, "records are missing in it") \
	X(STATE_FUTURE, "it is of a time to come")

enum state_fault {
#define X(name, text) name,
	STATE_FAULTS(X)
#undef X
		STATE_FAULT_COUNT
};

const char *state_fault_text(enum state_fault f);

struct state_header {
	uint32_t version;
	uint64_t length; /* of header and records */
	uint32_t crc;    /* of the records */
};

void state_header_put(uint8_t out[STATE_HEADER], const struct state_header *h);

/* What the first record says, and what must be known before tables are made. */
struct state_head {
	uint32_t now; /* end of the last epoch in it, seconds since 1970 */
	struct hash_key sketch;
	uint64_t psl;   /* psl_fingerprint of the list by which names were cut */
	uint32_t since; /* store_since */
};

struct state_load;

/* How records of one version are read; NULL: passed over. */
struct state_reader {
	uint32_t version;
	bool (*record[STATE_KINDS])(struct state_load *l, struct decoder *d);
};

/* All versions that this program reads, ascending. */
extern const struct state_reader state_readers[];
extern const unsigned state_readers_count;

/*
 * Reads header and head from the first octets of a file, STATE_START of them or all,
 * and finds the reader among `n`.
 */
enum state_fault state_open_octets(const uint8_t *octets, size_t len, uint64_t file_length,
	const struct state_reader *readers, unsigned n, struct state_header *header,
	struct state_head *head, const struct state_reader **reader);
