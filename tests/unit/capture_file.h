/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

/* Capture files made field by field, in either byte order. */

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>
#include <zlib.h>

#define MAGIC_US 0xa1b2c3d4u
#define MAGIC_NS 0xa1b23c4du
#define LINKTYPE_ETHERNET 1u
#define LINKTYPE_USB 189u

/* A file under construction; big: fields in network order. */
struct build {
	uint8_t octet[65536];
	unsigned len;
	bool big;
};

static inline void put(struct build *b, const void *data, unsigned n)
{
	assert_true(b->len + n <= sizeof(b->octet));
	memcpy(b->octet + b->len, data, n);
	b->len += n;
}

static inline void put_u32(struct build *b, uint32_t v)
{
	uint32_t field = b->big ? __builtin_bswap32(v) : v;

	put(b, &field, 4);
}

static inline void put_u16(struct build *b, uint16_t v)
{
	uint16_t field = b->big ? __builtin_bswap16(v) : v;

	put(b, &field, 2);
}

static inline void put_header(struct build *b, uint32_t magic, uint32_t linktype)
{
	put_u32(b, magic);
	put_u16(b, 2);
	put_u16(b, 4);
	put_u32(b, 0);
	put_u32(b, 0);
	put_u32(b, 65535);
	put_u32(b, linktype);
}

/* A packet of caplen octets, each of which is `fill`. */
static inline void put_packet(struct build *b, uint32_t sec, uint32_t fraction, uint32_t caplen,
	uint32_t wirelen, unsigned fill)
{
	put_u32(b, sec);
	put_u32(b, fraction);
	put_u32(b, caplen);
	put_u32(b, wirelen);
	assert_true(b->len + caplen <= sizeof(b->octet));
	memset(b->octet + b->len, (int)fill, caplen);
	b->len += caplen;
}

static inline void save(const char *name, const void *data, size_t n)
{
	FILE *f = fopen(name, "wb");

	assert_non_null(f);
	assert_int_equal(fwrite(data, 1, n, f), n);
	assert_int_equal(fclose(f), 0);
}

static inline void save_packed(const char *name, const struct build *b)
{
	gzFile f = gzopen(name, "wb");

	assert_non_null(f);
	assert_int_equal(gzwrite(f, b->octet, b->len), b->len);
	assert_int_equal(gzclose(f), Z_OK);
}
