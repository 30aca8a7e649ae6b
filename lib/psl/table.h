/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

/*
 * The compiled list: a perfect hash table of suffixes, one 8-octet entry each.
 *
 * A suffix's hash is folded label by label from the right, so a lookup extends it
 * by one label a step. The hash's top bits choose a group; the group's
 * displacement, found at compile time, sends each listed suffix to a slot of its
 * own. One probe answers, without a search and without a branch that depends on
 * where in a bucket an entry stands.
 *
 * The key is public, so a name can be made that has the hash of a listed suffix:
 * an entry names the suffix's text, which is compared on a match. The 32 bits of
 * hash in the entry only keep misses away from the text.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/bits.h"
#include "base/hash.h"
#include "dns/dns.h"
#include "psl/psl.h"

#define PSL_KEY_A 0x8bb84b93962eacc9u
#define PSL_KEY_B 0x2d358dccaa6c78a5u
#define PSL_SLOT_FACTOR 0x9fb21c651e98df25u

/* Octets that a word-wise reader may touch behind a name in the text pool. */
#define PSL_PAD 16u
#define PSL_GROUP_SLOTS 4u

struct psl {
	const uint64_t *table;
	const uint8_t *displacement; /* by group */
	const uint8_t *text;         /* wire forms; text[0] is the root */
	uint64_t seed;               /* hash of the root */
	unsigned slot_shift, group_shift;
	unsigned rules;
	uint64_t fingerprint;
};

/*
 * Entry: hash in bits 0..31; in 32..38 the labels of the public suffix of this very
 * name; bit 39: of any unlisted child it is the child itself; text in 40..63.
 * 0 is an empty slot: its text, the root, equals no suffix that is looked up.
 */
#define PSL_TEXT_MAX (1u << 24)

static inline uint64_t psl_entry(uint64_t hash, uint8_t suffix_labels, bool wildcard, uint32_t text)
{
	return (uint32_t)hash | (uint64_t)suffix_labels << 32 | (uint64_t)wildcard << 39 |
	       (uint64_t)text << 40;
}

static inline unsigned psl_entry_labels(uint64_t entry)
{
	return entry >> 32 & 0x7f;
}

static inline bool psl_entry_wildcard(uint64_t entry)
{
	return entry >> 39 & 1;
}

static inline uint32_t psl_entry_text(uint64_t entry)
{
	return (uint32_t)(entry >> 40);
}

/* The default rule '*': a top-level name that is not listed is a suffix. */
#define PSL_ENTRY_ROOT (UINT64_C(1) << 39)

struct psl_words {
	uint64_t low, high;
};

/*
 * The n octets at p, n in 0..16; reads 16 and clears the others. The masks come from
 * memory because the length is what a branch predictor cannot know.
 */
static inline struct psl_words psl_words_load(const uint8_t *p, size_t n)
{
	static const uint64_t keep[4] = {UINT64_MAX, UINT64_MAX};
	const uint8_t *mask = (const uint8_t *)keep + 16 - n;

	return (struct psl_words){
		.low = load_u64(p) & load_u64(mask),
		.high = load_u64(p + 8) & load_u64(mask + 8),
	};
}

/* Extends the hash of a suffix by the label at p, its length octet included. */
static inline uint64_t psl_label_hash(uint64_t h, const uint8_t *p)
{
	size_t n = p[0] + 1u;

	for (; unlikely(n > 16); p += 16, n -= 16)
		h = hash_fold(load_u64(p) ^ PSL_KEY_A, load_u64(p + 8) ^ h);
	struct psl_words w = psl_words_load(p, n);

	return hash_fold(w.low ^ PSL_KEY_A, w.high ^ h ^ PSL_KEY_B);
}

/* Equality of two suffixes, one of which has `len` octets: no wire form is another's prefix. */
static inline bool psl_suffix_equal(const uint8_t *a, const uint8_t *b, size_t len)
{
	if (unlikely(len > 16))
		return memcmp(a, b, len) == 0;
	struct psl_words x = psl_words_load(a, len), y = psl_words_load(b, len);

	return ((x.low ^ y.low) | (x.high ^ y.high)) == 0;
}

static inline uint32_t psl_group(const struct psl *psl, uint64_t hash)
{
	return (uint32_t)(hash >> psl->group_shift);
}

static inline uint32_t psl_slot(const struct psl *psl, uint64_t hash, uint8_t displacement)
{
	return (uint32_t)((hash ^ displacement) * PSL_SLOT_FACTOR >> psl->slot_shift);
}
