/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

/* A sensor on its own with one shard, and questions and answers put to it. */

#include <stdlib.h>
#include <string.h>

#include "base/address.h"
#include "sensor/evidence.h"
#include "sensor/sensor.h"
#include "tests/unit/frames.h"
#include "tests/unit/random.h"

static const struct hash_key placement = {0x243f6a8885a308d3u, 0x13198a2e03707344u};
static const struct hash_key sketch = {0xa4093822299f31d0u, 0x082efa98ec4e6c89u};
static const struct shard_config shard_config = {
	.entries_log2 = 10, .details_small = 64, .details_large = 16, .name_octets = 16384};
static const char suffixes[] = "com\nnet\norg\nuk\nco.uk\nck\n*.ck\n!www.ck\ngithub.io\n";

static const struct flow flow = {"10.0.0.1", "9.9.9.9", 4321};

#define START_S 1700000000u
#define FRAME_GAP_NS UINT64_C(1000000)

/* A sensor with its shard, a clock that frames push on, and a message at hand. */
struct rig {
	struct psl *psl;
	struct sensor *sensor;
	struct shard *shard;
	uint64_t now_ns;
	uint16_t id; /* of the transaction in hand */
	struct message m;
};

static inline void *memory(size_t size)
{
	void *mem = size ? aligned_alloc(64, (size + 63) & ~(size_t)63) : NULL;

	assert_non_null(mem);
	return mem;
}

static inline struct shard *shard_new(void)
{
	return shard_init(memory(shard_size(&shard_config)), &shard_config, placement, sketch);
}

static inline int rig_make(void **state, const struct dns64 *dns64)
{
	static struct rig r;
	static const uint16_t ports[] = {53, 5353};
	struct psl_error err;
	size_t size = psl_size(suffixes, strlen(suffixes));
	static struct wire_config wire;
	struct sensor_config c = {
		.wire = &wire,
		.placement = placement,
		.sketch = sketch,
		.match_log2 = 12,
		.dns64 = *dns64,
		.reasm = {16, 5000, 64, 8},
	};

	r = (struct rig){.now_ns = START_S * UINT64_C(1000000000)};
	r.psl = psl_init(memory(size), size, suffixes, strlen(suffixes), &err);
	assert_non_null(r.psl);
	c.psl = r.psl;
	assert_int_equal(wire_config_init(&wire, ports, 2), 0);
	r.sensor = sensor_init(memory(sensor_size(&c)), &c);
	assert_non_null(r.sensor);
	r.shard = shard_new();
	assert_null(sensor_shard(r.sensor, r.shard));
	*state = &r;
	return 0;
}

static inline int rig_start(void **state)
{
	return rig_make(state, &(struct dns64){0});
}

/* In a network whose DNS64 answers below 2001:db8:64::/96 and 2a00:1:2::/48. */
static inline int rig_start_dns64(void **state)
{
	struct dns64 dns64 = {0};
	uint8_t addr[16];

	inet_pton(AF_INET6, "2001:db8:64::", addr);
	assert_int_equal(dns64_add(&dns64, addr, 96), 0);
	inet_pton(AF_INET6, "2a00:1:2::", addr);
	assert_int_equal(dns64_add(&dns64, addr, 48), 0);
	return rig_make(state, &dns64);
}

static inline int rig_end(void **state)
{
	struct rig *r = *state;
	uint64_t error = account_error(&r->shard->account);

	free(r->shard);
	free(r->sensor);
	free(r->psl);
	return error ? -1 : 0;
}

static inline struct frame frame_of(struct rig *r, const struct packet *p)
{
	r->now_ns += FRAME_GAP_NS;
	return (struct frame){
		.data = p->octet,
		.caplen = p->len,
		.wirelen = p->len,
		.time_ns = r->now_ns,
		.link = WIRE_LINK_ETHERNET,
	};
}

/* The frame's octets in memory of just their size, so that a read beyond them shows. */
static inline void burst_one(struct rig *r, struct frame f)
{
	uint8_t *exact = malloc(f.caplen ? f.caplen : 1);

	memcpy(exact, f.data, f.caplen);
	f.data = exact;
	sensor_burst(r->sensor, &f, 1);
	free(exact);
}

/* Sends the message in hand over a flow, in a burst of its own. */
static inline void deliver_over(struct rig *r, const struct flow *f)
{
	struct packet p;

	packet_make(&p, f, &r->m, 0);
	burst_one(r, frame_of(r, &p));
}

static inline void deliver(struct rig *r)
{
	deliver_over(r, &flow);
}

/* A new transaction: the query is sent, the response begun. */
static inline struct message *ask(struct rig *r, const char *name)
{
	message_start(&r->m, ++r->id, MESSAGE_QUERY, name, DNS_TYPE_A);
	deliver(r);
	message_start(&r->m, r->id, MESSAGE_RESPONSE, name, DNS_TYPE_A);
	return &r->m;
}

static inline uint64_t key_of(const char *domain)
{
	struct dns_name n;

	assert_int_equal(dns_name_parse(domain, &n), 0);
	return hash_bytes(n.wire, n.len, sketch) | 1;
}

static inline const struct shard_entry *entry(const struct rig *r, const char *domain)
{
	return shard_find(r->shard, key_of(domain));
}

static inline uint64_t unit_of(const char *address)
{
	uint8_t octet[16];

	if (strchr(address, ':')) {
		inet_pton(AF_INET6, address, octet);
		return address_unit_v6(octet);
	}
	inet_pton(AF_INET, address, octet);
	return address_unit_v4(octet);
}

/* Grade of the address among the domain's, -1: it is not there. */
static inline int grade(const struct rig *r, const char *domain, const char *address)
{
	const struct shard_entry *e = entry(r, domain);
	const struct shard_detail *d = e ? shard_entry_detail(r->shard, e) : NULL;
	uint64_t unit = unit_of(address);

	for (unsigned i = 0; d && i < d->units; i++)
		if (d->unit[i] == unit)
			return d->grade[i];
	for (unsigned i = 0; e && i < e->units; i++)
		if (e->unit[i] == unit)
			return (int)shard_entry_grade(e, i);
	return -1;
}

static inline unsigned units(const struct rig *r, const char *domain)
{
	const struct shard_entry *e = entry(r, domain);
	const struct shard_detail *d = e ? shard_entry_detail(r->shard, e) : NULL;

	return d ? d->units : e ? e->units : 0;
}

static inline const struct shard_detail *detail(const struct rig *r, const char *domain)
{
	const struct shard_entry *e = entry(r, domain);

	return e ? shard_entry_detail(r->shard, e) : NULL;
}

static inline bool has_ns(const struct shard_detail *d, const char *name, const char *glue)
{
	struct dns_name n;
	unsigned found = 0;

	assert_int_equal(dns_name_parse(name, &n), 0);
	for (unsigned i = 0; i < d->ns_names; i++)
		found += d->ns_name[i] == hash_bytes(n.wire, n.len, sketch);
	for (unsigned i = 0; i < d->ns_units; i++)
		found += glue && d->ns_unit[i] == unit_of(glue);
	return found == (glue ? 2 : 1);
}

#define RECORDS(r, fate) ((r)->shard->account.record[fate])
#define RESPONSES(r, fate) ((r)->shard->account.response[fate])
