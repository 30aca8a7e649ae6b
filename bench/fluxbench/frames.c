/* SPDX-License-Identifier: BSD-3-Clause */

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include <rte_malloc.h>

#include "base/crc32c.h"
#include "capture/capture.h"
#include "fluxbench/frames.h"

#define LINE 64u

static size_t slot_octets(const struct traffic *t)
{
	return (t->longest + LINE - 1) / LINE * LINE;
}

size_t frames_octets(const struct traffic *t)
{
	return t->frames * (slot_octets(t) + sizeof(struct frame_place));
}

static uint64_t common_divisor(uint64_t a, uint64_t b)
{
	while (b) {
		uint64_t rest = a % b;
		a = b;
		b = rest;
	}
	return a;
}

/* A step through n slots that visits each once, neighbours in time far apart in memory. */
static uint64_t slot_step(uint64_t n)
{
	uint64_t step = (uint64_t)((double)n * 0.6180339887) | 1;

	while (common_divisor(step, n) != 1)
		step += 2;
	return step;
}

static int frames_read(
	struct frames *f, const char *path, const struct traffic *t, char err[ERROR_LINE_MAX])
{
	uint64_t step = slot_step(f->count), slot = 0, k = 0;
	struct captures *c = NULL;
	struct capture_packet packet;
	uint32_t mark = 0;
	int rc = captures_open(&c, &path, 1, err, ERROR_LINE_MAX);

	if (rc < 0)
		return rc;
	for (; k < f->count && captures_next(c, &packet) > 0; k++) {
		struct frame_place *p = &f->place[k];

		p->data = f->slots + slot * f->slot;
		p->octets = packet.caplen;
		if (packet.caplen > f->slot)
			break;
		memcpy(p->data, packet.data, packet.caplen);
		slot = (slot + step) % f->count;
	}
	captures_close(c);
	/* Each frame stands where its descriptor says, and none in another's place. */
	for (uint64_t i = 0; i < k; i++)
		mark = crc32c(mark, f->place[i].data, f->place[i].octets);
	if (k == t->frames && mark == t->crc32c)
		return 0;
	snprintf(err, ERROR_LINE_MAX, "%s: changed while it was read", path);
	return -EIO;
}

int frames_load(
	struct frames *f, const char *capture, const struct traffic *t, char err[ERROR_LINE_MAX])
{
	*f = (struct frames){.count = t->frames};
	if (slot_octets(t) > UINT16_MAX) {
		snprintf(err, ERROR_LINE_MAX, "%s: frames of %u octets: at most 65472", capture,
			t->longest);
		return -EINVAL;
	}
	f->slot = (uint16_t)slot_octets(t);
	f->place = rte_malloc("frame_places", f->count * sizeof(f->place[0]), LINE);
	f->slots = rte_malloc("frame_slots", f->count * f->slot, LINE);
	if (f->place && f->slots)
		return frames_read(f, capture, t, err);
	snprintf(err, ERROR_LINE_MAX, "memory: no %zu MiB for the frames of %s",
		frames_octets(t) >> 20, capture);
	return -ENOMEM;
}

void frames_free(struct frames *f)
{
	rte_free(f->slots);
	rte_free(f->place);
}
