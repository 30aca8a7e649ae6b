/* SPDX-License-Identifier: BSD-3-Clause */

#include <string.h>

#include "reasm/stream_buffer.h"

/* First range that ends at or behind `at`: the one it would grow, or stand before. */
static uint32_t range_at(const struct stream_buffer *b, uint32_t at)
{
	uint32_t i = 0;

	while (i < b->ranges && b->range[i].to < at)
		i++;
	return i;
}

void stream_buffer_clear(struct stream_buffer *b)
{
	b->ranges = b->starts = b->origin = 0;
}

uint32_t stream_buffer_drop_last(struct stream_buffer *b)
{
	b->ranges--;
	return b->range[b->ranges].to - b->range[b->ranges].from;
}

/* Room for octets up to `to`: once in STREAM_SLACK octets that were read all are moved. */
static uint8_t *room_for(struct stream_buffer *b, uint32_t to)
{
	if (b->origin + to > sizeof(b->data)) {
		uint32_t end = b->ranges ? b->range[b->ranges - 1].to : 0;

		memmove(b->data, b->data + b->origin, end);
		b->origin = 0;
	}
	return b->data + b->origin;
}

uint32_t stream_buffer_add(struct stream_buffer *b, uint32_t from, const uint8_t *data, uint32_t n)
{
	uint32_t to = from + n, at = from, added = 0, first = range_at(b, from), last = first;
	struct stream_range joined = {from, to};

	/* Ranges that it touches are joined to one. */
	while (last < b->ranges && b->range[last].from <= to)
		last++;
	if (first == last && b->ranges == STREAM_RANGES_MAX)
		return UINT32_MAX;
	uint8_t *octets = room_for(b, to);
	for (uint32_t i = first; i <= last; i++) {
		uint32_t gap_end = i < last && b->range[i].from < to ? b->range[i].from : to;

		if (gap_end > at) {
			memcpy(octets + at, data + (at - from), gap_end - at);
			added += gap_end - at;
		}
		if (i < last && b->range[i].to > at)
			at = b->range[i].to;
	}
	if (first < last) {
		if (b->range[first].from < joined.from)
			joined.from = b->range[first].from;
		if (b->range[last - 1].to > joined.to)
			joined.to = b->range[last - 1].to;
	}
	memmove(&b->range[first + 1], &b->range[last], (b->ranges - last) * sizeof(b->range[0]));
	b->ranges = b->ranges - (last - first) + 1;
	b->range[first] = joined;
	return added;
}

void stream_buffer_mark(struct stream_buffer *b, uint32_t at)
{
	if (b->starts < STREAM_STARTS_MAX)
		b->start[b->starts++] = at;
}

/* The lowest marked start in from..to-1, or `to`. */
static uint32_t start_within(const struct stream_buffer *b, uint32_t from, uint32_t to)
{
	uint32_t lowest = to;

	for (uint32_t i = 0; i < b->starts; i++)
		if (b->start[i] >= from && b->start[i] < lowest)
			lowest = b->start[i];
	return lowest;
}

uint32_t stream_buffer_find(
	const struct stream_buffer *b, uint32_t from, bool (*fn)(const uint8_t *data, uint32_t n))
{
	uint32_t end = 0;

	for (uint32_t i = 0; i < b->ranges; i++) {
		struct stream_range r = b->range[i];
		uint32_t at = r.from >= from ? r.from : start_within(b, from, r.to);

		for (; at < r.to; at = start_within(b, at + 1, r.to))
			if (fn(stream_buffer_data(b) + at, r.to - at))
				return at;
		end = r.to;
	}
	return end;
}

uint32_t stream_buffer_ready(const struct stream_buffer *b)
{
	return b->ranges && b->range[0].from == 0 ? b->range[0].to : 0;
}

uint32_t stream_buffer_held(const struct stream_buffer *b)
{
	uint32_t held = 0;

	for (uint32_t i = 0; i < b->ranges; i++)
		held += b->range[i].to - b->range[i].from;
	return held;
}

uint32_t stream_buffer_shift(struct stream_buffer *b, uint32_t n)
{
	uint32_t taken = 0, kept = 0;

	for (uint32_t i = 0; i < b->ranges; i++) {
		struct stream_range r = b->range[i];

		if (r.to <= n) {
			taken += r.to - r.from;
			continue;
		}
		if (r.from < n) {
			taken += n - r.from;
			r.from = n;
		}
		b->range[kept++] = (struct stream_range){r.from - n, r.to - n};
	}
	b->ranges = kept;
	kept = 0;
	for (uint32_t i = 0; i < b->starts; i++)
		if (b->start[i] > n)
			b->start[kept++] = b->start[i] - n;
	b->starts = kept;
	b->origin = b->ranges ? b->origin + n : 0;
	return taken;
}
