/* SPDX-License-Identifier: BSD-3-Clause */

/*
 * Frames through one worker's path in this process. Each is a copy that ends where its memory
 * ends, so that the address sanitizer sees what a packet buffer's spare room would hide, and
 * the tables are so small that they are always full.
 */

#include "mutate.h"
#include "worker.h"

/* Bursts between two looks at the identities, and until the worker starts afresh. */
#define BURSTS_CHECKED 64u
#define BURSTS_LIFE 16384u

static const struct shard_config small_shard = {
	.entries_log2 = 12,
	.details_small = 64,
	.details_large = 8,
	.name_octets = 1u << 16,
};

static struct worker worker;
static struct frame frames[SENSOR_BURST];
static unsigned waiting, bursts;
static uint64_t last_ns;

static void burst(void)
{
	unsigned n = waiting;

	if (bursts % BURSTS_LIFE == 0)
		worker_prepare(&worker, &small_shard);
	sensor_burst(worker.sensor, frames, n);
	while (waiting)
		free((uint8_t *)frames[--waiting].data);
	if (++bursts % BURSTS_CHECKED == 0)
		worker_check(&worker);
}

void check_frame(const struct packet *p, enum wire_link link, uint64_t stamp_ns)
{
	uint32_t len = packet_len(p);

	/* A leap that would end all windows for good is the capture reader's to catch. */
	if (last_ns == 0 || (stamp_ns > last_ns && stamp_ns - last_ns < 86400000000000u))
		last_ns = stamp_ns;
	frames[waiting++] = (struct frame){
		.data = exact_copy(p->bytes + p->start, len),
		.caplen = len,
		.wirelen = p->wire < len ? len : p->wire,
		.time_ns = last_ns,
		.link = link,
	};
	if (waiting == SENSOR_BURST)
		burst();
}

void check_end(void)
{
	burst();
	worker_check(&worker);
}
