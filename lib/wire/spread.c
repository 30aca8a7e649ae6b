/* SPDX-License-Identifier: BSD-3-Clause */

#include "wire/spread.h"

void spread_init(
	struct spread *s, const struct wire_config *wire, struct hash_key key, unsigned workers)
{
	memset(s, 0, sizeof(*s));
	s->wire = wire;
	s->key = key;
	s->workers = workers;
}

static uint64_t address_hash(const struct spread *s, const uint8_t *addr, unsigned version)
{
	if (version == 4)
		return hash_u64(load_u32(addr), s->key);
	return hash_u64(
		hash_fold(load_u64(addr) ^ s->key.a, load_u64(addr + 8) ^ s->key.b), s->key);
}

/* A sum is the same in both directions. */
static uint32_t addresses_hash(const struct spread *s, const struct wire_packet *p)
{
	uint64_t sum =
		address_hash(s, p->saddr, p->ip_version) + address_hash(s, p->daddr, p->ip_version);

	return (uint32_t)(hash_u64(sum, s->key) >> 32);
}

static uint32_t fragment_hash(struct spread *s, const struct wire_packet *p)
{
	struct wire_packet inner = *p;
	uint64_t h = address_hash(s, p->saddr, p->ip_version);

	h = hash_fold(h ^ s->key.a, address_hash(s, p->daddr, p->ip_version) ^ s->key.b);
	uint64_t key = hash_u64(h ^ p->fragment_id, s->key);
	unsigned i = key % SPREAD_DATAGRAMS;
	bool first = p->fragment_offset == 0;

	if (s->datagram[i].key != key || (first && s->datagram[i].begun)) {
		/* Where it is no tunnel, all of its fragments show the addresses that count. */
		if (first)
			wire_decode_first(s->wire, &inner);
		s->datagram[i].key = key;
		s->datagram[i].hash = addresses_hash(s, &inner);
		s->datagram[i].begun = first;
	}
	s->datagram[i].begun |= first;
	return s->datagram[i].hash;
}

unsigned spread_worker(struct spread *s, enum wire_link link, const uint8_t *data, uint32_t caplen,
	uint32_t wirelen)
{
	struct wire_packet p;
	enum wire_verdict v = wire_decode(s->wire, link, data, caplen, wirelen, &p);
	uint32_t hash;

	if (p.ip_version == 0)
		return 0;
	if (v == WIRE_FRAGMENT_V4 || v == WIRE_FRAGMENT_V6)
		hash = fragment_hash(s, &p);
	else
		hash = addresses_hash(s, &p);
	return (unsigned)((uint64_t)hash * s->workers >> 32);
}
