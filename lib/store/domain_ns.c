/* SPDX-License-Identifier: BSD-3-Clause */

/* What a sighting adds to a full record's name servers. */

#include "store/store_internal.h"

struct domain_ns *domain_ns_find(struct domain *d, uint64_t unit)
{
	for (unsigned i = 0; i < d->ns_items; i++)
		if (d->ns[i].unit == unit)
			return &d->ns[i];
	return NULL;
}

static bool name_known(const struct domain *d, uint32_t name)
{
	for (unsigned i = 0; i < d->ns_names; i++)
		if (d->ns_name[i] == name)
			return true;
	return false;
}

static bool name_sighted(const struct sighting *g, uint32_t name)
{
	for (unsigned i = 0; i < g->ns_names; i++)
		if ((uint32_t)g->ns_name[i].unit == name)
			return true;
	return false;
}

/* Names of this epoch come first, the ones unseen for longest fall out behind. */
static void ns_names_merge(struct domain *d, const struct sighting *g)
{
	uint32_t name[STORE_NS];
	unsigned n = 0;
	bool changed = false;

	for (unsigned i = 0; i < g->ns_names; i++) {
		name[n] = (uint32_t)g->ns_name[i].unit;
		changed |= !name_known(d, name[n++]);
	}
	if (changed && d->ns_names > 0 && d->ns_changes != UINT16_MAX)
		d->ns_changes++;
	for (unsigned i = 0; i < d->ns_names && n < STORE_NS; i++)
		if (!name_sighted(g, d->ns_name[i]))
			name[n++] = d->ns_name[i];
	memcpy(d->ns_name, name, n * sizeof(name[0]));
	d->ns_names = (uint8_t)n;
}

/*
 * Room for a name server's address: free, or of one that shows in no tick, or of the largest
 * hash. By recency a set larger than the room would turn over for ever though it stays.
 */
static struct domain_ns *ns_place(const struct store *st, struct domain *d, uint64_t hash)
{
	struct domain_ns *at = NULL, *oldest = NULL;
	uint64_t largest = hash;

	if (d->ns_items < STORE_NS)
		return &d->ns[d->ns_items++];
	for (struct domain_ns *ns = d->ns; ns < d->ns + STORE_NS; ns++) {
		uint64_t h = hash_u64(ns->unit, st->sketch);
		if (ns->ticks == 0 && (!oldest || ns->last < oldest->last))
			oldest = ns;
		if (h > largest) {
			largest = h;
			at = ns;
		}
	}
	return oldest ? oldest : at;
}

static void ns_touch(struct domain *d, struct domain_ns *ns, const struct sighting *g,
	const struct sighting_unit *u, uint64_t tick)
{
	uint8_t *server = &d->ns_server[ns - d->ns];

	*server = ns->ticks == 0 || *server == u->server ? u->server : SHARD_SERVER_SEVERAL;
	ns->ticks |= tick;
	if (ns->last < g->last)
		ns->last = g->last;
}

static void ns_units_merge(const struct store *st, struct domain *d, const struct sighting *g,
	const struct net_lookup *net)
{
	uint32_t now = d->slot / STORE_TICK_SLOTS,
		 then = g->last / STORE_SLOT_SECONDS / STORE_TICK_SLOTS;
	uint64_t tick = now - then < STORE_TICKS ? UINT64_C(1) << (now - then) : 0;

	/* Known ones first, so that none of them is taken for one that shows no more. */
	for (unsigned i = 0; i < g->ns_units; i++) {
		struct domain_ns *ns = domain_ns_find(d, g->ns_unit[i].unit);
		if (ns)
			ns_touch(d, ns, g, &g->ns_unit[i], tick);
	}
	for (unsigned i = 0; i < g->ns_units; i++) {
		const struct sighting_unit *u = &g->ns_unit[i];
		struct net_info info = {0};

		unsigned item = domain_item_search(st, d, u->hash, 0);
		if (item < d->items && d->item[item].unit == u->unit)
			d->item[item].ns = 1;
		struct domain_ns *ns = domain_ns_find(d, u->unit) ? NULL : ns_place(st, d, u->hash);
		if (!ns)
			continue;
		net->fn(net->ctx, u->unit, &info);
		*ns = (struct domain_ns){.unit = u->unit, .asn = info.asn};
		ns_touch(d, ns, g, u, tick);
		d->ns_spread = 0;
	}
}

void domain_ns_merge(const struct store *st, struct domain *d, const struct sighting *g,
	const struct net_lookup *net)
{
	if (g->ns_names)
		ns_names_merge(d, g);
	if (g->ns_units)
		ns_units_merge(st, d, g, net);
}
