/* SPDX-License-Identifier: BSD-3-Clause */

#include "base/bits.h"
#include "sensor/evidence.h"
#include "sensor/hold.h"
#include "sensor/sensor.h"

#define NS_PER_SECOND UINT64_C(1000000000)
#define NS_PER_MS UINT64_C(1000000)

/*
 * Responses a query must be seen for before the tap counts as carrying both
 * directions; until then an unpaired response is taken as weak evidence.
 */
#define ONE_WAY_RATIO 16u
#define DIRECTION_MEMORY 65536u

/* Holes given up at one epoch's end; the port is not polled meanwhile, and the rest can wait. */
#define SWEEP_STEPS 128u

enum kind {
	KIND_NONE,
	KIND_QUERY,
	KIND_RESPONSE,
};

/* What a frame is waiting for between the passes. */
struct pending {
	uint64_t transaction;
	enum kind kind;
	struct answer answer; /* of a query only the time */
};

struct sensor {
	struct sensor_config config;
	struct shard *shard;
	struct match *match;
	struct hold hold;
	struct reasm *reasm;
	uint64_t queries; /* since start: is this tap one-directional? */
	uint64_t responses;
	bool borrowed;                           /* a packet below lies in reassembly's memory */
	struct wire_packet packet[SENSOR_BURST]; /* DNS messages to come */
	uint64_t time_ns[SENSOR_BURST];
	struct pending pending[SENSOR_BURST];
	struct dns_record record[DNS_RECORDS_MAX];
	struct evidence_arena arena;
};

static size_t head_size(void)
{
	return align_up(sizeof(struct sensor), CACHE_LINE);
}

/* One held response for 64 slots of the pairing table, 8192 at most. */
static unsigned hold_log2(const struct sensor_config *config)
{
	unsigned log2 = config->match_log2 - 6;

	return log2 < 13 ? log2 : 13;
}

size_t sensor_size(const struct sensor_config *config)
{
	size_t match = match_size(config->match_log2), reasm = reasm_size(&config->reasm);

	return match && reasm ? head_size() + align_up(match, CACHE_LINE) +
					hold_size(hold_log2(config)) + reasm
			      : 0;
}

struct sensor *sensor_init(void *mem, const struct sensor_config *config)
{
	struct sensor *s = mem;
	uint8_t *at = (uint8_t *)mem + head_size();

	if (sensor_size(config) == 0)
		return NULL;
	memset(s, 0, sizeof(*s));
	s->config = *config;
	s->match = match_init(at, config->match_log2);
	at += align_up(match_size(config->match_log2), CACHE_LINE);
	hold_init(&s->hold, at, hold_log2(config));
	at += hold_size(hold_log2(config));
	s->reasm = reasm_init(at, &config->reasm, config->placement);
	return s;
}

void sensor_wire(struct sensor *s, const struct wire_config *wire)
{
	s->config.wire = wire;
}

struct shard *sensor_shard(struct sensor *s, struct shard *shard)
{
	struct shard *before = s->shard;

	/* What the tap was like a while ago says less than what it is like now. */
	if (s->queries + s->responses > DIRECTION_MEMORY) {
		s->queries /= 2;
		s->responses /= 2;
	}
	s->shard = shard;
	return before;
}

struct shard *sensor_shard_current(const struct sensor *s)
{
	return s->shard;
}

static void count_client(struct shard *shard, const struct wire_packet *p)
{
	hll_add(&shard->visibility.plain_client,
		visibility_hash(p->saddr, p->ip_version, shard->placement));
}

/* By its /24 or /48: who has one address there has many. */
static uint8_t server_of(const struct sensor_config *c, const struct wire_packet *p)
{
	if (resolvers_known(&c->resolvers, p->saddr, p->ip_version))
		return SHARD_SERVER_RESOLVER;
	uint64_t network = p->ip_version == 4
				   ? load_be32(p->saddr) >> 8
				   : load_u64(p->saddr) & load_u64("\xff\xff\xff\xff\xff\xff\0");

	return shard_server(hash_u64(network, c->sketch));
}

/* What a message waits for between the passes is on its way from here on. */
static inline void await_pairing(
	struct sensor *s, const struct wire_packet *pkt, unsigned name_len, struct pending *p)
{
	p->transaction = match_hash(pkt, pkt->payload, name_len, s->config.placement);
	match_prefetch(s->match, p->transaction);
}

static inline void await_query(
	struct sensor *s, const struct wire_packet *pkt, unsigned name_len, struct pending *p)
{
	p->kind = KIND_QUERY;
	count_client(s->shard, pkt);
	await_pairing(s, pkt, name_len, p);
}

/* One without a question pairs with nothing, and has no evidence either. */
static inline void await_response(
	struct sensor *s, const struct wire_packet *pkt, unsigned name_len, struct pending *p)
{
	if (name_len == 0) {
		s->responses++;
		s->shard->account.response[p->answer.fate]++;
		return;
	}
	p->kind = KIND_RESPONSE;
	p->answer.server = server_of(&s->config, pkt);
	if (p->answer.fate == RESPONSE_PAIRED)
		for (unsigned i = 0; i < p->answer.evidence.owners; i++)
			shard_prefetch(s->shard, p->answer.evidence.owner[i].key);
	else
		p->answer.evidence.digest = (uint32_t)p->answer.fate;
	await_pairing(s, pkt, name_len, p);
}

static __attribute__((noinline)) void parse_any(
	struct sensor *s, const struct wire_packet *pkt, struct pending *p)
{
	struct account *a = &s->shard->account;
	const uint8_t *msg = pkt->payload;
	struct dns_message m;

	enum dns_verdict v = dns_parse(msg, pkt->payload_len, pkt->cut, s->record, &m);
	if (unlikely(v == DNS_SHORT)) {
		a->not_dns[NOT_DNS_SHORT]++;
	} else if (unlikely(v == DNS_OPCODE)) {
		a->not_dns[NOT_DNS_OPCODE]++;
	} else if (dns_is_response(&m)) {
		a->note[NOTE_TRUNCATED_FLAG] += dns_truncated(&m);
		p->answer.fate = evidence_extract(&s->config, msg, pkt->payload_len, v, &m,
			s->record, &s->arena, a, &p->answer.evidence);
		await_response(s, pkt, m.qname_wire_len, p);
	} else if (unlikely(v != DNS_OK || m.qname_wire_len == 0 || dns_opcode(&m) != 0)) {
		a->query[QUERY_UNMATCHED]++;
	} else {
		await_query(s, pkt, m.qname_wire_len, p);
	}
}

/* What nearly all messages are; false, with nothing counted: this one is not. */
static inline bool parse_plain(struct sensor *s, const struct wire_packet *pkt, struct pending *p)
{
	struct account *a = &s->shard->account;
	const uint8_t *msg = pkt->payload;
	uint32_t len = pkt->payload_len;
	struct dns_name name;
	struct dns_plain m;

	if (unlikely(pkt->cut))
		return false;
	/* A refusal that is a header alone. */
	if (len == DNS_HEADER_LEN && load_u64(msg + 4) == 0 && (msg[2] & 0xf8) == 0x80) {
		a->note[NOTE_TRUNCATED_FLAG] += msg[2] >> 1 & 1;
		p->answer.fate = RESPONSE_QUESTION;
		await_response(s, pkt, 0, p);
		return true;
	}
	if (unlikely(!dns_plain_question(msg, len, name.label, &m)))
		return false;
	if (!(m.flags & 0x8000)) {
		await_query(s, pkt, m.name_len, p);
		return true;
	}
	if (likely((m.flags & 0xf) == 0 && m.ancount && m.qclass == DNS_CLASS_IN)) {
		if (!evidence_plain(&s->config, msg, len, &m, &name, &s->arena, a,
			    &p->answer.evidence, &p->answer.fate))
			return false;
	} else {
		if (!dns_plain_records(msg, len, &m))
			return false;
		unsigned declared = (unsigned)m.ancount + m.nscount + m.arcount;
		a->declared += declared;
		a->record[RECORD_RESPONSE] += declared;
		p->answer.fate = m.flags & 0xf              ? RESPONSE_RCODE
				 : m.qclass != DNS_CLASS_IN ? RESPONSE_CLASS
							    : RESPONSE_EMPTY;
	}
	a->note[NOTE_TRUNCATED_FLAG] += m.flags >> 9 & 1;
	await_response(s, pkt, m.name_len, p);
	return true;
}

static inline void parse_one(struct sensor *s, unsigned i)
{
	const struct wire_packet *pkt = &s->packet[i];
	struct pending *p = &s->pending[i];

	p->kind = KIND_NONE;
	p->answer.time_ns = s->time_ns[i];
	if (unlikely(!parse_plain(s, pkt, p)))
		parse_any(s, pkt, p);
}

/*
 * Pass 2. Queries and responses come in an order that no branch predictor knows, and take
 * different ways: so the ones first, and then the others.
 */
static inline void parse_all(struct sensor *s, unsigned n)
{
	uint8_t query[SENSOR_BURST], response[SENSOR_BURST];
	unsigned queries = 0, responses = 0;

	evidence_reset(&s->arena);
	for (unsigned i = 0; i < n; i++) {
		const struct wire_packet *pkt = &s->packet[i];
		bool answers = likely(pkt->payload_len > 2) && pkt->payload[2] & 0x80;

		query[queries] = response[responses] = (uint8_t)i;
		queries += !answers;
		responses += answers;
	}
	for (unsigned i = 0; i < queries; i++)
		parse_one(s, query[i]);
	for (unsigned i = 0; i < responses; i++)
		parse_one(s, response[i]);
}

/* A response whose query was not seen says little where queries are seen at all. */
static bool one_way(const struct sensor *s)
{
	return s->queries * ONE_WAY_RATIO < s->responses;
}

/* What the response attests for one of the domains on its chain. */
static enum evidence_grade grade_for(const struct evidence_owner *o, enum evidence_grade response)
{
	if (!o->owns)
		return EVIDENCE_ALIAS;
	if (!o->asked && response > EVIDENCE_CONTESTED)
		return EVIDENCE_CONTESTED;
	return response;
}

static void observe(
	struct sensor *s, const struct answer *a, enum evidence_grade grade, bool conflict)
{
	const struct evidence *e = &a->evidence;

	for (unsigned i = 0; i < e->owners; i++) {
		const struct evidence_owner *o = &e->owner[i];
		/* Name servers have no grade: what a race attests of them would count as firm. */
		bool ns = o->ns && grade != EVIDENCE_CONTESTED;
		shard_observe(s->shard, &(struct shard_observation){
						.key = o->key,
						.host = o->host,
						.name = o->name,
						.name_len = o->name_len,
						.unit = e->unit,
						.units = e->units,
						.ttl = e->ttl,
						.ns_name = e->ns_name,
						.ns_names = ns ? e->ns_names : 0,
						.ns_unit = e->ns_unit,
						.ns_units = ns ? e->ns_units : 0,
						.ns_ttl = ns ? e->ns_ttl : 0,
						.now = (uint32_t)(a->time_ns / NS_PER_SECOND),
						.grade = grade_for(o, grade),
						.server = a->server,
						.conflict = conflict && o->asked,
					});
	}
}

/* Counts a response whose pairing is decided, and hands its evidence on. */
static void settle_answer(struct sensor *s, const struct answer *a, enum match_result r)
{
	static const enum response_fate fates[MATCH_RESULT_COUNT] = {
		[MATCH_PAIRED] = RESPONSE_PAIRED,
		[MATCH_UNPAIRED] = RESPONSE_UNPAIRED,
		[MATCH_DUPLICATE] = RESPONSE_DUPLICATE,
		[MATCH_CONFLICTING] = RESPONSE_CONFLICTING,
	};

	if (a->fate != RESPONSE_PAIRED) {
		s->shard->account.response[a->fate]++;
		return;
	}
	s->shard->account.response[fates[r]]++;
	if (likely(r == MATCH_PAIRED))
		observe(s, a, EVIDENCE_PAIRED, false);
	else if (r == MATCH_CONFLICTING)
		observe(s, a, EVIDENCE_CONTESTED, true);
}

/* A response's wait ends. One that stays unpaired is no evidence: there were queries on the tap. */
static void early_end(
	struct sensor *s, struct held *held, enum early_fate fate, enum match_result r)
{
	s->shard->account.early[fate]++;
	s->shard->account.early_held--;
	hold_take(&s->hold, held);
	settle_answer(s, &held->answer, r);
}

/* Those whose query did not come within their time. */
static __attribute__((noinline)) void early_expire(struct sensor *s, uint64_t now_ns)
{
	while (s->hold.due_ns < now_ns)
		early_end(s, hold_oldest(&s->hold), EARLY_EXPIRED, MATCH_UNPAIRED);
}

/*
 * A response without a query on a tap that carries queries: its own may be in the other leg's
 * queue. False: it is not to wait.
 */
static __attribute__((noinline)) bool early_hold(struct sensor *s, const struct pending *p)
{
	struct held *first = hold_find(&s->hold, p->transaction);

	if (first) {
		first->disputed |= first->answer.evidence.digest != p->answer.evidence.digest;
		return false;
	}
	s->shard->account.early_responses++;
	if (!hold_fits(&p->answer)) {
		s->shard->account.early[EARLY_TOO_LARGE]++;
		return false;
	}
	if (hold_is_full(&s->hold))
		early_end(s, hold_oldest(&s->hold), EARLY_EVICTED, MATCH_UNPAIRED);
	s->shard->account.early_held++;
	hold_put(&s->hold, p->transaction, &p->answer);
	return true;
}

/* The query that a response waited for, if one did. It counts as of now: this may be a new epoch.
 */
static __attribute__((noinline)) void early_pair(struct sensor *s, const struct pending *query)
{
	struct held *held = hold_find(&s->hold, query->transaction);

	if (!held)
		return;
	match_response(s->match, held->transaction, held->answer.evidence.digest,
		query->answer.time_ns / NS_PER_MS);
	held->answer.time_ns = query->answer.time_ns;
	early_end(s, held, EARLY_PAIRED, held->disputed ? MATCH_CONFLICTING : MATCH_PAIRED);
}

static void settle_response(struct sensor *s, const struct pending *p)
{
	enum match_result r = match_response(
		s->match, p->transaction, p->answer.evidence.digest, p->answer.time_ns / NS_PER_MS);

	s->responses++;
	bool weak = r == MATCH_UNPAIRED && one_way(s);
	if (unlikely(r == MATCH_UNPAIRED) && !weak && early_hold(s, p))
		return;
	settle_answer(s, &p->answer, r);
	if (unlikely(weak) && p->answer.fate == RESPONSE_PAIRED)
		observe(s, &p->answer, EVIDENCE_UNPAIRED, false);
}

static void settle_query(struct sensor *s, const struct pending *p)
{
	static const enum query_fate fates[MATCH_STORED_COUNT] = {
		[MATCH_NEW] = QUERY_NEW,
		[MATCH_AGAIN] = QUERY_AGAIN,
		[MATCH_EVICTED] = QUERY_EVICTING,
	};

	s->queries++;
	enum match_stored r = match_query(s->match, p->transaction, p->answer.time_ns / NS_PER_MS);
	s->shard->account.query[fates[r]]++;
	if (unlikely(!hold_is_empty(&s->hold)))
		early_pair(s, p);
}

/* Pass 3, in the order of arrival: a burst may hold a query and its response. */
static void settle_one(struct sensor *s, const struct pending *p)
{
	if (unlikely(s->hold.due_ns < p->answer.time_ns))
		early_expire(s, p->answer.time_ns);
	if (p->kind == KIND_QUERY)
		settle_query(s, p);
	else if (p->kind == KIND_RESPONSE)
		settle_response(s, p);
}

/*
 * The messages gathered so far, in two passes over them. In one piece: calls, and the registers
 * that each saves and restores, are otherwise the dearest part of it.
 */
static __attribute__((flatten)) void settle(struct sensor *s, unsigned n)
{
	parse_all(s, n);
	for (unsigned i = 0; i < n; i++)
		settle_one(s, &s->pending[i]);
	s->borrowed = false;
}

static inline void count_message(struct account *a, const struct wire_packet *p)
{
	a->note[NOTE_IPV6] += p->ip_version == 6;
	a->note[NOTE_CUT] += p->cut;
}

/* Adds the messages that reassembly holds ready behind the n gathered ones; returns their number.
 */
static unsigned gather_ready(struct sensor *s, unsigned n, uint64_t time_ns)
{
	struct account *a = &s->shard->account;
	struct wire_packet p;

	while (reasm_next(s->reasm, a, &p)) {
		if (n == SENSOR_BURST) {
			settle(s, n);
			n = 0;
		}
		count_message(a, &p);
		s->packet[n] = p;
		s->time_ns[n++] = time_ns;
		s->borrowed = true;
	}
	return n;
}

/* A fragment or a segment, at s->packet[n]: what it completes is gathered in its order. */
static __attribute__((noinline)) unsigned reassemble(
	struct sensor *s, enum wire_verdict v, unsigned n, uint64_t time_ns)
{
	struct wire_packet part = s->packet[n];

	if (s->borrowed) { /* its memory is about to be written */
		settle(s, n);
		n = 0;
	}
	reasm_push(s->reasm, s->config.wire, v, &part, time_ns / NS_PER_MS, &s->shard->account);
	return gather_ready(s, n, time_ns);
}

void sensor_sweep(struct sensor *s, uint64_t now_ns, bool all)
{
	bool more = true;

	for (unsigned steps = 0; more && (all || steps < SWEEP_STEPS); steps++) {
		more = reasm_sweep(s->reasm, now_ns / NS_PER_MS, all, &s->shard->account);
		settle(s, gather_ready(s, 0, now_ns));
	}
	early_expire(s, all ? UINT64_MAX : now_ns);
}

/* Layers beside the plain ones, and what cannot be read: seldom, so not in the way. */
static __attribute__((noinline)) void note_unusual(
	struct shard *shard, enum wire_verdict v, const struct wire_packet *p)
{
	struct account *a = &shard->account;

	for (uint32_t layers = p->layers; layers; layers &= layers - 1)
		a->layer[__builtin_ctz(layers)]++;
	if (v == WIRE_DOT || v == WIRE_DOQ || v == WIRE_DOH)
		visibility_add(&shard->visibility, v, p, shard->placement);
}

static void span_update(struct shard *shard, const struct frame *frames, unsigned n)
{
	if (shard->first_ns == 0)
		shard->first_ns = frames[0].time_ns;
	shard->last_ns = frames[n - 1].time_ns;
}

static inline __attribute__((always_inline)) void burst(
	struct sensor *s, const struct frame *frames, unsigned n, enum sensor_stage stage)
{
	struct account *a = &s->shard->account;
	unsigned found = 0;

	for (unsigned i = 0; i < n; i++) {
		const struct frame *f = &frames[i];
		struct wire_packet *p = &s->packet[found];
		enum wire_verdict v =
			wire_decode(s->config.wire, f->link, f->data, f->caplen, f->wirelen, p);

		a->rx[v]++;
		a->octets += f->wirelen;
		if (unlikely(p->layers || (v >= WIRE_DOT && v <= WIRE_DOH)))
			note_unusual(s->shard, v, p);
		if (likely(v == WIRE_DNS)) {
			/* Its header is here; the end of most messages is one line on. */
			__builtin_prefetch(p->payload + p->payload_len - 1);
			count_message(a, p);
			s->time_ns[found++] = f->time_ns;
		} else if (stage != SENSOR_DECODE && reasm_wants(v)) {
			found = reassemble(s, v, found, f->time_ns);
		}
		/* Reassembly may have filled the list; there must be room for the next frame. */
		if (unlikely(found == SENSOR_BURST && i + 1 < n)) {
			settle(s, stage == SENSOR_ALL ? found : 0);
			found = 0;
		}
	}
	a->received += n;
	if (stage == SENSOR_DECODE)
		return;
	if (stage == SENSOR_ALL) {
		settle(s, found);
		return;
	}
	parse_all(s, found);
}

void sensor_burst(struct sensor *s, const struct frame *frames, unsigned n)
{
	if (unlikely(n == 0))
		return;
	span_update(s->shard, frames, n);
	burst(s, frames, n, SENSOR_ALL);
}

void sensor_burst_until(
	struct sensor *s, const struct frame *frames, unsigned n, enum sensor_stage stage)
{
	switch (stage) {
	case SENSOR_DECODE:
		burst(s, frames, n, SENSOR_DECODE);
		break;
	case SENSOR_PARSE:
		burst(s, frames, n, SENSOR_PARSE);
		break;
	case SENSOR_ALL:
		sensor_burst(s, frames, n);
		break;
	}
}
