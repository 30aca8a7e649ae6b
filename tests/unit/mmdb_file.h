/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

/*
 * Address databases made to measure: a few prefixes, records of any layout
 * (MaxMind DB file format 2.0). Fails the test when something does not fit.
 */

#include <arpa/inet.h>
#include <stdint.h>
#include <string.h>

#define MMDB_NODES_MAX 1024u
#define MMDB_OCTETS_MAX 8192u

enum mmdb_type {
	MMDB_TEXT = 2,
	MMDB_UINT16 = 5,
	MMDB_UINT32 = 6,
	MMDB_MAP = 7,
	MMDB_UINT64 = 9,
	MMDB_ARRAY = 11,
};

struct mmdb_file {
	unsigned ip_version;
	uint32_t nodes;
	uint32_t node[MMDB_NODES_MAX][2]; /* 0: empty; bit 31: offset of data; else a node */
	uint32_t data_len;
	uint8_t data[MMDB_OCTETS_MAX];
	uint32_t len; /* of the file, by mmdb_finish */
	uint8_t file[4 * MMDB_OCTETS_MAX];
};

static inline void mmdb_start(struct mmdb_file *f, unsigned ip_version)
{
	memset(f, 0, sizeof(*f));
	f->ip_version = ip_version;
	f->nodes = 1;
}

static inline void mmdb_control(struct mmdb_file *f, enum mmdb_type type, uint32_t size)
{
	assert_true(size < 29 && f->data_len + 32 < sizeof(f->data));
	f->data[f->data_len++] = (uint8_t)((type <= 7 ? (uint32_t)type << 5 : 0) | size);
	if (type > 7)
		f->data[f->data_len++] = (uint8_t)(type - 7);
}

static inline void mmdb_map(struct mmdb_file *f, uint32_t pairs)
{
	mmdb_control(f, MMDB_MAP, pairs);
}

static inline void mmdb_text(struct mmdb_file *f, const char *text)
{
	mmdb_control(f, MMDB_TEXT, (uint32_t)strlen(text));
	memcpy(f->data + f->data_len, text, strlen(text));
	f->data_len += (uint32_t)strlen(text);
}

static inline void mmdb_number(struct mmdb_file *f, enum mmdb_type type, uint64_t n)
{
	uint32_t octets = 0;

	while (octets < 8 && n >> (8 * octets))
		octets++;
	mmdb_control(f, type, octets);
	while (octets--)
		f->data[f->data_len++] = (uint8_t)(n >> (8 * octets));
}

/* The prefix leads to the data that was begun at `offset` (f->data_len before it). */
static inline void mmdb_prefix(
	struct mmdb_file *f, const char *prefix, unsigned bits, uint32_t offset)
{
	uint8_t octets[16] = {0};
	uint32_t at = 0;

	if (strchr(prefix, ':')) {
		assert_int_equal(inet_pton(AF_INET6, prefix, octets), 1);
	} else if (f->ip_version == 4) {
		assert_int_equal(inet_pton(AF_INET, prefix, octets), 1);
	} else {
		assert_int_equal(inet_pton(AF_INET, prefix, octets + 12), 1);
		bits += 96;
	}
	for (unsigned i = 0; i + 1 < bits; i++) {
		uint32_t *next = &f->node[at][octets[i / 8] >> (7 - i % 8) & 1];

		assert_true(f->nodes < MMDB_NODES_MAX && *next >> 31 == 0);
		if (*next == 0)
			*next = f->nodes++;
		at = *next;
	}
	f->node[at][octets[(bits - 1) / 8] >> (7 - (bits - 1) % 8) & 1] = 1u << 31 | offset;
}

static inline void mmdb_put(struct mmdb_file *f, const void *octets, size_t n)
{
	assert_true(f->len + n <= sizeof(f->file));
	memcpy(f->file + f->len, octets, n);
	f->len += (uint32_t)n;
}

/* Lays the file out: tree with 24-bit records, separator, data, metadata. */
static inline void mmdb_finish(struct mmdb_file *f, const char *type, uint64_t built)
{
	static const uint8_t separator[16];
	uint32_t data_len = f->data_len;

	f->len = 0;
	for (uint32_t i = 0; i < 2 * f->nodes; i++) {
		uint32_t r = f->node[i / 2][i % 2];

		r = r >> 31 ? f->nodes + 16 + (r & INT32_MAX) : r ? r : f->nodes;
		mmdb_put(f, (uint8_t[]){(uint8_t)(r >> 16), (uint8_t)(r >> 8), (uint8_t)r}, 3);
	}
	mmdb_put(f, separator, sizeof(separator));
	mmdb_put(f, f->data, data_len);
	mmdb_put(f, "\xab\xcd\xefMaxMind.com", 14);
	mmdb_map(f, 9);
	mmdb_text(f, "binary_format_major_version");
	mmdb_number(f, MMDB_UINT16, 2);
	mmdb_text(f, "binary_format_minor_version");
	mmdb_number(f, MMDB_UINT16, 0);
	mmdb_text(f, "build_epoch");
	mmdb_number(f, MMDB_UINT64, built);
	mmdb_text(f, "database_type");
	mmdb_text(f, type);
	mmdb_text(f, "description");
	mmdb_map(f, 0);
	mmdb_text(f, "ip_version");
	mmdb_number(f, MMDB_UINT16, f->ip_version);
	mmdb_text(f, "languages");
	mmdb_control(f, MMDB_ARRAY, 0);
	mmdb_text(f, "node_count");
	mmdb_number(f, MMDB_UINT32, f->nodes);
	mmdb_text(f, "record_size");
	mmdb_number(f, MMDB_UINT16, 24);
	mmdb_put(f, f->data + data_len, f->data_len - data_len);
	f->data_len = data_len;
}
