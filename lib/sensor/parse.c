/* SPDX-License-Identifier: BSD-3-Clause */

/*
 * Pass 2: from DNS messages to what they say, in loops over the burst that each do a little.
 * A message is a chain of dependent steps; in a short loop the next ones' steps fill the gaps.
 * Plain messages (dns/plain.h) take these loops; any that turns out not to be plain goes the
 * whole way alone.
 */

#include "base/bits.h"
#include "sensor/internal.h"
#include "sensor/plain.h"

/* What a message is, as far as header and question tell. */
enum form {
	FORM_QUERY,
	FORM_REFUSAL, /* a response without answers of ours */
	FORM_ANSWER,
	FORM_ANY, /* not plain */
	FORMS,
};

/* Places in the burst, by form. */
struct forms {
	bool lone; /* none will be looked up */
	uint32_t n[FORMS];
	uint8_t at[FORMS][SENSOR_BURST];
};

static inline void form_add(struct forms *f, enum form form, unsigned i)
{
	f->at[form][f->n[form]++] = (uint8_t)i;
}

static void count_client(struct shard *shard, const struct wire_packet *p)
{
	hll_add(&shard->visibility.plain_client,
		visibility_hash(p->saddr, p->ip_version, shard->placement));
}

/* By its /24 or /48: who has one address there has many. */
static inline uint8_t server_of(const struct sensor_config *c, const struct wire_packet *p)
{
	if (resolvers_known(&c->resolvers, p->saddr, p->ip_version))
		return SHARD_SERVER_RESOLVER;
	uint64_t network = p->ip_version == 4
				   ? load_be32(p->saddr) >> 8
				   : load_u64(p->saddr) & load_u64("\xff\xff\xff\xff\xff\xff\0");

	return shard_server(hash_u64(network, c->sketch));
}

/* The message is to be paired: its line of the table is on its way from here on. */
static inline void await(struct sensor *s, unsigned i, enum kind kind, unsigned name_len)
{
	const struct wire_packet *pkt = &s->packet[i];
	struct pending *p = &s->pending[i];

	p->kind = kind;
	p->transaction = match_hash(pkt, pkt->payload, name_len, s->config.placement);
	match_prefetch(s->match, p->transaction);
}

static inline void await_response(
	struct sensor *s, const struct forms *f, unsigned i, unsigned name_len)
{
	if (likely(!f->lone))
		await(s, i, KIND_RESPONSE, name_len);
	else
		s->pending[i].kind = KIND_RESPONSE;
}

/* What a response says is known; so is which shard lines it needs. */
static inline void answered(struct sensor *s, unsigned i)
{
	struct answer *a = &s->pending[i].answer;

	a->server = server_of(&s->config, &s->packet[i]);
	if (a->fate != RESPONSE_PAIRED) {
		a->evidence.digest = (uint32_t)a->fate;
		return;
	}
	for (unsigned o = 0; o < a->evidence.owners; o++)
		shard_prefetch(s->shard, a->evidence.owner[o].key);
}

/* A message that is not plain. One without a question pairs with nothing. */
static __attribute__((noinline)) void any(struct sensor *s, unsigned i)
{
	const struct wire_packet *pkt = &s->packet[i];
	struct account *a = &s->shard->account;
	struct answer *answer = &s->pending[i].answer;
	struct dns_message m;

	s->pending[i].kind = KIND_NONE;
	enum dns_verdict v = dns_parse(pkt->payload, pkt->payload_len, pkt->cut, s->record, &m);
	if (unlikely(v == DNS_SHORT)) {
		a->not_dns[NOT_DNS_SHORT]++;
		return;
	}
	if (unlikely(v == DNS_OPCODE)) {
		a->not_dns[NOT_DNS_OPCODE]++;
		return;
	}
	if (!dns_is_response(&m)) {
		if (unlikely(v != DNS_OK || m.qname_wire_len == 0 || dns_opcode(&m) != 0)) {
			a->query[QUERY_UNMATCHED]++;
			return;
		}
		count_client(s->shard, pkt);
		await(s, i, KIND_QUERY, m.qname_wire_len);
		return;
	}
	a->note[NOTE_TRUNCATED_FLAG] += dns_truncated(&m);
	answer->fate = evidence_extract(&s->config, pkt->payload, pkt->payload_len, v, &m,
		s->record, &s->arena, a, &answer->evidence);
	if (m.qname_wire_len == 0) {
		a->response[answer->fate]++;
		return;
	}
	answered(s, i);
	await(s, i, KIND_RESPONSE, m.qname_wire_len);
}

/* A refusal that is a header alone: the cheapest frame to send, so it must be one to read. */
static inline bool is_header(const uint8_t *msg, uint32_t len)
{
	return len == DNS_HEADER_LEN && (msg[2] & 0xf8) == 0x80 && load_u64(msg + 4) == 0;
}

static inline enum form form_of(const struct dns_plain *p)
{
	/* Rcode, and class but for IN. */
	unsigned refused = (p->flags & 0xfu) | (p->qclass ^ DNS_CLASS_IN);

	if (!(p->flags & 0x8000))
		return FORM_QUERY;
	return !refused && p->ancount ? FORM_ANSWER : FORM_REFUSAL;
}

/* Headers and questions. */
static inline void questions(struct sensor *s, unsigned n, struct forms *f)
{
	struct account *a = &s->shard->account;

	for (unsigned i = 0; i < n; i++) {
		const struct wire_packet *pkt = &s->packet[i];
		const uint8_t *msg = pkt->payload;
		struct pending *p = &s->pending[i];

		p->answer.time_ns = s->time_ns[i];
		if (unlikely(pkt->cut)) {
			form_add(f, FORM_ANY, i);
		} else if (is_header(msg, pkt->payload_len)) {
			p->kind = KIND_NONE;
			a->note[NOTE_TRUNCATED_FLAG] += msg[2] >> 1 & 1;
			a->response[RESPONSE_QUESTION]++;
		} else if (likely(dns_plain_question(
				   msg, pkt->payload_len, s->name[i].label, &s->plain[i]))) {
			form_add(f, form_of(&s->plain[i]), i);
		} else {
			form_add(f, FORM_ANY, i);
		}
	}
}

static inline void queries(struct sensor *s, const struct forms *f)
{
	for (unsigned k = 0; k < f->n[FORM_QUERY]; k++) {
		unsigned i = f->at[FORM_QUERY][k];

		await(s, i, KIND_QUERY, s->plain[i].name_len);
		count_client(s->shard, &s->packet[i]);
	}
}

/* Responses that give no evidence: all that is asked of their records is to be whole. */
static inline void refusals(struct sensor *s, struct forms *f)
{
	struct account *a = &s->shard->account;

	for (unsigned k = 0; k < f->n[FORM_REFUSAL]; k++) {
		unsigned i = f->at[FORM_REFUSAL][k];
		const struct wire_packet *pkt = &s->packet[i];
		const struct dns_plain *p = &s->plain[i];

		if (unlikely(!dns_plain_records(pkt->payload, pkt->payload_len, p))) {
			form_add(f, FORM_ANY, i);
			continue;
		}
		unsigned declared = (unsigned)p->ancount + p->nscount + p->arcount;
		a->declared += declared;
		a->record[RECORD_RESPONSE] += declared;
		a->note[NOTE_TRUNCATED_FLAG] += p->flags >> 9 & 1;
		s->pending[i].answer.fate = p->flags & 0xf              ? RESPONSE_RCODE
					    : p->qclass != DNS_CLASS_IN ? RESPONSE_CLASS
									: RESPONSE_EMPTY;
		answered(s, i);
		await_response(s, f, i, p->name_len);
	}
}

static inline void answers(struct sensor *s, struct forms *f)
{
	struct account *a = &s->shard->account;
	uint8_t plain[SENSOR_BURST];
	unsigned n = 0, truncated = 0;

	for (unsigned k = 0; k < f->n[FORM_ANSWER]; k++) {
		unsigned i = f->at[FORM_ANSWER][k];
		const struct wire_packet *pkt = &s->packet[i];

		if (!plain_addresses(&s->config, pkt->payload, pkt->payload_len, &s->plain[i],
			    &s->arena, a, &s->pending[i].answer.evidence)) {
			form_add(f, FORM_ANY, i);
			continue;
		}
		plain_name(pkt->payload, pkt->payload_len, &s->plain[i], &s->name[i]);
		await_response(s, f, i, s->plain[i].name_len);
		truncated += s->plain[i].flags >> 9 & 1;
		plain[n++] = (uint8_t)i;
	}
	a->note[NOTE_TRUNCATED_FLAG] += truncated;
	for (unsigned k = 0; k < n; k++) {
		unsigned i = plain[k];
		struct answer *answer = &s->pending[i].answer;

		answer->fate = plain_owner(&s->config, &s->name[i], &answer->evidence);
		answered(s, i);
	}
}

__attribute__((flatten)) void sensor_parse(struct sensor *s, unsigned n)
{
	struct forms f;

	memset(f.n, 0, sizeof(f.n));
	evidence_reset(&s->arena);
	questions(s, n, &f);
	/* Pass 3 will say the same of each of them: no query changes it. */
	f.lone = f.n[FORM_QUERY] == 0 && f.n[FORM_ANY] == 0 && sensor_lone(s, s->time_ns[0]);
	queries(s, &f);
	refusals(s, &f);
	answers(s, &f);
	for (unsigned k = 0; k < f.n[FORM_ANY]; k++)
		any(s, f.at[FORM_ANY][k]);
}
