/* SPDX-License-Identifier: BSD-3-Clause */

/* The reverse view as octets, and back. */

#include "store/state.h"
#include "store/store_internal.h"

static bool owners_put(struct encoder *e, const struct reverse_unit *u)
{
	uint8_t *start = record_begin(e, STATE_REVERSE);

	put_u64(e, u->unit);
	put_u32(e, u->day);
	put_list(e, u->keys, 8);
	for (unsigned i = 0; i < u->keys; i++)
		put_u64(e, u->key[i]);
	return record_end(e, start);
}

unsigned store_save_reverse(
	const struct store *st, struct store_walk *w, struct encoder *e, unsigned places)
{
	uint64_t entries = reverse_entries(st->reverse);
	unsigned n = 0;

	for (; w->at < entries && places > 0; w->at++, places--) {
		struct reverse_unit u;

		if (!reverse_at(st->reverse, w->at, &u))
			continue;
		if (!owners_put(e, &u))
			return n;
		n++;
	}
	w->over = w->at == entries;
	return n;
}

bool store_restore_reverse(struct store *st, struct decoder *in, struct state_restored *r)
{
	struct reverse_unit u = {.unit = get_u64(in)};
	u.day = get_u32(in);
	struct decoder_list l = get_list(in, 8);

	if (in->bad || u.unit == ADDRESS_NONE || u.day > st->now / DAY_SECONDS || l.count == 0 ||
		l.count > REVERSE_KEYS)
		return false;
	for (; u.keys < l.count; u.keys++) {
		struct decoder one = get_element(in, &l);
		u.key[u.keys] = get_u64(&one);
	}
	if (reverse_place(st->reverse, &u))
		r->reverse++;
	else
		r->reverse_lost++;
	return true;
}
