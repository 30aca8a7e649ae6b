/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

/*
 * A store, a shard and a detector, and domains in flux that are observed, merged and judged
 * epoch by epoch, as control does.
 */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "detect/rules.h"
#include "tests/unit/store_fixture.h"

#define START (20000u * 86400u)
#define EPOCH 300u
#define HOUR 3600u
#define DAY 86400u

static const struct net_lookup net = {test_network, NULL};

static struct store *st;
static struct shard *shard;
static struct detector *detector;
static struct detect_config config;
static uint32_t now;
static uint32_t ttl;

static inline void detector_new(unsigned verdicts)
{
	free(detector);
	detector = detector_init(test_memory(detector_size(verdicts)), verdicts, &config);
	assert_non_null(detector);
}

static inline int begin(void **state)
{
	(void)state;
	now = START;
	ttl = 150;
	st = test_store(12, 12, 64);
	shard = test_shard(10);
	detect_defaults(&config);
	detector_new(16);
	return 0;
}

static inline int end(void **state)
{
	(void)state;
	uint64_t error = detect_account_error(detector) + store_account_error(st);

	free(detector);
	free(shard);
	free(st);
	detector = NULL;
	return error ? -1 : 0;
}

/* Address n: 60 networks in turn. */
static inline uint64_t unit_of(unsigned n)
{
	return (uint64_t)(0x0800 + n % 60) << 16 | (n / 60 + 1);
}

/* An answer with n addresses from `from` on; glue from the same, or none. */
static inline void answer(
	uint32_t id, unsigned from, unsigned n, unsigned glue, enum evidence_grade grade)
{
	uint8_t name[6];
	uint64_t unit[32], server[2] = {id * 2 + 1, id * 2 + 2};

	for (unsigned i = 0; i < n; i++)
		unit[i] = unit_of(from + i);
	struct shard_observation o = {
		.key = test_key(id),
		.host = test_key(id),
		.name = name,
		.name_len = (uint8_t)test_name(id, name),
		.unit = unit,
		.units = (uint8_t)n,
		.ttl = ttl,
		.now = now + 10,
		.grade = grade,
		.ns_name = server,
		.ns_names = glue ? 2 : 0,
		.ns_unit = unit,
		.ns_units = (uint8_t)glue,
		.ns_ttl = glue ? 300 : 0,
	};
	shard_observe(shard, &o);
}

static inline void judge(void *ctx, struct domain *d)
{
	(void)ctx;
	detect_judge(detector, st, d, now);
}

/* The epoch's end: merge, judge what it touched, sweep. */
static inline void close_epoch(uint32_t seconds)
{
	struct shard *shards[] = {shard};

	now += seconds;
	store_merge(st, shards, 1, now, &net);
	shard_clear(shard);
	store_touched(st, judge, NULL);
	detect_sweep(detector, st, now);
	assert_int_equal(detect_account_error(detector), 0);
	assert_int_equal(detect_verdicts(detector), detect_account(detector)->active);
}

/* Double flux: six new hosts each epoch, all of them name servers as well. */
static inline void flux(uint32_t id, unsigned epoch)
{
	answer(id, id * 1000 + epoch * 6, 6, 6, EVIDENCE_PAIRED);
}

/* Runs the domain until it is flagged; the number of evaluations in which a rule was met. */
static inline unsigned flux_until_flagged(uint32_t id, unsigned from)
{
	for (unsigned epoch = from; epoch < from + 20; epoch++) {
		flux(id, epoch);
		close_epoch(EPOCH);
		const struct domain *d = store_find(st, test_key(id));
		if (d && domain_flagged(d))
			return d->verdict.streak;
	}
	fail_msg("domain %u is not flagged", id);
	return 0;
}

static inline const struct verdict *verdict_of(uint32_t id)
{
	for (unsigned i = 0; i < detect_verdicts(detector); i++)
		if (detect_verdict(detector, i)->key == test_key(id))
			return detect_verdict(detector, i);
	return NULL;
}
