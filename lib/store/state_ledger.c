/* SPDX-License-Identifier: BSD-3-Clause */

/* A ledger as the end of its domain's record, and back. New fields go to the end of a list's
 * element. */

#include "store/state.h"
#include "store/store_internal.h"

#define HEAD_OCTETS 12u
#define MARK_OCTETS 12u
#define MARK_GRADE 3u
#define MARK_BRIEF 4u
#define MARK_EARLY 8u

static void mark_put(struct encoder *e, const struct ledger_mark *k)
{
	put_u32(e, k->hash);
	put_u32(e, k->hours);
	put_u16(e, k->slots);
	put_u8(e, k->server);
	put_u8(e, (uint8_t)(k->grade | (k->brief ? MARK_BRIEF : 0) | (k->early ? MARK_EARLY : 0)));
}

void ledger_put(struct encoder *e, const struct ledger *l)
{
	put_list(e, l ? 1 : 0, HEAD_OCTETS);
	if (!l)
		return;
	put_u32(e, l->since);
	put_u32(e, l->slot);
	put_u32(e, l->hour);
	put_list(e, STORE_HOURS, 4);
	for (unsigned i = 0; i < STORE_HOURS; i++)
		put_u32(e, l->hour_threshold[i]);
	put_list(e, l->marks, MARK_OCTETS);
	for (unsigned i = 0; i < l->marks; i++)
		mark_put(e, &l->mark[i]);
}

static void mark_get(struct decoder *in, struct ledger_mark *k)
{
	*k = (struct ledger_mark){.hash = get_u32(in)};
	k->hours = get_u32(in);
	k->slots = get_u16(in);
	k->server = get_u8(in);
	unsigned flags = get_u8(in);
	k->grade = flags & MARK_GRADE;
	k->brief = (flags & MARK_BRIEF) != 0;
	k->early = (flags & MARK_EARLY) != 0;
}

static void lists_get(struct decoder *in, struct ledger *l)
{
	struct decoder_list thresholds = get_list(in, 4), marks;

	memset(l->hour_threshold, 0xff, sizeof(l->hour_threshold));
	in->bad |= thresholds.count > STORE_HOURS;
	for (unsigned i = 0; i < thresholds.count && !in->bad; i++) {
		struct decoder one = get_element(in, &thresholds);
		l->hour_threshold[i] = get_u32(&one);
	}
	l->marks = 0;
	marks = get_list(in, MARK_OCTETS);
	in->bad |= marks.count > LEDGER_MARKS;
	for (unsigned i = 0; i < marks.count && !in->bad; i++) {
		struct decoder one = get_element(in, &marks);
		mark_get(&one, &l->mark[l->marks++]);
	}
}

/* What the code relies on: order, activity, times that have passed. */
static bool ledger_fits(const struct store *st, const struct domain *d, const struct ledger *l)
{
	if (l->since > st->now || l->slot > d->slot || l->hour > d->hour ||
		l->hour != l->slot / (STORE_HOUR_SECONDS / STORE_SLOT_SECONDS))
		return false;
	for (unsigned i = 0; i < STORE_HOURS; i++)
		if (l->hour_threshold[i] == 0)
			return false;
	for (unsigned i = 0; i < l->marks; i++)
		if (l->mark[i].hours == 0 || (i > 0 && l->mark[i].hash <= l->mark[i - 1].hash))
			return false;
	return true;
}

bool ledger_get(const struct store *st, struct decoder *in, const struct domain *d,
	struct ledger *out, bool *has)
{
	*has = false;
	/* A record of a program before ends here. */
	if (decoder_left(in) == 0)
		return true;
	struct decoder_list head = get_list(in, HEAD_OCTETS);
	in->bad |= head.count > 1;
	if (in->bad || head.count == 0)
		return !in->bad;
	struct decoder one = get_element(in, &head);
	out->key = d->key;
	out->since = get_u32(&one);
	out->slot = get_u32(&one);
	out->hour = get_u32(&one);
	lists_get(in, out);
	*has = true;
	return !in->bad && ledger_fits(st, d, out);
}
