/* SPDX-License-Identifier: BSD-3-Clause */

/*
 * The doorkeeper as octets, and back: runs of buckets. A way holds the low bits of
 * its name's key, and the bucket's number the high ones; that is why the door alone
 * is placed by the key itself and not by the placement key.
 */

#include "store/state.h"
#include "store/store_internal.h"

#define RUN_BUCKETS 64u
#define WAY_OCTETS 8u
#define RUN_MAX (RECORD_HEADER + 16u + RUN_BUCKETS * (1 + DOOR_WAYS * WAY_OCTETS))

static bool way_counts(const struct store *st, uint64_t way)
{
	return way != 0 && door_holds(st, way);
}

static unsigned bucket_put(const struct store *st, struct encoder *e, const struct door_bucket *b)
{
	uint8_t *count = e->at;
	unsigned n = 0;

	put_u8(e, 0);
	for (unsigned i = 0; i < DOOR_WAYS; i++) {
		if (!way_counts(st, b->way[i]))
			continue;
		put_u64(e, b->way[i]);
		n++;
	}
	if (!e->full)
		*count = (uint8_t)n;
	return n;
}

unsigned store_save_door(
	const struct store *st, struct store_walk *w, struct encoder *e, unsigned places)
{
	unsigned bits = st->config.door_log2 - 3, records = 0;
	uint64_t buckets = UINT64_C(1) << bits;

	_Static_assert(RUN_MAX < STATE_RECORD_MAX, "a run is a record");
	for (; w->at < buckets && places >= RUN_BUCKETS; places -= RUN_BUCKETS) {
		uint8_t *start = record_begin(e, STATE_DOOR);
		unsigned run = RUN_BUCKETS, ways = 0;

		put_u8(e, (uint8_t)bits);
		put_u32(e, (uint32_t)w->at);
		put_u16(e, (uint16_t)run);
		put_u16(e, WAY_OCTETS);
		for (unsigned i = 0; i < run; i++)
			ways += bucket_put(st, e, &st->door[w->at + i]);
		if (!record_end(e, start))
			return records;
		/* Most of a young door is empty. */
		if (ways == 0)
			e->at = start;
		else
			records++;
		w->at += run;
	}
	w->over = w->at == buckets;
	return records;
}

/* One way into one bucket, in the place of an older one. */
static bool way_place(struct store *st, uint64_t bucket, uint64_t way)
{
	uint64_t *oldest = &st->door[bucket].way[0];

	for (unsigned i = 1; i < DOOR_WAYS; i++)
		if (st->door[bucket].way[i] < *oldest)
			oldest = &st->door[bucket].way[i];
	if (*oldest >= way)
		return false;
	bool free = *oldest == 0;
	*oldest = way;
	return free;
}

/*
 * A smaller door has fewer high bits of the key in its bucket's number. A larger
 * one has more than were saved: the way goes to all buckets that it may belong to,
 * which fill no more than before; where it does not belong it meets no name, but one in 2^23.
 */
static void way_restore(
	struct store *st, unsigned bits, uint64_t bucket, uint64_t way, struct state_restored *r)
{
	unsigned mine = st->config.door_log2 - 3;

	if (mine <= bits) {
		r->door_lost += !way_place(st, bucket >> (bits - mine), way);
	} else {
		uint64_t first = bucket << (mine - bits), n = UINT64_C(1) << (mine - bits);
		bool whole = true;
		for (uint64_t i = 0; i < n; i++)
			whole &= way_place(st, first + i, way);
		r->door_lost += !whole;
	}
	r->door++;
}

bool store_restore_door(struct store *st, struct decoder *in, struct state_restored *r)
{
	unsigned bits = get_u8(in);
	uint64_t first = get_u32(in);
	unsigned run = get_u16(in), octets = get_u16(in);

	if (in->bad || bits < 7 || bits > 27 || first + run > UINT64_C(1) << bits ||
		octets < WAY_OCTETS)
		return false;
	for (unsigned b = 0; b < run; b++) {
		struct decoder_list l = {.count = get_u8(in), .octets = octets};

		for (unsigned i = 0; i < l.count && !in->bad; i++) {
			struct decoder one = get_element(in, &l);
			uint64_t way = get_u64(&one);
			if (one.bad || way >> 48 > st->now / DAY_SECONDS + 1)
				return false;
			if (way_counts(st, way))
				way_restore(st, bits, first + b, way, r);
		}
	}
	return !in->bad;
}
