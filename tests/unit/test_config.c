/* SPDX-License-Identifier: BSD-3-Clause */

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

#include "config/config.h"
#include "config/file.h"
#include "config/listen.h"
#include "config/model.h"
#include "config_reference.h"

#define TEXT_MAX 4096

static char err[ERROR_LINE_MAX];

static int parse(struct config *c, const char *text)
{
	err[0] = '\0';
	config_defaults(c);
	return config_parse(c, text, strlen(text), "test.json", err);
}

/* The text is refused, with exactly this behind the file's name. */
static void assert_refused(const char *text, const char *line)
{
	struct config c;
	char expected[ERROR_LINE_MAX];

	snprintf(expected, sizeof(expected), "configuration: test.json: %s", line);
	assert_int_equal(parse(&c, text), -EINVAL);
	assert_string_equal(err, expected);
}

/* {"a":{"b":VALUE}} for the path "a.b"; an element's key is put beside a device. */
static void nest(const char *path, bool element, const char *value, char *out)
{
	const char *dot;
	unsigned depth = 0;

	if (!element)
		out += sprintf(out, "{");
	else if (strcmp(path, "device") == 0)
		out += sprintf(out, "{\"ports\":[{");
	else
		out += sprintf(out, "{\"ports\":[{\"device\":\"net_null0\",");
	for (; (dot = strchr(path, '.')); path = dot + 1, depth++)
		out += sprintf(out, "\"%.*s\":{", (int)(dot - path), path);
	out += sprintf(out, "\"%s\":%s", path, value);
	while (depth--)
		*out++ = '}';
	strcpy(out, element ? "}]}" : "}");
}

static void row_accepts(const struct config_row *row, bool element, double value)
{
	char text[TEXT_MAX], number[64];
	struct config c;

	snprintf(number, sizeof(number), "%.17g", value);
	nest(row->path, element, number, text);
	if (parse(&c, text) != 0)
		fail_msg("%s: %s", text, err);

	json_t *root = config_json(&c), *at = root;
	if (element)
		at = json_array_get(json_object_get(root, "ports"), 0);
	assert_true(json_number_value(default_of(at, row->path)) == value);
	json_decref(root);
}

static void row_refuses(
	const struct config_row *row, bool element, const char *value, const char *why)
{
	char text[TEXT_MAX];
	struct config c;

	nest(row->path, element, value, text);
	if (parse(&c, text) != -EINVAL)
		fail_msg("%s was accepted", text);
	if (!strstr(err, row->path) || !strstr(err, why))
		fail_msg("%s: \"%s\" does not say \"%s\"", text, err, why);
}

static void row_check_number(const struct config_row *row, bool element)
{
	char value[64], range[96];

	row_accepts(row, element, row->min);
	row_accepts(row, element, row->max);
	snprintf(range, sizeof(range), "not within %.15g..%.15g", row->min, row->max);
	snprintf(value, sizeof(value), "%.15g", row->min - 1);
	row_refuses(row, element, value, range);
	snprintf(value, sizeof(value), "%.15g", row->max + 1);
	row_refuses(row, element, value, range);
	row_refuses(row, element, "\"1\"", "got a string");
	row_refuses(row, element, "null", "got null");
	if (row->kind != CONFIG_DOUBLE)
		row_refuses(row, element, "100.0", "got a fraction");
	if (row->kind == CONFIG_POWER)
		row_refuses(row, element, "1025", "not a power of two");
}

static void row_check_text(const struct config_row *row, bool element)
{
	char value[TEXT_MAX];

	row_refuses(row, element, "5", "expected a string, got an integer");
	row_refuses(row, element, "\"a\\nb\"", "control character");
	memset(value, 'a', sizeof(value));
	value[0] = value[row->size + 1] = '"';
	value[row->size + 2] = '\0';
	row_refuses(row, element, value, "octets long");
}

/* What an entry must be is the row's own; how many there may be is said before that. */
static void row_check_list(const struct config_row *row, bool element)
{
	char value[TEXT_MAX], entries[96], *at = value;

	row_refuses(row, element, "{}", "expected a list, got an object");
	row_refuses(row, element, "[[]]", "got a list");
	for (unsigned i = 0; i <= row->max; i++)
		at += sprintf(at, "%c\"a\"", i ? ',' : '[');
	strcpy(at, "]");
	snprintf(entries, sizeof(entries), "%.0f entries, allowed are", row->max + 1);
	row_refuses(row, element, value, entries);
	if (row->min > 0)
		row_refuses(row, element, "[]", "0 entries, allowed are");
	if (row->wrong && row->wrong("a"))
		row_refuses(row, element, "[\"a\"]", row->wrong("a"));
}

static void row_check(const struct config_row *row, bool element)
{
	switch (row->kind) {
	case CONFIG_UINT:
	case CONFIG_DOUBLE:
	case CONFIG_POWER:
		row_check_number(row, element);
		break;
	case CONFIG_TEXT:
		row_check_text(row, element);
		break;
	case CONFIG_BOOL:
		row_refuses(row, element, "1", "expected true or false, got an integer");
		break;
	case CONFIG_CHOICE:
		row_refuses(row, element, "\"nothing\"", "expected one of ");
		row_refuses(row, element, "1", "expected one of ");
		break;
	default:
		row_check_list(row, element);
	}
}

/* Every row, at and beyond both ends of its range, and with values of other types. */
static void test_rows(void **state)
{
	const struct config_row *row;
	size_t n = 0;

	(void)state;
	for (; (row = config_row_at(&config_table, n)); n++) {
		row_check(row, false);
		for (size_t i = 0; row->element && i < row->element->count; i++)
			row_check(&row->element->rows[i], true);
	}
	assert_true(n > 40);
}

/* Each threshold of the detector, all of them doubles, is a key. */
static void test_thresholds(void **state)
{
	const size_t first = offsetof(struct config, detect);
	const struct config_row *row;

	(void)state;
	for (size_t at = 0; at < sizeof(struct detect_config); at += sizeof(double)) {
		size_t i = 0;

		while ((row = config_row_at(&config_table, i)) && row->offset != first + at)
			i++;
		if (!row)
			fail_msg("threshold %zu of struct detect_config has no row", at / 8);
		assert_int_equal(row->kind, CONFIG_DOUBLE);
		assert_int_equal(strncmp(row->path, "detect.", 7), 0);
	}
}

static void test_unknown_keys(void **state)
{
	(void)state;
	assert_refused("{\"detect\":{\"max_tl\":5}}",
		"detect.max_tl: unknown key; did you mean \"detect.max_ttl\"?");
	assert_refused(
		"{\"detekt\":{\"max_ttl\":5}}", "detekt: unknown key; did you mean \"detect\"?");
	assert_refused("{\"listen\":\"\"}", "listen: unknown key; did you mean \"http.listen\"?");
	assert_refused("{\"http\":{\"workers\":2}}",
		"http.workers: unknown key; did you mean \"workers\"?");
	assert_refused("{\"dnsxx\":1}", "dnsxx: unknown key; did you mean \"dns\"?");
	assert_refused("{\"quux\":1}", "quux: unknown key");
	assert_refused("{\"\":1}", "unknown key");
	assert_refused("{\"ports\":[{\"device\":\"a\"},{\"devise\":\"b\"}]}",
		"ports[1].devise: unknown key; did you mean \"device\"?");
	assert_refused("{\"ports\":[{\"dev\":\"a\"}]}",
		"ports[0].dev: unknown key; did you mean \"device\"?");
	assert_refused("{\"store\":{\"cand\":64}}",
		"store.cand: unknown key; did you mean \"store.candidates\"?");
	assert_refused("{\"ports\":[{\"de\":\"a\"}]}", "ports[0].de: unknown key");
	assert_refused("{\"ev\\nil\":1}", "ev?il: unknown key");
	/* A dotted key would be a second way to say the same. */
	assert_refused("{\"store.domains\":64}",
		"store.domains: a key holds no dot; a section is an object");
	assert_refused("{\"store\":5}", "store: expected an object");
	assert_refused("{\"workers\":{\"x\":5}}", "workers: expected an integer, got an object");
}

static void test_long_keys(void **state)
{
	char text[TEXT_MAX];
	struct config c;

	(void)state;
	memset(text, 'w', sizeof(text));
	memcpy(text, "{\"", 2);
	strcpy(text + sizeof(text) - 8, "\":1}");
	assert_int_equal(parse(&c, text), -EINVAL);
	assert_true(strlen(err) < ERROR_LINE_MAX && strstr(err, "unknown key"));
}

static void test_syntax(void **state)
{
	struct config c;

	(void)state;
	assert_int_equal(parse(&c, "{\n  \"workers\": 2,\n  \"lcores\" \"\"\n}"), -EINVAL);
	assert_non_null(strstr(err, "configuration: test.json: line 3, column 13: "));
	assert_int_equal(parse(&c, ""), -EINVAL);
	assert_non_null(strstr(err, "line 1, column 0"));
	assert_int_equal(parse(&c, "{\"workers\":1,\"workers\":2}"), -EINVAL);
	assert_non_null(strstr(err, "duplicate object key"));
	assert_int_equal(parse(&c, "{\"lcores\":\"\xff\"}"), -EINVAL);
	assert_non_null(strstr(err, "unable to decode byte 0xff"));
	assert_int_equal(parse(&c, "{} {}"), -EINVAL);
	assert_refused("[]", "expected an object at the top");
}

static void test_ports(void **state)
{
	struct config c;

	(void)state;
	assert_int_equal(parse(&c, "{\"ports\":[{\"device\":\"net_null0\"},"
				   "{\"promiscuous\":false,\"device\":\"net_null1\"}]}"),
		0);
	assert_int_equal(c.ports_count, 2);
	assert_string_equal(c.ports[0].device, "net_null0");
	assert_string_equal(c.ports[1].device, "net_null1");
	assert_true(c.ports[0].promiscuous);
	assert_false(c.ports[1].promiscuous);
	assert_int_equal(c.ports[1].rx_descriptors, 0);

	assert_refused("{\"ports\":[{\"device\":\"a\"},{\"rx_descriptors\":64}]}",
		"ports[1].device: is missing");
	assert_refused(
		"{\"ports\":[{\"device\":\"\"}]}", "ports[0].device: \"\": must not be empty");
	assert_refused("{\"ports\":[5]}", "ports[0]: expected an object, got an integer");
	assert_refused("{\"ports\":[{\"device\":\"a\",\"rx_descriptors\":32769}]}",
		"ports[0].rx_descriptors: 32769 is not within 0..32768");
	assert_refused("{\"ports\":[{\"device\":\"a\"},{\"device\":\"b\"},{\"device\":\"a\"}]}",
		"ports[2].device: a is named twice (ports[0]): name it once");
	assert_refused("{\"ports\":[{\"device\":\"net_af_packet0,iface=eth1\"},"
		       "{\"device\":\"net_af_packet0,iface=eth2\"}]}",
		"ports[1].device: net_af_packet0 is named twice (ports[0]): number them: "
		"net_af_packet1");
	assert_refused("{\"ports\":[{\"device\":\"net_af_xdp0,iface=eth1\"},"
		       "{\"device\":\"net_null0\"},"
		       "{\"device\":\"net_af_xdp1,queue_count=2,iface=eth1\"}]}",
		"ports[2].device: interface eth1 is named twice (ports[0]): name it once");
	assert_int_equal(parse(&c, "{\"ports\":[{\"device\":\"net_af_packet0,iface=eth1\"},"
				   "{\"device\":\"net_af_packet1,iface=eth10\"},"
				   "{\"device\":\"net_af_packet10,iface=eth2\"},"
				   "{\"device\":\"net_af_xdp0,iface=eth1\"},"
				   "{\"device\":\"net_pcap0,iface=eth3\"},"
				   "{\"device\":\"net_pcap1,iface=eth3\"}]}"),
		0);
	/* What stands behind a list of ports is not said to be in it. */
	assert_refused(
		"{\"ports\":[{\"device\":\"a\"}],\"workers\":0}", "workers: 0 is not within 1..32");
}

static void test_lists(void **state)
{
	struct config c;

	(void)state;
	assert_int_equal(
		parse(&c, "{\"dns\":{\"ports\":[5353,53]},\"eal\":{\"args\":[\"-v\",\"\"]}}"), 0);
	assert_int_equal(c.dns.ports_count, 2);
	assert_int_equal(c.dns.ports[0], 5353);
	assert_int_equal(c.dns.ports[1], 53);
	assert_int_equal(c.eal.args_count, 2);
	assert_string_equal(c.eal.args[0], "-v");
	assert_string_equal(c.eal.args[1], "");
	assert_refused("{\"dns\":{\"ports\":[53,54,53]}}", "dns.ports: 53 is listed twice");
	assert_refused("{\"dns\":{\"ports\":[0]}}", "dns.ports: 0 is not within 1..65535");
	assert_refused("{\"dns\":{\"ports\":[65536]}}", "dns.ports: 65536 is not within 1..65535");
}

static void test_dns64(void **state)
{
	static const char name[] = "dns.dns64_prefixes: ";
	static const struct {
		const char *text, *why;
	} bad[] = {
		{"2001:db8::/33", "the length of a DNS64 prefix is 32, 40, 48, 56, 64 or 96 (RFC "
				  "6052)"},
		{"2001:db8::1", "the length of a DNS64 prefix is 32, 40, 48, 56, 64 or 96 (RFC "
				"6052)"},
		{"2001:db8::/129", "the length of an IPv6 prefix is 0 to 128"},
		{"2001:db8::/", "the length of an IPv6 prefix is 0 to 128"},
		{"2001:db8::/+32", "the length of an IPv6 prefix is 0 to 128"},
		{"2001:db8::/032", "the length of an IPv6 prefix is 0 to 128"},
		{"2001:db8::/32/96", "the length of an IPv6 prefix is 0 to 128"},
		{"2001:db8:1::/32", "bits are set behind the prefix's length"},
		{"2001:db8:0:0:100::/96", "bits 64 to 71 of a DNS64 prefix are zero (RFC 6052)"},
		{"10.0.0.0/8", "expected an IPv6 prefix such as \"2001:db8:64::/96\""},
		{"", "expected an IPv6 prefix such as \"2001:db8:64::/96\""},
		{"/96", "expected an IPv6 prefix such as \"2001:db8:64::/96\""},
		{"1111:2222:3333:4444:5555:6666:7777:8888:9999/96",
			"expected an IPv6 prefix such as \"2001:db8:64::/96\""},
	};
	struct config c;
	struct dns64 t;

	(void)state;
	assert_int_equal(parse(&c, "{}"), 0);
	config_dns64(&c, &t);
	assert_int_equal(t.count, 0);
	assert_int_equal(parse(&c, "{\"dns\":{\"dns64_prefixes\":[\"2001:db8::/32\","
				   "\"2001:DB8:1:2::/64\",\"2001:db8:0:64::/96\"]}}"),
		0);
	config_dns64(&c, &t);
	assert_int_equal(t.count, 3);
	assert_int_equal(t.prefix[0].len, 96);
	assert_int_equal(t.prefix[0].upper, 0x20010db800000064);
	assert_int_equal(t.prefix[1].len, 64);
	assert_int_equal(t.prefix[1].upper, 0x20010db800010002);
	assert_int_equal(t.prefix[2].len, 32);
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		char text[256], line[256];

		snprintf(
			text, sizeof(text), "{\"dns\":{\"dns64_prefixes\":[\"%s\"]}}", bad[i].text);
		snprintf(line, sizeof(line), "%s\"%s\": %s", name, bad[i].text, bad[i].why);
		assert_refused(text, line);
	}
}

static void test_resolvers(void **state)
{
	static const uint8_t in[] = {192, 0, 2, 7}, out[] = {192, 0, 3, 7};
	struct resolvers r;
	struct config c;

	(void)state;
	assert_int_equal(
		parse(&c, "{\"dns\":{\"resolvers\":[\"192.0.2.0/24\",\"2001:db8::53\"]}}"), 0);
	config_resolvers(&c, &r);
	assert_int_equal(r.count, 2);
	assert_true(resolvers_known(&r, in, 4));
	assert_false(resolvers_known(&r, out, 4));
	assert_refused("{\"dns\":{\"resolvers\":[\"ns1\"]}}",
		"dns.resolvers: \"ns1\": expected an IPv4 or IPv6 address or prefix");
	assert_refused("{\"dns\":{\"resolvers\":[\"192.0.2.0/33\"]}}",
		"dns.resolvers: \"192.0.2.0/33\": the length of an IPv4 prefix is 0 to 32");
	assert_refused("{\"dns\":{\"resolvers\":[\"192.0.2.1/24\"]}}",
		"dns.resolvers: \"192.0.2.1/24\": bits are set behind the prefix's length");
	assert_refused("{\"dns\":{\"resolvers\":[\"::/0\"]}}",
		"dns.resolvers: \"::/0\": a prefix of length 0 holds every server there is");
}

static void test_own(void **state)
{
	struct own_ranges own;
	struct config c;

	(void)state;
	assert_int_equal(
		parse(&c, "{\"networks\":{\"own\":[\"9.9.8.0/22\",\"2001:db8::/32\"]}}"), 0);
	config_own(&c, &own);
	assert_int_equal(own.n, 2);
	assert_true(own_holds(&own, 0x09090801));
	assert_true(own_holds(&own, 0x20010db800000001));
	assert_refused("{\"networks\":{\"own\":[\"9.9.8.0/21\",\"9.9.8.1/22\"]}}",
		"networks.own: \"9.9.8.1/22\": bits are set behind the prefix's length");
	assert_refused("{\"networks\":{\"own\":[\"0.0.0.0/0\"]}}",
		"networks.own: \"0.0.0.0/0\": a prefix of length 0 holds everybody's addresses");
	assert_refused("{\"networks\":{\"own\":[\"2001:db8::1\"]}}",
		"networks.own: \"2001:db8::1\": IPv6 addresses count by /64: at most 64 bits");
	assert_refused("{\"networks\":{\"own\":[\"fe80::/10\"]}}",
		"networks.own: \"fe80::/10\": global unicast IPv6 lies in 2000::/3");
}

/* A shorter value leaves nothing of a longer one behind, and a refused text changes nothing. */
static void test_over(void **state)
{
	static const char good[] = "{\"lcores\":\"0\",\"shard\":{\"entries\":2048},"
				   "\"log\":{\"level\":\"debug\"}}";
	static const char bad[] =
		"{\"workers\":3,\"ports\":[{\"device\":\"a\"}],\"epoch_seconds\":0}";
	struct config c, before;

	(void)state;
	config_defaults(&c);
	strcpy(c.lcores, "(0-3)@(0-1)");
	assert_int_equal(config_parse(&c, good, strlen(good), "a", err), 0);
	assert_string_equal(c.lcores, "0");
	assert_int_equal(c.shard.entries_log2, 11);
	assert_int_equal(c.log.level, LOG_LEVEL_DEBUG);
	assert_string_equal(log_level_name(c.log.level), "debug");
	assert_int_equal(c.shard.details_small, 131072);
	assert_int_equal(config_parse(&c, "{\"workers\":2}", 13, "a", err), 0);
	assert_string_equal(c.lcores, "0");
	before = c;
	assert_int_equal(config_parse(&c, bad, strlen(bad), "b", err), -EINVAL);
	assert_memory_equal(&c, &before, sizeof(c));
}

static void test_defaults(void **state)
{
	struct config c;

	(void)state;
	config_defaults(&c);
	assert_int_equal(c.epoch_seconds, 10);
	assert_int_equal(c.shard.entries_log2, 20);
	assert_int_equal(c.store.door_log2, 24);
	assert_int_equal(c.ports_count, 0);
	assert_true(c.eal.huge);
	assert_true(c.detect.min_addresses == 10);

	config_defaults_replay(&c);
	size_t octets = 6 * shard_size(&c.shard) + store_size(&c.store) +
			4 * ((size_t)8 << c.pairing.entries_log2);
	assert_in_range(octets, 1, (size_t)768 << 20);
	assert_true(c.detect.min_addresses == 10);
}

/* What the ranges allow, the tables take. */
static void test_table_sizes(void **state)
{
	struct shard_config shard = {10, 64, 64, 65536};
	struct store_config store = {10, 10, 64};

	(void)state;
	assert_int_not_equal(shard_size(&shard), 0);
	assert_int_not_equal(store_size(&store), 0);
	shard = (struct shard_config){26, 1u << 24, 1u << 24, 1u << 31};
	store = (struct store_config){30, 28, 4194304};
	assert_int_not_equal(shard_size(&shard), 0);
	assert_int_not_equal(store_size(&store), 0);
}

/* dump -> parse -> dump is the same text. */
static void test_dump(void **state)
{
	static const char text[] = "{\"ports\":[{\"device\":\"net_null0\",\"rx_descriptors\":64}],"
				   "\"detect\":{\"max_top_network_share\":0.45,\"clear_after\":0},"
				   "\"http\":{\"listen\":\"\"}}";
	char *dumped[2];
	size_t len[2];
	struct config c;

	(void)state;
	assert_int_equal(parse(&c, text), 0);
	for (unsigned i = 0; i < 2; i++) {
		FILE *f = open_memstream(&dumped[i], &len[i]);

		assert_int_equal(config_dump(&c, f), 0);
		fclose(f);
		config_defaults_replay(&c);
		assert_int_equal(config_parse(&c, dumped[i], len[i], "dump", err), 0);
	}
	assert_string_equal(dumped[0], dumped[1]);
	assert_non_null(strstr(dumped[0], "\"max_top_network_share\": 0.45,"));
	assert_non_null(strstr(dumped[0], "\"listen\": \"\""));
	free(dumped[0]);
	free(dumped[1]);
}

/* A running configuration takes what can change, and names what cannot. */
static void test_reload(void **state)
{
	struct config running, next, before;
	const char *paths[CONFIG_RESTART_MAX];
	const struct config_row *row;
	unsigned n, restart = 0;

	(void)state;
	for (size_t i = 0; (row = config_row_at(&config_table, i)); i++)
		restart += row->restart;
	assert_true(restart <= CONFIG_RESTART_MAX);
	assert_int_equal(parse(&running, "{}"), 0);
	assert_int_equal(config_needs_restart(&running, &running, paths, &n), 0);
	assert_int_equal(n, 0);
	assert_int_equal(
		parse(&next, "{\"workers\":3,\"store\":{\"domains\":128},\"dns\":{\"ports\":[53,"
			     "5300]},\"ports\":[{\"device\":\"net_null0\"}],\"detect\":{"
			     "\"min_growth_1h\":0.123456789},\"log\":{\"level\":\"debug\"},"
			     "\"networks\":{\"asn_db\":\"/a.mmdb\"}}"),
		0);
	assert_int_equal(config_needs_restart(&running, &next, paths, &n), 0);
	assert_int_equal(n, 4);
	assert_string_equal(paths[0], "workers");
	assert_string_equal(paths[1], "ports");
	assert_string_equal(paths[2], "dns.ports");
	assert_string_equal(paths[3], "store.domains");
	before = running;
	next.scorer.model.terms = 3;
	assert_int_equal(config_take(&running, &next), 0);
	assert_true(running.detect.min_growth_1h == 0.123456789);
	assert_int_equal(running.log.level, LOG_LEVEL_DEBUG);
	assert_string_equal(running.networks.asn_db, "/a.mmdb");
	assert_int_equal(running.scorer.model.terms, 3);
	running.scorer.model.terms = 0;
	/* All else is as it was: put back what was taken, and nothing differs. */
	running.detect.min_growth_1h = before.detect.min_growth_1h;
	running.log.level = before.log.level;
	memcpy(running.networks.asn_db, before.networks.asn_db, sizeof(before.networks.asn_db));
	assert_memory_equal(&running, &before, sizeof(before));
}

static void test_environment(void **state)
{
	struct config c;

	(void)state;
	config_defaults(&c);
	strcpy(c.networks.country_db, "/from/file");
	setenv("FLUXGATE_ASN_DB", "/a.mmdb", 1);
	setenv("FLUXGATE_COUNTRY_DB", "", 1);
	setenv("FLUXGATE_LISTEN", "[::1]:80", 1);
	assert_int_equal(config_environment(&c, err), 0);
	assert_string_equal(c.networks.asn_db, "/a.mmdb");
	assert_string_equal(c.networks.country_db, "");
	assert_string_equal(c.http.listen, "[::1]:80");

	setenv("FLUXGATE_LISTEN", "localhost:80", 1);
	assert_int_equal(config_environment(&c, err), -EINVAL);
	assert_non_null(
		strstr(err, "configuration: FLUXGATE_LISTEN: http.listen: \"localhost:80\": "));
	assert_string_equal(c.http.listen, "[::1]:80");
	unsetenv("FLUXGATE_LISTEN");
	unsetenv("FLUXGATE_ASN_DB");
	unsetenv("FLUXGATE_COUNTRY_DB");
	config_defaults(&c);
	assert_int_equal(config_environment(&c, err), 0);
	assert_string_equal(c.http.listen, "127.0.0.1:8953");

	setenv("FLUXGATE_CONFIG", "/c.json", 1);
	assert_string_equal(config_path(NULL), "/c.json");
	assert_string_equal(config_path("/d.json"), "/d.json");
	setenv("FLUXGATE_CONFIG", "", 1);
	assert_null(config_path(NULL));
	unsetenv("FLUXGATE_CONFIG");
	assert_null(config_path(NULL));
}

static void test_set_text(void **state)
{
	struct config c;

	(void)state;
	config_defaults(&c);
	assert_int_equal(config_set_text(&c, "networks.asn_db", "x", "--asn-db", err), 0);
	assert_string_equal(c.networks.asn_db, "x");
	assert_int_equal(config_set_text(&c, "networks.asn_db", "\xff", "--asn-db", err), -EINVAL);
	assert_string_equal(err, "configuration: --asn-db: networks.asn_db: is not UTF-8");
	assert_int_equal(config_set_text(&c, "workers", "2", "--workers", err), -EINVAL);
	assert_int_equal(config_set_text(&c, "no.such", "2", "--x", err), -EINVAL);
	assert_string_equal(c.networks.asn_db, "x");
}

/* What must stand together, and the line that says what is missing. */
static void test_http(void **state)
{
#define HTTP(text) "{\"http\":{" text "}}"
#define TLS "\"tls_certificate\":\"/c\",\"tls_key\":\"/k\""
	static const struct {
		const char *text, *missing; /* NULL: nothing */
	} cases[] = {
		{"{}", NULL},
		{HTTP("\"listen\":\"[::1]:80\"," TLS), NULL},
		{HTTP("\"listen\":\"\",\"tls_key\":\"/k\""), NULL},
		{HTTP("\"listen\":\"unix:/a\",\"token_file\":\"/t\""), NULL},
		{HTTP("\"listen\":\"0.0.0.0:80\",\"token_file\":\"/t\"," TLS), NULL},
		{HTTP("\"listen\":\"0.0.0.0:80\""),
			"missing: http.tls_certificate, http.tls_key, http.token_file;"},
		{HTTP("\"listen\":\"[::]:80\"," TLS), "missing: http.token_file;"},
		{HTTP("\"listen\":\"192.0.2.1:80\",\"token_file\":\"/t\",\"tls_key\":\"/k\""),
			"missing: http.tls_certificate;"},
		{HTTP("\"tls_key\":\"/k\""), "http.tls_certificate: is missing"},
		{HTTP("\"tls_certificate\":\"/c\""), "http.tls_key: is missing"},
		{HTTP("\"listen\":\"unix:/a\"," TLS), "a unix socket has no TLS"},
		{HTTP("\"admin_token_file\":\"/t\""), "http.audit_log: is missing"},
	};
	struct config c;

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		assert_int_equal(parse(&c, cases[i].text), 0);
		err[0] = '\0';
		assert_int_equal(config_http_check(&c.http, err), cases[i].missing ? -EINVAL : 0);
		if (!strstr(err, cases[i].missing ? cases[i].missing : ""))
			fail_msg("\"%s\" lacks \"%s\"", err, cases[i].missing);
	}
}

static void test_listen(void **state)
{
	static const char *const right[] = {
		"127.0.0.1:1", "0.0.0.0:65535", "[::1]:8953", "[fe80::1]:80", "unix:/a"};
	static const char *const wrong[] = {"", ":", "127.0.0.1", "127.0.0.1:", "127.0.0.1:0",
		"127.0.0.1:65536", "127.0.0.1:+8", "127.0.0.1: 8", "127.0.0.1:000080", "::1:80",
		"[::1]", "[::1:80", "[127.0.0.1]:80", "[]:80", "localhost:80", "127.1:80",
		"unix:", "unix:a", "unix:/", "unix:/a/",
		("unix:/1234567890123456789012345678901234567890123456789012345678901234567890123"
		 "4567890123456789012345678901234567"),
		"[::1]x:80", "[1111:2222:3333:4444:5555:6666:7777:8888:9999:0000]:80"};
	struct sockaddr_storage addr;
	socklen_t len;

	(void)state;
	for (size_t i = 0; i < sizeof(right) / sizeof(right[0]); i++)
		assert_int_equal(listen_parse(right[i], &addr, &len), 0);
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
		if (listen_parse(wrong[i], &addr, &len) == 0)
			fail_msg("\"%s\" was accepted", wrong[i]);
	assert_int_equal(listen_parse("127.0.0.1:8953", &addr, &len), 0);
	const struct sockaddr_in *in = (const struct sockaddr_in *)&addr;
	assert_int_equal(len, sizeof(*in));
	assert_int_equal(in->sin_family, AF_INET);
	assert_int_equal(ntohl(in->sin_addr.s_addr), 0x7f000001);
	assert_int_equal(ntohs(in->sin_port), 8953);
	assert_int_equal(listen_parse("[::1]:80", &addr, &len), 0);
	const struct sockaddr_in6 *in6 = (const struct sockaddr_in6 *)&addr;
	assert_int_equal(len, sizeof(*in6));
	assert_int_equal(in6->sin6_family, AF_INET6);
	assert_true(IN6_IS_ADDR_LOOPBACK(&in6->sin6_addr));
	assert_int_equal(ntohs(in6->sin6_port), 80);
	assert_int_equal(listen_parse("unix:/run/api.sock", &addr, &len), 0);
	assert_int_equal(addr.ss_family, AF_UNIX);
	assert_true(listen_is_local(&addr));
	assert_int_equal(listen_parse("0.0.0.0:80", &addr, &len), 0);
	assert_false(listen_is_local(&addr));
}

/* A file of this text, to be unlinked by the caller. */
static void file_write(char *path, const char *text, size_t len)
{
	strcpy(path, "/tmp/fluxgate-config-XXXXXX");
	int fd = mkstemp(path);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, text, len), (ssize_t)len);
	close(fd);
}

static void test_files(void **state)
{
	char path[64], *large = malloc(1u << 20);
	struct config c, before;

	(void)state;
	config_defaults(&c);
	before = c;
	assert_int_equal(config_read(&c, "/nowhere/c.json", err), -ENOENT);
	assert_string_equal(
		err, "configuration: /nowhere/c.json: cannot be read: No such file or directory");
	assert_int_equal(config_read(&c, "/", err), -EISDIR);
	assert_non_null(large);
	memset(large, ' ', 1u << 20);
	file_write(path, large, 1u << 20);
	assert_int_equal(config_read(&c, path, err), -EFBIG);
	assert_memory_equal(&c, &before, sizeof(c));
	unlink(path);
	free(large);

	file_write(path, "{\"workers\":7}", 13);
	assert_int_equal(config_read(&c, path, err), 0);
	assert_int_equal(c.workers, 7);
	unlink(path);
}

/* Points a stream elsewhere; returns what it pointed at. */
static int redirect(FILE *f, int fd)
{
	fflush(f);
	int before = dup(fileno(f));
	dup2(fd, fileno(f));
	close(fd);
	return before;
}

/* The exit code of check-config over a file of this text; its output is not looked at. */
static int check(const char *text, const char *option)
{
	char path[64], name[] = "check-config", opt[16];
	char *with[] = {name, opt, path, NULL}, *without[] = {name, path, NULL};

	file_write(path, text, strlen(text));
	snprintf(opt, sizeof(opt), "%s", option ? option : "");
	int out = redirect(stdout, open("/dev/null", O_WRONLY));
	int told = redirect(stderr, open("/dev/null", O_WRONLY));
	int rc = option ? config_check_main(3, with) : config_check_main(2, without);
	close(redirect(stdout, out));
	close(redirect(stderr, told));
	unlink(path);
	return rc;
}

static void test_check(void **state)
{
	char list[64], text[256];

	(void)state;
	file_write(list, "com\nuk\nco.uk\n", 13);
	snprintf(text, sizeof(text), "{\"networks\":{\"public_suffix_list\":\"%s\"}}", list);
	assert_int_equal(check(text, NULL), EXIT_CODE_OK);
	assert_int_equal(check(text, "--dump"), EXIT_CODE_OK);
	assert_int_equal(check(text, "--dmup"), EXIT_CODE_USAGE);
	assert_int_equal(check("{\"x\":1}", NULL), EXIT_CODE_CONFIG);
	assert_int_equal(check("{\"networks\":{\"public_suffix_list\":\"/nowhere\"}}", NULL),
		EXIT_CODE_DATABASE);
	snprintf(text, sizeof(text),
		"{\"networks\":{\"public_suffix_list\":\"%s\",\"asn_db\":\"%s\"}}", list, list);
	assert_int_equal(check(text, NULL), EXIT_CODE_DATABASE);
	unlink(list);
}

/* A file of the source tree, with NUL; NULL, and the test is skipped, without a tree. */
static char *source_read(const char *name)
{
	const char *root = getenv("FLUXGATE_SOURCE");
	char path[512], *text;
	size_t len;

	if (!root) {
		print_message("# FLUXGATE_SOURCE is not set\n");
		skip();
	}
	snprintf(path, sizeof(path), "%s/%s", root, name);
	text = file_read(path, 1u << 20, &len);
	if (!text)
		fail_msg("%s: %s", path, strerror(errno));
	text[len] = '\0';
	return text;
}

/* Says where two JSON values part. */
static void assert_same(const json_t *is, const json_t *should, const char *path)
{
	char below[256];
	const char *key;
	json_t *value;

	if (!json_is_object(is) || !json_is_object(should)) {
		char *text = json_dumps(should, JSON_ENCODE_ANY | JSON_INDENT(2));

		if (!json_equal(is, should))
			fail_msg("%s should be %s", path, text);
		free(text);
		return;
	}
	json_object_foreach((json_t *)(uintptr_t)is, key, value) if (!json_object_get(should, key))
		fail_msg("%s.%s is not in the table", path, key);
	json_object_foreach((json_t *)(uintptr_t)should, key, value)
	{
		snprintf(below, sizeof(below), "%s.%s", path, key);
		assert_same(json_object_get(is, key), value, below);
	}
}

static void test_schema(void **state)
{
	char *text = source_read("docs/fluxgate.schema.json");
	json_t *schema = json_loads(text, JSON_REJECT_DUPLICATES, NULL);
	struct config c;

	(void)state;
	config_defaults(&c);
	json_t *defaults = config_json(&c), *expected = schema_object(&config_table, defaults);

	assert_non_null(schema);
	assert_string_equal(json_string_value(json_object_get(schema, "$schema")),
		"https://json-schema.org/draft/2020-12/schema");
	json_object_del(schema, "$schema");
	json_object_del(schema, "title");
	json_object_del(schema, "description");
	assert_same(schema, expected, "");
	json_decref(schema);
	json_decref(expected);
	json_decref(defaults);
	free(text);
}

/* The rows are lines of the reference; returns how many. */
static unsigned reference_check(
	const char *text, const struct config_table *table, const char *prefix, const void *base)
{
	json_t *defaults = config_object_json(table, base);
	const struct config_row *row;
	unsigned n = 0;

	for (; (row = config_row_at(table, n)); n++) {
		char line[1024];

		reference_line(row, prefix, defaults, line, sizeof(line) - 1);
		strcat(line, "\n");
		if (!strstr(text, line))
			fail_msg("docs/configuration.md lacks the line\n%s", line);
	}
	json_decref(defaults);
	return n;
}

static void test_reference(void **state)
{
	char *text = source_read("docs/configuration.md");
	unsigned expected, lines = 0;
	struct config c;

	(void)state;
	config_defaults(&c);
	const struct config_table *port = config_row_find(&config_table, "ports")->element;
	expected = reference_check(text, &config_table, "", &c);
	expected += reference_check(text, port, "ports[].", port->initial);
	for (const char *p = text; (p = strstr(p, "\n| `")); p += 4)
		lines += p[4] >= 'a' && p[4] <= 'z';
	assert_int_equal(lines, expected);
	free(text);
}

static void test_example(void **state)
{
	char *text = source_read("deploy/fluxgate.json");
	struct config c;

	(void)state;
	if (parse(&c, text) != 0)
		fail_msg("%s", err);
	assert_int_equal(c.ports_count, 1);
	free(text);
}

#define MODEL_HEAD "{\"about\":\"x\",\"intercept\":-2,\"threshold\":0.9,\"terms\":["
#define MODEL_TERM(name, sign, weight) \
	"{\"feature\":\"" name "\",\"transform\":\"log1p\",\"low\":0,\"high\":5," \
	"\"sign\":\"" sign "\",\"weight\":" weight "}"

/* The text as a model's file; the path is in `path`. */
static int model_of(const char *text, struct model *m, char path[64])
{
	strcpy(path, "/tmp/fluxgate-model-XXXXXX");
	int fd = mkstemp(path);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, text, strlen(text)), strlen(text));
	close(fd);
	err[0] = '\0';
	int rc = model_read(m, path, err);
	unlink(path);
	return rc;
}

static void assert_model_refused(const char *text, const char *line)
{
	struct model m = {.terms = 7};
	char path[64], expected[ERROR_LINE_MAX];

	assert_int_equal(model_of(text, &m, path), -EINVAL);
	snprintf(expected, sizeof(expected), "configuration: %s: %s", path, line);
	assert_string_equal(err, expected);
	assert_int_equal(m.terms, 7);
}

static void test_model(void **state)
{
	struct config c;
	struct model m;
	char path[64];

	(void)state;
	assert_int_equal(model_of(MODEL_HEAD MODEL_TERM("growth", "raises", "1.5") "," MODEL_TERM(
					  "ttl_max", "lowers", "0") "]}",
				 &m, path),
		0);
	assert_int_equal(m.terms, 2);
	assert_int_equal(m.term[0].feature, FEATURE_growth);
	assert_int_equal(m.term[0].transform, MODEL_LOG1P);
	assert_int_equal(m.term[1].sign, MODEL_LOWERS);
	assert_true(m.intercept == -2 && m.threshold == 0.9 && m.term[0].weight == 1.5);

	assert_model_refused("[]", "expected an object at the top");
	assert_model_refused("{\"about\":\"x\",\"threshold\":0.9}", "intercept: is missing");
	assert_model_refused(MODEL_HEAD "]}", "terms: 0 entries, allowed are 1..64");
	assert_model_refused(MODEL_HEAD MODEL_TERM("growth", "raises", "-1") "]}",
		"terms[0].weight: -1: growth is to be 0 or more, as sign says");
	assert_model_refused(MODEL_HEAD MODEL_TERM("growth", "raises", "1") "," MODEL_TERM(
				     "ttl_max", "lowers", "1") "]}",
		"terms[1].weight: 1: ttl_max is to be 0 or less, as sign says");
	assert_model_refused(
		MODEL_HEAD "{\"feature\":\"growth\"}]}", "terms[0].transform: is missing");
	assert_int_equal(
		model_of(MODEL_HEAD MODEL_TERM("grwth", "raises", "1") "]}", &m, path), -EINVAL);
	assert_non_null(strstr(err, ": terms[0].feature: expected one of "));
	assert_int_equal(model_read(&m, "/nowhere/model.json", err), -ENOENT);
	assert_non_null(strstr(err, "/nowhere/model.json: detect.model cannot be read: "));

	/* Who decides, and the file that is needed for it. */
	assert_refused("{\"detect\":{\"scorer\":\"model\"}}",
		"detect.scorer: \"model\" needs detect.model, the path of a model's file");
	assert_int_equal(parse(&c, "{\"detect\":{\"scorer\":\"model\",\"model\":\"/x\"}}"), 0);
	assert_int_equal(c.scorer.by, SCORER_MODEL);
}

/* The model that comes with the program is one. */
static void test_model_file(void **state)
{
	char path[CONFIG_PATH_MAX];
	struct model m;

	(void)state;
	snprintf(path, sizeof(path), "%s/deploy/model.json", getenv("FLUXGATE_SOURCE"));
	err[0] = '\0';
	assert_int_equal(model_read(&m, path, err), 0);
	assert_true(m.terms > 3);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_rows),
		cmocka_unit_test(test_thresholds),
		cmocka_unit_test(test_unknown_keys),
		cmocka_unit_test(test_long_keys),
		cmocka_unit_test(test_syntax),
		cmocka_unit_test(test_ports),
		cmocka_unit_test(test_lists),
		cmocka_unit_test(test_dns64),
		cmocka_unit_test(test_resolvers),
		cmocka_unit_test(test_own),
		cmocka_unit_test(test_over),
		cmocka_unit_test(test_defaults),
		cmocka_unit_test(test_table_sizes),
		cmocka_unit_test(test_dump),
		cmocka_unit_test(test_reload),
		cmocka_unit_test(test_environment),
		cmocka_unit_test(test_set_text),
		cmocka_unit_test(test_listen),
		cmocka_unit_test(test_http),
		cmocka_unit_test(test_files),
		cmocka_unit_test(test_check),
		cmocka_unit_test(test_schema),
		cmocka_unit_test(test_reference),
		cmocka_unit_test(test_example),
		cmocka_unit_test(test_model),
		cmocka_unit_test(test_model_file),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
