/* SPDX-License-Identifier: BSD-3-Clause */

/*
 * The short lane against the general one: what dns_plain_question, dns_plain_records and
 * plain_addresses take, dns_parse and evidence_extract say the same of, to the last counter; what
 * they promise to take they do take. Each message ends where no further octet can be read.
 */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <ftw.h>

#include "sensor/plain.h"
#include "tests/fuzz/shared.h"
#include "tests/property/message_random.h"
#include "tests/unit/guard.h"
#include "tests/unit/sensor_rig.h"

#define MESSAGES 150000u
#define TRUNCATED 400u

/* One lane's side: what it has counted and laid down in the burst. */
struct side {
	struct account account;
	struct evidence_arena arena;
	struct evidence evidence;
	enum response_fate fate;
};

static struct side plain, general, before;
static struct sensor_config config;
static struct dns_record record[DNS_RECORDS_MAX];
static struct dns_message parsed;

/* How many of the messages had what, and how many the short lane took. */
static unsigned messages, questions, records, answers, paired;

static int start(void **state)
{
	int error = rig_start_dns64(state);

	if (error)
		return error;
	config = (struct sensor_config){
		.placement = placement, .sketch = sketch, .psl = ((struct rig *)*state)->psl};
	uint8_t addr[16];
	inet_pton(AF_INET6, "2001:db8:64::", addr);
	assert_int_equal(dns64_add(&config.dns64, addr, 96), 0);
	return 0;
}

static void start_counting(void)
{
	messages = questions = records = answers = paired = 0;
}

static void check_question(const uint8_t *msg, const struct dns_plain *p, const uint8_t *label)
{
	uint64_t starts = 0;

	assert_int_equal(parsed.qdcount, 1);
	assert_int_equal(p->flags, parsed.flags);
	assert_int_equal(p->ancount, parsed.ancount);
	assert_int_equal(p->nscount, load_be16(msg + 8));
	assert_int_equal(p->arcount, load_be16(msg + 10));
	assert_int_equal(p->qclass, parsed.qclass);
	assert_int_equal(p->name_len, parsed.qname_wire_len);
	assert_int_equal(p->labels, parsed.labels);
	assert_memory_equal(label, parsed.label, p->labels + 1u);
	for (unsigned i = 0; i < parsed.labels; i++)
		starts |= UINT64_C(1) << parsed.label[i];
	assert_true(p->starts == starts);
	assert_int_equal(p->records, DNS_HEADER_LEN + p->name_len + 4u);
}

/* dns_parse has read all that the header declares. */
static void check_whole(enum dns_verdict v, const struct dns_plain *p)
{
	assert_int_equal(v, DNS_OK);
	assert_int_equal(parsed.records, p->ancount + p->nscount + p->arcount);
	assert_int_equal(parsed.capped + parsed.unparsed, 0);
	assert_true(parsed.records == 0 || record[0].owner == p->records);
}

static void check_evidence(const struct evidence *a, const struct evidence *b)
{
	assert_int_equal(a->owners, b->owners);
	assert_int_equal(a->units, b->units);
	assert_int_equal(a->ns_names + a->ns_units, 0);
	assert_int_equal(b->ns_names + b->ns_units, 0);
	assert_int_equal(a->ttl, b->ttl);
	assert_int_equal(a->ns_ttl, b->ns_ttl);
	assert_int_equal(a->digest, b->digest);
	assert_memory_equal(a->unit, b->unit, a->units * sizeof(*a->unit));
	for (unsigned i = 0; i < a->owners; i++) {
		const struct evidence_owner *x = &a->owner[i], *y = &b->owner[i];

		assert_true(x->key == y->key && x->host == y->host);
		assert_int_equal(x->name_len, y->name_len);
		assert_memory_equal(x->name, y->name, x->name_len);
		assert_int_equal(x->ns, y->ns);
		assert_int_equal(x->asked, y->asked);
		assert_int_equal(x->owns, y->owns);
	}
}

static void check_sides(void)
{
	assert_memory_equal(&plain.account, &general.account, sizeof(plain.account));
	assert_int_equal(plain.fate, general.fate);
	if (plain.fate == RESPONSE_PAIRED)
		check_evidence(&plain.evidence, &general.evidence);
}

/* A response that plain_addresses may be asked about; did it take it? */
static bool check_answer(const uint8_t *msg, uint32_t len, enum dns_verdict v,
	const struct dns_plain *p, struct dns_name *name)
{
	const uint32_t owners = plain.arena.owners, words = plain.arena.words;

	before.account = plain.account;
	if (!plain_addresses(&config, msg, len, p, &plain.arena, &plain.account, &plain.evidence)) {
		assert_memory_equal(&plain.account, &before.account, sizeof(plain.account));
		assert_int_equal(plain.arena.owners, owners);
		assert_int_equal(plain.arena.words, words);
		return false;
	}
	assert_int_equal(plain.arena.owners, owners + 1);
	assert_int_equal(plain.arena.words, words + plain.evidence.units);
	plain_name(msg, len, p, name);
	plain.fate = plain_owner(&config, name, &plain.evidence);
	check_whole(v, p);
	general.fate = evidence_extract(&config, msg, len, v, &parsed, record, &general.arena,
		&general.account, &general.evidence);
	check_sides();
	answers++;
	paired += plain.fate == RESPONSE_PAIRED;
	return true;
}

/* `r` says what is promised of the message; NULL: nothing. */
static void check(const uint8_t *data, uint32_t len, const struct random_message *r)
{
	const uint8_t *msg = guarded(data, len);
	enum dns_verdict v = dns_parse(msg, len, false, record, &parsed);
	struct dns_name name;
	struct dns_plain p;
	bool question, whole = false, answer = false;

	if (messages++ % SENSOR_BURST == 0) {
		evidence_reset(&plain.arena);
		evidence_reset(&general.arena);
	}
	question = dns_plain_question(msg, len, name.label, &p);
	if (question) {
		questions++;
		assert_true(
			v != DNS_SHORT && v != DNS_OPCODE && v != DNS_QDCOUNT && v != DNS_QUESTION);
		check_question(msg, &p, name.label);
		if (!dns_is_response(&parsed))
			assert_int_equal(v, DNS_OK);
	}
	if (question && dns_is_response(&parsed)) {
		whole = dns_plain_records(msg, len, &p);
		records += whole;
		if (whole)
			check_whole(v, &p);
		if (dns_rcode(&parsed) == 0 && p.ancount && p.qclass == DNS_CLASS_IN)
			answer = check_answer(msg, len, v, &p, &name);
	}
	if (!r)
		return;
	assert_true(question || !r->question);
	assert_true(whole || !r->records || !(r->m.octet[2] & 0x80));
	assert_true(answer || !r->answer);
}

static void both_lanes_agree(void **state)
{
	static struct random_message r;
	uint64_t rng = 1;

	(void)state;
	start_counting();
	while (messages < MESSAGES) {
		random_message_damaged(&r, &rng);
		check(r.m.octet, r.m.len, &r);
	}
	print_message("# of %u messages: question %u, records %u, answer %u, evidence %u\n",
		messages, questions, records, answers, paired);
	/* The generator makes enough of what is promised, else the rest says nothing. */
	assert_true(questions > MESSAGES / 2);
	assert_true(records > MESSAGES / 4);
	assert_true(answers > MESSAGES / 8);
	assert_true(paired > MESSAGES / 16);
	assert_true(plain.account.record[RECORD_SPECIAL] > MESSAGES / 16);
	assert_true(plain.account.record[RECORD_TYPE] > MESSAGES / 32);
}

static void both_agree_on_every_beginning(void **state)
{
	static struct random_message r;
	uint64_t rng = 2;

	(void)state;
	start_counting();
	for (unsigned i = 0; i < TRUNCATED; i++) {
		random_message(&r, &rng);
		for (uint32_t len = 0; len < r.m.len; len++)
			check(r.m.octet, len, NULL);
		check(r.m.octet, r.m.len, &r);
	}
	assert_true(questions > messages / 4 && answers > TRUNCATED / 8);
}

/* Offsets have 16 bits: up to where they end, and beyond, octets of nobody and of a record. */
static void both_agree_on_the_longest(void **state)
{
	static const uint32_t lengths[] = {65534, 65535, 65536, 65537, 65540};
	static uint8_t octets[65540];
	static struct random_message r;
	uint64_t rng = 3;

	(void)state;
	start_counting();
	for (unsigned i = 0; i < 200; i++) {
		random_message(&r, &rng);
		memcpy(octets, r.m.octet, r.m.len);
		for (unsigned j = 0; j < 5; j++)
			check(octets, lengths[j], lengths[j] <= UINT16_MAX ? &r : NULL);
	}
	assert_true(answers > 40);

	start_counting();
	for (unsigned j = 0; j < 5; j++) {
		message_start(&r.m, 1, MESSAGE_RESPONSE | 3, "example.com", DNS_TYPE_A);
		unsigned at = message_record(&r.m, DNS_ANSWER, "", 16, DNS_CLASS_IN, 60);
		message_patch(&r.m, at, lengths[j] - r.m.len);
		memcpy(octets, r.m.octet, r.m.len);
		check(octets, lengths[j], NULL);
	}
	assert_int_equal(records, 2);
}

static int check_seed(const char *path, const struct stat *st, int type, struct FTW *walk)
{
	static uint8_t octets[UINT16_MAX];
	uint64_t rng = 4;

	(void)walk, (void)st;
	if (type != FTW_F)
		return 0;
	FILE *f = fopen(path, "rb");
	assert_non_null(f);
	uint32_t len = (uint32_t)fread(octets, 1, sizeof(octets), f);
	fclose(f);
	check(octets, len, NULL);
	for (uint32_t n = 0; n < len && n < 512; n++)
		check(octets, n, NULL);
	for (unsigned i = 0; i < 64 && len; i++) {
		uint32_t at = random_below(&rng, len);
		uint8_t was = octets[at];

		octets[at] = random_octet(&rng, false);
		check(octets, len, NULL);
		if (i % 8 < 4)
			octets[at] = was;
	}
	return 0;
}

/* Messages that other parsers were tested with. */
static void both_agree_on_seeds(void **state)
{
	char buffer[PATH_MAX];
	const char *arg = SHARED_PREFIX "fuzz-seeds", *path = shared_path(arg, buffer);

	(void)state;
	start_counting();
	if (nftw(path, check_seed, 16, FTW_PHYS) < 0) {
		print_message("# %s: %s, left out\n", path, strerror(errno));
		assert_int_equal(errno, ENOENT);
		return;
	}
	print_message("# of %u messages: question %u, records %u, answer %u, evidence %u\n",
		messages, questions, records, answers, paired);
	assert_true(questions > 0 && records > 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(both_lanes_agree),
		cmocka_unit_test(both_agree_on_every_beginning),
		cmocka_unit_test(both_agree_on_the_longest),
		cmocka_unit_test(both_agree_on_seeds),
	};
	return cmocka_run_group_tests(tests, start, rig_end);
}
