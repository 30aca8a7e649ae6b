/* SPDX-License-Identifier: BSD-3-Clause */

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "capture/capture.h"
#include "common/memory.h"
#include "fluxmicro/bed.h"

#define SLOT_OCTETS 256u /* longer frames are passed over */
#define NOW (20000u * 86400u)
#define TRACKED_UNITS 10u /* in as many networks: enough for a full record */
#define VERDICTS 8192u

const struct hash_key bed_placement = {0xa4093822299f31d0u, 0x082efa98ec4e6c89u};
const struct hash_key bed_sketch = {0x452821e638d01377u, 0xbe5466cf34e90c6cu};

static void network(void *ctx, uint64_t unit, struct net_info *out)
{
	(void)ctx;
	*out = (struct net_info){.asn = (uint32_t)(unit >> 16) + 1, .country = {'D', 'E'}};
}

const struct net_lookup bed_networks = {network, NULL};

static unsigned log2_of(uint32_t n)
{
	return (unsigned)__builtin_ctz(n);
}

static struct shard *shard_make(unsigned entries_log2, uint32_t details)
{
	struct shard_config c = {.entries_log2 = entries_log2,
		.details_small = details,
		.details_large = details,
		.name_octets = 64u << entries_log2};
	void *mem = bench_memory(shard_size(&c));

	return mem ? shard_init(mem, &c, bed_placement, bed_sketch) : NULL;
}

struct store_config bed_store_config(const struct bed *b)
{
	return (struct store_config){.door_log2 = log2_of(b->items) + 2,
		.candidates_log2 = log2_of(b->items) + 1,
		.domains = b->tracked};
}

struct shard_observation bed_observation(
	const struct bed *b, const struct item *i, unsigned which, uint64_t *unit)
{
	*unit = i->unit + which;
	return (struct shard_observation){
		.key = i->key,
		.host = i->key,
		.name = i->frame + i->message + DNS_HEADER_LEN + i->domain,
		.name_len = (uint8_t)(i->question_len - i->domain),
		.unit = unit,
		.units = 1,
		.ttl = 300,
		.now = b->now,
		.server = 1,
		.grade = EVIDENCE_PAIRED,
	};
}

/* False for what is no response with a question that has a registered domain. */
static bool item_make(struct bed *b, struct item *item, const struct capture_packet *p, uint32_t n)
{
	struct dns_record records[DNS_RECORDS_MAX];
	struct wire_packet packet;
	struct dns_message m;
	struct dns_name *name = &b->name[n];
	/* Odd: each place once, and neighbours in time far apart. */
	uint32_t place = n * 0x9e3779b1u & (b->items - 1);
	uint8_t *frame = b->frames + (size_t)place * b->slot;

	if (p->caplen > b->slot ||
		wire_decode(&b->wire, p->link, p->data, p->caplen, p->wirelen, &packet) != WIRE_DNS)
		return false;
	if (dns_parse(packet.payload, packet.payload_len, false, records, &m) != DNS_OK ||
		!dns_is_response(&m))
		return false;
	dns_name_question(packet.payload, &m, name);
	int label = psl_registered(b->psl, name);
	if (label < 0)
		return false;
	memcpy(frame, p->data, p->caplen);
	*item = (struct item){
		.frame = frame,
		.key = hash_u64(n, bed_sketch) | 1,
		.transaction = hash_u64(n, bed_placement),
		.unit = (uint64_t)(0x0800 + n % 60) << 16 | (n & 0x7fff) << 1,
		.frame_len = p->caplen,
		.message = (uint16_t)(packet.payload - p->data),
		.message_len = (uint16_t)packet.payload_len,
		.question_len = name->len,
		.domain = name->label[label],
	};
	return true;
}

/* A capture that is too short is read again. */
static int items_load(struct bed *b, const char *path, char err[ERROR_LINE_MAX])
{
	uint32_t n = 0, before;
	int rc;

	do {
		struct captures *c = NULL;
		struct capture_packet p;

		before = n;
		rc = captures_open(&c, &path, 1, err, ERROR_LINE_MAX);
		if (rc < 0)
			return rc;
		while (n < b->items && captures_next(c, &p) > 0)
			n += item_make(b, &b->item[n], &p, n);
		captures_close(c);
	} while (n < b->items && n > before);
	if (n == b->items)
		return 0;
	snprintf(err, ERROR_LINE_MAX, "%s: no response in it that can be used", path);
	return -EINVAL;
}

static void shards_fill(struct bed *b)
{
	uint64_t unit;

	for (uint32_t i = 0; i < b->items; i++) {
		struct shard_observation o = bed_observation(b, &b->item[i], 0, &unit);

		shard_observe(b->shard, &o);
		o.key = ~b->item[i].key | 1;
		shard_observe(b->full, &o);
		o = bed_observation(b, &b->item[i], 1, &unit);
		shard_observe(b->other, &o);
	}
}

/* Full records, by two epochs of answers from many networks. */
static int store_fill(struct bed *b)
{
	struct shard *s = shard_make(log2_of(b->items), b->tracked);
	uint64_t unit[TRACKED_UNITS];
	uint32_t n = 0;

	for (unsigned epoch = 0; s && epoch < 2; epoch++, b->now += 300) {
		shard_clear(s);
		for (uint32_t i = 0; i < b->tracked; i++) {
			struct shard_observation o = bed_observation(b, &b->item[i], 0, unit);

			for (unsigned u = 0; u < TRACKED_UNITS; u++)
				unit[u] = (uint64_t)(0x0800 + u * 7 + i % 7) << 16 |
					  (i + epoch) % 0xfffe;
			o.units = TRACKED_UNITS;
			shard_observe(s, &o);
		}
		store_merge(b->store, &s, 1, b->now, &bed_networks);
	}
	free(s);
	for (uint32_t i = 0; i < b->tracked; i++) {
		b->domain[n] = store_find(b->store, b->item[i].key);
		n += b->domain[n] != NULL;
	}
	b->tracked = n;
	return s && n ? 0 : -ENOMEM;
}

static int tables_make(struct bed *b)
{
	unsigned log2 = log2_of(b->items);
	struct store_config c = bed_store_config(b);
	struct detect_config thresholds;
	void *store = bench_memory(store_size(&c)),
	     *detector = bench_memory(detector_size(VERDICTS)),
	     *match = bench_memory(match_size(log2 + 1));

	b->shard = shard_make(log2 + 1, 16);
	b->other = shard_make(log2 + 1, 16);
	b->misses = shard_make(log2 + 1, 16);
	b->full = shard_make(log2, 16);
	b->fresh_memory = bench_memory(store_size(&c));
	b->domain = bench_memory(b->tracked * sizeof(struct domain *));
	if (store)
		b->store = store_init(store, &c, bed_placement, bed_sketch);
	if (detector) {
		detect_defaults(&thresholds);
		b->detector = detector_init(detector, VERDICTS, &thresholds);
	}
	if (match)
		b->match = match_init(match, log2 + 1);
	return b->store && b->detector && b->match && b->shard && b->other && b->misses &&
			       b->full && b->fresh_memory && b->domain
		       ? 0
		       : -ENOMEM;
}

int bed_make(struct bed *b, uint32_t items, const char *capture, const struct psl *psl,
	char err[ERROR_LINE_MAX])
{
	static const uint16_t port = 53;

	*b = (struct bed){.items = items, .tracked = items / 16, .psl = psl, .now = NOW};
	b->slot = SLOT_OCTETS;
	wire_config_init(&b->wire, &port, 1);
	b->item = bench_memory(items * sizeof(b->item[0]));
	b->name = bench_memory(items * sizeof(b->name[0]));
	b->frames = bench_memory((size_t)items * b->slot);
	int rc = b->item && b->name && b->frames ? items_load(b, capture, err) : -ENOMEM;
	if (rc == 0)
		rc = tables_make(b);
	if (rc == 0) {
		shards_fill(b);
		rc = store_fill(b);
	}
	if (rc == -ENOMEM)
		snprintf(err, ERROR_LINE_MAX, "memory: not enough for %u items", items);
	return rc;
}

void bed_free(struct bed *b)
{
	free(b->item);
	free(b->name);
	free(b->frames);
	free(b->match);
	free(b->shard);
	free(b->other);
	free(b->misses);
	free(b->full);
	free(b->fresh_memory);
	free(b->store);
	free(b->domain);
	free(b->detector);
}
