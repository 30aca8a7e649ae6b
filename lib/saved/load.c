/* SPDX-License-Identifier: BSD-3-Clause */

#include "base/crc32c.h"
#include "detect/state.h"
#include "saved/load.h"

static bool head_pass(struct state_load *l, struct decoder *d)
{
	(void)d;
	return l->records == 0;
}

static bool domain_load(struct state_load *l, struct decoder *d)
{
	return store_restore_domain(l->store, d, l->psl, &l->domain, &l->restored);
}

static bool verdict_load(struct state_load *l, struct decoder *d)
{
	return detect_restore_verdict(l->detector, l->store, d, &l->verdict, &l->restored);
}

static bool candidate_load(struct state_load *l, struct decoder *d)
{
	return store_restore_candidate(l->store, d, &l->restored);
}

static bool door_load(struct state_load *l, struct decoder *d)
{
	return store_restore_door(l->store, d, &l->restored);
}

static bool reverse_load(struct state_load *l, struct decoder *d)
{
	return store_restore_reverse(l->store, d, &l->restored);
}

static bool end_load(struct state_load *l, struct decoder *d)
{
	l->ended = get_u64(d) == l->records && !d->bad;
	return l->ended;
}

const struct state_reader state_readers[] = {
	{
		.version = 1,
		.record =
			{
				[STATE_HEAD] = head_pass,
				[STATE_DOMAIN] = domain_load,
				[STATE_VERDICT] = verdict_load,
				[STATE_CANDIDATE] = candidate_load,
				[STATE_DOOR] = door_load,
				[STATE_REVERSE] = reverse_load,
				[STATE_END] = end_load,
			},
	},
};
const unsigned state_readers_count = sizeof(state_readers) / sizeof(state_readers[0]);

void state_load_begin(struct state_load *l, struct store *store, struct detector *detector,
	const struct psl *psl, const struct state_header *header, const struct state_head *head,
	const struct state_reader *reader)
{
	memset(l, 0, offsetof(struct state_load, domain));
	l->store = store;
	l->detector = detector;
	l->psl = psl && psl_fingerprint(psl) != head->psl ? psl : NULL;
	l->header = *header;
	l->reader = reader;
	store_restore_begin(store, head->now, head->since);
}

size_t state_load_feed(struct state_load *l, const uint8_t *octets, size_t len)
{
	struct decoder d = {.at = octets, .end = octets + len}, payload;
	uint8_t kind;

	while (l->fault == STATE_OK && !l->ended && get_record(&d, &kind, &payload)) {
		bool known = kind < STATE_KINDS && l->reader->record[kind];
		l->rejected += known && !l->reader->record[kind](l, &payload);
		l->records++;
	}
	size_t taken = (size_t)(d.at - octets);
	if (l->ended ? taken < len : len - taken >= STATE_RECORD_MAX)
		l->fault = STATE_RECORD;
	l->crc = crc32c(l->crc, octets, taken);
	l->octets += taken;
	return taken;
}

enum state_fault state_load_end(struct state_load *l)
{
	if (l->fault != STATE_OK)
		return l->fault;
	if (l->octets + STATE_HEADER != l->header.length)
		return l->fault = STATE_LENGTH;
	if (l->crc != l->header.crc)
		return l->fault = STATE_CHECKSUM;
	if (!l->ended)
		return l->fault = STATE_INCOMPLETE;
	detect_restore_end(l->store, &l->restored);
	return STATE_OK;
}
