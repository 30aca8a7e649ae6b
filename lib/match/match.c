/* SPDX-License-Identifier: BSD-3-Clause */

#include "base/bits.h"
#include "match/match.h"

#define WAYS 8u

/* Ticks of 1/8 s in 12 bits: 512 s round trip, far beyond the timeout. */
#define TICK_MS 128u
#define TICK_MASK 0xfffu
#define TIMEOUT_TICKS ((MATCH_TIMEOUT_MS + TICK_MS - 1) / TICK_MS)
#define WAITING_MAX 7u

/*
 * Tags and states of a line's eight slots stand apart, so that each pass over
 * them is one vector wide. A state is 0 when the slot is free; a used one has
 * queries waiting or was answered.
 *
 *   31..20 tick   19..17 queries waiting   16 answered   15..0 digest of the first answer
 */
struct line {
	uint32_t tag[WAYS];
	uint32_t state[WAYS];
};
_Static_assert(sizeof(struct line) == CACHE_LINE, "one cache line a look-up");

struct match {
	uint32_t mask;
	uint8_t pad[CACHE_LINE - sizeof(uint32_t)];
	struct line line[];
};

#define ANSWERED (UINT32_C(1) << 16)

static inline unsigned state_tick(uint32_t s)
{
	return s >> 20;
}

static inline unsigned state_waiting(uint32_t s)
{
	return s >> 17 & 7u;
}

static inline uint32_t state_make(
	unsigned tick, unsigned waiting, uint32_t answered, uint32_t digest)
{
	return tick << 20 | waiting << 17 | answered | (digest & 0xffffu);
}

size_t match_size(unsigned entries_log2)
{
	if (entries_log2 < 9 || entries_log2 > 26)
		return 0;
	return sizeof(struct match) + ((size_t)1 << entries_log2) * sizeof(uint64_t);
}

struct match *match_init(void *mem, unsigned entries_log2)
{
	size_t size = match_size(entries_log2);

	if (size == 0)
		return NULL;
	memset(mem, 0, size);
	struct match *t = mem;
	t->mask = (uint32_t)((1u << entries_log2) / WAYS - 1);
	return t;
}

static inline const struct line *line_of(const struct match *t, uint64_t h)
{
	return &t->line[(uint32_t)h & t->mask];
}

void match_prefetch(const struct match *t, uint64_t h)
{
	__builtin_prefetch(line_of(t, h), 1);
}

static inline unsigned age_of(uint32_t state, unsigned tick)
{
	return (tick - state_tick(state)) & TICK_MASK;
}

/* Slot of a transaction that is neither free nor stale; WAYS when there is none. */
static inline unsigned find(const struct line *l, uint32_t tag, unsigned tick)
{
	unsigned hits = 0;

	for (unsigned i = 0; i < WAYS; i++)
		hits |= (unsigned)(l->tag[i] == tag) << i;
	for (; hits; hits &= hits - 1) {
		unsigned i = (unsigned)__builtin_ctz(hits);
		if (l->state[i] && age_of(l->state[i], tick) <= TIMEOUT_TICKS)
			return i;
	}
	return WAYS;
}

/* The slot to use for a new query: free, answered or stale ones first, then the oldest. */
static inline unsigned victim(const struct line *l, unsigned tick, bool *waits)
{
	uint32_t best = 0;

	for (unsigned i = 0; i < WAYS; i++) {
		uint32_t s = l->state[i];
		uint32_t age = s ? (tick - (s >> 20)) & TICK_MASK : TICK_MASK + 1;
		uint32_t idle = (s >> 17 & 7u) == 0 || age > TIMEOUT_TICKS;
		uint32_t rank = (idle << 13 | age) << 3 | i;
		best = rank > best ? rank : best;
	}
	*waits = !(best >> 16 & 1);
	return best & (WAYS - 1);
}

enum match_stored match_query(struct match *t, uint64_t h, uint64_t now_ms)
{
	struct line *l = &t->line[(uint32_t)h & t->mask];
	uint32_t tag = (uint32_t)(h >> 32);
	unsigned tick = (unsigned)(now_ms / TICK_MS) & TICK_MASK;
	unsigned i = find(l, tag, tick);
	bool waits;

	if (unlikely(i < WAYS)) {
		uint32_t s = l->state[i];
		unsigned waiting = state_waiting(s);
		l->state[i] = state_make(
			tick, waiting < WAITING_MAX ? waiting + 1 : waiting, s & ANSWERED, s);
		return MATCH_AGAIN;
	}
	i = victim(l, tick, &waits);
	l->tag[i] = tag;
	l->state[i] = state_make(tick, 1, 0, 0);
	return waits ? MATCH_EVICTED : MATCH_NEW;
}

enum match_result match_response(struct match *t, uint64_t h, uint32_t answer, uint64_t now_ms)
{
	struct line *l = &t->line[(uint32_t)h & t->mask];
	unsigned tick = (unsigned)(now_ms / TICK_MS) & TICK_MASK;
	unsigned i = find(l, (uint32_t)(h >> 32), tick);

	if (unlikely(i == WAYS))
		return MATCH_UNPAIRED;
	uint32_t s = l->state[i];
	unsigned waiting = state_waiting(s);
	if (likely(waiting)) {
		l->state[i] =
			state_make(state_tick(s), waiting - 1, ANSWERED, s & ANSWERED ? s : answer);
		return MATCH_PAIRED;
	}
	return (s & 0xffffu) == (answer & 0xffffu) ? MATCH_DUPLICATE : MATCH_CONFLICTING;
}

const char *match_result_name(enum match_result r)
{
	static const char *const names[MATCH_RESULT_COUNT] = {
		[MATCH_PAIRED] = "paired",
		[MATCH_UNPAIRED] = "unpaired",
		[MATCH_DUPLICATE] = "duplicate",
		[MATCH_CONFLICTING] = "conflicting",
	};
	return names[r];
}
