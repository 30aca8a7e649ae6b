/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

/*
 * Fields into octets and back: little-endian, one after the other, no padding.
 *
 * Both cursors keep their error: a put without room and a get beyond the end do
 * nothing, give 0 and say so in `full` or `bad`, which is asked once, at the end.
 *
 *   record   kind (8 bits), length (32), that many octets
 *   list     count (16 bits), octets of an element (16), the elements
 *
 * A reader passes over what it does not know at the end of a record or element,
 * so fields may be added there.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#define RECORD_HEADER 5u

struct encoder {
	uint8_t *at, *end;
	bool full;
};

struct decoder {
	const uint8_t *at, *end;
	bool bad;
};

static inline size_t encoder_room(const struct encoder *e)
{
	return (size_t)(e->end - e->at);
}

static inline size_t decoder_left(const struct decoder *d)
{
	return (size_t)(d->end - d->at);
}

/* The n low octets of v, n in 1..8. */
static inline void put_uint(struct encoder *e, uint64_t v, unsigned n)
{
	if (encoder_room(e) < n) {
		e->full = true;
		return;
	}
	for (unsigned i = 0; i < n; i++)
		*e->at++ = (uint8_t)(v >> 8 * i);
}

static inline void put_u8(struct encoder *e, uint8_t v)
{
	put_uint(e, v, 1);
}

static inline void put_u16(struct encoder *e, uint16_t v)
{
	put_uint(e, v, 2);
}

static inline void put_u32(struct encoder *e, uint32_t v)
{
	put_uint(e, v, 4);
}

static inline void put_u64(struct encoder *e, uint64_t v)
{
	put_uint(e, v, 8);
}

/* By its bits, so that it comes back the same. */
static inline void put_double(struct encoder *e, double v)
{
	uint64_t bits;

	memcpy(&bits, &v, sizeof(bits));
	put_u64(e, bits);
}

static inline void put_octets(struct encoder *e, const void *p, size_t n)
{
	if (encoder_room(e) < n) {
		e->full = true;
		return;
	}
	memcpy(e->at, p, n);
	e->at += n;
}

static inline void put_list(struct encoder *e, unsigned count, unsigned octets)
{
	put_u16(e, (uint16_t)count);
	put_u16(e, (uint16_t)octets);
}

/* Length and octets of a text. */
static inline void put_text(struct encoder *e, const void *text, size_t n)
{
	put_u16(e, (uint16_t)n);
	put_octets(e, text, n);
}

/* Begins a record; its start is to be given to record_end. */
static inline uint8_t *record_begin(struct encoder *e, uint8_t kind)
{
	uint8_t *start = e->at;

	put_u8(e, kind);
	put_u32(e, 0);
	return start;
}

/* Completes a record; one that found no room is taken back, and false returns. */
static inline bool record_end(struct encoder *e, uint8_t *start)
{
	if (e->full) {
		e->at = start;
		return false;
	}
	struct encoder length = {.at = start + 1, .end = start + RECORD_HEADER};
	put_u32(&length, (uint32_t)(e->at - start - RECORD_HEADER));
	return true;
}

static inline uint64_t get_uint(struct decoder *d, unsigned n)
{
	uint64_t v = 0;

	if (decoder_left(d) < n) {
		d->bad = true;
		d->at = d->end;
		return 0;
	}
	for (unsigned i = 0; i < n; i++)
		v |= (uint64_t)*d->at++ << 8 * i;
	return v;
}

static inline uint8_t get_u8(struct decoder *d)
{
	return (uint8_t)get_uint(d, 1);
}

static inline uint16_t get_u16(struct decoder *d)
{
	return (uint16_t)get_uint(d, 2);
}

static inline uint32_t get_u32(struct decoder *d)
{
	return (uint32_t)get_uint(d, 4);
}

static inline uint64_t get_u64(struct decoder *d)
{
	return get_uint(d, 8);
}

static inline double get_double(struct decoder *d)
{
	uint64_t bits = get_u64(d);
	double v;

	memcpy(&v, &bits, sizeof(v));
	return v;
}

/* The next n octets; NULL when there are fewer. */
static inline const uint8_t *get_octets(struct decoder *d, size_t n)
{
	const uint8_t *p = d->at;

	if (decoder_left(d) < n) {
		d->bad = true;
		d->at = d->end;
		return NULL;
	}
	d->at += n;
	return p;
}

/* A text of at most `most` octets, or NULL; a longer one is bad. */
static inline const uint8_t *get_text(struct decoder *d, size_t most, size_t *n)
{
	*n = get_u16(d);
	if (*n > most)
		d->bad = true;
	return d->bad ? NULL : get_octets(d, *n);
}

struct decoder_list {
	unsigned count;
	unsigned octets; /* of an element */
};

/* A list that is wholly there, else one of nothing. Elements are at least `least` octets long. */
static inline struct decoder_list get_list(struct decoder *d, unsigned least)
{
	struct decoder_list l;

	l.count = get_u16(d);
	l.octets = get_u16(d);
	if (l.count && (l.octets < least || decoder_left(d) / l.octets < l.count))
		d->bad = true;
	if (d->bad)
		l.count = 0;
	return l;
}

/* The next element, which get_list said is there. */
static inline struct decoder get_element(struct decoder *d, const struct decoder_list *l)
{
	const uint8_t *p = get_octets(d, l->octets);

	return (struct decoder){.at = p, .end = p ? p + l->octets : p, .bad = !p};
}

/* 1: a whole record, its payload in *payload; 0: more octets are needed. Nothing is bad here. */
static inline int get_record(struct decoder *d, uint8_t *kind, struct decoder *payload)
{
	struct decoder head = *d;

	*kind = get_u8(&head);
	uint32_t length = get_u32(&head);
	if (head.bad || decoder_left(&head) < length)
		return 0;
	*payload = (struct decoder){.at = head.at, .end = head.at + length};
	d->at = head.at + length;
	return 1;
}
