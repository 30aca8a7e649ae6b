/* SPDX-License-Identifier: BSD-3-Clause */

/*
 * A verdict as octets, and back. Classes, windows and reasons go by their names, features
 * by their place in detect/columns.h. Name and first_flagged
 * are those of the record; how many a campaign counts is found at the next epoch.
 */

#include <math.h>

#include "detect/activity.h"
#include "detect/detector.h"
#include "detect/rules.h"
#include "detect/state.h"

#define SAMPLE_OCTETS 23u
#define SAMPLE_OCTETS_LEAST 22u /* before it was kept whose subscriber's an address is */
#define CODE_MAX 63u

static void name_put(struct encoder *e, const char *name)
{
	put_text(e, name, strlen(name));
}

static void features_put(struct encoder *e, const struct features *f)
{
	put_list(e, FEATURE_COUNT, 8);
	for (unsigned i = 0; i < FEATURE_COUNT; i++)
		put_double(e, feature_get(f, i));
	put_u8(e, f->top_server);
}

static void features_get(struct decoder *in, struct features *f)
{
	struct decoder_list l = get_list(in, 8);

	for (unsigned i = 0; i < l.count; i++) {
		struct decoder one = get_element(in, &l);
		double v = get_double(&one);
		in->bad |= !isfinite(v);
		if (i < FEATURE_COUNT)
			feature_set(f, i, v);
	}
	f->top_server = get_u8(in);
}

static void sample_put(struct encoder *e, const struct domain_item *it)
{
	put_u64(e, it->unit);
	put_u32(e, it->asn);
	put_octets(e, it->country, sizeof(it->country));
	put_u32(e, it->first);
	put_u32(e, it->last);
	put_u8(e, it->own);
}

static void samples_get(struct decoder *in, struct verdict *v, uint32_t now)
{
	struct decoder_list l = get_list(in, SAMPLE_OCTETS_LEAST);

	in->bad |= l.count > VERDICT_SAMPLE_MAX;
	for (unsigned i = 0; i < l.count && !in->bad; i++) {
		struct decoder one = get_element(in, &l);
		struct domain_item *it = &v->sample[v->samples++];
		it->unit = get_u64(&one);
		it->asn = get_u32(&one);
		memcpy(it->country, get_octets(&one, sizeof(it->country)), sizeof(it->country));
		it->first = get_u32(&one);
		it->last = get_u32(&one);
		it->own = decoder_left(&one) && get_u8(&one);
		in->bad |= !domain_item_fits(it, now);
	}
}

static void reason_put(struct encoder *e, const struct reason *r)
{
	name_put(e, r->code);
	put_double(e, r->value);
	put_double(e, r->threshold);
	name_put(e, r->text);
}

/* One whose code this program does not know is left out: its rules are others. */
static void reason_get(struct decoder *in, struct verdict *v)
{
	size_t code_len = 0, text_len = 0;
	const uint8_t *code = get_text(in, CODE_MAX, &code_len);
	struct reason r = {.value = get_double(in)};
	r.threshold = get_double(in);
	const uint8_t *text = get_text(in, sizeof(r.text) - 1, &text_len);

	if (in->bad)
		return;
	for (size_t i = 0; i < text_len; i++)
		in->bad |= text[i] < 0x20 || text[i] > 0x7e;
	in->bad |= !isfinite(r.value) || !isfinite(r.threshold);
	memcpy(r.text, text, text_len);
	r.code = clause_spelled(code, code_len);
	if (!r.code)
		r.code = model_spelled(code, code_len);
	if (!r.code)
		r.code = lists_spelled(code, code_len);
	if (r.code && !in->bad && v->reasons < VERDICT_REASONS_MAX)
		v->reason[v->reasons++] = r;
}

static bool verdict_put(struct encoder *e, const struct verdict *v)
{
	uint8_t *start = record_begin(e, STATE_VERDICT);

	put_u64(e, v->key);
	name_put(e, flux_class_name(v->class));
	name_put(e, flux_window_name(v->window));
	put_u8(e, v->suspected);
	put_double(e, v->score);
	put_double(e, v->confidence);
	put_u32(e, v->evaluated);
	put_u32(e, v->first_seen);
	put_u32(e, v->last_seen);
	put_u64(e, v->campaign.id);
	put_u32(e, v->campaign.since);
	put_u32(e, v->campaign.linked);
	features_put(e, &v->features);
	put_list(e, v->samples, SAMPLE_OCTETS);
	for (unsigned i = 0; i < v->samples; i++)
		sample_put(e, &v->sample[i]);
	put_u8(e, (uint8_t)v->reasons);
	for (unsigned i = 0; i < v->reasons; i++)
		reason_put(e, &v->reason[i]);
	return record_end(e, start);
}

unsigned detect_save(const struct detector *t, unsigned i, struct encoder *e)
{
	while (i < detect_verdicts(t) && verdict_put(e, detect_verdict(t, i)))
		i++;
	return i;
}

/* Number of the name, or n: none of these. */
static unsigned name_get(struct decoder *in, unsigned n, const char *(*name)(unsigned))
{
	size_t len = 0;
	const uint8_t *text = get_text(in, CODE_MAX, &len);

	for (unsigned i = 0; i < n && text; i++)
		if (strlen(name(i)) == len && memcmp(name(i), text, len) == 0)
			return i;
	return n;
}

static const char *class_name(unsigned i)
{
	return flux_class_name((enum flux_class)i);
}

static const char *window_name(unsigned i)
{
	return flux_window_name((enum flux_window)i);
}

static bool verdict_get(struct decoder *in, struct verdict *v, uint32_t now)
{
	memset(v, 0, sizeof(*v));
	v->key = get_u64(in);
	v->class = (enum flux_class)name_get(in, FLUX_CLASS_COUNT, class_name);
	v->window = (enum flux_window)name_get(in, FLUX_WINDOW_COUNT, window_name);
	v->suspected = get_u8(in) != 0;
	v->score = get_double(in);
	v->confidence = get_double(in);
	v->evaluated = get_u32(in);
	v->first_seen = get_u32(in);
	v->last_seen = get_u32(in);
	v->campaign.id = get_u64(in);
	v->campaign.since = get_u32(in);
	v->campaign.linked = get_u32(in);
	features_get(in, &v->features);
	v->features.window = v->window;
	samples_get(in, v, now);
	unsigned reasons = get_u8(in);
	for (unsigned i = 0; i < reasons && !in->bad; i++)
		reason_get(in, v);
	return !in->bad && v->class > FLUX_NONE && v->class < FLUX_CLASS_COUNT &&
	       v->window < FLUX_WINDOW_COUNT && v->score >= 0 && v->score <= 100 &&
	       v->confidence >= 0 && v->confidence <= 1 && v->evaluated <= now &&
	       v->campaign.since <= now && v->campaign.linked <= now;
}

bool detect_restore_verdict(struct detector *t, struct store *st, struct decoder *in,
	struct verdict *image, struct state_restored *r)
{
	if (!verdict_get(in, image, store_now(st)))
		return false;
	struct domain *d = store_find(st, image->key);

	if (d && d->verdict.slot)
		return false;
	struct verdict *v = d && domain_flagged(d) ? detect_place(t, d) : NULL;
	if (!v) {
		r->verdicts_lost++;
		return true;
	}
	image->first_flagged = d->verdict.first_flagged;
	image->name_len = d->name_len;
	memcpy(image->name, d->name, d->name_len);
	image->probability = model_probability(&t->scorer.model, &image->features);
	*v = *image;
	activity_tell(d, st, v->window, &v->activity);
	d->verdict.class = (uint8_t)v->class;
	r->verdicts++;
	return true;
}

/* It may be raised again at its next evaluation. */
static void unflag(void *ctx, struct domain *d)
{
	struct state_restored *r = ctx;

	if (!domain_flagged(d) || d->verdict.slot)
		return;
	d->verdict.first_flagged = 0;
	d->verdict.class = FLUX_NONE;
	r->verdicts_lost++;
}

void detect_restore_end(struct store *st, struct state_restored *r)
{
	store_each(st, unflag, r);
}
