/* SPDX-License-Identifier: BSD-3-Clause */

/* The text of /metrics. */

#include <limits.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "export/counters.h"
#include "export/json.h"
#include "export/prometheus.h"
#include "sample_snapshot.h"

static const struct about about = {"0.1.0", "DPDK 22.11.11", "live", "mirror of uplink 1", 1};

static const struct prometheus_sources nothing;

/* Every counter of the tree is in the metrics too, with its value. */
static void metric_expect(void *ctx, const struct counter_family *family,
	const char *const keys[COUNTER_DEPTH], uint64_t value)
{
	const char *text = ctx;
	char line[256];
	int n;

	if (!family->metric)
		return;
	n = snprintf(line, sizeof(line), "\nfluxgate_%s", family->metric);
	for (unsigned i = 0; i < COUNTER_DEPTH && keys[i]; i++)
		n += snprintf(line + n, sizeof(line) - (size_t)n, "%c%s=\"%s\"", i ? ',' : '{',
			family->label[i], keys[i]);
	snprintf(line + n, sizeof(line) - (size_t)n, "%s %llu\n", keys[0] ? "}" : "",
		(unsigned long long)value);
	if (!strstr(text, line))
		fail_msg("not in the metrics: %s", line + 1);
}

static void metrics_hold_all_counters(void **state)
{
	(void)state;
	struct snapshot *s = sample_snapshot(20);
	size_t len = 0;
	char *text = prometheus_text(&about, s, SAMPLE_TIME - 900, &nothing, &len);

	assert_non_null(text);
	assert_int_equal(strlen(text), len);
	counters_each(s, metric_expect, text);
	assert_non_null(strstr(text, "\nfluxgate_build_info{version=\"0.1.0\","));
	assert_non_null(
		strstr(text, "\nfluxgate_worker_frames_total{worker=\"1\",lcore=\"2\"} 501\n"));
	assert_non_null(
		strstr(text, "\nfluxgate_port_missed_packets_total{port=\"net_af_packet0\"} 12\n"));
	assert_non_null(strstr(text,
		"\nfluxgate_port_xdp_frames_total{port=\"net_af_xdp0\",cause=\"redirect_dns_tcp\"}"
		" 701\n"));
	assert_null(strstr(text, "xdp_frames_total{port=\"net_af_packet0\""));
	assert_non_null(strstr(text, "\nfluxgate_degraded{reason=\"no_asn_db\"} 1\n"));
	assert_non_null(strstr(text, "\nfluxgate_degraded{reason=\"nic_loss\"} 0\n"));
	assert_non_null(
		strstr(text, "\nfluxgate_worker_epochs_behind{worker=\"1\",lcore=\"2\"} 5\n"));
	assert_non_null(strstr(text, "\nfluxgate_config_reloads_refused_total 2\n"));
	assert_non_null(strstr(text, "\nfluxgate_config_keys_waiting 2\n"));
	assert_non_null(strstr(
		text, "\nfluxgate_flagged_domains{class=\"double_flux\",suspected=\"true\"} 1\n"));
	assert_non_null(strstr(text, "\nfluxgate_visibility_flows{transport=\"doh\"} 4\n"));
	assert_non_null(strstr(text, "\nfluxgate_visibility_clients{dns=\"plain\"} "));
	assert_non_null(strstr(text, "\nfluxgate_visibility_encrypted_client_share 0."));
	assert_non_null(strstr(text, "\nfluxgate_merge_seconds 0.001234567\n"));
	assert_non_null(
		strstr(text, "\nfluxgate_merge_duration_seconds_bucket{le=\"0.000128\"} 12\n"));
	assert_non_null(
		strstr(text, "\nfluxgate_merge_duration_seconds_bucket{le=\"0.016384\"} 90\n"));
	assert_non_null(strstr(text, "\nfluxgate_merge_duration_seconds_bucket{le=\"+Inf\"} 91\n"));
	assert_non_null(strstr(text, "\nfluxgate_merge_duration_seconds_sum 0.060950\n"));
	assert_non_null(strstr(text, "\nfluxgate_merge_duration_seconds_count 91\n"));
	assert_non_null(
		strstr(text, "\nfluxgate_worker_heartbeat_age_seconds{worker=\"1\",lcore=\"2\"} "));
	assert_non_null(strstr(text, "\nfluxgate_snapshot_age_seconds "));
	assert_non_null(strstr(text, "\nfluxgate_epoch_lag_seconds_bucket{le=\"0.032768\"} 0\n"));
	assert_non_null(strstr(text, "\nfluxgate_epoch_lag_seconds_bucket{le=\"0.065536\"} 1\n"));
	assert_non_null(strstr(text, "\nprocess_cpu_seconds_total "));
	assert_non_null(strstr(text, "\nprocess_resident_memory_bytes "));
	assert_non_null(strstr(text, "\nprocess_start_time_seconds "));
	assert_non_null(strstr(text, "\nprocess_open_fds "));
	assert_null(strstr(text, "flux-00")); /* no names of domains */
	free(text);
	snapshot_put(s);
}

/* Sums of what is below them in the tree: Prometheus adds up by itself. */
static bool is_sum(const char *path)
{
	static const char *const sums[] = {".fragments.taken", ".datagrams.reassembled",
		".tcp.octets.taken", ".dns.messages", ".early_responses.taken"};

	for (size_t i = 0; i < sizeof(sums) / sizeof(sums[0]); i++)
		if (strcmp(path, sums[i]) == 0)
			return true;
	return false;
}

/* Every number of the sample differs from every other, so a value stands for its counter. */
static unsigned leaves_expect(const char *text, const char *path, json_t *tree)
{
	char below[256], value[64];
	const char *key;
	unsigned n = 0;
	json_t *child;

	if (!json_is_object(tree)) {
		snprintf(value, sizeof(value), " %lld\n", (long long)json_integer_value(tree));
		if (!is_sum(path) && !strstr(text, value))
			fail_msg("%s is in the tree, %s not in the metrics", path, value);
		return 1;
	}
	json_object_foreach(tree, key, child)
	{
		snprintf(below, sizeof(below), "%.150s.%.100s", path, key);
		n += leaves_expect(text, below, child);
	}
	return n;
}

/* The other way round: what the JSON tells, the metrics tell, whoever declared it. */
static void metrics_hold_the_tree(void **state)
{
	(void)state;
	struct snapshot *s = sample_snapshot(0);
	json_t *tree = export_accounting(s);
	size_t len = 0;
	char *text = prometheus_text(&about, s, SAMPLE_TIME, &nothing, &len);

	assert_int_equal(json_object_del(tree, "port"), 0);
	assert_true(leaves_expect(text, "", tree) > 150);
	json_decref(tree);
	free(text);
	snapshot_put(s);
}

/* Routes are ours, never what was asked for; those that nobody asked are there with 0. */
static void metrics_count_requests(void **state)
{
	(void)state;
	static struct request_counts requests;
	const struct prometheus_sources sources = {.requests = &requests};
	size_t len = 0;

	request_route_add(&requests, "/metrics", false);
	request_route_add(&requests, "/api/v1/domains/", true);
	request_count(&requests, 1, 404);
	request_count(&requests, 1, 404);
	request_count(&requests, 1, 507);
	request_count(&requests, 1, 418);
	request_count(&requests, UINT_MAX, 404);
	char *text = prometheus_text(&about, NULL, SAMPLE_TIME, &sources, &len);
	assert_non_null(strstr(text,
		"# TYPE fluxgate_http_requests_total counter\n"
		"fluxgate_http_requests_total{route=\"/metrics\",code=\"200\"} 0\n"
		"fluxgate_http_requests_total{route=\"/api/v1/domains/{name}\",code=\"200\"} 0\n"
		"fluxgate_http_requests_total{route=\"/api/v1/domains/{name}\",code=\"404\"} 2\n"
		"fluxgate_http_requests_total{route=\"/api/v1/domains/{name}\",code=\"507\"} 1\n"
		"fluxgate_http_requests_total{route=\"/api/v1/domains/{name}\",code=\"other\"} "
		"1\n"
		"fluxgate_http_requests_total{route=\"none\",code=\"404\"} 1\n"));
	free(text);
}

static void metrics_tell_of_blocking(void **state)
{
	(void)state;
	static const struct rpz_picture picture = {.mode = RPZ_BLOCK,
		.serial = 4711,
		.listed = 12,
		.waiting = 3,
		.additions = 7,
		.frozen_since = SAMPLE_TIME,
		.error = "disk full"};
	const struct prometheus_sources sources = {.blocking = &picture};
	size_t len = 0;
	char *text = prometheus_text(&about, NULL, SAMPLE_TIME, &sources, &len);

	assert_non_null(strstr(text, "\nfluxgate_blocking_mode{mode=\"log\"} 0\n"));
	assert_non_null(strstr(text, "\nfluxgate_blocking_mode{mode=\"block\"} 1\n"));
	assert_non_null(strstr(text, "\nfluxgate_blocking_listed_domains 12\n"));
	assert_non_null(strstr(text, "\nfluxgate_blocking_waiting_domains 3\n"));
	assert_non_null(strstr(text, "\nfluxgate_blocking_additions 7\n"));
	assert_non_null(strstr(text, "\nfluxgate_blocking_frozen 1\n"));
	assert_non_null(strstr(text, "\nfluxgate_blocking_behind 1\n"));
	assert_non_null(strstr(text, "\nfluxgate_blocking_serial 4711\n"));
	free(text);
}

/* Length of what a histogram's samples have behind the family's name. */
static size_t suffix_of(const char *text)
{
	static const char *const suffixes[] = {"_bucket{", "_sum ", "_count "};

	for (size_t i = 0; i < 3; i++)
		if (strncmp(text, suffixes[i], strlen(suffixes[i])) == 0)
			return strlen(suffixes[i]) - 1;
	fail_msg("no sample of a histogram: %s", text);
	return 0;
}

/* Format: one HELP and TYPE a family, its samples right behind them, counters end in _total. */
static void metrics_are_well_formed(void **state)
{
	(void)state;
	struct snapshot *s = sample_snapshot(3);
	char family[128] = "", seen[16384] = "", key[160];
	size_t len = 0;
	bool histogram = false;

	snprintf(s->port[0].name, sizeof(s->port[0].name), "a\"b\\c\nd\xff");
	char *text = prometheus_text(&about, s, SAMPLE_TIME, &nothing, &len);
	assert_non_null(strstr(text, "{port=\"a\\\"b\\\\c?d?\"}"));
	for (char *save, *line = strtok_r(text, "\n", &save); line;
		line = strtok_r(NULL, "\n", &save)) {
		if (strncmp(line, "# HELP ", 7) == 0) {
			snprintf(family, sizeof(family), "%.*s", (int)strcspn(line + 7, " "),
				line + 7);
			snprintf(key, sizeof(key), "|%s|", family);
			assert_null(strstr(seen, key));
			strcat(seen, key);
		} else if (strncmp(line, "# TYPE ", 7) == 0) {
			const char *type = strrchr(line, ' ') + 1;
			size_t n = strlen(family);
			bool total = n > 6 && strcmp(family + n - 6, "_total") == 0;
			assert_int_equal(strncmp(line + 7, family, n), 0);
			histogram = strcmp(type, "histogram") == 0;
			if (!histogram)
				assert_string_equal(type, total ? "counter" : "gauge");
		} else {
			char *end;
			size_t n = strlen(family);
			assert_int_equal(strncmp(line, family, n), 0);
			if (histogram)
				n += suffix_of(line + n);
			assert_true(line[n] == ' ' || line[n] == '{');
			strtod(strrchr(line, ' ') + 1, &end);
			assert_int_equal(*end, '\0');
		}
	}
	free(text);
	snapshot_put(s);
}

/* Before the first epoch there is the program to tell of, and nothing else. */
static void metrics_without_snapshot(void **state)
{
	(void)state;
	size_t len = 0;
	char *text = prometheus_text(&about, NULL, SAMPLE_TIME, &nothing, &len);

	assert_non_null(strstr(text, "\nfluxgate_ready 0\n"));
	assert_null(strstr(text, "packets"));
	free(text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(metrics_hold_all_counters),
		cmocka_unit_test(metrics_hold_the_tree),
		cmocka_unit_test(metrics_count_requests),
		cmocka_unit_test(metrics_tell_of_blocking),
		cmocka_unit_test(metrics_are_well_formed),
		cmocka_unit_test(metrics_without_snapshot),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
