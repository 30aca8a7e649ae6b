/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

/* Which domains share addresses with a record, by key; store_siblings counts them. */

#include "store/reverse.h"
#include "store/store.h"

#define SIBLINGS_MAX (STORE_SAMPLE * REVERSE_KEYS)

/*
 * Keys of the domains that share at least min_units addresses with d in at least
 * min_networks networks. Returns their number. O(items * REVERSE_KEYS).
 */
unsigned store_siblings_keys(const struct store *st, const struct domain *d, unsigned min_units,
	unsigned min_networks, uint64_t key[SIBLINGS_MAX]);
