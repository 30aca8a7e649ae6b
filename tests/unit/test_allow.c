/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The allow-list: what is on it and below it, its file, its bounds, and readers beside a
 * writer.
 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "config/file.h"
#include "export/acks.h"
#include "export/allow.h"
#include "export/gate.h"
#include "tests/unit/round_trip.h"

static char folder[64], path[80], err[ERROR_LINE_MAX];

static int setup(void **state)
{
	(void)state;
	snprintf(folder, sizeof(folder), "/tmp/fluxgate-allow.XXXXXX");
	if (!mkdtemp(folder))
		return -1;
	snprintf(path, sizeof(path), "%s/allow.json", folder);
	return 0;
}

static int teardown(void **state)
{
	static const char *const ends[] = {"", ".tmp", ".lock"};
	char name[96];

	(void)state;
	for (unsigned i = 0; i < 3; i++) {
		snprintf(name, sizeof(name), "%s%s", path, ends[i]);
		unlink(name);
	}
	return rmdir(folder);
}

static struct dns_name name_of(const char *text)
{
	struct dns_name name;

	assert_int_equal(dns_name_parse(text, &name), 0);
	return name;
}

static bool has(const struct allow *a, const char *text)
{
	struct dns_name name = name_of(text);

	return allow_has(a, &name);
}

static bool below(const struct allow *a, const char *text)
{
	struct dns_name name = name_of(text);

	return allow_below(a, &name);
}

static int add(struct allow *a, const char *text)
{
	struct dns_name name = name_of(text);

	return allow_add(a, &name, &(struct note){.when = 1000000000, .who = "ops", .text = "why"});
}

static int take_off(struct allow *a, const char *text)
{
	struct dns_name name = name_of(text);

	return allow_remove(a, &name);
}

static struct allow *open_at(const char *at)
{
	struct allow *a;

	assert_int_equal(allow_open(&a, at, err), 0);
	return a;
}

static json_t *page_of(const struct allow *a, const char *cursor)
{
	json_t *page = NULL;

	assert_int_equal(allow_page(a, cursor, 10, &page), 0);
	return page;
}

static void file_put(const char *text)
{
	assert_int_equal(file_replace(path, text, strlen(text), 0600), 0);
}

static void test_names(void **state)
{
	struct allow *a = open_at("");
	uint32_t start = allow_generation(a);

	(void)state;
	assert_false(has(NULL, "example.com"));
	assert_false(has(a, "example.com"));
	assert_int_equal(add(a, "Example.COM"), 0);
	assert_int_equal(add(a, "example.com."), -EEXIST);
	assert_true(below(a, "example.com") && below(a, "com"));
	assert_false(below(a, "www.example.com") || below(a, "ample.com") || below(NULL, "com"));
	assert_int_equal(add(a, "."), -EINVAL);
	assert_true(has(a, "example.com"));
	assert_true(has(a, "a.b.EXAMPLE.com"));
	assert_false(has(a, "com"));
	assert_false(has(a, "notexample.com"));
	assert_false(has(a, "example.com.evil.net"));
	/* A dot within a label is none between labels. */
	assert_false(has(a, "evil\\046example.com"));
	assert_false(has(a, "."));
	assert_int_equal(allow_generation(a), start + 1);
	assert_int_equal(take_off(a, "www.example.com"), -ENOENT);
	assert_int_equal(take_off(a, "example.com"), 0);
	assert_int_equal(take_off(a, "example.com"), -ENOENT);
	assert_false(has(a, "example.com"));
	assert_int_equal(allow_generation(a), start + 2);
	allow_close(a);
}

/* As by looking at each entry; octets below and above a dot beside it. */
static void test_below(void **state)
{
	static const char *const names[] = {"a.b.com", "b.com", "xb.com", "a-b.com", "a.x.net",
		"a-x.net", "zx.net", "x.y.org", "a\\033b.org", "only.deep.er.info"};
	static const struct {
		const char *name;
		bool below;
	} cases[] = {{"com", true}, {"b.com", true}, {"a.b.com", true}, {"x.a.b.com", false},
		{"x.net", true}, {"net", true}, {"y.org", true}, {"org", true}, {"b.org", false},
		{"om", false}, {"et", false}, {"r.info", false}, {"er.info", true},
		{"deep.er.info", true}, {"eep.er.info", false}, {"zz", false}};
	struct allow *a = open_at("");

	(void)state;
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		assert_int_equal(add(a, names[i]), 0);
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		assert_int_equal(below(a, cases[i].name), cases[i].below);
	assert_int_equal(take_off(a, "a.x.net"), 0);
	assert_false(below(a, "x.net"));
	assert_true(below(a, "net"));
	allow_close(a);
}

static void test_file(void **state)
{
	struct dns_name odd = name_of("b\\\"\\<.net");
	struct allow *a = open_at(path), *other;

	(void)state;
	assert_int_equal(allow_open(&other, path, err), -EWOULDBLOCK);
	assert_non_null(strstr(err, "another sensor"));
	assert_null(other);
	assert_int_equal(add(a, "c.org"), 0);
	assert_int_equal(add(a, "a.com"), 0);
	assert_int_equal(
		allow_add(a, &odd,
			&(struct note){
				.when = 1700000000, .who = "ops", .text = "caf\xc3\xa9 \"x\""}),
		0);
	assert_int_equal(take_off(a, "c.org"), 0);
	json_t *before = page_of(a, NULL);
	allow_close(a);
	a = open_at(path);
	json_t *after = round_trip("allow", page_of(a, NULL));
	assert_true(json_equal(before, after));
	assert_int_equal(allow_count(a), 2);
	assert_string_equal(json_string_value(json_object_get(
				    json_array_get(json_object_get(after, "entries"), 1), "when")),
		"2023-11-14T22:13:20Z");
	json_decref(before);
	json_decref(after);
	/* The folder is gone: nothing changes. */
	char moved[80];
	snprintf(moved, sizeof(moved), "%s.away", folder);
	assert_int_equal(rename(folder, moved), 0);
	assert_int_equal(add(a, "d.org"), -ENOENT);
	assert_int_equal(take_off(a, "a.com"), -ENOENT);
	assert_false(has(a, "d.org"));
	assert_true(has(a, "a.com"));
	assert_int_equal(rename(moved, folder), 0);
	assert_int_equal(add(a, "d.org"), 0);
	allow_close(a);
}

static void test_by_hand(void **state)
{
	struct allow *a;

	(void)state;
	file_put("{\"schema_version\": 1, \"entries\": [{\"name\": \"z.com\"}, {\"name\": "
		 "\"A.com\", \"reason\": \"r\"}, {\"name\": \"z.com\"}]}");
	a = open_at(path);
	json_t *page = page_of(a, NULL);
	json_t *expected =
		json_loads("{\"schema_version\":1,\"total\":2,\"next_cursor\":null,\"entries\":[{"
			   "\"name\":\"a.com\","
			   "\"reason\":\"r\","
			   "\"who\":\"config\",\"when\":null},{\"name\":\"z.com\",\"reason\":\"\","
			   "\"who\":\"config\",\"when\":null}]}",
			0, NULL);
	assert_true(json_equal(page, expected));
	json_decref(page);
	json_decref(expected);
	allow_close(a);
}

/* What is no list is refused with the file's name, and stays as it is. */
static void test_refused(void **state)
{
	static const struct {
		const char *text, *why;
	} bad[] = {
		{"", "allow: "},
		{"[]", "object"},
		{"{\"schema_version\": 1}", "entries"},
		{"{\"schema_version\": 2, \"entries\": []}", "schema_version 1"},
		{"{\"schema_version\": 1, \"entries\": {}}", "entries"},
		{"{\"schema_version\": 1, \"entries\": [{}]}", "name"},
		{"{\"schema_version\": 1, \"entries\": [{\"name\": \"a..b\"}]}", "no domain name"},
		{"{\"schema_version\": 1, \"entries\": [{\"name\": \".\"}]}", "no domain name"},
		{"{\"schema_version\": 1, \"entries\": [{\"name\": \"a.b\", \"x\": 1}]}", "x"},
		{"{\"schema_version\": 1, \"entries\": [], \"x\": 1}", "x"},
	};
	struct allow *a;

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		file_put(bad[i].text);
		assert_int_equal(allow_open(&a, path, err), -EINVAL);
		assert_null(a);
		assert_non_null(strstr(err, path));
		assert_non_null(strstr(err, bad[i].why));
		assert_null(strchr(err, '\n'));
	}
	assert_int_equal(allow_open(&a, "/nowhere/at/all", err), -ENOENT);
}

static void test_pages(void **state)
{
	struct allow *a = open_at("");
	char name[32], cursor[32] = "";
	json_t *page;
	unsigned seen = 0;

	(void)state;
	for (unsigned i = 0; i < 25; i++) {
		snprintf(name, sizeof(name), "d%02u.com", i * 7 % 25);
		assert_int_equal(add(a, name), 0);
	}
	do {
		json_t *entry;
		size_t i;

		page = page_of(a, cursor[0] ? cursor : NULL);
		json_array_foreach(json_object_get(page, "entries"), i, entry)
		{
			snprintf(name, sizeof(name), "d%02u.com", seen++);
			assert_string_equal(
				json_string_value(json_object_get(entry, "name")), name);
		}
		const char *next = json_string_value(json_object_get(page, "next_cursor"));
		if (next)
			snprintf(cursor, sizeof(cursor), "%s", next);
		json_decref(page);
		if (!next)
			break;
	} while (seen < 100);
	assert_int_equal(seen, 25);
	assert_int_equal(allow_page(a, "", 10, &page), -EINVAL);
	assert_int_equal(allow_page(a, "0123456789abcdeg", 10, &page), -EINVAL);
	memcpy(cursor + 8, "000000ff", 8);
	assert_int_equal(allow_page(a, cursor, 10, &page), -EINVAL);
	memcpy(cursor + 8, "00000001", 8);
	assert_int_equal(allow_page(a, cursor, 10, &page), 0);
	json_decref(page);
	assert_int_equal(add(a, "z.com"), 0);
	assert_int_equal(allow_page(a, cursor, 10, &page), -ESTALE);
	allow_close(a);
}

static void test_full(void **state)
{
	struct allow *a;
	FILE *f = fopen(path, "w");

	(void)state;
	fputs("{\"schema_version\": 1, \"entries\": [{\"name\": \"x0.com\"}", f);
	for (unsigned i = 1; i < ALLOW_MAX; i++)
		fprintf(f, ", {\"name\": \"x%u.com\"}", i);
	fputs("]}", f);
	fclose(f);
	a = open_at(path);
	assert_int_equal(allow_count(a), ALLOW_MAX);
	assert_int_equal(add(a, "one-more.com"), -ENOSPC);
	assert_int_equal(take_off(a, "x17.com"), 0);
	assert_int_equal(add(a, "one-more.com"), 0);
	assert_true(has(a, "w.one-more.com"));
	assert_false(has(a, "x17.com"));
	assert_true(has(a, "x65535.com"));
	/* A gate asks for each flagged domain: a full list is no reason to be slow. */
	struct dns_name none = name_of("none.example");
	clock_t start = clock();
	for (unsigned i = 0; i < GATE_ADDITIONS_MAX; i++)
		assert_false(allow_below(a, &none));
	assert_true(clock() - start < 2 * CLOCKS_PER_SEC);
	allow_close(a);
}

/* An acknowledgement is for a verdict, and ends with it. */
static void test_acks(void **state)
{
	struct dns_name name = name_of("flux.example");
	struct verdict v = {.name_len = name.len, .first_flagged = 1000};
	struct note note = {.when = 1500, .who = "ops", .text = "first"}, got;
	struct acks *acks;

	(void)state;
	memcpy(v.name, name.wire, name.len);
	assert_int_equal(acks_open(&acks, path, err), 0);
	assert_false(acks_find(acks, &v, &got));
	assert_int_equal(acks_put(acks, &name, &note), 0);
	assert_true(acks_find(acks, &v, &got));
	assert_string_equal(got.text, "first");
	note.when = 1600;
	snprintf(note.text, sizeof(note.text), "second");
	assert_int_equal(acks_put(acks, &name, &note), 0);
	acks_close(acks);
	assert_int_equal(acks_open(&acks, path, err), 0);
	assert_true(acks_find(acks, &v, &got));
	assert_string_equal(got.text, "second");
	assert_int_equal(got.when, 1600);
	v.first_flagged = 1601;
	assert_false(acks_find(acks, &v, &got));
	assert_false(acks_find(NULL, &v, &got));
	acks_close(acks);
}

struct readers {
	struct allow *allow;
	_Atomic bool stop;
	_Atomic unsigned wrong, reads;
};

static void *read_on(void *arg)
{
	struct readers *r = arg;
	struct dns_name stays = name_of("www.stays.com"), never = name_of("never.com"),
			moves = name_of("moves.com");

	while (!atomic_load(&r->stop)) {
		r->wrong += !allow_has(r->allow, &stays) + allow_has(r->allow, &never);
		r->reads += 1 + allow_has(r->allow, &moves);
		json_t *page = page_of(r->allow, NULL);
		r->wrong += json_integer_value(json_object_get(page, "total")) !=
			    (json_int_t)json_array_size(json_object_get(page, "entries"));
		json_decref(page);
	}
	return NULL;
}

static void test_threads(void **state)
{
	struct readers r = {.allow = open_at(path)};
	pthread_t thread[3];

	(void)state;
	assert_int_equal(add(r.allow, "stays.com"), 0);
	for (unsigned i = 0; i < 3; i++)
		assert_int_equal(pthread_create(&thread[i], NULL, read_on, &r), 0);
	for (unsigned i = 0; i < 100; i++) {
		assert_int_equal(add(r.allow, "moves.com"), 0);
		assert_int_equal(take_off(r.allow, "moves.com"), 0);
	}
	atomic_store(&r.stop, true);
	for (unsigned i = 0; i < 3; i++)
		pthread_join(thread[i], NULL);
	assert_int_equal(r.wrong, 0);
	assert_true(r.reads > 0);
	allow_close(r.allow);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_names, setup, teardown),
		cmocka_unit_test_setup_teardown(test_below, setup, teardown),
		cmocka_unit_test_setup_teardown(test_file, setup, teardown),
		cmocka_unit_test_setup_teardown(test_by_hand, setup, teardown),
		cmocka_unit_test_setup_teardown(test_refused, setup, teardown),
		cmocka_unit_test_setup_teardown(test_pages, setup, teardown),
		cmocka_unit_test_setup_teardown(test_full, setup, teardown),
		cmocka_unit_test_setup_teardown(test_acks, setup, teardown),
		cmocka_unit_test_setup_teardown(test_threads, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
