/* SPDX-License-Identifier: BSD-3-Clause */

/*
 * Frames, pairing table and shard are asked for a burst ahead, as the sensor does; so these are
 * figures of throughput and not of latency. Names lie in the same frames.
 */

#include <string.h>

#include "fluxmicro/steps.h"
#include "sensor/sensor.h"

/* For each item `i` of each burst, after `ahead` was done with all of the burst. */
#define EACH_BURST(b, i, ahead, action) \
	for (uint32_t burst = 0; burst < (b)->items; burst += SENSOR_BURST) { \
		for (struct item *i = &(b)->item[burst]; i < &(b)->item[burst + SENSOR_BURST]; \
			i++) { \
			ahead; \
		} \
		for (struct item *i = &(b)->item[burst]; i < &(b)->item[burst + SENSOR_BURST]; \
			i++) { \
			action; \
		} \
	}

static inline void frame_prefetch(const struct item *i)
{
	__builtin_prefetch(i->frame);
	__builtin_prefetch(i->frame + 64);
}

static uint64_t pass_decode(struct bed *b)
{
	struct wire_packet p;

	EACH_BURST(b, i, frame_prefetch(i),
		b->amiss += wire_decode(&b->wire, WIRE_LINK_ETHERNET, i->frame, i->frame_len,
				    i->frame_len, &p) != WIRE_DNS)
	return b->items;
}

static uint64_t pass_parse(struct bed *b)
{
	struct dns_record records[DNS_RECORDS_MAX];
	struct dns_message m;

	EACH_BURST(b, i, frame_prefetch(i),
		b->amiss +=
		dns_parse(i->frame + i->message, i->message_len, false, records, &m) != DNS_OK)
	return b->items;
}

static uint64_t pass_name_hash(struct bed *b)
{
	EACH_BURST(b, i, frame_prefetch(i),
		b->sink +=
		hash_bytes(i->frame + i->message + DNS_HEADER_LEN, i->question_len, bed_sketch))
	return b->items;
}

/* The names are walked in order: the sensor has just decoded them. */
static uint64_t pass_registered(struct bed *b)
{
	for (uint32_t i = 0; i < b->items; i++)
		b->amiss += psl_registered(b->psl, &b->name[i]) < 0;
	return b->items;
}

static uint64_t pass_pair_query(struct bed *b)
{
	EACH_BURST(b, i, match_prefetch(b->match, i->transaction),
		b->sink += match_query(b->match, i->transaction, 1000))
	return b->items;
}

static void prepare_pair_response(struct bed *b)
{
	pass_pair_query(b);
}

static uint64_t pass_pair_response(struct bed *b)
{
	EACH_BURST(b, i, match_prefetch(b->match, i->transaction),
		b->amiss += match_response(b->match, i->transaction, 7, 1001) != MATCH_PAIRED)
	return b->items;
}

static uint64_t observe(struct bed *b, struct shard *s, enum table_fate fate)
{
	struct shard_observation o;
	uint64_t unit;

	EACH_BURST(b, i, shard_prefetch(s, i->key);
		   frame_prefetch(i), o = bed_observation(b, i, 0, &unit);
		   b->amiss += shard_observe(s, &o) != fate)
	return b->items;
}

static uint64_t pass_observe_hit(struct bed *b)
{
	return observe(b, b->shard, TABLE_HIT);
}

static void prepare_observe_miss(struct bed *b)
{
	shard_clear(b->misses);
}

static uint64_t pass_observe_miss(struct bed *b)
{
	return observe(b, b->misses, TABLE_INSERTED);
}

static uint64_t pass_observe_full(struct bed *b)
{
	return observe(b, b->full, TABLE_DENIED_FULL);
}

static void merge(struct bed *b, struct shard *s)
{
	store_merge(b->fresh, &s, 1, b->now, &bed_networks);
}

static void prepare_merge_first(struct bed *b)
{
	struct store_config c = bed_store_config(b);

	b->fresh = store_init(b->fresh_memory, &c, bed_placement, bed_sketch);
}

/* Merges the shard; each entry is to meet that fate. */
static uint64_t merge_as(struct bed *b, enum store_fate fate)
{
	uint64_t before = store_account(b->fresh)->fate[fate];

	merge(b, b->shard);
	b->amiss += b->shard->used - (store_account(b->fresh)->fate[fate] - before);
	return b->shard->used;
}

static uint64_t pass_merge_first(struct bed *b)
{
	return merge_as(b, STORE_WAITING);
}

/* The second address makes candidates of them. */
static void prepare_merge_again(struct bed *b)
{
	prepare_merge_first(b);
	merge(b, b->shard);
	merge(b, b->other);
}

static uint64_t pass_merge_again(struct bed *b)
{
	return merge_as(b, STORE_HIT);
}

static uint64_t pass_lookup(struct bed *b)
{
	for (uint32_t i = 0; i < b->tracked; i++)
		b->amiss += store_find(b->store, b->item[i].key) == NULL;
	return b->tracked;
}

static uint64_t pass_judge(struct bed *b)
{
	for (uint32_t i = 0; i < b->tracked; i++)
		detect_judge(b->detector, b->store, b->domain[i], b->now);
	return b->tracked;
}

const struct step steps[] = {
	{"decode", NULL, pass_decode},
	{"parse", NULL, pass_parse},
	{"name hash", NULL, pass_name_hash},
	{"registered domain", NULL, pass_registered},
	{"pairing, query", NULL, pass_pair_query},
	{"pairing, response", prepare_pair_response, pass_pair_response},
	{"shard observe, hit", NULL, pass_observe_hit},
	{"shard observe, miss", prepare_observe_miss, pass_observe_miss},
	{"shard observe, full", NULL, pass_observe_full},
	{"merge an entry, first seen", prepare_merge_first, pass_merge_first},
	{"merge an entry, candidate", prepare_merge_again, pass_merge_again},
	{"store look-up", NULL, pass_lookup},
	{"judge and score", NULL, pass_judge},
};
const unsigned steps_count = sizeof(steps) / sizeof(steps[0]);
