/* SPDX-License-Identifier: BSD-3-Clause */
#include "psl/punycode.h"

#include <stdbool.h>

/* Parameter values of RFC 3492 section 5. */
enum { BASE = 36, TMIN = 1, TMAX = 26, SKEW = 38, DAMP = 700, INITIAL_BIAS = 72, INITIAL_N = 128 };

struct sink {
	uint8_t *out;
	size_t len, size;
};

static void put(struct sink *s, uint8_t octet)
{
	if (s->len < s->size)
		s->out[s->len] = octet;
	s->len++;
}

static uint8_t digit(uint32_t d)
{
	return (uint8_t)(d < 26 ? 'a' + d : '0' + (d - 26));
}

/* RFC 3492 section 6.1. */
static uint32_t adapt(uint32_t delta, uint32_t points, bool first)
{
	uint32_t k = 0;

	delta = first ? delta / DAMP : delta / 2;
	delta += delta / points;
	for (; delta > (BASE - TMIN) * TMAX / 2; k += BASE)
		delta /= BASE - TMIN;
	return k + (BASE - TMIN + 1) * delta / (delta + SKEW);
}

/* One delta as a generalised variable-length integer, RFC 3492 section 3.3. */
static void put_delta(struct sink *s, uint32_t q, uint32_t bias)
{
	for (uint32_t k = BASE;; k += BASE) {
		uint32_t t = k <= bias ? TMIN : k >= bias + TMAX ? TMAX : k - bias;

		if (q < t)
			break;
		put(s, digit(t + (q - t) % (BASE - t)));
		q = (q - t) / (BASE - t);
	}
	put(s, digit(q));
}

static uint32_t smallest_from(const uint32_t *code, size_t count, uint32_t n)
{
	uint32_t m = UINT32_MAX;

	for (size_t i = 0; i < count; i++)
		if (code[i] >= n && code[i] < m)
			m = code[i];
	return m;
}

/* RFC 3492 section 6.3. delta stays below 0x110000 * (PUNYCODE_MAX + 1) < 2^32. */
size_t punycode_encode(const uint32_t *code, size_t count, uint8_t *out, size_t size)
{
	struct sink s = {.out = out, .size = size};
	uint32_t n = INITIAL_N, delta = 0, bias = INITIAL_BIAS;

	if (count > PUNYCODE_MAX)
		return 0;
	for (size_t i = 0; i < count; i++)
		if (code[i] < INITIAL_N)
			put(&s, (uint8_t)code[i]);
	uint32_t basic = (uint32_t)s.len, done = basic;

	if (basic > 0)
		put(&s, '-');
	while (done < count) {
		uint32_t m = smallest_from(code, count, n);

		delta += (m - n) * (done + 1);
		n = m;
		for (size_t i = 0; i < count; i++) {
			if (code[i] < n)
				delta++;
			if (code[i] != n)
				continue;
			put_delta(&s, delta, bias);
			bias = adapt(delta, done + 1, done == basic);
			delta = 0;
			done++;
		}
		delta++;
		n++;
	}
	return s.len <= size ? s.len : 0;
}
