/* SPDX-License-Identifier: BSD-3-Clause */

#include "store/store_internal.h"

static void unit_merge(struct sighting_unit *into, const struct sighting_unit *u)
{
	if (into->grade < u->grade)
		into->grade = u->grade;
	if (into->server != u->server)
		into->server = SHARD_SERVER_SEVERAL;
	into->names |= u->names || u->host != into->host;
	if (u->host < into->host)
		into->host = u->host;
	into->brief |= u->brief;
}

/*
 * Adds a unit to the `room` smallest by hash in v[], ascending; returns the new
 * count. What finds no room lowers *threshold.
 */
static uint8_t smallest_add(struct sighting_unit *v, uint8_t n, unsigned room,
	const struct sighting_unit *u, uint64_t *threshold)
{
	unsigned at = n;

	while (at > 0 && v[at - 1].hash > u->hash)
		at--;
	if (at > 0 && v[at - 1].unit == u->unit) {
		unit_merge(&v[at - 1], u);
		return n;
	}
	if (n == room) {
		uint64_t turned = at == n ? u->hash : v[n - 1].hash;
		if (turned < *threshold)
			*threshold = turned;
		if (at == n)
			return n;
		n--;
	}
	if (at < n)
		memmove(&v[at + 1], &v[at], (n - at) * sizeof(v[0]));
	v[at] = *u;
	return (uint8_t)(n + 1);
}

static uint8_t ns_add(
	struct sighting_unit *v, uint8_t n, uint64_t value, uint8_t server, const struct shard *s)
{
	uint64_t unbounded = UINT64_MAX;
	const struct sighting_unit u = {
		.hash = hash_u64(value, s->sketch), .unit = value, .server = server};

	/* Trimmed to what one shard keeps, or more shards would tell of more name servers. */
	return smallest_add(v, n, SHARD_NS_MAX, &u, &unbounded);
}

static void detail_add(struct sighting *g, const struct shard *s, const struct shard_detail *d)
{
	for (unsigned i = 0; i < d->units; i++) {
		const struct sighting_unit u = {hash_u64(d->unit[i], s->sketch), d->unit[i],
			d->grade[i], d->server[i], d->host[i], d->brief >> i & 1,
			d->several >> i & 1};

		g->units = smallest_add(g->unit, g->units, STORE_SAMPLE, &u, &g->threshold);
	}
	if (d->ns_ttl > g->ns_ttl)
		g->ns_ttl = d->ns_ttl;
	for (unsigned i = 0; i < d->ns_names; i++)
		g->ns_names = ns_add(g->ns_name, g->ns_names, d->ns_name[i], 0, s);
	for (unsigned i = 0; i < d->ns_units; i++)
		g->ns_units = ns_add(g->ns_unit, g->ns_units, d->ns_unit[i], d->ns_server[i], s);
}

static void inline_add(struct sighting *g, const struct shard *s, const struct shard_entry *e)
{
	for (unsigned i = 0; i < e->units; i++) {
		const struct sighting_unit u = {hash_u64(e->unit[i], s->sketch), e->unit[i],
			(uint8_t)shard_entry_grade(e, i), shard_entry_server(e, i),
			shard_host(e->host), e->brief >> i & 1, false};

		g->units = smallest_add(g->unit, g->units, STORE_SAMPLE, &u, &g->threshold);
	}
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
	const struct shard_detail *d = e->detail ? shard_entry_detail(s, e) : NULL;
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
	g->conflict |= e->conflict;
	inline_add(g, s, e);
	if (d)
		detail_add(g, s, d);
	if (d || e->grades & SHARD_CUT) {
		uint64_t threshold = shard_entry_threshold(s, e);
		if (threshold < g->threshold)
			g->threshold = threshold;
	}
}

void sighting_clamp(struct sighting *g, uint32_t now)
{
	if (g->last > now)
		g->last = now;
	if (g->first > g->last)
		g->first = g->last;
}
