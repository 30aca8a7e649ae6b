/* SPDX-License-Identifier: BSD-3-Clause */

#include <stdlib.h>
#include <string.h>

#include "base/bits.h"
#include "detect/campaign.h"
#include "detect/detector.h"
#include "store/siblings.h"

/* Fixed: an id is to mean the same tomorrow and elsewhere. It guards nothing. */
static const struct hash_key id_key = {0x13198a2e03707344u, 0xa4093822299f31d0u};

/* What is known of the group whose root has this place. */
struct group {
	uint64_t id; /* the oldest id among its members; 0: none has one */
	uint32_t since;
	uint32_t domains;
	uint32_t eldest; /* place of the member that was flagged first */
};

/* Members of a campaign, to be brought together. */
struct member {
	uint64_t id;
	uint32_t at;
};

struct campaigns {
	struct group *group;
	struct member *member;
	uint32_t *parent;
};

size_t campaigns_size(unsigned verdicts)
{
	return align_up(
		verdicts * (sizeof(struct group) + sizeof(struct member) + sizeof(uint32_t)),
		CACHE_LINE);
}

static struct campaigns scratch_of(const struct detector *t)
{
	struct group *group = t->campaigns;
	struct member *member = (struct member *)(group + t->room);

	return (struct campaigns){group, member, (uint32_t *)(member + t->room)};
}

/* Halves paths as it goes: the next look is shorter. */
static uint32_t root_of(uint32_t *parent, uint32_t at)
{
	while (parent[at] != at) {
		parent[at] = parent[parent[at]];
		at = parent[at];
	}
	return at;
}

/* Under the lower place, so that chains stay as short as the order is good. */
static void join(uint32_t *parent, uint32_t a, uint32_t b)
{
	a = root_of(parent, a);
	b = root_of(parent, b);
	if (a < b)
		parent[b] = a;
	else
		parent[a] = b;
}

static int by_id(const void *a, const void *b)
{
	const struct member *x = a, *y = b;

	if (x->id != y->id)
		return x->id < y->id ? -1 : 1;
	return (x->at > y->at) - (x->at < y->at);
}

/* Who is of one campaign stays in it. */
static void join_members(const struct detector *t, const struct campaigns *c)
{
	unsigned n = 0;

	for (unsigned i = 0; i < t->n; i++)
		if (t->verdict[i].campaign.id)
			c->member[n++] = (struct member){t->verdict[i].campaign.id, i};
	qsort(c->member, n, sizeof(c->member[0]), by_id);
	for (unsigned i = 1; i < n; i++)
		if (c->member[i].id == c->member[i - 1].id)
			join(c->parent, c->member[i - 1].at, c->member[i].at);
}

static bool link_due(const struct verdict *v, uint32_t now)
{
	return v->campaign.linked == 0 ||
	       (v->last_seen >= v->campaign.linked &&
		       now - v->campaign.linked >= CAMPAIGN_LINK_SECONDS);
}

static void join_siblings(
	struct detector *t, const struct store *st, const struct campaigns *c, uint32_t now)
{
	uint64_t key[SIBLINGS_MAX];

	for (unsigned i = 0; i < t->n; i++) {
		struct verdict *v = &t->verdict[i];
		const struct domain *d = link_due(v, now) ? store_find(st, v->key) : NULL;

		if (!d)
			continue;
		v->campaign.linked = now;
		unsigned n = store_siblings_keys(st, d, (unsigned)t->config.min_shared_units,
			(unsigned)t->config.min_shared_networks, key);
		for (unsigned k = 0; k < n; k++) {
			const struct domain *other = store_find(st, key[k]);
			if (other && other->verdict.slot)
				join(c->parent, i, other->verdict.slot - 1u);
		}
	}
}

/* Flagged before, and by name among those of one epoch. */
static bool elder(const struct verdict *a, const struct verdict *b)
{
	if (a->first_flagged != b->first_flagged)
		return a->first_flagged < b->first_flagged;
	unsigned len = a->name_len < b->name_len ? a->name_len : b->name_len;
	int order = memcmp(a->name, b->name, len);
	return order ? order < 0 : a->name_len < b->name_len;
}

static void group_add(struct group *g, const struct detector *t, uint32_t at)
{
	const struct verdict *v = &t->verdict[at];
	const struct verdict_campaign *c = &v->campaign;

	if (g->domains++ == 0 || elder(v, &t->verdict[g->eldest]))
		g->eldest = at;
	if (c->id &&
		(g->id == 0 || c->since < g->since || (c->since == g->since && c->id < g->id))) {
		g->id = c->id;
		g->since = c->since;
	}
}

/* One alone is no campaign, but what is left of one keeps its id. */
static void group_name(struct group *g, const struct detector *t)
{
	const struct verdict *v = &t->verdict[g->eldest];

	if (g->id || g->domains < 2)
		return;
	g->id = hash_bytes(v->name, v->name_len, id_key) | 1;
	g->since = v->first_flagged;
}

void detect_campaigns(struct detector *t, const struct store *st, uint32_t now)
{
	struct campaigns c = scratch_of(t);

	for (uint32_t i = 0; i < t->n; i++) {
		c.parent[i] = i;
		c.group[i] = (struct group){0};
	}
	join_members(t, &c);
	join_siblings(t, st, &c, now);
	for (uint32_t i = 0; i < t->n; i++)
		group_add(&c.group[root_of(c.parent, i)], t, i);
	for (uint32_t i = 0; i < t->n; i++) {
		struct group *g = &c.group[root_of(c.parent, i)];
		struct verdict_campaign *mine = &t->verdict[i].campaign;

		group_name(g, t);
		mine->id = g->id;
		mine->since = g->since;
		mine->domains = g->domains;
	}
}
