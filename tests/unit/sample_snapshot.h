/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

/* A snapshot made by hand, in which every number differs from every other. */

#include <stdio.h>
#include <string.h>

#include "base/address.h"
#include "control/snapshot.h"

#define SAMPLE_TIME 1236870300u /* 2009-03-12T15:05:00Z */

/* Wire form of a name of ordinary text labels. */
static inline uint8_t sample_name(const char *text, uint8_t wire[DNS_NAME_MAX])
{
	struct dns_name name;

	if (dns_name_parse(text, &name))
		return 0;
	memcpy(wire, name.wire, name.len);
	return name.len;
}

static inline void sample_verdict(struct verdict *v, unsigned i)
{
	char text[64];

	memset(v, 0, sizeof(*v));
	snprintf(text, sizeof(text), "flux-%04u.example", i);
	v->name_len = sample_name(text, v->name);
	v->key = i + 1;
	v->class = i % 3 == 2 ? FLUX_DOUBLE : FLUX_SINGLE;
	v->window = i % 2 ? WINDOW_24H : WINDOW_1H;
	v->suspected = i % 5 == 4;
	v->score = 100.0 - i * 0.1;
	v->confidence = 2.0 / 3.0;
	v->probability = 1.0 / 3.0;
	v->first_flagged = SAMPLE_TIME - 600;
	v->evaluated = SAMPLE_TIME;
	v->first_seen = SAMPLE_TIME - 7200;
	v->last_seen = SAMPLE_TIME - 5;
	v->features.window = v->window;
	v->features.seconds = 3600;
	v->features.addresses = 41.7;
	v->features.networks = 12;
	v->features.effective_networks = 9.87654321;
	v->features.countries = 7;
	v->features.ttl_max = 150;
	v->features.host_names = 1.02;
	v->features.growth = 0.1 + 0.2;
	if (i % 2 == 0)
		v->campaign = (struct verdict_campaign){
			0xfeedbeef + i, SAMPLE_TIME - 900, 12, SAMPLE_TIME};
	v->activity = (struct verdict_activity){300, SAMPLE_TIME, 3, {5, 0, 41}};
	v->reasons = 1;
	v->reason[0] = (struct reason){"networks", 12, 5, "12 networks, at least 5 asked for"};
	v->samples = 2;
	v->sample[0] = (struct domain_item){.unit = 0xc6336401u, /* 198.51.100.1 */
		.asn = 64500,
		.country = {'N', 'L'},
		.own = 1,
		.first = SAMPLE_TIME - 300,
		.last = SAMPLE_TIME - 5};
	v->sample[1] = (struct domain_item){
		.unit = 0x20010db800010002u, .first = SAMPLE_TIME - 100, .last = SAMPLE_TIME - 50};
}

/* n words from `from`, each one more than the one before. */
static inline uint64_t sample_count(uint64_t *word, size_t n, uint64_t from)
{
	for (size_t i = 0; i < n; i++)
		word[i] = from + i;
	return from + n;
}

/* Distinct hashes that spread over a sketch's registers. */
static inline void sample_sketch(struct hll *h, uint64_t from, unsigned n)
{
	for (uint64_t i = from; i < from + n; i++)
		hll_add(h, hash_u64(i, (struct hash_key){1, 2}));
}

/* 20 clients, 5 of them with plain DNS only. */
static inline void sample_visibility(struct visibility *v)
{
	sample_sketch(&v->flow[VISIBILITY_DOT], 1000, 1);
	sample_sketch(&v->flow[VISIBILITY_DOQ], 2000, 2);
	sample_sketch(&v->flow[VISIBILITY_DOH], 3000, 4);
	sample_sketch(&v->encrypted_client, 4000, 15);
	sample_sketch(&v->plain_client, 4010, 10);
}

/* One event of each kind, and so on, from sequence `first` on. */
static inline void sample_events(struct event_ring *r, uint64_t first, unsigned n)
{
	struct verdict v;

	events_init(r, first);
	for (unsigned i = 0; i < n; i++) {
		sample_verdict(&v, i);
		events_add(r, (enum event_kind)(i % EVENT_KIND_COUNT), &v, SAMPLE_TIME + i);
	}
}

static inline struct snapshot *sample_snapshot(unsigned verdicts)
{
	struct snapshot *s = snapshot_new(verdicts);
	uint64_t next = 1000;

	if (!s)
		return NULL;
	next = sample_count((uint64_t *)&s->account, sizeof(s->account) / 8, next);
	next = sample_count((uint64_t *)&s->store, sizeof(s->store) / 8, next);
	sample_count((uint64_t *)&s->verdict_account, sizeof(s->verdict_account) / 8, next);
	sample_visibility(&s->visibility);
	s->epoch = SAMPLE_TIME / 10;
	s->epochs = 90;
	s->time = SAMPLE_TIME;
	s->generation = 90;
	s->first_ns = 1236866000123456789u;
	s->last_ns = 1236870299999999999u;
	s->merge_ns = 1234567;
	for (unsigned i = 1; i <= 90; i++)
		histogram_add(&s->merges, i * 10);
	histogram_add(&s->merges, 20000);
	histogram_add(&s->lags, 50000);
	s->published_ns = SAMPLE_TIME * UINT64_C(1000000000);
	s->degraded = 1u << DEGRADED_NO_ASN_DB | 1u << DEGRADED_UNPAIRED;
	s->pairing = (struct pairing_status){4000, 3900, 750, 250};
	s->workers = 2;
	s->degraded_since[DEGRADED_NO_ASN_DB] = SAMPLE_TIME - 900;
	s->degraded_since[DEGRADED_UNPAIRED] = SAMPLE_TIME;
	s->worker[0] = (struct worker_status){1, 500, 200, 0, 0, 0, 3, WORKER_RUNNING, 0, 123687030,
		SAMPLE_TIME * UINT64_C(1000000000)};
	s->worker[1] = (struct worker_status){2, 501, 201, 3, 4, 5, 2, WORKER_HUNG,
		SAMPLE_TIME - 40, 123687026, (SAMPLE_TIME - 41) * UINT64_C(1000000000)};
	s->config = (struct config_report){.generation = 3,
		.loaded = SAMPLE_TIME - 60,
		.refused = 2,
		.waiting = 2,
		.key = {"workers", "store.domains"},
		.error = "configuration: f.json: epoch_secnds: unknown key"};
	s->state = (struct state_report){.path = "/var/lib/fluxgate/state",
		.load = STATE_LOAD_PREVIOUS,
		.loaded = SAMPLE_TIME - 1000,
		.restored = {.domains = 801,
			.candidates = 802,
			.door = 803,
			.reverse = 804,
			.verdicts = 805,
			.reduced = 806,
			.domains_lost = 807,
			.candidates_lost = 808,
			.door_lost = 809,
			.reverse_lost = 810,
			.verdicts_lost = 811,
			.renamed = 812},
		.rejected = 813,
		.refusal = "state: /var/lib/fluxgate/state: its checksum is wrong",
		.saved = SAMPLE_TIME - 45,
		.octets = 814,
		.write_ns = 815000000,
		.saves = 816,
		.failures = 817,
		.torn = 818,
		.step_ns = 819000,
		.error = "state: /var/lib/fluxgate/state: write: No space left on device"};
	s->feed = (struct feed_report){.running = true,
		.missed = 901,
		.output = {[FEED_HISTORY] = {true, true, 902, 903, 904, 905, 906, ""},
			[FEED_EVE_FILE] = {true, false, 907, 908, 909, 910, 911,
				"/var/log/fluxgate/eve.json: write: No space left on device"},
			[FEED_SYSLOG] = {true, true, 912, 913, 914, 915, 0, ""}},
		.history = {916, 917, 918, SAMPLE_TIME - 3600}};
	s->ports = 2;
	s->imbalance = 1234;
	s->port[0] = (struct port_status){.name = "net_af_packet0",
		.profile = "af_packet",
		.vantage = "client",
		.queues = 2,
		.link_up = true,
		.received = 11,
		.driver_received = 45,
		.missed = 12,
		.errors = 13,
		.no_mbuf = 14,
		.spreader_dropped = 15,
		.in_flight = 19,
		.offered = PORT_UNKNOWN,
		.unknown = PORT_UNKNOWN,
		.loss_rate = 0.0123456};
	s->port[1] = s->port[0];
	snprintf(s->port[1].name, sizeof(s->port[1].name), "net_af_xdp0");
	s->port[1].has_xdp = true;
	for (unsigned i = 0; i < STEER_CAUSES; i++)
		s->port[1].xdp.cause[i] = 700 + i;
	sample_events(&s->events, 1, 2 * EVENT_KIND_COUNT);
	for (unsigned i = 0; i < verdicts; i++)
		sample_verdict(&s->verdict[i], i);
	return s;
}
