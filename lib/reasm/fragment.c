/* SPDX-License-Identifier: BSD-3-Clause */

#include "base/bits.h"
#include "reasm/fragment.h"
#include "reasm/slots.h"

#define BLOCK 8u /* fragments start at multiples of it */
#define BLOCK_WORDS (FRAGMENT_DATAGRAM_MAX / BLOCK / 64)

/* What became of a datagram is remembered for late fragments of it, the other leg's mostly. */
#define RECENT 4096u
#define RECENT_MS 1000u

struct datagram {
	struct wire_packet packet; /* as its first fragment had it, once that is there */
	uint64_t since_ms;
	uint64_t head;  /* hash of the first fragment's data */
	uint32_t have;  /* octets that are there */
	uint32_t reach; /* end of the farthest octet that is there */
	uint32_t total; /* 0: the last fragment is not there */
	uint32_t parts; /* fragments that it holds */
	uint8_t saddr[16];
	uint8_t daddr[16];
	uint64_t block[BLOCK_WORDS]; /* a bit for each that is there */
};

struct recent {
	uint64_t key;
	uint64_t head;
	uint64_t at_ms;
	enum fragment_fate fate; /* of fragments that come late */
};

struct fragment_table {
	struct slots slots;
	struct hash_key key;
	uint64_t held;
	uint32_t timeout_ms;
	uint32_t released;                    /* whole datagrams that still stand in their memory */
	uint32_t release[WIRE_DEPTH_MAX + 1]; /* one may complete another, each a layer deeper */
	struct datagram *datagram;
	uint8_t *data; /* FRAGMENT_DATAGRAM_MAX a slot */
	struct recent recent[RECENT];
};

static size_t head_size(void)
{
	return align_up(sizeof(struct fragment_table), CACHE_LINE);
}

size_t fragment_size(uint32_t datagrams)
{
	return head_size() + slots_size(datagrams) +
	       align_up(datagrams * sizeof(struct datagram), CACHE_LINE) +
	       (size_t)datagrams * FRAGMENT_DATAGRAM_MAX;
}

struct fragment_table *fragment_init(
	void *mem, uint32_t datagrams, uint32_t timeout_ms, struct hash_key key)
{
	struct fragment_table *t = mem;
	uint8_t *at = (uint8_t *)mem + head_size();

	memset(t, 0, sizeof(*t));
	t->key = key;
	t->timeout_ms = timeout_ms;
	slots_init(&t->slots, at, datagrams);
	at += slots_size(datagrams);
	t->datagram = (struct datagram *)at;
	t->data = at + align_up(datagrams * sizeof(struct datagram), CACHE_LINE);
	return t;
}

static uint64_t key_of(const struct fragment_table *t, const struct wire_packet *p)
{
	size_t n = p->ip_version == 4 ? 4 : 16;
	/* IPv6 names the protocol in the first fragment only (RFC 8200, 4.5). */
	uint64_t proto = p->ip_version == 4 ? p->fragment_proto : 256;
	uint64_t h = hash_bytes(p->saddr, n, t->key);

	h = hash_fold(h ^ t->key.a, hash_bytes(p->daddr, n, t->key) ^ t->key.b);
	return hash_u64(h ^ (proto << 32 | p->fragment_id), t->key);
}

static void remember(struct fragment_table *t, uint64_t key, uint64_t head, uint64_t now_ms,
	enum fragment_fate fate)
{
	t->recent[key % RECENT] = (struct recent){key, head, now_ms, fate};
}

/* Takes a datagram off the table; all that it holds has one fate. */
static void drop(
	struct fragment_table *t, uint32_t slot, enum fragment_fate fate, struct account *a)
{
	a->fragment[fate] += t->datagram[slot].parts;
	t->held -= t->datagram[slot].parts;
	slots_remove(&t->slots, slot);
}

void fragment_expire(struct fragment_table *t, uint64_t now_ms, struct account *a)
{
	while (t->slots.oldest != SLOT_NONE &&
		t->datagram[t->slots.oldest].since_ms + t->timeout_ms < now_ms)
		drop(t, t->slots.oldest, FRAGMENT_TIMED_OUT, a);
}

void fragment_release(struct fragment_table *t)
{
	while (t->released)
		slots_remove(&t->slots, t->release[--t->released]);
}

uint64_t fragment_held(const struct fragment_table *t)
{
	return t->held;
}

/* A fragment that cannot be one, whatever else arrives; FRAGMENT_FATE_COUNT when it can. */
static enum fragment_fate refused(const struct wire_packet *p)
{
	uint32_t len = p->payload_wire, end = p->fragment_offset + len;

	if (len == 0 || (p->fragment_more && len % BLOCK) || end > UINT16_MAX)
		return FRAGMENT_INVALID;
	if (end > FRAGMENT_DATAGRAM_MAX)
		return FRAGMENT_TOO_LARGE;
	return p->cut ? FRAGMENT_CUT : FRAGMENT_FATE_COUNT;
}

/* Late for a datagram that is decided? */
static bool is_late(const struct recent *r, uint64_t key, const struct wire_packet *p,
	uint64_t head, uint64_t now_ms)
{
	if (r->key != key || r->at_ms == 0 || r->at_ms + RECENT_MS < now_ms)
		return false;
	/* The same identification again, and something else behind it: a new datagram. */
	return p->fragment_offset != 0 || r->head == 0 || r->head == head;
}

/* Whole, and still being read. */
static bool is_released(const struct datagram *d)
{
	return d->parts == 0 && d->have != 0;
}

static uint32_t slot_for(struct fragment_table *t, uint64_t key, const struct wire_packet *p,
	uint64_t now_ms, struct account *a)
{
	uint32_t slot = slots_find(&t->slots, key);

	if (slot != SLOT_NONE)
		return slot;
	slot = slots_add(&t->slots, key);
	if (slot == SLOT_NONE && t->released < t->slots.used) {
		for (slot = t->slots.oldest; is_released(&t->datagram[slot]);)
			slot = t->slots.slot[slot].newer;
		drop(t, slot, FRAGMENT_EVICTED, a);
		slot = slots_add(&t->slots, key);
	}
	if (slot == SLOT_NONE)
		return slot;
	struct datagram *d = &t->datagram[slot];
	size_t n = p->ip_version == 4 ? 4 : 16;
	*d = (struct datagram){.packet = *p, .since_ms = now_ms};
	memcpy(d->saddr, p->saddr, n);
	memcpy(d->daddr, p->daddr, n);
	return slot;
}

static bool is_there(const struct datagram *d, uint32_t at)
{
	return d->block[at / BLOCK / 64] >> (at / BLOCK % 64) & 1;
}

/* Adds the octets that are new; false when some that are not are others. Run by run. */
static bool octets_add(struct datagram *d, uint8_t *data, const struct wire_packet *p)
{
	uint32_t from = p->fragment_offset, end = from + p->payload_len, next;

	for (uint32_t at = from; at < end; at = next) {
		const uint8_t *octets = p->payload + (at - from);
		bool there = is_there(d, at);

		for (next = at; next < end && is_there(d, next) == there; next += BLOCK)
			d->block[next / BLOCK / 64] |= UINT64_C(1) << (next / BLOCK % 64);
		uint32_t n = (next < end ? next : end) - at;
		if (there && memcmp(data + at, octets, n) != 0)
			return false;
		if (there)
			continue;
		memcpy(data + at, octets, n);
		d->have += n;
	}
	return true;
}

/* The end of a datagram is said by one fragment, and nothing lies behind it. */
static bool extent_add(struct datagram *d, const struct wire_packet *p)
{
	uint32_t end = p->fragment_offset + p->payload_len;

	if (!p->fragment_more) {
		if (d->total && d->total != end)
			return false;
		d->total = end;
	}
	if (end > d->reach)
		d->reach = end;
	return d->total == 0 || d->reach <= d->total;
}

static enum fragment_fate take(struct fragment_table *t, uint32_t slot, const struct wire_packet *p,
	uint64_t head, struct account *a)
{
	struct datagram *d = &t->datagram[slot];
	uint32_t had = d->have;
	bool ended = d->total != 0;

	if (d->parts == FRAGMENT_PARTS_MAX) {
		drop(t, slot, FRAGMENT_TOO_MANY, a);
		return FRAGMENT_TOO_MANY;
	}
	if (!extent_add(d, p) ||
		!octets_add(d, t->data + (size_t)slot * FRAGMENT_DATAGRAM_MAX, p)) {
		drop(t, slot, FRAGMENT_CONFLICTING, a);
		return FRAGMENT_CONFLICTING;
	}
	if (p->fragment_offset == 0) {
		d->packet = *p;
		d->head = head;
	}
	if (d->have == had && ended == (d->total != 0))
		return FRAGMENT_DUPLICATE;
	d->parts++;
	t->held++;
	return FRAGMENT_USED;
}

/*
 * The datagram as one packet; it stands in its slot until fragment_release. It is as deep as the
 * fragment that completes it: else datagrams that complete each other were no deeper than one.
 */
static void complete(struct fragment_table *t, uint32_t slot, unsigned depth, struct account *a,
	struct wire_packet *whole)
{
	struct datagram *d = &t->datagram[slot];

	*whole = d->packet;
	whole->depth = depth > whole->depth ? (uint8_t)depth : whole->depth;
	whole->saddr = d->saddr;
	whole->daddr = d->daddr;
	whole->payload = t->data + (size_t)slot * FRAGMENT_DATAGRAM_MAX;
	whole->payload_len = whole->payload_wire = d->total;
	a->fragment[FRAGMENT_USED] += d->parts;
	t->held -= d->parts;
	d->parts = 0;
	t->release[t->released++] = slot;
	a->datagrams++;
}

bool fragment_add(struct fragment_table *t, const struct wire_config *wire,
	const struct wire_packet *p, uint64_t now_ms, struct account *a, struct wire_packet *whole)
{
	uint64_t key = key_of(t, p);
	uint64_t head =
		p->fragment_offset == 0 ? hash_bytes(p->payload, p->payload_len, t->key) : 0;
	struct recent *r = &t->recent[key % RECENT];
	bool known = slots_find(&t->slots, key) != SLOT_NONE;
	enum fragment_fate fate = refused(p);

	if (fate == FRAGMENT_FATE_COUNT && !known && is_late(r, key, p, head, now_ms))
		fate = r->fate;
	else if (fate == FRAGMENT_FATE_COUNT && p->fragment_offset == 0 &&
		 !wire_fragment_matters(wire, p))
		fate = FRAGMENT_OTHER_PORT;
	else if (fate == FRAGMENT_FATE_COUNT) {
		uint32_t slot = slot_for(t, key, p, now_ms, a);

		if (slot == SLOT_NONE)
			fate = FRAGMENT_EVICTED;
		else if (is_released(&t->datagram[slot]))
			fate = FRAGMENT_DUPLICATE; /* a datagram that holds its like */
		else
			fate = take(t, slot, p, head, a);
		if (fate == FRAGMENT_USED) {
			const struct datagram *d = &t->datagram[slot];

			if (d->have != d->total)
				return false;
			remember(t, key, d->head, now_ms, FRAGMENT_DUPLICATE);
			complete(t, slot, p->depth, a, whole);
			return true;
		}
		if (fate == FRAGMENT_CONFLICTING || fate == FRAGMENT_TOO_MANY)
			remember(t, key, 0, now_ms, fate);
		a->fragment[fate]++;
		return false;
	}
	/* The rest of a datagram that will never be whole, or is not wanted, goes with it. */
	if (fate == FRAGMENT_OTHER_PORT || fate == FRAGMENT_TOO_LARGE || fate == FRAGMENT_CUT) {
		uint32_t slot = slots_find(&t->slots, key);

		if (slot != SLOT_NONE && !is_released(&t->datagram[slot]))
			drop(t, slot, fate, a);
		remember(t, key, head, now_ms, fate);
	}
	a->fragment[fate]++;
	return false;
}
