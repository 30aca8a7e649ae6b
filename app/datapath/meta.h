/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

/*
 * What travels with an mbuf from the capture reader to a worker (a dynamic
 * mbuf field), and what else may stand in a feed ring: ticks.
 *
 * A feed ring carries mbuf pointers and ticks, told apart by the lowest bit.
 * A tick says that time has reached an epoch; it stands behind the last packet
 * of the epoch before, so the partitions see time at the same place in their
 * streams on every machine.
 */

#include <stdbool.h>
#include <stdint.h>

#include <rte_mbuf.h>
#include <rte_mbuf_dyn.h>

struct frame_meta {
	uint64_t time_ns;
	uint32_t wirelen;
	uint32_t link; /* enum wire_link */
};

/* Offset of the field; set once by frame_meta_register, before lcores start. */
extern size_t frame_meta_offset;

/* 0, or -rte_errno when mbufs have no room for the field. */
int frame_meta_register(void);

static inline struct frame_meta *frame_meta(struct rte_mbuf *m)
{
	return (struct frame_meta *)((uint8_t *)m + frame_meta_offset);
}

#define FEED_END UINT64_MAX

static inline void *feed_tick(uint64_t epoch)
{
	return (void *)(uintptr_t)(epoch << 1 | 1);
}

static inline bool feed_is_tick(const void *item)
{
	return (uintptr_t)item & 1;
}

/* The epoch of a tick; FEED_END >> 1 at the end of all feeds. */
static inline uint64_t feed_epoch(const void *item)
{
	return (uintptr_t)item >> 1;
}
