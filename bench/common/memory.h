/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

/* Memory of tables that a benchmark lays out without an EAL. */

#include <stddef.h>

/*
 * Zeroed and all there, on large pages where the kernel gives them, as production's tables are.
 * NULL: none. To be freed by free().
 */
void *bench_memory(size_t octets);
