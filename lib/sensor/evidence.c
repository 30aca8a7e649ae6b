/* SPDX-License-Identifier: BSD-3-Clause */

#include "base/bits.h"
#include "base/dns64.h"
#include "sensor/owner.h"

#define ALIASES_MAX 16u
#define NAME_CHUNK 32u
#define NAME_OCTETS 2048 /* decoded behind the answer, a message */

/* The names from the question along the CNAMEs, decoded. */
struct chain {
	unsigned n;
	uint16_t offset[EVIDENCE_CHAIN_MAX]; /* where each name stands in the message */
	struct dns_name name[EVIDENCE_CHAIN_MAX];
};

struct extract {
	const struct sensor_config *config;
	const uint8_t *msg;
	uint32_t len;
	const struct dns_message *m;
	const struct dns_record *rec;
	uint64_t *fate; /* account->record */
	struct evidence *out;
	unsigned special;      /* addresses left out for being special-purpose */
	unsigned capped;       /* and for want of room */
	unsigned owned;        /* a bit for each name of the chain that owns an address */
	int octets_left;       /* of names behind the answer; see name_read */
	uint16_t zone_pointer; /* the owner of the last NS record looked at, and what it was */
	bool zone_asked;
};

static enum response_fate refusal(enum dns_verdict verdict, const struct dns_message *m)
{
	if (unlikely(dns_opcode(m) != 0))
		return RESPONSE_OPCODE;
	if (unlikely(verdict == DNS_QDCOUNT || verdict == DNS_QUESTION))
		return RESPONSE_QUESTION;
	if (unlikely(verdict != DNS_OK && verdict != DNS_CUT))
		return RESPONSE_MALFORMED;
	if (unlikely(m->qname_wire_len == 0))
		return RESPONSE_QUESTION;
	if (dns_rcode(m) != 0)
		return RESPONSE_RCODE;
	if (unlikely(m->qclass != DNS_CLASS_IN))
		return RESPONSE_CLASS;
	if (m->ancount == 0)
		return RESPONSE_EMPTY;
	return RESPONSE_PAIRED;
}

static bool name_equal(const struct dns_name *a, const struct dns_name *b)
{
	return a->len == b->len && memcmp(a->wire, b->wire, a->len) == 0;
}

/* Which name of the chain owns the record; -1: none. */
static int chain_owner(const struct extract *x, const struct chain *c, const struct dns_record *r)
{
	if (likely(r->owner_is_qname))
		return 0;
	unsigned at = load_be16(x->msg + r->owner);
	if (at >= 0xc000) {
		for (unsigned i = 0; i < c->n; i++)
			if (c->offset[i] == (at & 0x3fff))
				return (int)i;
	}
	struct dns_name name;
	if (!dns_name_decode(x->msg, x->len, r->owner, &name))
		return -1;
	for (unsigned i = 0; i < c->n; i++)
		if (name_equal(&c->name[i], &name))
			return (int)i;
	return -1;
}

/*
 * Follows the CNAMEs of the answer in whatever order they stand. Sets a bit of
 * `used` for each one on the way. Only the first ALIASES_MAX are looked at: a
 * message of nothing but aliases must not cost a round of all of them a link.
 */
static void chain_follow(
	const struct extract *x, struct chain *c, unsigned answers, uint64_t used[2])
{
	bool moved = true;

	while (moved && c->n < EVIDENCE_CHAIN_MAX) {
		unsigned aliases = 0;

		moved = false;
		for (unsigned i = 0; i < answers && c->n < EVIDENCE_CHAIN_MAX; i++) {
			const struct dns_record *r = &x->rec[i];
			if (r->type != DNS_TYPE_CNAME || r->class != DNS_CLASS_IN)
				continue;
			if (aliases++ == ALIASES_MAX)
				break;
			if (used[i / 64] >> (i % 64) & 1)
				continue;
			if (chain_owner(x, c, r) != (int)c->n - 1)
				continue;
			if (dns_name_decode(x->msg, x->len, r->rdata, &c->name[c->n]) != r->rdlen)
				continue;
			c->offset[c->n++] = r->rdata;
			used[i / 64] |= UINT64_C(1) << (i % 64);
			moved = true;
		}
	}
}

static void unit_add(struct extract *x, uint64_t unit)
{
	struct evidence *e = x->out;

	if (unlikely(unit == ADDRESS_NONE)) {
		x->special++;
	} else if (unlikely(e->units == EVIDENCE_UNITS_MAX)) {
		x->capped++;
	} else {
		e->unit[e->units++] = unit;
		e->digest += (uint32_t)(hash_u64(unit, x->config->sketch) >> 32);
	}
}

static void hint_add(void *ctx, const uint8_t *addr, unsigned len)
{
	struct extract *x = ctx;

	unit_add(x, len == 4 ? address_unit_v4(addr) : dns64_unit(&x->config->dns64, addr));
}

/* Adds the addresses of a record that the chain owns; its fate. */
static enum record_fate addresses_add(struct extract *x, const struct dns_record *r)
{
	struct evidence *e = x->out;
	unsigned units = e->units, special = x->special, capped = x->capped;
	uint32_t digest = e->digest;

	switch (r->type) {
	case DNS_TYPE_A:
		unit_add(x, address_unit_v4(x->msg + r->rdata));
		break;
	case DNS_TYPE_AAAA:
		unit_add(x, dns64_unit(&x->config->dns64, x->msg + r->rdata));
		break;
	default:
		if (dns_svcb_hints(x->msg + r->rdata, r->rdlen, hint_add, x))
			break;
		/* Half a record is none. */
		e->units = (uint8_t)units;
		e->digest = digest;
		x->special = special;
		return RECORD_TYPE;
	}
	if (likely(e->units > units)) {
		if (r->ttl > e->ttl)
			e->ttl = r->ttl;
		return RECORD_USED;
	}
	if (x->capped > capped)
		return RECORD_CAPPED;
	return x->special > special ? RECORD_SPECIAL : RECORD_TYPE;
}

static inline bool holds_addresses(unsigned type)
{
	return type == DNS_TYPE_A || type == DNS_TYPE_AAAA || type == DNS_TYPE_HTTPS ||
	       type == DNS_TYPE_SVCB;
}

/* The answer section: chain, then units. Returns the number of records in it. */
static unsigned answers_extract(struct extract *x, struct chain *c)
{
	unsigned answers = 0;
	bool aliases = false;

	for (; answers < x->m->records && x->rec[answers].section == DNS_ANSWER; answers++)
		aliases |= x->rec[answers].type == DNS_TYPE_CNAME;

	uint64_t used[2] = {0, 0};
	if (aliases)
		chain_follow(x, c, answers, used);
	for (unsigned i = 0; i < answers; i++) {
		const struct dns_record *r = &x->rec[i];
		enum record_fate fate = RECORD_OUT_OF_CHAIN;
		int owner;

		if (unlikely(r->class != DNS_CLASS_IN)) {
			fate = RECORD_CLASS;
		} else if (r->type == DNS_TYPE_CNAME) {
			if (used[i / 64] >> (i % 64) & 1)
				fate = RECORD_USED;
		} else if (!holds_addresses(r->type)) {
			fate = RECORD_TYPE;
		} else if (likely((owner = chain_owner(x, c, r)) >= 0)) {
			fate = addresses_add(x, r);
			if (likely(fate == RECORD_USED))
				x->owned |= 1u << owner;
		}
		x->fate[fate]++;
	}
	return answers;
}

/* Most names fit one fixed-size copy; `room` octets can be read at src. */
static inline void name_copy(uint8_t *dst, const uint8_t *src, unsigned len, size_t room)
{
	if (likely(len <= NAME_CHUNK && room >= NAME_CHUNK))
		memcpy(dst, src, NAME_CHUNK);
	else
		memcpy(dst, src, len);
}

/* Every registered domain on the chain, once. */
static void owners_add(struct extract *x, const struct chain *c, struct evidence_arena *arena)
{
	struct evidence *e = x->out;

	for (unsigned i = 0; i < c->n; i++) {
		const struct dns_name *name = &c->name[i];
		int label = psl_registered(x->config->psl, name);
		if (unlikely(label < 0))
			continue;
		uint64_t key = owner_key(x->config, name, label);
		struct evidence_owner *o = e->owner;

		while (o < e->owner + e->owners && o->key != key)
			o++;
		if (o < e->owner + e->owners) {
			o->owns = (uint8_t)(o->owns | (x->owned >> i & 1));
			continue;
		}
		e->owners++;
		o->owns = x->owned >> i & 1;
		o->asked = i == 0;
		uint8_t *domain = arena->octet + arena->octets;
		owner_set(o, x->config, name, label, key, domain);
		name_copy(domain, name->wire + name->label[label], o->name_len,
			sizeof(name->wire) - name->label[label]);
		arena->octets += o->name_len;
	}
}

/*
 * Decodes a name of the authority or additional section, as long as the message
 * has not used up what such names may cost: C00C and the like are free in
 * dns_parse's budget, and a small message holds many.
 */
static bool name_read(struct extract *x, uint32_t at, struct dns_name *name)
{
	if (x->octets_left < 0 || !dns_name_decode(x->msg, x->len, at, name))
		return false;
	x->octets_left -= name->len;
	return true;
}

/* Is the record's owner a name of the registered domain that was asked for? */
static bool is_asked_zone(struct extract *x, const struct dns_record *r)
{
	struct dns_name zone;

	if (x->out->owners == 0 || !x->out->owner[0].asked)
		return false;
	if (r->owner_is_qname)
		return true;
	unsigned at = load_be16(x->msg + r->owner);
	if (at >= 0xc000 && at == x->zone_pointer)
		return x->zone_asked;
	if (!name_read(x, r->owner, &zone))
		return false;
	int label = psl_registered(x->config->psl, &zone);
	bool asked = label >= 0 && owner_key(x->config, &zone, label) == x->out->owner[0].key;
	x->zone_pointer = (uint16_t)at;
	x->zone_asked = asked;
	return asked;
}

/* One NS record: its fate. */
static enum record_fate ns_add(struct extract *x, const struct dns_record *r)
{
	struct evidence *e = x->out;
	struct dns_name name;

	if (e->ns_names == EVIDENCE_NS_MAX)
		return RECORD_CAPPED;
	if (!is_asked_zone(x, r))
		return RECORD_OUT_OF_CHAIN;
	if (!name_read(x, r->rdata, &name))
		return RECORD_TYPE;
	e->owner[0].ns = 1;
	e->ns_name[e->ns_names++] = hash_bytes(name.wire, name.len, x->config->sketch);
	if (r->ttl > e->ns_ttl)
		e->ns_ttl = r->ttl;
	return RECORD_USED;
}

/* An address record behind the answer: glue of one of the name servers, or nothing to us. */
static enum record_fate glue_add(struct extract *x, const struct dns_record *r)
{
	struct evidence *e = x->out;
	struct dns_name name;

	if (e->ns_names == 0 || !name_read(x, r->owner, &name))
		return RECORD_SECTION;
	uint64_t hash = hash_bytes(name.wire, name.len, x->config->sketch);
	for (unsigned i = 0; i < e->ns_names; i++) {
		if (e->ns_name[i] != hash)
			continue;
		const uint8_t *addr = x->msg + r->rdata;
		uint64_t unit = r->type == DNS_TYPE_A ? address_unit_v4(addr)
						      : dns64_unit(&x->config->dns64, addr);
		if (unit == ADDRESS_NONE)
			return RECORD_SPECIAL;
		if (e->ns_units == EVIDENCE_NS_MAX)
			return RECORD_CAPPED;
		e->ns_unit[e->ns_units++] = unit;
		return RECORD_USED;
	}
	return RECORD_SECTION;
}

/* Authority and additional sections. */
static void ns_extract(struct extract *x, unsigned from)
{
	bool wanted = x->out->units && x->out->owners && x->out->ttl <= SENSOR_NS_TTL_GATE;

	for (unsigned i = from; i < x->m->records; i++) {
		const struct dns_record *r = &x->rec[i];
		bool address = r->type == DNS_TYPE_A || r->type == DNS_TYPE_AAAA;
		enum record_fate fate = RECORD_TYPE;

		if (r->type == DNS_TYPE_OPT)
			fate = RECORD_TYPE; /* its class field is a size */
		else if (unlikely(r->class != DNS_CLASS_IN))
			fate = RECORD_CLASS;
		else if (r->type == DNS_TYPE_NS && r->section == DNS_AUTHORITY)
			fate = wanted ? ns_add(x, r) : RECORD_SECTION;
		else if (address)
			fate = wanted && r->section == DNS_ADDITIONAL ? glue_add(x, r)
								      : RECORD_SECTION;
		x->fate[fate]++;
	}
}

enum response_fate evidence_extract(const struct sensor_config *config, const uint8_t *msg,
	uint32_t len, enum dns_verdict verdict, const struct dns_message *m,
	const struct dns_record *rec, struct evidence_arena *arena, struct account *account,
	struct evidence *out)
{
	account->declared += m->declared;
	account->record[RECORD_CAPPED] += m->capped;
	account->record[RECORD_UNPARSED] += m->unparsed;

	enum response_fate fate = refusal(verdict, m);
	if (fate != RESPONSE_PAIRED) {
		account->record[RECORD_RESPONSE] += m->records;
		return fate;
	}

	*out = (struct evidence){
		.owner = arena->owner + arena->owners,
		.unit = arena->word + arena->words,
		.ns_name = arena->word + arena->words + EVIDENCE_UNITS_MAX,
		.ns_unit = arena->word + arena->words + EVIDENCE_UNITS_MAX + EVIDENCE_NS_MAX,
	};
	struct extract x = {
		.config = config,
		.msg = msg,
		.len = len,
		.m = m,
		.rec = rec,
		.fate = account->record,
		.out = out,
		.octets_left = NAME_OCTETS,
	};
	struct chain chain;
	chain.n = 1;
	chain.offset[0] = DNS_HEADER_LEN;
	dns_name_question(msg, m, &chain.name[0]);

	unsigned answers = answers_extract(&x, &chain);
	if (out->units)
		owners_add(&x, &chain, arena);
	ns_extract(&x, answers);
	if (out->units == 0)
		return x.special ? RESPONSE_SPECIAL : RESPONSE_EMPTY;
	if (out->owners == 0)
		return RESPONSE_SUFFIX;
	arena->owners += out->owners;
	arena->words += out->ns_names ? EVIDENCE_UNITS_MAX + 2 * EVIDENCE_NS_MAX : out->units;
	return RESPONSE_PAIRED;
}
