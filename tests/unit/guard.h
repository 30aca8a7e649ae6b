/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

/*
 * Memory that ends at a page which can't be read: an octet read beyond the end ends
 * the test in every build, not only under a sanitizer.
 */

#include <stdint.h>
#include <string.h>
#include <sys/mman.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#define GUARD_ROOM (128u << 10)
#define GUARD_PAGE 4096u

/* A copy of n <= GUARD_ROOM octets that ends at the guard; valid until the next one. */
static inline const uint8_t *guarded(const void *data, size_t n)
{
	static uint8_t *area;

	if (!area) {
		area = mmap(NULL, GUARD_ROOM + GUARD_PAGE, PROT_READ | PROT_WRITE,
			MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
		assert_ptr_not_equal(area, MAP_FAILED);
		assert_int_equal(mprotect(area + GUARD_ROOM, GUARD_PAGE, PROT_NONE), 0);
	}
	assert_true(n <= GUARD_ROOM);
	uint8_t *p = area + GUARD_ROOM - n;
	if (n)
		memcpy(p, data, n);
	return p;
}
