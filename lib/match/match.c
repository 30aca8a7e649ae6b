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
 * A slot is one word: it is free when it is 0, for a used one has waiting > 0
 * or answered set.
 *
 *   63..32 tag of the transaction   31..20 tick   19..17 queries waiting
 *   16 answered                     15..0 digest of the first answer
 */
struct line {
	uint64_t slot[WAYS];
};
_Static_assert(sizeof(struct line) == CACHE_LINE, "one cache line a look-up");

struct match {
	uint32_t mask;
	uint8_t pad[CACHE_LINE - sizeof(uint32_t)];
	struct line line[];
};

#define TAG_MASK UINT64_C(0xffffffff00000000)
#define ANSWERED (UINT64_C(1) << 16)

static inline unsigned slot_tick(uint64_t s)
{
	return (unsigned)(s >> 20) & TICK_MASK;
}

static inline unsigned slot_waiting(uint64_t s)
{
	return (unsigned)(s >> 17) & 7u;
}

static inline uint64_t slot_make(
	uint64_t tag, unsigned tick, unsigned waiting, uint64_t answered, uint32_t digest)
{
	return tag | (uint64_t)tick << 20 | (uint64_t)waiting << 17 | answered | (digest & 0xffffu);
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

uint64_t match_hash(const struct wire_packet *pkt, const uint8_t *msg, const struct dns_message *m,
	struct hash_key key)
{
	const uint8_t *client = pkt->saddr, *server = pkt->daddr;
	uint32_t ports = (uint32_t)pkt->sport << 16 | pkt->dport;

	if (dns_is_response(m)) {
		client = pkt->daddr;
		server = pkt->saddr;
		ports = (uint32_t)pkt->dport << 16 | pkt->sport;
	}
	uint64_t a, b;
	if (likely(pkt->ip_version == 4)) {
		a = (uint64_t)load_u32(client) << 32 | load_u32(server);
		b = 0;
	} else {
		a = hash_fold(load_u64(client) ^ key.a, load_u64(client + 8) ^ key.b);
		b = hash_fold(load_u64(server) ^ key.b, load_u64(server + 8) ^ key.a);
	}
	uint64_t h = hash_fold(a ^ key.a, ((uint64_t)ports << 32 | (uint64_t)m->id << 16) ^ key.b);

	/* Exact case (a forger must guess 0x20 games), with type and class behind the name. */
	uint64_t name = hash_bytes(msg + DNS_HEADER_LEN, m->qname_wire_len ? m->qname_wire_len + 4u : 0, key);
	return hash_fold(h ^ b, name ^ key.a);
}

static inline const struct line *line_of(const struct match *t, uint64_t h)
{
	return &t->line[(uint32_t)h & t->mask];
}

void match_prefetch(const struct match *t, uint64_t h)
{
	__builtin_prefetch(line_of(t, h), 1);
}

static inline bool fresh(uint64_t slot, unsigned tick)
{
	return ((tick - slot_tick(slot)) & TICK_MASK) <= TIMEOUT_TICKS;
}

enum match_stored match_query(struct match *t, uint64_t h, uint64_t now_ms)
{
	struct line *l = &t->line[(uint32_t)h & t->mask];
	uint64_t tag = h & TAG_MASK;
	unsigned tick = (unsigned)(now_ms / TICK_MS) & TICK_MASK;
	unsigned victim = 0, victim_age = 0;
	bool victim_waits = true;

	for (unsigned i = 0; i < WAYS; i++) {
		uint64_t s = l->slot[i];
		if ((s & TAG_MASK) == tag && s != 0 && fresh(s, tick)) {
			unsigned waiting = slot_waiting(s);
			l->slot[i] = slot_make(tag, tick,
				waiting < WAITING_MAX ? waiting + 1 : waiting, s & ANSWERED,
				(uint32_t)s);
			return MATCH_AGAIN;
		}
		/* Free, answered or stale slots go first, then the oldest waiting one. */
		bool waits = s != 0 && slot_waiting(s) && fresh(s, tick);
		unsigned age = s == 0 ? TICK_MASK + 1 : (tick - slot_tick(s)) & TICK_MASK;
		if ((victim_waits && !waits) || (victim_waits == waits && age > victim_age)) {
			victim = i;
			victim_age = age;
			victim_waits = waits;
		}
	}
	l->slot[victim] = slot_make(tag, tick, 1, 0, 0);
	return victim_waits ? MATCH_EVICTED : MATCH_NEW;
}

enum match_result match_response(struct match *t, uint64_t h, uint32_t answer, uint64_t now_ms)
{
	struct line *l = &t->line[(uint32_t)h & t->mask];
	uint64_t tag = h & TAG_MASK;
	unsigned tick = (unsigned)(now_ms / TICK_MS) & TICK_MASK;

	for (unsigned i = 0; i < WAYS; i++) {
		uint64_t s = l->slot[i];
		if ((s & TAG_MASK) != tag || s == 0 || !fresh(s, tick))
			continue;
		unsigned waiting = slot_waiting(s);
		if (waiting) {
			uint32_t first = s & ANSWERED ? (uint32_t)s : answer;
			l->slot[i] = slot_make(tag, slot_tick(s), waiting - 1, ANSWERED, first);
			return MATCH_PAIRED;
		}
		return ((uint32_t)s & 0xffffu) == (answer & 0xffffu) ? MATCH_DUPLICATE
								     : MATCH_CONFLICTING;
	}
	return MATCH_UNPAIRED;
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
