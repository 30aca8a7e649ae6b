/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

/*
 * What workers read and a reload may replace: immutable objects, handed over by
 * one pointer a worker, which it reads at its epoch tick and nowhere else.
 *
 *   control   offered = new      release: who reads it sees the whole object
 *   worker    reads offered      acquire, at its tick
 *             taken = its number release: its last use of the one before is older
 *   control   reads taken        acquire; when every worker's is the number of the
 *                                new one, or later, those before it are freed
 *
 * That a worker has reached a later epoch would not be enough: it may have read
 * the old pointer before the new one was there, and have said that it is in the
 * next epoch after. So it says which object it works by. A hung worker holds the
 * old ones back until it returns; nobody waits for it.
 */

#include <stdatomic.h>
#include <stdint.h>

#include "wire/wire.h"

/* Numbers of objects begin at 1; a worker that will read none any more says this. */
#define SETTINGS_LEFT UINT64_MAX

struct settings {
	uint64_t number;
	struct wire_config wire;
	struct settings *older; /* control's; no worker reads it */
};

/* A worker's end of it. A line for each writer. */
struct settings_slot {
	_Alignas(64) _Atomic(const struct settings *) offered; /* control; NULL: none yet */
	_Alignas(64) _Atomic uint64_t taken;                   /* the worker */
};

#define SETTINGS_SLOTS_MAX 32u

/* Control's end. Zeroed, but for the slots, which their workers own. */
struct settings_board {
	unsigned slots;
	struct settings_slot *slot[SETTINGS_SLOTS_MAX];
	struct settings *newest; /* and behind it those that some worker may still use */
};

/*
 * Control: offers a copy to all workers, under the next number. 0, or -ENOMEM and
 * nothing changes.
 */
int settings_offer(struct settings_board *b, const struct wire_config *wire);

/* Control: frees what no worker uses any more. Returns how many old ones are left. */
unsigned settings_settle(struct settings_board *b);

/* Frees all of them: no worker runs. */
void settings_free(struct settings_board *b);

/* Worker: what to work by from here on; the one before must not be touched again. */
static inline const struct settings *settings_take(
	struct settings_slot *slot, const struct settings *before)
{
	const struct settings *s = atomic_load_explicit(&slot->offered, memory_order_acquire);

	if (s != before)
		atomic_store_explicit(&slot->taken, s->number, memory_order_release);
	return s;
}

/* Worker: it will read none any more. */
static inline void settings_leave(struct settings_slot *slot)
{
	atomic_store_explicit(&slot->taken, SETTINGS_LEFT, memory_order_release);
}

/* Any thread: the number that a worker works by; 0: none yet. */
static inline uint64_t settings_taken(const struct settings_slot *slot)
{
	return atomic_load_explicit(&slot->taken, memory_order_acquire);
}
