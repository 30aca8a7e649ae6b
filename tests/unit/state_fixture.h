/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

/* A state as one piece of memory, and what it is taken into. */

#include "base/crc32c.h"
#include "saved/load.h"
#include "saved/save.h"
#include "tests/unit/store_fixture.h"

struct image {
	size_t len;
	uint8_t *octets;
};

/* A store and a detector of their own; `config` may differ from that of the state. */
struct restored {
	struct store_config config;
	unsigned verdicts;
	struct hash_key placement;
	struct detect_config detect;
	struct store *store;
	struct detector *detector;
	struct state_load load;
};

static inline void image_seal(struct image *i)
{
	state_header_put(
		i->octets, &(struct state_header){STATE_VERSION, i->len,
				   crc32c(0, i->octets + STATE_HEADER, i->len - STATE_HEADER)});
}

/* Saved in buffers of `chunk` octets. */
static inline struct image image_save(
	const struct store *st, const struct detector *t, uint64_t psl, size_t chunk)
{
	struct image i = {.len = STATE_HEADER, .octets = malloc(STATE_HEADER)};
	struct state_save s;
	uint8_t *buffer = malloc(chunk);
	size_t used = 0;

	state_save_begin(&s, st, t, psl);
	while (!s.over) {
		bool full;
		used += state_save_fill(&s, buffer + used, chunk - used, &full);
		if (!full && !s.over)
			continue;
		i.octets = realloc(i.octets, i.len + used);
		if (!i.octets || used == 0)
			abort();
		memcpy(i.octets + i.len, buffer, used);
		i.len += used;
		used = 0;
	}
	free(buffer);
	image_seal(&i);
	return i;
}

/* Made at the first call; emptied at each. */
static inline void restored_empty(struct restored *r, struct hash_key sketch)
{
	if (!r->store)
		r->store = test_memory(store_size(&r->config));
	if (!r->detector)
		r->detector = test_memory(detector_size(r->verdicts));
	store_init(r->store, &r->config, r->placement, sketch);
	detector_init(r->detector, r->verdicts, &r->detect);
}

/* Fed in pieces of at most `piece` octets behind what was left. */
static inline enum state_fault image_load(const uint8_t *octets, size_t len, struct restored *r,
	const struct psl *psl, const struct state_reader *readers, unsigned n, size_t piece)
{
	const struct state_reader *reader;
	struct state_header header;
	struct state_head head;
	size_t at = STATE_HEADER, end = STATE_HEADER;
	enum state_fault f = state_open_octets(octets, len < STATE_START ? len : STATE_START, len,
		readers, n, &header, &head, &reader);

	if (f != STATE_OK)
		return f;
	restored_empty(r, head.sketch);
	state_load_begin(&r->load, r->store, r->detector, psl, &header, &head, reader);
	while (end < len && r->load.fault == STATE_OK) {
		end = len - end < piece ? len : end + piece;
		at += state_load_feed(&r->load, octets + at, end - at);
	}
	return state_load_end(&r->load);
}

static inline void restored_free(struct restored *r)
{
	free(r->store);
	free(r->detector);
	r->store = NULL;
	r->detector = NULL;
}
