/* SPDX-License-Identifier: BSD-3-Clause */

/* What each path answers, asked of a real server. */

#include "http_client.h"

static void all_routes(void **state)
{
	(void)state;
	char value[256];
	struct reply r = ask("/api/v1/status");
	json_t *t = body_json(&r);

	assert_string_equal(text_at(t, "vantage"), about.vantage);
	assert_true(json_is_true(at(t, "ready")));
	assert_true(count_at(t, "uptime_seconds") < 60);
	json_decref(t);
	assert_string_equal(field(&r, "Content-Type", value), "application/json");
	expect(r, 200);
	r = ask("/api/v1/stats");
	t = body_json(&r);
	assert_int_equal(count_at(t, "accounting/rx/received"), 1000);
	json_decref(t);
	expect(r, 200);
	r = ask("/api/v1/domains");
	t = body_json(&r);
	assert_int_equal(json_array_size(at(t, "domains")), VERDICTS);
	json_decref(t);
	expect(r, 200);
	r = ask("/metrics");
	assert_string_equal(
		field(&r, "Content-Type", value), "text/plain; version=0.0.4; charset=utf-8");
	assert_non_null(strstr(r.body, "\nfluxgate_received_packets_total 1000\n"));
	expect(r, 200);
	expect(ask("/livez"), 200);
	expect(ask("/readyz"), 200);
	expect(ask("/index.html"), 404);
	expect(ask("/api/v1/domain"), 404);
	expect(ask("/livez/"), 404);
	expect(ask("/livez%00"), 404);
}

static void one_domain(void **state)
{
	(void)state;
	static const char *const same[] = {"flux-0007.example", "FLUX-0007.Example.",
		"%66lux-0007%2eexample", "%5C102lux-0007.example"};

	for (unsigned i = 0; i < 4; i++) {
		char target[128];

		snprintf(target, sizeof(target), "/api/v1/domains/%s", same[i]);
		struct reply r = ask(target);
		json_t *t = body_json(&r);
		assert_string_equal(text_at(t, "domain"), "flux-0007.example");
		json_decref(t);
		expect(r, 200);
	}
	expect(ask("/api/v1/domains/www.flux-0007.example"), 404);
	expect(ask("/api/v1/domains/flux-0007.exampl"), 404);
	expect(ask("/api/v1/domains/."), 404);
	expect(ask("/api/v1/domains/%C3%A9.example"), 404);
	static const char *const bad[] = {"", "a..b", "a%2", "a%zz", "a%00b", "a%5C999", "%5C"};
	for (unsigned i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		char target[128];

		snprintf(target, sizeof(target), "/api/v1/domains/%s", bad[i]);
		expect(ask(target), 400);
	}
	char target[2000] = "/api/v1/domains/";
	for (unsigned i = 0; i < 400; i++)
		strcat(target, "a.");
	expect(ask(target), 400);
}

/* Every octet as part of a flagged name can be asked for in the form that the list shows. */
static void every_octet_can_be_asked_for(void **state)
{
	(void)state;
	struct snapshot *s = sample_snapshot(256);

	for (unsigned c = 0; c < 256; c++) {
		uint8_t octet = (uint8_t)(c >= 'A' && c <= 'Z' ? c | 0x20 : c);
		uint8_t wire[] = {2, 'x', octet, 3, 'c', 'o', 'm', 0};

		memcpy(s->verdict[c].name, wire, sizeof(wire));
		s->verdict[c].name_len = sizeof(wire);
	}
	snapshot_publish(board, s);

	struct reply r = ask("/api/v1/domains?limit=256");
	json_t *list = body_json(&r), *d;
	size_t i;

	expect(r, 200);
	assert_int_equal(json_array_size(at(list, "domains")), 256);
	json_array_foreach(at(list, "domains"), i, d)
	{
		char target[256] = "/api/v1/domains/";
		for (const char *p = text_at(d, "domain"); *p; p++) {
			char escaped[4] = {*p, 0};
			if (*p == '\\')
				strcpy(escaped, "%5C");
			strcat(target, escaped);
		}
		r = ask(target);
		json_t *t = body_json(&r);
		assert_string_equal(text_at(t, "domain"), text_at(d, "domain"));
		json_decref(t);
		expect(r, 200);
	}
	json_decref(list);
}

static void pages_and_filters(void **state)
{
	(void)state;
	char target[256], cursor[64];
	struct reply r =
		ask("/api/v1/domains?limit=20&class=single_flux&suspected=false&own=false");
	json_t *t = body_json(&r);

	assert_int_equal(count_at(t, "matched"), 16);
	json_decref(t);
	expect(r, 200);
	r = ask("/api/v1/domains?limit=5000&min_score=98.05&window=1h");
	t = body_json(&r);
	assert_int_equal(count_at(t, "limit"), 1000);
	assert_int_equal(count_at(t, "matched"), 10);
	json_decref(t);
	expect(r, 200);
	r = ask("/api/v1/domains?name=FLUX-000%2A&sort=addresses");
	expect(r, 200);
	r = ask("/api/v1/domains?name=*000.Example&sort=last_seen");
	t = body_json(&r);
	assert_int_equal(count_at(t, "matched"), 1);
	json_decref(t);
	expect(r, 200);
	r = ask("/api/v1/domains?campaign=00000000000000ff");
	t = body_json(&r);
	assert_int_equal(count_at(t, "matched"), 0);
	json_decref(t);
	expect(r, 200);
	r = ask("/api/v1/domains?limit=20");
	t = body_json(&r);
	snprintf(cursor, sizeof(cursor), "%s", text_at(t, "next_cursor"));
	json_decref(t);
	expect(r, 200);
	snprintf(target, sizeof(target), "/api/v1/domains?cursor=%s", cursor);
	r = ask(target);
	t = body_json(&r);
	assert_int_equal(json_array_size(at(t, "domains")), VERDICTS - 20);
	json_decref(t);
	expect(r, 200);
	strcat(target, "&class=single_flux");
	expect(ask(target), 400);
	snprintf(target, sizeof(target), "/api/v1/domains?cursor=%s&sort=addresses", cursor);
	expect(ask(target), 400);

	struct snapshot *next = sample_snapshot(VERDICTS);
	next->generation++;
	snapshot_publish(board, next);
	snprintf(target, sizeof(target), "/api/v1/domains?cursor=%s", cursor);
	expect(ask(target), 410);
}

static void bad_parameters(void **state)
{
	(void)state;
	static const char *const bad[] = {"class=none", "class=", "class", "class=SINGLE_FLUX",
		"min_score=101", "min_score=100.001", "min_score=-1", "min_score=1e1",
		"min_score=1.", "min_score=nan", "window=8d", "suspected=yes", "own=1", "limit=0",
		"limit=-5", "limit=9999999999", "cursor=abc", "nonsense=1", "limit=1&limit=2",
		"limit=%00", "limit=%3", "a&b&c&d&e&f&g&h&i&j&k&l&m&n&o&p&q", "name=", "name=*",
		"name=%20", "campaign=0000000000000000", "campaign=1", "campaign=76BDEB4F4E31B261",
		"sort=name", "sort=", "class=%22%3Cscript%3E"};

	for (unsigned i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		char target[256];

		snprintf(target, sizeof(target), "/api/v1/domains?%s", bad[i]);
		expect(ask(target), 400);
	}
}

static void events_in_pages(void **state)
{
	(void)state;
	uint64_t seen = 0, since = 0;
	char target[64];

	for (unsigned i = 0; i < 5; i++) {
		snprintf(target, sizeof(target), "/api/v1/events?since=%lu&limit=3", since);
		struct reply r = ask(target);
		json_t *t = body_json(&r);
		seen += json_array_size(at(t, "events"));
		since = count_at(t, "next_since");
		json_decref(t);
		expect(r, 200);
	}
	assert_int_equal(seen, 2 * EVENT_KIND_COUNT);
	expect(ask("/api/v1/events"), 200);
	expect(ask("/api/v1/events?since=11"), 410);
	expect(ask("/api/v1/events?since=9999999999999999"), 410);
	static const char *const bad[] = {"since=", "since", "since=-1", "since=x",
		"since=1&since=1", "since=99999999999999999", "limit=0", "class=vps_flux",
		"since=%zz"};
	for (unsigned i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		snprintf(target, sizeof(target), "/api/v1/events?%s", bad[i]);
		expect(ask(target), 400);
	}
	expect(ask("/api/v1/events/"), 404);
}

static void only_reading(void **state)
{
	(void)state;
	static const char *const methods[] = {"POST", "PUT", "DELETE", "OPTIONS", "PATCH", "TRACE"};
	char value[256];

	for (unsigned i = 0; i < sizeof(methods) / sizeof(*methods); i++) {
		struct reply r = ask_with(methods[i], "/api/v1/stats", "Host: 127.0.0.1\r\n");
		assert_string_equal(field(&r, "Allow", value), "GET, HEAD");
		expect(r, 405);
	}
	expect(ask_raw("POST /livez HTTP/1.1\r\nHost: localhost\r\nContent-Length: 9\r\n"
		       "Connection: close\r\n\r\n123456789"),
		405);

	struct reply get = ask("/api/v1/domains");
	struct reply head = ask_with("HEAD", "/api/v1/domains", "Host: 127.0.0.1\r\n");
	char length[256];
	assert_string_equal(head.body, "");
	assert_string_equal(
		field(&head, "Content-Length", value), field(&get, "Content-Length", length));
	assert_int_equal(atoi(length), strlen(get.body));
	expect(get, 200);
	expect(head, 200);
}

static void host_is_checked(void **state)
{
	(void)state;
	static const char *const good[] = {
		"127.0.0.1", "127.0.0.1:8080", "localhost", "LOCALHOST:1"};
	static const char *const bad[] = {"evil.example", "127.0.0.1.evil.example",
		"127.0.0.1:evil.example", "localhost:", "localhost.evil.example", "[::1]",
		"127.0.0.2", ""};
	char fields[256];

	for (unsigned i = 0; i < sizeof(good) / sizeof(*good); i++) {
		snprintf(fields, sizeof(fields), "Host: %s\r\n", good[i]);
		expect(ask_with("GET", "/api/v1/stats", fields), 200);
	}
	for (unsigned i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		snprintf(fields, sizeof(fields), "Host: %s\r\n", bad[i]);
		expect(ask_with("GET", "/api/v1/stats", fields), 421);
	}
	expect(ask_with("GET", "/livez", "Host: localhost\r\nHost: evil.example\r\n"), 421);
	expect(ask_with("GET", "/livez", "Host: evil.example\r\nHost: localhost\r\n"), 421);
	struct reply r = ask_with("GET", "/livez", ""); /* the library answers this one itself */
	assert_true(r.status == 400 || r.status == 421);
	free(r.head);
}

static void entity_tags(void **state)
{
	(void)state;
	char tag[256], fields[512], other[256];
	struct reply r = ask("/api/v1/stats");

	field(&r, "ETag", tag);
	assert_int_equal(tag[0], '"');
	expect(r, 200);
	static const char *const matching[] = {"%s", "W/%s", "\"x\", %s", "*"};
	static const char *const paths[] = {
		"/api/v1/stats", "/api/v1/domains?limit=3", "/api/v1/domains/flux-0001.example"};
	for (unsigned i = 0; i < 4; i++) {
		char list[300];

		const char *hole = strstr(matching[i], "%s");
		snprintf(list, sizeof(list), "%.*s%s", hole ? (int)(hole - matching[i]) : 1,
			matching[i], hole ? tag : "");
		snprintf(fields, sizeof(fields), "Host: localhost\r\nIf-None-Match: %s\r\n", list);
		for (unsigned k = 0; k < 3; k++) {
			r = ask_with("GET", paths[k], fields);
			assert_string_equal(r.body, "");
			assert_string_equal(field(&r, "ETag", other), tag);
			expect(r, 304);
		}
	}
	expect(ask_with("GET", "/api/v1/stats", "Host: localhost\r\nIf-None-Match: \"0-0\"\r\n"),
		200);
	/* An error is not the thing that the client has. */
	expect(ask_with("GET", "/api/v1/domains/none.example", fields), 404);

	struct snapshot *next = sample_snapshot(VERDICTS);
	next->generation++;
	snapshot_publish(board, next);
	snprintf(fields, sizeof(fields), "Host: localhost\r\nIf-None-Match: %s\r\n", tag);
	r = ask_with("GET", "/api/v1/stats", fields);
	assert_string_not_equal(field(&r, "ETag", other), tag);
	expect(r, 200);
}

/* A file of the tree, octet for octet, until it is another one. */
static void embedded_file_is_served(void **state)
{
	(void)state;
	char tag[256], value[256], fields[512];
	struct reply r = ask("/api/v1/openapi.json");
	json_t *tree = json_loads(r.body, JSON_REJECT_DUPLICATES, NULL);

	assert_int_equal(strncmp(text_at(tree, "openapi"), "3.1", 3), 0);
	json_decref(tree);
	assert_string_equal(field(&r, "Content-Type", value), "application/json");
	assert_true(*field(&r, "ETag", tag));
	expect(r, 200);
	snprintf(fields, sizeof(fields), "Host: localhost\r\nIf-None-Match: %s\r\n", tag);
	r = ask_with("GET", "/api/v1/openapi.json", fields);
	assert_string_equal(r.body, "");
	expect(r, 304);
}

/* The dashboard, which runs nothing but what stands in it. */
static void page_is_served(void **state)
{
	(void)state;
	char tag[256], fields[512], value[256];
	struct reply r = ask("/");

	assert_string_equal(field(&r, "Content-Type", value), "text/html; charset=utf-8");
	assert_true(*field(&r, "ETag", tag));
	assert_non_null(
		strstr(r.head, "Content-Security-Policy: default-src 'none'; script-src 'sha256-"));
	assert_non_null(strstr(r.head, "frame-ancestors 'none'"));
	assert_null(strstr(r.head, "unsafe"));
	assert_non_null(strstr(r.body, "</html>"));
	expect(r, 200);
	snprintf(fields, sizeof(fields), "Host: localhost\r\nIf-None-Match: %s\r\n", tag);
	expect(ask_with("GET", "/", fields), 304);
	r = ask("/api/v1/status");
	assert_null(strstr(r.head, "Content-Security-Policy"));
	expect(r, 200);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(all_routes, setup_board, teardown),
		cmocka_unit_test_setup_teardown(one_domain, setup_board, teardown),
		cmocka_unit_test_setup_teardown(
			every_octet_can_be_asked_for, setup_board, teardown),
		cmocka_unit_test_setup_teardown(pages_and_filters, setup_board, teardown),
		cmocka_unit_test_setup_teardown(bad_parameters, setup_board, teardown),
		cmocka_unit_test_setup_teardown(events_in_pages, setup_board, teardown),
		cmocka_unit_test_setup_teardown(only_reading, setup_board, teardown),
		cmocka_unit_test_setup_teardown(host_is_checked, setup_board, teardown),
		cmocka_unit_test_setup_teardown(entity_tags, setup_board, teardown),
		cmocka_unit_test_setup_teardown(embedded_file_is_served, setup_board, teardown),
		cmocka_unit_test_setup_teardown(page_is_served, setup_board, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
