/* SPDX-License-Identifier: BSD-3-Clause */

/* Which other domains share a record's addresses, by the reverse view. */

#include "store/siblings.h"
#include "store/store_internal.h"

_Static_assert(STORE_SAMPLE <= 64, "a bit an item");

/* A domain met behind the items: which of them it also owns. */
struct other {
	uint64_t key;
	uint64_t items;
};

static void other_add(struct other *other, unsigned *n, uint64_t key, unsigned item)
{
	for (unsigned i = 0; i < *n; i++) {
		if (other[i].key == key) {
			other[i].items |= UINT64_C(1) << item;
			return;
		}
	}
	other[(*n)++] = (struct other){key, UINT64_C(1) << item};
}

/* Networks are numbered by the first item that lies in them. */
static void networks_number(const struct domain *d, uint8_t number[STORE_SAMPLE])
{
	for (unsigned i = 0; i < d->items; i++) {
		uint64_t network = domain_network(d->item[i].unit, d->item[i].asn);
		unsigned first = 0;

		while (domain_network(d->item[first].unit, d->item[first].asn) != network)
			first++;
		number[i] = (uint8_t)first;
	}
}

/* The domains that own any of d's items, and which; at most SIBLINGS_MAX. */
static unsigned others_of(
	const struct store *st, const struct domain *d, struct other other[SIBLINGS_MAX])
{
	unsigned n = 0;

	for (unsigned i = 0; i < d->items; i++) {
		uint64_t owner[REVERSE_KEYS];
		unsigned owners = reverse_owners(st->reverse, d->item[i].unit, owner);

		for (unsigned k = 0; k < owners; k++)
			if (owner[k] != d->key)
				other_add(other, &n, owner[k], i);
	}
	return n;
}

static unsigned networks_of(uint64_t items, const uint8_t number[STORE_SAMPLE])
{
	uint64_t seen = 0;

	for (uint64_t bits = items; bits; bits &= bits - 1)
		seen |= UINT64_C(1) << number[__builtin_ctzll(bits)];
	return (unsigned)__builtin_popcountll(seen);
}

void store_siblings(const struct store *st, const struct domain *d, unsigned min_units,
	unsigned min_networks, struct siblings *out)
{
	struct other other[SIBLINGS_MAX];
	uint8_t number[STORE_SAMPLE];
	unsigned n = others_of(st, d, other);

	*out = (struct siblings){0};
	networks_number(d, number);
	for (unsigned i = 0; i < n; i++) {
		unsigned units = (unsigned)__builtin_popcountll(other[i].items);
		unsigned networks = networks_of(other[i].items, number);
		/* The view forgets slowly: a name let go since is no witness. */
		if (units < out->units && units < min_units)
			continue;
		if (!store_find(st, other[i].key))
			continue;
		out->domains += units >= min_units && networks >= min_networks;
		if (units > out->units || (units == out->units && networks > out->networks)) {
			out->units = units;
			out->networks = networks;
		}
	}
}

unsigned store_siblings_keys(const struct store *st, const struct domain *d, unsigned min_units,
	unsigned min_networks, uint64_t key[SIBLINGS_MAX])
{
	struct other other[SIBLINGS_MAX];
	uint8_t number[STORE_SAMPLE];
	unsigned n = others_of(st, d, other), keys = 0;

	networks_number(d, number);
	for (unsigned i = 0; i < n; i++)
		if ((unsigned)__builtin_popcountll(other[i].items) >= min_units &&
			networks_of(other[i].items, number) >= min_networks)
			key[keys++] = other[i].key;
	return keys;
}
