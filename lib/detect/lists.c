/* SPDX-License-Identifier: BSD-3-Clause */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "detect/lists.h"
#include "detect/rules.h"
#include "psl/list.h"

static const char popular_code[] = "popular";
static const char known_code[] = "known";
static const char known_addresses_code[] = "known_addresses";

const char *name_list_add(struct name_list *l, const struct psl *psl, const char *text, size_t len)
{
	struct dns_name name;
	const char *fault = psl_list_name(text, len, &name);

	if (fault)
		return fault;
	int label = psl_registered(psl, &name);
	if (label < 0)
		return "a public suffix, which nobody registered";
	if (l->n == l->room)
		return "no more room";
	size_t at = name.label[label];
	l->hash[l->n++] = hash_bytes(name.wire + at, name.len - at, l->key);
	return NULL;
}

static int ascending(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return (x > y) - (x < y);
}

void name_list_seal(struct name_list *l)
{
	uint32_t n = 0;

	if (l->n)
		qsort(l->hash, l->n, sizeof(l->hash[0]), ascending);
	for (uint32_t i = 0; i < l->n; i++)
		if (n == 0 || l->hash[i] != l->hash[n - 1])
			l->hash[n++] = l->hash[i];
	l->n = n;
}

static int asn_ascending(const void *a, const void *b)
{
	uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

	return (x > y) - (x < y);
}

void asn_list_seal(struct asn_list *l)
{
	if (l->n)
		qsort(l->asn, l->n, sizeof(l->asn[0]), asn_ascending);
}

bool asn_list_holds(const struct asn_list *l, uint32_t asn)
{
	return l->n && bsearch(&asn, l->asn, l->n, sizeof(asn), asn_ascending);
}

void unit_list_seal(struct unit_list *l)
{
	if (l->n)
		qsort(l->unit, l->n, sizeof(l->unit[0]), ascending);
}

bool unit_list_holds(const struct unit_list *l, uint64_t unit)
{
	return l->n && bsearch(&unit, l->unit, l->n, sizeof(unit), ascending);
}

static bool holds(const struct name_list *l, const uint8_t *name, size_t len)
{
	uint64_t h = hash_bytes(name, len, l->key);

	return l->n && bsearch(&h, l->hash, l->n, sizeof(h), ascending);
}

enum listing lists_find(const struct name_lists *lists, const uint8_t *name, size_t len)
{
	if (!lists)
		return LISTED_NOT;
	if (holds(&lists->infrastructure, name, len))
		return LISTED_INFRASTRUCTURE;
	return holds(&lists->popular, name, len) ? LISTED_POPULAR : LISTED_NOT;
}

const char *listing_name(enum listing l)
{
	static const char *const names[] = {
		[LISTED_NOT] = "none",
		[LISTED_POPULAR] = popular_code,
		[LISTED_INFRASTRUCTURE] = "infrastructure",
	};
	return names[l];
}

bool lists_know(const struct name_lists *lists, const uint8_t *name, size_t len)
{
	return lists && holds(&lists->known, name, len);
}

/* Others' word makes a verdict surer, and is none by itself. */
static void known_rule(const struct name_lists *lists, const struct domain *d, struct ruling *r)
{
	unsigned units = 0;

	if (!lists || r->class == FLUX_NONE)
		return;
	for (unsigned i = 0; lists->known_units.n && i < d->items; i++)
		units += unit_list_holds(&lists->known_units, d->item[i].unit);
	r->known = lists_know(lists, d->name, d->name_len);
	r->known_units = units >= KNOWN_UNITS_MIN ? units : 0;
	if (r->known || r->known_units)
		r->confidence =
			r->confidence < 1 - KNOWN_CONFIDENCE ? r->confidence + KNOWN_CONFIDENCE : 1;
}

static void popular_rule(struct ruling *r)
{
	r->popular = true;
	if (!r->suspected)
		r->confidence *= SUSPECTED_CONFIDENCE;
	r->suspected = true;
}

void lists_rule(const struct name_lists *lists, const struct domain *d, struct ruling *r)
{
	if (r->class == FLUX_NONE)
		return;
	enum listing listed = lists_find(lists, d->name, d->name_len);
	if (listed == LISTED_INFRASTRUCTURE) {
		r->held = r->class;
		r->class = FLUX_NONE;
	}
	if (listed == LISTED_POPULAR)
		popular_rule(r);
	known_rule(lists, d, r);
}

/* A new reason, or NULL: it is there, or there is no room. */
static struct reason *reason_add(struct verdict *v, const char *code, double value, double at)
{
	for (unsigned i = 0; i < v->reasons; i++)
		if (v->reason[i].code == code)
			return NULL;
	if (v->reasons == VERDICT_REASONS_MAX)
		return NULL;
	struct reason *r = &v->reason[v->reasons++];
	*r = (struct reason){.code = code, .value = value, .threshold = at};
	return r;
}

void lists_reason(struct verdict *v)
{
	struct reason *r = reason_add(v, popular_code, 1, 1);

	if (r)
		snprintf(r->text, sizeof(r->text),
			"on the list of popular names (detect.popular): suspected at most");
}

void lists_known_reason(struct verdict *v, unsigned units)
{
	struct reason *r = units ? reason_add(v, known_addresses_code, units, KNOWN_UNITS_MIN)
				 : reason_add(v, known_code, 1, 1);

	if (r && units)
		snprintf(r->text, sizeof(r->text),
			"%u of its addresses are on a list of known ones (import.files)", units);
	else if (r)
		snprintf(r->text, sizeof(r->text), "on a list of known domains (import.files)");
}

const char *lists_spelled(const uint8_t *code, size_t len)
{
	static const char *const codes[] = {popular_code, known_code, known_addresses_code};

	for (size_t i = 0; i < sizeof(codes) / sizeof(codes[0]); i++)
		if (len == strlen(codes[i]) && memcmp(code, codes[i], len) == 0)
			return codes[i];
	return NULL;
}
