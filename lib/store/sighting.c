/* SPDX-License-Identifier: BSD-3-Clause */

#include "store/store_internal.h"

/*
 * Adds a unit to the `room` smallest by hash in v[], ascending; returns the new
 * count. What finds no room lowers *threshold.
 */
static uint8_t smallest_add(struct sighting_unit *v, uint8_t n, unsigned room, uint64_t unit,
	uint8_t grade, uint64_t hash, uint64_t *threshold)
{
	unsigned at = n;

	while (at > 0 && v[at - 1].hash > hash)
		at--;
	if (at > 0 && v[at - 1].unit == unit) {
		if (v[at - 1].grade < grade)
			v[at - 1].grade = grade;
		return n;
	}
	if (n == room) {
		uint64_t turned = at == n ? hash : v[n - 1].hash;
		if (turned < *threshold)
			*threshold = turned;
		if (at == n)
			return n;
		n--;
	}
	memmove(&v[at + 1], &v[at], (n - at) * sizeof(v[0]));
	v[at] = (struct sighting_unit){hash, unit, grade};
	return (uint8_t)(n + 1);
}

static void unit_add(struct sighting *g, const struct shard *s, uint64_t unit, uint8_t grade)
{
	g->units = smallest_add(g->unit, g->units, STORE_SAMPLE, unit, grade,
		hash_u64(unit, s->sketch), &g->threshold);
}

static void detail_add(struct sighting *g, const struct shard *s, const struct shard_detail *d)
{
	uint64_t unbounded = UINT64_MAX;

	for (unsigned i = 0; i < d->units; i++)
		unit_add(g, s, d->unit[i], d->grade[i]);
	if (d->ns_ttl > g->ns_ttl)
		g->ns_ttl = d->ns_ttl;
	/* Trimmed to what one shard keeps, or more shards would tell of more name servers. */
	for (unsigned i = 0; i < d->ns_names; i++)
		g->ns_names = smallest_add(g->ns_name, g->ns_names, SHARD_NS_MAX, d->ns_name[i], 0,
			hash_u64(d->ns_name[i], s->sketch), &unbounded);
	for (unsigned i = 0; i < d->ns_units; i++)
		g->ns_units = smallest_add(g->ns_unit, g->ns_units, SHARD_NS_MAX, d->ns_unit[i], 0,
			hash_u64(d->ns_unit[i], s->sketch), &unbounded);
}

void sighting_start(struct sighting *g, uint64_t key)
{
	memset(g, 0, offsetof(struct sighting, unit));
	g->key = key;
	g->threshold = UINT64_MAX;
	g->first = UINT32_MAX;
}

void sighting_add(struct sighting *g, const struct shard *s, const struct shard_entry *e)
{
	const struct shard_detail *d = shard_entry_detail(s, e);
	uint32_t last = e->first + e->last;

	g->entries++;
	g->responses += e->responses;
	if (e->first < g->first)
		g->first = e->first;
	if (last > g->last)
		g->last = last;
	if (e->ttl_max > g->ttl_max)
		g->ttl_max = e->ttl_max;
	if (e->answer_max > g->answer_max)
		g->answer_max = e->answer_max;
	for (unsigned i = 0; i < e->units; i++)
		unit_add(g, s, e->unit[i], (uint8_t)shard_entry_grade(e, i));
	if (d)
		detail_add(g, s, d);
	uint64_t threshold = shard_entry_threshold(s, e);
	if (threshold < g->threshold)
		g->threshold = threshold;
}

void sighting_clamp(struct sighting *g, uint32_t now)
{
	if (g->last > now)
		g->last = now;
	if (g->first > g->last)
		g->first = g->last;
}
