/* SPDX-License-Identifier: BSD-3-Clause */

#include "base/bits.h"
#include "sensor/internal.h"

/* Messages over which it is told. */
#define DIRECTION_MEMORY 65536u

/* Holes given up at one epoch's end; the port is not polled meanwhile, and the rest can wait. */
#define SWEEP_STEPS 128u

static size_t head_size(void)
{
	return align_up(sizeof(struct sensor), CACHE_LINE);
}

/* One held response for 64 slots of the pairing table, 8192 at most. */
static unsigned hold_log2(const struct sensor_config *config)
{
	unsigned log2 = config->match_log2 - 6;

	return log2 < 13 ? log2 : 13;
}

size_t sensor_size(const struct sensor_config *config)
{
	size_t match = match_size(config->match_log2), reasm = reasm_size(&config->reasm);

	return match && reasm ? head_size() + align_up(match, CACHE_LINE) +
					hold_size(hold_log2(config)) + reasm
			      : 0;
}

struct sensor *sensor_init(void *mem, const struct sensor_config *config)
{
	struct sensor *s = mem;
	uint8_t *at = (uint8_t *)mem + head_size();

	if (sensor_size(config) == 0)
		return NULL;
	memset(s, 0, sizeof(*s));
	s->config = *config;
	s->match = match_init(at, config->match_log2);
	at += align_up(match_size(config->match_log2), CACHE_LINE);
	hold_init(&s->hold, at, hold_log2(config));
	at += hold_size(hold_log2(config));
	s->reasm = reasm_init(at, &config->reasm, config->placement);
	return s;
}

void sensor_wire(struct sensor *s, const struct wire_config *wire)
{
	s->config.wire = wire;
}

struct shard *sensor_shard(struct sensor *s, struct shard *shard)
{
	struct shard *before = s->shard;

	/* What the tap was like a while ago says less than what it is like now. */
	if (s->queries + s->responses > DIRECTION_MEMORY) {
		s->queries /= 2;
		s->responses /= 2;
	}
	s->shard = shard;
	return before;
}

struct shard *sensor_shard_current(const struct sensor *s)
{
	return s->shard;
}

/* The messages gathered so far, in two passes over them. */
static void settle(struct sensor *s, unsigned n)
{
	sensor_parse(s, n);
	sensor_settle(s, n);
	s->borrowed = false;
}

static inline void count_message(struct account *a, const struct wire_packet *p)
{
	a->note[NOTE_IPV6] += p->ip_version == 6;
	a->note[NOTE_CUT] += p->cut;
}

/* Adds the messages that reassembly holds ready behind the n gathered ones; returns their number.
 */
static unsigned gather_ready(struct sensor *s, unsigned n, uint64_t time_ns)
{
	struct account *a = &s->shard->account;
	struct wire_packet p;

	while (reasm_next(s->reasm, a, &p)) {
		if (n == SENSOR_BURST) {
			settle(s, n);
			n = 0;
		}
		count_message(a, &p);
		s->packet[n] = p;
		s->time_ns[n++] = time_ns;
		s->borrowed = true;
	}
	return n;
}

/* A fragment or a segment, at s->packet[n]: what it completes is gathered in its order. */
static __attribute__((noinline)) unsigned reassemble(
	struct sensor *s, enum wire_verdict v, unsigned n, uint64_t time_ns)
{
	struct wire_packet part = s->packet[n];

	if (s->borrowed) { /* its memory is about to be written */
		settle(s, n);
		n = 0;
	}
	reasm_push(s->reasm, s->config.wire, v, &part, time_ns / NS_PER_MS, &s->shard->account);
	return gather_ready(s, n, time_ns);
}

void sensor_sweep(struct sensor *s, uint64_t now_ns, bool all)
{
	bool more = true;

	for (unsigned steps = 0; more && (all || steps < SWEEP_STEPS); steps++) {
		more = reasm_sweep(s->reasm, now_ns / NS_PER_MS, all, &s->shard->account);
		settle(s, gather_ready(s, 0, now_ns));
	}
	sensor_expire(s, all ? UINT64_MAX : now_ns);
}

/* Layers beside the plain ones, and what cannot be read: seldom, so not in the way. */
static __attribute__((noinline)) void note_unusual(
	struct shard *shard, enum wire_verdict v, const struct wire_packet *p)
{
	struct account *a = &shard->account;

	for (uint32_t layers = p->layers; layers; layers &= layers - 1)
		a->layer[__builtin_ctz(layers)]++;
	if (v == WIRE_DOT || v == WIRE_DOQ || v == WIRE_DOH)
		visibility_add(&shard->visibility, v, p, shard->placement);
}

static void span_update(struct shard *shard, const struct frame *frames, unsigned n)
{
	if (shard->first_ns == 0)
		shard->first_ns = frames[0].time_ns;
	shard->last_ns = frames[n - 1].time_ns;
}

static inline __attribute__((always_inline)) void burst(
	struct sensor *s, const struct frame *frames, unsigned n, enum sensor_stage stage)
{
	struct account *a = &s->shard->account;
	unsigned found = 0;

	for (unsigned i = 0; i < n; i++) {
		const struct frame *f = &frames[i];
		struct wire_packet *p = &s->packet[found];
		enum wire_verdict v =
			wire_decode(s->config.wire, f->link, f->data, f->caplen, f->wirelen, p);

		a->rx[v]++;
		a->octets += f->wirelen;
		if (unlikely(p->layers || (v >= WIRE_DOT && v <= WIRE_DOH)))
			note_unusual(s->shard, v, p);
		if (likely(v == WIRE_DNS)) {
			count_message(a, p);
			s->time_ns[found++] = f->time_ns;
		} else if (stage != SENSOR_DECODE && reasm_wants(v)) {
			found = reassemble(s, v, found, f->time_ns);
		}
		/* Reassembly may have filled the list; there must be room for the next frame. */
		if (unlikely(found == SENSOR_BURST && i + 1 < n)) {
			settle(s, stage == SENSOR_ALL ? found : 0);
			found = 0;
		}
	}
	a->received += n;
	if (stage == SENSOR_DECODE)
		return;
	if (stage == SENSOR_ALL) {
		settle(s, found);
		return;
	}
	sensor_parse(s, found);
}

void sensor_burst(struct sensor *s, const struct frame *frames, unsigned n)
{
	if (unlikely(n == 0))
		return;
	span_update(s->shard, frames, n);
	burst(s, frames, n, SENSOR_ALL);
}

void sensor_burst_until(
	struct sensor *s, const struct frame *frames, unsigned n, enum sensor_stage stage)
{
	switch (stage) {
	case SENSOR_DECODE:
		burst(s, frames, n, SENSOR_DECODE);
		break;
	case SENSOR_PARSE:
		burst(s, frames, n, SENSOR_PARSE);
		break;
	case SENSOR_ALL:
		sensor_burst(s, frames, n);
		break;
	}
}
