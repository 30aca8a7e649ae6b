/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

/*
 * One worker's whole path, from a burst of frames to its epoch shard:
 *
 *   decode (-> reassemble) -> parse -> (evidence | transaction hash), prefetch
 *                          -> pair (-> hold) -> observe
 *
 * The passes run over the burst, so that the cache lines of pairing table and
 * shard are on their way while the rest of the burst is parsed. Free of DPDK:
 * a live worker, a replay, a benchmark and a fuzzer run this very code.
 *
 * A sensor belongs to one thread. It writes only its own memory and the shard
 * it was given; psl and the configuration are shared and read only.
 */

#include "base/dns64.h"
#include "base/hash.h"
#include "dns/dns.h"
#include "match/match.h"
#include "psl/psl.h"
#include "reasm/reasm.h"
#include "sensor/resolvers.h"
#include "shard/shard.h"
#include "wire/wire.h"

#define SENSOR_BURST 32u

/* NS records are looked at where the addresses live no longer than this, seconds. */
#define SENSOR_NS_TTL_GATE 3600u

/* A captured frame; the octets stay the caller's. */
struct frame {
	const uint8_t *data;
	uint32_t caplen;  /* octets at data */
	uint32_t wirelen; /* octets on the wire */
	uint64_t time_ns; /* since 1970 */
	enum wire_link link;
};

/* How far a burst is taken: the stages of the benchmark's ablation. */
enum sensor_stage {
	SENSOR_DECODE,
	SENSOR_PARSE,
	SENSOR_ALL,
};

struct sensor_config {
	const struct wire_config *wire; /* the caller's; see sensor_wire */
	struct hash_key placement;      /* random per boot; fixed in a replay */
	struct hash_key sketch;         /* kept with the state; fixed in a replay */
	const struct psl *psl;
	struct dns64 dns64;         /* of this network, besides 64:ff9b::/96 */
	struct resolvers resolvers; /* the operator's own */
	unsigned match_log2;        /* slots of the pairing table */
	struct reasm_config reasm;
};

struct sensor;

/* Octets that sensor_init needs; 0 when the configuration is out of range. */
size_t sensor_size(const struct sensor_config *config);

/* Lays a sensor out in `mem` (64-octet aligned, sensor_size octets, owned by the caller). */
struct sensor *sensor_init(void *mem, const struct sensor_config *config);

/*
 * The shard that observations go to from now on (never NULL before a burst).
 * Returns the one before. Keys of shard and sensor must be the same.
 */
struct shard *sensor_shard(struct sensor *s, struct shard *shard);

/*
 * Gives up what fragments, streams and early responses wait for, where it is due by `now_ns`,
 * or, with `all` set, whatever waits in streams and all such responses: at each epoch's end, and
 * at the last one. A shard is in use.
 */
void sensor_sweep(struct sensor *s, uint64_t now_ns, bool all);

/* The configuration of the decoder from now on; it must outlive its use. Between bursts. */
void sensor_wire(struct sensor *s, const struct wire_config *wire);

/* The shard in use; NULL when there is none. */
struct shard *sensor_shard_current(const struct sensor *s);

/* Takes n <= SENSOR_BURST frames in order; each is counted exactly once. */
void sensor_burst(struct sensor *s, const struct frame *frames, unsigned n);

/* The same, stopped after a stage; for measuring only. Counts nothing behind it. */
void sensor_burst_until(
	struct sensor *s, const struct frame *frames, unsigned n, enum sensor_stage stage);
