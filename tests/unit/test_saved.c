/* SPDX-License-Identifier: BSD-3-Clause */

/*
 * The format of a saved state: the checksum, the first version's fixture, what a later
 * version may add, another suffix list. What goes in and comes out for random
 * traffic is in tests/property/test_state.c.
 */

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>

#include "detect/detector.h"
#include "detect/state.h"
#include "store/store_internal.h"
#include "tests/unit/random.h"
#include "tests/unit/state_fixture.h"

#define START (20000u * 86400u)
#define EPOCHS 12u
#define FLUX 0x1234u
#define CANDIDATE 0x77u
#define WAITING 0x99u
#define CAMPAIGN 0x5678u

static const struct net_lookup net = {test_network, NULL};

static void crc_is_castagnoli(void **state)
{
	uint8_t octets[300];
	uint64_t seed = 1;
	(void)state;

	/* RFC 3720, appendix B.4 */
	memset(octets, 0, 32);
	assert_int_equal(crc32c(0, octets, 32), 0x8a9136aa);
	memset(octets, 0xff, 32);
	assert_int_equal(crc32c(0, octets, 32), 0x62a8ab43);
	assert_int_equal(crc32c(0, "123456789", 9), 0xe3069283);
	for (unsigned i = 0; i < sizeof(octets); i++)
		octets[i] = (uint8_t)random_u64(&seed);
	for (unsigned from = 0; from < 17; from++) {
		for (unsigned n = 0; n < 270; n++) {
			uint32_t whole = crc32c(0, octets + from, n), half = n / 3;
			assert_int_equal(whole, crc32c_table(0, octets + from, n));
			assert_int_equal(whole, crc32c(crc32c(0, octets + from, half),
							octets + from + half, n - half));
		}
	}
}

static void observe(struct shard *s, uint32_t id, uint32_t units, uint32_t from, uint32_t time)
{
	uint64_t unit[16], ns[8];
	uint8_t name[6];
	struct shard_observation o = {.key = test_key(id),
		.name = name,
		.name_len = (uint8_t)test_name(id, name),
		.unit = unit,
		.units = (uint8_t)units,
		.ns_name = ns,
		.ns_unit = ns,
		.now = time,
		.ttl = 60,
		.grade = EVIDENCE_PAIRED};

	for (uint32_t i = 0; i < units; i++)
		unit[i] = (uint64_t)(0x0800 + from + i) << 16 | (i + 1);
	for (uint32_t i = 0; i < 8; i++)
		ns[i] = (uint64_t)(0x1900 + i) << 16 | 53;
	o.ns_names = id == FLUX ? 2 : 0;
	o.ns_units = id == FLUX ? 8 : 0;
	o.ns_ttl = 600;
	o.host = o.key;
	o.server = 9;
	o.conflict = id == FLUX && from == 12;
	assert_false(table_fate_is_denied(shard_observe(s, &o)));
}

struct judging {
	struct restored *r;
	uint32_t now;
};

static void judge(void *ctx, struct domain *d)
{
	struct judging *j = ctx;

	detect_judge(j->r->detector, j->r->store, d, j->now);
}

static void init(struct restored *r, uint32_t domains)
{
	*r = (struct restored){
		.config = {.door_log2 = 10, .candidates_log2 = 10, .domains = domains},
		.verdicts = 16,
		.placement = test_placement};
	detect_defaults(&r->detect);
}

/* One name in flux, one with two addresses, one with one. */
static void traffic(struct restored *r)
{
	struct shard *s = test_shard(10);
	struct judging j = {r, START};

	init(r, 64);
	restored_empty(r, test_sketch);
	for (unsigned e = 0; e < EPOCHS; e++) {
		j.now += 300;
		shard_clear(s);
		observe(s, FLUX, 6, e * 6, j.now - 5);
		observe(s, CANDIDATE, 1 + (e > 0), 3, j.now - 4);
		observe(s, WAITING, 1, 3, j.now - 3);
		store_merge(r->store, &s, 1, j.now, &net);
		store_touched(r->store, judge, &j);
		detect_sweep(r->detector, r->store, j.now);
	}
	/* What is left of a campaign whose first member is gone. */
	r->detector->verdict[0].campaign.id = CAMPAIGN;
	r->detector->verdict[0].campaign.since = START + 600;
	free(s);
}

static struct image fixture_read(void)
{
	const char *source = getenv("FLUXGATE_SOURCE");
	struct image i = {.octets = malloc(1 << 16)};
	char path[4096];

	snprintf(path, sizeof(path), "%s/tests/unit/state_v1.bin", source ? source : ".");
	FILE *f = fopen(path, "rb");
	if (!f)
		fail_msg("%s: cannot be read", path);
	i.len = fread(i.octets, 1, 1 << 16, f);
	fclose(f);
	return i;
}

static enum state_fault load(const struct image *i, struct restored *r)
{
	return image_load(i->octets, i->len, r, NULL, state_readers, state_readers_count, i->len);
}

/* What the fixture holds, in numbers that no change of the program changes. */
static void fixture_check(const struct restored *r)
{
	const struct domain *d = store_find(r->store, test_key(FLUX));
	const struct state_restored *x = &r->load.restored;

	assert_int_equal(r->load.rejected, 0);
	assert_int_equal(x->domains, 1);
	assert_int_equal(x->candidates, 1);
	assert_int_equal(x->door, 2);
	assert_int_equal(x->verdicts, 1);
	assert_int_equal(store_account_error(r->store), 0);
	assert_int_equal(detect_account_error(r->detector), 0);
	assert_int_equal(store_now(r->store), START + 3600);
	const struct candidate *c = candidate_find(r->store, test_key(CANDIDATE));
	assert_non_null(c);
	assert_int_equal(c->units, 2);
	assert_int_equal(c->last, START + 3596);
	assert_non_null(d);
	assert_int_equal(d->first, START + 295);
	assert_int_equal(d->last, START + 3595);
	assert_int_equal(d->items, 64);
	assert_int_equal(d->ns_items, 8);
	assert_int_equal(d->ns_names, 2);
	assert_int_equal(domain_ttl(d), 60);
	assert_int_equal(d->responses, 12);
	assert_int_equal(d->fresh, 12);
	assert_int_equal(d->fresh_slot[3], 1);
	assert_int_equal(d->fresh_day[0], 12);
	assert_int_equal(d->answered_day[0], 12);
	assert_int_equal(d->conflict_day[0], 1);
	assert_int_equal(d->server_day[0], domain_server_bit(9));
	for (unsigned i = 0; i < d->items; i++) {
		assert_int_equal(d->item[i].days, 1);
		assert_int_equal(d->item[i].server, d->item[i].early ? 0 : 9);
		assert_true(d->item[i].brief && !d->item[i].names);
	}
	assert_int_equal(d->name_len, 6);
	assert_int_equal(d->verdict.slot, 1);
	assert_int_equal(d->verdict.first_flagged, START + 900);
	assert_int_equal(detect_verdicts(r->detector), 1);
	const struct verdict *v = detect_verdict(r->detector, 0);
	assert_int_equal(v->class, FLUX_DOUBLE);
	assert_int_equal(v->window, WINDOW_1H);
	assert_int_equal(v->first_flagged, START + 900);
	assert_int_equal(v->first_seen, START + 295);
	assert_int_equal(v->last_seen, START + 3595);
	assert_true(v->features.ns_addresses == 8);
	assert_true(v->features.top_server_share > 0 && v->features.per_hour > 0);
	assert_int_equal(v->features.top_server, 9);
	assert_int_equal(v->campaign.id, CAMPAIGN);
	assert_int_equal(v->campaign.since, START + 600);
	assert_int_equal(v->reasons, 14);
	assert_string_equal(v->reason[0].code, "addresses");
	assert_int_equal(v->samples, 32);
	assert_memory_equal(v->name, d->name, d->name_len);
}

static void first_version_is_read(void **state)
{
	struct restored r;
	struct image i;
	(void)state;

	/* Made once, by the program that wrote version 1 first. */
	if (getenv("FLUXGATE_FIXTURE")) {
		traffic(&r);
		i = image_save(r.store, r.detector, 7, 70000);
		FILE *f = fopen(getenv("FLUXGATE_FIXTURE"), "wb");
		fwrite(i.octets, 1, i.len, f);
		fclose(f);
		restored_free(&r);
		free(i.octets);
	}
	i = fixture_read();
	init(&r, 64);
	assert_int_equal(load(&i, &r), STATE_OK);
	fixture_check(&r);
	/* It was written before that was kept: what is new is learned anew. */
	assert_int_equal(store_since(r.store), START + 3600);
	restored_free(&r);
	free(i.octets);
}

/* The octets of a candidate before its list of units. */
#define CANDIDATE_NUMBERS 25u

static void more_put(struct encoder *e, unsigned more)
{
	for (unsigned n = 0; n < more; n++)
		put_u8(e, 0xee);
}

/* The records of an image, each longer by `more` octets, and each unit of a candidate too. */
static struct image image_longer(const struct image *i, unsigned more)
{
	struct image out = {.len = STATE_HEADER, .octets = malloc(i->len * 3)};
	struct decoder d = {.at = i->octets + STATE_HEADER, .end = i->octets + i->len}, p;
	uint8_t kind;

	while (get_record(&d, &kind, &p)) {
		struct encoder e = {.at = out.octets + out.len, .end = out.octets + i->len * 3};
		uint8_t *start = record_begin(&e, kind);

		if (kind == STATE_CANDIDATE) {
			put_octets(&e, get_octets(&p, CANDIDATE_NUMBERS), CANDIDATE_NUMBERS);
			struct decoder_list l = get_list(&p, 1);
			put_list(&e, l.count, l.octets + more);
			for (unsigned k = 0; k < l.count; k++) {
				put_octets(&e, get_octets(&p, l.octets), l.octets);
				more_put(&e, more);
			}
		}
		put_octets(&e, p.at, decoder_left(&p));
		more_put(&e, more);
		assert_true(record_end(&e, start));
		out.len = (size_t)(e.at - out.octets);
	}
	return out;
}

static unsigned second_domains;

static bool second_domain(struct state_load *l, struct decoder *d)
{
	second_domains++;
	return store_restore_domain(l->store, d, l->psl, &l->domain, &l->restored);
}

/* A reader of two versions takes both, each by its own way, and fields it does not know. */
static void later_versions(void **state)
{
	struct state_reader two[2] = {state_readers[0], state_readers[0]};
	struct restored r;
	(void)state;

	/* What a later one adds stands behind all that this one writes. */
	struct image first = fixture_read();
	init(&r, 64);
	assert_int_equal(load(&first, &r), STATE_OK);
	struct image current = image_save(r.store, r.detector, 7, 70000);
	struct image second = image_longer(&current, 5);
	restored_free(&r);
	free(current.octets);
	two[1].version = 2;
	two[1].record[STATE_DOMAIN] = second_domain;
	state_header_put(second.octets,
		&(struct state_header){2, second.len,
			crc32c(0, second.octets + STATE_HEADER, second.len - STATE_HEADER)});
	init(&r, 64);
	assert_int_equal(load(&second, &r), STATE_TOO_NEW);
	assert_int_equal(image_load(first.octets, first.len, &r, NULL, two, 2, 100), STATE_OK);
	fixture_check(&r);
	assert_int_equal(second_domains, 0);
	assert_int_equal(image_load(second.octets, second.len, &r, NULL, two, 2, 100), STATE_OK);
	fixture_check(&r);
	assert_int_equal(second_domains, 1);
	/* The same additions without a new version. */
	image_seal(&second);
	assert_int_equal(load(&second, &r), STATE_OK);
	fixture_check(&r);
	restored_free(&r);
	free(first.octets);
	free(second.octets);
}

static struct psl *list(const char *text)
{
	struct psl_error err;
	size_t size = psl_size(text, strlen(text));

	return psl_init(test_memory(size), align_up(size, CACHE_LINE), text, strlen(text), &err);
}

/* By another list the flagged name is a suffix: it goes, with its verdict. */
static void another_suffix_list(void **state)
{
	struct psl *old = list("com\n"), *new = list("com\ninfo\n");
	struct restored r, back;
	struct image i;
	(void)state;

	traffic(&r);
	i = image_save(r.store, r.detector, psl_fingerprint(old), 70000);
	init(&back, 64);
	assert_int_equal(image_load(i.octets, i.len, &back, old, state_readers, 1, 1000), STATE_OK);
	assert_int_equal(back.load.restored.verdicts, 1);
	assert_int_equal(image_load(i.octets, i.len, &back, new, state_readers, 1, 1000), STATE_OK);
	assert_int_equal(back.load.restored.renamed, 1);
	assert_int_equal(back.load.restored.verdicts, 0);
	assert_int_equal(back.load.restored.verdicts_lost, 1);
	assert_int_equal(detect_verdicts(back.detector), 0);
	assert_null(store_find(back.store, test_key(FLUX)));
	assert_int_equal(back.load.restored.candidates, 1);
	assert_int_equal(store_account_error(back.store), 0);
	restored_free(&r);
	restored_free(&back);
	free(i.octets);
	free(old);
	free(new);
}

/* A record whose ledger cannot be is refused whole: nothing of it is in use. */
static void no_ledger_that_cannot_be(void **state)
{
	(void)state;
	for (unsigned lie = 0; lie < 4; lie++) {
		struct restored r, back;

		traffic(&r);
		const struct domain *d = store_find(r.store, test_key(FLUX));
		struct ledger *l = (struct ledger *)store_ledger(r.store, d);
		assert_true(l && l->marks > 2);
		struct ledger_mark first = l->mark[0];
		if (lie == 1)
			l->hour_threshold[0] = 0;
		if (lie == 2)
			l->mark[0].hours = 0;
		if (lie == 3) {
			l->mark[0] = l->mark[1];
			l->mark[1] = first;
		}
		struct image i = image_save(r.store, r.detector, 7, 70000);
		init(&back, 64);
		assert_int_equal(load(&i, &back), STATE_OK);
		d = store_find(back.store, test_key(FLUX));
		assert_int_equal(d != NULL, lie == 0);
		assert_int_equal(back.load.restored.domains, lie == 0);
		assert_int_equal(back.load.rejected > 0, lie > 0);
		if (d)
			assert_int_equal(store_ledger(back.store, d)->marks, l->marks);
		assert_int_equal(store_account_error(back.store), 0);
		restored_free(&r);
		restored_free(&back);
		free(i.octets);
	}
}

/* Verdicts for which the detector has no place leave no record flagged. */
static void no_place_for_a_verdict(void **state)
{
	struct image i = fixture_read();
	struct domain other = {0};
	struct restored r;
	(void)state;

	init(&r, 64);
	r.verdicts = 1;
	assert_int_equal(load(&i, &r), STATE_OK);
	/* The only place is taken: the same verdict again finds none. */
	assert_null(detect_place(r.detector, &other));
	restored_free(&r);
	free(i.octets);
}

/* A week later everything is there still; at the next epoch the verdict is cleared. */
static void long_after(void **state)
{
	struct image i = fixture_read();
	uint32_t now = START + 9 * 86400;
	struct restored r;
	(void)state;

	init(&r, 64);
	assert_int_equal(load(&i, &r), STATE_OK);
	for (unsigned n = 0; n < 1100; n++)
		store_merge(r.store, NULL, 0, now, &net);
	assert_int_equal(detect_verdicts(r.detector), 1);
	detect_sweep(r.detector, r.store, now);
	assert_int_equal(detect_verdicts(r.detector), 0);
	for (unsigned n = 0; n < 1100; n++)
		store_merge(r.store, NULL, 0, now, &net);
	assert_int_equal(store_account(r.store)->live, 0);
	assert_int_equal(store_account_error(r.store), 0);
	assert_int_equal(detect_account_error(r.detector), 0);
	restored_free(&r);
	free(i.octets);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(crc_is_castagnoli),
		cmocka_unit_test(first_version_is_read),
		cmocka_unit_test(later_versions),
		cmocka_unit_test(another_suffix_list),
		cmocka_unit_test(no_ledger_that_cannot_be),
		cmocka_unit_test(no_place_for_a_verdict),
		cmocka_unit_test(long_after),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
