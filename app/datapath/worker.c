/* SPDX-License-Identifier: BSD-3-Clause */

#include <sched.h>

#include <rte_cycles.h>
#include <rte_ethdev.h>
#include <rte_lcore.h>
#include <rte_mbuf.h>
#include <rte_pause.h>
#include <rte_prefetch.h>

#include "datapath/meta.h"
#include "datapath/worker.h"

/* How long a draining worker still takes frames: a busy port cannot hold a shutdown up. */
#define DRAIN_SECONDS 1u

/* One writer: a relaxed load and store, not a locked add. */
static inline void count(_Atomic uint64_t *c, uint64_t n)
{
	atomic_store_explicit(
		c, atomic_load_explicit(c, memory_order_relaxed) + n, memory_order_relaxed);
}

/* From here on the decoder goes by what control offered last. */
static void settings_read(struct worker *w)
{
	w->settings = settings_take(&w->settings_slot, w->settings);
	if (w->settings)
		sensor_wire(w->sensor, &w->settings->wire);
}

static inline void take(struct worker *w, struct shard *clean)
{
	clean->worker = w->index;
	clean->epoch_first = clean->epoch_last = w->epoch;
	sensor_shard(w->sensor, clean);
	w->holding = true;
}

static void give(struct worker *w)
{
	handover_give(w->handover, w->index, sensor_shard(w->sensor, NULL));
	w->holding = false;
}

/*
 * Time has reached `epoch`. A live worker without a clean shard goes on in the
 * old one, which then spans more epochs, and asks again each turn: late is better
 * than lost. In a replay the shard is given first and the worker waits for a
 * clean one: other partitions on this lcore must be able to give theirs, or
 * control waits for ever.
 */
static void worker_tick(struct worker *w, uint64_t epoch, bool wait)
{
	sensor_sweep(w->sensor, epoch * w->epoch_ns, false);
	struct shard *clean = wait ? NULL : handover_take(w->handover, w->index, 1);

	w->owed = !wait && !clean;
	if (w->owed) {
		sensor_shard_current(w->sensor)->epoch_last = epoch;
		count(&w->overruns, 1);
	} else {
		give(w);
	}
	w->epoch = epoch;
	if (clean)
		take(w, clean);
	settings_read(w);
	atomic_store_explicit(&w->reached, epoch, memory_order_release);
}

/* The old shard spans into this epoch; a clean one for the rest of it, if there is one now. */
static void worker_settle_debt(struct worker *w)
{
	struct shard *clean = handover_take(w->handover, w->index, 1);

	if (!clean)
		return;
	give(w);
	take(w, clean);
	w->owed = false;
}

/* Frames of a replay carry their own time, length and link type. */
static void run_fed(struct worker *w, struct rte_mbuf **mbufs, unsigned n)
{
	struct frame frames[SENSOR_BURST];

	for (unsigned i = 0; i < n; i++) {
		const struct frame_meta *meta = frame_meta(mbufs[i]);
		frames[i] = (struct frame){
			.data = rte_pktmbuf_mtod(mbufs[i], const uint8_t *),
			.caplen = mbufs[i]->data_len,
			.wirelen = meta->wirelen,
			.time_ns = meta->time_ns,
			.link = (enum wire_link)meta->link,
		};
	}
	sensor_burst(w->sensor, frames, n);
	rte_pktmbuf_free_bulk(mbufs, n);
}

/* One turn at a feed ring. True when it did something. */
static bool turn_fed(struct worker *w)
{
	struct rte_mbuf *mbufs[SENSOR_BURST];
	unsigned n = 0;

	if (!w->holding) {
		struct shard *clean = handover_take(w->handover, w->index, 0);
		if (!clean)
			return false;
		take(w, clean);
	}
	if (w->stash_at == w->stash_end) {
		w->stash_at = 0;
		w->stash_end =
			rte_ring_sc_dequeue_burst(w->source.feed, w->stash, SENSOR_BURST, NULL);
		if (w->stash_end == 0)
			return false;
	}
	/* A tick ends the burst: what stands behind it waits for a clean shard. */
	while (w->stash_at < w->stash_end && !feed_is_tick(w->stash[w->stash_at]))
		mbufs[n++] = w->stash[w->stash_at++];
	if (n)
		run_fed(w, mbufs, n);
	if (w->stash_at == w->stash_end)
		return true;
	uint64_t epoch = feed_epoch(w->stash[w->stash_at++]);
	if (epoch == FEED_END >> 1)
		worker_end(w);
	else
		worker_tick(w, epoch, true);
	return true;
}

/* Lines of a frame that are asked for: the third is the last of most answers. */
void worker_fetch(struct rte_mbuf *const *mbufs, unsigned n)
{
	for (unsigned i = 0; i < n; i++) {
		const uint8_t *data = rte_pktmbuf_mtod(mbufs[i], const uint8_t *);
		unsigned last = mbufs[i]->data_len - 1u;

		rte_prefetch0(data);
		rte_prefetch0(data + (last < 64 ? last : 64));
		rte_prefetch0(data + (last < 128 ? last : 128));
	}
}

void worker_frames(
	struct rte_mbuf **mbufs, unsigned n, uint64_t now_ns, struct frame frames[SENSOR_BURST])
{
	for (unsigned i = 0; i < n; i++) {
		struct rte_mbuf *m = mbufs[i];
		/* Only the first segment can be read. */
		bool whole = likely(m->nb_segs == 1) || rte_pktmbuf_linearize(m) == 0;

		frames[i] = (struct frame){
			.data = rte_pktmbuf_mtod(m, const uint8_t *),
			.caplen = m->data_len,
			.wirelen = m->pkt_len,
			.time_ns = now_ns,
			.link = likely(whole) ? WIRE_LINK_ETHERNET : WIRE_LINK_SEGMENTED,
		};
	}
}

/* The burst that was taken last is worked on now. */
static void ahead_run(struct worker *w)
{
	struct burst *b = &w->burst[w->ahead];
	struct frame frames[SENSOR_BURST];

	if (b->n == 0)
		return;
	worker_frames(b->mbuf, b->n, b->now_ns, frames);
	sensor_burst(w->sensor, frames, b->n);
	rte_pktmbuf_free_bulk(b->mbuf, b->n);
	b->n = 0;
}

/* The place that the next burst is taken to. */
static inline struct burst *ahead_next(struct worker *w)
{
	return &w->burst[w->ahead ^ 1];
}

/* It holds n > 0 frames now. */
static void ahead_taken(struct worker *w, unsigned n, uint64_t now_ns)
{
	struct burst *b = ahead_next(w);

	b->n = n;
	b->now_ns = now_ns;
	worker_fetch(b->mbuf, n);
	ahead_run(w);
	w->ahead ^= 1;
}

void worker_end(struct worker *w)
{
	ahead_run(w);
	uint64_t last_ns = sensor_shard_current(w->sensor)->last_ns;
	uint64_t begun_ns = w->epoch * w->epoch_ns;

	/* What came behind a lost segment may still hold messages. */
	sensor_sweep(w->sensor, last_ns > begun_ns ? last_ns : begun_ns, true);
	give(w);
	w->ended = true;
	settings_leave(&w->settings_slot);
	atomic_store_explicit(&w->reached, UINT64_MAX, memory_order_release);
}

static unsigned turn_queues(struct worker *w, uint64_t now_ns)
{
	const struct source *s = &w->source;
	unsigned frames = 0;

	for (unsigned p = 0; p < s->ports; p++) {
		for (unsigned q = s->queue; q < s->queues[p]; q += s->stride) {
			unsigned n = rte_eth_rx_burst(
				s->port[p], (uint16_t)q, ahead_next(w)->mbuf, SENSOR_BURST);
			if (n == 0)
				continue;
			count(&w->taken[p], n);
			ahead_taken(w, n, now_ns);
			frames += n;
		}
	}
	return frames;
}

static unsigned turn_ring(struct worker *w, uint64_t now_ns)
{
	const struct source *s = &w->source;
	struct rte_mbuf **mbufs = ahead_next(w)->mbuf;
	unsigned n = rte_ring_sc_dequeue_burst(s->ring, (void **)mbufs, SENSOR_BURST, NULL);

	if (n == 0)
		return 0;
	for (unsigned p = 0; p < s->ports; p++) {
		unsigned of_port = 0;

		for (unsigned i = 0; i < n; i++)
			of_port += mbufs[i]->port == s->port[p];
		count(&w->taken[p], of_port);
	}
	ahead_taken(w, n, now_ns);
	return n;
}

unsigned worker_poll(struct worker *w)
{
	uint64_t now_ns = clock_at(w->clock, rte_rdtsc());

	if (now_ns < w->last_ns)
		now_ns = w->last_ns;
	w->last_ns = now_ns;
	if (unlikely(now_ns >= (w->epoch + 1) * w->epoch_ns)) {
		ahead_run(w); /* it is of the epoch that ends */
		worker_tick(w, now_ns / w->epoch_ns, false);
	} else if (unlikely(w->owed)) {
		worker_settle_debt(w);
	}
	unsigned n = w->source.ring ? turn_ring(w, now_ns) : turn_queues(w, now_ns);
	if (n == 0)
		ahead_run(w);
	return n;
}

static void lcore_fed(struct worker_set *set)
{
	for (unsigned ended = 0; ended < set->workers;) {
		bool busy = false;

		ended = 0;
		for (unsigned i = 0; i < set->workers; i++) {
			struct worker *w = set->worker[i];
			if (w->ended)
				ended++;
			else
				busy |= turn_fed(w);
		}
		/* A replay shares its CPUs with the reader and control. */
		if (!busy)
			sched_yield();
	}
}

static void lcore_polled(struct worker_set *set)
{
	struct worker *w = set->worker[0];

	while (!atomic_load_explicit(set->stop, memory_order_relaxed)) {
		if (worker_poll(w) == 0)
			rte_pause();
	}
	uint64_t until = rte_rdtsc() + DRAIN_SECONDS * rte_get_tsc_hz();
	/* The spreader ends first, if it lives; then its ring holds what is left. */
	while (w->source.ring && !atomic_load_explicit(w->source.dealt, memory_order_acquire) &&
		rte_rdtsc() < until)
		worker_poll(w);
	until = rte_rdtsc() + DRAIN_SECONDS * rte_get_tsc_hz();
	while (worker_poll(w) && rte_rdtsc() < until)
		;
	worker_end(w);
}

void worker_begin(struct worker *w)
{
	atomic_store_explicit(&w->lcore, rte_lcore_id(), memory_order_relaxed);
	settings_read(w);
	take(w, handover_take(w->handover, w->index, 0));
}

int worker_lcore(void *arg)
{
	struct worker_set *set = arg;

	for (unsigned i = 0; i < set->workers; i++)
		worker_begin(set->worker[i]);
	if (set->workers && set->worker[0]->source.feed)
		lcore_fed(set);
	else if (set->workers)
		lcore_polled(set);
	return 0;
}
