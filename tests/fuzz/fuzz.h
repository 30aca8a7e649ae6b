/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

/* What fuzz targets share. A target is one file with LLVMFuzzerTestOneInput. */

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Unlike assert() it is there in every build. */
#define require(condition) \
	do { \
		if (!(condition)) { \
			fprintf(stderr, "%s:%d: does not hold: %s\n", __FILE__, __LINE__, \
				#condition); \
			abort(); \
		} \
	} while (0)

/* A copy that ends where its memory ends, so that reading beyond it is seen. */
static inline uint8_t *exact_copy(const uint8_t *data, size_t size)
{
	uint8_t *copy = calloc(1, size);

	require(copy);
	if (size)
		memcpy(copy, data, size);
	return copy;
}
