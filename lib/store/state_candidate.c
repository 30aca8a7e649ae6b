/* SPDX-License-Identifier: BSD-3-Clause */

/* A candidate without a full record as octets, and back. New fields go to the end. */

#include "store/state.h"
#include "store/store_internal.h"

#define UNIT_OCTETS 11u

static unsigned units_held(const struct candidate *c)
{
	return c->units < CANDIDATE_UNITS ? c->units : CANDIDATE_UNITS;
}

/* In the state the bitmap has 32 bits, as once in the table: two of them are one here. */
static uint32_t spread_put(uint16_t spread)
{
	uint32_t wide = 0;

	for (unsigned i = 0; i < 16; i++)
		wide |= (spread >> i & 1u) << 2 * i;
	return wide;
}

static uint16_t spread_get(uint32_t wide)
{
	unsigned spread = 0;

	for (unsigned i = 0; i < 16; i++)
		spread |= (wide >> 2 * i & 3) ? 1u << i : 0;
	return (uint16_t)spread;
}

static bool candidate_put(struct encoder *e, const struct candidate *c)
{
	uint8_t *start = record_begin(e, STATE_CANDIDATE);
	unsigned n = units_held(c);

	put_u64(e, c->key);
	put_u32(e, c->first);
	put_u32(e, c->last);
	put_u32(e, spread_put(c->spread));
	put_u32(e, c->ttl_max);
	put_u8(e, c->units == CANDIDATE_MORE); /* some were turned away */
	put_list(e, n, UNIT_OCTETS);
	for (unsigned i = 0; i < n; i++) {
		put_u64(e, c->unit[i]);
		put_u16(e, c->seen[i]);
		put_u8(e, c->grades >> 2 * i & 3);
	}
	put_u16(e, c->ns_spread);
	put_u8(e, c->ns_stage);
	return record_end(e, start);
}

unsigned store_save_candidates(
	const struct store *st, struct store_walk *w, struct encoder *e, unsigned places)
{
	uint64_t slots = (UINT64_C(1) << st->config.candidates_log2) + CANDIDATE_PROBE_MAX;
	unsigned n = 0;

	for (; w->at < slots && places > 0; w->at++, places--) {
		const struct candidate *c = &st->candidates[w->at];

		if (c->key == 0 || c->tracked)
			continue;
		if (!candidate_put(e, c))
			return n;
		n++;
	}
	w->over = w->at == slots;
	return n;
}

static void units_get(struct decoder *in, struct candidate *c, bool more)
{
	struct decoder_list l = get_list(in, UNIT_OCTETS);
	unsigned grades = 0;

	in->bad |= l.count > CANDIDATE_UNITS || (more && l.count < CANDIDATE_UNITS);
	for (unsigned i = 0; i < l.count && !in->bad; i++) {
		struct decoder one = get_element(in, &l);
		c->unit[i] = get_u64(&one);
		c->seen[i] = get_u16(&one);
		grades |= (get_u8(&one) & 3u) << 2 * i;
		for (unsigned k = 0; k < i; k++)
			in->bad |= c->unit[k] == c->unit[i];
		in->bad |= c->unit[i] == ADDRESS_NONE;
	}
	c->units = (more ? CANDIDATE_MORE : l.count) & 7;
	c->grades = grades & 0xff;
}

bool store_restore_candidate(struct store *st, struct decoder *in, struct state_restored *r)
{
	struct candidate c = {.key = get_u64(in)};

	c.first = get_u32(in);
	c.last = get_u32(in);
	c.spread = spread_get(get_u32(in));
	uint32_t ttl = get_u32(in);
	c.ttl_max = (ttl < CANDIDATE_TTL_MAX ? ttl : CANDIDATE_TTL_MAX) & CANDIDATE_TTL_MAX;
	units_get(in, &c, get_u8(in) != 0);
	/* States of before end here. */
	c.ns_spread = decoder_left(in) ? get_u16(in) : 0;
	unsigned stage = decoder_left(in) ? get_u8(in) : c.ns_spread ? NS_FIRST : 0;
	c.ns_stage = stage & NS_STAGE_MAX;
	if (in->bad || c.key == 0 || c.first > st->now || c.last > st->now ||
		stage > NS_STAGE_MAX || candidate_find(st, c.key))
		return false;
	if (candidate_place(st, &c))
		r->candidates++;
	else
		r->candidates_lost++;
	return true;
}
