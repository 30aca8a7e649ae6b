/* SPDX-License-Identifier: BSD-3-Clause */

#include "detect/state.h"
#include "saved/save.h"

/* Places looked at in one helping: each about a hundred KiB of the store. */
#define DOMAINS_A_HELPING 32u
#define CANDIDATES_A_HELPING 1024u
#define BUCKETS_A_HELPING 1024u
#define REVERSE_A_HELPING 1024u

enum phase {
	PHASE_HEAD,
	PHASE_FLAGGED,
	PHASE_DOMAINS,
	PHASE_VERDICTS,
	PHASE_CANDIDATES,
	PHASE_DOOR,
	PHASE_REVERSE,
	PHASE_END,
};

void state_save_begin(struct state_save *s, const struct store *store,
	const struct detector *detector, uint64_t psl)
{
	*s = (struct state_save){.store = store, .detector = detector, .psl = psl};
}

static unsigned head_save(struct state_save *s, struct encoder *e)
{
	uint8_t *start = record_begin(e, STATE_HEAD);
	struct hash_key sketch = store_sketch_key(s->store);

	put_u32(e, store_now(s->store));
	put_u64(e, sketch.a);
	put_u64(e, sketch.b);
	put_u64(e, s->psl);
	put_u32(e, store_since(s->store));
	s->walk.over = record_end(e, start);
	return s->walk.over;
}

static unsigned verdicts_save(struct state_save *s, struct encoder *e)
{
	unsigned from = s->verdict;

	s->verdict = detect_save(s->detector, from, e);
	s->walk.over = s->verdict == detect_verdicts(s->detector);
	return s->verdict - from;
}

/* How many records there were, so that a file that lost some is known. */
static unsigned end_save(struct state_save *s, struct encoder *e)
{
	uint8_t *start = record_begin(e, STATE_END);

	put_u64(e, s->records);
	s->over = s->walk.over = record_end(e, start);
	return 0;
}

static unsigned phase_save(struct state_save *s, struct encoder *e)
{
	struct store_walk *w = &s->walk;

	switch ((enum phase)s->phase) {
	case PHASE_HEAD:
		return head_save(s, e);
	case PHASE_FLAGGED:
	case PHASE_DOMAINS:
		return store_save_domains(
			s->store, w, s->phase == PHASE_FLAGGED, e, DOMAINS_A_HELPING);
	case PHASE_VERDICTS:
		return verdicts_save(s, e);
	case PHASE_CANDIDATES:
		return store_save_candidates(s->store, w, e, CANDIDATES_A_HELPING);
	case PHASE_DOOR:
		return store_save_door(s->store, w, e, BUCKETS_A_HELPING);
	case PHASE_REVERSE:
		return store_save_reverse(s->store, w, e, REVERSE_A_HELPING);
	case PHASE_END:
		return end_save(s, e);
	}
	return 0;
}

size_t state_save_fill(struct state_save *s, uint8_t *buffer, size_t room, bool *full)
{
	/* So that a helping of verdicts is one, too. */
	size_t most = room < 2 * (size_t)STATE_RECORD_MAX ? room : 2 * (size_t)STATE_RECORD_MAX;
	struct encoder e = {.at = buffer, .end = buffer + most};

	s->records += phase_save(s, &e);
	*full = e.full && most == room;
	if (s->walk.over && !s->over) {
		s->phase++;
		s->walk = (struct store_walk){0};
	}
	return (size_t)(e.at - buffer);
}
