/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

/*
 * What the parts of the mutator share. A packet is an Ethernet frame until mutate.c puts it
 * behind the link header that is asked for; what is random comes from one word of state.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "base/bits.h"
#include "wire/wire.h"
#include "../unit/random.h"

#define PACKET_HEADROOM 1024u
#define PACKET_ROOM (PACKET_HEADROOM + 70000u)
#define ETHERNET_HEADER 14u

/* Captured are bytes[start .. end); `wire` is what the record says was on the wire. */
struct packet {
	uint32_t start, end, wire;
	uint8_t bytes[PACKET_ROOM];
};

#define BATCH_MAX 128u

/* Packets on their way out, in this order; all BATCH_MAX pointers are always valid. */
struct batch {
	unsigned n;
	struct packet *packet[BATCH_MAX];
};

/* One of the captures' frames, as Ethernet. */
struct sample {
	const uint8_t *data;
	uint32_t len;
	bool deep; /* DNS, a fragment or a tunnel is in it */
};

/* Samples of one capture are [first .. first + frames), in its order. */
struct source {
	uint32_t first, frames, deep;
};

struct corpus {
	uint8_t *store; /* octets of all samples */
	struct sample *sample;
	struct source *source;
	uint32_t samples, sources;
};

/* Reads all captures below the paths (shared.h). The number of captures read, or -1. */
int corpus_read(struct corpus *c, char *const paths[], int n);

enum layer_kind {
	LAYER_ETHERNET,
	LAYER_VLAN,
	LAYER_MPLS,
	LAYER_PPPOE,
	LAYER_PPP,
	LAYER_IPV4,
	LAYER_IPV6,
	LAYER_EXTENSION,
	LAYER_FRAGMENT,
	LAYER_ICMP,
	LAYER_UDP,
	LAYER_TCP,
	LAYER_GRE,
	LAYER_ERSPAN,
	LAYER_VXLAN,
	LAYER_GENEVE,
	LAYER_GTPU,
	LAYER_L2TP,
	LAYER_PREFIX, /* the length before a DNS message in TCP */
	LAYER_DNS,
	LAYER_NAME,
	LAYER_RECORD, /* from its type on */
	LAYER_KINDS
};

#define LAYERS_MAX 40u

/* A link type by its name, its number in a file's header, and the header that is written. */
struct link_type {
	const char *name;
	uint16_t number;
	uint8_t header, type_at; /* type_at: 255 where it carries IP only */
	uint8_t octets[40];
};

/* Headers found in a packet, outermost first; `at` counts from its first octet. */
struct layers {
	unsigned n;
	struct {
		enum layer_kind kind;
		uint32_t at;
	} layer[LAYERS_MAX];
};

void layers_find(enum wire_link link, const uint8_t *p, uint32_t len, struct layers *out);

/* NULL for a link type that no capture has. */
const struct link_type *link_type(enum wire_link link);

/* enum wire_link, or -1. */
int link_named(const char *name);

/* Octets before the network layer, whose EtherType goes to *type; 0 there: not found. */
uint32_t link_skip(enum wire_link link, const uint8_t *p, uint32_t len, unsigned *type);

/* Ethernet gives way to another link header; what carries IP only loses tags and the like. */
void packet_reframe(struct packet *p, enum wire_link link);

/* Index of the first layer of that kind, or -1. */
int layers_first(const struct layers *l, enum layer_kind kind);

/* Puts one header, or one tunnel with all of its headers, around an Ethernet frame. */
void packet_wrap(struct packet *p, uint64_t *rng);

/* Cuts packet i into fragments of its outermost IP layer, which take its place in the batch. */
void batch_fragment(struct batch *b, unsigned i, uint64_t *rng);

/* Turns the DNS messages of the batch into segments of one TCP connection. */
void batch_segment(struct batch *b, uint64_t *rng);

/* The batch gives way to datagrams of which each completes the next. */
void batch_chain(struct batch *b, uint64_t *rng);

/* Swaps, shuffles, repeats or drops packets. */
void batch_reorder(struct batch *b, uint64_t *rng);

/* One octet-level fault; `other` is for splices. */
void packet_damage(
	struct packet *p, enum wire_link link, const struct sample *other, uint64_t *rng);

/* A frame into a worker of this process, which stops it where anything does not hold. */
void check_frame(const struct packet *p, enum wire_link link, uint64_t stamp_ns);

/* Those that still wait, and all identities. */
void check_end(void);

static inline bool chance(uint64_t *rng, uint32_t in)
{
	return random_below(rng, in) == 0;
}

static inline void store_be16(uint8_t *p, size_t v)
{
	p[0] = (uint8_t)(v >> 8);
	p[1] = (uint8_t)v;
}

static inline void store_be32(uint8_t *p, uint32_t v)
{
	store_be16(p, v >> 16);
	store_be16(p + 2, v);
}

static inline uint8_t *packet_data(struct packet *p)
{
	return p->bytes + p->start;
}

static inline uint32_t packet_len(const struct packet *p)
{
	return p->end - p->start;
}

static inline void packet_set(struct packet *p, const uint8_t *data, uint32_t len)
{
	p->start = PACKET_HEADROOM;
	p->end = p->start + len;
	p->wire = len;
	memcpy(p->bytes + p->start, data, len);
}

/* n zeroed octets in front. */
static inline uint8_t *packet_push(struct packet *p, uint32_t n)
{
	p->start -= n;
	p->wire += n;
	return memset(p->bytes + p->start, 0, n);
}

static inline void packet_pull(struct packet *p, uint32_t n)
{
	p->start += n;
	p->wire -= n;
}

/* A packet at place i; those from there on move up. NULL when the batch is full. */
static inline struct packet *batch_insert(struct batch *b, unsigned i)
{
	if (b->n == BATCH_MAX)
		return NULL;
	struct packet *p = b->packet[b->n];
	memmove(&b->packet[i + 1], &b->packet[i], (b->n - i) * sizeof(b->packet[0]));
	b->packet[i] = p;
	b->n++;
	return p;
}

static inline void batch_remove(struct batch *b, unsigned i)
{
	struct packet *p = b->packet[i];

	b->n--;
	memmove(&b->packet[i], &b->packet[i + 1], (b->n - i) * sizeof(b->packet[0]));
	b->packet[b->n] = p;
}
