/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

#include "fluxmemory/epoch.h"
#include "fluxmemory/full.h"
#include "fluxmemory/sizes.h"

#define SIZES_MAX 4u

/* What is asked of the design. */
#define BOUND_ONCE_OCTETS 64u                  /* a domain seen once */
#define BOUND_RECORD_OCTETS 3072u              /* one tracked in detail */
#define BOUND_MERGE_NS 60.0                    /* an entry */
#define BOUND_TOTAL_OCTETS (UINT64_C(3) << 29) /* 10^7 domains: 1.5 GiB */

struct report {
	bool quick;
	unsigned sizes;
	struct size_result size[SIZES_MAX];
	struct full_result full;
	struct epoch_result epoch;
};

/* Entries and names of which it is not known what became of them; 0 or the code is wrong. */
uint64_t report_error(const struct report *r);
/* Has each figure a round? */
bool report_measured(const struct report *r);

/* Both to standard output; the JSON is of bench/fluxmemory.schema.json. */
void report_json(const struct report *r);
void report_table(const struct report *r);
