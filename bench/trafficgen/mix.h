/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "options.h"

/* A mix is a named set of defaults, one row each. */

#define MIX_FAMILIES 12

struct mix {
	const char *name;
	const char *summary;
	uint64_t duration;
	uint64_t packets;
	uint32_t domains;
	double rate;
	enum plain plain;
	bool responses_only;
	bool every_family;
	uint32_t campaign; /* 0: 1 */
	const char *tlds;
	struct {
		const char *family;
		uint32_t domains;
		uint32_t interval; /* seconds; 0: as the family's row says */
	} families[MIX_FAMILIES];
};

extern const struct mix mixes[];
extern const size_t mix_count;

/* NULL when there is none of that name. */
const struct mix *mix_find(const char *name);
