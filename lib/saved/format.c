/* SPDX-License-Identifier: BSD-3-Clause */

#include "base/crc32c.h"
#include "saved/format.h"

static const char magic[8] = {'F', 'L', 'X', 'S', 'T', 'A', 'T', 'E'};

const char *state_fault_text(enum state_fault f)
{
	static const char *const text[STATE_FAULT_COUNT] = {
#define X(name, words) [name] = words,
		STATE_FAULTS(X)
#undef X
	};
	return text[f];
}

void state_header_put(uint8_t out[STATE_HEADER], const struct state_header *h)
{
	struct encoder e = {.at = out, .end = out + STATE_HEADER};

	put_octets(&e, magic, sizeof(magic));
	put_u32(&e, h->version);
	put_u64(&e, h->length);
	put_u32(&e, h->crc);
	put_u32(&e, 0);
	put_u32(&e, crc32c(0, out, STATE_HEADER - 4));
}

static enum state_fault header_get(struct decoder *d, const uint8_t *octets, struct state_header *h)
{
	const uint8_t *mark = get_octets(d, sizeof(magic));

	h->version = get_u32(d);
	h->length = get_u64(d);
	h->crc = get_u32(d);
	get_u32(d);
	uint32_t crc = get_u32(d);
	/* A file that was only begun has zeros here. */
	if (!mark || d->bad || memcmp(mark, magic, sizeof(magic)) != 0)
		return STATE_MAGIC;
	return crc == crc32c(0, octets, STATE_HEADER - 4) ? STATE_OK : STATE_HEADER_DAMAGED;
}

/* The head is read alike in all versions: fields may be added at its end. */
static bool head_get(struct decoder *d, struct state_head *head)
{
	struct decoder payload;
	uint8_t kind;

	if (!get_record(d, &kind, &payload) || kind != STATE_HEAD)
		return false;
	head->now = get_u32(&payload);
	head->sketch.a = get_u64(&payload);
	head->sketch.b = get_u64(&payload);
	head->psl = get_u64(&payload);
	/* An older file has no such field: what is new is learned again. */
	head->since = decoder_left(&payload) >= 4 ? get_u32(&payload) : head->now;
	return !payload.bad;
}

enum state_fault state_open_octets(const uint8_t *octets, size_t len, uint64_t file_length,
	const struct state_reader *readers, unsigned n, struct state_header *header,
	struct state_head *head, const struct state_reader **reader)
{
	struct decoder d = {.at = octets, .end = octets + len};

	*reader = NULL;
	if (file_length == 0)
		return STATE_EMPTY;
	enum state_fault f = header_get(&d, octets, header);
	if (f != STATE_OK)
		return f;
	for (unsigned i = 0; i < n; i++)
		if (readers[i].version == header->version)
			*reader = &readers[i];
	if (!*reader)
		return header->version > readers[n - 1].version ? STATE_TOO_NEW : STATE_RECORD;
	if (header->length != file_length)
		return STATE_LENGTH;
	return head_get(&d, head) ? STATE_OK : STATE_RECORD;
}
