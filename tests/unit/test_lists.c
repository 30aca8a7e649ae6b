/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Names that are judged otherwise: how lists are read, against the names that are in them,
 * and what they make of judgements and of verdicts in force.
 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/mman.h>
#include <unistd.h>
#include <cmocka.h>

#include "detect/events.h"
#include "detect/state.h"
#include "networks/lists.h"
#include "tests/unit/flux_fixture.h"
#include "tests/unit/random.h"

static const char suffixes[] = "com\nuk\nco.uk\ngithub.io\nio\nde\n中国\n";
static struct psl *psl;
static struct config settings;
static struct lists *lists;
static char err[ERROR_LINE_MAX];
/* Lists by hand, for the names of the fixture, which have no suffix. */
static uint64_t popular_hash[4], infrastructure_hash[4];
static struct name_lists by_hand;

static int setup(void **state)
{
	struct psl_error error;
	size_t size = psl_size(suffixes, strlen(suffixes));

	psl = psl_init(test_memory(size), size, suffixes, strlen(suffixes), &error);
	memset(&settings, 0, sizeof(settings));
	lists = NULL;
	by_hand = (struct name_lists){
		.popular = {.key = {1, 2}, .room = 4, .hash = popular_hash},
		.infrastructure = {.key = {3, 4}, .room = 4, .hash = infrastructure_hash},
	};
	return psl ? begin(state) : -1;
}

static int teardown(void **state)
{
	lists_free(lists);
	free(psl);
	return end(state);
}

static void put(struct name_list *l, uint32_t id)
{
	uint8_t name[6];

	l->hash[l->n++] = hash_bytes(name, test_name(id, name), l->key);
	name_list_seal(l);
}

/* Where the name itself, no host below it, is listed. */
static enum listing listed(const struct name_lists *l, const char *text)
{
	struct dns_name name;

	assert_int_equal(dns_name_parse(text, &name), 0);
	return lists_find(l, name.wire, name.len);
}

/* lists_load of a popular list that holds `text`. */
static int load(const char *text, size_t len)
{
	int fd = memfd_create("fluxgate-lists", MFD_CLOEXEC);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, text, len), (ssize_t)len);
	snprintf(settings.popular_path, sizeof(settings.popular_path), "/proc/self/fd/%d", fd);
	lists_free(lists);
	int rc = lists_load(&lists, &settings, psl, err);
	close(fd);
	return rc;
}

static void assert_popular(const char *text, const char *name, bool is)
{
	if (load(text, strlen(text)) < 0)
		fail_msg("%s: %s", text, err);
	enum listing expected = is ? LISTED_POPULAR : LISTED_NOT;
	if (listed(lists_names(lists), name) != expected)
		fail_msg("%s in:\n%s", name, text);
}

static void names_are_read_in_any_spelling(void **state)
{
	(void)state;
	assert_popular("a.com\n", "a.com", true);
	assert_popular("a.com", "a.com", true);
	assert_popular("a.com\r\nb.com\r\n", "b.com", true);
	assert_popular("\n  \n# list of the day\nb.com\n", "b.com", true);
	assert_popular("# a.com\nb.com\n", "a.com", false);
	assert_popular("1,a.com\n2,b.com\n", "b.com", true);
	assert_popular("1000000,a.com \r\n", "a.com", true);
	assert_popular("rank,domain\n1,a.com\n", "a.com", true);
	assert_popular("A.COM\n", "a.com", true);
	assert_popular("a.com.\n", "a.com", true);
	/* A host stands for its registered domain, and that only for itself. */
	assert_popular("www.b.a.co.uk\n", "a.co.uk", true);
	assert_popular("www.b.a.co.uk\n", "www.b.a.co.uk", false);
	assert_popular("a.github.io\n", "a.github.io", true);
	assert_popular("a.github.io\nb.com\n", "b.github.io", false);
	/* A number is a name, too. */
	assert_popular("163.com\n", "163.com", true);
	assert_popular("bücher.de\n", "xn--bcher-kva.de", true);
	assert_popular("xn--bcher-kva.de\n", "xn--bcher-kva.de", true);
	assert_popular("公司.中国.\n", "xn--55qx5d.xn--fiqs8s", true);
	/* What is no domain is left out. */
	assert_popular("com\na..com\n1,2,b.com\nx y.com\n\xff.com\nco.uk\na.com\n", "a.com", true);
}

static void assert_refused(const char *text, const char *why)
{
	assert_true(load(text, strlen(text)) < 0);
	assert_null(lists);
	if (!strstr(err, why))
		fail_msg("%s: %s", text, err);
}

static void what_is_no_list_is_refused(void **state)
{
	(void)state;
	assert_refused("\ncom\nco.uk\n", "no line names a domain; line 2: a public suffix");
	assert_refused("{\"a\": 1}", "no line names a domain; line 1: ");
	assert_refused("# cut short\n", "no line names a domain; the list is empty");
	assert_refused("", "no line names a domain; the list is empty");
	snprintf(settings.popular_path, sizeof(settings.popular_path), "/nowhere/top.csv");
	assert_true(lists_load(&lists, &settings, psl, err) < 0);
	assert_string_equal(err,
		"configuration: /nowhere/top.csv: detect.popular cannot be read: No such file or "
		"directory: name a file with a domain a line, or \"\"");
	settings.popular_path[0] = '\0';
	settings.infrastructure_count = 1;
	snprintf(settings.infrastructure[0], CONFIG_DOMAIN_MAX, "co.uk");
	assert_true(lists_load(&lists, &settings, psl, err) < 0);
	assert_string_equal(err,
		"configuration: detect.infrastructure: \"co.uk\": a public suffix, which nobody "
		"registered");
}

static void networks_of_households_are_read(void **state)
{
	static const char text[] = "# type: cable/DSL\nAS7\n 11,Some Telecom,DE\nas3\t9\n\n"
				   "4294967295\nAS\n4294967296\n12a\n7\n";
	static const uint32_t in[] = {3, 7, 11, 4294967295}, out[] = {0, 9, 12, 4};
	int fd = memfd_create("fluxgate-lists", MFD_CLOEXEC);

	(void)state;
	assert_int_equal(write(fd, text, strlen(text)), (ssize_t)strlen(text));
	snprintf(settings.networks.eyeballs, sizeof(settings.networks.eyeballs), "/proc/self/fd/%d",
		fd);
	assert_int_equal(lists_load(&lists, &settings, psl, err), 0);
	for (unsigned i = 0; i < 4; i++) {
		assert_true(asn_list_holds(&lists_names(lists)->eyeballs, in[i]));
		assert_false(asn_list_holds(&lists_names(lists)->eyeballs, out[i]));
	}
	lists_free(lists);
	lists = NULL;
	assert_int_equal(ftruncate(fd, 0), 0);
	assert_true(lists_load(&lists, &settings, psl, err) < 0);
	assert_non_null(strstr(err, "networks.eyeballs: no line names an AS number; the list"));
	close(fd);
}

static void infrastructure_goes_before_popular(void **state)
{
	(void)state;
	settings.infrastructure_count = 1;
	snprintf(settings.infrastructure[0], CONFIG_DOMAIN_MAX, "Pool.NTP.com.");
	assert_popular("a.com\nntp.com\n", "a.com", true);
	assert_int_equal(listed(lists_names(lists), "ntp.com"), LISTED_INFRASTRUCTURE);
	assert_int_equal(listed(lists_names(lists), "b.com"), LISTED_NOT);
	assert_int_equal(listed(NULL, "a.com"), LISTED_NOT);
}

/* Thousands of names in any order, some of them twice, against a plain table. */
static void holds_what_was_added_and_nothing_else(void **state)
{
	enum { NAMES = 4000 };
	static bool in[NAMES];
	static uint64_t hash[NAMES];
	struct name_lists l = {.popular = {.key = {5, 6}, .room = NAMES, .hash = hash}};
	uint64_t rng = 11;
	unsigned distinct = 0;
	char text[32];

	(void)state;
	memset(in, 0, sizeof(in));
	for (unsigned i = 0; i < NAMES; i++) {
		unsigned id = random_below(&rng, NAMES);

		snprintf(text, sizeof(text), "w%u.n%u.com", i, id);
		assert_null(name_list_add(&l.popular, psl, text, strlen(text)));
		distinct += !in[id];
		in[id] = true;
	}
	assert_non_null(name_list_add(&l.popular, psl, "z.com", 5));
	name_list_seal(&l.popular);
	assert_int_equal(l.popular.n, distinct);
	for (unsigned id = 0; id < NAMES; id++) {
		snprintf(text, sizeof(text), "n%u.com", id);
		assert_int_equal(listed(&l, text), in[id] ? LISTED_POPULAR : LISTED_NOT);
	}
}

static bool has_reason(const struct verdict *v, const char *code)
{
	unsigned n = 0;

	for (unsigned i = 0; i < v->reasons; i++)
		n += strcmp(v->reason[i].code, code) == 0;
	assert_true(n <= 1);
	return n == 1;
}

static void a_popular_name_is_suspected_at_most(void **state)
{
	(void)state;
	put(&by_hand.popular, 7);
	detector_lists(detector, &by_hand);
	flux_until_flagged(7, 0);
	for (unsigned epoch = 20; epoch < 24; epoch++) {
		flux(7, epoch);
		flux(8, epoch);
		close_epoch(EPOCH);
	}
	const struct verdict *v = verdict_of(7), *other = verdict_of(8);
	assert_true(v && other);
	assert_int_equal(v->class, FLUX_DOUBLE);
	assert_true(v->suspected && has_reason(v, "popular"));
	assert_false(other->suspected || has_reason(other, "popular"));
	struct ruling ruling;
	rules_apply(&config, &v->features, &ruling);
	assert_false(ruling.suspected);
	assert_true(v->score == ruling.score);
	assert_true(v->confidence == ruling.confidence * SUSPECTED_CONFIDENCE);
	assert_int_equal(v->reasons, __builtin_popcountll(ruling.clauses) + 1);
	assert_int_equal(detect_account(detector)->held_back, 0);
	/* A saved state tells the reason, too. */
	static uint8_t saved[65536];
	struct encoder out = {.at = saved, .end = saved + sizeof(saved)};
	assert_int_equal(detect_save(detector, 0, &out), 2);
	struct decoder in = {.at = saved, .end = out.at}, record;
	uint8_t kind;
	assert_true(get_record(&in, &kind, &record));
	struct detector *again = detector_init(test_memory(detector_size(2)), 2, &config);
	struct domain *d = store_find(st, test_key(7));
	struct domain_verdict tie = d->verdict;
	struct state_restored restored = {0};
	struct verdict image;
	d->verdict.slot = 0;
	assert_true(detect_restore_verdict(again, st, &record, &image, &restored));
	assert_int_equal(detect_verdict(again, 0)->reasons, v->reasons);
	assert_true(has_reason(detect_verdict(again, 0), "popular"));
	d->verdict = tie;
	free(again);
	/* Off the list it is what it was. */
	detector_lists(detector, NULL);
	flux(7, 24);
	close_epoch(EPOCH);
	assert_false(verdict_of(7)->suspected || has_reason(verdict_of(7), "popular"));
}

static void infrastructure_is_not_flagged(void **state)
{
	(void)state;
	put(&by_hand.infrastructure, 7);
	detector_lists(detector, &by_hand);
	flux_until_flagged(8, 0);
	unsigned met = 0;
	for (unsigned epoch = 0; epoch < 10; epoch++) {
		struct features f;
		struct ruling r;

		flux(7, epoch);
		close_epoch(EPOCH);
		const struct domain *d = store_find(st, test_key(7));
		if (!d)
			continue;
		detect_window(detector, st, d, WINDOW_1H, now, &f, &r);
		assert_int_equal(r.class, FLUX_NONE);
		met += r.held != FLUX_NONE;
		assert_int_equal(d->verdict.streak, 0);
	}
	assert_true(met > 2);
	assert_null(verdict_of(7));
	assert_non_null(verdict_of(8));
	assert_int_equal(detect_account(detector)->held_back, met);
	/* Off the list it takes what it takes others. */
	detector_lists(detector, NULL);
	assert_int_equal(flux_until_flagged(7, 10), 2);
}

static const struct verdict_event *last_event(void)
{
	const struct event_ring *r = detect_events(detector);

	return events_at(r, r->next - 1);
}

static void verdicts_in_force_follow(void **state)
{
	(void)state;
	config.clear_after = 0;
	detector_new(16);
	flux_until_flagged(7, 0);
	flux_until_flagged(8, 0);
	double confidence = verdict_of(7)->confidence;
	put(&by_hand.popular, 7);
	/* Nothing comes for them. */
	for (unsigned epoch = 0; epoch < 2; epoch++) {
		detector_lists(detector, &by_hand);
		close_epoch(EPOCH);
		assert_true(verdict_of(7)->suspected && has_reason(verdict_of(7), "popular"));
		assert_true(verdict_of(7)->confidence == confidence * SUSPECTED_CONFIDENCE);
		assert_false(verdict_of(8)->suspected);
	}
	assert_int_equal(last_event()->kind, EVENT_CHANGED);
	assert_true(last_event()->suspected);
	put(&by_hand.infrastructure, 7);
	detector_lists(detector, &by_hand);
	close_epoch(EPOCH);
	assert_null(verdict_of(7));
	assert_non_null(verdict_of(8));
	assert_int_equal(detect_account(detector)->cleared, 1);
	assert_int_equal(last_event()->kind, EVENT_CLEARED);
	assert_false(domain_flagged(store_find(st, test_key(7))));
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(names_are_read_in_any_spelling),
		TEST(what_is_no_list_is_refused),
		TEST(networks_of_households_are_read),
		TEST(infrastructure_goes_before_popular),
		TEST(holds_what_was_added_and_nothing_else),
		TEST(a_popular_name_is_suspected_at_most),
		TEST(infrastructure_is_not_flagged),
		TEST(verdicts_in_force_follow),
	};
#undef TEST
	return cmocka_run_group_tests(tests, NULL, NULL);
}
