/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

/* Where records lie, for what lays a shard out and what writes it; nobody else includes it. */

#include "shard/shard.h"

#define DETAIL_LARGE UINT32_C(0x80000000) /* in a reference: of the large pool */

/* A record with its units, in whole cache lines. */
#define SMALL_OCTETS \
	((sizeof(struct shard_detail) + SHARD_SAMPLE_SMALL * sizeof(uint64_t) + 63) & ~(size_t)63)
#define LARGE_OCTETS \
	((sizeof(struct shard_detail) + SHARD_SAMPLE_MAX * sizeof(uint64_t) + 63) & ~(size_t)63)
