/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

/* One worker without DPDK: a sensor with its shard, and what must hold for them. */

#include "base/bits.h"
#include "fuzz.h"
#include "sensor/sensor.h"

struct worker {
	const struct psl *psl;
	struct wire_config wire;
	void *sensor_mem;
	void *shard_mem;
	struct sensor *sensor;
	struct shard *shard;
};

static inline void *line_aligned(size_t size)
{
	void *mem = aligned_alloc(CACHE_LINE, align_up(size, CACHE_LINE));

	require(mem);
	return mem;
}

/* A list with every kind of rule in it. */
static inline const struct psl *worker_psl(void)
{
	static const char list[] = "com\nnet\norg\nco.uk\nuk\n*.ck\n!www.ck\ngithub.io\nio\n";
	struct psl_error err;
	size_t size = psl_size(list, sizeof(list) - 1);
	struct psl *psl = psl_init(line_aligned(size), size, list, sizeof(list) - 1, &err);

	require(psl);
	return psl;
}

/* Memory is taken the first time, and laid out anew each time. */
static inline void worker_prepare(struct worker *w, const struct shard_config *shard)
{
	const uint16_t port = 53;
	struct sensor_config config = {
		.wire = &w->wire,
		.reasm = {.datagrams = 16,
			.fragment_timeout_ms = 5000,
			.streams = 64,
			.buffers = 8},
		.placement = {0x243f6a8885a308d3u, 0x13198a2e03707344u},
		.sketch = {0xa4093822299f31d0u, 0x082efa98ec4e6c89u},
		.match_log2 = 9,
	};

	if (!w->psl) {
		w->psl = worker_psl();
		w->sensor_mem = line_aligned(sensor_size(&config));
		w->shard_mem = line_aligned(shard_size(shard));
	}
	config.psl = w->psl;
	require(wire_config_init(&w->wire, &port, 1) == 0);
	w->shard = shard_init(w->shard_mem, shard, config.placement, config.sketch);
	w->sensor = sensor_init(w->sensor_mem, &config);
	require(w->sensor && w->shard);
	sensor_shard(w->sensor, w->shard);
}

/* Everything is accounted for; every entry can be read, and there are as many as counted. */
static inline void worker_check(const struct worker *w)
{
	const struct shard *s = w->shard;
	uint32_t entries = 0;

	require(account_error(&s->account) == 0);
	for (uint32_t i = shard_next(s, 0); i != UINT32_MAX; i = shard_next(s, i + 1)) {
		const struct shard_entry *e = &s->entries[i];
		const struct shard_detail *d = shard_entry_detail(s, e);
		unsigned len;
		const uint8_t *name = shard_entry_name(s, e, &len);

		require(e->key && shard_find(s, e->key) == e);
		require(len >= 2 && len <= DNS_NAME_MAX && name[len - 1] == 0);
		require(d ? e->units == 0 && d->units <= SHARD_SAMPLE_MAX : e->units > 0);
		entries++;
	}
	require(entries == s->used && entries == s->account.table[TABLE_INSERTED]);
}
