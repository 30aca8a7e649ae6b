/* SPDX-License-Identifier: BSD-3-Clause */

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "export/gate.h"

/* An owner that stands for all names below has two octets more: "*". */
#define WILDCARD_OCTETS 2u

void gate_init(struct gate *g)
{
	memset(g, 0, sizeof(*g));
}

void gate_free(struct gate *g)
{
	free(g->entry);
	free(g->before);
	gate_init(g);
}

void gate_cold(struct gate *g, uint32_t now)
{
	g->watching_since = now;
}

static int name_order(const uint8_t *a, uint8_t a_len, const uint8_t *b, uint8_t b_len)
{
	return a_len != b_len ? (int)a_len - (int)b_len : memcmp(a, b, a_len);
}

static int entry_order(const void *a, const void *b)
{
	const struct gate_entry *x = a, *y = b;

	return name_order(x->name, x->name_len, y->name, y->name_len);
}

void gate_seal(struct gate *g)
{
	if (g->n)
		qsort(g->entry, g->n, sizeof(g->entry[0]), entry_order);
}

const struct gate_entry *gate_find(
	const struct gate_entry *entry, unsigned n, const uint8_t *name, uint8_t len)
{
	unsigned low = 0, high = n;

	while (low < high) {
		unsigned mid = low + (high - low) / 2;
		const struct gate_entry *e = &entry[mid];
		int order = name_order(e->name, e->name_len, name, len);

		if (order == 0)
			return e;
		if (order < 0)
			low = mid + 1;
		else
			high = mid;
	}
	return NULL;
}

/* Is `below` the name `above`, or a name below it? */
static bool name_below(const struct dns_name *below, const struct dns_name *above)
{
	if (below->labels < above->labels)
		return false;
	unsigned at = below->label[below->labels - above->labels];

	return below->len - at == above->len &&
	       memcmp(below->wire + at, above->wire, above->len) == 0;
}

static bool is_own(const struct gate_guards *guards, const struct dns_name *name)
{
	for (unsigned i = 0; i < guards->own_zones; i++)
		if (name_below(name, &guards->own_zone[i]) ||
			name_below(&guards->own_zone[i], name))
			return true;
	return false;
}

static bool is_top(const struct gate_guards *guards, const uint8_t *name, size_t len)
{
	for (unsigned i = 0; i < sizeof(guards->top) / sizeof(guards->top[0]); i++)
		if (lists_find(guards->top[i], name, len) != LISTED_NOT)
			return true;
	return false;
}

/*
 * "*.com" in the zone would refuse all of com, and what ends in "rpz-ip" and the like is a
 * trigger of another kind.
 */
static bool is_special(const struct dns_name *name)
{
	static const uint8_t trigger[] = {'r', 'p', 'z', '-'};
	const uint8_t *last = name->wire + name->label[name->labels - 1];

	for (unsigned i = 0; i < name->labels; i++) {
		const uint8_t *label = name->wire + name->label[i];
		if (label[0] == 1 && label[1] == '*')
			return true;
	}
	return last[0] >= sizeof(trigger) && memcmp(last + 1, trigger, sizeof(trigger)) == 0;
}

static enum gate_reason protects(const struct gate_guards *guards, const struct dns_name *name)
{
	int registered = psl_registered(guards->psl, name);

	if (registered < 0 || psl_above(guards->psl, name))
		return GATE_SUFFIX;
	if (is_own(guards, name))
		return GATE_OWN;
	unsigned at = name->label[registered];
	if (is_top(guards, name->wire + at, name->len - at))
		return GATE_TOP;
	if (guards->allowed && guards->allowed(guards->allowed_ctx, name))
		return GATE_ALLOWED;
	if (is_special(name))
		return GATE_SPECIAL;
	if (name->len - 1 + WILDCARD_OCTETS + guards->zone_octets > DNS_NAME_MAX)
		return GATE_LONG;
	return GATE_LISTED;
}

enum gate_reason gate_protects(const struct gate_guards *guards, const uint8_t *name, uint8_t len)
{
	struct dns_name whole;

	/* No name at all is none that may be blocked. */
	if (dns_name_decode(name, len, 0, &whole) != len)
		return GATE_SPECIAL;
	return protects(guards, &whole);
}

static void clamp(uint32_t *t, uint32_t now)
{
	if (*t > now)
		*t = now;
}

static void later(uint32_t *t, uint32_t by)
{
	if (*t)
		*t += by;
}

/* What was waited for goes on from where it stood when the sensor last watched. */
static void waits_move(struct gate *g, const struct gate_config *config, uint32_t now)
{
	uint32_t passed = g->time && now > g->time ? now - g->time : 0;
	uint32_t by = passed > config->step_max ? passed - config->step_max : 0;

	later(&g->watching_since, by);
	later(&g->frozen_since, by);
	for (unsigned i = 0; i < g->additions; i++)
		later(&g->addition[i], by);
	for (unsigned i = 0; i < g->n; i++)
		if (!g->entry[i].listed_since)
			later(&g->entry[i].firm_since, by);
	g->time = now;
}

/* Forgets additions of more than an hour ago, and ends a freeze that is over. */
static void hour_advance(struct gate *g, const struct gate_config *config, uint32_t now)
{
	unsigned gone = 0;

	clamp(&g->watching_since, now);
	clamp(&g->frozen_since, now);
	for (unsigned i = 0; i < g->additions; i++)
		clamp(&g->addition[i], now);
	while (gone < g->additions && now - g->addition[gone] >= GATE_HOUR)
		gone++;
	g->additions -= gone;
	memmove(g->addition, g->addition + gone, g->additions * sizeof(g->addition[0]));
	if (g->frozen_since &&
		(now - g->frozen_since >= GATE_HOUR || config->additions_per_hour > g->frozen_at))
		g->frozen_since = 0;
}

static enum gate_reason add(
	struct gate *g, const struct gate_config *config, struct gate_entry *e, uint32_t now)
{
	if (!g->frozen_since && g->additions >= config->additions_per_hour) {
		g->frozen_since = now;
		g->frozen_at = config->additions_per_hour;
	}
	if (g->frozen_since)
		return GATE_FROZEN;
	g->addition[g->additions++] = now;
	e->listed_since = now;
	return GATE_LISTED;
}

/* The time of changes that a step finds. */
static uint32_t change_time(const struct gate *g, uint32_t now)
{
	uint32_t last = now;

	for (unsigned i = 0; i < g->n; i++)
		if (g->entry[i].protection_time > last)
			last = g->entry[i].protection_time;
	return last < UINT32_MAX ? last + 1 : last;
}

static void protection_note(struct gate_entry *e, uint32_t changed)
{
	uint8_t by = e->reason < GATE_SUSPECTED ? e->reason : (uint8_t)GATE_LISTED;

	if (e->protection_time && e->protection == by)
		return;
	e->protection = by;
	e->protection_time = changed;
}

static enum gate_reason decide(struct gate *g, const struct gate_config *config,
	const struct gate_guards *guards, struct gate_entry *e, uint32_t now)
{
	enum gate_reason protected = gate_protects(guards, e->name, e->name_len);

	if (protected != GATE_LISTED) {
		e->listed_since = 0;
		return protected;
	}
	if (e->listed_since)
		return GATE_LISTED;
	if (!e->firm_since)
		return GATE_SUSPECTED;
	if (now - e->firm_since < config->min_age)
		return GATE_MIN_AGE;
	if (g->watching_since && now - g->watching_since < config->warmup)
		return GATE_WARMUP;
	return add(g, config, e, now);
}

static void entry_take(struct gate_entry *e, const struct gate *g, const struct gate_candidate *c,
	bool firm, uint32_t now)
{
	const struct gate_entry *before = gate_find(g->entry, g->n, c->name, c->name_len);

	e->name_len = c->name_len;
	memcpy(e->name, c->name, c->name_len);
	if (before) {
		e->firm_since = before->firm_since;
		e->listed_since = before->listed_since;
		e->protection_time = before->protection_time;
		e->protection = before->protection;
	}
	clamp(&e->firm_since, now);
	clamp(&e->listed_since, now);
	if (!firm)
		e->firm_since = 0;
	else if (!e->firm_since)
		e->firm_since = now;
}

int gate_step(struct gate *g, const struct gate_config *config, const struct gate_guards *guards,
	const struct gate_candidate *candidate, unsigned n, uint32_t now)
{
	struct gate_entry *entry = calloc(n ? n : 1, sizeof(*entry));

	if (!entry)
		return -ENOMEM;
	waits_move(g, config, now);
	hour_advance(g, config, now);
	uint32_t changed = change_time(g, now);
	for (unsigned i = 0; i < n; i++) {
		const struct gate_candidate *c = &candidate[i];

		entry_take(&entry[i], g, c, config->suspected || !c->suspected, now);
		entry[i].reason = (uint8_t)decide(g, config, guards, &entry[i], now);
		protection_note(&entry[i], changed);
	}
	free(g->before);
	g->before = g->entry;
	g->before_n = g->n;
	g->entry = entry;
	g->n = n;
	gate_seal(g);
	return 0;
}

const char *gate_reason_name(enum gate_reason r)
{
	static const char *const names[] = {
#define X(name, text) [name] = text,
		GATE_REASONS(X)
#undef X
	};
	return names[r];
}
