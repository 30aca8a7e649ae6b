/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

/*
 * The frames of a capture as a NIC leaves them: in memory, and in no cache.
 *
 * Frame k of the capture lies in a slot of its own, whose place has nothing to do with k, so that
 * no prefetcher of the processor guesses the next one. With a million frames or more a slot has
 * left all caches when its turn comes again. They are played for ever, by one lcore, and an mbuf
 * is only pointed at its frame: nothing is copied.
 */

#include <stddef.h>
#include <stdint.h>

#include <rte_mbuf.h>

#include "cli/exit.h"
#include "fluxbench/traffic.h"

struct frame_place {
	uint8_t *data;
	uint32_t octets;
	uint32_t unused;
};

struct frames {
	struct frame_place *place; /* in the capture's order */
	uint8_t *slots;
	uint64_t count;
	uint64_t at;   /* next frame */
	uint16_t slot; /* octets */
};

/* Octets of DPDK's memory that the frames of this traffic take. */
size_t frames_octets(const struct traffic *t);

/* 0, or -errno and one line in err. frames_free is due after either. */
int frames_load(
	struct frames *f, const char *capture, const struct traffic *t, char err[ERROR_LINE_MAX]);

void frames_free(struct frames *f);

/*
 * Points m, fresh from its pool, at the next frame. Only the first line of an mbuf is written:
 * the pool gives it with one segment and no next.
 */
static inline void frames_next(struct frames *f, struct rte_mbuf *m, uint16_t port)
{
	const struct frame_place *p = &f->place[f->at];

	if (++f->at == f->count)
		f->at = 0;
	m->buf_addr = p->data;
	m->buf_len = f->slot;
	m->data_off = 0;
	rte_mbuf_refcnt_set(m, 1);
	m->nb_segs = 1;
	m->port = port;
	m->ol_flags = 0;
	m->packet_type = 0;
	m->pkt_len = p->octets;
	m->data_len = (uint16_t)p->octets;
}
