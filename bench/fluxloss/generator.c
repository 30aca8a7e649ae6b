/* SPDX-License-Identifier: BSD-3-Clause */

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <rte_branch_prediction.h>
#include <rte_cycles.h>
#include <rte_ethdev.h>
#include <rte_mbuf.h>
#include <rte_pause.h>

#include "fluxloss/generator.h"

/* Without a schedule: a turn that took longer than this was an absence. */
#define AWAY_SECONDS 50e-6

struct run {
	struct generator *g;
	struct trial *t;
	uint64_t hz;
	uint64_t start;
	uint64_t end;
	uint64_t last_loss; /* the start: none yet */
	uint64_t bin_end;
	unsigned bin;
};

/* Bins that have ended by now; a bin that the generator was away for has no loss. */
static inline void bins_close(struct run *r, uint64_t now)
{
	while (unlikely(now >= r->bin_end) && r->bin < TRIAL_BINS) {
		r->t->bin[r->bin++].queued = rte_ring_count(r->g->ring);
		r->bin_end += r->hz / TRIAL_BINS_A_SECOND;
	}
}

static void lose(struct run *r, struct rte_mbuf **mbufs, unsigned n, uint64_t now)
{
	rte_pktmbuf_free_bulk(mbufs, n);
	r->t->lost += n;
	r->last_loss = now;
	if (r->bin < TRIAL_BINS)
		r->t->bin[r->bin].lost += n;
}

static inline void burst_send(struct run *r, uint64_t now)
{
	struct rte_mbuf *mbufs[GENERATOR_BURST];
	struct generator *g = r->g;

	if (unlikely(rte_mempool_get_bulk(g->pool, (void **)mbufs, GENERATOR_BURST) < 0)) {
		r->t->withheld += GENERATOR_BURST;
		return;
	}
	for (unsigned i = 0; i < GENERATOR_BURST; i++)
		frames_next(&g->frames, mbufs[i], g->port);
	unsigned sent = rte_eth_tx_burst(g->port, 0, mbufs, GENERATOR_BURST);
	r->t->generated += GENERATOR_BURST;
	if (unlikely(sent < GENERATOR_BURST))
		lose(r, mbufs + sent, GENERATOR_BURST - sent, now);
}

static void absence(struct run *r, uint64_t cycles)
{
	double seconds = (double)cycles / (double)r->hz;

	r->t->away++;
	r->t->away_seconds += seconds;
	if (seconds > r->t->away_longest)
		r->t->away_longest = seconds;
}

/* What was owed at `at` and is not made: whole bursts. Returns the time of the next one. */
static uint64_t withhold(struct run *r, uint64_t at, uint64_t due, uint64_t interval)
{
	uint64_t owed = (at - due) / interval;

	absence(r, (at - due) >> 8);
	r->t->withheld += owed * GENERATOR_BURST;
	return due + owed * interval;
}

/* Times are 1/256 of a cycle, so that the rate is exact to a millionth. */
static uint64_t run_paced(struct run *r, double mpps)
{
	uint64_t interval = (uint64_t)(256.0 * GENERATOR_BURST * (double)r->hz / (mpps * 1e6));
	uint64_t most = interval * (GENERATOR_CATCH_UP / GENERATOR_BURST), due = 0, now, at;

	while ((now = rte_rdtsc()) < r->end) {
		at = (now - r->start) << 8;
		bins_close(r, now);
		if (at < due) {
			rte_pause();
			continue;
		}
		if (unlikely(at - due > most))
			due = withhold(r, at, due, interval);
		else
			r->t->late += at - due > interval;
		burst_send(r, now);
		due += interval;
	}
	at = (now - r->start) << 8;
	if (at > due && at - due > most)
		withhold(r, at, due, interval);
	return now;
}

/* Keeps the ring full without losing a frame. */
static uint64_t run_flat_out(struct run *r)
{
	uint64_t most = (uint64_t)(AWAY_SECONDS * (double)r->hz), before = r->start, now;

	while ((now = rte_rdtsc()) < r->end) {
		if (unlikely(now - before > most))
			absence(r, now - before);
		before = now;
		if (rte_ring_free_count(r->g->ring) < GENERATOR_BURST)
			rte_pause();
		else
			burst_send(r, now);
	}
	return now;
}

/* Nanoseconds that the worker's thread has waited for its CPU. */
static uint64_t worker_waited(const struct generator *g)
{
	char text[128];
	unsigned long ran, waited = 0;
	ssize_t n = g->schedstat < 0 ? 0 : pread(g->schedstat, text, sizeof(text) - 1, 0);

	if (n <= 0)
		return 0;
	text[n] = '\0';
	return sscanf(text, "%lu %lu", &ran, &waited) == 2 ? waited : 0;
}

void trial_run(struct generator *g, double mpps, double seconds, struct trial *t)
{
	uint64_t waited = worker_waited(g);
	uint64_t merges = atomic_load_explicit(g->merges, memory_order_relaxed);
	struct run r = {.g = g, .t = t, .hz = rte_get_tsc_hz()};

	*t = (struct trial){.asked_mpps = mpps, .asked_seconds = seconds};
	r.start = r.last_loss = rte_rdtsc();
	r.end = r.start + (uint64_t)(seconds * (double)r.hz);
	r.bin_end = r.start + r.hz / TRIAL_BINS_A_SECOND;
	uint64_t ended = mpps > 0 ? run_paced(&r, mpps) : run_flat_out(&r);
	t->seconds = (double)(ended - r.start) / (double)r.hz;
	t->last_loss = (double)(r.last_loss - r.start) / (double)r.hz;
	t->worker_waited = (double)(worker_waited(g) - waited) / 1e9;
	t->merges = atomic_load_explicit(g->merges, memory_order_relaxed) - merges;
	g->generated += t->generated;
	g->lost += t->lost;
}

void generator_settle(const struct generator *g)
{
	uint64_t until = rte_rdtsc() + rte_get_tsc_hz();

	while (rte_rdtsc() < until &&
		atomic_load_explicit(g->taken, memory_order_relaxed) != g->generated - g->lost)
		rte_pause();
}
