/* SPDX-License-Identifier: BSD-3-Clause */

#include "detect/columns.h"

const char *const feature_names[FEATURE_COUNT] = {
#define X(name) #name,
	FEATURE_COLUMNS(X)
#undef X
};

const size_t feature_offsets[FEATURE_COUNT] = {
#define X(name) offsetof(struct features, name),
	FEATURE_COLUMNS(X)
#undef X
};
