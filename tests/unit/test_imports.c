/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What others know for bad: each form of file against what is in it, and what it makes of
 * judgements: a reason and a little confidence, never a verdict.
 */
#include <math.h>
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/mman.h>
#include <unistd.h>
#include <arpa/inet.h>
#include <cmocka.h>

#include "base/address.h"
#include "detect/state.h"
#include "export/zone.h"
#include "networks/imports.h"
#include "networks/lists.h"
#include "tests/unit/flux_fixture.h"

static const char suffixes[] = "com\nuk\nco.uk\ngithub.io\nio\nde\n";
static struct psl *psl;
static struct config settings;
static struct lists *lists;
static char err[ERROR_LINE_MAX];

static int setup(void **state)
{
	struct psl_error error;
	size_t size = psl_size(suffixes, strlen(suffixes));

	psl = psl_init(test_memory(size), size, suffixes, strlen(suffixes), &error);
	memset(&settings, 0, sizeof(settings));
	lists = NULL;
	return psl ? begin(state) : -1;
}

static int teardown(void **state)
{
	lists_free(lists);
	free(psl);
	return end(state);
}

static int load(const char *text)
{
	int fd = memfd_create("fluxgate-imports", MFD_CLOEXEC);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, text, strlen(text)), (ssize_t)strlen(text));
	settings.import.files_count = 1;
	snprintf(settings.import.files[0], CONFIG_PATH_MAX, "/proc/self/fd/%d", fd);
	lists_free(lists);
	int rc = lists_load(&lists, &settings, psl, err);
	close(fd);
	return rc;
}

static bool knows_domain(const char *text)
{
	struct dns_name name;

	assert_int_equal(dns_name_parse(text, &name), 0);
	return lists_know(lists_names(lists), name.wire, name.len);
}

static bool knows_address(const char *text)
{
	uint8_t octets[16];
	bool v4 = inet_pton(AF_INET, text, octets) == 1;

	if (!v4)
		assert_int_equal(inet_pton(AF_INET6, text, octets), 1);
	return unit_list_holds(&lists_names(lists)->known_units,
		v4 ? address_unit_v4(octets) : address_unit_v6(octets));
}

/* What is known of a text: so many names and addresses, and those that are given. */
static void assert_known(const char *text, unsigned names, unsigned units, const char *const *one)
{
	if (load(text) < 0)
		fail_msg("%s:\n%s", err, text);
	const struct name_lists *l = lists_names(lists);
	if (l->known.n != names || l->known_units.n != units)
		fail_msg("%u names, %u addresses of\n%s", l->known.n, l->known_units.n, text);
	for (; *one; one++)
		if (!(strpbrk(*one, "ghijklmnopqrstuvwxyz") ? knows_domain(*one)
							    : knows_address(*one)))
			fail_msg("%s is not known of\n%s", *one, text);
}

#define KNOWN(...) ((const char *const[]){__VA_ARGS__, NULL})

static void plain_lists_are_read(void **state)
{
	(void)state;
	assert_known("bad.com\n# x.com\n; y.com\n! z.com\n\nWWW.Worse.CO.uk. # why\n*.w.io,1\n", 3,
		0, KNOWN("bad.com", "worse.co.uk", "w.io"));
	assert_known("0.0.0.0 bad.com\r\n127.0.0.1\tworse.com\n0.0.0.0 com\n", 2, 0,
		KNOWN("bad.com", "worse.com"));
	assert_known("20.1.2.3\n20.1.2.4/32,x\n2400:1::7\n2400:2::/64\n20.9.9.9\n", 0, 5,
		KNOWN("20.1.2.3", "20.1.2.4", "2400:1::1", "2400:2::3", "20.9.9.9"));
	assert_known(" \n\t\n", 0, 0, KNOWN(NULL));
	/* A host below a domain, ranges, and what is no evidence. */
	assert_known("a.bad.com\nx.github.io\n20.0.0.0/8\n2400::/32\n10.1.2.3\ncom\na..b\nok.com",
		2, 0, KNOWN("x.github.io", "ok.com"));
	assert_false(knows_domain("bad.com"));
	assert_false(knows_domain("github.io"));
}

static void zones_are_read(void **state)
{
	(void)state;
	static const char zone[] = "$TTL 300\n"
				   "@ IN SOA localhost. root.localhost. (\n"
				   "  2026010101 ; serial\n  3600 600 86400\n  300 )\n"
				   "  IN NS localhost.\n"
				   "bad.com IN CNAME .\n*.bad.com CNAME .\n"
				   "worse.co.uk 60 IN CNAME *. ; NODATA\n"
				   "drop.com.rpz.example. CNAME rpz-drop.\n"
				   "walled.com A 192.0.2.1\n"
				   "  AAAA 2001:db8::1\n"
				   "good.com CNAME rpz-passthru.\n"
				   "a.host.com CNAME .\n"
				   "32.4.3.2.20.rpz-ip CNAME .\n"
				   "24.0.3.2.20.rpz-ip CNAME .\n"
				   "128.7.zz.1.2400.rpz-ip CNAME .\n"
				   "ns.evil.com.rpz-nsdname CNAME .\n";
	char text[2048];

	assert_known(
		zone, 3, 2, KNOWN("bad.com", "worse.co.uk", "walled.com", "20.2.3.4", "2400:1::1"));
	assert_false(knows_domain("good.com"));
	assert_false(knows_domain("host.com"));
	assert_false(knows_domain("evil.com"));
	/* Absolute owners need the zone's name: of $ORIGIN, or of the SOA's owner. */
	snprintf(text, sizeof(text), "$ORIGIN rpz.example.\n%s", zone);
	assert_known(text, 4, 2, KNOWN("drop.com", "bad.com"));
	assert_known("rpz.example. 60 IN SOA a. b. 1 2 3 4 5\nbad.com.RPZ.example. 60 IN CNAME .\n",
		1, 0, KNOWN("bad.com"));
	/* Another sensor's. */
	size_t len;
	char *ours = zone_text(
		"rpz.fluxgate", 4711, "bad.com CNAME .\n*.bad.com CNAME .\nw.io CNAME .\n", &len);
	assert_known(ours, 2, 0, KNOWN("bad.com", "w.io"));
	free(ours);
	/* In quotes nothing opens, and nothing ends the line. */
	assert_known("$ORIGIN rpz.example.\n@ SOA a. b. 1 2 3 4 5\n"
		     "bad.com TXT \"a ( b ; \\\" (\"\nworse.com CNAME .\nok.com CNAME .\n",
		3, 0, KNOWN("bad.com", "worse.com", "ok.com"));
	/* None today is fine. */
	assert_known("$ORIGIN rpz.example.\n@ SOA a. b. 1 2 3 4 5\n", 0, 0, KNOWN(NULL));
}

#define INDICATOR(pattern, more) \
	"{\"type\": \"indicator\", \"pattern_type\": \"stix\", \"pattern\": \"" pattern "\"" more \
	"}"

static void bundles_are_read(void **state)
{
	(void)state;
	assert_known("{\"type\": \"bundle\", \"id\": \"bundle--1\", \"objects\": ["
		     "{\"type\": \"identity\", \"name\": \"x\"},"
		     "{\"type\": \"domain-name\", \"value\": \"seen.com\"}," //
		INDICATOR("[domain-name:value = 'bad.com']", "") ","         //
		INDICATOR("[domain-name:value='worse.com' OR ipv4-addr:value = '20.1.2.3']",
			"") "," //
		INDICATOR("[ipv6-addr:value = '2400:1::/64'] OR [domain-name:value = 'third.com']",
			", \"valid_until\": \"2999-01-01T00:00:00.000Z\"") "," //
		INDICATOR("[domain-name:value = 'gone.com']", ", \"revoked\": true") "," INDICATOR(
			"[domain-name:value = 'old.com']",
			", \"valid_until\": \"2020-01-01T00:00:00Z\"") "," INDICATOR("[domain-name:"
										     "value = "
										     "'new.com']",
			", \"valid_from\": \"2999-01-01T00:00:00Z\"") "," INDICATOR("[domain-name:"
										    "value = "
										    "'and.com' AND "
										    "ipv4-addr:"
										    "value = "
										    "'20.1.2.4']",
			"") "," INDICATOR("[domain-name:value != 'not.com']",
			"") "," INDICATOR("[NOT domain-name:value = 'not.com']",
			"") "," INDICATOR("[url:value = 'http://url.com/']",
			"") "," INDICATOR("[domain-name:value = 'cut.com",
			"") "," INDICATOR("[domain-name:value = 'x.bad.com']", "") "," INDICATOR("",
			"") ",{\"type\": 7}, 7, null,"
			    "{\"type\": \"indicator\", \"pattern_type\": \"snort\", \"pattern\": "
			    "\"x\"}]}",
		3, 2, KNOWN("bad.com", "worse.com", "third.com", "20.1.2.3", "2400:1::9"));
	assert_known("{\"type\": \"bundle\"}", 0, 0, KNOWN(NULL));
}

static void what_is_no_import_is_refused(void **state)
{
	(void)state;
	assert_true(load("{\"type\": \"indicator\"}") < 0);
	assert_non_null(strstr(err, "import.files: begins like JSON and is no STIX bundle"));
	assert_null(lists);
	assert_true(load("{\"type\": \"bundle\", \"objects\": {}}") < 0);
	assert_true(load("{ cut") < 0);
	settings.import.files_count = 2;
	snprintf(settings.import.files[0], CONFIG_PATH_MAX, "/dev/null");
	snprintf(settings.import.files[1], CONFIG_PATH_MAX, "/nowhere/bad");
	assert_true(lists_load(&lists, &settings, psl, err) < 0);
	assert_string_equal(err,
		"configuration: /nowhere/bad: import.files: cannot be read: No such "
		"file or directory: name files that exist, or take it out");
}

/* Several files are one list; a name in two of them is known once. */
static void files_are_one_list(void **state)
{
	int fd[2];

	(void)state;
	for (unsigned i = 0; i < 2; i++) {
		fd[i] = memfd_create("fluxgate-imports", MFD_CLOEXEC);
		assert_true(dprintf(fd[i], "bad.com\n%s.com\n", i ? "b" : "a") > 0);
		snprintf(settings.import.files[i], CONFIG_PATH_MAX, "/proc/self/fd/%d", fd[i]);
	}
	settings.import.files_count = 2;
	assert_int_equal(lists_load(&lists, &settings, psl, err), 0);
	assert_int_equal(lists_names(lists)->known.n, 3);
	assert_true(knows_domain("a.com") && knows_domain("b.com") && knows_domain("bad.com"));
	for (unsigned i = 0; i < 2; i++)
		close(fd[i]);
}

static const struct reason *reason_of(const struct verdict *v, const char *code)
{
	const struct reason *found = NULL;

	for (unsigned i = 0; i < v->reasons; i++)
		if (strcmp(v->reason[i].code, code) == 0) {
			assert_null(found);
			found = &v->reason[i];
		}
	return found;
}

static void a_known_domain_has_its_reason(void **state)
{
	static uint64_t hash[1], unit[3];
	struct name_lists l = {.known = {.key = {1, 2}, .room = 1, .hash = hash},
		.known_units = {.room = 3, .unit = unit}};
	uint8_t name[6];

	(void)state;
	flux_until_flagged(7, 0);
	flux_until_flagged(8, 0);
	double confidence = verdict_of(8)->confidence, score = verdict_of(8)->score;
	/* A verdict in force is named at once. */
	l.known.hash[l.known.n++] = hash_bytes(name, test_name(7, name), l.known.key);
	detector_lists(detector, &l);
	close_epoch(EPOCH);
	assert_non_null(reason_of(verdict_of(7), "known"));
	assert_null(reason_of(verdict_of(8), "known"));
	/* Two addresses of the other are chance, three are not. */
	const struct domain *d = store_find(st, test_key(8));
	l.known_units.unit[0] = d->item[0].unit;
	l.known_units.unit[1] = d->item[1].unit;
	l.known_units.n = 2;
	for (unsigned epoch = 20; epoch < 40; epoch++) {
		if (epoch == 30) {
			l.known_units.unit[l.known_units.n++] = d->item[2].unit;
			unit_list_seal(&l.known_units);
		}
		flux(7, epoch);
		flux(8, epoch);
		close_epoch(EPOCH);
		struct features f;
		struct ruling r;
		detect_window(detector, st, d, WINDOW_1H, now, &f, &r);
		assert_int_equal(r.known_units, epoch < 30 ? 0 : 3);
		assert_false(r.known);
	}
	struct ruling ruling;
	const struct verdict *v = verdict_of(7);
	rules_apply(&config, &v->features, &ruling);
	double surer = ruling.confidence + KNOWN_CONFIDENCE;
	assert_true(fabs(v->confidence - (surer < 1 ? surer : 1)) < 1e-9);
	assert_true(v->score == ruling.score && v->suspected == ruling.suspected);
	assert_true(verdict_of(8)->score >= score && confidence <= 1);
	/* A saved state tells it, too. */
	assert_ptr_equal(lists_spelled((const uint8_t *)"known", 5), reason_of(v, "known")->code);
	assert_non_null(lists_spelled((const uint8_t *)"known_addresses", 15));
	assert_null(lists_spelled((const uint8_t *)"know", 4));
}

/* Few addresses that stay: whatever others say of them. */
static void it_convicts_nobody(void **state)
{
	static uint64_t hash[1], unit[64];
	struct name_lists l = {.known = {.key = {1, 2}, .room = 1, .hash = hash},
		.known_units = {.room = 64, .unit = unit}};
	struct ruling r = {.class = FLUX_NONE};
	uint8_t name[6];

	(void)state;
	flux_until_flagged(7, 0);
	const struct domain *d = store_find(st, test_key(7));
	l.known.hash[l.known.n++] = hash_bytes(name, test_name(7, name), l.known.key);
	for (unsigned i = 0; i < d->items; i++)
		l.known_units.unit[l.known_units.n++] = d->item[i].unit;
	unit_list_seal(&l.known_units);
	lists_rule(&l, d, &r);
	assert_int_equal(r.class, FLUX_NONE);
	assert_false(r.known || r.known_units || r.confidence > 0 || r.suspected);
	/* And where a rule is met, no more than confidence changes. */
	struct ruling met = {
		.class = FLUX_SINGLE, .suspected = true, .score = 50, .confidence = 0.3};
	lists_rule(&l, d, &met);
	assert_true(met.known && met.known_units == d->items);
	assert_true(met.suspected && met.score == 50 && met.class == FLUX_SINGLE);
	assert_true(fabs(met.confidence - 0.45) < 1e-9);
	met.confidence = 0.95;
	lists_rule(&l, d, &met);
	assert_true(met.confidence == 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(plain_lists_are_read, setup, teardown),
		cmocka_unit_test_setup_teardown(zones_are_read, setup, teardown),
		cmocka_unit_test_setup_teardown(bundles_are_read, setup, teardown),
		cmocka_unit_test_setup_teardown(what_is_no_import_is_refused, setup, teardown),
		cmocka_unit_test_setup_teardown(files_are_one_list, setup, teardown),
		cmocka_unit_test_setup_teardown(a_known_domain_has_its_reason, setup, teardown),
		cmocka_unit_test_setup_teardown(it_convicts_nobody, setup, teardown),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
