/* SPDX-License-Identifier: BSD-3-Clause */

/*
 * Two sensors hear the same messages, queries and responses in any order: one as they are, so
 * that it may go the short way, the other as if the capture had ended one octet before the
 * datagram did, which is never plain. Where the message itself is whole, both must come to the
 * same counters and the same table; and the records are counted as evidence_extract counts them.
 */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tests/property/message_random.h"
#include "tests/unit/sensor_rig.h"

#define BURSTS 12000u
#define ETHERNET 14u

struct pair {
	struct rig plain, general;
	uint64_t cut; /* messages that the other sensor heard as cut */
	struct account want;
	struct frame frame[2][SENSOR_BURST];
	unsigned frames;
};

static const struct flow flows[] = {
	{"10.0.0.1", "9.9.9.9", 4321}, {"2620:fe::a", "2620:fe::fe", 4321}};

/* What is counted of the message, whatever it pairs with. */
static void expect(struct pair *t, const struct message *m, enum dns_verdict v,
	const struct dns_message *parsed, const struct dns_record *rec)
{
	static struct evidence_arena arena;
	struct sensor_config config = {.sketch = sketch, .psl = t->plain.psl};
	struct evidence e;

	evidence_reset(&arena);
	if (v == DNS_OPCODE) {
		t->want.not_dns[NOT_DNS_OPCODE]++;
	} else if (dns_is_response(parsed)) {
		t->want.note[NOTE_TRUNCATED_FLAG] += dns_truncated(parsed);
		evidence_extract(&config, m->octet, m->len, v, parsed, rec, &arena, &t->want, &e);
	} else if (v != DNS_OK || parsed->qname_wire_len == 0 || dns_opcode(parsed) != 0) {
		t->want.query[QUERY_UNMATCHED]++;
	}
}

/* The length of the IP packet and the datagram, one octet more than there are. */
static void length_overstate(struct packet *p)
{
	bool v6 = p->octet[ETHERNET] >> 4 == 6;
	unsigned ip = ETHERNET + (v6 ? 4 : 2), udp = ETHERNET + (v6 ? 40 : 20) + 4;

	for (unsigned i = 0; i < 2; i++) {
		unsigned at = i ? udp : ip, v = load_be16(p->octet + at) + 1u;

		p->octet[at] = (uint8_t)(v >> 8);
		p->octet[at + 1] = (uint8_t)v;
	}
}

/* The octets in memory of just their size, so that a read beyond them shows. */
static void frame_put(struct frame *f, struct rig *r, const struct packet *p, bool cut)
{
	uint8_t *exact = malloc(p->len);

	assert_non_null(exact);
	memcpy(exact, p->octet, p->len);
	*f = frame_of(r, p);
	f->data = exact;
	f->wirelen += cut;
}

static void flush(struct pair *t)
{
	sensor_burst(t->plain.sensor, t->frame[0], t->frames);
	sensor_burst(t->general.sensor, t->frame[1], t->frames);
	for (unsigned i = 0; i < t->frames; i++)
		for (unsigned side = 0; side < 2; side++)
			free((void *)(uintptr_t)t->frame[side][i].data);
	t->frames = 0;
}

static void send_both(struct pair *t, const struct message *m, const struct flow *f)
{
	static struct dns_record rec[2][DNS_RECORDS_MAX];
	struct dns_message parsed, as_cut;
	struct packet p;

	if (m->len < DNS_HEADER_LEN)
		return;
	enum dns_verdict v = dns_parse(m->octet, m->len, false, rec[0], &parsed);
	/* One that runs off its end is not the same with a cut as without. */
	bool cut = dns_parse(m->octet, m->len, true, rec[1], &as_cut) == v;

	expect(t, m, v, &parsed, rec[0]);
	packet_make(&p, f, m, 0);
	frame_put(&t->frame[0][t->frames], &t->plain, &p, false);
	if (cut)
		length_overstate(&p);
	frame_put(&t->frame[1][t->frames], &t->general, &p, cut);
	t->cut += cut;
	if (++t->frames == SENSOR_BURST)
		flush(t);
}

/* Question and answer, one of them missing, first or twice at times. */
static void exchange(struct pair *t, uint64_t *rng)
{
	static struct random_message r;
	static struct message query;
	const struct flow *f = &flows[random_below(rng, 2)];
	uint32_t form = random_below(rng, 8);

	random_message_damaged(&r, rng);
	query = r.m;
	query.octet[2] &= 0x7f;
	if (form != 0 && form != 1)
		send_both(t, &query, f);
	send_both(t, &r.m, f);
	if (form == 1)
		send_both(t, &query, f);
	if (form == 2 && r.m.len) {
		r.m.octet[r.m.len - 1] ^= (uint8_t)random_below(rng, 2);
		send_both(t, &r.m, f);
	}
	/* A refusal that is a header alone, and what looks like one. */
	if (form == 3) {
		message_header(&query, f->port, random_below(rng, 65536));
		if (one_in(rng, 2))
			message_patch(&query, 2, 0x8000 | random_below(rng, 0x800));
		if (one_in(rng, 4))
			query.octet[4 + random_below(rng, 8)] = 1;
		send_both(t, &query, f);
	}
}

static void check_accounts(struct pair *t)
{
	struct account *plain = &t->plain.shard->account, *general = &t->general.shard->account;

	assert_int_equal(general->note[NOTE_CUT] - plain->note[NOTE_CUT], t->cut);
	assert_int_equal(general->octets - plain->octets, t->cut);
	general->note[NOTE_CUT] = plain->note[NOTE_CUT];
	general->octets = plain->octets;
	t->cut = 0;
	assert_memory_equal(plain, general, sizeof(*plain));

	assert_int_equal(plain->declared, t->want.declared);
	assert_memory_equal(plain->record, t->want.record, sizeof(plain->record));
	assert_memory_equal(plain->not_dns, t->want.not_dns, sizeof(plain->not_dns));
	assert_int_equal(plain->note[NOTE_TRUNCATED_FLAG], t->want.note[NOTE_TRUNCATED_FLAG]);
	assert_int_equal(plain->query[QUERY_UNMATCHED], t->want.query[QUERY_UNMATCHED]);
}

/* All behind the header, which holds addresses of its own. */
static void check_tables(const struct pair *t)
{
	const struct shard *a = t->plain.shard, *b = t->general.shard;
	size_t head = (size_t)((const uint8_t *)a->entries - (const uint8_t *)a);

	assert_ptr_equal((const uint8_t *)b->entries - (const uint8_t *)b, head);
	assert_memory_equal(a->entries, b->entries, shard_size(&shard_config) - head);
	assert_memory_equal(&a->visibility, &b->visibility, sizeof(a->visibility));
	assert_int_equal(a->used, b->used);
}

/* A frame of the message for each sensor, the same. */
static void send_same(struct pair *t, const struct message *m)
{
	struct packet p;

	packet_make(&p, &flows[0], m, 0);
	frame_put(&t->frame[0][t->frames], &t->plain, &p, false);
	frame_put(&t->frame[1][t->frames], &t->general, &p, false);
	t->frames++;
}

/* One sensor takes the frames at once, the other one by one. */
static void flush_split(struct pair *t)
{
	for (unsigned i = 0; i < t->frames; i++)
		sensor_burst(t->general.sensor, &t->frame[1][i], 1);
	sensor_burst(t->plain.sensor, t->frame[0], t->frames);
	for (unsigned i = 0; i < t->frames; i++)
		for (unsigned side = 0; side < 2; side++)
			free((void *)(uintptr_t)t->frame[side][i].data);
	t->frames = 0;
}

/*
 * A tap that carries hardly any queries, with pauses beyond each time that pairing knows of:
 * what becomes of a response must not depend on which frames came in one burst with it.
 */
static void splits_do_not_matter(void **state)
{
	static struct random_message r, last;
	struct pair *t = *state;
	uint64_t rng = 7;

	random_message_damaged(&last, &rng);
	for (unsigned burst = 0; burst < BURSTS; burst++) {
		for (unsigned n = 1 + random_below(&rng, SENSOR_BURST - 2); n; n--) {
			bool query = one_in(&rng, 40), again = one_in(&rng, 4);

			if (one_in(&rng, 8))
				t->plain.now_ns += random_below(&rng, 540) * UINT64_C(1000000000);
			t->general.now_ns = t->plain.now_ns;
			if (!again)
				random_message_damaged(&last, &rng);
			r = last;
			if (r.m.len < DNS_HEADER_LEN)
				continue;
			r.m.octet[2] = (uint8_t)(query ? r.m.octet[2] & 0x7f : r.m.octet[2] | 0x80);
			send_same(t, &r.m);
		}
		if (t->frames)
			flush_split(t);
	}
	assert_memory_equal(&t->plain.shard->account, &t->general.shard->account,
		sizeof(t->plain.shard->account));
	check_tables(t);
	assert_true(t->plain.shard->account.response[RESPONSE_UNPAIRED] > 1000);
	assert_true(t->plain.shard->account.response[RESPONSE_PAIRED] > 50);
}

static void both_sensors_come_to_the_same(void **state)
{
	struct pair *t = *state;
	uint64_t rng = 1;

	for (unsigned burst = 0; burst < BURSTS; burst++) {
		for (unsigned n = 1 + random_below(&rng, 16); n; n--)
			exchange(t, &rng);
		flush(t);
		check_accounts(t);
		if (burst % 256 == 0)
			check_tables(t);
	}
	sensor_sweep(t->plain.sensor, t->plain.now_ns, true);
	sensor_sweep(t->general.sensor, t->general.now_ns, true);
	check_accounts(t);
	check_tables(t);

	/* Each way was taken often enough to say something. */
	const struct account *a = &t->plain.shard->account;
	for (unsigned fate = 0; fate < RESPONSE_FATE_COUNT; fate++)
		if (a->response[fate] < 100)
			fail_msg("but %lu responses %s", a->response[fate],
				response_fate_name((enum response_fate)fate));
	assert_true(a->early[EARLY_PAIRED] > 1000 && a->early[EARLY_EXPIRED] > 1000);
	assert_true(a->table[TABLE_HIT] > 1000 && a->table[TABLE_INSERTED] > 500);
}

static int start(void **state)
{
	static struct pair t;
	void *rig;

	if (rig_start(&rig) != 0)
		return -1;
	t.plain = *(struct rig *)rig;
	if (rig_start(&rig) != 0)
		return -1;
	t.general = *(struct rig *)rig;
	*state = &t;
	return 0;
}

static int end(void **state)
{
	struct pair *t = *state;
	void *plain = &t->plain, *general = &t->general;

	return rig_end(&plain) | rig_end(&general);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(both_sensors_come_to_the_same, start, end),
		cmocka_unit_test_setup_teardown(splits_do_not_matter, start, end),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
