/* SPDX-License-Identifier: BSD-3-Clause */

/* What the worker does with a shard: observations, into a line and its detail record. */

#include "base/bits.h"
#include "shard/internal.h"

#define RESPONSES_MAX ((UINT32_C(1) << 17) - 1)

static struct shard_detail *detail_at(const struct shard *s, uint32_t ref)
{
	uint32_t i = (ref & ~DETAIL_LARGE) - 1;

	return (struct shard_detail *)(ref & DETAIL_LARGE ? s->large + (size_t)i * LARGE_OCTETS
							  : s->small + (size_t)i * SMALL_OCTETS);
}

struct shard_detail *shard_entry_detail(const struct shard *s, const struct shard_entry *e)
{
	return e->detail ? detail_at(s, e->detail) : NULL;
}

const uint8_t *shard_entry_name(const struct shard *s, const struct shard_entry *e, unsigned *len)
{
	*len = s->names[e->name];
	return s->names + e->name + 1;
}

static unsigned sample_largest(const struct shard *s, const uint64_t *unit, unsigned n)
{
	unsigned at = 0;
	uint64_t largest = 0;

	for (unsigned i = 0; i < n; i++) {
		uint64_t h = hash_u64(unit[i], s->sketch);
		if (h >= largest) {
			largest = h;
			at = i;
		}
	}
	return at;
}

uint64_t shard_entry_threshold(const struct shard *s, const struct shard_entry *e)
{
	const struct shard_detail *d = shard_entry_detail(s, e);

	if (d)
		return d->threshold;
	if (likely(!(e->grades & SHARD_CUT)))
		return UINT64_MAX;
	return hash_u64(e->unit[sample_largest(s, e->unit, e->units)], s->sketch);
}

struct shard_entry *shard_find(const struct shard *s, uint64_t key)
{
	struct shard_entry *e = &s->entries[shard_slot(s, key)];

	for (unsigned i = 0; i < SHARD_PROBE_MAX; i++, e++) {
		if (e->key == key)
			return e;
		if (e->key == 0)
			return NULL;
	}
	return NULL;
}

/* A given back small record is linked through its first octets. */
static uint32_t small_take(struct shard *s)
{
	uint32_t ref = s->small_free;

	if (ref)
		memcpy(&s->small_free, detail_at(s, ref), sizeof(ref));
	else if (s->small_used < s->config.details_small)
		ref = ++s->small_used;
	return ref;
}

static void small_give(struct shard *s, uint32_t ref)
{
	memcpy(detail_at(s, ref), &s->small_free, sizeof(ref));
	s->small_free = ref;
}

static void bit_set(uint64_t *bits, unsigned at, bool value)
{
	*bits = (*bits & ~(UINT64_C(1) << at)) | (uint64_t)value << at;
}

/* Moves an entry's inline part to a detail record; NULL when there is none left. */
static struct shard_detail *detail_start(struct shard *s, struct shard_entry *e)
{
	uint32_t ref = small_take(s);

	if (!ref) {
		s->account.note[NOTE_DETAIL_DENIED]++;
		return NULL;
	}
	struct shard_detail *d = detail_at(s, ref);
	memset(d, 0, sizeof(*d));
	d->threshold = UINT64_MAX;
	hll_add(&d->hosts, e->host);
	for (unsigned i = 0; i < e->units; i++) {
		d->unit[i] = e->unit[i];
		d->grade[i] = (uint8_t)shard_entry_grade(e, i);
		d->server[i] = shard_entry_server(e, i);
		d->host[i] = shard_host(e->host);
		d->brief |= (uint64_t)(e->brief >> i & 1) << i;
		hll_add(&d->pairs, shard_pair_hash(e->host, e->unit[i], s->sketch));
	}
	d->units = e->units;
	if (unlikely(e->grades & SHARD_CUT)) {
		/* Something was lost already: the sample ends at the largest unit left. */
		unsigned at = sample_largest(s, d->unit, d->units);
		d->threshold = hash_u64(d->unit[at], s->sketch);
		d->units--;
		d->unit[at] = d->unit[d->units];
		d->grade[at] = d->grade[d->units];
		d->server[at] = d->server[d->units];
		d->host[at] = d->host[d->units];
		bit_set(&d->brief, at, d->brief >> d->units & 1);
	}
	e->units = 0;
	e->detail = ref;
	return d;
}

/* Moves a full small record to the large pool; false when that is used up. */
static bool detail_grow(struct shard *s, struct shard_entry *e)
{
	if (s->large_used == s->config.details_large) {
		s->account.note[NOTE_DETAIL_DENIED]++;
		return false;
	}
	uint32_t ref = ++s->large_used | DETAIL_LARGE;
	memcpy(detail_at(s, ref), detail_at(s, e->detail), SMALL_OCTETS);
	small_give(s, e->detail);
	e->detail = ref;
	return true;
}

/*
 * Place of a unit in the sample; d->units when it is not there. Answers keep an order, be it
 * turned: behind the place of the last unit stands mostly the next one.
 */
static inline unsigned sample_find(const struct shard_detail *d, uint64_t unit, unsigned behind)
{
	unsigned i = behind + 1 < d->units ? behind + 1 : 0;

	if (i < d->units && d->unit[i] == unit)
		return i;
	for (i = 0; i < d->units && d->unit[i] != unit; i++)
		;
	return i;
}

/* h is the unit's hash, *at_last the place of the one before, and then of this. */
static void sample_add(struct shard *s, struct shard_entry *e, uint64_t unit, uint64_t h,
	const struct shard_observation *o, unsigned *at_last)
{
	uint8_t host = shard_host(o->host);
	struct shard_detail *d = detail_at(s, e->detail);

	if (h >= d->threshold)
		return;
	unsigned i = sample_find(d, unit, *at_last);
	if (likely(i < d->units)) {
		if (d->grade[i] < o->grade)
			d->grade[i] = (uint8_t)o->grade;
		if (d->server[i] != o->server)
			d->server[i] = SHARD_SERVER_SEVERAL;
		d->several |= (uint64_t)(host != d->host[i]) << i;
		if (host < d->host[i])
			d->host[i] = host;
		d->brief |= (uint64_t)(o->ttl <= SHARD_BRIEF_TTL) << i;
		*at_last = i;
		return;
	}
	unsigned room = e->detail & DETAIL_LARGE ? SHARD_SAMPLE_MAX : SHARD_SAMPLE_SMALL;
	if (d->units == room && room == SHARD_SAMPLE_SMALL && detail_grow(s, e)) {
		d = detail_at(s, e->detail);
		room = SHARD_SAMPLE_MAX;
	}
	unsigned at = d->units;
	if (at < room) {
		d->units++;
	} else {
		at = sample_largest(s, d->unit, room);
		uint64_t largest = hash_u64(d->unit[at], s->sketch);
		d->threshold = h < largest ? largest : h;
		if (h >= largest)
			return;
	}
	d->unit[at] = unit;
	d->grade[at] = (uint8_t)o->grade;
	d->server[at] = o->server;
	d->host[at] = host;
	bit_set(&d->brief, at, o->ttl <= SHARD_BRIEF_TTL);
	bit_set(&d->several, at, false);
}

/* At a place whose bits are zero: as in a new entry, or cleared. */
static inline void inline_put(
	struct shard_entry *e, unsigned at, uint64_t unit, const struct shard_observation *o)
{
	e->unit[at] = unit;
	e->grades |= (uint8_t)((unsigned)o->grade << 2 * at);
	e->brief |= (unsigned)(o->ttl <= SHARD_BRIEF_TTL) << at & 7;
}

static void inline_clear(struct shard_entry *e, unsigned at)
{
	e->grades &= (uint8_t) ~(3u << 2 * at);
	e->several &= ~(1u << at) & 7;
	e->brief &= ~(1u << at) & 7;
}

static inline void inline_append(
	struct shard_entry *e, uint64_t unit, const struct shard_observation *o)
{
	inline_put(e, e->units, unit, o);
	e->units = (uint8_t)((e->units + 1) & 3);
}

/* No detail record to be had: where the inline part is full the smallest hashes stay. */
static void inline_replace(
	struct shard *s, struct shard_entry *e, uint64_t unit, const struct shard_observation *o)
{
	if (e->units < SHARD_INLINE_UNITS) {
		inline_append(e, unit, o);
		return;
	}
	unsigned at = sample_largest(s, e->unit, SHARD_INLINE_UNITS);

	e->grades |= SHARD_CUT;
	if (hash_u64(unit, s->sketch) < hash_u64(e->unit[at], s->sketch)) {
		inline_clear(e, at);
		inline_put(e, at, unit, o);
	}
}

/*
 * True when the unit is, now, one of the inline ones. One that only another server than the
 * first attests needs a detail record, which tells who.
 */
static inline bool inline_add(
	struct shard_entry *e, uint64_t unit, const struct shard_observation *o)
{
	bool other = o->server != e->server;
	unsigned brief = o->ttl <= SHARD_BRIEF_TTL;

	for (unsigned i = 0; i < e->units; i++) {
		if (e->unit[i] == unit) {
			if (shard_entry_grade(e, i) < o->grade)
				e->grades = (uint8_t)((e->grades & ~(3u << 2 * i)) |
						      (unsigned)o->grade << 2 * i);
			e->several |= (unsigned)other << i & 7;
			e->brief |= brief << i & 7;
			return true;
		}
	}
	if (unlikely(other) || e->units == SHARD_INLINE_UNITS)
		return false;
	inline_append(e, unit, o);
	return true;
}

/*
 * Where value belongs among the k smallest by hash in v[]: its place, a free one or that
 * of the largest; SHARD_NS_MAX: nowhere.
 */
static unsigned bottom_place(const uint64_t *v, uint8_t n, uint64_t value, struct hash_key k)
{
	unsigned largest = 0;

	for (unsigned i = 0; i < n; i++) {
		if (v[i] == value)
			return i;
		if (hash_u64(v[i], k) > hash_u64(v[largest], k))
			largest = i;
	}
	if (n < SHARD_NS_MAX)
		return n;
	return hash_u64(value, k) < hash_u64(v[largest], k) ? largest : SHARD_NS_MAX;
}

static void ns_add(struct shard *s, struct shard_detail *d, const struct shard_observation *o)
{
	if (o->ns_ttl > d->ns_ttl)
		d->ns_ttl = o->ns_ttl;
	for (unsigned i = 0; i < o->ns_names; i++) {
		unsigned at = bottom_place(d->ns_name, d->ns_names, o->ns_name[i], s->sketch);
		if (at == SHARD_NS_MAX)
			continue;
		d->ns_name[at] = o->ns_name[i];
		d->ns_names = (uint8_t)(d->ns_names + (at == d->ns_names));
	}
	for (unsigned i = 0; i < o->ns_units; i++) {
		unsigned at = bottom_place(d->ns_unit, d->ns_units, o->ns_unit[i], s->sketch);
		if (at == SHARD_NS_MAX)
			continue;
		if (at == d->ns_units || d->ns_unit[at] != o->ns_unit[i])
			d->ns_server[at] = o->server;
		else if (d->ns_server[at] != o->server)
			d->ns_server[at] = SHARD_SERVER_SEVERAL;
		d->ns_unit[at] = o->ns_unit[i];
		d->ns_units = (uint8_t)(d->ns_units + (at == d->ns_units));
	}
}

static void detail_add(struct shard *s, struct shard_entry *e, struct shard_detail *d,
	const struct shard_observation *o)
{
	hll_add(&d->hosts, o->host);
	ns_add(s, d, o);
	unsigned at_last = SHARD_SAMPLE_MAX;
	for (unsigned i = 0; i < o->units; i++) {
		uint64_t h = hash_u64(o->unit[i], s->sketch);

		hll_add(&d->pairs, shard_pair_hash_known(o->host, h, s->sketch));
		sample_add(s, e, o->unit[i], h, o, &at_last);
		d = detail_at(s, e->detail);
	}
}

static void entry_add(struct shard *s, struct shard_entry *e, const struct shard_observation *o)
{
	struct shard_detail *d = shard_entry_detail(s, e);

	if (!d && unlikely(o->host != e->host || o->ns_names || o->ns_units))
		d = detail_start(s, e);
	if (d) {
		detail_add(s, e, d, o);
		return;
	}
	for (unsigned i = 0; i < o->units; i++) {
		if (likely(inline_add(e, o->unit[i], o)))
			continue;
		if (!detail_start(s, e)) {
			inline_replace(s, e, o->unit[i], o);
			continue;
		}
		/* What was added inline comes along; adding it again is harmless. */
		detail_add(s, e, detail_at(s, e->detail), o);
		return;
	}
}

static enum table_fate entry_insert(
	struct shard *s, struct shard_entry *e, const struct shard_observation *o)
{
	if (unlikely(s->used >= s->limit))
		return TABLE_DENIED_FULL;
	if (unlikely(s->names_used + 1u + o->name_len > s->config.name_octets))
		return TABLE_DENIED_NAMES;

	uint32_t slot = (uint32_t)(e - s->entries);
	uint8_t *name = s->names + s->names_used;
	name[0] = o->name_len;
	memcpy(name + 1, o->name, o->name_len);
	*e = (struct shard_entry){.key = o->key,
		.name = s->names_used,
		.host = o->host,
		.server = o->server,
		.first = o->now};
	s->names_used += 1u + o->name_len;
	s->occupied[slot / 64] |= UINT64_C(1) << (slot % 64);
	s->used++;
	return TABLE_INSERTED;
}

enum table_fate shard_observe(struct shard *s, const struct shard_observation *o)
{
	struct shard_entry *e = &s->entries[shard_slot(s, o->key)];
	enum table_fate fate = TABLE_DENIED_FULL;

	s->account.updates++;
	for (unsigned i = 0; i < SHARD_PROBE_MAX; i++, e++) {
		if (likely(e->key == o->key)) {
			fate = TABLE_HIT;
			break;
		}
		if (e->key == 0) {
			fate = entry_insert(s, e, o);
			break;
		}
	}
	s->account.table[fate]++;
	if (unlikely(fate != TABLE_HIT && fate != TABLE_INSERTED))
		return fate;

	if (likely(e->responses < RESPONSES_MAX))
		e->responses++;
	if (unlikely(o->conflict))
		e->conflict = 1;
	if (o->ttl > e->ttl_max)
		e->ttl_max = o->ttl;
	if (o->units > e->answer_max)
		e->answer_max = (uint8_t)((o->units < 63 ? o->units : 63) & 63);
	if (unlikely(o->now < e->first)) {
		/* Time of day stepped back within the epoch. */
		uint32_t last = e->last + (e->first - o->now);
		e->last = (uint16_t)(last < UINT16_MAX ? last : UINT16_MAX);
		e->first = o->now;
	} else {
		uint32_t last = o->now - e->first;
		last = last < UINT16_MAX ? last : UINT16_MAX;
		e->last = (uint16_t)(last > e->last ? last : e->last);
	}
	entry_add(s, e, o);
	return fate;
}
