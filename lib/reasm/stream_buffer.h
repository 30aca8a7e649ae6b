/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

/* Octets of a stream that wait: which of the next STREAM_WINDOW are there, and the octets. */

#include <stdbool.h>
#include <stdint.h>

#include "reasm/stream.h"

/* Octets are moved to the front when so many before them were read. */
#define STREAM_SLACK 16384u

struct stream_range {
	uint32_t from;
	uint32_t to;
};

struct stream_buffer {
	uint64_t
		hole_ms; /* since when octets before the first range are missing; 0: they are not */
	uint32_t stream; /* whose it is */
	uint32_t ranges; /* in order, apart from each other */
	struct stream_range range[STREAM_RANGES_MAX];
	uint32_t starts; /* in start[], in no order */
	uint32_t start[STREAM_STARTS_MAX];
	uint32_t origin; /* of the octets in data[]: what was read is not moved over at once */
	uint8_t data[(STREAM_WINDOW + STREAM_SLACK + 63) / 64 * 64];
};

/* The octets; those that are not in a range are nothing. Good until the next addition. */
static inline const uint8_t *stream_buffer_data(const struct stream_buffer *b)
{
	return b->data + b->origin;
}

/* Whether octets are missing before some that are there. */
static inline bool stream_buffer_has_hole(const struct stream_buffer *b)
{
	return b->ranges > 1 || (b->ranges == 1 && b->range[0].from > 0);
}

/* Empties it. */
void stream_buffer_clear(struct stream_buffer *b);

/* Takes the last range away; the octets that were there. */
uint32_t stream_buffer_drop_last(struct stream_buffer *b);

/*
 * Adds n octets at `from` (from + n <= STREAM_WINDOW), those that are there already being
 * left as they are. The octets that were new, or UINT32_MAX when there are too many ranges.
 */
uint32_t stream_buffer_add(struct stream_buffer *b, uint32_t from, const uint8_t *data, uint32_t n);

/*
 * Remembers that a segment starts at `at`: a message is likely to. There is room for
 * STREAM_STARTS_MAX of them.
 */
void stream_buffer_mark(struct stream_buffer *b, uint32_t at);

/*
 * The first place at or behind `from` where a range or a segment starts, and what is there is
 * accepted by `fn`, which gets the octets up to the range's end; the end of the last range where
 * there is none.
 */
uint32_t stream_buffer_find(
	const struct stream_buffer *b, uint32_t from, bool (*fn)(const uint8_t *data, uint32_t n));

/* Octets that are there from the start on. */
uint32_t stream_buffer_ready(const struct stream_buffer *b);

/* Octets that are there at all. */
uint32_t stream_buffer_held(const struct stream_buffer *b);

/* Takes the first n octets away, there or not; the octets that were there. */
uint32_t stream_buffer_shift(struct stream_buffer *b, uint32_t n);
