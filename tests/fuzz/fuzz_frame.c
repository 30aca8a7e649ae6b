/* SPDX-License-Identifier: BSD-3-Clause */

/*
 * The input goes through the whole of a worker's path, from frame to shard: as a frame of
 * every link type, whole, with its tail lost to a snap length and with a wire length that
 * lies; as the payload of a DNS datagram, asked and answered; and as a sequence of IP
 * packets, each behind its length in two octets, for fragments and segments come to
 * something only together. Every frame must be accounted for.
 */

#include "base/bits.h"
#include "fuzz.h"
#include "worker.h"

#define LINKS WIRE_LINK_SEGMENTED
#define VARIANTS 4u
#define DATAGRAM 28u /* IPv4 and UDP header */
#define SEQUENCE_MAX 64u
#define FRAMES_MAX (LINKS * VARIANTS + 4 + SEQUENCE_MAX)

static const struct shard_config small_shard = {
	.entries_log2 = 10,
	.details_small = 8,
	.details_large = 2,
	.name_octets = 4096,
};

struct frames {
	struct frame frame[FRAMES_MAX];
	unsigned n;
};

static void frame_add(
	struct frames *f, uint8_t *data, size_t caplen, size_t wirelen, enum wire_link link)
{
	f->frame[f->n] = (struct frame){
		.data = data,
		.caplen = (uint32_t)caplen,
		.wirelen = (uint32_t)wirelen,
		.time_ns = 1000000000u + f->n * UINT64_C(1000000),
		.link = link,
	};
	f->n++;
}

static void store_be16(uint8_t *p, size_t v)
{
	p[0] = (uint8_t)(v >> 8);
	p[1] = (uint8_t)v;
}

/* The message as a datagram from port 53, or to it; the response bit says so, too. */
static void datagram_add(struct frames *f, const uint8_t *msg, size_t size, bool response)
{
	uint8_t *p = malloc(DATAGRAM + size);

	require(p);
	memset(p, 0, DATAGRAM);
	p[0] = 0x45;
	store_be16(p + 2, DATAGRAM + size);
	p[9] = 17;
	p[response ? 15 : 19] = 1; /* client and server change places */
	p[response ? 19 : 15] = 2;
	store_be16(p + 20, response ? 53 : 5353);
	store_be16(p + 22, response ? 5353 : 53);
	store_be16(p + 24, 8 + size);
	if (size)
		memcpy(p + DATAGRAM, msg, size);
	if (size > 2)
		p[DATAGRAM + 2] = (uint8_t)((msg[2] & 0x7f) | (response ? 0x80 : 0));
	frame_add(f, p, DATAGRAM + size, DATAGRAM + size, WIRE_LINK_RAW);
}

static void sequence_add(struct frames *f, const uint8_t *data, size_t size)
{
	for (unsigned i = 0; i < SEQUENCE_MAX && size >= 2; i++) {
		size_t len = load_be16(data);

		data += 2;
		size -= 2;
		len = len < size ? len : size;
		frame_add(f, exact_copy(data, len), len, len, WIRE_LINK_RAW);
		data += len;
		size -= len;
	}
}

static void frames_make(struct frames *f, const uint8_t *data, size_t size)
{
	f->n = 0;
	for (unsigned link = 0; link < LINKS; link++) {
		frame_add(f, exact_copy(data, size), size, size, link);
		frame_add(f, exact_copy(data, size), size, size + 1000, link);
		frame_add(f, exact_copy(data, size), size, size / 2, link);
		frame_add(f, exact_copy(data, size - size / 3), size - size / 3, size, link);
	}
	sequence_add(f, data, size);
	if (DATAGRAM + size > UINT16_MAX)
		return;
	datagram_add(f, data, size, false);
	datagram_add(f, data, size, true);
	datagram_add(f, data, size, true);
	/* The last one loses its tail. */
	datagram_add(f, data, size, true);
	struct frame *last = &f->frame[f->n - 1];
	uint8_t *cut = exact_copy(last->data, DATAGRAM + size / 2);
	free((uint8_t *)last->data);
	last->data = cut;
	last->caplen = (uint32_t)(DATAGRAM + size / 2);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct worker w;
	struct frames f;

	/* Laid out anew for each input, so that an input's outcome is its own. */
	worker_prepare(&w, &small_shard);
	frames_make(&f, data, size);
	for (unsigned i = 0; i < f.n; i += SENSOR_BURST)
		sensor_burst(
			w.sensor, f.frame + i, f.n - i < SENSOR_BURST ? f.n - i : SENSOR_BURST);
	require(w.shard->account.received == f.n);
	worker_check(&w);
	for (unsigned i = 0; i < f.n; i++)
		free((uint8_t *)f.frame[i].data);
	return 0;
}
