/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

/* A store that far more is offered to than it has room for: what is lost, and is it counted? */

#include "fluxmemory/keeper.h"

#define FULL_TIMES 4u /* as many as there is room for are offered */

/* X(enumerator, name in JSON) */
#define FULL_WAVES(X) \
	X(FULL_DOOR, "doorkeeper") \
	X(FULL_CANDIDATES, "candidates") \
	X(FULL_RECORDS_FIVE, "full records, five networks") \
	X(FULL_RECORDS_FORTY, "full records, forty networks")

#define FULL_ENUM(name, text) name,
enum full_wave { FULL_WAVES(FULL_ENUM) FULL_WAVE_COUNT };

const char *full_wave_name(enum full_wave w);

struct full_result {
	struct store_config config;
	uint64_t offered[FULL_WAVE_COUNT]; /* entries */
	double merge_ns[FULL_WAVE_COUNT];  /* an entry, once the tier is full */
	uint64_t flux;                     /* domains in flux that the detector was shown ... */
	uint64_t confirmed;                /* ... and flagged, before the store was full */
	uint64_t confirmed_lost;           /* of these not flagged, or without record, at the end */
	uint64_t waiting;                  /* names that the doorkeeper was offered ... */
	uint64_t waiting_found;            /* ... and still knows when asked for each ... */
	uint64_t waiting_evicted;          /* ... and says that it evicted */
	uint64_t live_found; /* candidates and full records found when asked for each name */
	struct store_account account;
	uint64_t shard_denied; /* domains that the shard had no room for */
	uint64_t error;        /* identities, and live_found against account.live */
};

/*
 * Names that the doorkeeper holds may differ by so many from what it counted: it keeps 24 bits
 * of a name.
 */
uint64_t full_door_difference(const struct full_result *r);
bool full_lost_silently(const struct full_result *r);

/* A store for so many domains, `live` an epoch at most. 0, or -ENOMEM; -EINVAL: none was flagged.
 */
int full_run(struct full_result *r, uint64_t domains, uint64_t live);
