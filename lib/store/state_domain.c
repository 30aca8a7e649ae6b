/* SPDX-License-Identifier: BSD-3-Clause */

/* A full record as octets, and back. New fields go to the end of record, item or name server. */

#include "psl/psl.h"
#include "store/state.h"
#include "store/store_internal.h"

#define ITEM_OCTETS 33u
#define NS_OCTETS 16u
#define NS_MOST 12u       /* that a version before kept; what is more than STORE_NS goes */
#define NS_OCTETS_MORE 9u /* that states of before do not have */
#define SETTLED_OCTETS 4u
#define SETTLED_LATER_OCTETS 8u
#define ITEM_NS 1u
#define ITEM_REVERSED 2u
#define ITEM_BRIEF 4u
#define ITEM_NAMES 8u
#define ITEM_EARLY 16u
#define ITEM_OWN 32u

static void item_put(struct encoder *e, const struct domain_item *it)
{
	unsigned flags = (it->ns ? ITEM_NS : 0) | (it->reversed ? ITEM_REVERSED : 0) |
			 (it->brief ? ITEM_BRIEF : 0) | (it->names ? ITEM_NAMES : 0) |
			 (it->early ? ITEM_EARLY : 0) | (it->own ? ITEM_OWN : 0);

	put_u64(e, it->unit);
	put_u32(e, it->asn);
	put_octets(e, it->country, sizeof(it->country));
	put_u8(e, it->server);
	put_u8(e, it->host);
	put_u32(e, it->first);
	put_u32(e, it->last);
	put_u32(e, it->hours);
	put_u16(e, it->slots);
	put_u8(e, it->days);
	put_u8(e, it->grade);
	put_u8(e, (uint8_t)flags);
}

/* False: of a grade that there is not. */
static bool item_get(struct decoder *d, struct domain_item *it)
{
	const uint8_t *country;

	it->unit = get_u64(d);
	it->asn = get_u32(d);
	country = get_octets(d, sizeof(it->country));
	if (country)
		memcpy(it->country, country, sizeof(it->country));
	it->server = get_u8(d);
	it->host = get_u8(d);
	it->first = get_u32(d);
	it->last = get_u32(d);
	it->hours = get_u32(d);
	it->slots = get_u16(d);
	it->days = get_u8(d);
	unsigned grade = get_u8(d), flags = get_u8(d);
	it->grade = grade & 3;
	it->ns = (flags & ITEM_NS) != 0;
	it->reversed = (flags & ITEM_REVERSED) != 0;
	it->brief = (flags & ITEM_BRIEF) != 0;
	it->names = (flags & ITEM_NAMES) != 0;
	it->early = (flags & ITEM_EARLY) != 0;
	it->own = (flags & ITEM_OWN) != 0;
	return grade <= EVIDENCE_PAIRED;
}

static void numbers_put(struct encoder *e, const struct domain *d)
{
	put_u64(e, d->key);
	put_u32(e, d->first);
	put_u32(e, d->last);
	put_u32(e, d->verdict.first_flagged);
	put_u32(e, d->verdict.last_met);
	put_u8(e, d->verdict.streak);
	put_u32(e, d->tracked);
	put_u32(e, d->slot);
	put_u32(e, d->hour);
	put_u32(e, d->day);
	put_u32(e, domain_ttl(d));
	put_u32(e, d->ttl_day[0]);
	put_u32(e, d->ttl_day[1]);
	put_u32(e, d->last_fresh);
	put_u32(e, d->fresh);
	put_u32(e, d->ns_ttl);
	put_u64(e, d->responses);
	for (unsigned i = 0; i < 2; i++) {
		put_u64(e, d->server_day[i]);
		put_u16(e, d->answered_day[i]);
		put_u16(e, d->conflict_day[i]);
	}
	put_u16(e, d->ns_changes);
	put_u8(e, d->answer_max);
	put_u8(e, d->grade);
}

static void numbers_get(struct decoder *in, struct domain *d)
{
	d->key = get_u64(in);
	d->first = get_u32(in);
	d->last = get_u32(in);
	d->verdict.first_flagged = get_u32(in);
	d->verdict.last_met = get_u32(in);
	d->verdict.streak = get_u8(in);
	d->tracked = get_u32(in);
	d->slot = get_u32(in);
	d->hour = get_u32(in);
	d->day = get_u32(in);
	get_u32(in); /* the larger of the next two */
	d->ttl_day[0] = get_u32(in);
	d->ttl_day[1] = get_u32(in);
	d->last_fresh = get_u32(in);
	d->fresh = get_u32(in);
	d->ns_ttl = get_u32(in);
	d->responses = get_u64(in);
	for (unsigned i = 0; i < 2; i++) {
		d->server_day[i] = get_u64(in);
		d->answered_day[i] = get_u16(in);
		d->conflict_day[i] = get_u16(in);
	}
	d->ns_changes = get_u16(in);
	d->answer_max = get_u8(in);
	d->grade = get_u8(in);
}

static void bytes_put(struct encoder *e, const uint8_t *v, unsigned n)
{
	put_list(e, n, 1);
	put_octets(e, v, n);
}

static void words_put(struct encoder *e, const uint16_t *v, unsigned n)
{
	put_list(e, n, 2);
	for (unsigned i = 0; i < n; i++)
		put_u16(e, v[i]);
}

/* Takes at most n of what a list holds; what is missing stays as it is. */
static void bytes_get(struct decoder *in, uint8_t *v, unsigned n)
{
	struct decoder_list l = get_list(in, 1);

	for (unsigned i = 0; i < l.count; i++) {
		struct decoder one = get_element(in, &l);
		if (i < n)
			v[i] = get_u8(&one);
	}
}

static void words_get(struct decoder *in, uint16_t *v, unsigned n)
{
	struct decoder_list l = get_list(in, 2);

	for (unsigned i = 0; i < l.count; i++) {
		struct decoder one = get_element(in, &l);
		if (i < n)
			v[i] = get_u16(&one);
	}
}

static bool domain_put(struct encoder *e, const struct store *st, const struct domain *d)
{
	uint8_t *start = record_begin(e, STATE_DOMAIN);

	numbers_put(e, d);
	put_text(e, d->name, d->name_len);
	bytes_put(e, d->fresh_slot, STORE_SLOTS);
	bytes_put(e, d->fresh_hour, STORE_HOURS);
	words_put(e, d->fresh_day, STORE_DAYS);
	words_put(e, d->slot_threshold, STORE_SLOTS);
	words_put(e, d->hour_threshold, STORE_HOURS);
	words_put(e, d->day_threshold, STORE_DAYS);
	bytes_put(e, d->hosts.reg, HLL_REGISTERS);
	bytes_put(e, d->pairs.reg, HLL_REGISTERS);
	put_list(e, d->items, ITEM_OCTETS);
	for (unsigned i = 0; i < d->items; i++)
		item_put(e, &d->item[i]);
	put_list(e, d->ns_items, NS_OCTETS + NS_OCTETS_MORE);
	for (unsigned i = 0; i < d->ns_items; i++) {
		put_u64(e, d->ns[i].unit);
		put_u32(e, d->ns[i].asn);
		put_u32(e, d->ns[i].last);
		put_u64(e, d->ns[i].ticks);
		put_u8(e, d->ns_server[i]);
	}
	put_list(e, d->ns_names, 8);
	for (unsigned i = 0; i < d->ns_names; i++)
		put_u64(e, d->ns_name[i]);
	/* States of before know only records whose addresses were many from the first. */
	bool later = d->few_until != d->tracked;
	put_list(e, d->settled_n, later ? SETTLED_LATER_OCTETS : SETTLED_OCTETS);
	for (unsigned i = 0; i < d->settled_n; i++) {
		put_u32(e, d->settled[i]);
		if (later)
			put_u32(e, d->few_until);
	}
	put_u32(e, d->settled_last);
	put_u8(e, d->settled_host);
	put_u8(e, d->ttl_usual);
	ledger_put(e, store_ledger(st, d));
	return record_end(e, start);
}

unsigned store_save_domains(const struct store *st, struct store_walk *w, bool flagged,
	struct encoder *e, unsigned places)
{
	unsigned n = 0;

	for (; w->at < st->config.domains && places > 0; w->at++, places--) {
		const struct domain *d = &st->domains[w->at];

		if (d->key == 0 || domain_flagged(d) != flagged)
			continue;
		if (!domain_put(e, st, d))
			return n;
		n++;
	}
	w->over = w->at == st->config.domains;
	return n;
}

static void lists_get(struct decoder *in, struct domain *d)
{
	struct decoder_list l;

	memset(d->slot_threshold, 0xff, sizeof(d->slot_threshold));
	memset(d->hour_threshold, 0xff, sizeof(d->hour_threshold));
	memset(d->day_threshold, 0xff, sizeof(d->day_threshold));
	bytes_get(in, d->fresh_slot, STORE_SLOTS);
	bytes_get(in, d->fresh_hour, STORE_HOURS);
	words_get(in, d->fresh_day, STORE_DAYS);
	words_get(in, d->slot_threshold, STORE_SLOTS);
	words_get(in, d->hour_threshold, STORE_HOURS);
	words_get(in, d->day_threshold, STORE_DAYS);
	bytes_get(in, d->hosts.reg, HLL_REGISTERS);
	bytes_get(in, d->pairs.reg, HLL_REGISTERS);
	l = get_list(in, ITEM_OCTETS);
	in->bad |= l.count > STORE_SAMPLE;
	for (unsigned i = 0; i < l.count && !in->bad; i++) {
		struct decoder one = get_element(in, &l);
		in->bad |= !item_get(&one, &d->item[d->items++]);
	}
	l = get_list(in, NS_OCTETS);
	in->bad |= l.count > NS_MOST;
	for (unsigned i = 0; i < l.count && !in->bad; i++) {
		struct decoder one = get_element(in, &l);
		if (d->ns_items == STORE_NS)
			continue;
		struct domain_ns *ns = &d->ns[d->ns_items];
		ns->unit = get_u64(&one);
		ns->asn = get_u32(&one);
		ns->last = get_u32(&one);
		if (decoder_left(&one) >= NS_OCTETS_MORE) {
			ns->ticks = get_u64(&one);
			d->ns_server[d->ns_items] = get_u8(&one);
		}
		d->ns_items++;
	}
	l = get_list(in, 8);
	in->bad |= l.count > NS_MOST;
	for (unsigned i = 0; i < l.count && !in->bad; i++) {
		struct decoder one = get_element(in, &l);
		if (d->ns_names < STORE_NS)
			d->ns_name[d->ns_names++] = (uint32_t)get_u64(&one);
	}
}

/* Records of before it was kept end here. */
static void settled_get(struct decoder *in, struct domain *d)
{
	d->settled_host = UINT8_MAX;
	d->ttl_usual = ttl_to_steps(domain_ttl(d));
	d->few_until = d->tracked;
	if (in->bad || decoder_left(in) == 0)
		return;
	struct decoder_list l = get_list(in, SETTLED_OCTETS);
	bool later = l.octets >= SETTLED_LATER_OCTETS;
	in->bad |= l.count > STORE_SETTLED;
	if (later)
		d->few_until = 0;
	for (unsigned i = 0; i < l.count && !in->bad; i++) {
		struct decoder one = get_element(in, &l);
		d->settled[d->settled_n++] = get_u32(&one);
		if (later)
			d->few_until = get_u32(&one);
	}
	d->settled_last = get_u32(in);
	d->settled_host = get_u8(in);
	d->ttl_usual = get_u8(in);
}

static bool country_fits(const char c[2])
{
	return (c[0] == '\0' && c[1] == '\0') ||
	       (c[0] >= 'A' && c[0] <= 'Z' && c[1] >= 'A' && c[1] <= 'Z');
}

bool domain_item_fits(const struct domain_item *it, uint32_t now)
{
	return it->unit != ADDRESS_NONE && it->last <= now && it->first <= it->last &&
	       country_fits(it->country);
}

static bool sketch_fits(const struct hll *h)
{
	for (unsigned i = 0; i < HLL_REGISTERS; i++)
		if (h->reg[i] > 64)
			return false;
	return true;
}

/* What the code relies on: order of the sample, indices, times that have passed. */
static bool domain_fits(const struct store *st, const struct domain *d)
{
	uint64_t before = 0;

	if (d->key == 0 || d->name_len == 0 || d->last > st->now || d->first > d->last ||
		d->tracked > st->now || d->slot > st->now / STORE_SLOT_SECONDS ||
		d->hour > st->now / STORE_HOUR_SECONDS || d->day > st->now / DAY_SECONDS ||
		d->grade > EVIDENCE_PAIRED || d->verdict.first_flagged > st->now ||
		d->verdict.last_met > st->now || d->settled_last > st->now ||
		d->few_until > st->now || !sketch_fits(&d->hosts) || !sketch_fits(&d->pairs))
		return false;
	for (unsigned i = 0; i < d->items; i++) {
		uint64_t hash = hash_u64(d->item[i].unit, st->sketch);
		if (!domain_item_fits(&d->item[i], st->now) || (i > 0 && hash <= before))
			return false;
		before = hash;
	}
	for (unsigned i = 0; i < d->ns_items; i++)
		if (d->ns[i].unit == ADDRESS_NONE || d->ns[i].last > st->now)
			return false;
	for (unsigned i = 0; i < STORE_SLOTS; i++)
		if (d->slot_threshold[i] == 0)
			return false;
	for (unsigned i = 0; i < STORE_HOURS; i++)
		if (d->hour_threshold[i] == 0)
			return false;
	for (unsigned i = 0; i < STORE_DAYS; i++)
		if (d->day_threshold[i] == 0)
			return false;
	for (unsigned i = 0; i < 2; i++)
		if (d->conflict_day[i] > d->answered_day[i])
			return false;
	return true;
}

/* The key is the name's hash: a record that says otherwise would answer for another name. */
static bool name_fits(const struct store *st, const struct domain *d, struct dns_name *name)
{
	/* A name that was decoded is in lower case and uncompressed already. */
	return dns_name_decode(d->name, d->name_len, 0, name) == d->name_len &&
	       name->len == d->name_len && memcmp(name->wire, d->name, d->name_len) == 0 &&
	       (hash_bytes(name->wire, name->len, st->sketch) | 1) == d->key;
}

/* Puts a record in its table, or, where there is no room for it, what a candidate keeps of it:
 * NULL. */
static struct domain *domain_place(
	struct store *st, const struct domain *image, struct state_restored *r)
{
	struct candidate *c, as = {.key = image->key, .first = image->first, .last = image->last};
	struct domain copy = *image, *d;
	uint64_t demoted = st->account.demoted;

	as.tracked = 1;
	c = candidate_place(st, &as);
	if (!c) {
		r->domains_lost++;
		return NULL;
	}
	/* Not tracked for as long as it has no record. */
	c->tracked = 0;
	d = record_take(st, domain_spread(st, &copy));
	r->reduced += st->account.demoted - demoted;
	if (!d) {
		candidate_from_domain(st, &copy, c);
		r->reduced++;
		r->candidates++;
		return NULL;
	}
	*d = copy;
	c->record = (uint32_t)(d - st->domains);
	c->tracked = 1;
	st->account.records_restored++;
	st->account.tracked++;
	r->domains++;
	return d;
}

bool store_restore_domain(struct store *st, struct decoder *in, const struct psl *psl,
	struct domain *image, struct state_restored *r)
{
	struct dns_name name;
	struct ledger ledger;
	bool wide;
	size_t n;

	memset(image, 0, sizeof(*image));
	numbers_get(in, image);
	const uint8_t *text = get_text(in, DNS_NAME_MAX, &n);
	if (!text)
		return false;
	memcpy(image->name, text, n);
	image->name_len = (uint8_t)n;
	lists_get(in, image);
	settled_get(in, image);
	if (in->bad || !ledger_get(st, in, image, &ledger, &wide) || !domain_fits(st, image) ||
		!name_fits(st, image, &name) || candidate_find(st, image->key))
		return false;
	/* By another list it may be a suffix, which must never be flagged, or part of a domain. */
	if (psl && psl_registered(psl, &name) != 0) {
		r->renamed++;
		r->domains_lost++;
		return true;
	}
	struct domain *d = domain_place(st, image, r);
	struct ledger *l = d && wide ? ledger_attach(st, d) : NULL;
	/* Where none is free it begins anew when it can. */
	if (l)
		*l = ledger;
	return true;
}
