/* SPDX-License-Identifier: BSD-3-Clause */

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "base/bits.h"
#include "common/memory.h"

#define HUGE_OCTETS ((size_t)2 << 20)

void *bench_memory(size_t octets)
{
	size_t size = align_up(octets, HUGE_OCTETS);
	void *mem = aligned_alloc(HUGE_OCTETS, size);

	if (mem) {
		madvise(mem, size, MADV_HUGEPAGE);
		memset(mem, 0, size);
	}
	return mem;
}
